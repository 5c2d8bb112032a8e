"""AX-b, SuperGLUE's broad-coverage diagnostics (arXiv:1905.00537; GLUE's, arXiv:1804.07461): entailment by phenomenon.

Asked as RTE is, whose labels it has: SuperGLUE wants one model's answers to both. ppl: the likelier of " True"
(entailment) and " False" (not_entailment). gen: the same prompt, and what is written is read as true or false.
accuracy: share of right answers; mcc: Matthews' correlation, SuperGLUE's metric. Groups: the four kinds of phenomenon,
and within each what the authors say the sample is about.
"""

from proctor import Benchmark, Sample, generate, rank
from proctor.extract import boolean
from proctor.metrics import matthews

LABELS = {"entailment": "True", "not_entailment": "False"}
KINDS = ["lexical-semantics", "predicate-argument-structure", "logic", "knowledge"]

ax_b = Benchmark(
    "ax-b",
    main="accuracy",
    version=2,
    prompt="{{ passage }}\nQuestion: {{ question }} True or False?\nAnswer:",
    answer=" {{ target }}\n\n",
    aggregate={"mcc": matthews},
)


@ax_b.rows
def read(row):
    return Sample(
        passage=row["sentence1"],
        question=row["sentence2"],
        choices=list(LABELS.values()),
        target=LABELS[row["label"]],
        groups={kind: ";".join(sorted(row[kind].split(";"))) for kind in KINDS if row.get(kind)},
        cluster=str(int(row["idx"]) // 2),  # both directions of a pair of sentences
    )


def judged(sample, answer, score):
    classes = {"False": 0, "True": 1}
    score(answer, accuracy=answer == sample.target, mcc=(classes.get(answer, -1), classes[sample.target]))


@ax_b.test(rank(), default=True)
def test_ax_b_ppl(sample, output, score):
    judged(sample, output.choice, score)


@ax_b.test(generate(max_tokens=32, stop=["\n\n"]))
def test_ax_b_gen(sample, output, score):
    judged(sample, {True: "True", False: "False"}.get(boolean(output.text)), score)
