"""OCNLI-FC: OCNLI as FewCLUE has it (Xu et al. 2021, arXiv:2107.07498; Hu et al. 2020, arXiv:2010.05444). The public
test split, 0-shot.

ppl: UltraEval's prompt (ocnli-fc, transform_ppl_v0), after which 蕴含, 矛盾 and 无关 are ranked; OpenCompass has one
that asks for "neutral" in other words than for the other labels, so that it ranks three whole texts and no labels.
gen: OpenCompass's FewCLUE_ocnli_fc_gen_f97a97, which asks for a letter, the labels being 对, 错 and 可能.
"""

from proctor import Benchmark, Sample, generate, rank
from proctor.extract import choice_letter

QUESTION = "阅读文章：{{ passage }}\n根据上文，回答如下问题：{{ question }}\n"
LABELS = {"entailment": "A", "contradiction": "B", "neutral": "C"}
WORDS = ["蕴含", "矛盾", "无关"]

ocnli_fc = Benchmark(
    "ocnli-fc",
    main="accuracy",
    version=2,
    prompt=QUESTION + "请从“无关”，“蕴含”，“矛盾”中进行选择。\n答：",
    answer="{{ {'A': '蕴含', 'B': '矛盾', 'C': '无关'}[target] }}\n\n",
)


@ocnli_fc.rows
def read(row):
    if row["label"] == "-":
        return "the annotators agreed on no label"
    return Sample(
        passage=row["sentence1"],
        question=row["sentence2"],
        choices=["对", "错", "可能"],
        target=LABELS[row["label"]],
        groups={"genre": row["genre"], "level": row["level"]},
        cluster=row["prem_id"],
    )


def words(sample):
    return WORDS


@ocnli_fc.test(rank(words, prefix=""), default=True)
def test_ocnli_fc_ppl(sample, output, score):
    score(output.letter(), accuracy=output.letter() == sample.target)


@ocnli_fc.test(
    generate(max_tokens=64, stop=["\n\n"]),
    prompt=QUESTION + "A. 对\nB. 错\nC. 可能\n请从“A”，“B”，“C”中进行选择。\n答：",
    answer="{{ target }}\n\n",
)
def test_ocnli_fc_gen(sample, output, score):
    answer = choice_letter(output.text, "ABC")
    score(answer, accuracy=answer == sample.target)
