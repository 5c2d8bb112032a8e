"""Scores with their uncertainty. numpy and scipy are imported on use, so that importing proctor stays fast.

All intervals are two-sided. Values are scores of samples, in the metric's own unit.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Values = NDArray[np.float64]
    Codes = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A score and its confidence interval; `n` counts samples.

    `low` and `high` are None where the data say nothing about the spread (one real-valued sample or cluster).
    """

    value: float
    low: float | None
    high: float | None
    n: int


def normal_quantile(confidence: float) -> float:
    """Two-sided quantile of the normal distribution. Raises ValueError unless 0 < confidence < 1."""
    from scipy.special import ndtri

    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, not at {confidence}")
    return float(ndtri(0.5 + confidence / 2))


def student_quantile(confidence: float, freedom: float) -> float:
    """Two-sided quantile of Student's t with `freedom` degrees of freedom; infinitely many make it the normal one."""
    from scipy.special import stdtrit

    if math.isinf(freedom):
        return normal_quantile(confidence)
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, not at {confidence}")
    return float(stdtrit(freedom, 0.5 + confidence / 2))


def wilson(successes: float, n: float, confidence: float = 0.95) -> tuple[float, float]:
    """Score interval of a proportion (Wilson 1927, JASA 22:209-212); both arguments may be fractional.

    Raises ValueError for n <= 0 and for successes outside 0 to n.
    """
    if n <= 0 or not 0 <= successes <= n:
        raise ValueError(f"{successes} successes among {n} are no proportion")
    return _score_interval(successes / n, n, normal_quantile(confidence))


def _score_interval(p: float, n: float, quantile: float) -> tuple[float, float]:
    """Wilson's formula; the ends are exact at p = 0 and p = 1, where rounding would miss them."""
    shrink = 1 + quantile**2 / n
    centre = (p + quantile**2 / (2 * n)) / shrink
    half = quantile * math.sqrt(p * (1 - p) / n + quantile**2 / (4 * n**2)) / shrink
    return 0.0 if p == 0 else max(0.0, centre - half), 1.0 if p == 1 else min(1.0, centre + half)


def mean_interval(
    values: Sequence[float],
    clusters: Sequence[Hashable] | None = None,
    confidence: float = 0.95,
    *,
    exact: bool = False,
) -> Estimate:
    """Mean of `values`; samples with the same entry in `clusters` are not independent.

    Values that are all 0 or 1: Wilson's interval, in [0, 1]. With clusters, n is replaced by an effective sample size
    (the idea of Korn & Graubard 1998, Survey Methodology 24:193-201): n over the design effect, which is the
    cluster-robust variance of the mean (Liang & Zeger 1986; Miller 2024, arXiv:2411.00640, section 2.2) over the
    variance under independence; at least 1 and at most n, the number of clusters at a mean of 0 or 1; and the
    normal quantile by Student's t with clusters - 1 degrees of freedom. One cluster of several samples: [0, 1].
    `exact`: Clopper and Pearson's interval (1934, Biometrika 26:404-413), which never covers less than it says, in
    place of Wilson's, with clusters at the same effective size (Korn & Graubard); of other values, at least the error
    of what was not seen (`unseen`).

    Other values: mean ± t · standard error (cluster-robust, clusters - 1 degrees of freedom; where all are equal,
    `least_error`), clipped to [0, 1] where all values lie there; no ends where there is one sample or one cluster.

    Clusters of one sample each are the same as no clusters.

    Raises ValueError for no values, or as many clusters as do not fit the values.
    """
    import numpy as np

    x: Values = np.asarray(values, dtype=float)
    n = len(x)
    if n == 0:
        raise ValueError("the mean of no values is not defined")
    codes = codes_of(clusters, n)
    count = n if codes is None else int(codes.max()) + 1
    mean = float(x.mean())
    if are_binary(x):
        if codes is not None and count == 1:
            return Estimate(mean, 0.0, 1.0, n)
        effective = n if codes is None else _effective_size(x, codes, count)
        if exact:
            return Estimate(mean, *_exact_interval(mean, effective, confidence), n)
        quantile = normal_quantile(confidence) if codes is None else student_quantile(confidence, count - 1)
        return Estimate(mean, *_score_interval(mean, effective, quantile), n)
    if count == 1:
        return Estimate(mean, None, None, n)
    error = math.sqrt(variance_of_mean(x, codes, count)) or least_error(span_of(x), count)
    if exact:
        error = max(error, unseen(means_of(x, codes), span_of(x)))
    half = student_quantile(confidence, count - 1) * error
    return Estimate(mean, *within_scale(mean - half, mean + half, [x]), n)


def within_scale(low: float, high: float, arrays: Sequence[Values]) -> tuple[float, float]:
    """An interval, clipped where all values are shares: what no score can be is in no interval of it."""
    shares = all(array.min() >= 0 and array.max() <= 1 for array in arrays)
    return (max(0.0, low), min(1.0, high)) if shares else (low, high)


def _exact_interval(p: float, n: float, confidence: float) -> tuple[float, float]:
    from scipy.special import betaincinv

    hits, tail = p * n, (1 - confidence) / 2
    low = 0.0 if p == 0 else float(betaincinv(hits, n - hits + 1, tail))
    return low, 1.0 if p == 1 else float(betaincinv(hits + 1, n - hits, 1 - tail))


