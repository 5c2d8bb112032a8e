"""Agreement with people: kappa against published and statsmodels' values, the corrected score in simulations."""

from __future__ import annotations

import math

import numpy as np
import pytest
from proctor.statistics.agreement import agreement, kappa, kappa_interval, prediction_powered
from statsmodels.stats.inter_rater import cohens_kappa

GRADES = (1, 2, 3, 4, 5)


def pairs_of(table: list[list[int]], order=GRADES) -> list[tuple[object, object]]:
    return [
        (order[row], order[column])
        for row, counts in enumerate(table)
        for column, count in enumerate(counts)
        for _ in range(count)
    ]


def test_kappa_is_that_of_a_table_worked_by_hand():
    # 20 yes/yes, 5 yes/no, 10 no/yes, 15 no/no: observed 0.7, by chance 0.5, so (0.7 - 0.5) / 0.5.
    pairs = pairs_of([[20, 5], [10, 15]], ("yes", "no"))
    assert kappa(pairs, ("yes", "no")) == pytest.approx(0.4)
    assert agreement(pairs, range(50)).value == 0.7


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("power", [0, 1, 2])
def test_kappa_is_statsmodels(seed: int, power: int):
    table = np.random.default_rng(seed).integers(0, 9, (5, 5))
    weights = {0: None, 1: "linear", 2: "quadratic"}[power]
    expected = cohens_kappa(table, wt=weights, return_results=False)
    assert kappa(pairs_of(table.tolist()), GRADES, power) == pytest.approx(expected, abs=1e-12)


def test_far_apart_weighs_more_than_near():
    near = [(grade, min(5, grade + 1)) for grade in GRADES] * 4
    far = [(grade, 6 - grade) for grade in GRADES] * 4
    assert kappa(near, GRADES, 2) > kappa(near, GRADES)
    assert kappa(far, GRADES, 2) < kappa(far, GRADES)


def test_where_chance_explains_all_there_is_no_kappa():
    assert math.isnan(kappa([(3, 3)] * 20, GRADES))
    assert math.isnan(kappa([], GRADES))
    assert kappa_interval([(3, 3)] * 20, GRADES, range(20)).low is None


def test_a_label_outside_the_order_is_refused():
    with pytest.raises(ValueError, match="the label 6 is none of 1, 2, 3, 4, 5"):
        kappa([(1, 6)], GRADES)


def test_few_samples_have_no_interval_and_several_raters_make_no_more():
    pairs = [(1, 2), (2, 2), (3, 3), (4, 4), (5, 5), (1, 1), (2, 3)]
    assert kappa_interval(pairs, GRADES, range(7)).low is None
    assert kappa_interval(pairs * 2, GRADES, [*range(7)] * 2).low is None


def test_the_interval_of_kappa_is_about_that_of_its_standard_error():
    random = np.random.default_rng(7)
    truth = random.integers(1, 6, 400)
    noisy = np.where(random.random(400) < 0.6, truth, random.integers(1, 6, 400))
    pairs = list(zip(truth.tolist(), noisy.tolist(), strict=True))
    found = kappa_interval(pairs, GRADES, range(400))
    table = np.zeros((5, 5))
    for one, two in pairs:
        table[one - 1, two - 1] += 1
    expected = cohens_kappa(table)
    assert found.low == pytest.approx(expected.kappa_low, abs=0.01)
    assert found.high == pytest.approx(expected.kappa_upp, abs=0.01)


def test_repeated_raters_widen_the_interval_to_that_of_the_samples():
    random = np.random.default_rng(3)
    pairs = [(int(a), int(b)) for a, b in random.integers(1, 6, (40, 2))]
    once = kappa_interval(pairs, GRADES, range(40))
    thrice = kappa_interval(pairs * 3, GRADES, [*range(40)] * 3)
    assert (thrice.low, thrice.high) == pytest.approx((once.low, once.high), abs=1e-9)


