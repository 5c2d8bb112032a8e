"""Comparing an extracted answer with the gold one. Nothing extracted (None) never equals anything, not even None."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

_DECORATION = re.compile(r"[\s,$€£¥₹%]")


def same_number(answer: str | None, target: str | None) -> bool:
    """Whether both are numbers of the same value: "18.0" is "18", "$1,000" is "1000".

    Exact decimal comparison, without rounding. White space, commas, currency and percent signs are ignored, as is
    a full stop at the end. Anything that is not a finite number equals nothing.
    """
    left, right = _value(answer), _value(target)
    return left is not None and right is not None and left == right


def _value(text: str | None) -> Decimal | None:
    if text is None:
        return None
    try:
        value = Decimal(_DECORATION.sub("", str(text)).rstrip(".").replace("−", "-"))
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


def exact_match(answer: str | None, target: str | None) -> bool:
    """Whether both are the same text, white space at the ends aside."""
    return answer is not None and target is not None and answer.strip() == target.strip()


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
