"""AFQMC: do two questions to Ant Financial's customer service mean the same? (CLUE, Xu et al. 2020, arXiv:2004.05986).
Development split, 0-shot.

Both prompts are OpenCompass's, whose numbers are quoted. ppl (CLUE_afqmc_ppl_6507d7): which of 不完全一致 and 完全一致
is the likelier next line; OpenCompass divides by the tokens of the whole text, here the label alone is scored. gen
(CLUE_afqmc_gen_901306): a letter.
"""

from proctor import Benchmark, Sample, generate, rank
from proctor.extract import choice_letter

QUESTION = (
    "语句一：“{{ sentence1 }}”\n语句二：“{{ sentence2 }}”\n"
    "语句一与语句二是关于蚂蚁金融产品的疑问，两者所询问的内容是否完全一致？\n"
)

afqmc = Benchmark("afqmc", main="accuracy", version=2, prompt=QUESTION, answer="{{ choices['AB'.index(target)] }}\n\n")


@afqmc.rows
def read(row):
    return Sample(
        choices=["不完全一致", "完全一致"],
        target={"0": "A", "1": "B"}[row["label"]],
        metadata={"sentence1": row["sentence1"], "sentence2": row["sentence2"]},
    )


@afqmc.test(rank(prefix=""), default=True)
def test_afqmc_ppl(sample, output, score):
    score(output.letter(), accuracy=output.letter() == sample.target)


@afqmc.test(
    generate(max_tokens=64, stop=["\n\n"]),
    prompt=QUESTION + "A. 不完全一致\nB. 完全一致\n请从“A”，“B”中进行选择。\n答：",
    answer="{{ target }}\n\n",
)
def test_afqmc_gen(sample, output, score):
    answer = choice_letter(output.text, "AB")
    score(answer, accuracy=answer == sample.target)
