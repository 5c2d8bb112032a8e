"""WMT20 news (Barrault et al. 2020, aclanthology.org/2020.wmt-1.1), newstest2020, Chinese into English: 2,000 lines.

0-shot with UltraEval's prompt. bleu and chrf are of the corpus, by sacrebleu, never means of sentences, against the one
reference; English is tokenized by `13a`. BLEU's signature is nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.x,
chrF's nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:2.x; the report has them with the version.
"""

from proctor import Benchmark, Sample, generate
from proctor.extract import translation
from proctor.metrics import bleu, bleu_statistics, chrf, chrf_statistics, signature

wmt20_zh_en = Benchmark(
    "wmt20-zh-en",
    main="bleu",
    version=2,
    aggregate={"bleu": bleu, "chrf": chrf},
    signatures=lambda: {"bleu": signature("bleu", "en"), "chrf": signature("chrf", "en")},
    prompt="请将下面这段内容从中文翻译为英文：\n{{ question }}\n译文：\n",
    answer="{{ target }}\n\n",
)


@wmt20_zh_en.rows
def read(row):
    source, reference = row["line"].strip(), row["reference"].strip()
    if not source or not reference:
        raise ValueError("the line or its reference is empty")
    return Sample(question=source, target=reference)


@wmt20_zh_en.test(generate(max_tokens=1024, stop=["\n请将"]))
def test_wmt20_zh_en(sample, output, score):
    answer, references = translation(output.text), [sample.target]
    score(answer, bleu=bleu_statistics(answer, references, "en"), chrf=chrf_statistics(answer, references))
