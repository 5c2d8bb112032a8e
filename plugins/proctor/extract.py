r"""Reading the answer out of what a model wrote: pure functions that never raise, in time linear in the text.

Numbers. A number is digits with an optional decimal part, written in ASCII or full width (`１８．５`), with a sign
(`-`, `−`, `–`, `－`) that touches it or its currency and does not follow a word, a digit or a closing bracket: `2-3`
holds 2 and 3, `x = -3` and `-$3` hold -3, a bullet `- 3` holds 3. A comma (also `{,}`, `\,`, `,\!` or a thin or
no-break space) before exactly three digits groups thousands, unless the first group is longer than three digits or
starts with 0: `1,234` is one number; `1, 2` and `1,23` are two. Currency, `%` and units are left off. An exponent of
one or two digits (`3.5e3`) is multiplied out. Fractions, powers, clock times, versions and dates are the several
numbers that they are written with (`3/4` holds 3 and 4): benchmarks that need more compare expressions.
The canonical form has no sign but `-`, no leading zeros, no trailing zeros after the point, and no `-0`.

Letters. `choice_letter` says which ways of naming an option are understood, and in which order they count.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence
from functools import lru_cache

_THINK = re.compile(r"<(/?)think>")
_BLANK_LINES = re.compile(r"(?:[ \t]*\r?\n)+")

_FULL_WIDTH = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
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
_FENCE = re.compile(r"^[ \t]*```[^\n`]*\n(.*?)(?:^[ \t]*```|\Z)", re.MULTILINE | re.DOTALL)
_CALCULATION = re.compile(r"<<[0-9+\-*/().,=%$ ]*")


def after(marker: str, text: str | None) -> str | None:
    """What follows the first `marker`, up to the end of that line, stripped; None where there is no marker or text."""
    if text is None or marker not in text:
        return None
    return text.partition(marker)[2].partition("\n")[0].strip() if marker else text.partition("\n")[0].strip()


def split_thinking(text: str) -> tuple[str | None, str]:
    """Thinking and text of a reasoning model: (None, text) where there is no `<think>` or `</think>`.

    Several stretches of thinking are joined by a blank line. Thinking that never ends leaves only the text before
    it. What precedes a closing tag that was never opened is thinking (a chat template may open it in the prompt).
    Blank lines at the text's start go; its indentation stays.
    """
    if "think>" not in text:
        return None, text
    thinking: list[str] = []
    said: list[str] = []
    inside = found = False
    position = 0
    for tag in _THINK.finditer(text):
        found = True
        stretch, position = text[position : tag.start()], tag.end()
        if tag[1]:
            thinking += [stretch] if inside else [*said, stretch]
            said, inside = said if inside else [], False
        elif inside:
            thinking.append(stretch)
        else:
            said.append(stretch)
            inside = True
    if not found:
        return None, text
    (thinking if inside else said).append(text[position:])
    rest = "".join(said)
    blank = _BLANK_LINES.match(rest)
    return "\n\n".join(filter(None, map(str.strip, thinking))), rest[blank.end() :] if blank else rest


def function_body(text: str, name: str, stop: Sequence[str] = ()) -> str:
    """What follows a function's signature, from a text that continues it or writes it anew.

    Thinking goes. Of fenced blocks the first that defines `name` counts, else the first. Code that defines `name`
    itself is returned whole, after a newline: behind the unfinished function it stands as a second definition. Anything
    else is the body: it ends before the first `stop`, and is indented where its first line is not.

    >>> function_body("```python\\nreturn 1\\n```", "one")
    '    return 1\\n'
    """
    code = split_thinking(text)[1]
    blocks = [block[1] for block in _FENCE.finditer(code)]
    defines = re.compile(rf"^(?:async[ \t]+)?def[ \t]+{re.escape(name)}[ \t]*\(", re.MULTILINE)
    if blocks:
        code = next(filter(defines.search, blocks), blocks[0])
    if defines.search(code):
        return "\n" + code
    end = min((place for mark in stop if mark and (place := code.find(mark)) >= 0), default=len(code))
    code = code[:end]
    first = next((line for line in code.split("\n") if line.strip()), "")
    if first and not first[0].isspace():
        code = "".join(f"    {line}" if line.strip() else line for line in code.splitlines(keepends=True))
    return code


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
    plain = _plain(_without_open_calculation(split_thinking(text)[1]))
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


def choice_letter(text: str | None, letters: str = "ABCD") -> str | None:
    r"""The option that the text settles on, one of `letters` (capitals or digits); None where it settles on none.

    Thinking is left out and full-width characters are read as ASCII. In this order:

    1. the last of "answer is B", "Answer: (B)", "correct option is B", `\boxed{\text{B}}`, 答案是B, 故选B, 而是B;
    2. the last of "I choose B", "it is option B", "B is correct", "Answer B", 选B, B正确;
    3. a letter at the very start, alone or before punctuation ("B", "(b)", "**B**. text", "Option B ...");
       not the first line of a list that repeats the options;
    4. a last line that is a letter alone;
    5. the only letter in brackets, bold or quotes;
    6. the only letter after "option" or "choice".

    A marker counts only with a valid label: "ANSWER: [LETTER]", "the answer is not A", "Answer: A or B" do not.
    "A" before a word is an article unless the word goes on about the answer ("A because"). Small letters count
    only before punctuation or an end of line. Of a very long text the first and last `SPAN` characters are read.
    """
    if text is None:
        return None
    rules = _rules(letters)
    text = split_thinking(text)[1]
    head = text[:SPAN].translate(_FULL_WIDTH)
    text = text[-SPAN:].translate(_FULL_WIDTH)
    for rule in rules["marked"], rules["stated"]:
        found = [match[match.lastindex or 0] for match in rule.finditer(text)]
        if found:
            return found[-1].upper()
    start = rules["start"].match(head)
    if start and not rules["listed"].match(head):
        return start[start.lastindex or 0].upper()
    end = rules["end"].fullmatch(_last_line(text))
    if end:
        return end[1].upper()
    for rule in rules["set_off"], rules["option"]:
        distinct = {match[match.lastindex or 0].upper() for match in rule.finditer(text)}
        if len(distinct) == 1:
            return distinct.pop()
    return None


def _last_line(text: str) -> str:
    """The last line with something on it; empty where the line before it is as short: then it ends a list."""
    lines = text.rstrip().rsplit("\n", 2)
    return "" if len(lines) > 1 and 0 < len(lines[-2].strip()) < 4 else lines[-1].strip()


SPAN = 10_000
"""How many characters at the start and at the end of a text `choice_letter` reads: some two thousand tokens."""

# Between a marker and its label: white space, emphasis, quotes, brackets, LaTeX.
_NOISE = r"[\s*_\"'`“”‘’:=\-–—→>(\[{$\\]{0,16}"
_LATEX = r"(?:(?:text|textbf|mathrm|mathbf|boxed)\{[\s(*]{0,4}){0,2}"
_KIND = (
    r"(?i:(?:(?:most )?(?:[a-z]{1,12}ly|indeed|therefore|still) )?(?:the )?"
    r"(?:(?:option|choice|letter|statement)\b)?)"
)
_GOES_ON = r"(?:because|since|as|and|or|not|but|for|due|which|is|was|in|given|by|so|that|rather|instead|if|with|from)\b"


@lru_cache(maxsize=64)
def _rules(letters: str) -> dict[str, re.Pattern[str]]:
    """The patterns of `choice_letter` for one set of labels; a match's last group is the label."""
    if not letters:
        return dict.fromkeys(("marked", "stated", "start", "listed", "end", "set_off", "option"), re.compile(r"(?!)"))
    upper, lower = f"[{re.escape(letters.upper())}]", f"[{re.escape(letters.lower())}]"
    either = f"[{re.escape(letters.upper() + letters.lower())}]"
    bound, small_bound = _bounds(upper)
    label = rf"(?:({upper}){bound}|({lower}){small_bound})"
    told = rf"{_NOISE}{_LATEX}{_KIND}(?:选项)?{_NOISE}{_LATEX}{label}"
    item = r"[*]{0,2}(?:[.):][^\n]*|\s*)\n"
    first, second = re.escape(letters[0].upper()), rf"(?!{re.escape(letters[0].upper())}){upper}"
    return {
        "marked": re.compile(_marked(label, told)),
        "stated": re.compile(_stated(upper, told)),
        "start": re.compile(_start(upper, lower, bound)),
        "listed": re.compile(rf"[\s*(]{{0,6}}{first}{item}[\s*(]{{0,6}}{second}[*]{{0,2}}(?:[.):]|\s)"),
        "end": re.compile(rf"[*(\[$\"]{{0,4}}({either})[)\]*.$\"]{{0,5}}"),
        "set_off": re.compile(
            rf"\(({either})\)|\[({either})\]|\*\*\(?({upper})\)?(?:[.:)][^*\n]{{0,200}})?\*\*|[\"“`]({upper})[\"”`.]"
        ),
        "option": re.compile(rf"(?i:\b(?:option|choice))\s[*(\[]{{0,3}}({upper}){bound}|选项\s?({upper}){bound}"),
    }


