"""Code: a whole program in a text, or the body of a function, from a text that continues it or writes it anew."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence

from proctor.extract.texts import own_text

_FENCE = re.compile(r"^([ \t]*)(`{3,}+|~{3,}+)[^\n`]*+\n(.*?)(?:^[ \t]*\2|\Z)", re.MULTILINE | re.DOTALL)
_CODE = re.compile(
    r"^(?:import \w|from [\w.]+ import |(?:async )?def |class |@\w|#|\"\"\"|'''|try:|(?:if|for|while|with) .*:[ \t]*$"
    r"|[A-Za-z_][\w.]*(?:\[[^\]\n]*\])?[ \t]*(?:[:+\-*/]?=(?!=)|:[ \t]?\w|\())",
    re.MULTILINE,
)
_PROSE = re.compile(r"^(?:\*\*|[A-Z][\w'’]*,? [A-Za-z(`]|[A-Z]\w*:[ \t]*$|[\u4e00-\u9fff])", re.MULTILINE)


def code_block(text: str, name: str, stop: Sequence[str] = ()) -> str:
    """The program in a text: of fenced blocks the first that defines `name`, else the first, else the text itself.

    Thinking goes, and so does what follows the first `stop`, a mark by which the prompt has programs end. So do words
    before and after a program in no fence that defines `name`.

    >>> code_block("Here it is:\\n```python\\ndef one():\\n    return 1\\n```\\nGood luck!", "one")
    'def one():\\n    return 1\\n'
    """
    code = _program(own_text(text), name)
    return code[: min((place for mark in stop if mark and (place := code.find(mark)) >= 0), default=len(code))]


def function_body(text: str, name: str, stop: Sequence[str] = ()) -> str:
    """What follows a function's signature, from a text that continues it or writes it anew.

    Thinking goes. Of fenced blocks the first that defines `name` counts, else the first. Code that defines `name`
    itself is returned whole, after a newline: behind the unfinished function it stands as a second definition. Anything
    else is the body: it ends before the first `stop`, and is indented where its first line is not.

    >>> function_body("```python\\nreturn 1\\n```", "one")
    '    return 1\\n'
    """
    code = _program(own_text(text), name)
    if _defines(name).search(code):
        return "\n" + code
    end = min((place for mark in stop if mark and (place := code.find(mark)) >= 0), default=len(code))
    code = code[:end]
    first = next((line for line in code.split("\n") if line.strip()), "")
    if first and not first[0].isspace():
        code = "".join(f"    {line}" if line.strip() else line for line in code.splitlines(keepends=True))
    return code


def _program(text: str, name: str) -> str:
    """Of the fenced blocks that which counts; else the text, without words around a definition of `name`."""
    defines = _defines(name)
    # A fence within a list is indented, and its code with it.
    blocks = [textwrap.dedent(block[3]) if block[1] else block[3] for block in _FENCE.finditer(text)]
    if blocks:
        return next(filter(defines.search, blocks), blocks[0])
    definition = defines.search(text)
    if not definition:
        return text
    first = _CODE.search(text)
    text = text[first.start() if first else definition.start() :]
    for words in _PROSE.finditer(text):
        before = text[: words.start()]
        # Not within a text of the program's own.
        if before.endswith("\n\n") and not (before.count('"""') % 2 or before.count("'''") % 2):
            return before
    return text


def _defines(name: str) -> re.Pattern[str]:
    return re.compile(rf"^(?:async[ \t]+)?def[ \t]+{re.escape(name)}[ \t]*\(", re.MULTILINE)
