"""Translations: the one line that translates a line."""

from __future__ import annotations

import re

from proctor.extract.texts import own_text

_WORD = r"(?:translation|target|译文|翻译(?:结果)?)"
_LANGUAGE = r"(?:english|chinese|mandarin|中文|英文|汉语|英语)"
_LABEL = re.compile(
    rf"(?i)[*_#\s]{{0,6}}(?:(?:the )?(?:\w{{1,12}} )?translation|{_LANGUAGE}?{_WORD}(?:如下)?|{_LANGUAGE})"
    r"[*_]{0,2}\s?[:：][*_]{0,2}\s{0,4}"
)
_ANNOUNCED = re.compile(
    r"(?i)(?:sure|certainly|of course|okay|here|below|the|好的|当然|以下|下面|这是)[^\n]{0,150}[:：][*_]{0,2}"
    r"|[^\n]{0,100}?(?:translat|翻译|译文|译[成为])[^\n]{0,100}[:：][*_]{0,2}"
    rf"|[#*_\s]{{0,6}}{_LANGUAGE}?\s?{_WORD}[*_\s]{{0,4}}"
)
_AROUND = (("**", "**"), ('"', '"'), ("“", "”"), ("'", "'"), ("「", "」"), ("*", "*"))
_SAYS = re.compile(r"(?!`{3,}\w*$).*\w")
_ENDS = re.compile(r"(?:</s>|<\|[a-z_]{2,20}\|>|<eo[as]>)+$")


def translation(text: str | None) -> str | None:
    """The first line that translates: of a text that goes on, the rest is none of it; None where no line does.

    Thinking is left out, and marks of an end (`</s>`). Lines that only announce go ("Here is the translation:"), and a
    label before it ("Translation:", 译文：, "English:"); then also quotes or emphasis around the whole, which are kept
    where nothing announces them: they may be its own.

    >>> translation('Here is the Chinese translation:\\n\\n"他来了。"\\n\\nLet me know!')
    '他来了。'
    """
    if text is None:
        return None
    lines = [_ENDS.sub("", line.strip()).removeprefix("> ").strip() for line in own_text(text).split("\n")]
    lines = [line for line in lines if _SAYS.match(line)]
    announced = False
    for place, line in enumerate(lines):
        label = _LABEL.match(line)
        if label:
            announced, line = True, line[label.end() :]
        if line and not (place + 1 < len(lines) and _ANNOUNCED.fullmatch(line)):
            break
        announced = True
    else:
        return None
    for opening, closing in _AROUND if announced else ():
        inner = line[len(opening) : len(line) - len(closing)].strip()
        whole = line.startswith(opening) and line.endswith(closing)
        if whole and inner and opening not in inner and closing not in inner:
            line = inner
    return line or None
