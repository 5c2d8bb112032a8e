"""Instructions whose following can be verified: the 25 rules of IFEval (Zhou et al. 2023, arXiv:2311.07911).

They decide as the authors' code does (instruction_following_eval of google-research: instructions.py,
instructions_util.py, evaluation_lib.py), its habits included: keywords and section marks are regular expressions, a
keyword counts within longer words, a line that begins with a dash is a bullet point, highlights in two asterisks count
twice, and where no language can be detected the instruction counts as followed. They differ where the authors' code
draws lots or crashes:

- langdetect draws at random, anew at each call; here with one seed, so that a response is always judged alike.
- An argument that is missing, or not one of those that the rule knows, is drawn at random there; here it is an error
  of the row.
- JSON that is nested too deep ends their run; here it is no JSON.

Sentences are those of nltk's English Punkt model (`proctor.metrics.sentences`), which needs no download here. Words in
capital letters are counted over the tokens of nltk's `word_tokenize`: `_capital_words` says how.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

from proctor.metrics.sentences import count_sentences

RELATIONS = ("less than", "at least")
FAMILIES = (
    "change_case",
    "combination",
    "detectable_content",
    "detectable_format",
    "keywords",
    "language",
    "length_constraints",
    "punctuation",
    "startend",
)
CONSTRAINED = ("My answer is yes.", "My answer is no.", "My answer is maybe.")
SEED = 0
"""Of langdetect's draws."""


class Instruction(NamedTuple):
    """One instruction of a prompt: its published name, `keywords:frequency`, and what it asks for."""

    name: str
    arguments: Mapping[str, Any]

    @property
    def family(self) -> str:
        return self.name.partition(":")[0]


def instructions_of(names: Sequence[str], arguments: Sequence[Mapping[str, Any]]) -> list[Instruction]:
    """The instructions of a row, from its `instruction_id_list` and `kwargs`.

    Arguments that are null are as if they were not there: the table on the hub has every argument in every row.
    Raises ValueError, naming the field, for a name that is none of the 25, for arguments that are missing, unknown or
    of a wrong kind, and for lists of different length.
    """
    if not isinstance(names, list | tuple) or not names:
        raise ValueError(f"instruction_id_list is no list of instructions but {names!r:.60}")
    if not isinstance(arguments, list | tuple) or len(arguments) != len(names):
        held = f"{len(arguments)} records" if isinstance(arguments, list | tuple) else repr(arguments)[:60]
        raise ValueError(f"kwargs: {held} for the {len(names)} instructions of instruction_id_list")
    return [_instruction(place, name, own) for place, (name, own) in enumerate(zip(names, arguments, strict=True))]


def follows(response: str, instruction: Instruction) -> bool:
    """Whether a response follows an instruction, by the strict rule: as it stands. An empty one follows none."""
    return bool(response.strip()) and RULES[instruction.name].check(response, **instruction.arguments)


def follows_loosely(response: str, instruction: Instruction) -> bool:
    """Whether one of the eight forms of `loose_forms` follows it."""
    return any(follows(form, instruction) for form in loose_forms(response))


def loose_forms(response: str) -> list[str]:
    """The response, then without its first, last, first and last line, and each of these without asterisks.

    They forgive an introduction ("Sure, here it is:"), an outro, and Markdown's emphasis.
    """
    lines = response.split("\n")
    cut = [response, *("\n".join(part).strip() for part in (lines[1:], lines[:-1], lines[1:-1]))]
    return list(dict.fromkeys([*cut, *(form.replace("*", "") for form in cut)]))


# --- the arguments ----------------------------------------------------------------------------------------------------


def _instruction(place: int, name: str, given: Any) -> Instruction:
    if not isinstance(name, str) or name not in RULES:
        raise ValueError(f"instruction_id_list[{place}]: {name!r} is none of the {len(RULES)} instructions")
    if not isinstance(given, Mapping):
        raise ValueError(f"kwargs[{place}] of {name} is no record but {given!r:.60}")
    known, own = RULES[name].arguments, {key: value for key, value in given.items() if value is not None}
    if unknown := sorted(own.keys() - known.keys()):
        raise ValueError(f"kwargs[{place}]: {name} does not know {unknown[0]!r}; it has: {', '.join(known) or 'none'}")
    for key, kind in known.items():
        if key not in own:
            raise ValueError(f"kwargs[{place}]: {name} needs {key!r}")
        if not kind.holds(own[key]):
            raise ValueError(f"kwargs[{place}]: {key!r} of {name} is {kind.what}, not {own[key]!r:.60}")
    return Instruction(name, own)


