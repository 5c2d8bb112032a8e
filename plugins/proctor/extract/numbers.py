r"""Numbers.

A number is digits with an optional decimal part, written in ASCII or full width (`１８．５`), with a sign
(`-`, `−`, `–`, `－`) that touches it or its currency and does not follow a word, a digit or a closing bracket: `2-3`
holds 2 and 3, `x = -3` and `-$3` hold -3, a bullet `- 3` holds 3. A comma (also `{,}`, `\,`, `,\!` or a thin or
no-break space) before exactly three digits groups thousands, unless the first group is longer than three digits or
starts with 0: `1,234` is one number; `1, 2` and `1,23` are two. Currency, `%` and units are left off. An exponent of
one or two digits (`3.5e3`) is multiplied out. Fractions, powers, clock times, versions and dates are the several
numbers that they are written with (`3/4` holds 3 and 4): benchmarks that need more compare expressions.
The canonical form has no sign but `-`, no leading zeros, no trailing zeros after the point, and no `-0`.
"""

from __future__ import annotations

import re
from collections import deque

from proctor.extract.texts import own_text

_NUMBER_FORMS = {
    **{code: chr(code - 0xFEE0) for code in range(0xFF10, 0xFF1A)},
    **dict.fromkeys((0x2212, 0x2013, 0xFF0D), "-"),
    0xFF0E: ".",
}
_NEEDS_FORMS = re.compile(r"[０-９\u2212\u2013\uff0d]")
_FULL_WIDTH_GROUPING = re.compile(r"(?<=[０-９])，(?=[０-９]{3}(?![０-９]))")
_GROUPING = r"(?:,\\!|\{,\}|\\,|[,\u00a0\u2009\u202f])"
_NUMBER = re.compile(
    r"(?P<sign>(?<![\w)\]}%\-])-(?=\\?[$€£¥₹]?\.?[0-9]))?(?:(?<=-)\\?[$€£¥₹])?"
    rf"(?:(?P<whole>[1-9][0-9]{{0,2}}(?:{_GROUPING}[0-9]{{3}})+(?![0-9])|[0-9]+)(?:\.(?P<part>[0-9]+))?"
    r"|(?<![\w.])\.(?P<bare>[0-9]+))"
    r"(?:[eE](?P<power>[+-]?[0-9]{1,2})(?![0-9A-Za-z]))?"
)
_SIGN_AFTER_CURRENCY = re.compile(r"(?<=[$€£¥₹])-(?=[0-9.])")
_DIGIT = re.compile(r"[0-9]")
_CALCULATION = re.compile(r"<<[0-9+\-*/().,=%$ ]*")


def number(text: str | None) -> str | None:
    """The first number of the text in canonical form (see the module's docstring); None where there is none.

    >>> number("It costs $1,234.50.")
    '1234.5'
    """
    plain = _plain(text or "")
    digit = _DIGIT.search(plain)
    found = _NUMBER.search(plain, _word_start(plain, digit.start())) if digit else None
    return _canonical(found) if found else None


def final_number(text: str | None) -> str | None:
    """The last number of the text, thinking left out, in canonical form; None where there is none.

    Of a GSM8K calculator annotation `<<48/2=24>>` the result counts; one that was cut off (`<<48/2=`) does not count.

    >>> final_number("2-3 = −1, so the answer is 1,234.00.")
    '1234'
    """
    if text is None:
        return None
    plain = _plain(_without_open_calculation(own_text(text)))
    found = deque(_NUMBER.finditer(plain, _word_start(plain, max(map(plain.rfind, "0123456789")))), maxlen=1)
    return _canonical(found[0]) if found else None


def _word_start(text: str, position: int) -> int:
    """Where the word around `position` begins. No number spans a space, so the text before need not be read."""
    return max(text.rfind(" ", 0, max(position, 0)), text.rfind("\n", 0, max(position, 0))) + 1


def _without_open_calculation(text: str) -> str:
    start = text.rfind("<<")
    if start < 0 or (start and text[start - 1].isalnum()):
        return text
    return text[:start] if _CALCULATION.fullmatch(text, start) else text


def _plain(text: str) -> str:
    """The text with full-width digits and the kinds of minus in ASCII, and `$-3` as `-$3`."""
    if not text.isascii() and _NEEDS_FORMS.search(text):
        text = _FULL_WIDTH_GROUPING.sub(",", text).translate(_NUMBER_FORMS)
    return _SIGN_AFTER_CURRENCY.sub(" -", text)


def _canonical(found: re.Match[str]) -> str:
    """Plain decimal string, made of digits alone: int() refuses long strings, and float() rounds."""
    whole = re.sub(r"[^0-9]", "", found["whole"] or "")
    part = found["part"] or found["bare"] or ""
    power = int(found["power"] or 0)
    if power > 0:
        part = part.ljust(power, "0")
        whole, part = whole + part[:power], part[power:]
    elif power < 0:
        whole = whole.rjust(-power, "0")
        whole, part = whole[:power], whole[power:] + part
    whole, part = whole.lstrip("0") or "0", part.rstrip("0")
    digits = f"{whole}.{part}" if part else whole
    return f"-{digits}" if found["sign"] and digits != "0" else digits
