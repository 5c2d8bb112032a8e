"""Runs that end before their time: what was scored is kept, and no server stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from suites import Suite

PATIENCE = 60.0
"""Seconds until a test gives up; nothing is measured by them."""


def wait_for(holds: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def begin(
    suite: Suite, *args: str, plugins: tuple[str, ...], start_new_session: bool = False
) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "pytest", *suite.arguments(args, plugins)]
    return subprocess.Popen(
        command,
        cwd=suite.path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=start_new_session,
        # A shell that started these tests in the background has them ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def journalled(suite: Suite) -> int:
    return sum(part.read_bytes().count(b"\n") for part in suite.path.glob("reports/*/parts/*.jsonl"))


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
def test_an_interrupted_run_keeps_what_was_scored_and_stops_the_service(suite: Suite, workers: tuple[str, ...]):
    suite.sums(400)
    suite.script(delays=[["+", 0.1]], concurrency=2)
    run = begin(suite, *workers, plugins=("proctor.plugin", "fake_service"))
    try:
        wait_for(lambda: journalled(suite) > 10, "nothing was scored")
        run.send_signal(signal.SIGINT)
        said = run.communicate(timeout=PATIENCE)[0].decode()
    finally:
        run.kill()
    assert run.returncode == 2, said
    assert "INTERNALERROR" not in said
    report = suite.report()
    assert report["run"]["partial"]
    assert report["run"]["exit_code"] == 2
    scored = report["tasks"][0]["samples"]["scored"]
    assert 0 < scored < 400
    assert len(suite.samples()) == scored
    assert (suite.events("start"), suite.events("stop")) == (1, 1)


def descendants(process: int) -> set[int]:
    """Ids of the processes that a process has started, and theirs."""
    parents: dict[int, int] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(status.parent.name)] = int(status.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    found, fresh = set(), {process}
    while fresh:
        fresh = {child for child, parent in parents.items() if parent in fresh}
        found |= fresh
    return found


def alive(process: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are found in /proc")
def test_a_killed_run_leaves_no_server_behind(checkout: Suite):
    run = begin(checkout, "evals", plugins=("proctor.plugin", "proctor_service.plugin"))
    try:
        wait_for(lambda: any(checkout.path.glob("reports/*/parts/*.jsonl")), "the run has not begun")
        started = descendants(run.pid)
        assert started
        os.kill(run.pid, signal.SIGKILL)
        run.communicate(timeout=PATIENCE)
        wait_for(lambda: not any(map(alive, started)), "a process has stayed")
    finally:
        run.kill()


def test_the_embedded_model_scores_both_benchmarks(checkout: Suite):
    result = checkout.served("evals", "--variant=all", "--limit=3", "-n", "2")
    assert result.ret == 0, result.stdout.str()
    report = checkout.report()
    assert report["model"]["name"] == "proctor-embedded"
    assert [task["samples"]["scored"] for task in report["tasks"]] == [3, 3, 3, 3]
    assert (checkout.path / "reports/latest/service.log").is_file()