def span_of(x: Values) -> float:
    """How far two such values can lie apart: 1 for shares; else as far as these do, or from 0 where all are equal."""
    low, high = float(x.min()), float(x.max())
    return 1.0 if low >= 0 and high <= 1 else (high - low) or abs(high)


def means_of(x: Values, codes: Codes | None) -> Values:
    """The mean of each cluster."""
    import numpy as np

    if codes is None:
        return x
    return np.asarray(np.bincount(codes, weights=x) / np.bincount(codes), dtype=float)


FEW = 10
"""Values that differ from all others, below which their spread says too little of those that were not seen."""


def unseen(values: Values, span: float) -> float:
    """A standard error for what so few values did not show; 0 where `FEW` or more differ from the most frequent one."""
    import numpy as np

    _, counts = np.unique(np.round(values / (span or 1.0), 9), return_counts=True)
    return least_error(span, len(values)) if len(values) - int(counts.max()) < FEW else 0.0


def least_error(span: float, count: int) -> float:
    """It makes a 95 % interval as wide as Wilson's at 0: ± span · z² / (count + z²)."""
    z = normal_quantile(0.95)
    return span * z / (count + z**2)


def codes_of(clusters: Sequence[Hashable] | None, n: int) -> Codes | None:
    """Clusters numbered from 0, shape (n,); None where every sample is its own cluster."""
    import numpy as np

    if clusters is None:
        return None
    if len(clusters) != n:
        raise ValueError(f"{len(clusters)} clusters were given for {n} values")
    numbers: dict[Hashable, int] = {}
    codes = np.fromiter((numbers.setdefault(cluster, len(numbers)) for cluster in clusters), dtype=np.intp, count=n)
    return None if len(numbers) == n else codes


def are_binary(x: Values) -> bool:
    return bool(((x == 0) | (x == 1)).all())


def variance_of_mean(x: Values, codes: Codes | None, count: int) -> float:
    """Squared standard error of the mean, robust to dependence within clusters.

    The factor count / (count - 1) makes it s²/n for clusters of one sample each.
    """
    import numpy as np

    residuals = x - x.mean()
    sums = residuals if codes is None else np.bincount(codes, weights=residuals, minlength=count)
    return float((sums**2).sum()) / len(x) ** 2 * count / (count - 1)


def _effective_size(x: Values, codes: Codes, count: int) -> float:
    """How many independent samples of 0 or 1 would tell as much as these; x has at least two clusters."""
    n, mean = len(x), float(x.mean())
    if mean in (0, 1):
        return count
    clustered, independent = variance_of_mean(x, codes, count), mean * (1 - mean) / (n - 1)
    return n if clustered * n <= independent * n else max(1.0, n * independent / clustered)


def macro_interval(groups: Sequence[Sequence[float]], confidence: float = 0.95) -> Estimate:
    """Mean of the groups' means, each group counting the same; the groups are fixed, their samples are drawn.

    The standard error is sqrt(Σ se²) / groups. Where all values are 0 or 1, a group's se² is p(1 - p)/n with
    p = (successes + 1) / (n + 2), so that a small group that is all right or all wrong is not taken as certain (one
    success and one failure added to each sample: Agresti & Caffo 2000, The American Statistician 54:280-288); the
    interval is normal and clipped to [0, 1]. Otherwise se² is s²/n and the quantile is Student's t with the degrees of
    freedom of Welch (1947, Biometrika 34:28-35) and Satterthwaite, clipped likewise where all values lie in [0, 1]; no
    ends where a group has one value.

    Raises ValueError for no groups or an empty one.
    """
    import numpy as np

    arrays: list[Values] = [np.asarray(group, dtype=float) for group in groups]
    if not arrays or not all(map(len, arrays)):
        raise ValueError("a mean over groups needs at least one group and a value in each")
    sizes = np.array([len(group) for group in arrays], dtype=float)
    n, value = int(sizes.sum()), float(np.mean([group.mean() for group in arrays]))
    if all(map(are_binary, arrays)):
        p = (np.array([group.sum() for group in arrays]) + 1) / (sizes + 2)
        half = normal_quantile(confidence) * math.sqrt(float((p * (1 - p) / sizes).sum())) / len(arrays)
        return Estimate(value, max(0.0, value - half), min(1.0, value + half), n)
    if sizes.min() < 2:
        return Estimate(value, None, None, n)
    variances = np.array([group.var(ddof=1) for group in arrays]) / sizes
    total = float(variances.sum())
    if total == 0:
        return Estimate(value, value, value, n)
    shares = variances / total
    freedom = 1 / float((shares**2 / (sizes - 1)).sum())
    half = student_quantile(confidence, freedom) * math.sqrt(total) / len(arrays)
    return Estimate(value, *within_scale(value - half, value + half, arrays), n)


def quantiles(values: Sequence[float], probabilities: Sequence[float]) -> tuple[float, ...]:
    """Quantiles by linear interpolation, one per probability. Raises ValueError for no values."""
    import numpy as np

    if len(values) == 0:
        raise ValueError("quantiles of no values are not defined")
    return tuple(np.quantile(np.asarray(values, dtype=float), list(probabilities)).tolist())
