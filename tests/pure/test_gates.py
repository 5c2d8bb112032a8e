"""Verdicts on runs that are made up: every rule, every verdict, and what is wrong in a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from proctor.errors import SetupError
from proctor.gating import gatefile, gates, verdicts
from proctor.gating.gates import Verdict
from proctor.reporting.runs import Scored, ScoredRun, ScoredTask

PROMPT = "a" * 64


def run(place: str, scores: Sequence[float], task: str = "sums", **about: Any) -> ScoredRun:
    """A run of one task; sample i is in group `even` or `odd`."""
    samples = {
        (str(i), 0): Scored(PROMPT, {"right": score}, groups={"parity": ("even", "odd")[i % 2]}, tokens=10, seconds=0.5)
        for i, score in enumerate(scores)
    }
    entry = {
        "task": task, "variant": "gen", "main": "right", "version": 1, "shots": 0, "prompt_sha256": PROMPT,
        "parameters": {"max_tokens": 8}, "data": {"sha256": "d" * 64},
        "samples": {"selected": len(scores), "total": len(scores), "scored": len(scores), "errors": {}},
    }  # fmt: skip
    return ScoredRun(place, {}, {}, {(task, "gen"): ScoredTask({**entry, **about}, samples)})


def changed(lost: int, gained: int, both: int, neither: int = 0) -> tuple[ScoredRun, ScoredRun]:
    """Baseline and candidate that differ in so many samples."""
    before = [1] * lost + [0] * gained + [1] * both + [0] * neither
    after = [0] * lost + [1] * gained + [1] * both + [0] * neither
    return run("before", before), run("after", after)


def read(tmp_path: Path, text: str) -> gatefile.Gates:
    path = tmp_path / "gates.yaml"
    path.write_text(text)
    return gatefile.read(path)


def verdict(tmp_path: Path, rule: str, baseline: ScoredRun | None, candidate: ScoredRun, **noise: Any) -> Verdict:
    found = gates.judge(
        read(tmp_path, f"gates:\n  - benchmarks: sums\n    {rule}\n"), candidate, baseline, noise.get("noise")
    )
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize(
    ("rule", "lost", "gained", "both", "expected"),
    [
        ("max_drop: 0.02", 3, 4, 1993, "PASS"),
        ("max_drop: 0.02", 120, 10, 870, "FAIL"),
        ("max_drop: 0.02", 10, 5, 185, "INCONCLUSIVE"),
        ("max_drop: 0.02", 0, 0, 30, "INCONCLUSIVE"),  # too few to tell, whatever they say
        ("max_drop: 0.02", 0, 30, 10, "PASS"),
        ("max_drop: {relative: 0.1}", 3, 4, 1993, "PASS"),
        ("max_drop: {absolute: 0.02}", 120, 10, 870, "FAIL"),
        ("no_significant_drop: 0.03", 30, 5, 965, "FAIL"),
        ("no_significant_drop: 0.03", 5, 30, 965, "PASS"),
        ("no_significant_drop: 0.03", 5, 3, 992, "PASS"),
        ("no_significant_drop: 0.03", 2, 1, 27, "INCONCLUSIVE"),
        ("no_significant_drop: 0.03", 1, 0, 0, "INCONCLUSIVE"),  # one sample has no standard error
        ("no_significant_drop: {smallest: 0.3, power: 0.9}", 2, 1, 97, "PASS"),
        ("min_score: 0.5", 0, 0, 90, "PASS"),
        ("min_score: 0.5", 90, 0, 10, "FAIL"),
        ("min_score: 0.5", 0, 0, 3, "INCONCLUSIVE"),
        ("max_errors: 0", 1, 1, 10, "PASS"),
        ("max_output_tokens: 9", 1, 1, 10, "FAIL"),
        ("max_latency: 1", 1, 1, 10, "PASS"),
    ],
)
def test_verdicts(tmp_path: Path, rule: str, lost: int, gained: int, both: int, expected: str):
    found = verdict(tmp_path, rule, *changed(lost, gained, both))
    assert found.verdict == expected, found


def test_a_verdict_carries_what_a_reader_needs(tmp_path: Path):
    found = verdict(tmp_path, "max_drop: 0.02", *changed(10, 5, 185))
    assert (found.n, found.lost, found.gained, found.unpaired) == (200, 10, 5, 0)
    assert found.value == pytest.approx(190 / 200)
    assert found.baseline == pytest.approx(195 / 200)
    assert found.difference == pytest.approx(-0.025)
    low, high = found.interval or (0, 0)
    assert low < -0.025 < -0.02 < high
    assert found.detectable is not None
    assert found.detectable > 0.02
    assert found.needed is not None
    assert found.needed > 200
    assert found.stops


def test_the_margin_at_which_a_drop_lies_is_never_decided(tmp_path: Path):
    found = verdict(tmp_path, "max_drop: 0.05", *changed(100, 0, 1900))
    assert (found.verdict, found.needed) == ("INCONCLUSIVE", float("inf"))


# --- partners ---------------------------------------------------------------------------------------------------------


def test_samples_without_a_partner_are_counted_and_too_many_make_it_missing(tmp_path: Path):
    baseline, candidate = run("before", [1] * 300), run("after", [1] * 303)
    found = verdict(tmp_path, "max_drop: 0.5", baseline, candidate)
    assert (found.verdict, found.n, found.unpaired) == ("PASS", 300, 3)
    found = verdict(tmp_path, "max_drop: 0.5", run("before", [1] * 290), candidate)
    assert (found.verdict, found.stops) == ("MISSING", True)
    assert "only 290 of 303 samples have a partner in the baseline: 13 not in the baseline" in found.reason


def test_the_baseline_may_hold_more(tmp_path: Path):
    assert verdict(tmp_path, "max_drop: 0.5", run("before", [1] * 300), run("after", [1] * 50)).verdict == "PASS"


def test_another_prompt_makes_no_pair(tmp_path: Path):
    baseline, candidate = run("before", [1] * 100), run("after", [1] * 100)
    task = candidate.tasks["sums", "gen"]
    other = {key: Scored("b" * 64, one.scores) for key, one in task.samples.items()}
    moved = ScoredRun("after", {}, {}, {("sums", "gen"): ScoredTask(task.about, other)})
    assert "100 asked by another prompt" in verdict(tmp_path, "max_drop: 0.5", baseline, moved).reason


def test_errors_have_no_score_and_count_as_missing_partners(tmp_path: Path):
    baseline, candidate = run("before", [1] * 100), run("after", [1] * 100)
    samples = dict(candidate.tasks["sums", "gen"].samples)
    for i in range(5):
        samples[str(i), 0] = Scored(PROMPT, {}, error="timeout")
    broken = ScoredRun("after", {}, {}, {("sums", "gen"): ScoredTask(candidate.tasks["sums", "gen"].about, samples)})
    assert "5 not scored here" in verdict(tmp_path, "max_drop: 0.5", baseline, broken).reason
    found = verdict(tmp_path, "max_errors: 4", baseline, broken)
    assert (found.verdict, found.value) == ("FAIL", 5)
    assert verdict(tmp_path, "max_errors: 5%", baseline, broken).verdict == "PASS"


# --- groups, several gates, noise -------------------------------------------------------------------------------------


def test_groups_are_judged_each_and_on_average(tmp_path: Path):
    before = [1] * 400
    after = [int(i % 2 == 0 or i % 4 == 1) for i in range(400)]  # half of the odd ones are lost
    text = "gates:\n  - benchmarks: sums\n    {}\n    max_drop: 0.1\n"
    found = gates.judge(read(tmp_path, text.format("group: parity=*")), run("after", after), run("before", before))
    assert [(one.group, one.verdict) for one in found] == [("parity=even", "PASS"), ("parity=odd", "FAIL")]
    (average,) = gates.judge(read(tmp_path, text.format("average: parity")), run("after", after), run("before", before))
    assert average.difference == pytest.approx(-0.25)
    assert (average.verdict, average.group) == ("FAIL", "average of parity")
    gap = verdict(tmp_path, "max_gap: {axis: parity, margin: 0.2}", run("before", before), run("after", after))
    assert (gap.verdict, gap.value) == ("FAIL", pytest.approx(0.5))


def test_of_several_gates_one_may_fail_by_chance(tmp_path: Path):
    """A drop that alone is just significant is no FAIL among ten tests, unless no correction is asked for."""
    baseline, candidate = changed(11, 2, 387)
    rules = "".join(f"  - name: g{i}\n    benchmarks: sums\n    max_drop: {0.5 if i else 0.0}\n" for i in range(10))
    for correction, expected in (("holm", "INCONCLUSIVE"), ("none", "FAIL")):
        found = gates.judge(read(tmp_path, f"correction: {correction}\ngates:\n{rules}"), candidate, baseline)
        assert found[0].verdict == expected
        assert {one.verdict for one in found[1:]} == {"PASS"}


def noise_of(spread: float, runs: int = 1000, task: str = "sums") -> dict[str, Any]:
    tasks = [{"task": task, "variant": "gen", "metrics": {"right": {"spread": spread}}}]
    return {"runs": [str(i) for i in range(runs)], "tasks": tasks}


@pytest.mark.parametrize("rule", ["max_drop: 0.05", "no_significant_drop: 0.05", "min_score: 0.5"])
def test_noise_undecides_what_it_may_have_made(tmp_path: Path, rule: str):
    before, after = changed(10, 8, 600, 382)
    assert verdict(tmp_path, rule, before, after).verdict == "PASS"
    loud = verdict(tmp_path, rule, before, after, noise=noise_of(0.06))
    assert loud.verdict == "INCONCLUSIVE"
    assert loud.interval is not None
    assert loud.interval[1] - loud.interval[0] > 0.2
    if "drop" in rule:  # the noise alone hides such a drop, whatever the number of samples
        assert loud.as_record().get("needed") is None


def test_noise_of_few_runs_counts_for_more(tmp_path: Path):
    few, many = (verdict(tmp_path, "max_drop: 0.05", *changed(3, 4, 1993), noise=noise_of(0.01, n)) for n in (2, 1000))
    assert few.interval is not None
    assert many.interval is not None
    assert few.interval[1] - few.interval[0] > 5 * (many.interval[1] - many.interval[0])


def test_needed_samples_leave_room_for_the_noise(tmp_path: Path):
    quiet, loud = (verdict(tmp_path, "max_drop: 0.05", *changed(12, 6, 182), noise=noise_of(one)) for one in (0, 0.004))
    assert quiet.needed is not None
    assert loud.needed is not None
    assert quiet.needed < loud.needed < 4 * quiet.needed


def test_noise_that_says_nothing_of_a_task_is_refused(tmp_path: Path):
    with pytest.raises(SetupError, match="says nothing of sums gen"):
        verdict(tmp_path, "max_drop: 0.05", *changed(1, 1, 8), noise=noise_of(0.01, task="other"))


def test_noise_between_runs_widens_the_interval(tmp_path: Path):
    noise = noise_of(0.03)
    before, after = changed(120, 10, 870)
    calm = verdict(tmp_path, "max_drop: 0.05", before, after)
    loud = verdict(tmp_path, "max_drop: 0.05", before, after, noise=noise)
    assert (calm.verdict, loud.verdict) == ("FAIL", "INCONCLUSIVE")
    assert loud.interval is not None
    assert calm.interval is not None
    assert loud.interval[1] - loud.interval[0] > calm.interval[1] - calm.interval[0]


@pytest.mark.parametrize(
    ("settings", "verdicts", "code"),
    [
        ("", ["PASS"], 0),
        ("", ["FAIL"], 10),
        ("tier: advisory", ["FAIL"], 0),
        ("", ["INCONCLUSIVE"], 11),
        ("inconclusive: warn", ["INCONCLUSIVE"], 0),
        ("tier: advisory", ["INCONCLUSIVE"], 0),
    ],
)
def test_the_exit_code_says_what_stops(tmp_path: Path, settings: str, verdicts: list[str], code: int):
    runs = {"PASS": (3, 4, 1993), "FAIL": (120, 10, 870), "INCONCLUSIVE": (10, 5, 185)}[verdicts[0]]
    baseline, candidate = changed(*runs)
    text = f"gates:\n  - benchmarks: sums\n    max_drop: 0.02\n    {settings}\n"
    found = gates.judge(read(tmp_path, text), candidate, baseline)
    assert ([one.verdict for one in found], gates.exit_code(found)) == (verdicts, code)


# --- what cannot be meant ---------------------------------------------------------------------------------------------

GATE = "gates:\n  - benchmarks: sums\n    "
WRONG = {
    "gates: []": "gates.yaml:1: gates: a list of gates is needed",
    "gate: []": "gates.yaml:1: gate: there is no such key; did you mean gates?",
    GATE + "max_drp: 0.02": ":3: gates[0].max_drp: there is no such key; did you mean max_drop?",
    "gates:\n  - benchmarks: [sums]": ":2: gates[0]: a rule is needed",
    "gates:\n  - max_drop: 0.02": ":2: gates[0].benchmarks: names of benchmarks are needed",
    GATE + "max_drop: 2": ":3: gates[0].max_drop: a number from 0 to 1 is needed, not 2",
    GATE + "max_drop: -0.1": "a number from 0 to 1 is needed, not -0.1",
    GATE + "max_drop: yes": "a number from 0 to 1 is needed, not True",
    GATE + "max_drop: {absolut: 1}": "max_drop.absolut: there is no such key; did you mean absolute?",
    GATE + "max_drop: 0.1\n    max_drop: 0.2": ":4: gates[0].max_drop: this key stands twice",
    GATE + "max_errors: 0.5": "a number of samples, or a share as '1 %', is needed",
    GATE + "tier: needed\n    max_drop: 0.1": "'needed' is none of required, advisory",
    GATE + "group: even\n    max_drop: 0.1": "AXIS=GROUP is needed",
    "gates: [": "gates.yaml:1: not YAML",
    "": "a mapping is needed",
}


@pytest.mark.parametrize("text", WRONG)
def test_a_file_that_cannot_be_meant_is_refused_with_line_and_key(tmp_path: Path, text: str):
    with pytest.raises(SetupError) as caught:
        read(tmp_path, text)
    assert WRONG[text] in str(caught.value)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (
            "metric: wrong\n    max_drop: 0.1",
            ":2: the baseline's sums gen has no metric wrong; there are: right",
        ),
        ("group: size=large\n    max_drop: 0.1", "sums gen has no group size=large; there are: axes parity"),
        ("average: size\n    max_drop: 0.1", "sums gen has no group size=*; there are: axes parity"),
    ],
)
def test_what_the_run_has_not_is_refused(tmp_path: Path, rule: str, message: str):
    with pytest.raises(SetupError) as caught:
        verdict(tmp_path, rule, *changed(1, 1, 100))
    assert message in str(caught.value)


def test_a_gate_on_a_task_that_did_not_run_is_refused(tmp_path: Path):
    wanted = read(tmp_path, "gates:\n  - benchmarks: [other]\n    max_drop: 0.1\n")
    with pytest.raises(SetupError, match=r"gates.yaml:2: no task that runs is called other; there are: sums gen"):
        gates.judge(wanted, *reversed(changed(1, 1, 10)))


def test_a_rule_against_a_baseline_needs_one(tmp_path: Path):
    with pytest.raises(SetupError, match="max_drop compares with a baseline: name one with --baseline=RUN"):
        verdict(tmp_path, "max_drop: 0.1", None, run("after", [1, 0]))
    assert verdict(tmp_path, "min_score: 0.1", None, run("after", [1] * 50)).verdict == "PASS"


@pytest.mark.parametrize(
    ("about", "message"),
    [
        ({"version": 2}, "version was 1, is 2"),
        ({"prompt_sha256": "b" * 64}, "prompt_sha256 was"),
        ({"parameters": {"max_tokens": 9}}, "max_tokens was 8, is 9"),
        ({"data": {"sha256": "e" * 64}}, "data was sha256 dddddddddddd, is eeeeeeeeeeee"),
    ],
)
def test_a_baseline_that_was_asked_otherwise_is_refused(tmp_path: Path, about: dict[str, Any], message: str):
    with pytest.raises(SetupError) as caught:
        verdict(tmp_path, "max_drop: 0.1", run("before", [1, 0]), run("after", [1, 0], **about))
    assert message in str(caught.value)


# --- what so few samples cannot say -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "before", "after"),
    [
        ("max_drop: 0.001", [0.5, 0.7], [0.5, 0.7]),  # no spread seen
        ("no_significant_drop: 0.001", [0.6, 0.6], [0.5, 0.5]),  # all dropped alike
        ("max_drop: 0.0001", [1.0] * 29 + [0.5], [1.0] * 29 + [0.5]),
        ("no_significant_drop: 0.01", [0.5] * 30, [0.5] * 29 + [0.6]),
        ("min_score: 0.9", [1.0] * 29 + [0.5], [1.0] * 29 + [0.5]),
        ("min_score: 0.59", [0.6, 0.6], [0.6, 0.6]),
        ("min_score: 0.2", [1.0], [1.0]),
        ("min_score: 0.5", [1.0] * 4, [1.0] * 4),
    ],
)
def test_few_samples_without_spread_are_no_pass(tmp_path: Path, rule: str, before: list[float], after: list[float]):
    found = verdict(tmp_path, rule, run("a", before), run("b", after))
    assert found.verdict == "INCONCLUSIVE", found


@pytest.mark.parametrize("rule", ["no_significant_drop: 0.02", "max_drop: 0.02"])
def test_epochs_that_never_change_make_no_samples(tmp_path: Path, rule: str):
    samples = {(str(i), epoch): Scored(PROMPT, {"right": 1}, cluster=str(i)) for i in range(40) for epoch in range(20)}
    about = {**run("a", [1]).tasks["sums", "gen"].about, "epochs": 20}
    both = [ScoredRun(name, {}, {}, {("sums", "gen"): ScoredTask(about, samples)}) for name in "ab"]
    found = verdict(tmp_path, rule, *both)
    assert found.verdict == "INCONCLUSIVE", found
    # Nothing varies within samples: more epochs would not help, more samples than there are would.
    assert found.as_record().get("needed_epochs") is None
    assert found.needed is not None
    assert found.needed > 800
    assert found.detectable is not None
    assert found.detectable > 0.15


def test_samples_that_would_decide_are_said_of_a_group_of_one_only_where_they_can_be(tmp_path: Path):
    found = verdict(tmp_path, "group: parity=odd\n    max_drop: 0.1", run("a", [1, 0.5]), run("b", [1, 0.5]))
    assert found.verdict == "INCONCLUSIVE"
    assert "cannot be said of so few" in verdicts.line(found.as_record())


# --- what a file asks for in vain -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("power: high\ngates:\n  - benchmarks: sums\n    no_significant_drop: 0.1\n", ":1: power: a number from"),
        (GATE + "max_errors: 0\n    group: parity=odd\n", ":4: gates[0].group: max_errors takes no group"),
        (GATE + "max_errors: 0\n    metric: right\n", ":4: gates[0].metric: max_errors takes no metric"),
        (GATE + "max_gap: {axis: parity, margin: 0.1}\n    average: parity\n", "max_gap takes no average"),
        ("[a]: b\n", ":1: a word is needed for a key"),
        ("gates: &loop [*loop]\n", "gates.yaml"),
        ("gates: 2020-13-41\n", "gates.yaml: cannot be read: ValueError: month must be in"),
        ("confidence: " + "9" * 5000, "gates.yaml: cannot be read: ValueError"),
        ("gates: " + "[" * 3000, "gates.yaml"),
        (GATE + 'max_drop: 0.1\n    name: "a\\nb"\n', ":4: gates[0].name: a text of one line is needed"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused(tmp_path: Path, text: str, message: str):
    with pytest.raises(SetupError) as caught:
        read(tmp_path, text)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (
            "min_score: 95",
            ":2: min_score: 95 cannot be, since right of sums gen lies between 0 and 1; 0.95 are 95 of 100",
        ),
        ("min_score: -3", "min_score: -3 cannot be"),
        ("max_drop: {absolute: 5}", "max_drop: 5 cannot be"),
        ("max_gap: {axis: none, margin: 0.1}", ":2: sums gen has no axis none; there are: parity"),
    ],
)
def test_a_margin_that_cannot_be_is_refused(tmp_path: Path, rule: str, message: str):
    with pytest.raises(SetupError) as caught:
        verdict(tmp_path, rule, *changed(1, 1, 8))
    assert message in str(caught.value)


def test_every_name_of_a_gate_must_be_that_of_a_task(tmp_path: Path):
    with pytest.raises(SetupError, match=r":2: no task that runs is called sum; there are: sums gen"):
        gates.judge(read(tmp_path, "gates:\n  - benchmarks: [sums, sum]\n    max_errors: 0\n"), run("a", [1]), None)


@pytest.mark.parametrize("rule", ["min_score: 0.5", "max_drop: 0.1", "no_significant_drop: 0.1"])
def test_a_score_that_is_not_defined_for_a_group_is_missing(tmp_path: Path, rule: str):
    # A parity needs pairs, of which the group has none.
    samples = {(str(i), 0): Scored(PROMPT, {"parity": [i, 1]}, groups={"side": "one"}) for i in range(12)}
    about = {**run("a", [1]).tasks["sums", "gen"].about, "main": "parity", "aggregates": {"parity": "parity"}}
    both = [ScoredRun(name, {}, {}, {("sums", "gen"): ScoredTask(about, samples)}) for name in "ab"]
    found = verdict(tmp_path, f"group: side=one\n    {rule}", *both)
    assert found.verdict == "MISSING", found
    assert "not defined" in found.reason
    assert "value" not in found.as_record()
    verdicts.line(found.as_record())
