"""What the answers of several epochs say together."""

from __future__ import annotations

import math
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from proctor.reporting.runs import Scored, ScoredRun, ScoredTask, over_epochs, read, to_baseline
from proctor.statistics import epochs, paired

FLAGS = st.lists(st.integers(0, 1), min_size=2, max_size=8)


def answers(*scores: float, votes: str | None = None):
    """An epoch a score, and a letter of `votes` each; `-` is no vote."""
    given = votes or "".join("ab"[int(score)] for score in scores)
    return [(score, None if vote == "-" else vote) for score, vote in zip(scores, given, strict=True)]


def value(name: str, *scores: float, votes: str | None = None) -> float | None:
    of = epochs.derived(name)
    assert of is not None
    return of(answers(*scores, votes=votes))


@given(FLAGS, st.data())
def test_pass_at_k_and_pass_hat_k_are_means_over_all_choices_of_k(flags: list[int], data: st.DataObject):
    k = data.draw(st.integers(1, len(flags)))
    chosen = list(combinations(flags, k))
    assert value(f"pass@{k}", *flags) == pytest.approx(sum(map(any, chosen)) / len(chosen))
    assert value(f"pass^{k}", *flags) == pytest.approx(sum(map(all, chosen)) / len(chosen))


@pytest.mark.parametrize(
    ("scores", "votes", "expected"),
    [
        ((1, 0, 1), "bab", 1),
        ((1, 0, 0), "baa", 0),
        ((1, 0, 0), "bac", 1),  # all differ: the first is as good as any
        ((0, 1, 0), "-b-", 1),  # what could not be extracted has no vote
        ((0, 0, 0), "---", 0),
        ((0.5, 0.25, 0.5), "bab", 0.5),
    ],
)
def test_majority(scores: tuple[float, ...], votes: str, expected: float):
    assert value("majority", *scores, votes=votes) == expected


@pytest.mark.parametrize(
    ("name", "scores", "expected"),
    [
        ("4 of 5", (1, 1, 0, 1, 1), 1),
        ("4 of 5", (1, 1, 0, 0, 1), 0),
        ("4 of 5", (1, 1, 1, 1), None),  # too few epochs
        ("pass@2", (0.5, 1), None),  # neither right nor wrong
        ("pass@3", (1, 1), None),
    ],
)
def test_what_a_sample_has(name: str, scores: tuple[float, ...], expected: float | None):
    assert value(name, *scores) == expected


@pytest.mark.parametrize("name", ["accuracy", "pass@0", "pass@", "pass", "4 of", "0 of 5", "majority vote"])
def test_other_names_mean_nothing(name: str):
    assert epochs.derived(name) is None


@given(st.text(), st.integers(0, 99))
def test_labels_can_be_read(sample: str, epoch: int):
    assert epochs.parsed(epochs.label(sample, epoch, 100), 100) == (sample, epoch)
    assert epochs.parsed(epochs.label(sample, 0, 1), 1) == (sample, 0)


def test_equal_answers_have_one_vote():
    assert epochs.vote({"a": 1, "b": "x"}) == epochs.vote({"b": "x", "a": 1}) != epochs.vote({"a": 2, "b": "x"})
    assert epochs.vote(None) is None
    assert epochs.vote("\udc80")


def test_a_summary_is_of_the_samples_that_are_whole():
    found = epochs.summary(
        {"x": dict(enumerate(answers(1, 0, 1))), "y": dict(enumerate(answers(0, 0, 1))), "z": {1: (1, "b")}}, 3, {}
    )
    assert found["whole"] == 2
    assert found["means"] == [0.5, pytest.approx(1 / 3), 1.0]
    assert found["spread"] == pytest.approx(0.3469, abs=1e-4)
    assert {name: round(score.value, 4) for name, score in found["scores"].items()} == {
        "pass@2": 0.8333, "pass@3": 1, "pass^2": 0.1667, "pass^3": 0, "majority": 0.5
    }  # fmt: skip
    assert found["scores"]["majority"].n == 2


def task(flags: list[list[int]], **about: object) -> ScoredTask:
    samples = {
        (str(i), epoch): Scored("p" * 64, {"right": flag}, cluster=str(i), vote="ab"[flag])
        for i, own in enumerate(flags)
        for epoch, flag in enumerate(own)
    }
    counts = {"selected": len(samples), "total": len(samples), "scored": len(samples), "errors": {}}
    entry = {"task": "sums", "variant": "gen", "main": "right", "epochs": len(flags[0]), "version": 1, "shots": 0}
    entry |= {"prompt_sha256": "p", "parameters": {}, "data": {"sha256": "d" * 64}, "samples": counts}
    return ScoredTask({**entry, **about}, samples)


def test_a_task_by_its_samples():
    found = over_epochs(task([[1, 1], [1, 0], [0, 0]]), "pass^2", "right")
    assert found is not None
    assert {key: one.scores["pass^2"] for key, one in found.samples.items()} == {("0", 0): 1, ("1", 0): 0, ("2", 0): 0}
    assert {one.cluster for one in found.samples.values()} == {None}
    assert over_epochs(task([[1], [0]]), "pass^2", "right") is None


def test_a_baseline_file_keeps_epochs_and_votes(tmp_path):
    import json

    whole = task([[1, 1], [1, 0], [0, 0]])
    path = tmp_path / "base.json"
    path.write_text(json.dumps(to_baseline(ScoredRun("x", {}, {}, {("sums", "gen"): whole}))))
    kept = read(path).tasks["sums", "gen"]
    assert kept.samples.keys() == whole.samples.keys()
    for key, one in whole.samples.items():
        assert (kept.samples[key].cluster, kept.samples[key].vote) == (one.cluster, one.vote)
    assert "clusters" not in json.loads(path.read_text())["tasks"][0]["columns"]


def test_epochs_that_would_decide_are_those_that_make_the_error_small_enough():
    # 400 samples, half of them with epochs that differ by chance, and a drop of 0.05.
    before, now, samples = [], [], []
    for i in range(400):
        for epoch in range(4):
            samples.append(i)
            before.append(1.0)
            now.append(float((i * 7 + epoch * 3) % 20 != 0))
    difference = paired.paired(before, now, samples)
    assert difference.value == pytest.approx(-0.05)
    epochs_needed = paired.needed_epochs(difference, 0.03)
    assert 1 < epochs_needed < math.inf
    # Without a distance from the margin there is no number of them; nor where a sample has one epoch.
    assert paired.needed_epochs(difference, 0.05) == math.inf
    assert paired.needed_epochs(paired.paired(before, now), 0.03) == math.inf


def test_more_epochs_do_not_decide_what_samples_differ_in():
    # All epochs of a sample agree: only more samples tell more.
    before = [1.0] * 400
    now = [float(i // 4 % 20 != 0) for i in range(400)]
    difference = paired.paired(before, now, [i // 4 for i in range(400)])
    assert paired.needed_epochs(difference, 0.06) == math.inf
    assert paired.needed(difference, 0.06) > 400
