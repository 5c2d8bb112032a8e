"""Metrics of log-likelihoods."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from proctor.metrics import bits_per_byte, mc1, mc2, perplexity, word_perplexity


def logs(*probabilities):
    return [math.log(one) for one in probabilities]


@pytest.mark.parametrize(
    ("likelihoods", "labels", "best", "mass"),
    [
        (logs(0.4, 0.1, 0.3), [True, False, False], True, 0.5),
        (logs(0.1, 0.4, 0.3), [False, True, False], True, 0.5),
        (logs(0.1, 0.4, 0.3), [True, False, True], False, 0.5),
        (logs(0.2, 0.2), [True, False], False, 0.5),  # as likely is not likelier
        (logs(0.2, 0.2), [True, True], True, 1),
        (logs(0.2, 0.2), [False, False], False, 0),
        ([-5000.0, -5000 + math.log(3)], [True, False], False, 0.25),
        ([-1500.0, -800.0], [True, False], False, 0),
        ([-math.inf, -3.0], [True, False], False, 0),
        ([math.nan, -3.0], [False, True], True, 1),
        ([-math.inf, -math.inf], [True, False], False, 0),
        ([], [], False, 0),
    ],
)
def test_truthful_qa(likelihoods, labels, best, mass):
    assert mc1(likelihoods, labels) is best
    assert mc2(likelihoods, labels) == pytest.approx(mass, abs=1e-12)


@given(st.lists(st.tuples(st.floats(-1e4, 0), st.booleans()), min_size=1), st.randoms())
def test_the_order_of_answers_does_not_matter(pairs, random):
    shuffled = random.sample(pairs, len(pairs))
    (a, b), (c, d) = zip(*pairs, strict=True), zip(*shuffled, strict=True)
    assert mc1(a, b) == mc1(c, d)
    assert mc2(a, b) == mc2(c, d)
    assert mc2(a, b) + mc2(a, [not one for one in b]) == pytest.approx(1)


@given(st.lists(st.floats()), st.lists(st.booleans()))
def test_nothing_raises(likelihoods, labels):
    assert mc1(likelihoods, labels) in (True, False)
    assert 0 <= mc2(likelihoods, labels) <= 1


def test_perplexity():
    assert perplexity(np.array([logs(0.5, 0.125)]).T) == pytest.approx(4)
    assert perplexity(np.array(logs(0.5, 0.125))) == pytest.approx(4)
    assert perplexity(np.array([[-1e6]])) == math.inf


def test_per_word_and_byte():
    values = np.array([[math.log(0.5), 1], [math.log(0.25), 2]])
    assert word_perplexity(values) == pytest.approx(2)
    assert bits_per_byte(values) == pytest.approx(1)


def test_no_samples_have_no_value():
    for function in (perplexity, word_perplexity, bits_per_byte):
        assert math.isnan(function(np.empty((0, 2))))
    assert math.isnan(bits_per_byte(np.array([[-1.0, 0.0]])))
