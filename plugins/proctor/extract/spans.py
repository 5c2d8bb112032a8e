"""Spans: the short answer in a text that answers a question, and whether it says that there is none."""

from __future__ import annotations

import re

from proctor.extract.denials import CHATTER, denies
from proctor.extract.texts import own_text

SPAN = 5_000
"""How many characters at the start and at the end of a text `span` and `no_answer` read: some thousand tokens."""


def span(text: str | None, *, whole_line: bool = False) -> str | None:
    r"""The answer in a text, as short as the text says it; None where there is none.

    Thinking is left out. A question, passage or instruction that the text repeats or goes on to is cut off. Then:

    1. the last of `\boxed{X}`, "The (correct, final, ...) answer is X", "Answer: X", "I mean X", "it should be X",
       答案是X, 答：X and their like in TyDiQA's languages: up to the end of its sentence or line;
    2. else the first line that is more than a greeting, a heading or an opening ("Sure, here is the answer:"),
       without "According to the passage," before it; of "X. Actually, Y." what it was changed to; of a text that sets
       one stretch of it in bold, that stretch; of a line with several sentences, the first.

    `whole_line` keeps all sentences of such a line, for benchmarks whose gold answers run over several (QuAC, SQuAD).
    Markdown, quotes around the whole, bullets and a full stop at the end go. Words are kept as they are written.
    """
    if text is None:
        return None
    said = _without_prompt(_short(own_text(text)))
    marked = _marked(said, whole_line)
    if marked is not None:
        return marked
    line = _first_line(said)
    if line is None or _CUT_OFF.fullmatch(line):
        return None
    bold = {found.strip() for found in _BOLD.findall(line)}
    if len(bold) == 1 and not (only := bold.pop()).endswith((":", "：")):
        return _clean(only) or None
    line = _OPENING.sub("", line, count=1)
    return _clean(line if whole_line else _first_sentence(line)) or None


def no_answer(text: str | None) -> bool:
    """Whether the text says that the question cannot be answered: "unanswerable", CANNOTANSWER, 无法回答.

    An answer that is marked as such ("The answer is X") decides; else the first sentence does, or the second where the
    first only opens ("I have read the passage."). "The passage does not say so, but it was X" answers; a text without
    a word does not say so.
    """
    if text is None:
        return False
    said = _without_prompt(_short(own_text(text)))
    marked = _marked(said, whole_line=False)
    if marked is not None:
        return denies(marked)
    line = _first_line(said)
    if line is None:
        return False
    line = re.sub(r"\*\*|__", "", line)
    first = _first_sentence(line)
    if denies(_OPENING.sub("", first, count=1)):
        return True
    if not denies(first) and CHATTER.match(first):
        first = _first_sentence(line[len(first) :].strip())
    return denies(first)


def _short(text: str) -> str:
    text = text.strip()
    return text if len(text) <= 2 * SPAN else f"{text[:SPAN]}\n{text[-SPAN:]}"


# --- What stands around an answer -----------------------------------------------------------------------------------

_ANSWER_WORD = (
    r"(?:(?:final |short |correct |my |best |the ){0,3}answer|response|a(?=:)|答案|答|回答|解答|答え|정답|답변|답|ответ"
    r"|jawaban|jibu|vastaus|الإجابة|الجواب|إجابة|উত্তর|సమాధానం|జవాబు|คำตอบ)"
)
_QUESTION_WORD = (
    r"(?:question|q|context|passage|article|background|text|paragraph|document|instructions?|title|问题|问|短文|文章|原文"
    r"|背景|材料|問題|問|質問|질문|지문|вопрос|контекст|pertanyaan|swali|kysymys|السؤال|প্রশ্ন|ప్రశ్న)"
)
_EMPHASIS = r"[*_#>\s\"“「]{0,8}"
_NEXT = re.compile(rf"(?im)^{_EMPHASIS}{_QUESTION_WORD}\s{{0,3}}\d{{0,3}}[*_]{{0,3}}\s?[:：]")
_ANSWER_LINE = re.compile(rf"(?im)^{_EMPHASIS}{_ANSWER_WORD}\s{{0,3}}\d{{0,3}}[*_]{{0,3}}\s?[:：]")


def _without_prompt(text: str) -> str:
    """The text without a prompt that it repeats at its start, and up to the next question that it goes on to."""
    if _NEXT.match(text):
        answer = _ANSWER_LINE.search(text)
        text = text[answer.start() :] if answer else _past_questions(text)
    following = _NEXT.search(text)
    return text[: following.start()] if following else text


