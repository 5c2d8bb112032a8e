import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from proctor.metrics import exact_match, pass_at, pass_at_k, same_number


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
