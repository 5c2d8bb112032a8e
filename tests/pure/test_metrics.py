import pytest
from hypothesis import given
from hypothesis import strategies as st
from proctor.metrics import exact_match, same_number


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
