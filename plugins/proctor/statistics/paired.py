"""Two runs on the same samples: how far they are apart, how sure that is, and what would settle it.

A difference is candidate minus baseline, a drop its negative. Of binary scores, `lost` counts the samples that the
baseline had right and the candidate has wrong, `gained` the reverse. numpy and scipy are imported on use.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from proctor.statistics.intervals import (
    are_binary,
    codes_of,
    normal_quantile,
    span_of,
    student_quantile,
    unseen,
    variance_of_mean,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Values = NDArray[np.float64]
    Codes = NDArray[np.intp]

RESAMPLES = 10_000
MOST_RESAMPLED = 5_000
"""Clusters up to which the bootstrap is drawn; of more, the mean is normal enough for Student's interval."""
SEED = 20240807
LEAST_FREEDOM = 2.0


class Difference(Protocol):
    """What two runs differ by: candidate minus baseline, with all that a verdict asks of it."""

    @property
    def value(self) -> float: ...
    @property
    def n(self) -> int: ...
    @property
    def clusters(self) -> int: ...
    @property
    def lost(self) -> int: ...
    @property
    def gained(self) -> int: ...
    @property
    def binary(self) -> bool: ...
    @property
    def standard_error(self) -> float: ...
    @property
    def freedom(self) -> float: ...
    @property
    def effective(self) -> float: ...
    def interval(self, confidence: float = 0.95) -> tuple[float, float]: ...
    def p_beyond(self, margin: float) -> float: ...
    def p_different(self) -> float: ...


@dataclass(frozen=True)
class Paired:
    """Scores of the same samples in two runs.

    `differences`: shape (n,), candidate minus baseline. `codes`: the cluster of each, numbered from 0; None where every
    sample is its own. `binary`: all scores are 0 or 1. `span`: how far two scores can lie apart.

    Intervals of binary scores are Tango's (`tango`). Clusters enter as an effective number of pairs (n over the design
    effect, as in `statistics.mean_interval`) and by Student's quantile with 2 / (Σs⁴ / (Σs²)² - 1 / clusters) degrees
    of freedom, s being the clusters' residual sums: those of the χ² that varies as much as the variance's estimate does
    (Satterthwaite 1946, Biometrics Bulletin 2:110-114), with the kurtosis that is seen. A few clusters that flip as a
    whole tell less than their samples seem to. Other scores: at each end, what lies further out of Student's interval
    and of the bias-corrected and accelerated bootstrap over clusters (BCa; Efron 1987, JASA 82:171-185). BCa alone
    covers far less than it says where most scores are unchanged, and Student's errs to one side where they are skewed
    (benchmarks/gates.py).
    """

    differences: Values
    codes: Codes | None
    binary: bool
    span: float = 1.0

    @property
    def n(self) -> int:
        return len(self.differences)

    @property
    def clusters(self) -> int:
        return self.n if self.codes is None else int(self.codes.max()) + 1

    @property
    def value(self) -> float:
        """The mean difference."""
        return float(self.differences.mean())

    @property
    def lost(self) -> int:
        return int((self.differences < 0).sum())

    @property
    def gained(self) -> int:
        return int((self.differences > 0).sum())

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Two-sided confidence interval of the difference; as wide as can be where the data say nothing."""
        if self.binary:
            if not self.effective:
                return -1.0, 1.0
            scale = self.effective / self.n
            low, high = tango(self.lost * scale, self.gained * scale, self.effective, self._quantile(confidence))
            return float(low), float(high)
        if self.clusters < 2:
            return -math.inf, math.inf
        half, tail = self._quantile(confidence) * self.standard_error, (1 - confidence) / 2
        low, high = self.value - half, self.value + half
        if self.clusters > MOST_RESAMPLED:
            return low, high
        return min(low, self._bootstrap.quantile(tail)), max(high, self._bootstrap.quantile(1 - tail))

    def p_beyond(self, margin: float) -> float:
        """One-sided p-value of the hypothesis that the drop is at most `margin`; goes with `interval`."""
        if self.binary:
            if not self.effective:
                return 1.0
            scale = self.effective / self.n
            statistic = score(self.lost * scale, self.gained * scale, self.effective, -margin)
            return lower_tail(float(statistic), self.freedom)
        if self.clusters < 2:
            return 1.0
        p = lower_tail((self.value + margin) / self.standard_error, self.freedom)
        return p if self.clusters > MOST_RESAMPLED else max(p, 1 - self._bootstrap.level(-margin))

    def p_different(self) -> float:
        """Two-sided p-value of the hypothesis that the runs are alike: the labels of every cluster may be swapped.

        Exact for binary scores, and McNemar's exact test (1947, Psychometrika 12:153-157) where no two samples share a
        cluster. Other scores: RESAMPLES random swaps, the observed one counted among them; of more clusters than
        MOST_RESAMPLED, the normal distribution that swaps come to.
        """
        sums = self._sums
        if self.binary:
            return _swaps_exactly(sums)
        if self.clusters > MOST_RESAMPLED:
            spread = math.sqrt(float((sums**2).sum()))
            return 2 * lower_tail(-abs(float(sums.sum())) / spread, math.inf) if spread else 1.0
        return _swaps_at_random(sums)

    @property
    def standard_error(self) -> float:
        """Of the mean difference, robust to dependence within clusters, and never 0: what was not seen may still be.

        At least that of one pair that differs, of flags. Of other scores, where few clusters differ from all others, so
        much that the interval is as wide as that of flags none of which changed (`unseen`).
        """
        if self.clusters < 2:
            return math.inf
        error = math.sqrt(variance_of_mean(self.differences, self.codes, self.clusters))
        if self.binary:
            return max(error, 1 / self.effective)
        return max(error, unseen(self._sums / self._sizes, self.span))

    @cached_property
    def freedom(self) -> float:
        """Degrees of freedom: of Student's quantile with clusters or real values, infinite for independent flags."""
        if self.codes is None:
            return math.inf if self.binary else self.n - 1
        residuals = self._residuals
        fourth = float((residuals**4).sum())
        if fourth == 0:
            return self.clusters - 1
        varies = fourth / float((residuals**2).sum()) ** 2 - 1 / self.clusters
        return min(self.clusters - 1, max(LEAST_FREEDOM, 2 / max(varies, 1e-12)))

    @property
    def _sums(self) -> Values:
        import numpy as np

        if self.codes is None:
            return self.differences
        return np.bincount(self.codes, weights=self.differences, minlength=self.clusters).astype(float)

    @property
    def _residuals(self) -> Values:
        """Of the clusters' sums."""
        return self._sums - self._sizes * self.value

    @property
    def _sizes(self) -> Values:
        import numpy as np

        if self.codes is None:
            return np.ones(self.n)
        return np.bincount(self.codes, minlength=self.clusters).astype(float)

    @cached_property
    def effective(self) -> float:
        """How many independent pairs would tell as much as these; 0 where that cannot be said."""
        if self.codes is None:
            return self.n
        if self.clusters < 2:
            return 0.0
        independent = float(self.differences.var()) / (self.n - 1)
        if independent == 0:
            return self.clusters
        clustered = variance_of_mean(self.differences, self.codes, self.clusters)
        return self.n * min(1.0, independent / clustered) if clustered > 0 else self.n

    def _quantile(self, confidence: float) -> float:
        return student_quantile(confidence, self.freedom)

    @cached_property
    def _bootstrap(self) -> _Bootstrap:
        return _resampled(self._sums, self._sizes)


