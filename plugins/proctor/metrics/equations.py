r"""Whether two mathematical answers say the same.

Structure is compared here: lists, tuples, sets, intervals, matrices, equations and units. What is left, two plain
expressions or the two sides of two equations, is compared as text, then as numbers, then by math-verify in a process
of its own (`proctor.metrics.symbolic`).
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction

from proctor.metrics import symbolic
from proctor.metrics.mathtext import measure, normal, words

LIMIT = 5.0
"""Seconds that one comparison may take."""

LONGEST = 1_000
"""Characters of an answer beyond which only the same text is the same."""

_LONGEST_EXPRESSION = 300
_MOST_PARTS = 40

_NAME = re.compile(
    r"(?:\\angle\s?)?(?:\\text\{[^{}]*\}|\\(?:theta|alpha|beta|gamma|lambda|phi|omega|mu|sigma|Delta|det|tan|cos|sin)\s?"
    r"(?:\\?[A-Za-z]|\\text\{[^{}]*\})?|[A-Za-z]{1,4}'{0,2})(?:_\{?\w{1,6}\}?)?"
    r"(?:\^\{-1\})?(?:\(\s?\\?[A-Za-z0-9]{1,8}(?:\s?,\s?[A-Za-z])*\s?\))?"
)
_NUMBER = re.compile(r"-?\d{1,300}(?:\.\d{1,300})?")
_FRACTION = re.compile(r"(-?)\\frac\{(-?\d{1,300})\}\{(-?\d{1,300})\}")
_IN_BASE = re.compile(r"(-?[0-9A-Z.]+)_\{?(\d{1,2})\}?")
_MATRIX = re.compile(r"\\begin\{([pbvBV]?matrix|array)\}(?:\s?\{[lcr|]*\})?(.*)\\end\{\1\}", re.DOTALL)
_ROW_GAP = re.compile(r"\\\\\s*\[\s*-?[\d.]+\s*(?:pt|em|ex|mm|cm)\s*\]")
_CIRCLED = re.compile(r"(?:\\textcircled\{\d{1,2}\}[\s,]*)+")
_RELATION = re.compile(r"\\le(?![A-Za-z])|\\ge(?![A-Za-z])|\\ne(?![A-Za-z])|[<>=]")
_NAMES = re.compile(r"\(\s?\\?[A-Za-z]{1,6}(?:\s?,\s?\\?[A-Za-z]{1,6}){1,5}\s?\)")
_DECIMAL = re.compile(r"(?<![\d.])(\d{1,40})\.(\d{1,40})(?![\d.])")
_CLOSING = {"(": ")]", "[": "])", "\\{": ("\\}",)}
_TOKEN = re.compile(r"\\[{}]|\\[A-Za-z]+|\\.|.", re.DOTALL)


def equivalent(answer: str | None, gold: str | None, limit: float = LIMIT) -> bool:
    r"""Whether a mathematical answer is the gold one, written as it may be.

    Nothing (None, or an empty text) never equals anything. What is the same text is the same. Else notation is made
    one (see `mathtext.normal`), and then:

    - a unit, a degree or percent sign, a currency, `x =` or `x \in` may stand on one side only; on both sides they must
      agree as far as they are known (`5 cm` is not `5 m`, `x = 5` is not `y = 5`). 50% is 50, and 0.5 too;
    - text answers (`\text{odd}`, Odd) are the same words; capitals and punctuation aside;
    - `a;b` (several blanks) is compared blank by blank; `a, b`, `\{a, b\}` and `a \pm b` as lists in any order;
      `(a, b)` in order, with the same brackets: a pair is no set, an open interval is not a closed one;
    - unions as lists of intervals; an inequality is the interval that it describes; matrices entry by entry;
    - ratios `2:3` by proportion; numbers in a base (`101_2`) by their digits and base, which must be written;
    - equations as equations: one is a non-zero multiple of the other, and neither reads 0 = 0;
    - plain expressions by math-verify, gold first. A decimal is exact: 0.33 is not 1/3.

    What cannot be parsed, is longer than `LONGEST`, or takes longer than `limit` seconds is different.
    No answer raises anything; a missing math-verify does (ImportError).

    >>> equivalent(r"\dfrac12", "0.5"), equivalent("(1, 2)", "(2, 1)")
    (True, False)
    """
    if answer is None or gold is None:
        return False
    answer, gold = answer.strip(), gold.strip()
    if not answer or not gold:
        return False
    if answer == gold:
        return True
    if max(len(answer), len(gold)) > LONGEST:
        return False
    try:
        return _Comparison(limit).same(normal(gold), normal(answer))
    except (ValueError, ArithmeticError, RecursionError):
        return False


class _Comparison:
    """One comparison, with one limit over all of its parts."""

    def __init__(self, limit: float) -> None:
        self.until = time.monotonic() + limit

    def same(self, gold: str, answer: str) -> bool:
        gold, answer = gold.strip(), answer.strip()
        if not gold or not answer:
            return False
        if _squeezed(gold) == _squeezed(answer):
            return True
        texts = _is_text(gold) or _is_text(answer)
        if (text := words(gold)) is not None and not _CIRCLED.fullmatch(gold):
            said = words(answer) or re.sub(r"\\text\{([^{}]*)\}", r"\1", answer)
            if text == said or (_is_text(gold) and text == said.lower().strip(" ()")):
                return True
            if not (_is_text(gold) and "," in gold) and len(text) > 1:
                return False
            if len(answer) == 1 and answer.isalpha():
                return False  # p is not P
        gold, answer = _untexted(gold), _untexted(answer)
        if _squeezed(gold).lower() == _squeezed(answer).lower() and (texts or gold == answer):
            return True
        rules: list[Callable[[str, str], bool | None]] = [
            self._same_blanks,
            self._same_circled,
            self._same_ranges,
            self._same_list,
            self._same_matrix,
            self._same_ratio,
            self._same_named,
            self._same_relation,
            self._same_union,
            self._same_bracketed,
            self._same_in_base,
        ]
        for rule in rules:
            verdict = rule(gold, answer)
            if verdict is not None:
                return verdict
        return self._same_measure(gold, answer)

    def _same_blanks(self, gold: str, answer: str) -> bool | None:
        blanks = _split(gold, ";")
        if len(blanks) == 1:
            return None
        given = _split(answer, ";")
        if len(given) != len(blanks):
            given = _split(answer, ",")
        return self._in_order(blanks, given)

    def _same_circled(self, gold: str, answer: str) -> bool | None:
        if not _CIRCLED.fullmatch(gold):
            return None
        found = _CIRCLED.fullmatch(answer)
        return bool(found) and set(re.findall(r"\d+", gold)) == set(re.findall(r"\d+", answer))

    def _same_ranges(self, gold: str, answer: str) -> bool | None:
        """`x < -2 or x > 3` against a union of intervals."""
        if ("\\cup" in gold) == ("\\cup" in answer):
            return None
        union, other = (gold, answer) if "\\cup" in gold else (answer, gold)
        ranges = [_range(_relation(part)) for part in _split(other, ",")]
        if len(ranges) < 2 or None in ranges:
            return None
        parts = (union.partition("\\in ")[2] or union).split("\\cup")
        return self._in_any_order(parts, [one for one in ranges if one is not None])

    def _same_list(self, gold: str, answer: str) -> bool | None:
        left, right = _elements(gold), _elements(answer)
        if len(left) == len(right) == 1 and not (_is_set(gold) and _is_set(answer)):
            return None
        if len(left) == 1 and not _is_set(gold) and not _is_set(answer):
            return None if _squeezed(left[0]) != _squeezed(gold) else False
        return self._in_any_order(left, right)

    def _in_order(self, gold: list[str], answer: list[str]) -> bool:
        return len(gold) == len(answer) <= _MOST_PARTS and all(map(self.same, gold, answer))

    def _in_any_order(self, gold: list[str], answer: list[str]) -> bool:
        if len(gold) != len(answer) or len(gold) > _MOST_PARTS:
            return False
        rest = list(answer)
        unmatched = []
        for part in gold:  # the same text first: it costs nothing
            twin = next((other for other in rest if _squeezed(other) == _squeezed(part)), None)
            if twin is None:
                unmatched.append(part)
            else:
                rest.remove(twin)
        for part in unmatched:
            twin = next((other for other in rest if self.same(part, other)), None)
            if twin is None:
                return False
            rest.remove(twin)
        return True

    def _same_matrix(self, gold: str, answer: str) -> bool | None:
        (name, left), (said, right) = _named_matrix(gold), _named_matrix(answer)
        if left is None and right is None:
            return None
        if name and said and name != said:
            return False
        if left is None or right is None or left[0] != right[0] or len(left[1]) != len(right[1]):
            return False
        return all(map(self._in_order, left[1], right[1]))

    def _same_ratio(self, gold: str, answer: str) -> bool | None:
        left, right = (_split(text.rpartition("=")[2], ":") for text in (gold, answer))
        if len(left) == len(right) == 1:
            return None
        values = [[_value(_squeezed(part)) for part in parts] for parts in (left, right)]
        if len(left) != len(right) or any(value is None for parts in values for value in parts):
            return False
        first, second = ([value or Fraction(0) for value in parts] for parts in values)
        return all(a * second[0] == b * first[0] for a, b in zip(first, second, strict=True)) and any(first)

    def _same_named(self, gold: str, answer: str) -> bool | None:
        """`x = 5` and 5; of a chain (`x = 2 + 3 = 5`) the last, of an approximation the exact side."""
        left, right = _unnamed(gold), _unnamed(answer)
        if left[0] and right[0] and left[0] != right[0]:
            return False
        if (left[1], right[1]) == (gold, answer):
            return None
        if bool(left[0]) != bool(right[0]) or (left[0] and left[0] == right[0]):
            return self.same(left[1], right[1]) or (
                bool(left[0]) != bool(right[0]) and self._as_equations(gold, answer)
            )
        return self.same(left[1], right[1])

    def _as_equations(self, gold: str, answer: str) -> bool:
        """`y = 2x + 1` against `2x - y + 1 = 0`."""
        return len(_split(gold, "=")) == len(_split(answer, "=")) == 2 and self._same_relation(gold, answer) is True

    def _same_relation(self, gold: str, answer: str) -> bool | None:
        left, right = _relation(gold), _relation(answer)
        if left is None and right is None:
            return None
        if left is None or right is None:
            ranges = _range(left), _range(right)
            if ranges[0] is None and ranges[1] is None:
                return False
            return self.same(ranges[0] or gold, ranges[1] or answer)
        if (left[1], right[1]) == (["="], ["="]):
            return self._ask("equation", left[0], right[0])
        left, right = _ascending(left), _ascending(right)
        if left[1] != right[1]:
            return False
        if len(left[1]) > 1 or left[1] == ["\\ne"]:
            return self._in_order(left[0], right[0])
        return self._ask("inequality", left[0], right[0])

    def _same_union(self, gold: str, answer: str) -> bool | None:
        left, right = gold.split("\\cup"), answer.split("\\cup")
        if len(left) == len(right) == 1:
            return None
        return self._in_any_order(left, right)

    def _same_bracketed(self, gold: str, answer: str) -> bool | None:
        left, right = _bracketed(gold), _bracketed(answer)
        if left is None and right is None:
            return None
        if left is None or right is None or left[0] != right[0]:
            return False
        return self._in_order(left[1], right[1])

    def _same_in_base(self, gold: str, answer: str) -> bool | None:
        left, right = _IN_BASE.fullmatch(_squeezed(gold)), _IN_BASE.fullmatch(_squeezed(answer))
        if left is None and right is None:
            return None
        return bool(left and right) and left.groups() == right.groups() if left and right else False

    def _same_measure(self, gold: str, answer: str) -> bool:
        left, right = measure(gold), measure(answer)
        if (
            (left.unit and right.unit and left.unit != right.unit)
            or (left.percent and right.unit)
            or (right.percent and left.unit)
        ):
            return False
        if (left.text, right.text) != (gold, answer) and self.same(left.text, right.text):
            return True
        first, second = _value(_squeezed(left.text)), _value(_squeezed(right.text))
        if left.percent != right.percent and first is not None and second is not None:
            return first == second or (first / 100 if left.percent else first) == (
                second / 100 if right.percent else second
            )
        if first is not None and second is not None:
            return first == second
        if (left.text, right.text) != (gold, answer):
            return False
        return self._ask("value", gold, answer)

    def _ask(self, kind: str, gold: str | list[str], answer: str | list[str]) -> bool:
        left = _for_algebra(gold) if isinstance(gold, str) else [*map(_for_algebra, gold)]
        right = _for_algebra(answer) if isinstance(answer, str) else [*map(_for_algebra, answer)]
        rest = self.until - time.monotonic()
        if rest <= 0 or None in (left, right) or (isinstance(left, list) and None in [*left, *(right or [])]):
            return False
        return symbolic.ask((kind, left, right), rest) is True


def _squeezed(text: str) -> str:
    """Without spaces, but for the one that ends a command's name before a letter."""
    return re.sub(r"(\\[A-Za-z]+)\s+(?=[A-Za-z])|\s+", lambda found: f"{found[1]} " if found[1] else "", text)


