"""EPRSTMT: is a review of a product positive or negative? (FewCLUE, Xu et al. 2021, arXiv:2107.07498). The public test
split, 0-shot.

Both prompts are OpenCompass's, whose numbers are quoted. ppl (FewCLUE_eprstmt_ppl_f1e631): which of 积极。 and 消极。
is the likelier next line; OpenCompass divides by the tokens of the whole text, here the label alone is scored. gen
(FewCLUE_eprstmt_gen_740ea0): a letter; its quotation marks around A and B are as they stand there.
"""

from proctor import Benchmark, Sample, generate, rank
from proctor.extract import choice_letter

eprstmt = Benchmark(
    "eprstmt",
    main="accuracy",
    version=2,
    prompt='内容： "{{ question }}"。情绪分类：\n',
    answer="{{ choices['AB'.index(target)] }}。\n\n",
)


@eprstmt.rows
def read(row):
    target = {"Positive": "A", "Negative": "B"}[row["label"]]
    return Sample(question=row["sentence"], choices=["积极", "消极"], target=target)


def sentences(sample):
    return [f"{choice}。" for choice in sample.choices]


@eprstmt.test(rank(sentences, prefix=""), default=True)
def test_eprstmt_ppl(sample, output, score):
    score(output.letter(), accuracy=output.letter() == sample.target)


@eprstmt.test(
    generate(max_tokens=64, stop=["\n\n"]),
    prompt='内容： "{{ question }}"。请对上述内容进行情绪分类。\nA. 积极\nB. 消极\n请从”A“，”B“中进行选择。\n答：',
    answer="{{ target }}\n\n",
)
def test_eprstmt_gen(sample, output, score):
    answer = choice_letter(output.text, "AB")
    score(answer, accuracy=answer == sample.target)