def paired(baseline: Sequence[float], candidate: Sequence[float], clusters: Sequence[Hashable] | None = None) -> Paired:
    """Scores in the order of the same samples. Raises ValueError for none, or for lengths that differ."""
    import numpy as np

    before, after = np.asarray(baseline, dtype=float), np.asarray(candidate, dtype=float)
    if len(before) != len(after) or not len(before):
        raise ValueError(f"{len(before)} and {len(after)} scores make no pairs")
    binary = are_binary(before) and are_binary(after)
    return Paired(after - before, codes_of(clusters, len(before)), binary, span_of(np.concatenate([before, after])))


@dataclass(frozen=True)
class Average:
    """The mean of several groups' differences, each group counting the same; the groups are fixed.

    The standard error is sqrt(Σ se²) / groups. Of binary scores, a group's se² is that of Bonett & Price (2012, Journal
    of Educational and Behavioral Statistics 37:479-488), which adds one pair lost and one gained, times its design
    effect. Degrees of freedom: Welch and Satterthwaite's.
    """

    groups: Sequence[Difference]

    @property
    def binary(self) -> bool:
        return all(group.binary for group in self.groups)

    @property
    def n(self) -> int:
        return sum(group.n for group in self.groups)

    @property
    def clusters(self) -> int:
        return sum(group.clusters for group in self.groups)

    @property
    def value(self) -> float:
        return sum(group.value for group in self.groups) / len(self.groups)

    @property
    def lost(self) -> int:
        return sum(group.lost for group in self.groups)

    @property
    def gained(self) -> int:
        return sum(group.gained for group in self.groups)

    @cached_property
    def _variances(self) -> Sequence[float]:
        return [_group_variance(group) for group in self.groups]

    @property
    def standard_error(self) -> float:
        return math.sqrt(sum(self._variances)) / len(self.groups)

    @property
    def effective(self) -> float:
        """How many independent pairs would tell as much as these, of clusters and in groups of unequal size."""
        spread = self.standard_error**2 * self.n + self.value**2
        if not math.isfinite(spread):
            return 0.0
        return self.n / max(1.0, spread / max((self.lost + self.gained) / self.n, 1 / self.n))

    @cached_property
    def freedom(self) -> float:
        total = sum(self._variances)
        if not math.isfinite(total) or total == 0:
            return LEAST_FREEDOM
        terms = [
            (variance / total) ** 2 / group.freedom
            for variance, group in zip(self._variances, self.groups, strict=True)
            if group.freedom > 0
        ]
        return 1 / sum(terms) if sum(terms) else math.inf

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Two-sided confidence interval of the mean difference, within -1 and 1 for binary scores."""
        half = student_quantile(confidence, self.freedom) * self.standard_error
        low, high = self.value - half, self.value + half
        return (max(-1.0, low), min(1.0, high)) if self.binary else (low, high)

    def p_beyond(self, margin: float) -> float:
        """As `Paired.p_beyond`."""
        return self._lower_tail(self.value + margin)

    def p_different(self) -> float:
        """Two-sided p-value of no difference, by the same standard error."""
        return 2 * self._lower_tail(-abs(self.value))

    def _lower_tail(self, distance: float) -> float:
        error = self.standard_error
        return lower_tail(distance / error, self.freedom) if error else float(distance >= 0)


def lower_tail(statistic: float, freedom: float) -> float:
    """Student's distribution function; the normal one for infinitely many degrees of freedom."""
    from scipy.special import ndtr, stdtr

    return float(ndtr(statistic) if math.isinf(freedom) else stdtr(freedom, statistic))