class _Kind(NamedTuple):
    what: str
    holds: Callable[[Any], bool]


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_pattern(value: Any) -> bool:
    try:
        return _is_text(value) and bool(re.compile(value.strip(), re.IGNORECASE))
    except (re.error, OverflowError, RecursionError):
        return False


def _are_patterns(value: Any) -> bool:
    return isinstance(value, list | tuple) and bool(value) and all(map(_is_pattern, value))


_COUNT = _Kind("a whole number from 0", lambda value: type(value) is int and value >= 0)
_PLACE = _Kind("a whole number from 1", lambda value: type(value) is int and value >= 1)
_RELATION = _Kind("'less than' or 'at least'", lambda value: value in RELATIONS)
_TEXT = _Kind("a text", _is_text)
_LETTER = _Kind("one character", lambda value: _is_text(value) and len(value) == 1)
_PATTERN = _Kind("a text that is a regular expression", _is_pattern)
_MARKER = _Kind(_PATTERN.what, lambda value: _is_pattern(value) and _is_pattern(value.lower()))
_PATTERNS = _Kind("a list of texts that are regular expressions", _are_patterns)


# --- the rules --------------------------------------------------------------------------------------------------------


def _compared(count: int, relation: str, threshold: int) -> bool:
    return count < threshold if relation == "less than" else count >= threshold


def _has_keywords(response: str, keywords: Sequence[str]) -> bool:
    return all(re.search(keyword, response, re.IGNORECASE) for keyword in keywords)


def _keyword_often(response: str, keyword: str, frequency: int, relation: str) -> bool:
    return _compared(len(re.findall(keyword.strip(), response, re.IGNORECASE)), relation, frequency)


def _lacks_words(response: str, forbidden_words: Sequence[str]) -> bool:
    return not any(re.search(rf"\b{word}\b", response, re.IGNORECASE) for word in forbidden_words)


def _letter_often(response: str, letter: str, let_frequency: int, let_relation: str) -> bool:
    """Any character counts, as # and ! do in the published rows; capitals as small letters."""
    return _compared(response.lower().count(letter.lower()), let_relation, let_frequency)


def _in_language(response: str, language: str) -> bool:
    return _detected(response) in (language, None)


def _sentences(response: str, num_sentences: int, relation: str) -> bool:
    """Counted up to the threshold, which decides."""
    return _compared(count_sentences(response, num_sentences), relation, num_sentences)


def _filled(parts: Sequence[str]) -> list[str]:
    """Parts that are not blank, stripped; none at all where one between others is. The first and the last may be."""
    stripped = [part.strip() for part in parts]
    return list(filter(None, stripped)) if all(stripped[1:-1]) else []


def _parts(response: str, num_paragraphs: int) -> bool:
    """Exactly so many between dividers `***`."""
    parts = re.split(r"\s?\*\*\*\s?", response)
    return all(part.strip() for part in parts[1:-1]) and len(_filled(parts)) == num_paragraphs


def _words(response: str, num_words: int, relation: str) -> bool:
    return _compared(len(re.findall(r"\w+", response)), relation, num_words)


def _first_word(response: str, num_paragraphs: int, nth_paragraph: int, first_word: str) -> bool:
    """Paragraphs end at two newlines. Empty ones do not count, yet the nth is looked for with them, as published."""
    paragraphs = [paragraph.strip() for paragraph in response.split("\n\n")]
    count = sum(map(bool, paragraphs))
    if count != num_paragraphs or nth_paragraph > count or not paragraphs[nth_paragraph - 1]:
        return False
    word = paragraphs[nth_paragraph - 1].split()[0].lstrip("'").lstrip('"')
    word = re.split(r"[.,?!'\"]", word, maxsplit=1)[0]
    return "".join(map(str.lower, word)) == first_word.lower()  # letter by letter: a last sigma is one like others


