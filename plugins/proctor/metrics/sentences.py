"""How many sentences a text has, by Punkt (Kiss & Strunk 2006), as nltk's English model splits it.

The model (which words are abbreviations, which start sentences) and its decision come from `punkt`, which brings them
along, so that nothing is downloaded. Where a sentence may end is found here: that package mends what nltk does with
"Wow!!!" and ". . .", and so do later versions of nltk with curly quotes. The scores that people quote were made with
nltk 3.8, whose model was the last that the authors' code could load: it ends no sentence within “Wow.”
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

_NO_WORD = ")\";}]*:@'({["
_END = re.compile(rf"[.?!](?=(?P<after>[{re.escape(_NO_WORD)}!?]|\s+(?P<following>\S+)))")
_CLOSERS = re.compile(r"[\"')\]}]+")
_BLANK = re.compile(r"[\t\n\r\x0b\x0c]")


def count_sentences(text: str, most: int) -> int:
    """The number of sentences; `most` where there are that many or more, without reading on.

    >>> count_sentences("Dr. Lee met Ms. Day at 5 p.m. in Bonn. It rained!", 10)
    2
    """
    count = start = 0
    for context, following in _ends(text):
        if count >= most:
            return most
        if _breaks(context):
            count, start = count + 1, following
    last = text[start:].rstrip()
    # Quotes and brackets that close the last sentence are none themselves.
    left = bool(last) and not (count and _CLOSERS.fullmatch(last))
    return min(count + left, most)


def _ends(text: str) -> Iterator[tuple[str, int]]:
    """Where a sentence may end: the word before with its mark and what comes after it, and where that begins.

    Of marks with no word between them the last one counts. As nltk has it, so does a mark of which only a first
    character, or none, follows the one before.
    """
    held: re.Match[str] | None = None
    begin = stop = 0
    spaced = _BLANK.sub(" ", text)
    for mark in _END.finditer(text):
        at = mark.start()
        blank = spaced.rfind(" ", stop, at)
        start = blank + 1 if blank > stop else begin
        if held is not None and stop <= start:
            yield _candidate(text, held, begin)
        held, begin, stop = mark, start, at
    if held is not None:
        yield _candidate(text, held, begin)


def _candidate(text: str, mark: re.Match[str], begin: int) -> tuple[str, int]:
    following = mark.start("following")
    return text[begin : mark.end("after")], mark.end() if following < 0 else following


@lru_cache(maxsize=1)
def _model() -> tuple[Any, Any]:
    from punkt import LanguageVars, PunktWordTokenizer, load_model

    return PunktWordTokenizer(LanguageVars(non_word_chars=_NO_WORD)), load_model("english")


@lru_cache(maxsize=8192)
def _breaks(context: str) -> bool:
    """Whether a sentence ends within these few words, and another token follows."""
    from punkt import annotate_tokens

    words, model = _model()
    found = False
    for token in annotate_tokens(words.tokenize_annotated(context), model):
        if found:
            return True
        found = bool(token.sentbreak)
    return False