def _untexted(text: str) -> str:
    whole = re.fullmatch(r"\\text\{([^{}]*)\}", text)
    return whole[1].strip() if whole else text


def _is_text(text: str) -> bool:
    return text.startswith("\\text")


def _split(text: str, separator: str) -> list[str]:
    """The parts between separators that stand in no brackets."""
    if separator not in text:
        return [text]
    parts, depth = [""], 0
    for token in _TOKEN.findall(text):
        depth += (token in {"(", "[", "{", "\\{", "\\begin"}) - (token in {")", "]", "}", "\\}", "\\end"})
        if token == separator and depth <= 0:
            parts.append("")
        else:
            parts[-1] += token
    return [part for part in map(str.strip, parts) if part] or [text]


def _is_set(text: str) -> bool:
    return text.startswith("\\{") and text.endswith("\\}")


def _elements(text: str) -> list[str]:
    r"""The elements of a list or set; `a \pm b` is two."""
    parts = _split(text[2:-2] if _is_set(text) else text, ",")
    if len(parts) == 1 and not _is_set(text) and (unnamed := _unnamed(text))[0] and "," in unnamed[1]:
        inner = unnamed[1]
        parts = _split(inner[2:-2] if _is_set(inner) else inner, ",")
    spread = []
    for part in parts:
        if part.count("\\pm") == 1:
            spread += [re.sub(r"(^|[=(,]\s?)\+", r"\1", part.replace("\\pm", "+")), part.replace("\\pm", "-")]
        else:
            spread.append(part)
    return [part.strip() for part in spread]


