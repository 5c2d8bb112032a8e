"""Gates in pytest: read before anything is asked, judged after the last sample, told as tests."""

from __future__ import annotations

import json
import signal
import xml.etree.ElementTree as ET

import jsonschema
import pytest
from suites import CHECKOUT, SUMS, Suite
from test_interrupts import begin, wait_for

WORKERS = pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
MODEL = "--model=x"
COUNT = 60
WRONG = [[f"{i} + {i} =", " 1"] for i in range(20, 40)]
"""A third of the sums, answered wrongly."""


@pytest.fixture
def scored(suite: Suite) -> Suite:
    """A suite whose model has answered all sums rightly in the run `base`."""
    suite.sums(COUNT)
    suite.write(gates__yaml="gates:\n  - benchmarks: [sums]\n    max_drop: 0.1\n")
    assert suite.run("--report-dir=base").ret == 0
    suite.forget()
    return suite


def gated(suite: Suite, *args: str, baseline: str | None = "base"):
    against = () if baseline is None else (f"--baseline={baseline}",)
    return suite.run(MODEL, "--gate=gates.yaml", *against, "--report-dir=run", *args)


@WORKERS
def test_a_checkpoint_that_is_as_good_passes(scored: Suite, workers: tuple[str, ...]):
    result = gated(scored, *workers)
    assert result.ret == 0, result.stdout.str()
    result.assert_outcomes(passed=COUNT + 1)
    result.stdout.fnmatch_lines(
        ["*= gates =*", "PASS          sums gen right max_drop: 100.00 after 100.00, drop 0.00 (-6.11 … 6.11), *"]
    )
    (verdict,) = scored.report("run")["gates"]
    assert (verdict["verdict"], verdict["flips"], verdict["n"]) == ("PASS", {"lost": 0, "gained": 0}, COUNT)


@WORKERS
def test_one_that_is_worse_fails_as_a_test(scored: Suite, workers: tuple[str, ...]):
    scored.script(answers=WRONG)
    result = gated(scored, *workers)
    assert result.ret == 10, result.stdout.str()
    result.assert_outcomes(passed=COUNT, failed=1)
    result.stdout.fnmatch_lines(["FAIL gates.yaml::sums gen right max_drop*"])
    report = scored.report("run")
    assert report["run"]["exit_code"] == 10
    jsonschema.validate(report, json.loads((CHECKOUT / "docs" / "report.schema.json").read_text()))
    cases = ET.parse(scored.path / "run" / "junit.xml").getroot().findall(".//testcase[@classname='gates']")
    (failure,) = [case.find("failure") for case in cases]
    assert failure is not None
    message = failure.get("message") or ""
    for part in ("FAIL: ", "66.67 after 100.00", "drop 33.33 (", "margin 10.00", "20 lost, 0 gained of 60"):
        assert part in message
    summary = (scored.path / "run" / "summary.md").read_text()
    assert "| ❌ FAIL | sums gen right max_drop |" in summary


def test_pytests_own_junit_file_has_them_too(scored: Suite):
    scored.script(answers=WRONG)
    gated(scored, "--junitxml=own.xml")
    assert ET.parse(scored.path / "own.xml").getroot().find(".//testcase/failure[@message]") is not None


def test_undecided_stops_unless_the_policy_says_otherwise(scored: Suite):
    scored.write(gates__yaml="gates:\n  - benchmarks: [sums]\n    max_drop: 0.01\n")
    result = gated(scored)
    assert result.ret == 11
    result.stdout.fnmatch_lines(["INCONCLUSIVE  sums gen right max_drop: *about * samples would decide it"])
    scored.write(gates__yaml="inconclusive: warn\ngates:\n  - benchmarks: [sums]\n    max_drop: 0.01\n")
    assert gated(scored, "--report-dir=second").ret == 0


def test_errors_outrank_verdicts(scored: Suite):
    scored.script(answers=WRONG, fails=[["3 + 3 =", "timeout"]])
    assert gated(scored).ret == 12
    assert scored.report("run")["gates"]


def test_a_part_of_the_samples_is_paired_with_the_same_ones(scored: Suite):
    result = gated(scored, "--limit=40")
    result.stdout.fnmatch_lines(["PASS *of 40; *partial"])
    assert scored.report("run")["gates"][0]["partial"]


def test_a_selection_of_samples_removes_no_gate(scored: Suite):
    assert gated(scored, "-k", "sums and not 3").ret == 0
    assert len(scored.report("run")["gates"]) == 1


def test_a_run_that_was_interrupted_is_not_judged(scored: Suite):
    scored.script(delays=[["59 + 59", 600], ["58 + 58", 600]], concurrency=4)
    args = (MODEL, "--gate=gates.yaml", "--baseline=base", "--report-dir=run")
    run = begin(scored, *args, plugins=("proctor.plugin", "fake_service"))
    try:
        wait_for(lambda: len(scored.asked) >= COUNT, "not all is asked")
        run.send_signal(signal.SIGINT)
        run.communicate(timeout=60)
    finally:
        run.kill()
    assert run.returncode == 2
    assert scored.report("run")["gates"] == []


# --- what is refused before anything is asked -------------------------------------------------------------------------


