"""MedMCQA (Pal et al. 2022, arXiv:2203.14371): Indian medical entrance exams. Dev split, 0-shot.

The labels of the test split are secret. The prompt of lm-evaluation-harness (medmcqa), whose numbers are quoted.
ppl: the likeliest of " A" to " D" after "Answer:". gen: the letter that is written. `cop` counts the right option from
1 in the authors' files; hub datasets count it from 0: such a file is refused at its first 0, for the other numbers
would be read as the wrong options.
"""

from proctor import Benchmark, Sample, generate, rank
from proctor.extract import choice_letter

medmcqa = Benchmark(
    "medmcqa",
    main="accuracy",
    version=2,
    prompt="Question: {{ question }}\nChoices:\n"
    "{% for c in choices %}{{ 'ABCD'[loop.index0] }}. {{ c }}\n{% endfor %}Answer:",
    answer=" {{ target }}\n\n",
)


@medmcqa.rows
def read(row):
    if row["cop"] not in (1, 2, 3, 4):
        raise ValueError(f"cop is {row['cop']!r}, not 1 to 4: is this a release that counts options from 0?")
    return Sample(
        question=row["question"],
        choices=[row[column] for column in ("opa", "opb", "opc", "opd")],
        target="ABCD"[row["cop"] - 1],
        groups={"subject": row["subject_name"]},
    )


@medmcqa.test(rank("ABCD"), default=True)
def test_medmcqa_ppl(sample, output, score):
    score(output.choice, accuracy=output.choice == sample.target)


@medmcqa.test(generate(max_tokens=16, stop=["\n\n"]))
def test_medmcqa_gen(sample, output, score):
    answer = choice_letter(output.text, "ABCD")
    score(answer, accuracy=answer == sample.target)
