"""Questions with several right options, and several questions in one sample.

GAOKAO-Bench (`Bench/OBJ_score_evaluation.py` of OpenLMLab/GAOKAO-Bench) counts marks: a paper's rate is the marks won
by those to be won, over all its questions, each with the sample's `score`. Only physics has several right options: all
of its questions are worth 6 marks, 3 for an answer without a wrong letter that is not complete. Other answers win all
of a question's marks or none. A sample where fewer letters than questions were found wins none for any of them.
So the published rate is the mean of `half_marks` in physics, and elsewhere that of `share_right(..., complete=True)`
weighted by `score` times the number of questions: `scoring_rate`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def half_marks(answer: str | None, target: str) -> float:
    """1 for the options of `target` exactly, 0.5 for some of them and no other, else 0, as in GAOKAO-Bench.

    Letters are compared as sets. GAOKAO-Bench compares them as they are written, so an answer in another order
    ("CA" of AC) wins half there; the verdict is the same for `option_set`, which sorts. Nothing extracted and an
    empty answer win nothing, as there, where no answer is replaced by a wrong one.

    >>> half_marks("AC", "AC"), half_marks("A", "AC"), half_marks("AB", "AC"), half_marks(None, "AC")
    (1.0, 0.5, 0.0, 0.0)
    """
    chosen, right = set(answer or ""), set(target)
    if not chosen or not chosen <= right:
        return 0.0
    return 1.0 if chosen == right else 0.5


def share_right(answers: Sequence[str | None] | None, targets: Sequence[str], *, complete: bool = False) -> float:
    """The share of questions answered right, by position. Missing answers are wrong, further ones are not looked at.

    With `complete`, an answer is worth nothing as a whole where one of the questions has none: GAOKAO-Bench's rule.
    Without, a question that was skipped or cut off costs itself alone.

    >>> share_right(["A", None, "C"], ["A", "B", "C"], complete=True)
    0.0
    """
    given = list(answers or ())[: len(targets)]
    if not targets or (complete and (len(given) < len(targets) or None in given)):
        return 0.0
    return sum(answer == target for answer, target in zip(given, targets, strict=False)) / len(targets)


def scoring_rate(values: NDArray[np.float64]) -> float:
    """The marks won by those to be won, over all samples; columns: marks won, marks to be won. No sample: nan."""
    return float(values[:, 0].sum() / values[:, 1].sum()) if len(values) else math.nan
