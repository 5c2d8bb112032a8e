"""BUSTM: do two short sentences to a voice assistant mean the same? (FewCLUE, Xu et al. 2021, arXiv:2107.07498). The
public test split, 0-shot.

Both prompts are OpenCompass's, whose numbers are quoted. ppl (FewCLUE_bustm_ppl_e53034): which of the two sentences
below, as they are written there, is the likelier next line; OpenCompass divides by the tokens of the whole text, here
the sentence alone is scored. gen (FewCLUE_bustm_gen_634f41): a letter.
"""

from proctor import Benchmark, Sample, generate, rank
from proctor.extract import choice_letter

QUESTION = "语句一：“{{ sentence1 }}”\n语句二：“{{ sentence2 }}”\n请判断语句一和语句二说的是否是一个意思？\n"
DIFFERENT, SAME = "两句话说的毫不相关。", "两句话说是的一个意思。"

bustm = Benchmark("bustm", main="accuracy", version=2, prompt=QUESTION, answer="{{ said }}\n\n")


@bustm.rows
def read(row):
    target = {"0": "A", "1": "B"}[row["label"]]
    sentences = {"sentence1": row["sentence1"], "sentence2": row["sentence2"]}
    said = SAME if target == "B" else DIFFERENT
    return Sample(choices=["无关", "相关"], target=target, metadata={**sentences, "said": said})


def verdicts(sample):
    return [DIFFERENT, SAME]


@bustm.test(rank(verdicts, prefix=""), default=True)
def test_bustm_ppl(sample, output, score):
    score(output.letter(), accuracy=output.letter() == sample.target)


@bustm.test(
    generate(max_tokens=64, stop=["\n\n"]),
    prompt=QUESTION + "A. 无关\nB. 相关\n请从“A”，“B”中进行选择。\n答：",
    answer="{{ target }}\n\n",
)
def test_bustm_gen(sample, output, score):
    answer = choice_letter(output.text, "AB")
    score(answer, accuracy=answer == sample.target)
