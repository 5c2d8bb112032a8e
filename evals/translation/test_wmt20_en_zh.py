"""WMT20 news (Barrault et al. 2020, aclanthology.org/2020.wmt-1.1), newstest2020, English into Chinese: 1,418 lines.

0-shot with UltraEval's prompt. bleu and chrf are of the corpus, by sacrebleu, never means of sentences, against the one
reference; Chinese is tokenized by `zh`. BLEU's signature is nrefs:1|case:mixed|eff:no|tok:zh|smooth:exp|version:2.x,
chrF's nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:2.x; the report has them with the version.
"""

from proctor import Benchmark, Sample, generate
from proctor.extract import translation
from proctor.metrics import bleu, bleu_statistics, chrf, chrf_statistics, signature

wmt20_en_zh = Benchmark(
    "wmt20-en-zh",
    main="bleu",
    version=2,
    aggregate={"bleu": bleu, "chrf": chrf},
    signatures=lambda: {"bleu": signature("bleu", "zh"), "chrf": signature("chrf", "zh")},
    prompt="请将下面这段内容从英文翻译为中文：\n{{ question }}\n译文：\n",
    answer="{{ target }}\n\n",
)


@wmt20_en_zh.rows
def read(row):
    source, reference = row["line"].strip(), row["reference"].strip()
    if not source or not reference:
        raise ValueError("the line or its reference is empty")
    return Sample(question=source, target=reference)


@wmt20_en_zh.test(generate(max_tokens=1024, stop=["\n请将"]))
def test_wmt20_en_zh(sample, output, score):
    answer, references = translation(output.text), [sample.target]
    score(answer, bleu=bleu_statistics(answer, references, "zh"), chrf=chrf_statistics(answer, references))
