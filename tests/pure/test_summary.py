"""summary.md and comments keep within what CI services take."""

from __future__ import annotations

from typing import Any

import pytest
from proctor.gating import verdicts
from proctor.reporting import reports

MIB = 2**20
ENTRY = {"value": 0.5, "ci95": [0.25, 0.75], "n": 100, "over_all": 0.5}


def task(name: str, **axes: int) -> dict[str, Any]:
    """A task in a report, with so many groups on each axis."""
    groups = {axis: {f"{axis}_{i:05}": {"accuracy": ENTRY} for i in range(count)} for axis, count in axes.items()}
    return {
        "task": name,
        "variant": "ppl",
        "version": 1,
        "shots": 5,
        "prompt_sha256": "0" * 64,
        "parameters": {},
        "data": {"origin": "fetched", "rows": 14042, "excluded": {}, "sha256": "0" * 64},
        "samples": dict.fromkeys(("selected", "total", "scored"), 14042)
        | dict.fromkeys(("truncated", "unparsed", "ties", "context_cut"), 0)
        | {"errors": {}},
        "main": "accuracy",
        "metrics": {"accuracy": ENTRY},
        "groups": groups,
        "macro": {axis: {"accuracy": ENTRY} for axis in axes},
    }


def gate(group: str, verdict: str = "PASS", **about: Any) -> dict[str, Any]:
    """A verdict, as a report has it."""
    return {
        "tier": "required",
        "task": "mmlu",
        "variant": "ppl",
        "group": group,
        "metric": "accuracy",
        "rule": "max_drop",
        "verdict": verdict,
        "reason": "the interval of the drop lies below the margin",
        "stops": verdict == "FAIL",
        "value": 0.7012,
        "baseline": 0.7003,
        "difference": 0.0009,
        "margin": 0.02,
        "interval": [-0.0112, 0.0131],
        "p": 0.9,
        "n": 100,
        "unpaired": 0,
        "partial": False,
        "flips": {"lost": 10, "gained": 11},
        **about,
    }


def summary(tasks: list[dict[str, Any]], gates: list[dict[str, Any]], **how: int) -> str:
    run = {"id": "r", "started": "2026-01-01", "seconds": 1.0, "command": "pytest", "exit_code": 0, "partial": False}
    return reports.summary({"model": {"name": "m"}, "run": run, "tasks": tasks, "not_run": [], "gates": gates}, **how)


def test_a_large_run_of_published_benchmarks_is_nowhere_near_the_limit():
    """mmlu and six of its like, every subject under four rules."""
    text = summary(
        [task(f"mmlu{i}", category=4, subject=57) for i in range(7)],
        [gate(f"subject=subject_{i:05}", rule=rule) for rule in "abcd" for i in range(57 * 7)],
    )
    assert len(text.encode()) < MIB / 2
    assert "left out" not in text


def test_rows_that_were_left_out_are_told_with_the_reason():
    one = task("mmlu")
    one["data"]["excluded"] = {"no label": 185}
    assert "14042 rows, 185 of them left out: no label (fetched, " in summary([one], [])


def test_the_largest_tables_of_groups_are_left_out_beyond_it():
    text = summary([task("mine", question=20_000, subject=57), task("other", subject=57)], [gate("subject=a")])
    assert len(text.encode()) <= reports.SUMMARY_BYTES < MIB
    assert "## mine ppl by question\n\n*20,001 rows are left out: report.json has all groups.*\n" in text
    assert text.count("| subject 00003 | 50.00 | 25.00 … 75.00 | 100 |") == 2
    for kept in ("## Gates", "| mine ppl | accuracy | **50.00** |", "## How it was measured", "- command: `pytest`"):
        assert kept in text


def test_then_rows_of_gates_those_that_pass_first():
    gates = [gate(f"question=question_{i:05}", "FAIL" if i % 1000 == 999 else "PASS") for i in range(9000)]
    text = summary([task("mine", question=9000)], gates)
    assert len(text.encode()) <= reports.SUMMARY_BYTES
    assert "9 FAIL, 8991 PASS." in text
    assert text.count("| ❌ FAIL |") == 9
    shown = text.count("| ✅ PASS |")
    assert f"*{8991 - shown:,} rows are left out ({8991 - shown} PASS): report.json has all verdicts.*\n\n" in text
    assert shown > 2000


@pytest.mark.parametrize("most", [2_000, 3_000, 5_000, 8_000])
def test_any_limit_that_holds_the_scores_is_kept(most: int):
    text = summary([task("mine", subject=57)], [gate(f"subject={i}") for i in range(57)], most=most)
    assert len(text.encode()) <= most
    assert "How it was measured" in text


def test_a_comment_is_one_that_github_takes():
    gates = [gate(f"subject=é{i}", "FAIL" if i == 500 else "PASS", partial=True) for i in range(1000)]
    text = verdicts.comment(gates, "Judged: m.")
    assert text.startswith(f"{verdicts.MARKER}\n## Gates\n\n1 FAIL, 999 PASS.\n")
    assert len(text.encode()) <= verdicts.COMMENT_BYTES < 65_536
    assert "| ❌ FAIL | mmlu ppl subject=é500 accuracy max_drop |" in text
    assert text.endswith("**Partial:** judged on a part of the samples.\n\nJudged: m.\n")


def test_a_name_does_not_end_its_cell():
    row = verdicts.table([gate("kind=a|b\nc")])[-2]
    assert "| mmlu ppl kind=a\\|b c accuracy max_drop |" in row
