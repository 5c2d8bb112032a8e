"""From samples' values to scores: the mean, or what `proctor.metrics.AGGREGATES` has under a name."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from proctor.errors import SetupError
from proctor.metrics.aggregates import AGGREGATES, Aggregate
from proctor.statistics import intervals, paired
from proctor.statistics.intervals import Estimate, codes_of, student_quantile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Values = NDArray[np.float64]
    Codes = NDArray[np.intp]

RESAMPLES = 1_000
SEED = 20240807


def aggregate_of(name: str) -> Aggregate:
    """Raises SetupError for a name that is none."""
    if name not in AGGREGATES:
        raise SetupError(f"there is no aggregate {name!r}; there are: {', '.join(sorted(AGGREGATES))}")
    return AGGREGATES[name]


def score(values: Sequence[Any], aggregate: str | None = None) -> float:
    """The score of samples with these values."""
    if aggregate is None:
        return float(sum(values) / len(values))
    return float(aggregate_of(aggregate).function(_table(values)))


def estimate(
    values: Sequence[Any],
    clusters: Sequence[Hashable] | None = None,
    confidence: float = 0.95,
    aggregate: str | None = None,
    *,
    exact: bool = False,
) -> Estimate:
    """A score with its interval; of aggregates by the bootstrap over clusters. `exact`: as of `mean_interval`.

    It is the percentile bootstrap, as is usual for BLEU (Koehn 2004, Statistical significance tests for machine
    translation evaluation); no ends where there is one cluster. Raises ValueError for no values.
    """
    if aggregate is None:
        return intervals.mean_interval(values, clusters, confidence, exact=exact)
    table = _table(values)
    found = _Resampled.of(table, codes_of(clusters, len(table)), aggregate_of(aggregate))
    if found is None:
        return Estimate(score(values, aggregate), None, None, len(table))
    return Estimate(score(values, aggregate), *found.interval(confidence), len(table))


def macro(groups: Sequence[Sequence[Any]], confidence: float = 0.95, aggregate: str | None = None) -> Estimate:
    """The mean of the groups' scores, each group counting the same; of aggregates without an interval."""
    if aggregate is None:
        return intervals.macro_interval(groups, confidence)
    values = [score(group, aggregate) for group in groups]
    return Estimate(sum(values) / len(values), None, None, sum(map(len, groups)))


def difference(
    before: Sequence[Any],
    after: Sequence[Any],
    clusters: Sequence[Hashable] | None = None,
    aggregate: str | None = None,
) -> paired.Paired | Aggregated:
    """Two runs' values of the same samples. Raises ValueError for none, or for lengths that differ."""
    if aggregate is None:
        return paired.paired(before, after, clusters)
    if len(before) != len(after) or not before:
        raise ValueError(f"{len(before)} and {len(after)} values make no pairs")
    return Aggregated(_table(before), _table(after), codes_of(clusters, len(before)), aggregate_of(aggregate))


