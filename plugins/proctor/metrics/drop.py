"""Exact match and F1 of DROP (Dua et al. 2019), as the authors' drop_eval.py has them (allennlp-models, tools/drop.py).

An answer is a number, a date, one span or several: a sequence of texts each. Unlike SQuAD's scorer it splits words at
spaces and hyphens, writes numbers as floats ("12" is "12.0", "$1,200" is "1200.0") and compares sets of words, not
bags; number words stay words: "three" is not "3". Spans are aligned one to one so that the sum of their F1 is greatest,
and the mean is over the longer side: a span too many costs as much as a missing one. A gold span with numbers matches
only a span that has one of them.
"""

from __future__ import annotations

import re
import string
from collections.abc import Sequence

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_NO_PUNCTUATION = dict.fromkeys(map(ord, string.punctuation))


def drop_scores(answer: Sequence[str] | None, golds: Sequence[Sequence[str]]) -> tuple[float, float]:
    """(exact match, F1) of an answer's spans, the best of each over the annotators' answers; F1 to two decimals.

    Gold answers whose first span is blank do not count, as there. Nothing extracted (None) and no span at all score 0.

    >>> drop_scores(["Lund"], [["Anna Lund"], ["Lund", "Reed"]])
    (0.0, 0.67)
    """
    if not answer:
        return 0.0, 0.0
    found = [_scores(answer, gold) for gold in golds if gold and gold[0].strip()]
    return max((exact for exact, _ in found), default=0.0), max((f1 for _, f1 in found), default=0.0)


def _scores(answer: Sequence[str], gold: Sequence[str]) -> tuple[float, float]:
    import numpy as np
    from scipy.optimize import linear_sum_assignment  # half a second, for those alone who score DROP

    ours, theirs = list(map(_normalized, answer)), list(map(_normalized, gold))
    exact = set(ours) == set(theirs) and len(ours) == len(theirs)
    f1 = np.array([[_f1(set(one.split()), set(other.split())) for one in ours] for other in theirs])
    aligned = np.zeros(max(f1.shape))
    rows, columns = linear_sum_assignment(f1, maximize=True)
    aligned[rows] = f1[rows, columns]
    return float(exact), float(round(np.mean(aligned), 2))


def _f1(answer: set[str], gold: set[str]) -> float:
    numbers = set(filter(_is_number, gold))
    if numbers and not numbers & answer:
        return 0.0
    common = len(answer & gold)
    precision = common / len(answer) if answer else 1.0
    recall = common / len(gold) if gold else 1.0
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _normalized(text: str) -> str:
    return " ".join(filter(None, map(_word, re.split("[ -]", text.lower()))))


def _word(word: str) -> str:
    """Without punctuation, but for a number; a number as Python writes it; without articles and surplus white space."""
    word = word if _is_number(word) else word.translate(_NO_PUNCTUATION)
    word = str(float(word)) if _is_number(word) else word
    return " ".join(_ARTICLES.sub(" ", word).split())


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True
