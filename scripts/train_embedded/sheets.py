"""The plain text files beside this module, from which texts and questions are made."""

from __future__ import annotations

from pathlib import Path


def lines(name: str) -> list[str]:
    """The file's lines after its first paragraphs of explanation, continuations joined, blank lines left out.

    The explanation ends at the first line that begins with ``#``, ``<`` or an all-capital name and a colon.
    """
    found: list[str] = []
    for line in Path(__file__).with_name(name).read_text(encoding="utf-8").splitlines():
        if line.startswith(" ") and found:
            found[-1] += " " + line.strip()
        elif line.strip() and (found or line[0] in "#<" or line.split(":")[0].isupper()):
            found.append(line)
    return found
