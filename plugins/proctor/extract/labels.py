"""Labels in words: yes and no, classes of a classification."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from proctor.extract.texts import FULL_WIDTH, ends, own_text, until_next

_YES = "true yes correct right yeah yep affirmative 正确 是 是的 对 对的 是对的 没错 真 真的 属实 成立 肯定"
_NO = (
    "false no incorrect wrong nope untrue"
    " 错误 否 不 错 错的 是错的 不是的 不是 不对 不正确 不真实 假 假的 不属实 不成立 否定"
)
BOOLEANS: Mapping[str, Sequence[str]] = {"true": _YES.split(), "false": _NO.split()}
"""The ways of saying yes and no that `boolean` knows."""


def boolean(text: str | None) -> bool | None:
    """Yes or no: what the text settles on, by the rules of `label` with the ways in `BOOLEANS`; else None.

    >>> boolean("That is not correct."), boolean("答案：是。"), boolean("是否正确，难以判断"), boolean("Yes and no.")
    (False, True, None, None)
    """
    found = label(text, BOOLEANS)
    return None if found is None else found == "true"


def label(text: str | None, names: Mapping[str, Sequence[str]]) -> str | None:
    r"""The label that the text settles on, a key of `names`, which maps each to its ways of being said; else None.

    Thinking is left out, and so is a next question that the text goes on to, unless only that has a label. Full-width
    characters are read as ASCII, upper and lower case are one, and emphasis,
    `_`, `-` and spaces within a way are one. The longest way that fits counts: "not entailment" is no "entailment",
    不正确 no 正确, where both are ways. A mention is denied after "not", "isn't", "rather than", "neither", 不是, 并非
    and the like, and is none at all in a question or list of labels ("positive or negative", 是否正确, "whether it is
    true", "yes/no"). "No" and "right" before a word, and Chinese ways of one character in a sentence, are no mention
    but right after a marker. In this order:

    1. after the last marker with a label: the first label of the sentence that begins with "answer is", "Answer:",
       "label:", "sentiment is", `\boxed{`, 答案是, 类别：, 情感为, 属于 and the like;
    2. the same for "therefore", "overall", 因此, 综上 and the like;
    3. a label at the very start, alone or before punctuation;
    4. the only label among those whose first way is mentioned; else the only label that is mentioned at all;
    5. the last line, where it is a label alone;
    6. the only label in bold, quotes or brackets;
    7. where nothing but denied labels is mentioned and one label is left: that one ("not positive", "neither entailment
       nor contradiction").

    Of a very long text the first and last `texts.SPAN` characters are read.
    """
    ways = tuple((name, tuple(said)) for name, said in names.items())
    if text is None:
        return None
    matcher = _matcher(ways)
    text = own_text(text)
    own = until_next(text)
    return _settled(own, matcher) or (None if own == text else _settled(text, matcher))


def _settled(text: str, matcher: _Matcher) -> str | None:
    raw = ends(text).translate(FULL_WIDTH).lower()
    plain = _EMPHASIS.sub(" ", raw)
    everything = _mentions(plain, matcher)
    mentions = [mention for mention in everything if not mention.denied]
    return (
        _after(_MARKER, plain, mentions, matcher)
        or _after(_CONCLUSION, plain, mentions, matcher)
        or _at_start(plain, mentions)
        or _only([mention for mention in mentions if mention.first])
        or _only(mentions)
        or _last_line(plain, mentions)
        or _set_off(raw, matcher)
        or _left(everything, matcher)
    )


_EMPHASIS = re.compile(r"[*`_\\]")
"""Replaced one to one, by a space: a bold word keeps its borders, and places stay what they are."""


@dataclass(frozen=True)
class _Matcher:
    """The ways of all labels: which label each says, those that come first, and patterns for the text."""

    names: frozenset[str]
    by_way: Mapping[str, str]
    first: frozenset[str]
    anywhere: re.Pattern[str]
    told: re.Pattern[str]


@dataclass(frozen=True)
class _Mention:
    start: int
    end: int
    name: str
    first: bool
    denied: bool


_CJK = r"\u3400-\u9fff"
_MEANS_MUCH_ELSE = {"no", "right", "不是", "不是的", "是的", "对的", "真的", "肯定", "否定"}
_GAP = r"[\s.:\-–—>→=\"'“‘「『《【(\[{$)\]】]"


def _key(way: str) -> str:
    return re.sub(r"[\s_\-]+", " ", _EMPHASIS.sub(" ", way.translate(FULL_WIDTH).lower())).strip()


@lru_cache(maxsize=64)
def _matcher(ways: tuple[tuple[str, tuple[str, ...]], ...]) -> _Matcher:
    by_way: dict[str, str] = {}
    for name, said in ways:
        for way in filter(None, map(_key, said)):
            by_way.setdefault(way, name)
    longest = sorted(by_way, key=len, reverse=True)
    strict = [way for way in longest if _is_strict(way)]
    return _Matcher(
        names=frozenset(by_way.values()),
        by_way=by_way,
        first=frozenset(_key(said[0]) for _, said in ways if said),
        anywhere=re.compile(_anywhere(longest)),
        told=re.compile(rf"{_GAP}{{0,16}}+(?:{'|'.join(map(_told, strict)) or '(?!)'})"),
    )


def _is_strict(way: str) -> bool:
    return way in _MEANS_MUCH_ELSE or bool(re.fullmatch(f"[{_CJK}]", way))


def _anywhere(ways: Sequence[str]) -> str:
    """All ways as one pattern, the longest first among those that begin alike.

    What is the same for all stands once and in front, so that most places of a text cost one look.
    """
    words = [_pattern(way) for way in ways if way[0].isascii() and way[0].isalnum()]
    others = [_pattern(way) for way in ways if not (way[0].isascii() and way[0].isalnum())]
    behind = [rf"(?<![a-z0-9])(?:{'|'.join(words)})"] if words else []
    first = re.escape("".join(sorted({way[0] for way in ways})))
    return rf"(?=[{first}])(?:{'|'.join(behind + others)})" if ways else "(?!)"


def _pattern(way: str) -> str:
    """One way anywhere in a text: no part of a word, nor of a sentence where it means much else."""
    body = r"[\s\-]{1,3}".join(map(re.escape, way.split(" ")))
    if _is_strict(way):
        behind = "" if way.isascii() else f"(?<![a-z0-9{_CJK}])"
        return rf"{behind}{body}(?=[\s)\]}}\"'”’」]{{0,4}}(?:[.,;:!?。、<(/|–—]|-(?![a-z])|$|\n))"
    return f"{body}" + (r"(?![a-z0-9]|['’][a-z])" if way[-1].isascii() and way[-1].isalnum() else "")


def _told(way: str) -> str:
    """One way right after a marker, where it may touch the sentence before it: 答案是否, "the answer is no because"."""
    end = r"(?![a-z0-9])(?! (?!because|since|as\b)[a-z])" if way.isascii() else rf"(?:的)?(?![{_CJK}])"
    return rf"({re.escape(way)}){end}(?!\s?[/|、])"


_FILLER = (
    r"(?:a|an|the|really|at|all|entirely|quite|very|clearly|considered|be|to|is|it|this|that|seem|seems|classified|as"
    r"|of|in|any|think|believe|say|was|so|particularly|exactly|actually|fully|logically|factually)"
)
_DENIED = re.compile(
    r"(?:\b(?:not|never|cannot|neither|nor|hardly|rather than|instead of|without|no)|n['’]t)"
    rf"(?: {_FILLER}){{0,4}}[\s\"'“‘(]{{1,3}}$"
    r"|(?:不|非|没有|没|谈不上|排除)(?:是|属于|算|能说)?(?:任何|一个|一种|真的|很|太|什么|明显|完全)?[的是]?[\s\"'“‘「]{0,2}$"
)
_ASKED = re.compile(
    r"(?:\b(?:whether|if|either|not necessarily|not sure|unsure|not only|unclear)\b[^.,;:!?\n。]{0,30}"
    r"|(?:是否|能否|是不是|可否)[^.,;:!?\n。]{0,4}|(?:未必|不一定|不仅|不只)是?)$"
)
_OR = re.compile(
    r"的?[\s\"'”’)\]]{0,3}(?:([,])|[/|、]|\bor\b|\band\b|\bvs\b\.?|\bnor\b|或者?|还是|和|与)"
    r"[\s\"'“‘(\[]{0,3}(?:(?:or|and|nor|或者?|和|a|an|the|是) ?){0,2}[\"'“‘(\[]?"
)


_QUESTION_MARK = re.compile(r"[\s\"'”’)\]]{0,3}\?")

_MOST = 400
"""How many labels at the start and at the end of a text are looked at."""


def _mentions(text: str, matcher: _Matcher) -> list[_Mention]:
    """Every label in the text that is part neither of a question nor of a list of different labels."""
    matches = list(matcher.anywhere.finditer(text))
    if len(matches) > 2 * _MOST:
        matches = matches[:_MOST] + matches[-_MOST:]
    found: list[_Mention] = []
    asked: set[int] = set()
    for match in matches:
        key, before = _key(match[0]), text[max(match.start() - 48, 0) : match.start()]
        if _ASKED.search(before) or _QUESTION_MARK.match(text, match.end()):
            asked.add(len(found))
        denied = bool(_DENIED.search(before))
        found.append(_Mention(match.start(), match.end(), matcher.by_way[key], key in matcher.first, denied))
    for i in range(1, len(found)):
        one, other = found[i - 1], found[i]
        if one.name == other.name or other.start - one.end > 16:
            continue
        join = _OR.fullmatch(text, one.end, other.start)
        if join and one.denied and not join[1]:
            found[i] = replace(other, denied=True)
        elif join and not one.denied:
            asked |= {i - 1} if other.denied else {i - 1, i}
    return [mention for i, mention in enumerate(found) if i not in asked]


_MARKER = re.compile(
    r"\b(?:answer|label|classification|category|class|prediction|verdict|sentiment|relation|relationship|conclusion"
    r"|judge?ment|topic|result|response)\b[^\n.:?!]{0,50}?(?:\b(?:is|(?:should|would|must|to) be)\b|[:=→])"
    r"|\b(?:classify|classified|categori[sz]ed?|labell?ed|label)\b[^\n.:?!]{0,50}?(?:\bas\b|[:=→])"
    r"|\bboxed\s?\{(?:\s?text\s?\{)?"
    r"|(?:答案|类别|分类|归类|标签|情感(?:倾向|极性)?|态度|关系|结果|结论|判断|类型|主题|评价)[^\n。?!,]{0,20}?(?:是|为|:|】)"
    r"|(?<!不)(?:属于|归为)|答:"
)
_CONCLUSION = re.compile(
    r"\b(?:therefore|thus|hence|overall|in conclusion|in summary|to conclude|so)\b(?=,| the\b| it\b| this\b| i\b)"
    r"|因此|所以|综上|总之|总的来说|由此可见"
)
_STOP = re.compile(r"[.!?。\n]")


def _after(marker: re.Pattern[str], text: str, mentions: Sequence[_Mention], matcher: _Matcher) -> str | None:
    """The first label in the sentence after the last marker that has one. A line may end right after the marker."""
    starts = [mention.start for mention in mentions]
    found = None
    for match in marker.finditer(text):
        told = matcher.told.match(text, match.end())
        if told and told.lastindex:
            found = matcher.by_way[_key(told[told.lastindex])]
            continue
        i = bisect_left(starts, match.end())
        if i == len(starts) or starts[i] - match.end() > 120:
            continue
        begin = match.end() + len(_LEAD.match(text, match.end())[0])  # type: ignore[index]
        if not _STOP.search(text, begin, starts[i]):
            found = mentions[i].name
    return found


_LEAD = re.compile(r"[\s:\"'“(\[{】]{0,8}")
_POINT = re.compile(r"[\s)\]}\"'”’」$]{0,4}(?:[.,;:!。、<)\-–—]|$|\n)|\s(?:because|since|as)\b")


def _at_start(text: str, mentions: Sequence[_Mention]) -> str | None:
    if mentions and not text[: mentions[0].start].strip(" \n\t\"'“‘「『《【([{$\\#>-") and mentions[0].start < 24:
        return mentions[0].name if _POINT.match(text, mentions[0].end) else None
    return None


def _only(mentions: Sequence[_Mention]) -> str | None:
    names = {mention.name for mention in mentions}
    return names.pop() if len(names) == 1 else None


def _last_line(text: str, mentions: Sequence[_Mention]) -> str | None:
    end = len(text.rstrip())
    start = text.rfind("\n", 0, end) + 1
    if not mentions or start == 0 or mentions[-1].start < start:
        return None
    rest = text[start : mentions[-1].start] + text[mentions[-1].end : end]
    return None if rest.strip(" \t\"'“”‘’「」()[]{}$#>-.:。!") else mentions[-1].name


_QUOTED = re.compile(
    r"\*\*([^*\n]{1,40})\*\*|`([^`\n]{1,40})`|\"([^\"\n]{1,40})\"|“([^”\n]{1,40})”|「([^」\n]{1,40})」"
    r"|【([^】\n]{1,40})】|\(([^()\n]{1,40})\)|\[([^\[\]\n]{1,40})\]"
)


def _set_off(raw: str, matcher: _Matcher) -> str | None:
    """The only label in bold, quotes or brackets; two labels with a stroke between them are none."""
    ways = {_key(match[match.lastindex or 0].strip(' .:,。!"')) for match in _QUOTED.finditer(raw)}
    names = {matcher.by_way[way] for way in ways if way in matcher.by_way}
    return names.pop() if len(names) == 1 else None


def _left(mentions: Sequence[_Mention], matcher: _Matcher) -> str | None:
    left = matcher.names - {mention.name for mention in mentions}
    all_denied = bool(mentions) and all(mention.denied for mention in mentions)
    return next(iter(left)) if all_denied and len(left) == 1 else None
