"""Comparing the words of an answer with gold answers, as the authors' scorers of reading and closed-book questions do.

Each function follows one official scorer and takes the best over the gold answers. Nothing extracted (None) scores 0.

| benchmark | scorer | functions |
|---|---|---|
| SQuAD 2.0 | evaluate-v2.0.py (Rajpurkar et al. 2018) | `exact`, `token_f1` |
| TyDiQA GoldP | evaluate-v1.1.py of SQuAD (Rajpurkar et al. 2016), for each language | `exact`, `token_f1` |
| ReCoRD | record_evaluation.py (Zhang et al. 2018), also in SuperGLUE | `exact`, `token_f1` over all mentions |
| NQ-open | eval_utils.py of ORQA (Lee et al. 2019) | `open_exact`, `open_f1` |
| TriviaQA | triviaqa_evaluation.py (Joshi et al. 2017) | `trivia_exact`, `trivia_f1` |
| QuAC | scorer.py (Choi et al. 2018) | `quac_f1`, `quac_human_f1` |
| DRCD, CMRC 2018 | cmrc2018_evaluate.py, v5 (Cui et al. 2019) | `character_exact`, `character_f1` |
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

CANNOT_ANSWER = "CANNOTANSWER"
"""What QuAC's references and systems say of a question that has no answer."""

QUAC_LEAST_HUMAN_F1 = 0.4
"""QuAC's scorer leaves out questions whose references agree less than this (`quac_human_f1`), but for "unfiltered"."""

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_NO_PUNCTUATION = dict.fromkeys(map(ord, string.punctuation))
_TRIVIA_PUNCTUATION = dict.fromkeys(map(ord, string.punctuation + "‘’´`"), " ")
# Scripts written without spaces: Han with its marks, kana, Thai, Lao, Burmese, Khmer, and Han beyond the basic plane.
_UNSPACED = re.compile("([\u3005-\u3007\u3041-\u30ff\u31f0-\u31ff\u3400-\u9fff\uf900-\ufaff\u0e00-\u0eff\u1000-\u109f"
                       "\u1780-\u17ff\U00020000-\U0003ffff])")  # fmt: skip
_BY_CHARACTER = frozenset({"zh", "yue", "ja", "th", "lo", "my", "km"})


def normalized(text: str, language: str = "en") -> str:
    """The text in small letters without punctuation, articles and surplus white space, as SQuAD's scorers compare it.

    Punctuation is ASCII's, as there. Articles (a, an, the) are dropped for English only: evaluate-v1.1.py, which TyDiQA
    names for all its languages, drops them in each, as `language="en"` does. Languages written without spaces (zh, ja,
    th, ...) lose all of Unicode's punctuation and are spaced between characters, in the manner of MLQA's scorer
    (Lewis et al. 2020); no scorer of the benchmarks above does that.
    """
    language = language.lower().replace("_", "-").partition("-")[0]
    text = text.lower().translate(_NO_PUNCTUATION)
    if language == "en":
        text = _ARTICLES.sub(" ", text)
    elif language in _BY_CHARACTER:
        text = "".join(one for one in text if one.isascii() or not unicodedata.category(one).startswith("P"))
        text = _UNSPACED.sub(r" \1 ", text)
    return " ".join(text.split())


def exact(answer: str | None, golds: Sequence[str], language: str = "en") -> bool:
    """Whether the normalized answer is one of the normalized gold answers (SQuAD, TyDiQA GoldP, ReCoRD).

    As evaluate-v2.0.py has it: gold answers of which normalization leaves nothing do not count, and where none is left
    the question has no answer, and only an empty one ("") is right.
    """
    return answer is not None and normalized(answer, language) in _answerable(golds, language)


def token_f1(answer: str | None, golds: Sequence[str], language: str = "en") -> float:
    """F1 of the normalized words of answer and gold answer, as bags; the best over the gold answers.

    Empty gold answers as in `exact`. SQuAD, TyDiQA GoldP, ReCoRD.
    """
    if answer is None:
        return 0.0
    words = normalized(answer, language).split()
    return max(_f1(words, gold.split(), both_empty=1.0) for gold in _answerable(golds, language))