@dataclass(frozen=True)
class Aggregated:
    """A score that is no mean, in two runs on the same samples: a `paired.Difference` by resampling.

    `before`, `after`: values, shape (samples, numbers of each). The interval is, at each end, what lies further out of
    the percentile bootstrap over clusters and of Student's interval by its standard error; the test swaps the runs
    of every cluster at random (Riezler & Maxwell 2005, On some pitfalls in automatic evaluation and significance
    testing for MT). `lost` and `gained` are 0: no sample is right or wrong by itself.
    """

    before: Values
    after: Values
    codes: Codes | None
    aggregate: Aggregate

    binary = False
    lost = gained = 0

    @property
    def n(self) -> int:
        return len(self.before)

    @property
    def clusters(self) -> int:
        return self.n if self.codes is None else int(self.codes.max()) + 1

    @cached_property
    def value(self) -> float:
        return float(self.aggregate.function(self.after)) - float(self.aggregate.function(self.before))

    @property
    def freedom(self) -> float:
        return self.clusters - 1

    @property
    def effective(self) -> float:
        return self.clusters if self.clusters > 1 else 0

    @cached_property
    def standard_error(self) -> float:
        """By resampling; where few clusters changed, or there are few, at least what was not seen (`paired.Paired`)."""
        if self._resampled is None:
            return math.inf
        changed = (self.before != self.after).any(axis=1).nonzero()[0]
        count = len(set((changed if self.codes is None else self.codes[changed]).tolist()))
        if count >= intervals.FEW:
            return self._resampled.standard_error
        ends = [abs(float(self.aggregate.function(table))) for table in (self.before, self.after)]
        span = 1.0 if self.aggregate.share else max(ends) or 1.0
        return max(self._resampled.standard_error, intervals.least_error(span, self.clusters))

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        if self._resampled is None:
            return -math.inf, math.inf
        low, high = self._resampled.interval(confidence)
        half = student_quantile(confidence, self.freedom) * self.standard_error
        return min(low, self.value - half), max(high, self.value + half)

    def p_beyond(self, margin: float) -> float:
        """One-sided p-value of the hypothesis that the drop is at most `margin`."""
        if self._resampled is None:
            return 1.0
        above = float((self._resampled.values >= -margin).mean())
        by_error = paired.lower_tail((self.value + margin) / self.standard_error, self.freedom)
        return max((above * RESAMPLES + 1) / (RESAMPLES + 1), by_error)

    def p_different(self) -> float:
        """Two-sided p-value of the hypothesis that the runs are alike."""
        import numpy as np

        if self.clusters < 2:
            return 1.0
        random, function, least = np.random.default_rng(SEED), self.aggregate.function, abs(self.value) - 1e-12
        count = 1
        for _ in range(RESAMPLES):
            swapped = random.random(self.clusters) < 0.5
            swap = (swapped if self.codes is None else swapped[self.codes])[:, None]
            one, two = np.where(swap, self.after, self.before), np.where(swap, self.before, self.after)
            count += abs(float(function(two)) - float(function(one))) >= least
        return count / (RESAMPLES + 1)

    @cached_property
    def _resampled(self) -> _Resampled | None:
        import numpy as np

        width = self.before.shape[1]
        function = self.aggregate.function
        both = Aggregate(lambda table: float(function(table[:, width:])) - float(function(table[:, :width])))
        return _Resampled.of(np.hstack([self.before, self.after]), self.codes, both)


@dataclass(frozen=True)
class _Resampled:
    """What a score comes to over and over, of clusters drawn with replacement: at most RESAMPLES values, sorted."""

    values: Values

    @classmethod
    def of(cls, table: Values, codes: Codes | None, aggregate: Aggregate) -> _Resampled | None:
        """None where there is one cluster. Draws for which the score is not defined (nan) are left out."""
        import numpy as np

        count = len(table) if codes is None else int(codes.max()) + 1
        if count < 2:
            return None
        members = None
        if codes is not None:
            order = np.argsort(codes, kind="stable")
            members = np.split(order, np.cumsum(np.bincount(codes, minlength=count))[:-1])
        random = np.random.default_rng(SEED)
        found = np.empty(RESAMPLES)
        for place in range(RESAMPLES):
            drawn = random.integers(count, size=count)
            rows = drawn if members is None else np.concatenate([members[one] for one in drawn])
            found[place] = aggregate.function(table[rows])
        found = found[~np.isnan(found)]
        return cls(np.sort(found)) if len(found) > 1 else None

    @property
    def standard_error(self) -> float:
        return float(self.values.std(ddof=1))

    def interval(self, confidence: float) -> tuple[float, float]:
        import numpy as np

        low, high = np.quantile(self.values, [(1 - confidence) / 2, (1 + confidence) / 2])
        return float(low), float(high)


def _table(values: Sequence[Any]) -> Values:
    """Values as rows: shape (samples, numbers of each)."""
    import numpy as np

    table = np.asarray(values, dtype=float)
    return table.reshape(len(table), -1)
