"""MedQA-MCMLE (Jin et al. 2020, arXiv:2009.13081): Chinese medical licensing exams, four options. Test split, 0-shot.

The prompt of UltraEval (medqa-mcmle), where the first option stands on the line of "选项：". ppl: the likeliest of "A"
to "D" after "答案：", as for the other medical exams; UltraEval ranks the options' texts there, so that its ppl numbers
are others. gen: the letter that is written. `chapter` is the part of the book that a question comes from.
"""

from proctor import Benchmark, Sample, generate, rank
from proctor.extract import choice_letter

medqa_mcmle = Benchmark(
    "medqa-mcmle",
    main="accuracy",
    version=2,
    prompt="问题：{{ question }}\n选项：{% for c in choices %}{{ 'ABCD'[loop.index0] }}. {{ c }}\n{% endfor %}答案：",
    answer="{{ target }}\n\n",
)


@medqa_mcmle.rows
def read(row):
    if row["options"][row["answer_idx"]] != row["answer"]:
        raise ValueError(f"answer is {row['answer']!r}, but answer_idx names {row['options'][row['answer_idx']]!r}")
    return Sample(
        question=row["question"],
        choices=[row["options"][letter] for letter in "ABCD"],
        target=row["answer_idx"],
        groups={"chapter": row["meta_info"]},
    )


@medqa_mcmle.test(rank("ABCD", prefix=""), default=True)
def test_medqa_mcmle_ppl(sample, output, score):
    score(output.choice, accuracy=output.choice == sample.target)


@medqa_mcmle.test(generate(max_tokens=16, stop=["\n\n"]))
def test_medqa_mcmle_gen(sample, output, score):
    answer = choice_letter(output.text, "ABCD")
    score(answer, accuracy=answer == sample.target)