def _past_questions(text: str) -> str:
    """What follows the last paragraph that opens with "Question:" or the like; empty where nothing does."""
    paragraphs = re.split(r"\n\s*\n", text)
    while paragraphs and _NEXT.match(paragraphs[0]):
        paragraphs.pop(0)
    return "\n\n".join(paragraphs)


# --- Answers that are marked ----------------------------------------------------------------------------------------

_IS = r"(?:is|was|are|were|would be|should be|must be)"
_MARK = re.compile(
    r"(?i)\\boxed\s?\{(?:\\text\{)?(?P<boxed>[^{}\n]{1,300})\}"
    # "The answer to the question is: X"; not "is not mentioned", "is given in the passage".
    rf"|\banswer(?: (?:to|for|of|from)\b[^\n.:?!]{{1,120}}?)? {_IS}\b"
    rf"(?! not\b|n't\b| (?:in|given|found|stated) )(?: simply| therefore| thus| indeed)?[*_]{{0,3}}[:：]?"
    r"|(?:答案|答え|正解)(?:应该是|应为|应是|就是|即为|是|为|為|は)[*_]{0,2}[:：]?"
    r"|정답은|답은|\bответ\s?[—–-]"
    rf"|(?P<line>(?m:^){_EMPHASIS}{_ANSWER_WORD})\s{{0,3}}\d{{0,3}}[*_]{{0,3}}\s?[:：][*_]{{0,3}}"
    # A mind that changes, at the start of a sentence.
    r"|(?:(?<=[.!?…—\n] )|(?<=[.!?…—\n]))"
    r"(?P<changed>(?:(?:wait|no|actually|sorry|hmm|oh|correction|rather|i mean)\b[,:.—–… -]{1,4}){1,3}"
    # What the first answer was, in a sentence of its own.
    r"(?:(?:that|it)(?:['’]s| is| was) (?:where|when|what|who|how|why|not|wrong|incorrect)\b[^\n.!?]{0,80}[.!] ?)?)"
    rf"(?:(?:it|that|this)(?:['’]s| {_IS})(?: actually)? )?(?=\w)"
    r"|(?:不对|不是|更正|等等|等一下)[^\n。！？]{0,12}?[，,。：:]\s?(?:应该是|应为|应是|而是|是)|更正[：:]"
)
_TAIL = re.compile(
    r"(?i),? (?:because|since)\b|, (?:which|who|as|according to|based on|so|where|when|not)\b"
    r"|[，,](?:因为|因此|所以|而不是)|です$|(?:입니다|이다)$"
)
_CUT_OFF = re.compile(
    rf"(?i)(?:[\w,]{{1,12}} ){{0,3}}(?:correct |final )?answer(?: {_IS}\b|\s?:)\W*"
    r"|(?:所以|因此)?答案(?:[是为]|\s?[：:])\W*"
)


def _marked(text: str, whole_line: bool) -> str | None:
    """The last answer that the text marks as one; of the last few markers, since a text may be nothing else."""
    for mark in reversed([*_MARK.finditer(text)][-8:]):
        if mark["boxed"]:
            return _clean(mark["boxed"]) or None
        line = _first_line(text[mark.end() :].lstrip(" \t*_:："))
        # A quotation of several sentences has its own "No, ...".
        if line is None or (whole_line and mark["changed"]):
            continue
        found = _clean(line if whole_line and mark["line"] else _first_sentence(line))
        # What follows "Answer:" at the start of a line is the answer as it stands; a sentence goes on with reasons.
        if mark["line"] is None and (cut := _TAIL.search(found)):
            found = _clean(found[: cut.start()])
        if found and not re.fullmatch(r"[\W_]+", found):
            return found
    return None


# --- Lines and sentences --------------------------------------------------------------------------------------------