def _bounds(upper: str) -> tuple[str, str]:
    """What may follow a label: not the rest of a word or name, nor a second label; stricter after a small letter."""
    several = (
        r"[)\]*}]{0,3}\s?(?:,|/|\||&|、|和|或|and\b|or\b)(?: ?(?:and|or)\b)?\s?[(\[*]{0,3}"
        rf"{upper}(?![A-Za-z0-9])(?![)\]*}}]{{0,3}} ?(?!(?:and|or)\b)\w)"
    )
    bound = rf"(?![A-Za-z0-9+#]|['’][a-z]|-[A-Za-z]|\.[A-Za-z]\.|{several}|(?<=[AI]) +(?!{_GOES_ON})[a-z])"
    small_bound = r"(?=[*_\"'`)\]}$\\]{0,4}\s*(?:[.,;:!。、]|$|\n)|\)|\]|\}|\*\*)(?!\.[A-Za-z0-9])"
    return bound, small_bound


def _marked(label: str, told: str) -> str:
    """The markers that name the answer itself."""
    subject = r"(?:answer|(?:correct|right|best|final|my) (?:option|choice|letter|response|statement|one))"
    return (
        rf"(?i:\b{subject}\b(?! (?:choices|options|key))[^\n.:?!=]{{0,40}}?(?:\b(?:is|was|be)\b|[:=→]))(?! not\b){told}"
        rf"|\\(?:boxed|fbox)\s?{{{_NOISE}{_LATEX}{label}"
        r"|(?:答案|故选|应选|应该选|因此选|所以选|而是|(?<!不)正确的?(?:选项|说法|一项)?(?=[是为]))"
        rf"[^\n。?!,A-Za-z不非]{{0,12}}?{told}"
    )


