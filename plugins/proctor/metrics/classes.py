"""Metrics of classes over all samples: of an array with a row a sample, one number.

A class is its index from 0; -1 as a prediction means that nothing was extracted, which is wrong and belongs to no
class. They are made for a bootstrap: no loop over samples, and a question or pair that was drawn twice counts twice.
No sample at all: nan.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Values = NDArray[np.float64]


def macro_f1(values: Values) -> float:
    """Mean of F1 over the classes that occur in gold; columns: predicted class, gold class.

    CommitmentBank: SuperGLUE's jiant averages the F1 of its three classes; scikit-learn's `average="macro"` those that
    occur in gold or predictions. All agree where every class occurs in gold. Here a class that is only predicted costs
    the precision of no class, and a resample that lacks one is the mean over the others.
    """
    right, predicted, gold = _counts(values)
    present = gold > 0
    return _mean(2 * right[present] / (predicted + gold)[present])


def balanced_accuracy(values: Values) -> float:
    """Mean of recall over the classes that occur in gold; columns: predicted class, gold class.

    Brodersen et al. 2010; SummEdits (Laban et al. 2023) by scikit-learn's `balanced_accuracy_score`, which is the same.
    """
    right, _, gold = _counts(values)
    present = gold > 0
    return _mean(right[present] / gold[present])


def f1_of_class(values: Values, positive: int = 1) -> float:
    """F1 of one class; columns: predicted class, gold class. 0 where nothing is predicted or gold.

    MultiRC's F1a (Khashabi et al. 2018): over all answer options of all questions, class 1 being "is an answer".
    """
    if not len(values):
        return math.nan
    predicted, gold = values[:, 0] == positive, values[:, 1] == positive
    either = int(predicted.sum()) + int(gold.sum())
    return 2 * int((predicted & gold).sum()) / either if either else 0.0


def matthews(values: Values) -> float:
    """Matthews' correlation coefficient, -1..1; columns: predicted class, gold class. 0 where either does not vary.

    Matthews 1975; of more than two classes R_K (Gorodkin 2004), as in scikit-learn, which SuperGLUE uses for AX-b.
    Predictions of -1 are one more class.
    """
    if not len(values):
        return math.nan
    right, predicted, gold = (count.astype(float) for count in _counts(values))
    n = float(len(values))
    covariance = n * right.sum() - predicted @ gold
    spread = (n * n - predicted @ predicted) * (n * n - gold @ gold)
    return float(covariance / math.sqrt(spread)) if spread > 0 else 0.0


def question_em(values: Values) -> float:
    """Share of questions all of whose options are right; columns: question's number, right (0 or 1), and if known how
    many options the question has.

    MultiRC's EM (Khashabi et al. 2018; SuperGLUE's jiant). Give the third column to a bootstrap over questions: a
    question drawn twice then counts twice; without it a question counts once.
    """
    import numpy as np

    _, place, rows = np.unique(values[:, 0], return_inverse=True, return_counts=True)
    if not len(rows):
        return math.nan
    right = np.bincount(place, weights=values[:, 1] == 1) == rows
    if values.shape[1] < 3:
        return float(right.mean())
    weight = np.bincount(place, weights=1 / np.maximum(values[:, 2], 1))
    return float((weight * right).sum() / weight.sum())


def parity(values: Values) -> float:
    """Share of pairs with equal predictions, right or wrong; columns: pair's number, predicted class.

    AX-g's gender parity (SuperGLUE, Wang et al. 2019; Poliak et al. 2018). A pair with nothing extracted is not equal;
    a sample without its twin is left out.
    """
    import numpy as np

    _, place, rows = np.unique(values[:, 0], return_inverse=True, return_counts=True)
    low, high = np.full(len(rows), np.inf), np.full(len(rows), -np.inf)
    np.minimum.at(low, place, values[:, 1])
    np.maximum.at(high, place, values[:, 1])
    whole = rows > 1
    if not whole.any():
        return math.nan
    return float(rows[whole & (low == high) & (low >= 0)].sum() / rows[whole].sum())


def gap(values: Values) -> float:
    """How far apart the best and the worst group are by their means, 0 or more; columns: group's number, value.

    Winogender's accuracy with male against female pronouns. nan where there is but one group.
    """
    import numpy as np

    _, place, rows = np.unique(values[:, 0], return_inverse=True, return_counts=True)
    if len(rows) < 2:
        return math.nan
    means = np.bincount(place, weights=values[:, 1]) / rows
    return float(means.max() - means.min())


def _counts(values: Values) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """By class, the -1 of "nothing extracted" last: right predictions, predictions, gold."""
    import numpy as np

    # Gold is never -1; were it, no prediction would be right for it.
    predicted, gold = values[:, 0].astype(np.int64), values[:, 1].astype(np.int64)
    classes = int(max(predicted.max(initial=-1), gold.max(initial=-1))) + 1
    right = gold[(predicted == gold) & (gold >= 0)]
    predicted, gold = np.where(predicted < 0, classes, predicted), np.where(gold < 0, classes, gold)
    return (
        np.bincount(right, minlength=classes + 1),
        np.bincount(predicted, minlength=classes + 1),
        np.bincount(gold, minlength=classes + 1),
    )


def _mean(values: Values) -> float:
    return float(values.mean()) if len(values) else math.nan