def _matrix(text: str) -> tuple[str, list[list[str]]] | None:
    text = text.strip()
    if text[:1] in {"(", "["} and text.startswith("\\begin", 1):
        text = text[1:-1].strip()  # an array in brackets
    found = _MATRIX.fullmatch(text)
    if not found:
        return None
    body = _ROW_GAP.sub(r"\\\\", found[2])
    rows = [[entry.strip() for entry in row.split("&")] for row in body.split("\\\\") if row.strip()]
    return ("determinant" if found[1] in {"vmatrix", "Vmatrix"} else "matrix"), rows


def _named_matrix(text: str) -> tuple[str, tuple[str, list[list[str]]] | None]:
    r"""The name, empty where there is none, and the matrix: `\mathbf{M} = \begin{pmatrix}...`."""
    if (found := _matrix(text)) is not None:
        return "", found
    name, rest = _unnamed(text)
    return name, _matrix(rest)


def _value(text: str) -> Fraction | None:
    """The exact value of a plain number or fraction."""
    if _NUMBER.fullmatch(text):
        return Fraction(Decimal(text))
    found = _FRACTION.fullmatch(text)
    if not found or not int(found[3]):
        return None
    value = Fraction(int(found[2]), int(found[3]))
    return -value if found[1] else value


def _unnamed(text: str) -> tuple[str, str]:
    r"""What is named (empty where nothing is) and what it is: `x = 5`, `x \in [1, 2]`, `x = 2 + 3 = 5`."""
    head, sign, rest = text.partition("\\approx")
    if sign:
        named = _NAME.fullmatch(head.strip())
        return (_squeezed(head), rest.strip()) if named else _unnamed(head.strip())
    head, sign, rest = text.partition("\\in ")
    if sign and _NAME.fullmatch(head.strip()):
        return _squeezed(head), rest.strip()
    parts = [part.strip() for part in text.split("=")]
    if len(parts) < 2 or not parts[-1] or _split(text, ",")[0] != text.strip() or re.search(r"[<>]|\\[lg]e\b", text):
        return "", text
    named = _NAME.fullmatch(parts[0]) or _NAMES.fullmatch(parts[0])
    between = parts[1:-1] if named else parts[:-1]
    if named or all(part and not re.search(r"[A-Za-z]", re.sub(r"\\[A-Za-z]+", "", part)) for part in between):
        return (_squeezed(parts[0]) if named else ""), parts[-1]
    return "", text


