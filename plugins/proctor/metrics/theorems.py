"""TheoremQA: whether an answer is the gold one, by its type and with the official tolerance."""

from __future__ import annotations

import math
import re
from typing import Any

from proctor.metrics.arithmetic import value

TOLERANCE = 0.04
"""How far from a gold float an answer may lie, as a share of it; the authors' `within_eps`."""


def same_theorem_answer(answer: str | None, gold: Any, kind: str) -> bool:
    """Whether an answer of one of TheoremQA's types is the gold one (a bool, a number, a list or "(a)").

    The rules are the authors' (few_shot_eval/utils.py and predict_accuracy.py): a float is right within 4 % of the
    gold one (which for 0 means 0 itself); an integer is right where it rounds to the gold one; lists have as many
    entries and agree entry by entry once both are sorted; bools and options are the same. A number of a list is
    compared as its gold entry is written, 2 by rounding and 2.0 by tolerance.

    Expressions such as `10*9`, `sqrt(2)/2` and `\\frac{1}{2}` are evaluated by `arithmetic.value`, with bounds.

    >>> same_theorem_answer("sqrt(2)/2", 0.71, "float"), same_theorem_answer("9**9**9", 1.0, "float")
    (True, False)
    """
    if answer is None or gold is None or not answer.strip():
        return False
    answer = answer.strip()
    if kind == "bool":
        return answer.lower() == str(gold).lower()
    if kind.lower() == "option":
        return answer.lower().strip("() .") == str(gold).lower().strip("() .")
    if kind.startswith("list"):
        return _same_list(answer, gold)
    found = value(answer)
    return found is not None and _same_number(found, gold)


def _same_number(number: float, gold: Any) -> bool:
    if isinstance(gold, bool) or not isinstance(gold, int | float):
        return False
    if isinstance(gold, int):
        return math.isfinite(number) and round(number) == gold
    margin = abs(gold) * TOLERANCE
    return gold - margin <= number <= gold + margin


def _same_list(answer: str, gold: Any) -> bool:
    if not isinstance(gold, list) or len(answer) > 4_000:
        return False
    inner = answer.strip("[](){} ")
    if answer[:1] in "[({" and answer[-1:] in "])}":
        inner = answer[1:-1]
    entries = _entries(inner)
    if len(entries) != len(gold):
        return False
    found = [value(entry) for entry in entries]
    numbers = [number for number in found if number is not None]
    if len(numbers) != len(gold) or not all(isinstance(entry, int | float) for entry in gold):
        return False
    return all(map(_same_number, sorted(numbers), sorted(gold)))


def _entries(text: str) -> list[str]:
    """The parts between commas that stand in no brackets."""
    parts, depth = [""], 0
    for char in text:
        depth += (char in "([{") - (char in ")]}")
        if char == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += char
    return [re.sub(r"\s+", " ", part).strip() for part in parts if part.strip()]