def _answerable(golds: Sequence[str], language: str) -> list[str]:
    return list(filter(None, (normalized(gold, language) for gold in golds))) or [""]


def _f1(answer: Sequence[str], gold: Sequence[str], both_empty: float = 0.0) -> float:
    """F1 of two bags of words: 2PR / (P + R). Computed in this order, since QuAC compares two of them by >=."""
    if not answer and not gold:
        return both_empty
    common = sum((Counter(answer) & Counter(gold)).values())
    return _harmonic(common, len(answer), len(gold))


def _harmonic(common: int, answer: int, gold: int) -> float:
    if not common:
        return 0.0
    precision, recall = common / answer, common / gold
    return (2 * precision * recall) / (precision + recall)


def open_exact(answer: str | None, golds: Sequence[str]) -> bool:
    """Exact match on NQ-open: SQuAD's normalization after Unicode's NFD, so that both ways of writing é are equal.

    An empty answer equals a gold one of which normalization leaves nothing, as in ORQA's eval_utils.py.
    """
    return answer is not None and any(_open(answer) == _open(gold) for gold in golds)


def open_f1(answer: str | None, golds: Sequence[str]) -> float:
    """F1 of words after the normalization of `open_exact`; NQ-open itself defines exact match only."""
    return 0.0 if answer is None else _best(_open(answer), map(_open, golds), both_empty=1.0)


def _open(text: str) -> str:
    return normalized(unicodedata.normalize("NFD", text))


def _best(answer: str, golds: Iterable[str], both_empty: float = 0.0) -> float:
    words = answer.split()
    return max((_f1(words, gold.split(), both_empty) for gold in golds), default=0.0)