def refused(suite: Suite, message: str, *args: str) -> None:
    before = suite.files()
    result = suite.run(*args)
    said = result.stdout.str() + result.stderr.str()
    assert result.ret == 4, said
    assert message in said
    assert "Traceback" not in said
    assert suite.asked == []
    assert suite.files() == before


GATE, BASE = "--gate=gates.yaml", "--baseline=base"


@WORKERS
@pytest.mark.parametrize(
    ("args", "message"),
    [
        ((GATE, BASE), "--gate judges a checkpoint: name it by --model or --base-url"),
        ((MODEL, BASE), "--baseline is what --gate=FILE compares with"),
        ((MODEL, GATE), "gates.yaml:2: max_drop compares with a baseline: name one with --baseline=RUN"),
        ((MODEL, "--gate=no.yaml", BASE), "no.yaml: cannot be read: No such file or directory"),
        ((MODEL, "--gate=", BASE), "--gate= is empty"),
        ((MODEL, GATE, "--baseline=nowhere"), "nowhere: No such file or directory; name a run's folder"),
        ((MODEL, GATE, "--baseline=sums.jsonl"), "sums.jsonl: not JSON"),
        ((MODEL, GATE, BASE, "--set=sums.max_tokens=9"), "max_tokens was 8"),
    ],
)
def test_what_cannot_be_judged_is_refused(scored: Suite, workers: tuple[str, ...], args: tuple[str, ...], message: str):
    refused(scored, message, *args, *workers)


def test_another_task_than_those_that_run_is_refused(scored: Suite):
    scored.write(gates__yaml="gates:\n  - benchmarks: [other]\n    max_drop: 0.1\n")
    refused(scored, "gates.yaml:2: no task that runs is called other; there are: sums gen", MODEL, GATE, BASE)


def test_a_damaged_baseline_is_refused(scored: Suite):
    samples = scored.path / "base" / "samples.jsonl"
    whole = samples.read_text()
    samples.write_text(whole[:-20])
    refused(scored, "samples.jsonl:60: not JSON; the file is damaged", MODEL, GATE, BASE)
    samples.write_text(whole + whole.splitlines()[0] + "\n")
    refused(scored, "base/samples.jsonl:61: sample 0 of sums gen stands there twice", MODEL, GATE, BASE)
    for line, message in (
        ("{}", "no record of a sample: KeyError: 'task'"),
        ("[]", "no record of a sample: TypeError: "),
        ('{"task": "other", "variant": "gen", "sample": "0"}', "a sample of other gen, which is no task of the report"),
    ):
        samples.write_text(line + "\n" + whole)
        refused(scored, f"base/samples.jsonl:1: {message}", MODEL, GATE, BASE)
    samples.write_text(whole)
    report = scored.path / "base" / "report.json"
    report.write_text(report.read_text().replace('"tasks"', '"task"'))
    refused(scored, "base/report.json: not the report of a run: KeyError: 'tasks'", MODEL, GATE, BASE)


def test_a_changed_rule_needs_no_model_to_be_judged_by_gates(scored: Suite):
    scored.write(test_sums=SUMS.replace("answer == sample.target", "False"))
    result = scored.run("--rescore=base", GATE, BASE, "--report-dir=run")
    assert result.ret == 10
    assert scored.asked == []


@WORKERS
def test_a_metric_that_nobody_has_is_told_and_loses_no_score(scored: Suite, workers: tuple[str, ...]):
    scored.write(gates__yaml="gates:\n  - benchmarks: [sums]\n    metric: wrong\n    min_score: 0.1\n")
    result = gated(scored, *workers)
    said = result.stdout.str()
    assert result.ret == 4, said
    assert "the gates were not judged: " in said
    assert "gates.yaml:2: sums gen has no metric wrong; there are: right" in said
    assert "Traceback" not in said
    assert scored.report("run")["tasks"][0]["samples"]["scored"] == COUNT


def test_a_module_that_cannot_be_collected_is_no_success(scored: Suite):
    scored.write(test_broken="import no_such_module\n")
    assert scored.run(MODEL, "--continue-on-collection-errors").ret == 1


def test_a_metric_that_the_baseline_has_not_is_told_before_anything_is_asked(scored: Suite):
    scored.write(gates__yaml="gates:\n  - benchmarks: [sums]\n    metric: wrong\n    max_drop: 0.1\n")
    refused(scored, "gates.yaml:2: the baseline's sums gen has no metric wrong; there are: right", MODEL, GATE, BASE)
    scored.write(gates__yaml="gates:\n  - benchmarks: [sums]\n    group: size=huge\n    max_drop: 0.1\n")
    refused(scored, "has no group size=huge; there are: large, small", MODEL, GATE, BASE)


@WORKERS
def test_gates_that_say_the_same_are_tests_of_their_own(scored: Suite, workers: tuple[str, ...]):
    one = "  - benchmarks: [sums]\n    max_drop: 0.1\n"
    scored.write(gates__yaml=f"gates:\n{one}{one}    tier: advisory\n")
    scored.script(answers=WRONG)
    result = gated(scored, *workers)
    assert result.ret == 10
    result.assert_outcomes(passed=COUNT + 1, failed=1)
    cases = ET.parse(scored.path / "run" / "junit.xml").getroot().findall(".//testcase[@classname='gates']")
    assert [case.get("name") for case in cases] == ["sums gen right max_drop", "sums gen right max_drop #2"]
    assert [case.find("failure") is not None for case in cases] == [True, False]
