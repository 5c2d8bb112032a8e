"""TheoremQA: the answer of a given type in what a model wrote."""

from __future__ import annotations

import re

from proctor.extract.latex import boxed
from proctor.extract.letters import choice_letter
from proctor.extract.texts import FULL_WIDTH, own_text

SPAN = 10_000
"""How many characters at the end of a text are read."""

_TRIGGER = re.compile(
    r"(?i:\banswer(?: to [^\n.:]{0,60})?\s?(?:\bis\b|[:=]))(?! not\b)[:*\s]{0,6}|答案(?:是|为|[:])[:\s]{0,4}"
)
_NEXT_PROBLEM = re.compile(r"\n[ \t*#]{0,8}(?:Problem|Question)[ \t]?\d{0,4}[*]{0,2}:|\n\[INST\]|\nUSER:")
_TRUTH = re.compile(
    r"(?i:\b(?:not\s+|in)?(?:true|false|yes|no|correct)\b(?! (?:matter|doubt|problem|answer)))|不?正确|错误|是的|不是"
)
_TRUE = re.compile(r"(?i:true|yes|not\s+false|correct)|正确|是的")
_FIRST_WORD = re.compile(
    r"[\s*_\"'(]{0,6}(?i:(true|false|yes|no)\b(?! (?:matter|doubt|problem|answer)))|[\s*]{0,6}(不?正确|错误|是的|不是)"
)
_NUMBER = (
    r"(?<!\d)[-+−]?(?:(?:[1-9]\d{0,2}(?:,\d{3})++(?!\d)|\d++)(?:\.\d*+)?|\.\d++)"
    r"(?:\s?(?:\\times|\\cdot|[x×*·])\s?10\s?(?:\^|\*\*)\s?[{(]?\s?[-−]?\d{1,3}[)}]?|[eE][-+]?\d{1,3}(?!\w))?"
)
_NUMBERS = re.compile(_NUMBER)
_LISTED = re.compile(rf"{_NUMBER}(?:\s?(?:,|;|and\b|, and\b)\s?{_NUMBER}){{1,40}}")
_NAMED = re.compile(r"(?<![\w\\])[A-Za-z](?:_?\{?\w{1,3}\}?)?\s?=\s?(?=[-+−]?\.?\d)")
_EQUALS = re.compile(r"=|≈|\\approx|\\simeq|\\sim(?![a-z])")
_SENTENCE = re.compile(r"[.。](?=\s|$|\*)|。|\n|\s(?:because|since|as|which|where|so)\s|\s?\((?=[a-z ]{4,})")
_DELIMITERS = re.compile(r"\\[()\[\]]|[$`]|\\(?:left|right)(?![A-Za-z])|\\[,;! ]")
_UNIT = re.compile(
    r"\s*\\(?:text|mathrm)\s?\{[^{}]*\}\S*\s*"
    r"|(?<=[\d)}])(?:\s?°[CF]?|\s[^\d+*/^=()\[\],×·]{1,40}|[a-zA-Zμ]{1,3})(?:/\w{1,9}|\^-?\d)?\s*$"
)
_CURRENCY = re.compile(r"\\?\$|[£€¥]")


def theorem_answer(text: str | None, kind: str) -> str | None:
    """The answer of one of TheoremQA's types: bool, integer, float, list of integer, list of float, option.

    Thinking is left out, and so is what follows a next "Problem:" (a model that goes on with the shots). The place is
    the last box, else what follows the last "The answer is", else the whole text. There:

    - bool: "True" or "False", for true/yes/correct and false/no/incorrect as whole words: the first of the answer;
      without a marker the text's first word, else the last such word;
    - option: "(a)" to "(f)";
    - integer, float: what follows the last `=` or `≈`, without units, currency and delimiters; where that is no
      calculation, the last number (the first one right after a marker), powers of ten included;
    - lists: the last brackets with several entries, else the numbers that commas or "and" part, as `[a, b]`.

    What is returned is still written as a calculation (`10*9`); `same_theorem_answer` finds its value.

    >>> theorem_answer("So x = 3.5e-4 m. The answer is 3.5e-4.", "float")
    '3.5e-4'
    """
    if not text:
        return None
    said = own_text(text).strip()
    following = _NEXT_PROBLEM.search(said, 1)
    said = (said[: following.start()] if following else said)[-SPAN:].translate(FULL_WIDTH)
    if kind.lower() == "option":
        letter = choice_letter(said, "ABCDEF")
        return f"({letter.lower()})" if letter else None
    marked, place = _place(said)
    if kind == "bool":
        return _truth(place, marked)
    if kind.startswith("list"):
        return _listed(place, marked)
    return _calculation(place, marked)