_GREETING = re.compile(
    r"(?i)(?:sure|certainly|of course|okay|ok|great question|good question|yes, i can help|好的|当然|没问题)?"
    r"[\W_]{0,8}(?:with that|i can help(?: with that| you)?)?[\W_]{0,8}"
    r"(?:(?:here(?:['’]s| is| are)|below is|i(?:['’]ll| will)|let me|let['’]s|以下是|下面是)[^\n]{0,120}[:：.。])?"
)
_HEADING = re.compile(r"\s*(?:#{1,6}\s.*|[`~]{3,}\w*|[-*_=]{3,}|(?i:\*{0,2}(?:short |final )?answer\*{0,2}))\s*")
_OPENING = re.compile(
    r"(?i)^(?:(?:sure|certainly|of course|okay|yes|well)[,!.] )?"
    r"(?:according to|based on|as (?:stated|mentioned) in|from|in) the (?:given |provided |above )?"
    r"(?:passage|text|context|article|paragraph|document|information)[^\n,.:]{0,40}, ?"
    r"|^(?:根据|依据|按照|从)[^\n，,。]{0,12}(?:文章|短文|文中|原文|材料|段落|上文|内容|文本|信息)[^\n，,。]{0,6}[，,]"
)
_BOLD = re.compile(r"(?<!\*)\*\*(?!\s)([^*\n]{1,300}?)\*\*(?!\*)")


def _first_line(text: str) -> str | None:
    """The first line that says something: past greetings, headings, fences; without its bullet."""
    lines = [line.strip() for line in text.strip().split("\n")]
    for place, line in enumerate(lines):
        word = re.search(r"\w", line)
        if line.rstrip("*_").endswith((":", "：")) and place + 1 < len(lines):
            continue  # what follows is the answer
        if word and not _GREETING.fullmatch(line[word.start() :].rstrip(" *_!")) and not _HEADING.fullmatch(line):
            return re.sub(r"^(?:[-*+•>] +)+", "", line)
    # A sign may be the answer ("£"), a rule or an ellipsis is none.
    text = text.strip()
    return text if len(text) <= 8 and re.search(r"[^\w\s.…*_#`~=-]", text) and not re.search(r"\w", text) else None


# A full stop ends a sentence where a capital letter, a quote or a bracket follows, unless it ends an initial, an
# abbreviation or a number in a list.
_END = re.compile(r"(?<=[.!?])[\"”’)\]*_]{0,3}\s+(?=[\"“‘(*\[]{0,3}[^\W\d_a-zа-яё])|(?<=[。！？｡।])(?![」』”’》）])")
_ABBREVIATED = re.compile(
    r"(?i)(?:\b(?:mr|mrs|ms|dr|prof|st|sr|jr|rev|gen|col|capt|lt|sgt|gov|sen|rep|pres|hon|no|nos|vol|vs|v|ca|cf|ed|eds|fig"
    r"|inc|ltd|co|corp|bros|dept|univ|approx|est|mt|ft|op|pp?|ch|ave|blvd|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec"
    r"|им|г|ул|проф)|(?<![^\W_])[^\W_]|\b\d{1,3})\.$"
)


def _first_sentence(line: str) -> str:
    """The first sentence of a line; a quote opened in it is not cut."""
    start = opened = 0
    said = False
    for end in _END.finditer(line):
        part, start = line[start : end.start()], end.start()
        opened += sum(map(part.count, "“「《")) - sum(map(part.count, "”」》"))
        said = said or bool(re.search(r"\w", part))
        if said and opened <= 0 and not _ABBREVIATED.search(line[max(0, start - 12) : start]):
            return line[: end.end()].rstrip()
    return line


_PAIRS = [
    *('""', "“”", "‘’", "''", "「」", "『』", "«»", "``", "$$"),
    *(("**", "**"), ("__", "__"), ("*", "*"), ("\\text{", "}")),
]
_STOP = re.compile(r"(?<![.\s])\.$|[。｡।]$")


def _clean(text: str) -> str:
    """Without decoration around the whole, and without the full stop that ends a sentence."""
    text = text.strip().removesuffix("</s>").strip()
    before = None
    while text != before:  # no pair goes that stands within itself, so that each goes once
        before = text
        for opening, closing in _PAIRS:
            inner = text[len(opening) : len(text) - len(closing)]
            if len(text) > len(opening + closing) and text.startswith(opening) and text.endswith(closing):
                text = text if opening in inner or closing in inner else inner.strip()
        if text.count("**") % 2:  # the other end went with a marker
            text = text.removeprefix("**").removesuffix("**").strip()
        # A letter before a full stop is an initial ("U.S.", "Samuel L."): it keeps it.
        if not re.search(r"(?:^|[\s.])[^\W\d_]\.$", text):
            text = _STOP.sub("", text).rstrip()
    return text
