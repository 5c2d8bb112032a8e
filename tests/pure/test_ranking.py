"""Which choice is the likeliest, by which measure of length."""

from __future__ import annotations

import math

import pytest
from proctor.asks import Length, Ranking
from proctor.model import Likelihood


def ranking(*choices: tuple[str, float, int]) -> Ranking:
    return Ranking(
        [label for label, _, _ in choices],
        [Likelihood(f" {label}", logprob, tokens) for label, logprob, tokens in choices],
    )


CHOICES = (("ab", -4.0, 1), ("abcdef", -5.0, 5), ("\u00e9" * 10 + "a" * 10, -6.0, 1), ("a" * 40, -9.2, 2))
"""Each is the likeliest by another measure: -4; -1 a token; -0.2 a byte and -0.3 a character; -0.23 a character."""


@pytest.mark.parametrize(("per", "best"), [("none", 0), ("tokens", 1), ("bytes", 2), ("characters", 3)])
def test_each_length_can_choose_another_one(per: Length, best: int):
    assert ranking(*CHOICES).likeliest(per) == best


def test_bytes_and_characters_differ_where_letters_have_accents():
    found = ranking(("\u00e9\u00e9\u00e9", -3.0, 3), ("abcd", -3.6, 1))
    assert (found.likeliest("bytes"), found.likeliest("characters")) == (0, 1)


def test_the_prefix_is_not_counted():
    # With their spaces the lengths would be 2 and 5: -1.5 against -1.6.
    assert ranking(("a", -3.0, 1), ("abcd", -8.0, 1)).likeliest("characters") == 1


def test_nothing_is_the_likeliest_of_impossible_choices():
    found = ranking(("a", -math.inf, 1), ("b", -math.inf, 1))
    assert [found.likeliest(per) for per in ("none", "tokens", "bytes", "characters")] == [None] * 4
    assert found.choice is None


def test_the_first_of_equals_is_taken():
    assert ranking(("a", -1.0, 1), ("b", -1.0, 1)).likeliest("bytes") == 0