def _place(text: str) -> tuple[bool, str]:
    """Whether the answer is marked, and where it stands."""
    box = boxed(text)
    if box is not None:
        return True, box
    last = None
    for last in _TRIGGER.finditer(text):  # noqa: B007
        pass
    return (True, text[last.end() :]) if last and text[last.end() :].strip() else (False, text)


def _truth(text: str, marked: bool) -> str | None:
    first = _FIRST_WORD.match(text.replace("\\text{", ""))
    found = [match[0] for match in _TRUTH.finditer(text)]
    if not first and not found:
        return None
    word = (first[1] or first[2]) if first else found[0 if marked else -1]
    negative = word.lower().startswith(("in", "不")) or re.fullmatch(r"(?i:not\s+(?:true|correct))", word)
    return "True" if _TRUE.search(word) and not negative else "False"


def _plain(text: str) -> str:
    return _DELIMITERS.sub(" ", _CURRENCY.sub(" ", text)).replace("−", "-")


def _listed(text: str, marked: bool) -> str | None:
    matrix = re.search(r"\\begin\{[pb]?matrix\}(.{1,400}?)\\end", text, re.DOTALL)
    if matrix:
        entries = [_plain(entry).strip() for entry in re.split(r"&|\\\\", matrix[1])]
        return f"[{', '.join(filter(None, entries))}]"
    text = _plain(text).replace("\\{", "[").replace("\\}", "]")
    if marked:
        text = re.sub(r"[ \t]+", " ", _NAMED.sub("", text.strip().partition("\n\n")[0]))
    inner = _bracketed(text)
    if inner is not None:
        return f"[{inner.replace(';', ',').strip()}]"
    found = list(_LISTED.finditer(text))
    if found:
        return f"[{', '.join(number[0] for number in _NUMBERS.finditer(found[0 if marked else -1][0]))}]"
    numbers = [number[0] for number in _NUMBERS.finditer(text)]
    return f"[{numbers[0]}]" if marked and len(numbers) == 1 else None


def _bracketed(text: str) -> str | None:
    """What the last brackets hold that have a comma between their own entries, else the last square ones."""
    commas: list[tuple[int, int]] = []
    several = single = None
    for place, char in enumerate(text):
        if char in "([{":
            commas.append((place, 0))
        elif char in ",;" and commas:
            commas[-1] = (commas[-1][0], commas[-1][1] + 1)
        elif char in ")]}" and commas:
            start, count = commas.pop()
            if count and re.search(r"\d|pi", text[start + 1 : place][:200]):
                several = text[start + 1 : place]
            elif text[start] == "[" and place - start < 100:
                single = text[start + 1 : place]
    return several if several is not None else single


def _calculation(text: str, marked: bool) -> str | None:
    from proctor.metrics.arithmetic import value

    if marked:
        text = text.strip()
        end = _SENTENCE.search(text)
        text = text[: end.start()] if end and end.start() else text
    else:
        text = text.rstrip().rpartition("\n")[2]
    plain = _plain(text)
    for piece in (_EQUALS.split(plain)[-1].strip(" .,:*"), plain.strip(" .,:*")):
        for candidate in (piece, _UNIT.sub("", piece) if len(piece) < 200 else ""):
            if candidate and value(candidate) is not None:
                return candidate.strip()
    numbers = [found[0] for found in _NUMBERS.finditer(_EQUALS.split(plain)[-1])] or _NUMBERS.findall(plain)
    return numbers[0 if marked else -1].strip() if numbers else None
