"""Exact match and F1 of DROP (Dua et al. 2019), as drop_eval.py of allennlp-reading-comprehension computes them.

An answer is a number, a date or one or several spans: here a sequence of texts each. Spans are aligned one to one so
that the sum of their F1 is greatest, and the mean is over the longer side: a span too many costs as much as one
missing. A gold span that holds a number has an F1 only with one that holds the same number.
"""

from __future__ import annotations

import re
import string
from collections.abc import Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_NO_PUNCTUATION = dict.fromkeys(map(ord, string.punctuation))


def drop_scores(answer: Sequence[str], golds: Sequence[Sequence[str]]) -> tuple[float, float]:
    """(exact match, F1) of an answer's spans: the best of each over the annotators' answers; F1 to two decimals.

    Gold answers whose first span is blank do not count, as in the official script; (0, 0) where none is left.
    """
    found = [_scores(answer or [""], gold) for gold in golds if gold and gold[0].strip()]
    return max((exact for exact, _ in found), default=0.0), max((f1 for _, f1 in found), default=0.0)


def _scores(answer: Sequence[str], gold: Sequence[str]) -> tuple[float, float]:
    texts, gold_texts = [_normalized(span) for span in answer], [_normalized(span) for span in gold]
    exact = set(texts) == set(gold_texts) and len(texts) == len(gold_texts)
    bags, gold_bags = [set(text.split()) for text in texts], [set(text.split()) for text in gold_texts]
    f1 = np.array([[_f1(bag, gold_bag) for bag in bags] for gold_bag in gold_bags])
    aligned = f1[linear_sum_assignment(-f1)].sum() / max(len(bags), len(gold_bags))
    return float(exact), round(float(aligned), 2)


def _f1(bag: set[str], gold: set[str]) -> float:
    numbers = {word for word in gold if _is_number(word)}
    if numbers and not numbers & bag:
        return 0.0
    common = len(gold & bag)
    precision = common / len(bag) if bag else 1.0
    recall = common / len(gold) if gold else 1.0
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _normalized(text: str) -> str:
    """Words split at spaces and hyphens, small, without punctuation and articles; numbers as Python writes floats."""
    words = (_word(word) for word in re.split("[ -]", text.lower()))
    return " ".join(word for word in words if word)


def _word(word: str) -> str:
    if not _is_number(word):
        word = word.translate(_NO_PUNCTUATION)
    if _is_number(word):
        word = str(float(word))
    return " ".join(_ARTICLES.sub(" ", word).split())


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
