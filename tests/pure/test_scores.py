"""Scores that are no mean of samples: in one run, in two, and by gates."""

from __future__ import annotations

import numpy as np
import pytest
from proctor.errors import SetupError
from proctor.metrics import bleu, bleu_statistics, macro_f1
from proctor.statistics import scores


def classes(n: int, wrong: int, seed: int = 0) -> list[tuple[int, int]]:
    """(predicted, gold) of two classes, so many predicted wrongly."""
    gold = np.random.default_rng(seed).integers(0, 2, size=n)
    predicted = gold.copy()
    predicted[:wrong] = 1 - predicted[:wrong]
    return list(zip(predicted.tolist(), gold.tolist(), strict=True))


def test_a_score_is_that_of_all_samples_together():
    assert scores.score([1, 0, 1, 1]) == 0.75
    values = classes(50, 10)
    assert scores.score(values, "macro_f1") == macro_f1(np.asarray(values, dtype=float))
    texts = ["the cat sat on the mat", "a dog ran off", "it rains a lot today"]
    statistics = [
        bleu_statistics(text, [text if place else "the cat sat on a mat"], "en") for place, text in enumerate(texts)
    ]
    assert scores.score(statistics, "bleu") == bleu(np.asarray(statistics, dtype=float))
    with pytest.raises(SetupError, match="there is no aggregate 'none'; there are: balanced_accuracy, "):
        scores.score(values, "none")


def test_an_interval_covers_what_it_says():
    """Of runs whose true macro F1 is 0.8, about 95 of 100 intervals hold it."""
    random, held = np.random.default_rng(1), 0
    for _ in range(120):
        gold = random.integers(0, 2, size=150)
        predicted = np.where(random.random(150) < 0.8, gold, 1 - gold)
        found = scores.estimate(list(zip(predicted, gold, strict=True)), aggregate="macro_f1")
        assert found.low is not None
        assert found.high is not None
        held += found.low <= 0.8 <= found.high
    assert held >= 107


def test_samples_of_one_cluster_make_it_wider():
    values = classes(60, 12)
    alone = scores.estimate(values, aggregate="macro_f1")
    ten = scores.estimate(
        [value for value in values for _ in range(10)], [i // 10 for i in range(600)], aggregate="macro_f1"
    )
    assert None not in (alone.low, alone.high, ten.low, ten.high)
    assert ten.high - ten.low == pytest.approx(alone.high - alone.low, rel=0.15)  # type: ignore[operator]
    assert scores.estimate(values, ["one"] * 60, aggregate="macro_f1").low is None


def test_a_difference_is_of_both_runs_resampled_together():
    before, after = classes(300, 30), classes(300, 90)
    found = scores.difference(before, after, aggregate="macro_f1")
    assert found.value == scores.score(after, "macro_f1") - scores.score(before, "macro_f1")
    low, high = found.interval()
    assert low < found.value < high < -0.1
    assert found.p_different() < 0.01
    assert found.p_beyond(0.1) < 0.01
    assert found.p_beyond(0.3) > 0.5
    # The same samples twice differ in nothing; unpaired, this interval would be a tenth wide.
    same = scores.difference(before, before, aggregate="macro_f1")
    assert (same.value, same.p_different()) == (0, 1)
    assert same.interval()[1] < 0.02


@pytest.mark.parametrize("n", [2, 5, 20])
def test_few_samples_that_did_not_change_are_no_certainty(n: int):
    found = scores.difference(classes(n, 0), classes(n, 0), aggregate="macro_f1")
    assert found.interval()[0] < -3 / (n + 4)


def test_lengths_that_differ_make_no_pairs():
    with pytest.raises(ValueError, match="2 and 1 values make no pairs"):
        scores.difference([(1, 1), (0, 0)], [(1, 1)], aggregate="macro_f1")


def test_the_mean_of_groups_has_no_interval():
    found = scores.macro([classes(20, 2), classes(40, 10)], aggregate="macro_f1")
    assert found.value == (scores.score(classes(20, 2), "macro_f1") + scores.score(classes(40, 10), "macro_f1")) / 2
    assert (found.low, found.high, found.n) == (None, None, 60)
