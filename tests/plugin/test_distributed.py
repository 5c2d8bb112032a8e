"""Under xdist: the same prompts, scores and order as in one process, and one service."""

from __future__ import annotations

from typing import Any

import pytest
from suites import SUMS, Suite

ORDINARY = """
import pytest


@pytest.fixture(scope="module")
def opened():
    yield "open"
    print("closed")


def test_before(opened):
    assert opened == "open"


def test_fails():
    assert False


@pytest.mark.parametrize("number", range(5))
def test_number(number, opened):
    assert number < 5
"""


def comparable(suite: Suite) -> list[dict[str, Any]]:
    """Records without what a clock has told."""
    return [{key: value for key, value in line.items() if key != "usage"} for line in suite.samples()]


def told(suite: Suite) -> dict[str, Any]:
    report = suite.report()
    for task in report["tasks"]:
        del task["usage"]["seconds"]
    return {"tasks": report["tasks"], "model": report["model"], "partial": report["run"]["partial"]}


def test_two_workers_give_the_report_of_one_process(checkout: Suite):
    checkout.script(fails=[["test 3 + 3", "timeout"]])
    args = ("evals", "--variant=all", "--error-budget=5")
    checkout.run(*args)
    alone, scores, asked = comparable(checkout), told(checkout), checkout.asked
    checkout.forget()
    result = checkout.run(*args, "-n", "2")
    result.assert_outcomes(passed=48 - 1, errors=1)
    assert comparable(checkout) == alone
    assert told(checkout) == scores
    assert sorted(checkout.asked) == sorted(asked)
    assert (checkout.events("start"), checkout.events("stop")) == (1, 1)
    assert len({entry["pid"] for entry in checkout.log if "prompt" in entry}) == 2
    # One sample failed: what the others were answered is kept, and nothing else.
    left = [path.name for path in checkout.path.glob("reports/*/parts/*")]
    assert {name.partition("-")[0] for name in left} == {"answers", "lock", "run.json"}


def test_workers_get_contiguous_blocks(suite: Suite):
    suite.sums(40)
    suite.run("-n", "2")
    blocks: dict[int, list[int]] = {}
    for entry in suite.log:
        if "prompt" in entry:
            blocks.setdefault(entry["pid"], []).append(int(entry["prompt"].partition(" ")[0]))
    assert sorted(blocks.values()) == [list(range(20)), list(range(20, 40))]


def test_more_workers_than_samples_score_each_once(suite: Suite):
    suite.sums(2)
    suite.run("-n", "4").assert_outcomes(passed=2)
    assert sorted(suite.asked) == ["0 + 0 =", "1 + 1 ="]


def test_limits_and_words_select_the_same_under_workers(checkout: Suite):
    args = ("evals", "--limit=5", "-k", "mmlu and not anatomy")
    checkout.run(*args)
    alone = comparable(checkout)
    checkout.run(*args, "-n", "2")
    assert comparable(checkout) == alone


def test_exit_codes_under_workers_are_those_of_one_process(sums: Suite):
    sums.script(fails=[["3 + 3", "timeout"]])
    assert sums.run("-n", "2").ret == 12
    assert sums.report()["run"]["exit_code"] == 12


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
def test_ordinary_tests_run_beside_samples(sums: Suite, workers: tuple[str, ...]):
    sums.write(test_ordinary=ORDINARY, test_zebra="def test_zebra():\n    pass\n")
    result = sums.run(*workers)
    assert result.ret == 1
    result.assert_outcomes(passed=12 + 7, failed=1)
    assert sums.report()["tasks"][0]["samples"]["scored"] == 12
    assert [line["sample"] for line in sums.samples()] == [str(number) for number in range(12)]
    junit = (sums.path / "reports/latest/junit.xml").read_text()
    assert 'tests="20" failures="1"' in junit


def test_a_worker_that_dies_costs_one_sample_which_is_an_error(suite: Suite):
    deadly = "    if sample.target == '10':\n        import os\n        os._exit(1)\n    answer ="
    suite.sums(20, SUMS.replace("    answer =", deadly))
    result = suite.run("-n", "2")
    assert result.ret == 12
    result.stdout.fnmatch_lines(["*worker 'gw?' crashed while running*test_sums?5?*"])
    scored = [line["sample"] for line in suite.samples() if line["outcome"] == "scored"]
    assert scored == [str(number) for number in range(20) if number != 5]
    counts = suite.report()["tasks"][0]["samples"]
    assert (counts["scored"], sum(counts["errors"].values())) == (19, 1)
    assert (suite.events("start"), suite.events("stop")) == (1, 1)


@pytest.mark.parametrize("mode", ["loadscope", "worksteal"])
def test_other_ways_to_distribute_are_refused_with_what_to_do(sums: Suite, mode: str):
    result = sums.run("-n", "2", f"--dist={mode}")
    assert result.ret == 4
    said = result.stdout.str() + result.stderr.str()
    assert f"benchmarks are handed out in blocks: use --dist=load (what -n N means), not --dist={mode}" in said
    assert "INTERNALERROR" not in said
    assert sums.log == []
    assert not (sums.path / "reports").exists()


@pytest.mark.parametrize("args", [("-n", "2"), ("-n", "2", "--dist=loadscope"), ("-n", "0")])
def test_ordinary_suites_are_distributed_as_without_the_plugin(suite: Suite, args: tuple[str, ...]):
    suite.write(test_ordinary=ORDINARY)
    result = suite.run(*args)
    assert result.ret == 1
    result.assert_outcomes(passed=6, failed=1)
    assert suite.log == []
    assert not (suite.path / "reports").exists()
    assert "proctor:" not in result.stdout.str()


def test_exitfirst_under_workers_stops_and_writes_what_was_scored(suite: Suite):
    suite.sums(60)
    suite.script(fails=[["3 + 3", "timeout"]], delays=[["+", 0.05]], concurrency=2)
    result = suite.run("-n", "2", "-x")
    assert result.ret != 0
    assert suite.report()["run"]["partial"]
    assert suite.events("stop") == 1
    assert len(suite.asked) < 60
