"""Social IQa (Sap et al. 2019, arXiv:1904.09728): what people feel, want and do. Dev split, 0-shot.

ppl: lm-evaluation-harness' social_iqa, the three answers ranked after "Q: context question\nA:". acc: by
log-likelihood, which is quoted; acc_norm: per byte of the answer; acc_norm_chars: per character.
gen: OpenCompass' prompt (siqa_gen), which names a letter.
"""

from proctor import Benchmark, Sample, generate, rank
from proctor.extract import choice_letter
from proctor.metrics import accuracies

siqa = Benchmark(
    "siqa",
    main="acc",
    version=2,
    prompt="Q: {{ passage }} {{ question }}\nA:",
    answer=" {{ choices['ABC'.index(target)] }}\n\n",
)


@siqa.rows
def read(row):
    return Sample(
        passage=row["context"],
        question=row["question"],
        choices=[row["answerA"], row["answerB"], row["answerC"]],
        target={"1": "A", "2": "B", "3": "C"}[row["label"].strip()],
        cluster=row["context"],  # 48 of 1,954 rows share one
    )


@siqa.test(rank(), default=True)
def test_siqa_ppl(sample, output, score):
    score(output.letter(), **accuracies(output, sample.target))


@siqa.test(
    generate(max_tokens=16, stop=["\n\n"]),
    prompt="{{ passage }}\nQuestion: {{ question }}\n"
    "{% for c in choices %}{{ 'ABC'[loop.index0] }}. {{ c }}\n{% endfor %}Answer:",
    answer=" {{ target }}\n\n",
)
def test_siqa_gen(sample, output, score):
    answer = choice_letter(output.text, "ABC")
    score(answer, acc=answer == sample.target)