def _relation(text: str) -> tuple[list[str], list[str]] | None:
    """The sides and the signs of an equation or a chain of inequalities."""
    signs = _RELATION.findall(text)
    sides = [side.strip() for side in _RELATION.split(text)]
    return (sides, signs) if signs and len(signs) < 4 and all(sides) else None


def _ascending(relation: tuple[list[str], list[str]]) -> tuple[list[str], list[str]]:
    sides, signs = relation
    if all(sign in {">", "\\ge"} for sign in signs):
        return sides[::-1], ["<" if sign == ">" else "\\le" for sign in signs[::-1]]
    return relation


def _range(relation: tuple[list[str], list[str]] | None) -> str | None:
    r"""The interval that an inequality about one name describes."""
    if relation is None:
        return None
    sides, signs = _ascending(relation)
    if not set(signs) <= {"<", "\\le"} or len(sides) > 3:
        return None
    if len(sides) == 2:
        sides, signs = (
            (["-\\infty", *sides], ["<", *signs])
            if _NAME.fullmatch(sides[0])
            else (
                [*sides, "\\infty"],
                [*signs, "<"],
            )
        )
    if not _NAME.fullmatch(sides[1]):
        return None
    return f"{'(' if signs[0] == '<' else '['}{sides[0]},{sides[2]}{')' if signs[1] == '<' else ']'}"


def _bracketed(text: str) -> tuple[str, list[str]] | None:
    """The kind of brackets around a tuple or an interval, and what they hold."""
    if text[:1] not in {"(", "["} or text[-1:] not in {")", "]"} or len(_split(text[1:-1], ",")) < 2:
        return None
    inner = text[1:-1]
    depth = 0
    for char in inner:
        depth += (char in "([") - (char in ")]")
        if depth < 0:
            return None
    return text[0] + text[-1], _split(inner, ",")


def _for_algebra(text: str) -> str | None:
    """The expression with decimals as fractions; None where it is too long, empty or no expression."""
    text = text.strip()
    if not text or len(text) > _LONGEST_EXPRESSION or re.search(r"\\begin|[\u0080-\uffff]|\\text(?![A-Za-z])", text):
        return None
    return _DECIMAL.sub(lambda found: f"\\frac{{{int(found[1] + found[2])}}}{{1{'0' * len(found[2])}}}", text)
