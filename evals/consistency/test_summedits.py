"""SummEdits (Laban et al. 2023, arXiv:2305.14540): is an edited summary still consistent with its document? 10 domains.

gen: the authors' zero-shot prompt (standard_zs_prompt.txt of salesforce/factualNLG), to which models are to begin their
answer with Yes or No. ppl: the likelier of " Yes" and " No" after the same question and "Answer:".
balanced_accuracy: the mean of the recall of both labels; the authors report it by domain and average over the domains
(the report's `macro`). All rows are asked. Summaries of one document are a cluster.
"""

from proctor import Benchmark, Sample, generate, rank
from proctor.extract import label
from proctor.metrics import balanced_accuracy

LABELS = ("No", "Yes")
ASKED = (
    'Given the document below, you have to determine if "Yes" or "No", the summary is factually consistent with the '
    "document.\n\nDocument:\n{{ passage }}\n\nSummary:\n{{ question }}\n\n"
    "Is the summary factually consistent with the document? (Yes/No)\n"
)
BEGIN = (
    'Start your answer explicitly with "Yes" or "No", and if you answer no, explain which sentence is inconsistent and '
    "why."
)

summedits = Benchmark(
    "summedits",
    main="balanced_accuracy",
    version=2,
    aggregate={"balanced_accuracy": balanced_accuracy},
    prompt=ASKED + BEGIN,
)


@summedits.rows
def read(row, file):
    return Sample(
        question=row["summary"],
        passage=row["doc"],
        target=LABELS[(0, 1).index(row["label"])],
        groups={"domain": file.removeprefix("summedits_")},
        cluster=row["id"].rpartition("_")[0],
    )


def judge(sample, score, answer):
    gold, found = LABELS.index(sample.target), -1 if answer is None else LABELS.index(answer)
    score(answer, balanced_accuracy=(found, gold), accuracy=found == gold)


@summedits.test(generate(max_tokens=256), default=True)
def test_summedits_gen(sample, output, score):
    judge(sample, score, label(output.text, {name: [name] for name in LABELS}))


@summedits.test(rank(LABELS), prompt=ASKED + "Answer:", answer=" {{ target }}\n\n")
def test_summedits_ppl(sample, output, score):
    judge(sample, score, output.choice)
