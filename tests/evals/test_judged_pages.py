"""freeform and versus: their tasks are of this project, whole, and scored as their pages say."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from proctor import pages
from proctor.judge.opinions import JudgedOutput, Opinion
from proctor.model import Completion, Usage
from proctor.reporting.records import Score

DATA = Path(__file__).parents[2] / "data"
CATEGORIES = {"writing", "roleplay", "reasoning", "math", "coding", "extraction", "stem", "humanities"}
ONE_ANSWER = {"reasoning", "math", "coding", "extraction", "stem"}


def rows(name: str) -> list[tuple[str, dict[str, str]]]:
    return [
        (path.stem, json.loads(line))
        for path in sorted((DATA / name).glob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]


def scored(name: str, *opinions: Opinion, text: str = "x", **more):
    (page,) = pages.chosen([name])
    task = page.benchmark.default
    score = Score(task.main, page.benchmark.aggregates)
    about = {"name": "j", "prompt_sha256": "0" * 64}
    task.judge(None, JudgedOutput([Completion(text)], Usage(), opinions, about, Usage(), **more), score)
    return score.answer, score.metrics


def test_at_least_forty_tasks_stand_in_eight_categories_and_two_languages():
    both = [*rows("freeform"), *rows("versus")]
    assert len(both) >= 40
    for name, each in (("freeform", 2), ("versus", 1)):
        counts = Counter((category, row["language"]) for category, row in rows(name))
        assert {category for category, _ in counts} == CATEGORIES
        assert set(counts.values()) == {each}
        assert {language for _, language in counts} == {"en", "zh"}
    assert len({row["question"] for _, row in both}) == len(both)


@pytest.mark.parametrize("name", ["freeform", "versus"])
def test_a_row_has_what_its_category_needs(name: str):
    for category, row in rows(name):
        assert row["answer"].strip()
        assert row["answer"] != row["question"]
        assert category not in ONE_ANSWER or row.get("reference"), row["question"]
        chinese = any("\u4e00" <= letter <= "\u9fff" for letter in row["question"])
        assert chinese == (row["language"] == "zh")
        if name == "versus":
            assert row["baseline"].strip() not in ("", row["answer"].strip())


def test_grades_become_shares():
    scale = {"scale": (1, 5)}
    assert scored("freeform", Opinion(5, "", ""), **scale) == (5, {"grade": 1, "top": 1})
    assert scored("freeform", Opinion(2, "", ""), **scale) == (2, {"grade": 0.25, "top": 0})
    assert scored("freeform", text="", **scale) == (None, {"grade": 0, "top": 0})


@pytest.mark.parametrize(
    ("orders", "worth"), [(("win", "win"), 1), (("win", "loss"), 0.5), (("tie", "tie"), 0.5), (("loss", "loss"), 0)]
)
def test_verdicts_become_a_win_rate(orders, worth: float):
    verdict, metrics = scored("versus", *(Opinion(one, "", "") for one in orders), other="y")
    assert metrics["win_rate"] == worth
    assert (metrics["wins"], metrics["losses"]) == (worth == 1, worth == 0)
    assert verdict == {1: "win", 0.5: "tie", 0: "loss"}[worth]
    assert scored("versus", text="", other="y")[0] is None
