"""OCNLI: inference on original Chinese (Hu et al. 2020, arXiv:2010.05444). Development split, 0-shot.

Both prompts are OpenCompass's, whose numbers are quoted. ppl (CLUE_ocnli_ppl_fdc6de): which of 蕴含, 矛盾, 无关 is the
likeliest next line; OpenCompass divides by the tokens of the whole text, here the label alone is scored. gen
(CLUE_ocnli_gen_c4cb6c, with the spaces that it has before B and C): a letter. Rows labelled "-", on which the
annotators did not agree, are left out, as the authors do. The level says whether a hypothesis was the first (easy),
second or third (hard) of its label that its writer thought of.
"""

from proctor import Benchmark, Sample, generate, rank
from proctor.extract import choice_letter

QUESTION = "语句一：“{{ passage }}”\n语句二：“{{ question }}”\n请问这两句话是什么关系？\n"
LABELS = {"entailment": "A", "contradiction": "B", "neutral": "C"}

ocnli = Benchmark("ocnli", main="accuracy", version=2, prompt=QUESTION, answer="{{ choices['ABC'.index(target)] }}\n\n")


@ocnli.rows
def read(row):
    if row["label"] == "-":
        return "the annotators agreed on no label"
    return Sample(
        passage=row["sentence1"],
        question=row["sentence2"],
        choices=["蕴含", "矛盾", "无关"],
        target=LABELS[row["label"]],
        groups={"genre": row["genre"], "level": row["level"]},
        cluster=row["prem_id"],
    )


@ocnli.test(rank(prefix=""), default=True)
def test_ocnli_ppl(sample, output, score):
    score(output.letter(), accuracy=output.letter() == sample.target)


@ocnli.test(
    generate(max_tokens=64, stop=["\n\n"]),
    prompt=QUESTION + "A. 蕴含\n B. 矛盾\n C. 无关\n请从“A”，“B”，“C”中进行选择。\n答：",
    answer="{{ target }}\n\n",
)
def test_ocnli_gen(sample, output, score):
    answer = choice_letter(output.text, "ABC")
    score(answer, accuracy=answer == sample.target)