def _group_variance(group: Difference) -> float:
    if not isinstance(group, Paired) or not group.binary:
        return group.standard_error**2
    size = group.effective
    if not size:
        return 1.0
    scale = size / group.n
    lost, gained = (group.lost * scale + 1) / (size + 2), (group.gained * scale + 1) / (size + 2)
    return (lost + gained - (gained - lost) ** 2) / (size + 2)


def detectable(difference: Difference, power: float = 0.8, confidence: float = 0.95) -> float:
    """The smallest drop that a run like this one shows with probability `power`.

    For flags, of samples that change as often as here, or more often where the drop itself needs it (Connett, Smith &
    McHugh 1987, Biometrics 43:571-582), at the effective number of pairs; and one more, for the test is exact.
    """
    reach, chance = student_quantile(confidence, difference.freedom), normal_quantile(2 * power - 1)
    error, size = difference.standard_error, difference.effective
    if not math.isfinite(error) or not size:
        return math.inf
    if not difference.binary:
        return (reach + chance) * error
    return min(1.0, _seen(max(_changing(difference), 1 / size), size, reach, chance))


def needed_to_see(difference: Difference, smallest: float, power: float = 0.8, confidence: float = 0.95) -> float:
    """How many samples would make `smallest` the drop that is `detectable`; infinite where that cannot be said."""
    size = difference.effective
    if not math.isfinite(difference.standard_error) or not size:
        return math.inf
    if not difference.binary:
        return _ceiling(difference.n * (detectable(difference, power, confidence) / smallest) ** 2)
    reach, chance, rate = normal_quantile(confidence), normal_quantile(2 * power - 1), _changing(difference)
    found = _least(lambda n: _seen(max(rate, 1 / n), n, reach, chance) <= smallest)
    return _ceiling(found * difference.n / size)


def needed(difference: Difference, margin: float, power: float = 0.8, confidence: float = 0.95) -> float:
    """How many samples would decide, with probability `power`, on which side of `margin` a drop like this one lies.

    Of flags: as many as keep the margin out of the interval of a drop that lies nearer to it, by as much as with that
    probability it does not. Infinite where the drop is the margin, and where nothing can be said of so few.
    """
    distance, size = margin + difference.value, difference.effective
    if distance == 0 or not math.isfinite(difference.standard_error) or not size:
        return math.inf
    reach, chance = normal_quantile(confidence), normal_quantile(2 * power - 1)
    if not difference.binary or isinstance(difference, Average):
        return _ceiling(difference.n * ((reach + chance) * difference.standard_error / distance) ** 2)
    rate, drop = _changing(difference), -difference.value
    deviation = math.sqrt(max(0.0, rate - drop**2))

    def decided(n: float) -> bool:
        nearer = drop + math.copysign(min(abs(distance), chance * deviation / math.sqrt(n)), distance)
        changing = max(rate, abs(nearer))
        low, high = tango((changing + nearer) / 2 * n, (changing - nearer) / 2 * n, n, reach)
        return bool(-low < margin if distance > 0 else -high > margin)

    return _ceiling(_least(decided) * difference.n / size)