def test_the_first_papers_estimate_is_the_judges_mean_and_its_mean_error():
    # Grades, and no shares: the interval of these would be cut at 1.
    labels, predictions, others = [5.0, 1.0, 5.0, 5.0], [3.0, 3.0, 5.0, 3.0], [2.0, 4.0, 3.0, 3.0]
    found = prediction_powered(labels, predictions, others, power=1.0)
    rectifier = np.array(labels) - np.array(predictions)
    assert found.estimate.value == pytest.approx(np.mean(others) + rectifier.mean())
    error = math.sqrt(rectifier.var(ddof=1) / 4 + np.var(others, ddof=1) / 4)
    assert found.estimate.high - found.estimate.value == pytest.approx(3.182446 * error, rel=1e-6)  # t of 3
    assert found.power == 1.0


def test_a_judge_that_is_right_narrows_and_one_that_knows_nothing_is_left_out():
    random = np.random.default_rng(1)
    truth = random.random(500)
    alone = prediction_powered(truth[:50], truth[:50], truth[50:], power=0.0).estimate
    right = prediction_powered(truth[:50], truth[:50], truth[50:])
    assert right.power == pytest.approx(0.9, abs=0.1)  # 1 / (1 + n/N)
    assert right.estimate.high - right.estimate.low < 0.5 * (alone.high - alone.low)
    noise = random.random(500)
    useless = prediction_powered(truth[:50], noise[:50], noise[50:])
    assert useless.power < 0.2
    same = prediction_powered(truth[:50], np.ones(50), np.ones(450))
    assert (same.power, same.estimate.value) == (0.0, pytest.approx(truth[:50].mean()))


def test_all_samples_labelled_need_no_judge():
    found = prediction_powered([1, 0, 1, 1], [1, 1, 1, 1], [])
    assert (found.power, found.estimate.value, found.estimate.n) == (0.0, 0.75, 4)


@pytest.mark.parametrize(("labels", "predictions"), [([], []), ([1.0], [1.0, 0.0])])
def test_no_labels_are_refused(labels, predictions):
    with pytest.raises(ValueError, match="labels"):
        prediction_powered(labels, predictions, [0.5])


@pytest.mark.parametrize(("n", "bias"), [(20, 0.0), (20, 0.2), (60, 0.2)])
def test_the_interval_covers_what_people_would_say_and_the_judges_own_does_not(n: int, bias: float):
    """Grades of 1 to 5 as shares; a judge that is too kind: 95 % of seeded runs must hold the truth, within chance."""
    random = np.random.default_rng(20230123)
    trials, total, held, naive = 1500, 200, 0, 0
    for _ in range(trials):
        people = random.integers(0, 5, total) / 4
        judge = np.clip(np.round(4 * (people + bias + random.normal(0, 0.15, total))) / 4, 0, 1)
        found = prediction_powered(people[:n], judge[:n], judge[n:]).estimate
        held += found.low <= 0.5 <= found.high
        half = 1.96 * judge.std(ddof=1) / math.sqrt(total)
        naive += abs(judge.mean() - 0.5) <= half
    assert held / trials > 0.93
    if bias:
        assert naive / trials < 0.1


def test_a_corrected_share_stays_between_none_and_all():
    # Three labels far apart, and a judge that helps little: by the formula the interval is wider than the scale.
    few = prediction_powered([0.0, 1.0, 1.0], [0.5, 0.25, 0.75], [0.1, 0.9, 0.5, 0.4])
    assert (few.estimate.low, few.estimate.high) == (0.0, 1.0)
    # A scale of another kind has no such bounds.
    other = prediction_powered([0.0, 10.0, 10.0], [5.0, 2.5, 7.5], [1.0, 9.0, 5.0, 4.0])
    assert other.estimate.low is not None
    assert other.estimate.low < 0
    # Nor is the value beyond them, to which the judge alone would carry it.
    beyond = prediction_powered([1.0, 1.0, 0.9], [0.2, 0.1, 0.0], [1.0, 0.9, 1.0, 0.95], power=1.0)
    assert beyond.estimate.value == 1.0
