"""RTE (Dagan et al. 2006 to Bentivogli et al. 2009), SuperGLUE's validation split (arXiv:1905.00537): entailment.

ppl: the protocol whose numbers are quoted (lm-evaluation-harness's sglue_rte, 0-shot): the likelier of " True"
(entailment) and " False" (not_entailment). gen: the same prompt, and what is written is read as true or false.
accuracy: share of right answers.
"""

from proctor import Benchmark, Sample, generate, rank
from proctor.extract import boolean

LABELS = {"entailment": "True", "not_entailment": "False"}

rte = Benchmark(
    "rte",
    main="accuracy",
    version=2,
    prompt="{{ passage }}\nQuestion: {{ question }} True or False?\nAnswer:",
    answer=" {{ target }}\n\n",
)


@rte.rows
def read(row):
    return Sample(
        passage=row["premise"],
        question=row["hypothesis"],
        choices=list(LABELS.values()),
        target=LABELS[row["label"]],
        cluster=row["premise"],
    )


@rte.test(rank(), default=True)
def test_rte_ppl(sample, output, score):
    score(output.choice, accuracy=output.choice == sample.target)


@rte.test(generate(max_tokens=32, stop=["\n\n"]))
def test_rte_gen(sample, output, score):
    answer = {True: "True", False: "False"}.get(boolean(output.text))
    score(answer, accuracy=answer == sample.target)
