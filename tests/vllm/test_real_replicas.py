"""Two real vLLMs of one core each, one of which is killed in a run of real gsm8k rows.

Runs where PROCTOR_VLLM_PYTHON names a Python with vLLM in it and PROCTOR_REAL_MODEL the folder of a real model, and the
published data lie beside the checkout.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
DATA = Path(os.environ.get("PROCTOR_BENCHDATA", ROOT.parent / "shared" / "benchdata"))
PYTHON = os.environ.get("PROCTOR_VLLM_PYTHON")
REAL = os.environ.get("PROCTOR_REAL_MODEL")
ROWS = 24
PATIENCE = 900

pytestmark = [
    pytest.mark.skipif(PYTHON is None, reason="PROCTOR_VLLM_PYTHON names no Python with vLLM"),
    pytest.mark.skipif(REAL is None, reason="PROCTOR_REAL_MODEL names no folder of a real model"),
    pytest.mark.skipif(not DATA.is_dir(), reason=f"there are no published data in {DATA}"),
]


def servers(log: Path) -> list[int]:
    """The processes whose output is that log, but for the supervisor."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "fd" / "1").resolve() == log.resolve():
                found.append(int(process.name))
        except OSError:
            continue
    return found


@pytest.mark.usefixtures("all_cores")
def test_a_killed_replica_leaves_its_requests_to_the_other(tmp_path):
    report = tmp_path / "run"
    command = [sys.executable, "-m", "pytest", ROOT / "evals", "-k", "gsm8k", "-p", "no:cacheprovider"]
    command += [f"--limit={ROWS}", f"--model={REAL}", f"--vllm-python={PYTHON}", f"--data-dir={DATA}", "--replicas=2"]
    command += ["--model-args=--dtype bfloat16 --max-model-len 4096", f"--report-dir={report}", "--concurrency=4"]
    command += ["--set", "gsm8k.max_tokens=96", "--request-retries=0"]
    environment = {**os.environ, "VLLM_CPU_OMP_THREADS_BIND": "0-1"}
    with subprocess.Popen(
        list(map(str, command)), cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment
    ) as run:
        try:
            until = time.monotonic() + PATIENCE
            while not any(path.stat().st_size for path in report.glob("parts/answers-*.jsonl")):
                assert run.poll() is None, run.stdout.read().decode()
                assert time.monotonic() < until, "the run has not begun"
                time.sleep(0.1)
            both = {name: servers(report / name) for name in ("service-1.log", "service-2.log")}
            assert all(both.values()), both
            for process in both["service-2.log"]:
                os.kill(process, signal.SIGKILL)
            said = run.communicate(timeout=PATIENCE)[0].decode()
        finally:
            run.kill()
    assert run.returncode == 0, said
    content = json.loads((report / "report.json").read_text())
    assert content["tasks"][0]["samples"]["scored"] == ROWS
    assert content["tasks"][0]["samples"]["errors"] == {}
    there, gone = content["model"]["base_urls"]
    endpoints = {endpoint["url"]: endpoint for endpoint in content["model"]["endpoints"]}
    assert endpoints[there]["gone"] == []
    assert len(endpoints[gone]["gone"]) == 1
    assert endpoints[gone]["moved"] >= 1
    assert sum(endpoint["answered"] for endpoint in endpoints.values()) == ROWS
    assert f"{gone} is gone" in said
    assert "service-2.log says why" in said
    assert not [process for processes in both.values() for process in processes if Path(f"/proc/{process}").exists()]
