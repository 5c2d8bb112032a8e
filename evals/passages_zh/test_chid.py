"""ChID: which of seven idioms fills the blank? FewCLUE's form of it (Xu et al. 2021, arXiv:2107.07498; Zheng et al.
2019, arXiv:1906.01265). The public test split, 0-shot.

Both prompts are OpenCompass's, whose numbers are quoted. ppl (FewCLUE_chid_ppl_8f2872): the whole text with each idiom
in the place of #idiom# is ranked, between the question whether it reads well and the answer that it does. accuracy: by
log-likelihood per token, as OpenCompass does, which counts the question's tokens too; accuracy_sum: not divided. gen
(FewCLUE_chid_gen_0a29a2): a letter; its quotation marks around the letters are as they stand there.
"""

from proctor import Benchmark, Sample, generate, rank
from proctor.extract import choice_letter

LETTERS = "ABCDEFG"

chid = Benchmark("chid", main="accuracy", version=2, prompt="以下句子是否通顺？\n", answer="{{ reference }}\n\n")


@chid.rows
def read(row):
    content, candidates = row["content"], row["candidates"]
    right = range(len(candidates)).index(row["answer"])
    if "#idiom#" not in content:
        raise ValueError("the content has no #idiom#")
    return Sample(
        question=content.replace("#idiom#", "______"),
        choices=candidates,
        target=LETTERS[right],
        reference=filled(content, candidates[right]),
        metadata={"content": content},
    )


def filled(content, idiom):
    return content.replace("#idiom#", idiom) + "\n这个句子是通顺的。"


def texts(sample):
    return [filled(sample.metadata["content"], idiom) for idiom in sample.choices]


@chid.test(rank(texts, prefix=""), default=True)
def test_chid_ppl(sample, output, score):
    answer, summed = output.letter("tokens"), output.letter()
    score(answer, accuracy=answer == sample.target, accuracy_sum=summed == sample.target)


@chid.test(
    generate(max_tokens=64, stop=["\n\n"]),
    prompt="{{ question }}\n请选择______处所填的词\n"
    "{% for c in choices %}{{ 'ABCDEFG'[loop.index0] }}. {{ c }}\n{% endfor %}"
    "请从”A“，”B“，”C“，”D“，”E“，”F“，”G“中进行选择。答：",
    answer="{{ target }}\n\n",
)
def test_chid_gen(sample, output, score):
    answer = choice_letter(output.text, LETTERS)
    score(answer, accuracy=answer == sample.target)
