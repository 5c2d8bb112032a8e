"""How far a judge model agrees with people, and a judge's score corrected by what people say: pure functions.

All intervals are two-sided. numpy is imported on use.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from proctor.statistics.intervals import Estimate, mean_interval, student_quantile, within_scale

if TYPE_CHECKING:
    from proctor.statistics.intervals import Values

RESAMPLES = 2_000
SEED = 20230123
FEWEST = 8
"""Samples below which resampling says nothing of a kappa's spread."""
POWER = 2
"""Of the weights: 1 makes them linear, 2 quadratic."""


def agreement(pairs: Sequence[tuple[Hashable, Hashable]], clusters: Sequence[Hashable]) -> Estimate:
    """The share of pairs of equal labels; pairs of one sample are a cluster. Raises ValueError for none."""
    return mean_interval([float(one == other) for one, other in pairs], clusters)


def kappa(pairs: Sequence[tuple[Hashable, Hashable]], order: Sequence[Hashable], power: int = 0) -> float:
    """Cohen's kappa (1960, Educational and Psychological Measurement 20:37-46); nan where chance explains all.

    order: all labels, from the lowest to the highest. power: 0 counts every disagreement the same; else the weight of
    one is its distance in `order` to this power (Cohen 1968, Psychological Bulletin 70:213-220).
    """
    return _kappa(_table(pairs, order), power)


def kappa_interval(
    pairs: Sequence[tuple[Hashable, Hashable]],
    order: Sequence[Hashable],
    clusters: Sequence[Hashable],
    power: int = 0,
    confidence: float = 0.95,
) -> Estimate:
    """Cohen's kappa with the percentile interval of a seeded bootstrap over clusters; no ends for fewer than FEWEST.

    Nor where all agree.
    """
    import numpy as np

    value = kappa(pairs, order, power)
    of_cluster: dict[Hashable, list[tuple[Hashable, Hashable]]] = {}
    for cluster, pair in zip(clusters, pairs, strict=True):
        of_cluster.setdefault(cluster, []).append(pair)
    if len(of_cluster) < FEWEST or math.isnan(value):
        return Estimate(value, None, None, len(pairs))
    tables = np.stack([_table(own, order) for own in of_cluster.values()])
    random = np.random.default_rng(SEED)
    drawn = random.multinomial(len(tables), [1 / len(tables)] * len(tables), size=RESAMPLES)
    found = [_kappa(table, power) for table in np.tensordot(drawn, tables, axes=1)]
    known = [one for one in found if not math.isnan(one)]
    if len(known) < RESAMPLES / 2:
        return Estimate(value, None, None, len(pairs))
    if min(known) == max(known):  # nobody disagreed: of that, resampling makes no disagreement
        return Estimate(value, None, None, len(pairs))
    low, high = np.quantile(known, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Estimate(value, float(low), float(high), len(pairs))


def _table(pairs: Sequence[tuple[Hashable, Hashable]], order: Sequence[Hashable]) -> Values:
    """Counts of pairs of labels, shape (labels, labels). Raises ValueError for a label that is not in `order`."""
    import numpy as np

    places = {label: place for place, label in enumerate(order)}
    table = np.zeros((len(order), len(order)))
    for pair in pairs:
        if unknown := [label for label in pair if label not in places]:
            raise ValueError(f"the label {unknown[0]!r} is none of {', '.join(map(str, order))}")
        table[places[pair[0]], places[pair[1]]] += 1
    return table


def _kappa(table: Values, power: int) -> float:
    import numpy as np

    total = table.sum()
    if total == 0:
        return math.nan
    places = np.arange(len(table))
    apart = np.abs(places[:, None] - places[None, :])
    weights = (apart > 0).astype(float) if power == 0 else (apart / max(1, len(table) - 1)) ** power
    observed = float((weights * table).sum() / total)
    expected = float((weights * np.outer(table.sum(axis=1), table.sum(axis=0))).sum() / total**2)
    return 1 - observed / expected if expected else math.nan


@dataclass(frozen=True, slots=True)
class Corrected:
    """A score from people's labels and a judge's, with its interval; `power` is how much the judge's count for."""

    estimate: Estimate
    power: float


def prediction_powered(
    labels: Sequence[float],
    predictions: Sequence[float],
    others: Sequence[float],
    power: float | None = None,
    confidence: float = 0.95,
) -> Corrected:
    """The mean of people's labels over all samples, where people labelled some and a judge all of them.

    Prediction-powered inference (Angelopoulos et al. 2023, Science 382:669-674, arXiv:2301.09633): the judge's mean on
    the samples that nobody labelled, plus the mean error of the judge on those that people did. `power` is λ of PPI++
    (Angelopoulos, Duchi & Zrnic 2023, arXiv:2311.01453): 1 is the first paper's, 0 takes the labels alone; None chooses
    the one of least variance, between 0 and 1. Unbiased for every λ that is fixed; λ from the data costs a bias of
    order 1/n. Student's quantile with n - 1 degrees of freedom, as few samples are labelled.

    labels, predictions: people's and the judge's score of the same samples. others: the judge's of the rest.
    Raises ValueError where none are labelled, or the lengths differ.
    """
    import numpy as np

    y, f, rest = (np.asarray(values, dtype=float) for values in (labels, predictions, others))
    if len(y) == 0 or len(y) != len(f):
        raise ValueError(f"{len(y)} labels and {len(f)} predictions of the same samples are needed, and one at least")
    if len(y) < 2 or len(rest) < 2:
        return Corrected(mean_interval(y.tolist()), 0.0)
    n, count = len(y), len(rest)
    if power is None:
        spread = float(np.concatenate([f, rest]).var(ddof=1))
        shared = float(np.cov(y, f, ddof=1)[0, 1])
        power = min(1.0, max(0.0, shared / ((1 + n / count) * spread))) if spread else 0.0
    value = float(y.mean() + power * (rest.mean() - f.mean()))
    variance = float((y - power * f).var(ddof=1)) / n + power**2 * float(rest.var(ddof=1)) / count
    if variance == 0:
        return Corrected(mean_interval(y.tolist()), power)
    half = student_quantile(confidence, n - 1) * math.sqrt(variance)
    low, high = within_scale(value - half, value + half, [y, f, rest])
    return Corrected(Estimate(min(max(value, low), high), low, high, n + count), power)
