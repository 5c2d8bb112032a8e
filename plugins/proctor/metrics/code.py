"""pass@k."""

from __future__ import annotations

import math
from collections.abc import Sequence


def pass_at_k(n: int, c: int, k: int) -> float:
    """Chance that one of `k` outputs passes, from `c` of `n` that did: 1 - C(n-c, k) / C(n, k).

    The unbiased estimator of Chen et al. 2021 (arXiv:2107.03374, eq. 1), as a product, which does not overflow.
    Raises ValueError unless 0 <= c <= n and 1 <= k <= n.
    """
    if not (0 <= c <= n and 1 <= k <= n):
        raise ValueError(f"pass@k is not defined for n={n}, c={c}, k={k}")
    if n - c < k:
        return 1.0
    return 1.0 - math.prod(1.0 - k / i for i in range(n - c + 1, n + 1))


def pass_at(n: int, c: int, ks: Sequence[int] = (1, 10, 100)) -> dict[str, float]:
    """`pass@k` by name for each of `ks` that `n` outputs allow."""
    return {f"pass@{k}": pass_at_k(n, c, k) for k in ks if k <= n}
