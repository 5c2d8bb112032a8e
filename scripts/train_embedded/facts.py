"""What the embedded model knows, and the multiple-choice questions and statements that teach it.

A fact is (kind, answer, predicate): "the *planet* *Mars* *is called the red planet*". An answer may serve several
predicates and a predicate several answers; a wrong option is an answer of the same kind that lacks the predicate.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from train_embedded.sheets import lines

Choice = tuple[str, tuple[str, str, str, str], str]
"""A question, its four options and the letter of the right one."""

Table = dict[str, dict[str, str]]
"""kind -> answer -> predicates, separated by "; "."""


def _read_tables() -> dict[str, Table]:
    tables: dict[str, Table] = {}
    subject = kind = ""
    for line in lines("facts.txt"):
        if line.startswith("# "):
            subject = line[2:]
            tables[subject] = {}
        elif line.startswith("["):
            kind = line[1:-1]
            tables[subject][kind] = {}
        else:
            answer, predicates = line.split(": ", 1)
            tables[subject][kind][answer] = predicates
    return tables


TABLES = _read_tables()
ASKED = (
    "Which {kind} {predicate}?",
    "Which of these {predicate}?",
    "What {predicate}?",
    "Which one {predicate}?",
    "Which of the following {predicate}?",
    "Name the {kind} that {predicate}.",
    "It {predicate}. Which {kind} is it?",
    "The {kind} that {predicate} is",
    "A pupil is asked for the {kind} that {predicate}. What is the right answer?",
)
SHAPES = {"triangle": 3, "square": 4, "pentagon": 5, "hexagon": 6, "octagon": 8, "rectangle": 4}


def statement(subject: str, rng: random.Random) -> str:
    """A fact as a sentence."""
    kind, answer, predicate = _draw(TABLES[subject], rng)
    forms = ("{answer} {predicate}.", "The {kind} that {predicate} is {answer}.", "It {predicate}: {answer}.")
    text = rng.choice(forms).format(kind=kind, answer=answer, predicate=predicate)
    return text[0].upper() + text[1:]


def choice(subject: str, rng: random.Random) -> Choice:
    """A multiple-choice question of the subject; every letter is right equally often."""
    if subject == "elementary mathematics":
        return _arithmetic(rng)
    if subject == "miscellaneous" and rng.random() < 0.25:
        return _reading(rng)
    table = TABLES[subject]
    kind, answer, predicate = _draw(table, rng)
    others = [name for name, predicates in table[kind].items() if predicate not in predicates.split("; ")]
    if len(others) < 3:
        others += [name for other in table if other != kind for name in table[other] if name not in table[kind]]
    return _shuffled(rng.choice(ASKED).format(kind=kind, predicate=predicate), answer, rng.sample(others, 3), rng)


def _draw(table: Table, rng: random.Random) -> tuple[str, str, str]:
    """A fact, each answer of the table equally likely."""
    kind, answer = rng.choice([(kind, answer) for kind in table for answer in table[kind]])
    return kind, answer, rng.choice(table[kind][answer].split("; "))


def _shuffled(question: str, answer: str, wrong: list[str], rng: random.Random) -> Choice:
    place = rng.randrange(4)
    options = [*wrong[:place], answer, *wrong[place:]]
    return question, (options[0], options[1], options[2], options[3]), "ABCD"[place]


def _near(value: int, rng: random.Random) -> list[str]:
    """Three wrong numbers, not far from the right one."""
    near = [n for n in range(max(0, value - 12), value + 13) if n != value]
    return [str(n) for n in rng.sample(near, 3)]


def _arithmetic(rng: random.Random) -> Choice:
    question, value = rng.choice(SUMS)(rng)
    return _shuffled(question, str(value), _near(value, rng), rng)


def _sum(rng: random.Random) -> tuple[str, int]:
    x, y = rng.randint(2, 40), rng.randint(2, 40)
    forms = (
        "What is {} + {}?",
        "What is the sum of {} and {}?",
        "{} + {} =",
        "Add {} and {}. What do you get?",
        "Find {} + {}.",
    )
    return rng.choice(forms).format(x, y), x + y


def _difference(rng: random.Random) -> tuple[str, int]:
    y, rest = rng.randint(2, 30), rng.randint(1, 40)
    forms = (
        "What is {} - {}?",
        "What is the difference of {} and {}?",
        "{} - {} =",
        "What is {} minus {}?",
        "Find {} - {}.",
    )
    return rng.choice(forms).format(y + rest, y), rest


def _product(rng: random.Random) -> tuple[str, int]:
    x, y = rng.randint(2, 10), rng.randint(2, 10)
    forms = (
        "What is {} * {}?",
        "What is {} times {}?",
        "{} * {} =",
        "What is the product of {} and {}?",
        "Find {} * {}.",
    )
    return rng.choice(forms).format(x, y), x * y


def _quotient(rng: random.Random) -> tuple[str, int]:
    y, each = rng.randint(2, 10), rng.randint(2, 10)
    forms = (
        "What is {} / {}?",
        "What is {} divided by {}?",
        "{} / {} =",
        "How many do you get when {} is divided by {}?",
    )
    return rng.choice(forms).format(y * each, y), each


def _part(rng: random.Random) -> tuple[str, int]:
    x = rng.randint(2, 20)
    if rng.random() < 0.5:
        return rng.choice(("What is half of {}?", "Half of {} is")).format(2 * x), x
    return rng.choice(("What is double {}?", "What is twice {}?", "Twice {} is")).format(x), 2 * x


def _series(rng: random.Random) -> tuple[str, int]:
    start, step = rng.randint(1, 12), rng.randint(2, 10)
    terms = ", ".join(str(start + step * i) for i in range(4))
    forms = ("Which number comes next: {}?", "{}, ... What comes next?", "What is the next number in {}?")
    return rng.choice(forms).format(terms), start + 4 * step


def _sides(rng: random.Random) -> tuple[str, int]:
    shape, sides = rng.choice(list(SHAPES.items()))
    forms = ("How many sides does a {} have?", "How many corners has a {}?", "A {} has how many sides?")
    return rng.choice(forms).format(shape), sides


def _unknown(rng: random.Random) -> tuple[str, int]:
    x, y = rng.randint(1, 20), rng.randint(1, 20)
    if rng.random() < 0.5:
        return rng.choice(("If x + {} = {}, what is x?", "Solve x + {} = {}.")).format(y, x + y), x
    return rng.choice(("If x - {} = {}, what is x?", "Solve x - {} = {}.")).format(y, x), x + y


SUMS: tuple[Callable[[random.Random], tuple[str, int]], ...] = (
    _sum, _difference, _product, _quotient, _part, _series, _sides, _unknown,
)  # fmt: skip
READ = {
    "color": ["red", "blue", "green", "yellow", "black", "white", "brown", "pink"],
    "animal": ["dog", "cat", "horse", "cow", "rabbit", "bird", "fish", "goat"],
    "fruit": ["apple", "pear", "banana", "plum", "orange", "peach", "lemon", "grape"],
    "place": ["park", "school", "market", "library", "beach", "garden", "station", "museum"],
    "day": ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
}
READERS = (
    "Anna", "Ben", "Carla", "David", "Ella", "Frank", "Grace", "Henry",
    "Iris", "Jack", "Kate", "Leo", "Mia", "Noah", "Olivia", "Paul",
)  # fmt: skip


def _reading(rng: random.Random) -> Choice:
    """A question whose answer stands in it, from which the form is learnt before the facts are."""
    kind, words = rng.choice(list(READ.items()))
    right, *wrong = rng.sample(words, 4)
    name, other = rng.sample(READERS, 2)
    forms = (
        f"{name} chose the {right}. Which {kind} did {name} choose?",
        f"{name} likes the {kind} {right}. Which {kind} does {name} like?",
        f"The {kind} that {name} named was {right}. Which {kind} was it?",
        f"{name} said {right} and {other} said {wrong[0]}. Which {kind} did {name} say?",
    )
    return _shuffled(rng.choice(forms), right, wrong, rng)


def told(subject: str, rng: random.Random) -> Choice:
    """A question whose answer was just told, over the words of the subject: all there is to find is the letter."""
    if subject == "elementary mathematics":
        right = rng.randint(2, 90)
        kind, answer, wrong = "number", str(right), _near(right, rng)
    else:
        kind, answers = rng.choice([(k, list(a)) for k, a in TABLES[subject].items() if len(a) > 3])
        answer, *wrong = rng.sample(answers, 4)
    name = rng.choice(READERS)
    forms = (
        f"{name} chose {answer}. Which {kind} did {name} choose?",
        f"The {kind} is {answer}. Which {kind} is it?",
        f"Which of these is {answer}?",
        f"{name} wrote {answer}, not {wrong[0]}. Which {kind} did {name} write?",
    )
    return _shuffled(rng.choice(forms), answer, wrong, rng)
