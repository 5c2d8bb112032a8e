"""The training text and the bundled samples: right, varied, and apart from each other."""

from __future__ import annotations

import csv
import importlib
import json
import random
import re
import string
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
GSM8K = sorted((ROOT / "data" / "gsm8k").glob("*.jsonl"))
MMLU = sorted((ROOT / "data" / "mmlu").glob("*/*.csv"))
HELLASWAG = ROOT / "data" / "hellaswag" / "hellaswag_val.jsonl"
EQUATION = re.compile(r"<<([\d+*/-]+)=(\d+)>>(\d+)")
RUN = 13
"""Words in a row that would count as contamination, as in Brown et al. 2020 (arXiv:2005.14165), appendix C."""


@pytest.fixture(scope="module")
def scripts() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "scripts"))
        yield


@pytest.fixture
def corpus(scripts: None) -> ModuleType:
    return importlib.import_module("train_embedded.corpus")


def word_problems() -> list[dict[str, str]]:
    return [json.loads(line) for file in GSM8K for line in file.read_text(encoding="utf-8").splitlines()]


def choices(file: Path) -> list[list[str]]:
    with file.open(newline="", encoding="utf-8") as rows:
        return list(csv.reader(rows))


def bundled_questions() -> list[str]:
    scenes = [json.loads(line) for line in HELLASWAG.read_text(encoding="utf-8").splitlines()]
    return [
        *(row["question"] for row in word_problems()),
        *(row[0] for file in MMLU for row in choices(file)),
        *(f"{row['ctx']} {ending}" for row in scenes for ending in row["endings"]),
    ]


def words(text: str) -> list[str]:
    """Lower-cased, without punctuation."""
    bare = (word.strip(string.punctuation) for word in text.lower().split())
    return [word for word in bare if word]


def test_no_bundled_question_stands_in_the_training_text(corpus: ModuleType) -> None:
    """Covers the whole text that the shipped weights were trained on: every document of every phase.

    Looked for: every run of 13 words of a bundled question and, as many are shorter, every whole question.
    """
    plan = importlib.import_module("train_embedded.plan")
    runs: dict[tuple[str, str], set[tuple[str, ...]]] = {}
    for question in map(words, bundled_questions()):
        length = min(RUN, len(question))
        for start in range(len(question) - length + 1):
            run = tuple(question[start : start + length])
            runs.setdefault((run[0], run[1]), set()).add(run)
    seen = 0
    for phase in plan.PHASES:
        for index in range(phase.first, phase.first + phase.documents):
            text = words(corpus.document(index, phase.longest, phase.mix).text)
            seen += len(text)
            for start, pair in enumerate(pairwise(text)):
                for run in runs.get(pair, ()):
                    assert tuple(text[start : start + len(run)]) != run, f"document {index}: {' '.join(run)}"
    assert seen > 1_000_000


def test_a_document_can_be_made_again(corpus: ModuleType) -> None:
    mix = importlib.import_module("train_embedded.plan").FACTS
    assert corpus.document(17, 4, mix) == corpus.document(17, 4, mix)
    assert corpus.document(17, 4, mix) != corpus.document(18, 4, mix)


def test_generated_answers_are_right(corpus: ModuleType) -> None:
    problems = importlib.import_module("train_embedded.problems")
    rng = random.Random(1)
    for _ in range(3000):
        question, answer = problems.word_problem(rng)
        assert not set("[]{}<>") & set(question), question
        check_reasoning(answer)


def check_reasoning(answer: str) -> None:
    """Every annotated equation holds, and the last result is the answer."""
    equations = EQUATION.findall(answer)
    assert equations, answer
    for formula, result, repeated in equations:
        first, operator, second = re.fullmatch(r"(\d+)([-+*/])(\d+)", formula).groups()  # type: ignore[union-attr]
        x, y = int(first), int(second)
        value = {"+": x + y, "-": x - y, "*": x * y, "/": x / y}[operator]
        assert value == int(result) == int(repeated), answer
    assert answer.endswith(f"\n#### {equations[-1][1]}"), answer


def test_generated_choices_are_right_and_letters_are_even(corpus: ModuleType) -> None:
    facts = importlib.import_module("train_embedded.facts")
    rng = random.Random(2)
    letters: Counter[str] = Counter()
    for _ in range(4000):
        subject = rng.choice(corpus.SUBJECTS)
        question, options, letter = rng.choice((facts.choice, facts.told))(subject, rng)
        assert len(set(options)) == 4, (question, options)
        letters[letter] += 1
        if sums := re.fullmatch(r"What is (\d+) \+ (\d+)\?", question):
            assert int(options["ABCD".index(letter)]) == int(sums[1]) + int(sums[2])
    assert min(letters.values()) > 900


def test_bundled_word_problems_are_right() -> None:
    rows = word_problems()
    counts = [len(file.read_text(encoding="utf-8").splitlines()) for file in GSM8K]
    assert [file.stem for file in GSM8K] == ["test", "train"]
    assert counts[0] >= 24
    assert counts[1] >= 8
    assert len({row["question"] for row in rows}) == len(rows)
    for row in rows:
        assert row.keys() == {"question", "answer"}
        check_reasoning(row["answer"])


def test_bundled_choices_are_well_formed_and_letters_are_even() -> None:
    letters: Counter[tuple[str, str]] = Counter()
    subjects: dict[str, set[str]] = {"dev": set(), "test": set()}
    for file in MMLU:
        split = file.parent.name
        subjects[split].add(file.stem.removesuffix(f"_{split}"))
        rows = choices(file)
        assert len(rows) == 5 if split == "dev" else len(rows) >= 8
        for _, *options, letter in rows:
            assert len(options) == len(set(options)) == 4
            letters[split, letter] += 1
    assert subjects["dev"] == subjects["test"]
    assert len(subjects["test"]) == 6
    for split in subjects:
        counts = [letters[split, letter] for letter in "ABCD"]
        assert max(counts) - min(counts) <= 1
