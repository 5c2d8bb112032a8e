"""MedQA-USMLE (Jin et al. 2020, arXiv:2009.13081): US medical licensing exams with four options. Test split, 0-shot.

The prompt of lm-evaluation-harness (medqa_4options), whose numbers are quoted. ppl: the likeliest of " A" to " D" after
"Answer:". gen: the letter that is written. `step` is the part of the exam.
"""

from proctor import Benchmark, Sample, generate, rank
from proctor.extract import choice_letter

medqa_usmle = Benchmark(
    "medqa-usmle",
    main="accuracy",
    version=2,
    prompt="Question: {{ question }}\n{% for c in choices %}{{ 'ABCD'[loop.index0] }}. {{ c }}\n{% endfor %}Answer:",
    answer=" {{ target }}\n\n",
)


@medqa_usmle.rows
def read(row):
    if row["options"][row["answer_idx"]] != row["answer"]:
        raise ValueError(f"answer is {row['answer']!r}, but answer_idx names {row['options'][row['answer_idx']]!r}")
    return Sample(
        question=row["question"],
        choices=[row["options"][letter] for letter in "ABCD"],
        target=row["answer_idx"],
        groups={"step": row["meta_info"]},
    )


@medqa_usmle.test(rank("ABCD"), default=True)
def test_medqa_usmle_ppl(sample, output, score):
    score(output.choice, accuracy=output.choice == sample.target)


@medqa_usmle.test(generate(max_tokens=16, stop=["\n\n"]))
def test_medqa_usmle_gen(sample, output, score):
    answer = choice_letter(output.text, "ABCD")
    score(answer, accuracy=answer == sample.target)
