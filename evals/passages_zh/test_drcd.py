"""DRCD: questions about Wikipedia in traditional Chinese, answered by a span (Shao et al. 2018, arXiv:1806.00920).
Development split, 0-shot.

The prompt is OpenCompass's (CLUE_DRCD_gen_1bd3c8), which runs on the development split. exact_match (which OpenCompass
reports) and f1, by character, are those of CMRC 2018's scorer, which is used for DRCD too: the best over the answers,
f1 by the longest stretch that is shared. Questions about one paragraph are a cluster.
"""

from proctor import Benchmark, Sample, generate
from proctor.extract import span
from proctor.metrics import character_exact, character_f1

drcd = Benchmark(
    "drcd",
    main="exact_match",
    version=2,
    prompt="根据文章回答问题。你的答案应该尽可能简练，请以 ‘答案是’ 开头的句式作答。\n"
    "文章：{{ passage }}\n问：{{ question }}\n答：",
    answer="答案是{{ target }}\n\n",
)


@drcd.rows
def read(row):
    for paragraph in row["paragraphs"]:
        for question in paragraph["qas"]:
            answers = list(dict.fromkeys(answer["text"] for answer in question["answers"]))
            yield Sample(
                question=question["question"],
                passage=paragraph["context"],
                target=answers[0],
                targets=answers,
                cluster=paragraph["id"],
            )


@drcd.test(generate(max_tokens=100, stop=["\n问：", "\n文章："]))
def test_drcd(sample, output, score):
    answer = span(output.text)
    score(
        answer,
        exact_match=character_exact(answer, sample.targets),
        f1=character_f1(answer, sample.targets),
    )
