"""BoolQ (Clark et al. 2019, arXiv:1905.10044), SuperGLUE's validation split (arXiv:1905.00537): a question, yes or no.

ppl: the protocol whose numbers are quoted (lm-evaluation-harness, 0-shot): the likelier of " no" and " yes" after
"Answer:"; passages keep the article's title before " -- ". gen: the same prompt, and what is written is read as yes or
no. accuracy: share of right answers.
"""

from proctor import Benchmark, Sample, generate, rank
from proctor.extract import boolean

boolq = Benchmark(
    "boolq",
    main="accuracy",
    version=2,
    prompt="{{ passage }}\nQuestion: {{ question }}?\nAnswer:",
    answer=" {{ target }}\n\n",
)


@boolq.rows
def read(row):
    return Sample(
        question=row["question"],
        passage=row["passage"],
        choices=["no", "yes"],
        target={False: "no", True: "yes"}[row["label"]],
        cluster=row["passage"].partition(" -- ")[0],
    )


@boolq.test(rank(), default=True)
def test_boolq_ppl(sample, output, score):
    score(output.choice, accuracy=output.choice == sample.target)


@boolq.test(generate(max_tokens=32, stop=["\n\n"]))
def test_boolq_gen(sample, output, score):
    answer = {True: "yes", False: "no"}.get(boolean(output.text))
    score(answer, accuracy=answer == sample.target)
