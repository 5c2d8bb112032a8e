"""Comparing an extracted answer with the gold one. Nothing extracted (None) never equals anything, not even None."""

from __future__ import annotations

import re
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
    if text is None or "_" in str(text):  # for Decimal 42_7 is 427; in mathematics it is a number in base 7
        return None
    try:
        value = Decimal(_DECORATION.sub("", str(text)).rstrip(".").replace("−", "-"))
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


def exact_match(answer: str | None, target: str | None) -> bool:
    """Whether both are the same text, white space at the ends aside."""
    return answer is not None and target is not None and answer.strip() == target.strip()
