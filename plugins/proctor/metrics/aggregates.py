"""Scores that are no mean of samples: corpus metrics, by name.

A judge gives such a metric a value that is a number or several, `score(answer, mcc=(predicted, gold))`, and the
benchmark says what makes a score of all of them: `Benchmark(..., aggregate={"mcc": matthews})`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Aggregate:
    """`function` makes a score of samples' values, shape (samples, numbers of each); it is called often, to resample.

    `share`: whether scores lie between 0 and 1, and are told times 100.
    """

    function: Callable[[Any], float]
    share: bool = True

    @property
    def name(self) -> str:
        return self.function.__name__


AGGREGATES: Mapping[str, Aggregate] = {}
