"""Code: a whole program in a text, or the body of a function, from a text that continues it or writes it anew."""

from __future__ import annotations

import re
from collections.abc import Sequence

from proctor.extract.texts import split_thinking

_FENCE = re.compile(r"^[ \t]*```[^\n`]*\n(.*?)(?:^[ \t]*```|\Z)", re.MULTILINE | re.DOTALL)


def code_block(text: str, name: str, stop: Sequence[str] = ()) -> str:
    """The program in a text: of fenced blocks the first that defines `name`, else the first, else the text itself.

    Thinking goes, and so does what follows the first `stop`, a mark by which the prompt has programs end.

    >>> code_block("Here it is:\\n```python\\ndef one():\\n    return 1\\n```\\nGood luck!", "one")
    'def one():\\n    return 1\\n'
    """
    code = split_thinking(text)[1]
    blocks = [block[1] for block in _FENCE.finditer(code)]
    if blocks:
        code = next(filter(_defines(name).search, blocks), blocks[0])
    return code[: min((place for mark in stop if mark and (place := code.find(mark)) >= 0), default=len(code))]


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
    defines = _defines(name)
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


def _defines(name: str) -> re.Pattern[str]:
    return re.compile(rf"^(?:async[ \t]+)?def[ \t]+{re.escape(name)}[ \t]*\(", re.MULTILINE)
