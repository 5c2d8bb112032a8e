"""What all extraction shares: thinking left out, full-width characters, markers."""

from __future__ import annotations

import re

_THINK = re.compile(r"</?(?:think(?:ing)?|thought|reasoning)>|\[/?THINK\]|◁/?think▷")
_ANSWER = re.compile(r"<answer>(.*?)(?:</answer>|\Z)", re.DOTALL)
_BLANK_LINES = re.compile(r"(?:[ \t]*\r?\n)+")
_NEXT_QUESTION = re.compile(
    r"\n[ \t*#>_]{0,8}(?:Question|Problem|Q|Human|User|问题|题目)[ \t]?\d{0,4}[*_]{0,3}\s?[:：]"
)
FULL_WIDTH = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
"""For `str.translate`: full-width characters as ASCII."""


SPAN = 10_000
"""How many characters at the start and at the end of a text are read for labels: some two thousand tokens."""


def ends(text: str, span: int = SPAN) -> str:
    """The first and the last `span` characters, on lines of their own; a text that is no longer than both is whole."""
    return text if len(text) <= 2 * span else f"{text[:span]}\n{text[-span:]}"


def after(marker: str, text: str | None) -> str | None:
    """What follows the first `marker`, up to the end of that line, stripped; None where there is no marker or text."""
    if text is None or marker not in text:
        return None
    return text.partition(marker)[2].partition("\n")[0].strip() if marker else text.partition("\n")[0].strip()


def own_answer(text: str | None) -> str | None:
    """What the text says itself: without thinking, and up to a line by which it goes on to a next question.

    >>> own_answer("So it is 18.\\n#### 18\\n\\n**Question:** How many eggs ...")
    'So it is 18.\\n#### 18\\n'
    """
    if text is None:
        return None
    return until_next(split_thinking(text)[1])


def until_next(said: str) -> str:
    """The text up to a line by which it goes on to a next question; a question at its very start is the prompt's."""
    following = _NEXT_QUESTION.search(said, len(said) - len(said.lstrip()))
    return said[: following.start()] if following else said


def own_text(text: str) -> str:
    """The text without thinking; of one with `<answer>...</answer>` what the last of these holds that is not empty.

    >>> own_text("<think>A?</think>It falls, so it is B.\\n<answer>B</answer>")
    'B'
    """
    rest = split_thinking(text)[1]
    told = [found[1] for found in _ANSWER.finditer(rest) if found[1].strip()] if "<answer>" in rest else []
    return told[-1] if told else rest


def split_thinking(text: str) -> tuple[str | None, str]:
    """Thinking and text of a reasoning model: (None, text) where there is no `<think>` or `</think>`.

    `<thinking>`, `<thought>`, `<reasoning>`, `[THINK]` and `◁think▷` are such tags too.

    Several stretches of thinking are joined by a blank line. Thinking that never ends leaves only the text before
    it. What precedes a closing tag that was never opened is thinking (a chat template may open it in the prompt).
    Blank lines at the text's start go; its indentation stays.
    """
    thinking: list[str] = []
    said: list[str] = []
    inside = found = False
    position = 0
    for tag in _THINK.finditer(text):
        found = True
        stretch, position = text[position : tag.start()], tag.end()
        if "/" in tag[0]:
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