def _stated(upper: str, told: str) -> str:
    """Sentences that settle on an option without calling it the answer."""
    return (
        r"(?<!not )(?<!n't )(?i:\b(?:choose|chose|pick|select|go(?:ing)? with|opt for|(?:my )?guess(?: is)?"
        r"|(?:it|this|that)(?:['’]s| is| must be| would be| should be)|must be))\b"
        rf"{told}"
        rf"|(?<![A-Za-z0-9])({upper})[)\]*]{{0,3}} (?i:is|would be) (?:(?:the|indeed|clearly|most|only|also) ){{0,2}}"
        r"(?i:correct|right|best|true|answer)\b"
        rf"|(?i:\banswer) {_NOISE}({upper})(?=[)\]*]{{0,3}}\s*(?:[.,;]|$))"
        rf"|(?<![不未])选(?!项)[^\n。?!,A-Za-z不非]{{0,4}}?{told}"
        rf"|(?<![A-Za-z0-9])({upper})(?:选项|项)?(?:是)?(?:正确|对)"
    )


def _start(upper: str, lower: str, bound: str) -> str:
    """A label at the very start of the text."""
    point = r"[)\]*_}\"'`$\\]{0,6}"
    return (
        rf"[\s*_\"'`“‘(\[{{$>#\\]{{0,16}}{_LATEX}(?:"
        rf"(?i:option|choice)\b:? ?[*(\[]{{0,3}}({upper}){bound}"
        rf"|({upper}){bound}{point}(?:\s*(?:$|\n|[.,;:。、)])|(?<=[)\]*_}}\"'`$])|\s[-–—]|\s(?:because|since|as)\b)"
        rf"|({lower})(?:{point}[.!]?\s*$|[*]{{0,2}}\)))"
    )