def _placeholders(response: str, num_placeholders: int) -> bool:
    """Square brackets that close on the same line; what lies between may be nothing."""
    return sum(map(_bracketed, response.split("\n"))) >= num_placeholders


def _bracketed(line: str) -> int:
    count, end = 0, -1
    while (start := line.find("[", end + 1)) >= 0 and (end := line.find("]", start)) >= 0:
        count += 1
    return count


def _postscript(response: str, postscript_marker: str) -> bool:
    """Anywhere in the response, in small letters or capitals."""
    marker = postscript_marker.strip()
    known = {"P.P.S": r"p\.\s?p\.\s?s", "P.S.": r"p\.\s?s\."}
    return bool(re.search(known.get(marker, marker.lower()), response.lower()))


def _bullets(response: str, num_bullets: int) -> bool:
    """Exactly so many lines that begin with one asterisk, or with a dash."""
    stars = re.findall(r"^[^\S\n]*\*[^*].*$", response, re.MULTILINE)
    return len(stars) + len(re.findall(r"^[^\S\n]*-", response, re.MULTILINE)) == num_bullets


def _constrained(response: str) -> bool:
    return any(answer in response for answer in CONSTRAINED)


def _highlights(response: str, num_highlights: int) -> bool:
    single, double = re.findall(r"\*([^\n*]*)\*", response), re.findall(r"\*\*([^\n*]*)\*\*", response)
    return sum(bool(text.strip()) for text in (*single, *double)) >= num_highlights


def _sections(response: str, section_spliter: str, num_sections: int) -> bool:
    return len(re.split(rf"\s?{section_spliter.strip()}\s?\d+\s?", response)) - 1 >= num_sections


def _is_json(response: str) -> bool:
    text = response.strip()
    for fence in ("```json", "```Json", "```JSON", "```"):
        text = text.removeprefix(fence)
    try:
        json.loads(text.removesuffix("```").strip())
    except (ValueError, RecursionError):
        return False
    return True


def _titled(response: str) -> bool:
    """<<a title>> on one line, which reaches from the first << to the last >>."""
    for line in response.split("\n"):
        start, end = line.find("<<"), line.rfind(">>")
        if 0 <= start < end - 2 and line[start : end + 2].lstrip("<").rstrip(">").strip():
            return True
    return False


def _two_responses(response: str) -> bool:
    given = _filled(response.split("******"))
    return len(given) == 2 and given[0] != given[1]


def _repeats(response: str, prompt_to_repeat: str) -> bool:
    return response.strip().lower().startswith(prompt_to_repeat.strip().lower())


def _ends(response: str, end_phrase: str) -> bool:
    return response.strip().strip('"').lower().endswith(end_phrase.strip().lower())


def _quoted(response: str) -> bool:
    text = response.strip()
    return len(text) > 1 and text[0] == text[-1] == '"'


def _capitals_often(response: str, capital_frequency: int, capital_relation: str) -> bool:
    return _compared(_capital_words(response), capital_relation, capital_frequency)


def _in_capitals(response: str) -> bool:
    return response.isupper() and _in_language(response, "en")


def _in_lower_case(response: str) -> bool:
    return response.islower() and _in_language(response, "en")


def _without_commas(response: str) -> bool:
    return "," not in response


@dataclass(frozen=True, slots=True)
class Rule:
    """check: of a response and the arguments, whether it follows. arguments: what they must be."""

    check: Callable[..., bool]
    arguments: Mapping[str, _Kind]


