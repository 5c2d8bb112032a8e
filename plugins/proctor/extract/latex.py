r"""Mathematical answers: the content of the last \boxed{...}, or what a text calls its final answer."""

from __future__ import annotations

import re

from proctor.extract.numbers import final_number
from proctor.extract.texts import own_text

SPAN = 10_000
"""How many characters at the end of a text are read for an answer that is not boxed, and how many a box may hold."""

_BOX = re.compile(r"\\(?:boxed|fbox)(?![A-Za-z])[ \t]*")
_BRACES = re.compile(r"\\.|[{}]", re.DOTALL)
_NEXT_PROBLEM = re.compile(r"\n[ \t*#]{0,8}(?:Problem|Question|问题|题目)[ \t]?\d{0,4}[*]{0,2}[:：]")

_MINERVA = re.compile(r"(?i:final answer is)(?P<colon>[:：]?)")
_HOPE = re.compile(r"[.。]?\s{0,8}I hope (?:it|this) is correct")
_ANSWER = re.compile(
    r"(?i:\b(?:answer|result|solution)\b(?! (?:choices|options|key|is not))"
    r"[^\n.:：=$\\]{0,40}?(?:\bis\b(?! not)|[:：=]))"
    r"|(?:答案|结果|故填|应填)[^\n。:：$\\0-9A-Za-z]{0,8}?(?:是|为|[:：]|(?=[$\\0-9(（-]))"
)
_INSIDE = r"(?:[^\\]|\\[^()\[\]])"  # no second opening: a row of them would be read anew from each
_FORMULA = rf"(?:\$\$[^$]{{1,1000}}\$\$|\$[^$]{{1,1000}}\$|\\\({_INSIDE}{{1,1000}}?\\\)|\\\[{_INSIDE}{{1,1000}}?\\\])"
_FORMULAS = re.compile(rf"{_FORMULA}(?:(?:\s{{0,4}}(?:,|;|、|；|and\b|or\b|和|或)){{1,2}}\s{{0,4}}{_FORMULA}){{0,20}}")
_IN_FORMULA = re.compile(
    r"\$\$([^$]+)\$\$|\$([^$\n]+)\$|\\\(((?:[^\\]|\\[^()\[\]])+?)\\\)|\\\[((?:[^\\]|\\[^()\[\]])+?)\\\]"
)
_SENTENCE = re.compile(
    r"[.。!?](?=\s|$|\*|[^\x00-\x7f])|[。]|\n|\s+(?:because|since|as|which|where|so that)\b|, (?:so|since|which)\b"
)
_SAYS_IT = re.compile(r"[\s:：*_=]{0,12}(?:(?:therefore|thus|simply|just|equal to|approximately|about)\b[\s:：]{0,4})?")
_ESCAPED_DOLLAR = "\ue000"


def boxed(text: str | None) -> str | None:
    r"""What the last \boxed{...} or \fbox{...} holds, stripped; thinking is left out.

    Braces nest; `\{` and `\}` are no braces. Without braces (`\boxed 5`) the content goes on to the next `$` of the
    line, or else is the next word. None where there is no box, where it is empty, and where the last one is cut off:
    what stood in an earlier box is then not the answer that the text was about to give.

    >>> boxed(r"Not \boxed{1} but \boxed{\frac{1}{2}}.")
    '\\frac{1}{2}'
    """
    return _box(own_text(text))[1] if text else None


def final_answer(text: str | None) -> str | None:
    r"""The answer that a mathematical text settles on, as it is written there; None where it settles on none.

    Thinking is left out, and so is what follows a second "Problem:" or "Question:" unless only that has an answer.
    In this order:

    1. the last \boxed{...} or \fbox{...} (see `boxed`; where that is cut off there is no answer);
    2. the first "the final answer is ...", up to "I hope it is correct", as the Minerva protocol has it;
    3. the last "the answer is ...", "Answer: ...", 答案是..., to the end of the sentence or formula;
    4. the last formula between `$...$`, `$$...$$`, `\(...\)` or `\[...\]`;
    5. the last number.

    >>> final_answer("Final Answer: The final answer is $[2,5)$. I hope it is correct.")
    '[2,5)'
    """
    if not text:
        return None
    said = own_text(text).strip()
    following = _NEXT_PROBLEM.search(said)
    head = said[: following.start()] if following else said
    for stretch in (head, said) if following else (said,):
        found, content = _box(stretch)
        if found:
            return content
        told = _told(stretch[-SPAN:])
        if told:
            return told
    head = head[-SPAN:].replace("\\$", _ESCAPED_DOLLAR)
    formulas = [next(filter(None, match.groups())) for match in _IN_FORMULA.finditer(head)]
    last = formulas[-1].replace(_ESCAPED_DOLLAR, "\\$").strip() if formulas else ""
    return last or final_number(head)


def _box(text: str) -> tuple[bool, str | None]:
    """Whether there is a box, and what the last one holds."""
    last = None
    for last in _BOX.finditer(text):  # noqa: B007
        pass
    if last is None:
        return False, None
    start = last.end()
    if text[start : start + 1] != "{":
        line = text[start : start + 200].partition("\n")[0]
        content = line.partition("$")[0] if "$" in line else (line.split() or [""])[0].rstrip(".,;。，")
        return True, content.strip() or None
    depth = 0
    for brace in _BRACES.finditer(text, start, start + SPAN):
        depth += {"{": 1, "}": -1}.get(brace[0], 0)
        if not depth:
            return True, text[start + 1 : brace.start()].strip() or None
    return True, None


def _told(text: str) -> str | None:
    """The answer after the first "final answer is" that has one, else after the last "answer is"."""
    text = text.replace("\\$", _ESCAPED_DOLLAR)
    for marker in _MINERVA.finditer(text):
        if (found := _after(text, marker.end())) is not None:
            return found
    markers = list(_ANSWER.finditer(text))
    for marker in reversed(markers[-20:]):
        if (found := _after(text, marker.end())) is not None:
            return found
    return None


def _after(text: str, start: int) -> str | None:
    """The formulas, else the sentence, that stand at `start`."""
    rest = text[start : start + 2000]
    hope = _HOPE.search(rest)
    says = _SAYS_IT.match(rest)
    begin = says.end() if says else 0
    rest = rest[begin : hope.start()] if hope and hope.start() >= begin else rest[begin:]
    formulas = _FORMULAS.match(rest)
    if formulas:
        inner = formulas[0].replace("$", " ").replace("\\(", " ").replace("\\)", " ")
        answer = re.sub(r"\\(?<!\\\\)[\[\]]", " ", inner)
    elif rest.startswith(("$", "\\(", "\\[")):
        return None  # cut off in the middle
    else:
        answer = rest if hope else rest[: end.start()] if (end := _SENTENCE.search(rest)) else rest
    answer = re.sub(r"\s{2,}", " ", answer.replace(_ESCAPED_DOLLAR, "\\$")).strip().strip("*`").strip()
    return re.sub(r"[.。,;:]+$", "", answer).strip() or None
