"""Generated word problems with worked answers, in GSM8K's style of writing (``<<7+5=12>>`` and ``#### 12``).

A `Kind` is a calculation in one to three steps with several ways to tell it. Within a text, ``[a|b]`` stands for
one of its parts, ``{x}`` for a number or a word that was drawn.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass

from train_embedded.sheets import lines

Numbers = dict[str, int]


@dataclass(frozen=True)
class Kind:
    """A calculation: how its numbers are drawn, its texts, and its steps as (lead, formula, unit).

    A formula joins two of the drawn numbers, of the constants or of earlier results r1, r2 by + - * or /.
    """

    draw: Callable[[random.Random], Numbers]
    texts: tuple[str, ...]
    steps: tuple[tuple[str, str, str], ...]


def small(rng: random.Random, low: int = 2, high: int = 50) -> int:
    """A number within [low, high]; small ones come more often."""
    top = rng.choice((min(high, 12), min(high, 25), high))
    return rng.randint(low, max(low, top))


def _two(rng: random.Random) -> Numbers:
    return {"x": small(rng), "y": small(rng)}


def _three(rng: random.Random) -> Numbers:
    return {"x": small(rng), "y": small(rng, 2, 30), "z": small(rng, 2, 30)}


def _less(rng: random.Random) -> Numbers:
    y = small(rng, 2, 40)
    return {"y": y, "x": y + small(rng, 1, 40)}


def _less_twice(rng: random.Random) -> Numbers:
    y, z = small(rng, 2, 20), small(rng, 2, 20)
    return {"y": y, "z": z, "x": y + z + small(rng, 1, 30)}


def _gain_lose(rng: random.Random) -> Numbers:
    x, y = small(rng, 2, 40), small(rng, 2, 30)
    return {"x": x, "y": y, "z": small(rng, 1, min(30, x + y - 1))}


def _lose_gain(rng: random.Random) -> Numbers:
    return _less(rng) | {"z": small(rng, 2, 30)}


def _times(rng: random.Random) -> Numbers:
    x = rng.randint(2, 10)
    return {"x": x, "y": rng.randint(2, 12 if x < 7 else 9)}


def _times_plus(rng: random.Random) -> Numbers:
    return _times(rng) | {"z": small(rng, 2, 20)}


def _times_minus(rng: random.Random) -> Numbers:
    numbers = _times(rng)
    return numbers | {"z": small(rng, 1, min(25, numbers["x"] * numbers["y"] - 1))}


def _times_change(rng: random.Random) -> Numbers:
    numbers = _times(rng)
    cost = numbers["x"] * numbers["y"]
    return numbers | {"z": rng.choice([b for b in (10, 20, 30, 40, 50, 60, 80, 100, 120) if b > cost])}


def _shares(rng: random.Random) -> Numbers:
    y, each = rng.randint(2, 10), rng.randint(2, 10)
    return {"x": y * each, "y": y}


def _shares_plus(rng: random.Random) -> Numbers:
    y, each = rng.randint(2, 8), rng.randint(2, 10)
    x = rng.randint(1, y * each - 1)
    return {"x": x, "z": y * each - x, "y": y}


def _half(rng: random.Random) -> Numbers:
    return {"x": 2 * rng.randint(2, 24), "c": 2}


def _double(rng: random.Random) -> Numbers:
    return {"x": small(rng, 2, 30), "c": 2}


def _triple(rng: random.Random) -> Numbers:
    return {"x": small(rng, 2, 15), "c": 3}


def _two_products(rng: random.Random) -> Numbers:
    return {name: rng.randint(2, 9) for name in "xyzw"}


def _grows_by(rng: random.Random) -> Numbers:
    return {"x": small(rng, 3, 40), "y": small(rng, 2, 20)}


DRAWS: dict[str, Callable[[random.Random], Numbers]] = {
    "two": _two,
    "less": _less,
    "three": _three,
    "gain_lose": _gain_lose,
    "lose_gain": _lose_gain,
    "less_twice": _less_twice,
    "times": _times,
    "times_plus": _times_plus,
    "times_minus": _times_minus,
    "times_change": _times_change,
    "two_products": _two_products,
    "shares": _shares,
    "shares_plus": _shares_plus,
    "half": _half,
    "double": _double,
    "triple": _triple,
    "grows_by": _grows_by,
}


def _read_words() -> dict[str, list[str]]:
    pairs = (line.split(": ", 1) for line in lines("words.txt"))
    return {name: text.split("; " if ";" in text else None) for name, text in pairs}


def _read_kinds() -> tuple[Kind, ...]:
    fragments: dict[str, str] = {}
    blocks: list[tuple[str, list[str], list[tuple[str, str, str]]]] = []
    for line in lines("problems.txt"):
        key, text = line.split(": ", 1)
        if key.startswith("<"):
            fragments[key] = text
            # The same told of another number: a second gain or loss.
            fragments[f"{key[:-1]}_Z>"] = text.replace("{y}", "{z}")
            continue
        for name, fragment in fragments.items():
            text = text.replace(name, fragment)
        if key == "numbers":
            blocks.append((text, [], []))
        elif key == "text":
            blocks[-1][1].append(text)
        else:
            lead, formula, unit = (part.strip() for part in text.split("::"))
            blocks[-1][2].append((lead, formula, unit))
    return tuple(Kind(DRAWS[draw], tuple(texts), tuple(steps)) for draw, texts, steps in blocks)


WORDS = _read_words()
KINDS = _read_kinds()
_CHOICE = re.compile(r"\[([^\[\]]*)\]")


def word_problem(rng: random.Random) -> tuple[str, str]:
    """A question and its reference answer; the answer's last line is ``#### `` and the number."""
    kind = rng.choice(KINDS)
    numbers = kind.draw(rng)
    words = _words(rng) | {name: str(value) for name, value in numbers.items()}
    question = fill(rng.choice(kind.texts), words, rng)
    if rng.random() < 0.15:
        question = f"{fill(rng.choice(OPENINGS), words, rng)} {question}"
    if rng.random() < 0.25:
        question = _spelled(question, numbers)
    results = dict(numbers)
    written: list[str] = []
    value = 0
    for index, (lead, formula, unit) in enumerate(kind.steps, 1):
        value = _value(formula, results)
        results[f"r{index}"] = value
        written.append(_line(fill(lead, words, rng), formula, fill(unit, words, rng), results, value))
    return question, "\n".join([*written, f"#### {value}"])


