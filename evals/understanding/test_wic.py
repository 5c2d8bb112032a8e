"""WiC (Pilehvar & Camacho-Collados 2019, arXiv:1808.09121), SuperGLUE's validation split (arXiv:1905.00537).

Is a word used in the same sense in two sentences? ppl: the protocol whose numbers are quoted (lm-evaluation-harness,
0-shot): the word as sentence 1 has it, and the likelier of " no" and " yes". gen: the same prompt, and what is written
is read as yes or no. accuracy: share of right answers; chance is 50.
"""

from proctor import Benchmark, Sample, generate, rank
from proctor.extract import boolean

wic = Benchmark(
    "wic",
    main="accuracy",
    version=2,
    prompt=(
        "Sentence 1: {{ sentence1 }}\nSentence 2: {{ sentence2 }}\n"
        "Question: Is the word '{{ question }}' used in the same way in the two sentences above?\nAnswer:"
    ),
    answer=" {{ target }}\n\n",
)


@wic.rows
def read(row):
    return Sample(
        question=row["sentence1"][row["start1"] : row["end1"]],
        choices=["no", "yes"],
        target={False: "no", True: "yes"}[row["label"]],
        metadata={"word": row["word"], "sentence1": row["sentence1"], "sentence2": row["sentence2"]},
    )


@wic.test(rank(), default=True)
def test_wic_ppl(sample, output, score):
    score(output.choice, accuracy=output.choice == sample.target)


@wic.test(generate(max_tokens=32, stop=["\n\n"]))
def test_wic_gen(sample, output, score):
    answer = {True: "yes", False: "no"}.get(boolean(output.text))
    score(answer, accuracy=answer == sample.target)
