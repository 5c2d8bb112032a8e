"""IFEval's 25 instruction types (Zhou et al. 2023): whether a response follows one, strictly or loosely.

The rules are those of google-research's instruction_following_eval. Two of its parts are models of NLTK that are loaded
from the net: the sentence splitter (`number_sentences`) and the word tokenizer (`capital_word_frequency`). Here they
are rules, which may count otherwise at rare abbreviations. Languages are told by langdetect, from a seed.
No package of the official code is kept up: those that copy it download NLTK's models while they run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Rule = Callable[..., bool]


def follows(response: str, kinds: Sequence[str], arguments: Sequence[Mapping[str, Any]]) -> list[bool]:
    """Whether the response follows each instruction to the letter. An empty response follows none.

    `kinds` are ids such as "keywords:existence", `arguments` the keyword arguments of each; those that are None are
    left out. Raises ValueError for an instruction that is not known, and TypeError for arguments that it does not take.
    """
    made = [_rule(kind, own) for kind, own in zip(kinds, arguments, strict=True)]
    return [bool(response.strip()) and rule(response) for rule in made]


def follows_loosely(response: str, kinds: Sequence[str], arguments: Sequence[Mapping[str, Any]]) -> list[bool]:
    """As `follows`, where any of eight forms does: less the first line, the last, both; each without asterisks."""
    lines = response.split("\n")
    forms = [response, *("\n".join(part).strip() for part in (lines[1:], lines[:-1], lines[1:-1]))]
    forms += [form.replace("*", "") for form in forms]
    return [any(found) for found in zip(*(follows(form, kinds, arguments) for form in forms), strict=True)]


def _rule(kind: str, arguments: Mapping[str, Any]) -> Callable[[str], bool]:
    if kind not in RULES:
        raise ValueError(f"{kind!r} is none of the {len(RULES)} instruction types")
    own = {name: value for name, value in arguments.items() if value is not None}
    return lambda response: RULES[kind](response, **own)


def _compared(count: int, relation: str, threshold: int) -> bool:
    if relation not in ("less than", "at least"):
        raise ValueError(f"a relation is 'less than' or 'at least', not {relation!r}")
    return count < threshold if relation == "less than" else count >= threshold


def _existence(text: str, keywords: Sequence[str]) -> bool:
    return all(re.search(keyword, text, re.IGNORECASE) for keyword in keywords)


def _frequency(text: str, keyword: str, frequency: int, relation: str) -> bool:
    return _compared(len(re.findall(keyword.strip(), text, re.IGNORECASE)), relation, frequency)


def _forbidden_words(text: str, forbidden_words: Sequence[str]) -> bool:
    return not any(re.search(rf"\b{word}\b", text, re.IGNORECASE) for word in forbidden_words)


def _letter_frequency(text: str, letter: str, let_frequency: int, let_relation: str) -> bool:
    return _compared(text.lower().count(letter.strip().lower()), let_relation, let_frequency)


def _language(text: str, language: str) -> bool:
    """Whether langdetect finds this language; a text of which it finds none counts as followed, as there."""
    from langdetect import DetectorFactory, LangDetectException, detect

    DetectorFactory.seed = 0
    try:
        return bool(detect(text) == language)
    except LangDetectException:
        return True


_ABBREVIATION = re.compile(
    r"(?:\b(?:mr|mrs|ms|dr|prof|st|vs|etc|e\.g|i\.e|jr|sr|inc|ltd|co|no|fig|approx)|(?<![A-Za-z])[A-Z])\.$",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"[.!?]+[\"'”’)\]*]*(?=\s+(?![a-z])|\s*$)")


def _sentences(text: str) -> int:
    """How many sentences: an end mark before white space and no small letter, no abbreviation's; and what follows."""
    start = count = 0
    for end in _SENTENCE_END.finditer(text):
        if end.end() < len(text.rstrip()) and _ABBREVIATION.search(text, max(start, end.start() - 8), end.start() + 1):
            continue
        count, start = count + 1, end.end()
    return count + bool(text[start:].strip())


def _number_sentences(text: str, num_sentences: int, relation: str) -> bool:
    return _compared(_sentences(text), relation, num_sentences)


def _number_paragraphs(text: str, num_paragraphs: int) -> bool:
    parts = re.split(r"\s?\*\*\*\s?", text)
    if any(not part.strip() for part in parts[1:-1]):
        return False
    ends = parts[:1] + (parts[-1:] if len(parts) > 1 else [])
    return len(parts) - sum(not part.strip() for part in ends) == num_paragraphs


def _number_words(text: str, num_words: int, relation: str) -> bool:
    return _compared(len(re.findall(r"\w+", text)), relation, num_words)


