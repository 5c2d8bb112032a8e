"""FLORES-101 (Goyal et al. 2021, arXiv:2106.03193), devtest, English into simplified Chinese: 1,012 sentences.

0-shot with UltraEval's prompt, without the space at its end. bleu and chrf are of the corpus, by sacrebleu, never means
of sentences; Chinese is tokenized by `zh`. BLEU's signature is nrefs:1|case:mixed|eff:no|tok:zh|smooth:exp|version:2.x,
chrF's nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:2.x; the report has them with the version.
"""

from proctor import Benchmark, Sample, generate
from proctor.extract import translation
from proctor.metrics import bleu, bleu_statistics, chrf, chrf_statistics, signature

flores = Benchmark(
    "flores",
    main="bleu",
    version=2,
    aggregate={"bleu": bleu, "chrf": chrf},
    signatures=lambda: {"bleu": signature("bleu", "zh"), "chrf": signature("chrf", "zh")},
    prompt="Translate the following English statements to Chinese (Simpl).\nSource: {{ question }}\nTarget:",
    answer=" {{ target }}\n\n",
)


@flores.rows
def read(row):
    source, reference = row["line"].strip(), row["reference"].strip()
    if not source or not reference:
        raise ValueError("the line or its reference is empty")
    return Sample(question=source, target=reference)


@flores.test(generate(max_tokens=512, stop=["\nSource:", "\nTranslate the following"]))
def test_flores(sample, output, score):
    answer, references = translation(output.text), [sample.target]
    score(answer, bleu=bleu_statistics(answer, references, "zh"), chrf=chrf_statistics(answer, references))
