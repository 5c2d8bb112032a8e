"""CMNLI: MultiNLI translated into Chinese (Xu et al. 2020, CLUE, arXiv:2004.05986). Development split, 0-shot.

Both prompts are OpenCompass's, whose numbers are quoted. ppl (CLUE_cmnli_ppl_fdc6de): which of 蕴含, 矛盾, 无关 is the
likeliest next line; OpenCompass divides by the tokens of the whole text, here the label alone is scored. gen
(CLUE_cmnli_gen_1abf97): a letter. Rows labelled "-", on which the annotators did not agree, are left out, as
OpenCompass does.
"""

from proctor import Benchmark, Sample, generate, rank
from proctor.extract import choice_letter

QUESTION = "语句一：“{{ passage }}”\n语句二：“{{ question }}”\n请问这两句话是什么关系？\n"
LABELS = {"entailment": "A", "contradiction": "B", "neutral": "C"}

cmnli = Benchmark("cmnli", main="accuracy", version=2, prompt=QUESTION, answer="{{ choices['ABC'.index(target)] }}\n\n")


@cmnli.rows
def read(row):
    if row["label"] == "-":
        return "the annotators agreed on no label"
    return Sample(
        passage=row["sentence1"],
        question=row["sentence2"],
        choices=["蕴含", "矛盾", "无关"],
        target=LABELS[row["label"]],
        cluster=row["sentence1"],
    )


@cmnli.test(rank(prefix=""), default=True)
def test_cmnli_ppl(sample, output, score):
    score(output.letter(), accuracy=output.letter() == sample.target)


@cmnli.test(
    generate(max_tokens=64, stop=["\n\n"]),
    prompt=QUESTION + "A. 蕴含\nB. 矛盾\nC. 无关\n请从“A”，“B”，“C”中进行选择。\n答：",
    answer="{{ target }}\n\n",
)
def test_cmnli_gen(sample, output, score):
    answer = choice_letter(output.text, "ABC")
    score(answer, accuracy=answer == sample.target)