def _rule(check: Callable[..., bool], **arguments: _Kind) -> Rule:
    return Rule(check, MappingProxyType(arguments))


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "keywords:existence": _rule(_has_keywords, keywords=_PATTERNS),
        "keywords:frequency": _rule(_keyword_often, keyword=_PATTERN, frequency=_COUNT, relation=_RELATION),
        "keywords:forbidden_words": _rule(_lacks_words, forbidden_words=_PATTERNS),
        "keywords:letter_frequency": _rule(_letter_often, letter=_LETTER, let_frequency=_COUNT, let_relation=_RELATION),
        "language:response_language": _rule(_in_language, language=_TEXT),
        "length_constraints:number_sentences": _rule(_sentences, num_sentences=_COUNT, relation=_RELATION),
        "length_constraints:number_paragraphs": _rule(_parts, num_paragraphs=_COUNT),
        "length_constraints:number_words": _rule(_words, num_words=_COUNT, relation=_RELATION),
        "length_constraints:nth_paragraph_first_word": _rule(
            _first_word, num_paragraphs=_COUNT, nth_paragraph=_PLACE, first_word=_TEXT
        ),
        "detectable_content:number_placeholders": _rule(_placeholders, num_placeholders=_COUNT),
        "detectable_content:postscript": _rule(_postscript, postscript_marker=_MARKER),
        "detectable_format:number_bullet_lists": _rule(_bullets, num_bullets=_COUNT),
        "detectable_format:constrained_response": _rule(_constrained),
        "detectable_format:number_highlighted_sections": _rule(_highlights, num_highlights=_COUNT),
        "detectable_format:multiple_sections": _rule(_sections, section_spliter=_PATTERN, num_sections=_COUNT),
        "detectable_format:json_format": _rule(_is_json),
        "detectable_format:title": _rule(_titled),
        "combination:two_responses": _rule(_two_responses),
        "combination:repeat_prompt": _rule(_repeats, prompt_to_repeat=_TEXT),
        "startend:end_checker": _rule(_ends, end_phrase=_TEXT),
        "startend:quotation": _rule(_quoted),
        "change_case:capital_word_frequency": _rule(
            _capitals_often, capital_frequency=_COUNT, capital_relation=_RELATION
        ),
        "change_case:english_capital": _rule(_in_capitals),
        "change_case:english_lowercase": _rule(_in_lower_case),
        "punctuation:no_comma": _rule(_without_commas),
    }
)


# --- languages and words -----------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _detectors() -> Any:
    """langdetect's languages, with a seed of our own: the one of other code in this process stays as it is."""
    from langdetect.detector_factory import PROFILES_DIRECTORY, DetectorFactory

    factory = DetectorFactory()
    factory.load_profile(PROFILES_DIRECTORY)
    factory.set_seed(SEED)
    return factory


@lru_cache(maxsize=64)
def _detected(text: str) -> str | None:
    """A language's code ("en", "zh-cn"), or None where nothing in the text says which."""
    from langdetect import LangDetectException

    detector = _detectors().create()
    detector.append(text)
    try:
        return str(detector.detect())
    except LangDetectException:
        return None


_SPACED = re.compile(r"[;@#$%&?!*\[\](){}<>\"“”„«»‘’`]|--|\.{2,}|[:,](?!\d)")
_CLITIC = re.compile(r"(?<=[^ '])(?:'(?:[SMD]|LL|RE|VE|[smd]|ll|re|ve)|N'T|n't)(?='*(?: |$|\.(?:\s|$)))")
_QUOTED = re.compile(r"'(?![MTSDNmtsdn])(?=\w\b)")
_JOINED = re.compile(r"\b(?:(CAN)(NOT)|(GIM)(ME)|(GON)(NA)|(GOT)(TA)|(LEM)(ME))\b|\b(WAN)(NA)(?=\.?(?:\s|$))")


def _capital_words(text: str) -> int:
    """How many tokens of `word_tokenize` of nltk 3.8 have letters and no small ones.

    Only what bears on that count is done: punctuation ends a token, hyphens, slashes and full stops within it do not;
    "IT'S", "DON'T" and "CANNOT" are two, but "DON'T" at the end of a line is one, as it is there.
    """
    text = _SPACED.sub(" ", text.strip())
    text = _QUOTED.sub("' ", text)
    text = _CLITIC.sub(lambda found: f" {found[0]}", text)
    text = _JOINED.sub(lambda found: " ".join(["", *filter(None, found.groups()), ""]), text)
    return sum(token.isupper() for token in text.split())
