"""Versus: 16 open tasks of 8 categories in English and Chinese; a judge model says whether an answer beats another one.

Written for this project, after the pairwise judging of MT-bench (Zheng et al. 2023, arXiv:2306.05685): 0-shot, the task
as it is; greedy, in 1024 tokens. The judge is asked twice, with the model's answer shown first and second; where both
opinions differ it is a tie. The other answer is that of a run (`--against=RUN`), or one that comes along: a plain one,
often with a mistake, which a good model should beat. win_rate: a win counts 1, a tie 1/2; 50 stands for equal. An empty
answer loses and one that is the same as the other is a tie, and nobody is asked. `answer` of a row is a better one than
that which comes along: the gold answer of the self-checks, which no judge is shown.
"""

from proctor import Benchmark, Sample, compared

WORTH = {"win": 1, "tie": 0.5, "loss": 0}

versus = Benchmark("versus", main="win_rate", prompt="{{ question }}")


@versus.rows
def read(row, file):
    return Sample(
        question=row["question"],
        reference=row.get("reference", ""),
        target=row["answer"],
        groups={"category": file, "language": row["language"]},
        metadata={"baseline": row["baseline"]},
    )


def bundled(sample):
    return sample.metadata["baseline"]


@versus.test(compared(bundled, max_tokens=1024))
def test_versus(sample, output, score):
    verdict = output.verdict
    score(verdict if output.answer else None, win_rate=WORTH[verdict], wins=verdict == "win", losses=verdict == "loss")