def _nth_paragraph(text: str, num_paragraphs: int, nth_paragraph: int, first_word: str) -> bool:
    parts = text.split("\n\n")
    count = sum(bool(part.strip()) for part in parts)
    if nth_paragraph > count or not parts[nth_paragraph - 1].strip():
        return False
    word = parts[nth_paragraph - 1].split()[0].lstrip("'").lstrip('"')
    return count == num_paragraphs and re.split(r"[.,?!'\"]", word)[0].lower() == first_word.lower()


def _placeholders(text: str, num_placeholders: int) -> bool:
    return len(re.findall(r"\[.*?\]", text)) >= num_placeholders


_POSTSCRIPTS = {"P.P.S": r"p\.\s?p\.\s?s", "P.S.": r"p\.\s?s\."}


def _postscript(text: str, postscript_marker: str) -> bool:
    marker = postscript_marker.strip()
    return re.search(_POSTSCRIPTS.get(marker, marker.lower()), text.lower()) is not None


def _bullets(text: str, num_bullets: int) -> bool:
    stars, dashes = (re.findall(mark, text, re.MULTILINE) for mark in (r"^\s*\*[^*].*$", r"^\s*-.*$"))
    return len(stars) + len(dashes) == num_bullets


def _constrained(text: str) -> bool:
    return any(f"My answer is {word}." in text for word in ("yes", "no", "maybe"))


def _highlights(text: str, num_highlights: int) -> bool:
    single = [one.strip("*") for one in re.findall(r"\*[^\n*]*\*", text)]
    double = [one[2:-2] for one in re.findall(r"\*\*[^\n*]*\*\*", text)]
    return sum(bool(one.strip()) for one in single + double) >= num_highlights


def _sections(text: str, section_spliter: str, num_sections: int) -> bool:
    return len(re.split(rf"\s?{section_spliter.strip()}\s?\d+\s?", text)) - 1 >= num_sections


def _json(text: str) -> bool:
    text = text.strip()
    for opening in ("```json", "```Json", "```JSON", "```"):
        text = text.removeprefix(opening)
    try:
        json.loads(text.removesuffix("```").strip())
    except (ValueError, RecursionError):
        return False
    return True


def _title(text: str) -> bool:
    return any(one.lstrip("<").rstrip(">").strip() for one in re.findall(r"<<[^\n]+>>", text))


def _two_responses(text: str) -> bool:
    parts = text.split("******")
    said = [part.strip() for part in parts if part.strip()]
    return all(part.strip() for part in parts[1:-1]) and len(said) == 2 and said[0] != said[1]


def _repeat_prompt(text: str, prompt_to_repeat: str) -> bool:
    return text.strip().lower().startswith(prompt_to_repeat.strip().lower())


def _end(text: str, end_phrase: str) -> bool:
    return text.strip().strip('"').lower().endswith(end_phrase.strip().lower())


def _capital_words(text: str, capital_frequency: int, capital_relation: str) -> bool:
    parts = re.sub(r"(?i)(n't|'(?:s|m|d|ll|re|ve))\b", r" \1", text)
    words = re.split(r"[\s,;@#$%&?!()\[\]{}<>\"…]+|--+|\.+(?=\s|$)", parts)
    return _compared(sum(word.isupper() for word in words), capital_relation, capital_frequency)


def _quotation(text: str) -> bool:
    text = text.strip()
    return len(text) > 1 and text[0] == text[-1] == '"'


RULES: Mapping[str, Rule] = {
    "keywords:existence": _existence,
    "keywords:frequency": _frequency,
    "keywords:forbidden_words": _forbidden_words,
    "keywords:letter_frequency": _letter_frequency,
    "language:response_language": _language,
    "length_constraints:number_sentences": _number_sentences,
    "length_constraints:number_paragraphs": _number_paragraphs,
    "length_constraints:number_words": _number_words,
    "length_constraints:nth_paragraph_first_word": _nth_paragraph,
    "detectable_content:number_placeholders": _placeholders,
    "detectable_content:postscript": _postscript,
    "detectable_format:number_bullet_lists": _bullets,
    "detectable_format:constrained_response": _constrained,
    "detectable_format:number_highlighted_sections": _highlights,
    "detectable_format:multiple_sections": _sections,
    "detectable_format:json_format": _json,
    "detectable_format:title": _title,
    "combination:two_responses": _two_responses,
    "combination:repeat_prompt": _repeat_prompt,
    "startend:end_checker": _end,
    "startend:quotation": _quotation,
    "change_case:capital_word_frequency": _capital_words,
    "change_case:english_capital": lambda text: text.isupper() and _language(text, "en"),
    "change_case:english_lowercase": lambda text: text.islower() and _language(text, "en"),
    "punctuation:no_comma": lambda text: "," not in text,
}