def trivia_normalized(text: str) -> str:
    """Small letters; underscores, ASCII punctuation, ‘’´` become spaces (SQuAD drops them); then no articles."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_TRIVIA_PUNCTUATION)).split())


def trivia_exact(answer: str | None, golds: Sequence[str]) -> bool:
    """Exact match on TriviaQA; `golds` are the normalized aliases as published, and the human answers where given."""
    return answer is not None and trivia_normalized(answer) in {trivia_normalized(gold) for gold in golds}


def trivia_f1(answer: str | None, golds: Sequence[str]) -> float:
    """F1 of words on TriviaQA, the best over the aliases; 0 for one of which
    normalization leaves nothing ("The The"), even against itself."""
    return 0.0 if answer is None else _best(trivia_normalized(answer), map(trivia_normalized, golds))


def quac_references(references: Sequence[str]) -> list[str]:
    """The references that count: `CANNOTANSWER` alone where at least half of them say so, else the spans."""
    spans = [one for one in references if one != CANNOT_ANSWER]
    return spans if len(spans) * 2 > len(references) else [CANNOT_ANSWER]


def quac_f1(answer: str | None, references: Sequence[str]) -> float:
    """F1 of an answer in QuAC, comparable with people's.

    A person is compared with one reference fewer than there are; so of several references each is left out in turn,
    and the best F1 over the others is averaged. `CANNOTANSWER` is right or wrong as a whole.
    """
    golds = quac_references(references)
    scores = [0.0 if answer is None else _quac(answer, gold) for gold in golds]
    if len(scores) == 1:
        return scores[0]
    return _best_of_others([scores] * len(scores))


def quac_human_f1(references: Sequence[str]) -> float:
    """F1 of people in QuAC: each reference against the best of the others, averaged; 1 where there is but one.

    Questions below `QUAC_LEAST_HUMAN_F1` are left out of F1 and HEQ. HEQ-Q is the share of questions whose `quac_f1`
    is at least this, HEQ-D the share of dialogs all of whose questions that count are so (`question_em` with
    the dialog's number, and 1 for a question that is left out).
    """
    golds = quac_references(references)
    if len(golds) == 1:
        return 1.0
    words = [normalized(gold).split() for gold in golds]
    return _best_of_others([[_f1(one, other) for other in words] for one in words])


def _best_of_others(scores: Sequence[Sequence[float]]) -> float:
    """Mean over i of the best score in row i, its i-th left out."""
    found = [max(score for j, score in enumerate(row) if j != i) for i, row in enumerate(scores)]
    return sum(found) / len(found)


def _quac(answer: str, gold: str) -> float:
    if gold == CANNOT_ANSWER:
        return float(answer == CANNOT_ANSWER)
    return _f1(normalized(answer).split(), normalized(gold).split())


# cmrc2018_evaluate.py also lists "……", but as one character, which it never is: it stays.
_CMRC_PUNCTUATION = dict.fromkeys(map(ord, "-:_*^/\\~`+=，。：？！“”；’《》·、「」（）－～『』"))
_CMRC_HAN = "\u4e00-\u9fa5"
_CMRC_APART = r";@#$%&?!\[\]{}()<>\"“”‘’«»–—"
_CMRC_SEGMENT = re.compile(
    rf"[{_CMRC_HAN}]|\.\.+"
    # Text between Chinese characters goes through NLTK's word tokenizer there. In short: contractions are two words;
    # brackets, quotes, signs, commas before no digit and a final full stop are apart; the rest holds together.
    r"|n't\b|'(?:s|m|d|ll|re|ve)\b"
    rf"|(?:(?!n't\b)(?:[^\s.,'{_CMRC_APART}{_CMRC_HAN}]|,(?=\d)|(?<=\w)'(?=\w)(?!(?:s|m|d|ll|re|ve)\b)"
    rf"|\.(?![\])}}>\"'»”’\s]*(?:$|[{_CMRC_HAN}])|\.)))+"
    r"|\S"
)


def character_exact(answer: str | None, golds: Sequence[str]) -> bool:
    """Exact match on CMRC 2018 and DRCD: small letters, some 30 marks dropped, white space inside kept."""
    return answer is not None and any(_cmrc_plain(answer) == _cmrc_plain(gold) for gold in golds)


def character_f1(answer: str | None, golds: Sequence[str]) -> float:
    """F1 on CMRC 2018 and DRCD: of the longest stretch of characters that answer and gold answer share.

    Chinese characters are one segment each, other text is split into words; precision and recall are the shared
    stretch's share of the segments of each side. The best over the gold answers.
    """
    if answer is None:
        return 0.0
    segments = _CMRC_SEGMENT.findall(_cmrc_plain(answer))
    return max((_shared_f1(segments, _CMRC_SEGMENT.findall(_cmrc_plain(gold))) for gold in golds), default=0.0)


def _cmrc_plain(text: str) -> str:
    return text.lower().strip().translate(_CMRC_PUNCTUATION)


def _shared_f1(answer: Sequence[str], gold: Sequence[str]) -> float:
    return _harmonic(_longest_shared(answer, gold), len(answer), len(gold))


def _longest_shared(left: Sequence[str], right: Sequence[str]) -> int:
    """Length of the longest run of segments in both, in time linear in both: the shorter one's suffix automaton."""
    short, long = sorted((left, right), key=len)
    steps: list[dict[str, int]] = [{}]
    links, lengths, last = [-1], [0], 0
    for segment in short:
        last = _extend(steps, links, lengths, last, segment)
    state = best = length = 0
    for segment in long:
        while state and segment not in steps[state]:
            state = links[state]
            length = lengths[state]
        if segment in steps[state]:
            state, length = steps[state][segment], length + 1
            best = max(best, length)
    return best


def _extend(steps: list[dict[str, int]], links: list[int], lengths: list[int], last: int, segment: str) -> int:
    """Add a segment to the automaton (Blumer et al. 1985); the state of the whole."""
    new = _state(steps, links, lengths, {}, lengths[last] + 1)
    state = last
    while state >= 0 and segment not in steps[state]:
        steps[state][segment] = new
        state = links[state]
    if state < 0:
        links[new] = 0
        return new
    after = steps[state][segment]
    if lengths[after] != lengths[state] + 1:
        copy = _state(steps, links, lengths, dict(steps[after]), lengths[state] + 1)
        links[copy] = links[after]
        links[after] = copy
        while state >= 0 and steps[state].get(segment) == after:
            steps[state][segment] = copy
            state = links[state]
        after = copy
    links[new] = after
    return new


def _state(
    steps: list[dict[str, int]], links: list[int], lengths: list[int], after: dict[str, int], length: int
) -> int:
    steps.append(after)
    links.append(0)
    lengths.append(length)
    return len(steps) - 1
