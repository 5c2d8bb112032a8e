r"""The normal form of a mathematical answer: what is only notation goes, what carries meaning stays.

The rules are those of Hendrycks et al. (2021, `strip_string`) and Lewkowycz et al. (2022, appendix D), applied where
they mean notation: `ft` goes as a unit after a number and not out of `\left`, and `x =` goes only from one side.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from proctor.extract.texts import FULL_WIDTH

_SYMBOLS = FULL_WIDTH | {
    ord(char): f" {command} " if command.startswith("\\") else command
    for char, command in {
        **dict.fromkeys("−–﹣", "-"),
        **dict.fromkeys("×·⋅∗", "\\cdot"),
        "÷": "/",
        "π": "\\pi",
        "∞": "\\infty",
        "√": "\\sqrt",
        "±": "\\pm",
        "∪": "\\cup",
        "∈": "\\in",
        "≤": "\\le",
        "≥": "\\ge",
        "≠": "\\ne",
        "≈": "\\approx",
        "θ": "\\theta",
        "°": "^\\circ",
        "、": ",",
        "。": ".",
        "：": ":",
        "½": "\\frac{1}{2}",
        "²": "^2",
        "³": "^3",
        **{chr(0x2460 + n): f"\\textcircled{{{n + 1}}}" for n in range(20)},
        **dict.fromkeys("\u00a0\u2009\u202f\u3000", " "),
    }.items()
}
_ROW = "\ue001"
_GROUPED = re.compile(r"(?<=\d)\s?(?:\{,\}|,\s?\\!|\\,|\\!|\\ )\s?(?=\d{3}(?!\d))")
_PLAIN_GROUPS = re.compile(r"(?<![\d.,^_])[1-9]\d{0,2}(?:,\d{3})+(?![\d,])")
_SPACING = re.compile(r"\\(?:[;:, ]|q?quad(?![A-Za-z])|displaystyle(?![A-Za-z])|(?:no)?limits(?![A-Za-z]))|~")
_SIZES = re.compile(r"\\(?:left|right)\s?\.|\\(?:left|right|middle|[bB]igg?[lrm]?)(?![A-Za-z])")
_DEGREES = re.compile(r"\^\s?\{?\s?\\circ\s?\}?|\\degree(?![A-Za-z])")
_IN_DEGREES = re.compile(rf"(?:{_DEGREES.pattern})(?=\s?(?:[,;.$]|$))")
_CURRENCY = re.compile(r"\\?\$|[£€¥₹]")
_RENAMED = [
    (re.compile(rf"\\(?:{old})(?![A-Za-z])"), new)
    for old, new in {
        "[dtc]frac": r"\\frac",
        "leq|leqslant|le": r"\\le ",
        "geq|geqslant|ge": r"\\ge ",
        "neq": r"\\ne ",
        "lt": "<",
        "gt": ">",
        "cdot|times|ast": r"\\cdot ",
        "infin|infty": r"\\infty ",
        "lbrace": r"\\{",
        "rbrace": r"\\}",
        "(?:text)?(?:lvert|rvert|vert)": "|",
        "approx|simeq|thickapprox": r"\\approx ",
        "mathbb": r"\\mathbb",
    }.items()
]
_TEXT = re.compile(
    r"\\(?:text(?:bf|rm|it|normal|sf|tt)?|mbox|hbox|math(?:rm|bf|it|sf|tt)|boldsymbol|bm|operatorname\*?)\s?\{([^{}]*)\}"
)
_JOINED = re.compile(r",?\s*(?:\\text\{\s*(?:and|or|,|和|或)\s*\}|\b(?:and|or)\b|和|或)\s*,?")
_OVERLINED = re.compile(r"\\(?:overline|overrightarrow|vec|widehat|bar)\s?\{?([A-Za-z]+)\}?")
_SHORT_FRACTION = re.compile(r"\\frac\s?(?:(\d|[A-Za-z])|(\{[^{}]*\}))\s?(?:(\d|[A-Za-z])|(\{[^{}]*\}))")
_SHORT_ROOT = re.compile(r"\\sqrt\s?(\d|[A-Za-z])")
_ROOT_WORD = re.compile(r"(?<![\\A-Za-z])sqrt\s?\(([^()]*)\)")
_MIXED_SLASH = re.compile(r"(?<![\w.}^/])(\d{1,9})[ -](\d{1,9})/(\d{1,9})(?![\w/])")
_MIXED = re.compile(r"(?<![\w.}^_{/\\])(\d{1,9})\s?\\frac\{(\d{1,9})\}\{(\d{1,9})\}")
_SLASH = re.compile(r"(?<![\w}./)])(\d{1,30})\s?/\s?(\d{1,30})(?![\w/.({\\])")
_BARE_POINT = re.compile(r"(?<![\d.])\.(?=\d)")
_PLUS = re.compile(r"(?:(?<=^)|(?<=[,(\[=;]))\s*\+")
_UNION = re.compile(r"(?<=[)\]])\s*U\s*(?=[(\[])")

_UNIT_NAMES = {
    "mm": "mm millimeter millimeters millimetre millimetres",
    "cm": "cm centimeter centimeters centimetre centimetres",
    "m": "m meter meters metre metres",
    "km": "km kilometer kilometers kilometre kilometres",
    "in": "in inch inches",
    "ft": "ft foot feet",
    "yd": "yd yard yards",
    "mi": "mi mile miles",
    "g": "g gm gram grams",
    "kg": "kg kilogram kilograms",
    "lb": "lb lbs pound pounds",
    "oz": "oz ounce ounces",
    "s": "s sec secs second seconds",
    "min": "min mins minute minutes",
    "h": "h hr hrs hour hours",
    "day": "day days",
    "week": "week weeks",
    "month": "month months",
    "year": "year years",
    "degree": "degree degrees deg",
    "radian": "radian radians rad",
    "dollar": "dollar dollars usd",
    "cent": "cent cents",
    "percent": "percent",
    "mph": "mph",
    "am": "am a.m. a.m",
    "pm": "pm p.m. p.m",
    # Words that name no measure: two of them are not held against each other.
    "": "unit units way ways point points digit digits edge edges meal meals student students integer integers "
    "multiple multiples teacher teachers person people ticket tickets time times solution solutions apple apples "
    "ball balls marble marbles number numbers",
}
_UNITS = {name: unit for unit, names in _UNIT_NAMES.items() for name in names.split()}
_UNIT = re.compile(
    r"(?P<body>.*?[0-9)}\]A-Za-z|])\s*"
    r"(?:\\text\s?\{(?P<text>[^{}]*)\}|(?<=[0-9)} ])(?P<word>[A-Za-z][A-Za-z. ]{0,40}))"
    r"\s?(?:\^\s?\{?(?P<power>[23])\}?)?\.?",
    re.DOTALL,
)
_CHINESE_UNIT = re.compile(
    r"(?<=[0-9)}\]])\s*(?:个|种|元|度|人|米|厘米|千米|平方厘米|平方米|小时|分钟|秒|天|次|条|只|本)$"
)


class Measure(NamedTuple):
    """An expression without its unit; what the unit is, where it is a known one; whether it had a percent sign."""

    text: str
    unit: str
    percent: bool


def normal(text: str) -> str:
    """Notation made one: spaces, sizes, fonts, kinds of fractions, currency, degrees, thousands."""
    text = text.translate(_SYMBOLS).replace("**", "").strip()
    text = text.replace("\\\\", _ROW if "\\begin" in text else "\\")
    text = _ungrouped(_GROUPED.sub("", text))  # while degrees still part two angles
    text = _SIZES.sub("", _SPACING.sub(" ", text.replace("\\!", "")))
    for old, new in _RENAMED:
        text = old.sub(new, text)
    text = _CURRENCY.sub("", _DEGREES.sub("", _IN_DEGREES.sub(r"\\text{ degrees}", text)))
    text = re.sub(r"\\[()\[\]]", "", text)
    text = _TEXT.sub(r"\\text{\1}", text)
    text = _OVERLINED.sub(r"\1", _JOINED.sub(" , ", text))
    text = re.sub(r"\\text\{([A-Za-z])\}", r"\1", text) if not text.startswith("\\text") else text
    text = _SHORT_FRACTION.sub(_braced, text)
    text = _SHORT_ROOT.sub(r"\\sqrt{\1}", _ROOT_WORD.sub(r"\\sqrt{\1}", text))
    text = _MIXED.sub(_improper, _MIXED_SLASH.sub(_improper, text))
    text = _SLASH.sub(r"\\frac{\1}{\2}", text)
    text = _PLUS.sub("", _BARE_POINT.sub("0.", text))
    return _unbraced(_UNION.sub(r"\\cup ", text).replace(_ROW, "\\\\").strip().rstrip(".").strip())


def _unbraced(text: str) -> str:
    """Without a pair of plain braces around the whole, as in `{(1,2)}`."""
    if not (text.startswith("{") and text.endswith("}")) or text.endswith("\\}"):
        return text
    depth = 0
    for place, char in enumerate(text):
        depth += (char == "{") - (char == "}")
        if not depth:
            return text[1:-1].strip() if place == len(text) - 1 else text
    return text


def _braced(match: re.Match[str]) -> str:
    upper, lower = match[2] or f"{{{match[1]}}}", match[4] or f"{{{match[3]}}}"
    return f"\\frac{upper}{lower}"


def _improper(match: re.Match[str]) -> str:
    whole, upper, lower = map(int, match.groups())
    return f"\\frac{{{whole * lower + upper}}}{{{lower}}}" if upper < lower else match[0]


def _ungrouped(text: str) -> str:
    """Commas between thousands go; inside brackets a comma parts two things."""
    pieces, depth, position = [], 0, 0
    groups = {match.start(): match for match in _PLAIN_GROUPS.finditer(text)}
    for place, char in enumerate(text):
        depth += (char in "([") - (char in ")]")
        found = groups.get(place)
        if found and depth == 0 and "\\{" not in text:
            pieces += [text[position:place], found[0].replace(",", "")]
            position = found.end()
    return "".join([*pieces, text[position:]])


def measure(text: str) -> Measure:
    """The expression without its unit and percent sign."""
    text = text.strip()
    bare = re.sub(r"\\?%", "", text)
    percent, text = bare != text, bare.strip()
    text = _CHINESE_UNIT.sub("", text)
    found = _UNIT.fullmatch(text) if len(text) < 300 else None
    if found and not found["body"].rstrip().endswith("\\"):
        words = (found["text"] or found["word"]).strip().lower().split()
        power = found["power"] or ""
        while words and words[0] in {"square", "sq", "sq.", "cubic"}:
            power = "3" if words.pop(0) == "cubic" else "2"
        unit = _UNITS.get(words[0]) if words else None
        known = bool(words) and all(word in _UNITS and len(word) > 1 for word in words)  # a bare m is a variable
        if (found["text"] is not None or known) and re.search(r"\d|\\pi", found["body"]):
            named = f"{unit}{power}" if unit else ""
            return Measure(found["body"].strip(), "" if unit == "percent" else named, percent or unit == "percent")
    return Measure(text, "", percent)


def words(text: str) -> str | None:
    """A text answer in small letters, without punctuation; None where it is an expression."""
    inner = re.fullmatch(r"\\text\s?\{([^{}]*)\}", text.strip())
    said = inner[1] if inner else text
    said = re.sub(r"\s+", " ", said).strip(" .,;\"'")
    if re.fullmatch(r"\([A-Za-z]\)", said):
        said = said[1]
    if inner and re.search(r"[A-Za-z]", said):
        return said.lower().replace(".", "")
    if re.fullmatch(r"[A-Za-z][A-Za-z' \-]*", said) and any(len(word) > 2 for word in re.split(r"[ '\-]", said)):
        return said.lower()
    if re.search(r"[\u4e00-\u9fff]", _CHINESE_UNIT.sub("", said)):
        return re.sub(r"[\s,.;:!?]", "", said)
    if re.fullmatch(r"\d{1,2}:\d\d ?[ap]\.?m\.?", said.lower()):
        return said.lower().replace(".", "")
    return said if re.fullmatch(r"[A-Za-z]", said) else None
