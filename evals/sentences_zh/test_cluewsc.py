"""CLUEWSC: does a pronoun mean the noun that is named? FewCLUE's form of it (Xu et al. 2021, arXiv:2107.07498; CLUE,
Xu et al. 2020, arXiv:2004.05986). The public test split, 0-shot.

Both prompts are OpenCompass's, whose numbers are quoted, quotation marks as they stand there. ppl
(FewCLUE_cluewsc_ppl_868415): which of 是 and 否 is the likelier next line. gen (FewCLUE_cluewsc_gen_c68933): a letter.
Neither says where in the text the two stand. Samples of one text are a cluster.
"""

from proctor import Benchmark, Sample, generate, rank
from proctor.extract import choice_letter

cluewsc = Benchmark(
    "cluewsc",
    main="accuracy",
    version=2,
    prompt="{{ passage }}\n此处，代词“{{ pronoun }}“被用于指代“{{ noun }}“吗?\n",
    answer="{{ choices['AB'.index(target)] }}\n\n",
)


@cluewsc.rows
def read(row):
    spans = {"noun": row["target"]["span1_text"], "pronoun": row["target"]["span2_text"]}
    target = {"true": "A", "false": "B"}[row["label"]]
    return Sample(passage=row["text"], choices=["是", "否"], target=target, metadata=spans, cluster=row["text"])


@cluewsc.test(rank(prefix=""), default=True)
def test_cluewsc_ppl(sample, output, score):
    score(output.letter(), accuracy=output.letter() == sample.target)


@cluewsc.test(
    generate(max_tokens=64, stop=["\n\n"]),
    prompt="{{ passage }}\n此处，“{{ pronoun }}”是否指代“{{ noun }}“？\nA. 是\nB. 否\n请从”A“，”B“中进行选择。\n答：",
    answer="{{ target }}\n\n",
)
def test_cluewsc_gen(sample, output, score):
    answer = choice_letter(output.text, "AB")
    score(answer, accuracy=answer == sample.target)
