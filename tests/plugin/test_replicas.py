"""--replicas: several vLLMs of one run. The stand-in of test_launched serves the embedded model."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import jsonschema
import pytest
from suites import CHECKOUT, Suite
from test_interrupts import alive, begin, descendants, wait_for
from test_launched import REAL, StandIn, stand_in  # noqa: F401

TWO = ("--replicas=2", "--model=checkpoint", "--data-dir=bundled")
LONG = ("evals", "-k", "gsm8k", *TWO, "--set", "gsm8k.max_tokens=600", "--concurrency=4")
SHORT = ("evals", "-k", "gsm8k", *TWO, "--limit=4", "--set", "gsm8k.max_tokens=8")
SCHEMA = json.loads((CHECKOUT / "docs" / "report.schema.json").read_text(encoding="utf-8"))
ORDERED = "(EngineCore pid=7) ERROR 11-24 10:00:00 [core.py:1] "

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are found in /proc")


@pytest.fixture
def pair(stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> StandIn:  # noqa: F811
    """Two cores to share, whatever this machine has."""
    monkeypatch.setenv("VLLM_CPU_OMP_THREADS_BIND", "0-1")
    return stand_in


def pids(pair: StandIn) -> list[int]:
    return [start["pid"] for start in pair.starts]


def answered(checkout: Suite) -> bool:
    return any(path.stat().st_size for path in checkout.path.glob("run/parts/answers-*.jsonl"))


def ended(run: subprocess.Popen[bytes]) -> str:
    return run.communicate(timeout=100)[0].decode()


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
def test_two_share_the_cores_and_the_requests(checkout: Suite, pair: StandIn, workers: tuple[str, ...]):
    result = checkout.run(*SHORT, *workers, apart=True, plugins=REAL)
    assert result.ret == 0, result.stdout.str()
    result.stdout.fnmatch_lines(
        [
            "proctor: starting 2 vLLM 9.8.7 with */checkpoint; their logs are */service-1.log to service-2.log",
            "proctor: cores of each: 0 / 1",
        ]
    )
    assert sorted(start["environment"]["VLLM_CPU_OMP_THREADS_BIND"] for start in pair.starts) == ["0", "1"]
    report = checkout.report()
    jsonschema.validate(report, SCHEMA)
    assert report["model"]["replicas"] == len(report["model"]["base_urls"]) == 2
    endpoints = report["model"]["endpoints"]
    assert [endpoint["gone"] for endpoint in endpoints] == [[], []]
    assert sum(endpoint["answered"] for endpoint in endpoints) == report["tasks"][0]["usage"]["requests"] == 4
    assert {"service-1.log", "service-2.log"} <= {path.name for path in (checkout.path / "reports/latest/").iterdir()}
    assert not any(map(alive, pids(pair)))


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
def test_a_replica_that_is_killed_leaves_its_requests_to_the_other(
    checkout: Suite, pair: StandIn, workers: tuple[str, ...]
):
    run = begin(checkout, *LONG, *workers, "--report-dir=run", "--request-retries=0", plugins=REAL)
    try:
        wait_for(lambda: answered(checkout), "the run has not begun")
        os.kill(pids(pair)[1], signal.SIGKILL)
        said = ended(run)
    finally:
        run.kill()
    assert run.returncode == 0, said
    report = checkout.report("run")
    jsonschema.validate(report, SCHEMA)
    (gone,) = [endpoint for endpoint in report["model"]["endpoints"] if endpoint["gone"]]
    assert gone["gone"][0]["reason"] == "nothing listens there any more"
    assert gone["moved"] >= 1
    assert report["tasks"][0]["samples"]["errors"] == {}
    assert report["tasks"][0]["samples"]["scored"] == 12
    assert f"proctor: {gone['url']} is gone: nothing listens there any more" in said
    assert f"{gone['url']} answered {gone['answered']} requests; gone " in said
    assert f"the model server at {gone['url']} ended with exit status 137; " in said
    assert f"endpoint {gone['url']}" in (checkout.path / "run" / "summary.md").read_text()


@pytest.mark.parametrize(("replicas", "workers"), [(1, ()), (2, ("-n", "2"))], ids=["alone", "workers"])
def test_where_all_are_gone_the_run_ends_at_once_and_can_go_on(
    checkout: Suite, pair: StandIn, replicas: int, workers: tuple[str, ...]
):
    asked = [*LONG, *workers, f"--replicas={replicas}", "--report-dir=run", "--request-retries=1000000"]
    run = begin(checkout, *asked, plugins=REAL)
    try:
        wait_for(lambda: answered(checkout), "the run has not begun")
        for pid in pids(pair):
            os.kill(pid, signal.SIGKILL)
        said = ended(run)
    finally:
        run.kill()
    assert run.returncode == 12, said
    report = checkout.report("run")
    (task,) = report["tasks"]
    assert set(task["samples"]["errors"]) == {"gone"}
    assert "unanswered" in said
    assert "ERRORS" not in said, "one message, not one for each sample"
    assert said.count("ended with exit status 137; ") == replicas
    assert "says:" in said
    assert f"{task['samples']['errors']['gone']} samples are not answered: --resume" in said
    again = checkout.run(*asked, "--resume=run", apart=True, plugins=REAL)
    assert again.ret == 0, again.stdout.str()
    whole = checkout.report("run")["tasks"][0]["samples"]
    assert (whole["scored"], whole["errors"]) == (12, {})


@pytest.mark.parametrize(
    ("fault", "helps"),
    [
        (
            f"{ORDERED}ValueError: No available memory for the cache blocks. Try increasing `gpu_memory_utilization`",
            "VLLM_CPU_KVCACHE_SPACE",
        ),
        (f"{ORDERED}torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB.", "--tensor-parallel-size 2"),
        ("api_server.py: error: unrecognized arguments: --dtpye", "--help=all"),
    ],
    ids=["cache", "memory", "arguments"],
)
def test_one_that_cannot_start_stops_all_with_its_own_log_and_the_next_step(
    checkout: Suite, pair: StandIn, fault: str, helps: str
):
    (pair.folder / "fault").write_text(fault)
    result = checkout.run(*SHORT, "--report-dir=run", apart=True, plugins=REAL)
    said = result.stderr.str() + result.stdout.str()
    assert result.ret == 4, said
    assert "service-2.log" in said
    assert fault.removeprefix(ORDERED)[:60] in said
    assert "What helps: " in said
    assert helps in said
    assert "Traceback" not in said
    assert len(pids(pair)) == 2
    assert not any(map(alive, pids(pair)))


def test_a_port_that_one_of_them_lost_is_not_the_end(checkout: Suite, pair: StandIn):
    pair.fails("taken")
    result = checkout.run(*SHORT, apart=True, plugins=REAL)
    assert result.ret == 0, result.stdout.str()
    assert len(pair.starts) == 3


@pytest.mark.parametrize("when", ["starting", "scoring"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=lambda number: number.name)
def test_no_replica_outlives_the_run(checkout: Suite, pair: StandIn, number: signal.Signals, when: str):
    if when == "starting":
        pair.fails("hanging")
    run = begin(checkout, *LONG, "--report-dir=run", plugins=REAL)
    try:
        if when == "starting":
            wait_for(lambda: len(pair.starts) == 2, "nothing was started")
        else:
            wait_for(lambda: answered(checkout), "the run has not begun")
        started = descendants(run.pid)
        assert len(started) >= 4, "two supervisors, and what each watches"
        run.send_signal(number)
        run.communicate(timeout=60)
        wait_for(lambda: not any(map(alive, started)), "a process has stayed")
    finally:
        run.kill()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--replicas=0", "--model=checkpoint"), "--replicas=0: a whole number of 1 or more is needed"),
        (("--replicas=2",), "--replicas starts several vLLMs here: name their model by --model"),
        (("--replicas=2", "--base-url=http://127.0.0.1:1"), "several --base-url"),
        (("--replicas=3", "--model=checkpoint"), "there are 2 processor cores (VLLM_CPU_OMP_THREADS_BIND: 0,1)"),
        (("--replicas=2", "--model=checkpoint", "--model-args=-tp 2"), "--replicas=1 is the most"),
    ],
    ids=["none", "embedded", "endpoint", "many", "parallel"],
)
def test_what_cannot_be_started_is_refused_before_anything_is(
    checkout: Suite, pair: StandIn, options: tuple[str, ...], message: str
):
    result = checkout.run("evals", "-k", "gsm8k", "--data-dir=bundled", *options, apart=True, plugins=REAL)
    said = result.stderr.str() + result.stdout.str()
    assert result.ret == 4, said
    assert message in said
    assert "Traceback" not in said
    assert not pair.starts


def test_a_folder_without_weights_is_refused_before_anything_is_started(checkout: Suite, pair: StandIn):
    for path in (checkout.path / "checkpoint").glob("*.safetensors"):
        path.unlink()
    result = checkout.run(*SHORT, apart=True, plugins=REAL)
    assert result.ret == 4
    assert "--model=checkpoint" in result.stderr.str()
    assert "holds no weights (*.safetensors or *.bin)" in result.stderr.str()
    assert not pair.starts


def test_a_name_of_ones_own_is_served(checkout: Suite, pair: StandIn):
    """models.yaml in pytest's root folder, from which workers read it too."""
    (checkout.path / "models.yaml").write_text("mine: {id: checkpoint, arguments: [--dtype, float32]}\n")
    result = checkout.run(*SHORT, "--model=mine", "--model-args=--seed 3", "-n", "2", apart=True, plugins=REAL)
    assert result.ret == 0, result.stdout.str()
    assert checkout.report()["model"]["name"] == "mine"
    for start in pair.starts:
        assert start["arguments"][-4:] == ["--dtype", "float32", "--seed", "3"]


@pytest.mark.parametrize("how", ["option", "setting", "missing", "wrong"])
def test_the_file_of_names_can_be_anywhere(checkout: Suite, pair: StandIn, how: str):
    (checkout.path / "names").mkdir()
    text = "mine: {id: ../checkpoint}\n" if how != "wrong" else "mine: {identity: ../checkpoint}\n"
    (checkout.path / "names" / "own.yaml").write_text(text)
    if how == "setting":
        (checkout.path / "pytest.ini").write_text("[pytest]\nproctor_models = names/own.yaml\n")
        chosen = ()
    else:
        chosen = ("--models=names/none.yaml" if how == "missing" else "--models=names/own.yaml",)
    result = checkout.run(*SHORT, *chosen, "--model=mine", apart=True, plugins=REAL)
    said = result.stderr.str() + result.stdout.str()
    if how in ("option", "setting"):
        assert result.ret == 0, said
        return
    assert result.ret == 4, said
    assert ("there is no file" if how == "missing" else "own.yaml: mine: identity: there is no such key") in said
    assert "Traceback" not in said
    assert not pair.starts
