import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from proctor.metrics import exact_match, half_marks, pass_at, pass_at_k, same_number, scoring_rate, share_right


@pytest.mark.parametrize(
    ("answer", "target"),
    [
        ("18", "18"),
        ("18.0", "18"),
        ("18", "18."),
        ("1000", "1,000"),
        ("29", "$29.00"),
        ("-3", "−3"),
        ("0", "-0"),
        ("5", "5%"),
    ],
)
def test_same_number(answer, target):
    assert same_number(answer, target)
    assert same_number(target, answer)


@pytest.mark.parametrize(
    ("answer", "target"),
    [
        ("18", "19"),
        ("0.1", "0.10000000000000000001"),
        (None, "18"),
        ("18", None),
        (None, None),
        ("", ""),
        ("x", "x"),
        ("nan", "nan"),
        ("sNaN", "1"),
        ("Infinity", "Infinity"),
        ("1e999999999", "1"),
    ],
)
def test_not_the_same_number(answer, target):
    assert not same_number(answer, target)


def test_exact_match():
    assert exact_match(" Paris\n", "Paris")
    assert not exact_match("paris", "Paris")
    assert not exact_match(None, None)
    assert not exact_match(None, "")
    assert exact_match("", " ")


@given(st.text(), st.text())
def test_nothing_raises_and_order_does_not_matter(a, b):
    assert same_number(a, b) == same_number(b, a)
    assert exact_match(a, b) == exact_match(b, a)


@given(st.integers(1, 60).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(1, n))))
def test_pass_at_k_is_the_share_of_subsets_with_a_pass(case):
    n, c, k = case
    assert pass_at_k(n, c, k) == pytest.approx(1 - math.comb(n - c, k) / math.comb(n, k), abs=1e-12)


@pytest.mark.parametrize(("n", "c", "k"), [(0, 0, 1), (1, 2, 1), (3, -1, 1), (3, 1, 4), (3, 1, 0)])
def test_pass_at_k_refuses_what_has_no_meaning(n, c, k):
    with pytest.raises(ValueError, match="not defined"):
        pass_at_k(n, c, k)


def test_pass_at_gives_what_the_outputs_allow():
    assert pass_at(1, 1) == {"pass@1": 1.0}
    assert pass_at(20, 5)["pass@1"] == pytest.approx(0.25)
    assert list(pass_at(200, 0)) == ["pass@1", "pass@10", "pass@100"]


@pytest.mark.parametrize(
    ("answer", "target", "expected"),
    [
        ("AC", "AC", 1),
        ("CA", "AC", 1),
        ("AAC", "AC", 1),
        ("A", "AC", 0.5),
        ("BC", "ABCD", 0.5),
        ("AB", "AC", 0),
        ("ABC", "AC", 0),
        ("B", "B", 1),
        ("A", "B", 0),
        ("", "AC", 0),
        (None, "AC", 0),
        (None, "", 0),
        ("", "", 0),
    ],
)
def test_half_marks(answer, target, expected):
    assert half_marks(answer, target) == expected


@given(st.sets(st.sampled_from("ABCD")), st.sets(st.sampled_from("ABCD"), min_size=1))
def test_half_marks_are_won_by_some_right_options_and_no_wrong_one(chosen, right):
    marks = half_marks("".join(chosen), "".join(right))
    assert marks == (1 if chosen == right else 0.5 if chosen and chosen < right else 0)


@pytest.mark.parametrize(
    ("answers", "share", "complete"),
    [
        (["C", "F", "A", "E", "D"], 1, 1),
        (["C", "F", "A", "D", "E"], 0.6, 0.6),
        (["C", "F", None, "E", "D"], 0.8, 0),
        (["C", "F"], 0.4, 0),
        (["C", "F", "A", "E", "D", "B"], 1, 1),
        ([None] * 5, 0, 0),
        ([], 0, 0),
        (None, 0, 0),
    ],
)
def test_share_right(answers, share, complete):
    assert share_right(answers, list("CFAED")) == pytest.approx(share)
    assert share_right(answers, "CFAED", complete=True) == pytest.approx(complete)


def test_no_questions_have_no_share():
    assert share_right(["A"], []) == share_right(None, []) == 0


def test_scoring_rate_is_of_marks_not_of_samples():
    import numpy as np

    assert scoring_rate(np.array([[3.0, 6.0], [20.0, 30.0]])) == pytest.approx(23 / 36)
    assert np.isnan(scoring_rate(np.zeros((0, 2))))


def test_a_number_in_another_base_is_no_number():
    assert not same_number("42_7", "427")
    assert not same_number("42_7", "42_7")
