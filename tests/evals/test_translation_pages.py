"""FLORES and WMT20: lines of two files, and scores of the whole corpus."""

from __future__ import annotations

import numpy as np
import pytest
import sacrebleu
from proctor.errors import DataError
from proctor.metrics import bleu, chrf
from read_pages import page, prompts, read, verdict, write

flores = page("translation/test_flores").flores
en_zh = page("translation/test_wmt20_en_zh").wmt20_en_zh
zh_en = page("translation/test_wmt20_zh_en").wmt20_zh_en

ENGLISH = ["The mill turns.", "The river is cold in winter, and in spring."]
CHINESE = ["水车在转动。", "这条河在冬天和春天都很冷。"]
FILES = {
    flores: ("flores/devtest/eng.devtest", "flores/devtest/zho_simpl.devtest"),
    en_zh: ("wmt20-en-zh/newstest2020.eng", "wmt20-en-zh/newstest2020.zho"),
    zh_en: ("wmt20-zh-en/newstest2020.eng", "wmt20-zh-en/newstest2020.zho"),
}


@pytest.fixture
def lines(tmp_path):
    for english, chinese in FILES.values():
        write(tmp_path, english, "\n".join(ENGLISH) + "\n")
        write(tmp_path, chinese, "\n".join(CHINESE) + "\n")
    return tmp_path


def test_prompts_are_those_of_ultraeval(lines):
    assert prompts(flores, lines)[0] == (
        "Translate the following English statements to Chinese (Simpl).\nSource: The mill turns.\nTarget:"
    )
    assert prompts(en_zh, lines)[0] == "请将下面这段内容从英文翻译为中文：\nThe mill turns.\n译文：\n"
    assert prompts(zh_en, lines)[0] == "请将下面这段内容从中文翻译为英文：\n水车在转动。\n译文：\n"


@pytest.mark.parametrize(
    ("benchmark", "said", "golds", "tokenizer"),
    [
        (flores, ["水车转动着。", "这条河冬天很冷。"], CHINESE, "zh"),
        (en_zh, ["水车转动着。", "这条河冬天很冷。"], CHINESE, "zh"),
        (zh_en, ["The mill is turning.", "The river is cold in winter and spring."], ENGLISH, "13a"),
    ],
)
def test_the_score_is_that_of_the_corpus(lines, benchmark, said, golds, tokenizer):
    samples = read(benchmark, lines).samples
    assert [sample.target for sample in samples] == golds
    metrics = [verdict(benchmark, sample, text)[1] for sample, text in zip(samples, said, strict=True)]
    corpus = sacrebleu.corpus_bleu(said, [golds], tokenize=tokenizer).score
    assert bleu(np.array([one["bleu"] for one in metrics])) == pytest.approx(corpus)
    sentences = [sacrebleu.sentence_bleu(s, [g], tokenize=tokenizer).score for s, g in zip(said, golds, strict=True)]
    assert corpus != pytest.approx(sum(sentences) / 2)
    assert chrf(np.array([one["chrf"] for one in metrics])) == pytest.approx(sacrebleu.corpus_chrf(said, [golds]).score)
    assert benchmark.signatures()["bleu"].startswith(f"nrefs:1|case:mixed|eff:no|tok:{tokenizer}|smooth:exp|version:")
    assert benchmark.signatures()["chrf"].startswith("nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:")


def test_nothing_said_is_an_empty_translation(lines):
    sample = read(flores, lines).samples[0]
    answer, metrics = verdict(flores, sample, "\n")
    assert answer is None
    assert metrics["bleu"][0] == 0
    assert metrics["bleu"][1] > 0


def test_files_of_unequal_length_are_an_error(lines):
    write(lines, FILES[flores][1], CHINESE[0] + "\n")
    with pytest.raises(DataError, match="1 lines for the 2 rows"):
        read(flores, lines)
