"""Freeform: 32 open tasks of 8 categories in English and Chinese, graded from 1 to 5 by a judge model.

Written for this project, after MT-bench's categories and single grading (Zheng et al. 2023, arXiv:2306.05685): 0-shot,
the task as it is; greedy, in 1024 tokens. The judge sees the task, the answer without its thinking, and what a right
answer comes to, where there is one. grade: (grade - 1) / 4, so that 100 stands for 5; top: share of answers graded 5.
An empty answer counts as graded 1, and nobody is asked. `answer` of a row is one that deserves a 5: the gold answer of
the self-checks, which no judge is shown.
"""

from proctor import Benchmark, Sample, graded

RUBRIC = """\
5: does all that the task asks, and correctly: every claim, step and result is right, each condition on length, form
   and language is kept, and it is as well written as a careful expert would write it
4: right and helpful, with one small flaw: a condition missed by little, an awkward passage, a thin explanation
3: partly right: the core is there, but something that was asked is missing or wrong, or it is far too long or short
2: mostly wrong or of little use: a wrong result with a right beginning, a few usable words beside the task
1: wrong, off the task, not understandable, or refused without a reason"""

freeform = Benchmark("freeform", main="grade", prompt="{{ question }}")


@freeform.rows
def read(row, file):
    return Sample(
        question=row["question"],
        reference=row.get("reference", ""),
        target=row["answer"],
        groups={"category": file, "language": row["language"]},
    )


@freeform.test(graded(RUBRIC, max_tokens=1024))
def test_freeform(sample, output, score):
    score(output.grade, grade=output.share, top=output.share == 1)
