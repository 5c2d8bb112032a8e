"""PIQA (Bisk et al. 2020, arXiv:1911.11641): which of two ways reaches a goal? Validation split, 0-shot.

ppl: lm-evaluation-harness' piqa, the solutions ranked after "Question: goal\nAnswer:", as they are written, with what
spaces they end in. acc: by log-likelihood, which is mostly quoted; acc_norm: per byte of the solution; acc_norm_chars:
per character, which lm-evaluation-harness calls acc_norm. gen: OpenCompass' prompt (piqa_gen), which names a letter.
"""

from proctor import Benchmark, Sample, generate, rank
from proctor.extract import choice_letter
from proctor.metrics import accuracies

piqa = Benchmark(
    "piqa",
    main="acc",
    version=2,
    prompt="Question: {{ question }}\nAnswer:",
    answer=" {{ choices['AB'.index(target)] }}\n\n",
)


@piqa.rows
def read(row):
    return Sample(
        question=row["goal"],
        choices=[row["sol1"], row["sol2"]],
        target={"0": "A", "1": "B"}[row["label"].strip()],
        cluster=row["goal"],  # 62 of 1,838 rows share one
    )


@piqa.test(rank(), default=True)
def test_piqa_ppl(sample, output, score):
    score(output.letter(), **accuracies(output, sample.target))


@piqa.test(
    generate(max_tokens=16, stop=["\n\n"]),
    prompt="{{ question }}\n{% for c in choices %}{{ 'AB'[loop.index0] }}. {{ c }}\n{% endfor %}Answer:",
    answer=" {{ target }}\n\n",
)
def test_piqa_gen(sample, output, score):
    answer = choice_letter(output.text, "AB")
    score(answer, acc=answer == sample.target)
