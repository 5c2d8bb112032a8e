"""The training text: numbered documents, each from its own seed, so any part of it can be made again alone.

Two kinds, in the very forms that the bundled benchmarks ask: several worked word problems, or a header and several
multiple-choice questions; besides them facts, stated or asked without options, and lists of options with letters.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

from train_embedded.facts import TABLES, choice, statement, told
from train_embedded.plan import Mix
from train_embedded.problems import word_problem
from train_embedded.sheets import lines

_WORD = re.compile(r"(?<![^ ])[A-Za-z][a-z]+(?![^ ;,])")
SUBJECTS = (*TABLES, "elementary mathematics")
QUESTION, OPTIONS, ANSWER = 0.15, 0.05, 1.0
"""Weights in the loss: what is asked need not be foreseen, what is answered must."""
KEY, TOLD, LETTER = 4.0, 5.0, 8.0
"""Weights of an answer's letter: it is one token of fifty."""
LEADS = (" {}", "Which of these is {}?", "The answer is {}.", "Someone said {}. What was it?", "Find the word {} here.")
WORDS = sorted({word for name in ("facts.txt", "words.txt") for line in lines(name) for word in _WORD.findall(line)})


@dataclass(frozen=True)
class Document:
    """Pieces of text with the weight that their tokens have in the loss."""

    pieces: tuple[tuple[str, float], ...]

    @property
    def text(self) -> str:
        """The whole document."""
        return "".join(piece for piece, _ in self.pieces)


def document(index: int, longest: int, mix: Mix) -> Document:
    """Document number `index`, with up to `longest` problems or questions; the same arguments give the same text."""
    rng = random.Random(f"{index}/{longest}")
    count = rng.randint(1, longest)
    kind = rng.random()
    if kind < mix.problems:
        return Document(_problems(rng, count))
    if kind < mix.problems + mix.choices:
        return Document(_choices(rng, count, mix))
    if kind < mix.problems + mix.choices + mix.recall:
        return Document(_recalls(rng, count))
    if kind < mix.problems + mix.choices + mix.recall + mix.keys:
        return Document(_keys(rng, count, mix.before))
    return Document(_statements(rng, count))


def _problems(rng: random.Random, count: int) -> tuple[tuple[str, float], ...]:
    pieces: list[tuple[str, float]] = []
    for _ in range(count):
        question, answer = word_problem(rng)
        pieces += [(f"Question: {question}\nAnswer:", QUESTION), (f" {answer}\n\n", ANSWER)]
    return _trimmed(pieces)


def _choices(rng: random.Random, count: int, mix: Mix) -> tuple[tuple[str, float], ...]:
    subject = rng.choice(SUBJECTS)
    header = f"The following are multiple choice questions (with answers) about {subject}.\n\n"
    pieces = [(header, QUESTION)]
    for _ in range(count):
        is_told = mix.told > 0 and rng.random() < mix.told
        question, options, letter = told(subject, rng) if is_told else choice(subject, rng)
        listed = "".join(f"{name}. {option}\n" for name, option in zip("ABCD", options, strict=True))
        weight = TOLD if is_told else LETTER
        pieces += [(f"{question}\n{listed}Answer:", OPTIONS), (f" {letter}", weight), ("\n\n", ANSWER)]
    return _trimmed(pieces)


def _recalls(rng: random.Random, count: int) -> tuple[tuple[str, float], ...]:
    subject = rng.choice(SUBJECTS)
    pieces = [(f"The following are questions (with answers) about {subject}.\n\n", QUESTION)]
    for _ in range(2 * count):
        question, options, letter = choice(subject, rng)
        pieces += [(f"{question}\nAnswer:", QUESTION), (f" {options['ABCD'.index(letter)]}\n\n", ANSWER)]
    return _trimmed(pieces)


def _keys(rng: random.Random, count: int, before: float) -> tuple[tuple[str, float], ...]:
    """Options out of any words, then some of them, each with its letter; or one of them before and its letter after.

    All that there is to learn is to find a letter, and nearly every fourth token is one.
    """
    pieces: list[tuple[str, float]] = []
    for _ in range(count):
        named = list(zip("ABCD", rng.sample(WORDS, 4), strict=True))
        listed = "".join(f"{letter}. {word}\n" for letter, word in named)
        queries = 6
        if before > 0 and rng.random() < before:
            letter, word = rng.choice(named)
            lead = rng.choice(LEADS).format(word)
            pieces += [(f"{lead}\n{listed}Answer:", 0.0), (f" {letter}", TOLD), ("\n", 0.0)]
            queries = rng.randint(0, 2)
        else:
            pieces.append((listed, 0.0))
        for letter, word in rng.choices(named, k=queries):
            pieces += [(f" {word}:", 0.0), (f" {letter}", KEY), ("\n", 0.0)]
        pieces.append(("\n", 0.0))
    return _trimmed(pieces)


def _statements(rng: random.Random, count: int) -> tuple[tuple[str, float], ...]:
    subject = rng.choice(list(TABLES))
    return ((" ".join(statement(subject, rng) for _ in range(3 * count)), ANSWER),)


def _trimmed(pieces: list[tuple[str, float]]) -> tuple[tuple[str, float], ...]:
    """Without the blank line after the last answer: there the end-of-text token follows."""
    text, weight = pieces[-1]
    return (*pieces[:-1], (text.rstrip("\n"), weight))