OPENINGS = (
    "It is {day}.",
    "{A} likes {things}.",
    "{A} and {B} are friends.",
    "{A} is {place}.",
    "{A} is a good {person}.",
    "[Today|Yesterday] {A} met {B} {place}.",
    "{A} has a {person} called {B}.",
)
NUMBER_WORDS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
)  # fmt: skip


def fill(text: str, words: dict[str, str], rng: random.Random) -> str:
    """Decide every ``[a|b]``, from the inside out, and put the words in."""
    while "[" in text:
        text = _CHOICE.sub(lambda match: rng.choice(match[1].split("|")), text)
    return re.sub(r" +", " ", text.format(**words)).replace(" ?", "?").replace(" .", ".").strip()


def _words(rng: random.Random) -> dict[str, str]:
    """A draw of all words that a text may ask for."""
    girl = rng.random() < 0.5
    first = rng.choice(WORDS["GIRLS"] if girl else WORDS["BOYS"])
    others = rng.sample([name for name in WORDS["GIRLS"] + WORDS["BOYS"] if name != first], 2)
    he, his, him = ("she", "her", "her") if girl else ("he", "his", "him")
    things = rng.sample(WORDS["THINGS"], 2)
    items = [entry.split(":") for entry in rng.sample(WORDS["PRICED"], 2)]
    makes, made = rng.choice(WORDS["MAKES"]).split(":")
    days, colors = rng.sample(WORDS["DAYS"], 3), rng.sample(WORDS["COLORS"], 2)
    return {
        "A": first, "B": others[0], "C": others[1], "he": he, "He": he.title(), "his": his, "His": his.title(),
        "him": him, "things": things[0], "things2": things[1], "holders": rng.choice(WORDS["HOLDERS"]),
        "box": rng.choice(("box", "bag", "room", "basket", "garden", "house", "shop")),
        "place": rng.choice(WORDS["PLACES"]), "person": rng.choice(WORDS["PEOPLE"]),
        "group": rng.choice(WORDS["GROUPS"]),
        "day": days[0], "day2": days[1], "day3": days[2], "color": colors[0], "color2": colors[1],
        "item": items[0][0], "items": items[0][1], "item2": items[1][0], "items2": items[1][1],
        "makes": makes, "make": {"washes": "wash", "fixes": "fix"}.get(makes, makes.removesuffix("s")), "made": made,
    }  # fmt: skip


def _spelled(question: str, numbers: Numbers) -> str:
    """Write one of the small numbers as a word."""
    for value in numbers.values():
        if value < len(NUMBER_WORDS):
            return re.sub(rf"(?<![$\d]){value}(?!\d)", NUMBER_WORDS[value], question, count=1)
    return question


def _value(formula: str, results: Numbers) -> int:
    left, operator, right = re.fullmatch(r"(\w+)([-+*/])(\w+)", formula).groups()  # type: ignore[union-attr]
    first, second = results[left], results[right]
    return {"+": first + second, "-": first - second, "*": first * second, "/": first // max(second, 1)}[operator]


def _line(lead: str, formula: str, unit: str, results: Numbers, value: int) -> str:
    """``Tom has 7 + 5 = <<7+5=12>>12 apples.``"""
    left, operator, right = re.fullmatch(r"(\w+)([-+*/])(\w+)", formula).groups()  # type: ignore[union-attr]
    bare = f"{results[left]}{operator}{results[right]}"
    spaced = f"{results[left]} {operator} {results[right]}"
    dollar, noun = ("$", "") if unit == "$" else ("", f" {unit}" if unit else "")
    return f"{lead} {spaced} = {dollar}<<{bare}={value}>>{value}{noun}."
