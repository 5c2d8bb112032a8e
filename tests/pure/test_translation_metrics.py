"""Corpus BLEU and chrF from sentences' statistics are sacrebleu's own, to the last digit."""

import math
import subprocess
import sys

import numpy as np
import pytest
import sacrebleu
from hypothesis import given
from hypothesis import strategies as st
from proctor.metrics import bleu, bleu_statistics, chrf, chrf_statistics, signature

ENGLISH = [
    ("The ferry leaves the old harbour at noon.", "The ferry departs from the old harbour at noon."),
    ("Nobody had seen the captain since Tuesday.", "No one had seen the captain since Tuesday."),
    ("It costs $3.50, or 1,200 points.", "It costs $3.50 or 1,200 points."),
    ("\"Come back,\" she said, 'before dark'.", "“Come back before dark,” she said."),
    ("A well-known baker's bread (rye).", "The bread of a well-known baker (rye)."),
    ("Rain fell.", "It rained."),
    ("Rain fell", "Rain fell"),
    ("", "The bridge is closed."),
    ("The mill burned down in 1932, and its owner moved to Lindau.", "In 1932 the mill burnt down; the owner moved."),
    ("Three men carried the piano up four flights of stairs.", "Three men carried the piano up four floors."),
    ("They don't sell U.S. stamps at the kiosk.", "The kiosk does not sell U.S. stamps."),
    ("Her answer was short and rather unkind .", "Her answer was brief and rather unkind."),
    ("café über naïve 北京", "café über naïve Beijing"),
    ("The the the the.", "The cat sleeps."),
    ("Snow lay on the roofs until the end of March.", "Until the end of March there was snow on the roofs."),
    ("Turn left after the chapel and follow the stream.", "After the chapel, turn left and follow the stream."),
    ("He counted 17 geese, 4 ducks and a swan.", "He counted seventeen geese, four ducks and one swan."),
    ("The lamp in the lighthouse is lit at dusk.", "At dusk the lamp of the lighthouse is lit."),
    ("What remains is a wall and two arches.", "A wall and two arches are all that remains."),
    ("&quot;Done&quot; &amp; dusted", '"Done" & dusted'),
]
CHINESE = [
    ("渡轮中午从旧港口出发。", "渡船中午从老港口开出。"),
    ("从星期二起就没人见过船长。", "自星期二以来没有人见过船长。"),
    ("票价3.50元，或1,200积分。", "它的价格是3.50元，或者1,200分。"),
    ("“天黑前回来，”她说。", "她说：“天黑以前回来。”"),
    ("下雨了。", "下了雨。"),
    ("下雨了", "下雨了"),
    ("", "桥关闭了。"),
    ("磨坊于1932年烧毁，主人搬到了 Lindau。", "1932年磨坊被烧，主人搬去了 Lindau。"),
    ("三个人把钢琴抬上了四楼。", "三个男人将钢琴搬上四楼。"),
    ("报亭不卖美国邮票。", "这个报亭不出售美国邮票。"),
    ("她的回答简短而且不太友好。", "她的答复简短，而且相当不友善。"),
    ("GPU 的温度是 70℃", "GPU温度为70℃"),
    ("屋顶上的雪一直留到三月底。", "雪在屋顶上一直积到三月末。"),
    ("过了小教堂左转，然后沿着小溪走。", "过教堂后向左转，再沿溪流前行。"),
    ("他数到十七只鹅、四只鸭和一只天鹅。", "他数了17只鹅，4只鸭子和1只天鹅。"),
    ("灯塔的灯在黄昏点亮。", "黄昏时分，灯塔的灯亮起。"),
    ("剩下的只有一堵墙和两座拱门。", "只剩一堵墙、两个拱。"),
    ("明天見", "明天见"),
    ("他很少写信。", "他不常写信。"),
    ("城里最老的钟已经停了。", "城中最古老的钟停了。"),
]
CORPORA = [(ENGLISH, "en", "13a"), (ENGLISH, "de", "13a"), (CHINESE, "zh", "zh"), (CHINESE, "zho_simpl", "zh")]


@pytest.mark.parametrize(("pairs", "language", "tokenizer"), CORPORA, ids=["en", "de", "zh", "zho"])
def test_corpus_scores_are_sacrebleus(pairs, language, tokenizer):
    hypotheses, references = map(list, zip(*pairs, strict=True))
    for some in (slice(None), slice(3), slice(7, 8), slice(6, 7), slice(4, 15)):
        counts = np.array([bleu_statistics(one, [other], language) for one, other in pairs[some]], dtype=float)
        official = sacrebleu.corpus_bleu(hypotheses[some], [references[some]], tokenize=tokenizer)
        assert bleu(counts) == official.score
        counts = np.array([chrf_statistics(one, [other]) for one, other in pairs[some]], dtype=float)
        assert chrf(counts) == sacrebleu.corpus_chrf(hypotheses[some], [references[some]]).score


def test_with_several_references():
    hypotheses, first = map(list, zip(*ENGLISH, strict=True))
    second = [*reversed(first)]
    both = [*zip(hypotheses, zip(first, second, strict=True), strict=True)]
    counts = np.array([bleu_statistics(one, others, "en") for one, others in both])
    assert bleu(counts) == sacrebleu.corpus_bleu(hypotheses, [first, second]).score
    counts = np.array([chrf_statistics(one, others) for one, others in both])
    assert chrf(counts) == sacrebleu.corpus_chrf(hypotheses, [first, second]).score


def test_it_is_not_the_mean_of_sentences():
    counts = np.array([bleu_statistics(one, [other], "en") for one, other in ENGLISH])
    assert abs(bleu(counts) - np.mean([bleu(row[None]) for row in counts])) > 1


def test_identical_sentences_score_100():
    # Of a sentence shorter than four words there are no 4-grams: BLEU is not defined for it alone.
    texts = [other for _, other in ENGLISH]
    assert bleu(np.array([bleu_statistics(one, [one], "en") for one in texts])) == pytest.approx(100)
    assert chrf(np.array([chrf_statistics(one, [one]) for one in texts])) == 100


def test_what_was_not_extracted_is_an_empty_hypothesis():
    assert bleu_statistics(None, ["The bridge."], "en") == bleu_statistics("", ["The bridge."], "en")
    assert bleu_statistics(None, ["The bridge."], "en")[:2] == (0, 3)
    assert chrf_statistics(None, ["The bridge."])[0] == 0
    assert math.isnan(bleu(np.empty((0, 10))))
    assert math.isnan(chrf(np.empty((0, 18))))


def test_signature():
    version = sacrebleu.__version__
    assert signature("bleu", "en") == f"nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:{version}"
    assert signature("bleu", "zh-CN") == f"nrefs:1|case:mixed|eff:no|tok:zh|smooth:exp|version:{version}"
    assert signature("bleu", "de", references=2).startswith("nrefs:2|")
    assert signature("chrf", "zh") == f"nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:{version}"


@given(st.none() | st.text(), st.lists(st.text(), max_size=2), st.sampled_from(["en", "zh", ""]))
def test_nothing_raises(hypothesis, references, language):
    assert 0 <= bleu(np.array([bleu_statistics(hypothesis, references, language)])) <= 100.000001
    assert 0 <= chrf(np.array([chrf_statistics(hypothesis, references)])) <= 100.000001


def test_importing_proctor_does_not_import_sacrebleu():
    code = "import sys, proctor, proctor.metrics; print({'sacrebleu', 'numpy', 'lxml'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