def _changing(difference: Difference) -> float:
    """Which share of the samples is lost or gained."""
    return (difference.lost + difference.gained) / difference.n


def _seen(rate: float, n: float, reach: float, chance: float) -> float:
    """The drop that an exact test of n pairs shows, `rate` of which change, or as many as the drop itself needs."""
    drop = 0.0
    for _ in range(100):  # a contraction: the drop needs changes, and changes make it harder to see
        changing = max(rate, drop)
        drop = (reach * math.sqrt(changing) + chance * math.sqrt(max(0.0, changing - drop**2))) / math.sqrt(n)
    return drop + 1 / n


MOST_NEEDED = 1e9


def _least(holds: Callable[[float], bool]) -> float:
    """The least number of pairs for which it holds, being so for all larger ones; infinite beyond `MOST_NEEDED`."""
    low, high = 1.0, 2.0
    while not holds(high):
        low, high = high, 2 * high
        if high > MOST_NEEDED:
            return math.inf
    while high - low > max(0.5, high / 1000):
        middle = (low + high) / 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def _ceiling(value: float) -> float:
    return math.ceil(value) if math.isfinite(value) else value


def needed_epochs(difference: Difference, margin: float, power: float = 0.8, confidence: float = 0.95) -> float:
    """How many epochs of the same samples would decide it; infinite where no number would, or that cannot be said.

    Clusters must be the samples, all with the same number of epochs. More epochs take away the variance within samples,
    and leave that between them (Miller 2024, arXiv:2411.00640, section 3.1).
    """
    if not isinstance(difference, Paired) or difference.codes is None or difference.clusters < 2:
        return math.inf
    sizes, sums, distance = difference._sizes, difference._sums, abs(margin + difference.value)
    if sizes.min() != sizes.max() or sizes[0] < 2:
        return math.inf
    count, each = difference.clusters, float(sizes[0])
    within = float((difference.differences**2).sum() - (sums**2 / sizes).sum()) / (difference.n - count)
    between = max(0.0, float((sums / sizes).var(ddof=1)) - within / each)
    reach = normal_quantile(confidence) + normal_quantile(2 * power - 1)
    allowed = count * (distance / reach) ** 2
    if within == 0 or allowed <= between:
        return math.inf
    return math.ceil(within / (allowed - between))


def holm(p_values: Mapping[Any, float]) -> dict[Any, float]:
    """p-values adjusted for being several (Holm 1979, Scandinavian Journal of Statistics 6:65-70)."""
    adjusted, least = {}, 0.0
    for place, (key, p) in enumerate(sorted(p_values.items(), key=lambda item: item[1])):
        least = max(least, min(1.0, (len(p_values) - place) * p))
        adjusted[key] = least
    return adjusted


def tango(lost: Any, gained: Any, n: Any, quantile: Any) -> tuple[Any, Any]:
    """Score interval of (gained - lost) / n (Tango 1998, Statistics in Medicine 17:891-908), by `score`.

    Numbers, or arrays of one shape; counts may be fractional.
    """
    import numpy as np

    lost, gained, n = np.broadcast_arrays(*(np.asarray(one, dtype=float) for one in (lost, gained, n)))
    value = (gained - lost) / n

    def end(outer: float) -> Values:
        inside, outside = value.copy(), np.full_like(value, outer)
        for _ in range(60):
            middle = (inside + outside) / 2
            far = np.abs(score(lost, gained, n, middle)) > quantile
            inside, outside = np.where(far, inside, middle), np.where(far, middle, outside)
        return np.asarray(inside, dtype=float)

    return end(-1.0), end(1.0)


