"""Metrics of classes, by hand and by the definitions that scikit-learn has."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from proctor.metrics import AGGREGATES, balanced_accuracy, f1_of_class, gap, macro_f1, matthews, parity, question_em
from proctor.statistics.scores import estimate


def rows(*columns):
    return np.array(columns, dtype=float).T


def f1(predicted, gold, one):
    true = sum(p == g == one for p, g in zip(predicted, gold, strict=True))
    either = predicted.count(one) + gold.count(one)
    return 2 * true / either


PREDICTED = [0, 0, 1, 1, 2, 2, -1, 0]
GOLD = [0, 1, 1, 1, 2, 0, 2, 0]


def test_macro_f1():
    # Class 0: P 2/3, R 2/3. Class 1: P 1, R 2/3. Class 2: P 1/2, R 1/2.
    assert macro_f1(rows(PREDICTED, GOLD)) == pytest.approx((2 / 3 + 0.8 + 0.5) / 3)
    # Class 2 is not in gold: it costs recall of class 0 only.
    assert macro_f1(rows([0, 2, 1], [0, 0, 1])) == pytest.approx((2 / 3 + 1) / 2)
    assert macro_f1(rows([-1, -1], [0, 1])) == 0


def test_balanced_accuracy():
    assert balanced_accuracy(rows(PREDICTED, GOLD)) == pytest.approx((2 / 3 + 2 / 3 + 1 / 2) / 3)
    assert balanced_accuracy(rows([1, 1, 1, 0], [1, 1, 1, 0])) == 1
    assert balanced_accuracy(rows([1, 1, 1, 1], [1, 1, 1, 0])) == 0.5


def test_f1_of_class():
    # 2 right of 3 predicted and of 4 gold.
    values = rows([1, 1, 1, 0, -1, 0], [1, 1, 0, 1, 1, 0])
    assert f1_of_class(values) == pytest.approx(4 / 7)
    assert f1_of_class(values, positive=0) == pytest.approx(0.5)
    assert f1_of_class(rows([0, 0], [0, 0])) == 0


def test_matthews():
    # TP 3, TN 2, FP 1, FN 1: (6 - 1) / sqrt(4 * 4 * 3 * 3).
    assert matthews(rows([1, 1, 1, 0, 0, 1, 0], [1, 1, 1, 1, 0, 0, 0])) == pytest.approx(5 / 12)
    assert matthews(rows([0, 1, 2], [0, 1, 2])) == 1
    assert matthews(rows([1, 0], [0, 1])) == -1
    assert matthews(rows([1, 1], [0, 1])) == matthews(rows([0, 1], [1, 1])) == 0


def test_gap():
    # Means 2/3, 1/2 and 1: the best less the worst, whatever the groups are called.
    assert gap(rows([0, 0, 0, 7, 7, -1], [1, 1, 0, 1, 0, 1])) == 0.5
    assert gap(rows([0, 1], [1, 1])) == 0
    assert math.isnan(gap(rows([1, 1], [0, 1])))  # one group
    assert math.isnan(gap(np.empty((0, 2))))


@given(st.lists(st.tuples(st.integers(-1, 1), st.integers(0, 1)), min_size=2, max_size=40))
def test_matthews_is_the_correlation_of_the_indicators(pairs):
    values = np.array(pairs, dtype=float)
    if (values[:, 0] >= 0).all() and values.std(axis=0).all():
        assert matthews(values) == pytest.approx(np.corrcoef(values.T)[0, 1])
    assert -1.000001 <= matthews(values) <= 1.000001


def test_question_em():
    values = rows([7, 7, 8, 9, 9, 9], [1, 1, 0, 1, 1, 0])
    assert question_em(values) == pytest.approx(1 / 3)
    # With the number of options, a question that was drawn twice counts twice.
    counted = rows([7, 7, 8, 9, 9, 9], [1, 1, 0, 1, 1, 0], [2, 2, 1, 3, 3, 3])
    assert question_em(counted) == pytest.approx(1 / 3)
    assert question_em(np.concatenate([counted, counted[:2]])) == pytest.approx(2 / 4)


def test_parity():
    values = rows([1, 1, 2, 2, 3, 3, 4], [0, 0, 0, 1, -1, -1, 0])
    assert parity(values) == pytest.approx(1 / 3)
    assert parity(np.concatenate([values, values[:2]])) == pytest.approx(2 / 4)
    assert parity(rows([1, 2, 1, 2], [1, 0, 1, 0])) == 1
    assert math.isnan(parity(rows([1, 2], [0, 0])))


CLASSES = st.lists(st.tuples(st.integers(-1, 3), st.integers(0, 3)), min_size=1, max_size=60)


@given(CLASSES)
def test_by_definition(pairs):
    predicted, gold = map(list, zip(*pairs, strict=True))
    values, present = np.array(pairs, dtype=float), sorted(set(gold))
    assert macro_f1(values) == pytest.approx(np.mean([f1(predicted, gold, one) for one in present]))
    recalls = [np.mean([p == one for p, g in pairs if g == one]) for one in present]
    assert balanced_accuracy(values) == pytest.approx(np.mean(recalls))
    assert 0 <= question_em(values) <= 1


NAMES = ["macro_f1", "balanced_accuracy", "f1_of_class", "question_em", "parity", "gap", "matthews"]


@pytest.mark.parametrize("name", NAMES)
def test_no_samples_have_no_value(name):
    assert math.isnan(AGGREGATES[name].function(np.empty((0, 3))))


def test_what_is_a_share():
    shares = {name for name, one in AGGREGATES.items() if one.share}
    assert shares == {*NAMES[:-1], "scoring_rate"}
    with pytest.raises(TypeError):
        AGGREGATES["x"] = AGGREGATES["bleu"]


def test_draws_for_which_a_score_is_not_defined_say_nothing_of_its_interval():
    found = estimate([[1, 0], [1, 0], [2, 1], [2, 0]], aggregate="parity")  # drawn singly, some have no pair
    assert found.value == 0.5
    assert (found.low, found.high) == (0, 1)
