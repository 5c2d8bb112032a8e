"""The account of what a run spends: it adds up, and no bound is passed, whatever becomes of requests and processes."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proctor.model import Usage
from proctor_service.hosted.account import Account, Bounds, Leave, dollars, shown

ROOT = Path(__file__).resolve().parents[2]


def begun(path: Path, **bounds: float) -> Account:
    return Account(path / "account.db", Bounds(**bounds), begin=True)  # type: ignore[arg-type]


def test_a_request_waits_for_others_and_is_refused_when_none_is_left(tmp_path: Path):
    account = begun(tmp_path, tokens=100)
    assert account.open(60, 0.0) is Leave.GIVEN
    assert account.open(60, 0.0) is Leave.LATER
    account.close(60, 0.0, Usage(requests=1, prompt_tokens=10, completion_tokens=5))
    assert account.open(60, 0.0) is Leave.GIVEN
    account.close(60, 0.0, None, unknown=True)
    assert account.open(60, 0.0) is Leave.NEVER
    assert account.open(25, 0.0) is Leave.GIVEN
    assert account.total()["unknown_tokens"] == 60


@settings(max_examples=60, deadline=None)
@given(data=st.data(), most=st.integers(0, 400))
def test_no_bound_is_passed(data: st.DataObject, most: int):
    account = Account(Path(":memory:"), Bounds(tokens=most, cost=most / 100), begin=True)
    under_way: list[int] = []
    for _ in range(data.draw(st.integers(1, 40))):
        if under_way and data.draw(st.booleans()):
            tokens = under_way.pop(data.draw(st.integers(0, len(under_way) - 1)))
            took = data.draw(st.one_of(st.none(), st.integers(0, tokens)))
            usage = None if took is None else Usage(requests=1, completion_tokens=took, cost=took / 100)
            account.close(tokens, tokens / 100, usage, unknown=data.draw(st.booleans()) if took is None else False)
        else:
            tokens = data.draw(st.integers(1, 80))
            if account.open(tokens, tokens / 100) is Leave.GIVEN:
                under_way.append(tokens)
        total = account.total()
        assert total["completion_tokens"] + total["unknown_tokens"] + sum(under_way) <= most
    account.end()


WORKER = """
import random, sys
from pathlib import Path
from proctor.model import Usage
from proctor_service.hosted.account import Account, Bounds, Leave
account, random = Account(Path(sys.argv[1]), Bounds(tokens=int(sys.argv[2]))), random.Random(sys.argv[3])
print("ready", flush=True)
while (leave := account.open(tokens := random.randint(5, 50), 0.0)) is not Leave.NEVER:
    if leave is Leave.GIVEN:
        account.close(tokens, 0.0, Usage(requests=1, completion_tokens=random.randint(1, tokens)))
"""


def worker(path: Path, most: int, seed: int, code: str = WORKER) -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": f"{ROOT / 'plugins'}{os.pathsep}{ROOT / 'fixtures'}"}
    command = [sys.executable, "-c", code, str(path / "account.db"), str(most), str(seed)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)


def test_several_processes_share_one_bound(tmp_path: Path):
    account = begun(tmp_path, tokens=20_000)
    workers = [worker(tmp_path, 20_000, seed) for seed in range(3)]
    assert [one.wait(60) for one in workers] == [0, 0, 0]
    total = account.total()
    assert 20_000 - 50 < total["completion_tokens"] <= 20_000
    assert total["requests"] > 500


def test_what_a_killed_process_had_under_way_counts_as_spent(tmp_path: Path):
    account = begun(tmp_path, tokens=100)
    holding = worker(
        tmp_path, 100, 0, WORKER.partition("print")[0] + "account.open(70, 0.0); print('x', flush=True); input()"
    )
    assert holding.stdout is not None
    assert holding.stdout.readline()
    assert account.open(60, 0.0) is Leave.LATER
    holding.send_signal(signal.SIGKILL)
    holding.wait(10)
    assert account.open(60, 0.0) is Leave.LATER  # it is found to be dead
    assert account.open(60, 0.0) is Leave.NEVER
    assert account.open(30, 0.0) is Leave.GIVEN
    assert account.total()["unknown_tokens"] == 70


def test_what_an_earlier_attempt_left_open_counts_as_spent(tmp_path: Path):
    account = begun(tmp_path, cost=1.0)
    account.open(10, 0.4)
    account.end()
    again = begun(tmp_path, cost=1.0)
    assert again.total()["unknown_cost"] == pytest.approx(0.4)
    assert again.open(10, 0.61) is Leave.NEVER
    assert again.open(10, 0.59) is Leave.GIVEN


def test_a_failure_within_leaves_the_account_as_it_was(tmp_path: Path):
    account = begun(tmp_path)
    with pytest.raises(sqlite3.Error):
        account.close(0, 0.0, Usage(requests=1, prompt_tokens=object()))  # type: ignore[arg-type]
    account.close(0, 0.0, Usage(requests=1, prompt_tokens=3), answered=("m", None))
    assert account.total()["prompt_tokens"] == 3
    assert account.total()["answered"] == [{"model": "m", "system_fingerprint": None, "requests": 1}]


def test_floats_leave_no_dust_that_is_waited_for(tmp_path: Path):
    account = begun(tmp_path, cost=1.0)
    draw = random.Random(0)
    costs = [draw.random() / 1000 for _ in range(50)]
    for cost in costs:
        assert account.open(1, cost) is Leave.GIVEN
    for cost in reversed(costs):
        account.close(1, cost, None)
    assert account.open(1, 1.0) is Leave.GIVEN


def test_an_account_for_a_person():
    total = {"prompt_tokens": 1200, "cached_tokens": 0, "completion_tokens": 40, "reasoning_tokens": 30, "cost": 0.0123}
    assert shown(total, True) == "$0.0123 for 1,200 tokens in and 40 out (30 reasoning)"
    assert shown({**total, "cached_tokens": 7}, False) == "1,200 tokens in (7 cached) and 40 out (30 reasoning)"
    assert [dollars(amount) for amount in (0, 0.00004, 12.345)] == ["$0.00", "$0.0000", "$12.35"]