def score(lost: Any, gained: Any, n: Any, difference: Any) -> Any:
    """How many standard errors (gained - lost) / n lies above `difference`; 0 for one pair, which has none.

    The standard error is that of the likeliest table with this difference (Tango), with n - 1 for n. Then the statistic
    is corrected for that table's skewness (Gart & Nam 1988, Biometrics 44:323-338; Laud 2017, Pharmaceutical Statistics
    16:334-348; both corrections as in his R package ratesci), but towards 0 only: the other way, a few pairs of which
    none changed would soon be certain.
    """
    import numpy as np

    linear = -(gained + lost) + (2 * n - gained + lost) * difference
    constant = -lost * difference * (1 - difference)
    least = (np.sqrt(np.maximum(linear**2 - 8 * n * constant, 0)) - linear) / (4 * n)
    third = difference * (1 - 3 * (2 * least + difference) + 2 * difference**2)
    distance = (gained - lost) / n - difference
    with np.errstate(divide="ignore", invalid="ignore"):
        # Of one pair.
        variance = np.maximum(2 * least + difference * (1 - difference), 0) * n / np.maximum(n - 1, 0)
        plain = np.where((distance == 0) | (n <= 1), 0.0, distance / np.sqrt(variance / n))
        skewness = third / (6 * variance**1.5 * np.sqrt(n))
        # The inverse of plain = even + skewness * (even² - 1), by Cornish and Fisher.
        shifted = plain + skewness
        even = 2 * shifted / (1 + np.sqrt(np.maximum(1 + 4 * skewness * shifted, 0)))
    return np.where(np.isfinite(even), np.clip(even, np.minimum(plain, 0), np.maximum(plain, 0)), plain)


def _swaps_exactly(sums: Values) -> float:
    """Share of the sign patterns of integer `sums` whose total is at least as far from 0 as theirs."""
    import numpy as np
    from scipy.signal import fftconvolve
    from scipy.stats import binom

    sizes = np.abs(np.rint(sums)).astype(int)
    totals = np.ones(1)  # the distribution of the total, from -reach to reach
    for size, count in zip(*np.unique(sizes[sizes > 0], return_counts=True), strict=True):
        step = np.zeros(2 * size * count + 1)
        step[:: 2 * size] = binom.pmf(np.arange(count + 1), count, 0.5)
        totals = step if len(totals) == 1 else np.maximum(fftconvolve(totals, step), 0)
    reach = len(totals) // 2
    far = abs(int(np.rint(sums.sum())))
    return 1.0 if far == 0 else min(1.0, float(totals[: reach - far + 1].sum() + totals[reach + far :].sum()))


def _swaps_at_random(sums: Values) -> float:
    import numpy as np

    random = np.random.default_rng(SEED)
    far, total = 0, abs(float(sums.sum()))
    chunk = max(1, 4_000_000 // len(sums))
    for start in range(0, RESAMPLES, chunk):
        signs = random.integers(0, 2, (min(chunk, RESAMPLES - start), len(sums)), dtype=np.int8) * 2 - 1
        far += int((np.abs(signs @ sums) >= total * (1 - 1e-12)).sum())
    return (far + 1) / (RESAMPLES + 1)


@dataclass(frozen=True)
class _Bootstrap:
    """Resampled means in order, and the corrections of BCa: for bias, and for a spread that changes with the mean."""

    means: Values
    bias: float
    acceleration: float

    def quantile(self, level: float) -> float:
        import numpy as np
        from scipy.special import ndtr, ndtri

        shifted = self.bias + ndtri(level)
        corrected = self.bias + shifted / (1 - self.acceleration * shifted)
        return float(np.quantile(self.means, ndtr(corrected)))

    def level(self, value: float) -> float:
        """The level whose quantile is `value`."""
        import numpy as np
        from scipy.special import ndtr, ndtri

        below = np.searchsorted(self.means, value, "left") + np.searchsorted(self.means, value, "right")
        share = np.clip(below / (2 * len(self.means)), 0.5 / len(self.means), 1 - 0.5 / len(self.means))
        shifted = ndtri(share) - self.bias
        return float(ndtr(shifted / (1 + self.acceleration * shifted) - self.bias))


def _resampled(sums: Values, sizes: Values) -> _Bootstrap:
    """RESAMPLES means of clusters drawn with replacement; the mean is Σ sums / Σ sizes."""
    import numpy as np
    from scipy.special import ndtri

    random = np.random.default_rng(SEED)
    count = len(sums)
    means = []
    chunk = max(1, 4_000_000 // count)
    for start in range(0, RESAMPLES, chunk):
        drawn = random.integers(0, count, (min(chunk, RESAMPLES - start), count))
        means.append(sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1))
    ordered = np.sort(np.concatenate(means))
    value = sums.sum() / sizes.sum()
    below = ((ordered < value).sum() + (ordered <= value).sum()) / (2 * RESAMPLES)
    bias = float(ndtri(np.clip(below, 0.5 / RESAMPLES, 1 - 0.5 / RESAMPLES)))
    without = (sums.sum() - sums) / np.maximum(sizes.sum() - sizes, 1)
    apart = without.mean() - without
    spread = float((apart**2).sum())
    return _Bootstrap(ordered, bias, float((apart**3).sum()) / (6 * spread**1.5) if spread else 0.0)
