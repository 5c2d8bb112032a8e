"""Comparing runs that are made up: which samples belong together, places that show ties, what is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from proctor.comparing.compare import Wish, compare, paired_samples
from proctor.comparing.differences import HEADS, Told, aligned, table
from proctor.errors import SetupError
from proctor.reporting.runs import Scored, ScoredRun, ScoredTask


def task(scores: Sequence[float], name: str = "sums", *, prompts: Sequence[str] = (), **about: Any) -> ScoredTask:
    samples = {
        (str(i), 0): Scored(
            (prompts[i] if prompts else f"{i:064d}"), {"right": score}, groups={"parity": ("even", "odd")[i % 2]}
        )
        for i, score in enumerate(scores)
    }
    entry = {"task": name, "variant": "gen", "main": "right", "version": 1, "shots": 0, "prompt_sha256": "p"}
    entry |= {"parameters": {"temperature": 0}, "data": {"sha256": "d" * 64}}
    return ScoredTask({**entry, **about}, samples)


def run(place: str, *tasks: ScoredTask) -> ScoredRun:
    return ScoredRun(place, {}, {"name": place}, {(one.about["task"], one.about["variant"]): one for one in tasks})


def share(right: int, wrong: int) -> list[int]:
    return [1] * right + [0] * wrong


def test_flips_and_the_paired_interval():
    found = compare([run("a", task([1, 1, 1, 0, 0] * 40)), run("b", task([1, 0, 1, 1, 0] * 40))], Wish())
    (one,) = found.tasks["sums", "gen"]
    assert (len(one.lost), len(one.gained), one.same_scores) == (40, 40, 120)
    assert one.lost[0] == (("1", 0), ("1", 0))
    assert (one.main.before, one.main.after, one.main.difference.value) == (0.6, 0.6, 0)
    low, high = one.main.interval
    assert low == -high
    assert 0.08 < high < 0.1
    assert {change.group for change in one.changes} == {None, "parity=even", "parity=odd"}


def test_samples_of_other_data_belong_together_by_their_prompts():
    before = task([1, 0, 1], prompts=["x" * 64, "y" * 64, "y" * 64])
    after = task([1, 1, 0], prompts=["y" * 64, "z" * 64, "x" * 64], data={"sha256": "e" * 64})
    pairs = [(("0", 0), ("2", 0)), (("1", 0), ("0", 0))]
    assert paired_samples(before, after) == pairs
    assert len(paired_samples(before, after, "id")) == 3
    assert paired_samples(before, task([1, 1, 0], prompts=["x" * 64] * 3)) == [
        ((str(i), 0), (str(i), 0)) for i in range(3)
    ]


def test_what_was_asked_otherwise_is_said_parameter_by_parameter():
    other = task([1, 0], parameters={"temperature": 0.5}, version=2, prompts=["x" * 64, f"{1:064d}"])
    (one,) = compare([run("a", task([1, 0])), run("b", other)], Wish()).tasks["sums", "gen"]
    assert one.notes == ["version was 1, is 2", "temperature was 0, is 0.5", "1 of 2 samples had another prompt"]


@pytest.mark.parametrize("flag", ["truncated", "unparsed", "refused"])
def test_answers_that_were_none_are_counted_in_both(flag: str):
    before, after = task([1, 0, 0]), task([1, 0, 0])
    for key in list(after.samples)[1:]:
        after.samples[key] = replace(after.samples[key], flags=(flag,))
    found = compare([run("a", before), run("b", after)], Wish())
    (one,) = found.tasks["sums", "gen"]
    assert one.counts == {flag: (0, 2)}
    assert any(f"{flag} 0 → 2" in line for line in Told(found, None, 0, False, {}).text())


def test_places_show_ties():
    runs = [
        run("best", task(share(180, 20))),
        run("alike", task(share(178, 22))),
        run("worse", task(share(120, 80))),
        run("alike, too", task(share(121, 79))),
    ]
    places = compare(runs, Wish()).ranking["sums", "gen"]
    assert [(place.run, place.best, place.worst) for place in places] == [(0, 1, 2), (1, 1, 2), (3, 3, 4), (2, 3, 4)]
    # Few samples tell nobody apart, whatever the scores.
    few = compare([run("a", task([1, 1, 1])), run("b", task([0, 0, 0])), run("c", task([1, 0, 1]))], Wish())
    assert {(place.best, place.worst) for place in few.ranking["sums", "gen"]} == {(1, 3)}


def test_several_tasks_have_an_average():
    before = run("a", task(share(30, 10)), task(share(10, 30), "more"))
    after = run("b", task(share(20, 20)), task(share(12, 28), "more"))
    found = compare([before, after], Wish())
    (average,) = found.averages
    assert (average.before, average.after) == (0.5, 0.4)
    assert average.difference.n == 80
    low, high = average.interval
    assert low < -0.1 < high


def test_metrics_of_other_names_are_compared_where_none_is_shared():
    other = task([1, 0])
    samples = {key: Scored(one.prompt, {"acc": one.scores["right"]}) for key, one in other.samples.items()}
    found = compare([run("a", task([1, 1])), run("b", ScoredTask({**other.about, "main": "acc"}, samples))], Wish())
    assert found.tasks["sums", "gen"][0].main.metric == "right → acc"


def test_epochs_that_differ_in_number_are_compared_by_their_means():
    flags = [[1, 1, 0, 0], [1, 1, 1, 1]]
    several = {
        (str(i), epoch): Scored(f"{i:064d}", {"right": flag}, cluster=str(i))
        for i, own in enumerate(flags)
        for epoch, flag in enumerate(own)
    }
    after = ScoredTask({**task([]).about, "epochs": 4}, several)
    (one,) = compare([run("a", task([1, 1])), run("b", after)], Wish()).tasks["sums", "gen"]
    assert (one.main.before, one.main.after, one.main.n) == (1, 0.75, 2)
    assert one.means


@pytest.mark.parametrize(
    ("first", "second", "wish", "message"),
    [
        (
            task([1]),
            task([1], "other"),
            Wish(),
            "no task is in both: a has sums gen; b has other gen. --task OTHER=NAME",
        ),
        (
            task([1]),
            task([1]),
            Wish(metric=("wrong", "wrong")),
            "no task has the metric wrong in all runs: a: sums gen has right; b:",
        ),
        (task([1]), task([1], prompts=["x" * 64]), Wish(pairing="prompt"), "no sample of sums gen in common"),
        (task([]), task([1]), Wish(), "no sample of sums gen in common; they were paired by id"),
    ],
)
def test_what_cannot_be_compared(first: ScoredTask, second: ScoredTask, wish: Wish, message: str):
    with pytest.raises(SetupError) as caught:
        compare([run("a", first), run("b", second)], wish)
    assert message in str(caught.value)


def test_tables():
    assert list(aligned(("a", "bb"), [("xyz", "1"), ("", "22")], left=1)) == ["a    bb", "xyz   1", "     22"]
    assert list(table(("a", "b"), [("x|y", "1")], left=1)) == ["| a | b |", "|---|--:|", "| x\\|y | 1 |"]


def test_groups_of_long_axes_have_rows_when_asked_for():
    samples = {(str(i), 0): Scored("p" * 64, {"right": 1}, groups={"subject": f"s{i % 9}"}) for i in range(18)}
    both = [run(name, ScoredTask(task([]).about, samples)) for name in "ab"]

    def rows(groups: str | None) -> int:
        return sum("subject=" in line for line in Told(compare(both, Wish()), groups, 0, False, {}).text())

    assert (rows(None), rows("subject"), rows("all"), rows("none")) == (0, 9, 9, 0)
    with pytest.raises(SetupError, match="--groups other: sums gen has no such axis; there are: subject"):
        rows("other")
    assert len(HEADS) == 10
