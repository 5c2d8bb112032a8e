"""A real small model, by the vLLM that --model starts: the four kinds of benchmarks on a few of the authors' rows.

Runs where PROCTOR_VLLM_PYTHON names a Python with vLLM in it, PROCTOR_REAL_MODEL the folder of a model, and the
published data lie beside the checkout.
"""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
DATA = Path(os.environ.get("PROCTOR_BENCHDATA", ROOT.parent / "shared" / "benchdata"))
PYTHON = os.environ.get("PROCTOR_VLLM_PYTHON")
REAL = os.environ.get("PROCTOR_REAL_MODEL")
ROWS = 8
TOKENS = 96

pytestmark = [
    pytest.mark.skipif(PYTHON is None, reason="PROCTOR_VLLM_PYTHON names no Python with vLLM"),
    pytest.mark.skipif(REAL is None, reason="PROCTOR_REAL_MODEL names no folder of a real model"),
    pytest.mark.skipif(
        not DATA.is_dir() and not os.environ.get("PROCTOR_REQUIRE_BENCHDATA"), reason=f"no published data at {DATA}"
    ),
]


def proctor(folder: Path, *options: object) -> str:
    command = [sys.executable, "-m", "pytest", ROOT / "evals", "-m", "gsm8k or mmlu or hellaswag or humaneval"]
    command += ["-p", "no:cacheprovider", *options]
    done = subprocess.run(list(map(str, command)), cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("real")
    asked = [f"--set={name}.max_tokens={TOKENS}" for name in ("gsm8k", "humaneval")]
    served = (f"--model={REAL}", f"--vllm-python={PYTHON}", f"--limit={ROWS}", f"--data-dir={DATA}")
    proctor(folder, *served, *asked, f"--report-dir={folder / 'run'}")
    return folder / "run"


@pytest.fixture(scope="module")
def report(run) -> dict:
    return json.loads((run / "report.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def samples(run) -> dict[str, list[dict]]:
    lines = [json.loads(line) for line in (run / "samples.jsonl").open(encoding="utf-8")]
    return {name: [line for line in lines if line["task"] == name] for name in {line["task"] for line in lines}}


def test_every_sample_is_scored(report):
    scored = {task["task"]: (task["samples"]["scored"], task["samples"]["errors"]) for task in report["tasks"]}
    assert scored == {name: (ROWS, {}) for name in ("gsm8k", "hellaswag", "humaneval", "mmlu")}
    assert report["run"]["partial"]


def test_the_report_says_what_was_served(report):
    model = report["model"]
    assert (model["engine"], model["id"], model["tokenizer"]) == ("vllm", REAL, REAL)
    assert model["engine_version"]
    assert "--generation-config vllm" in model["engine_args"]["command_line"]


def test_what_was_written_is_text_of_the_model(samples):
    for name in ("gsm8k", "humaneval"):
        outputs = [output for sample in samples[name] for output in sample["outputs"]]
        assert len(outputs) == ROWS
        assert all(0 < output["tokens"] <= TOKENS for output in outputs)
        assert all(output["finish_reason"] == "stop" or output["tokens"] == TOKENS for output in outputs)
        words = " ".join(output["text"] for output in outputs).split()
        assert len(words) > 10 * ROWS  # text, and not scraps


def test_code_was_run(samples):
    runs = [output["run"] for sample in samples["humaneval"] for output in sample["outputs"]]
    assert len(runs) == ROWS
    assert {run["status"] for run in runs} <= {"passed", "failed", "timeout"}
    assert all({"pid", "net", "seccomp"} <= set(sample["sandbox"]["isolation"]) for sample in samples["humaneval"])


def test_choices_are_ranked_by_likelihoods(report, samples):
    for name in ("hellaswag", "mmlu"):
        assert all(math.isfinite(choice["logprob"]) for sample in samples[name] for choice in sample["choices"])
        assert {len(sample["choices"]) for sample in samples[name]} == {4}
    (mmlu,) = [task for task in report["tasks"] if task["task"] == "mmlu"]
    assert mmlu["usage"]["requests"] == ROWS + mmlu["usage"]["retries"]


def test_the_server_is_gone(run, report):
    (url,) = report["model"]["base_urls"]
    port = url.rpartition(":")[2].encode()
    commands = [path.read_bytes().split(b"\0") for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert not [words for words in commands if b"--port" in words and port in words]
    assert not [words for words in commands if str(run / "service.log").encode() in words]  # its supervisor


def test_stored_outputs_give_the_same_scores(run, report, tmp_path):
    proctor(tmp_path, f"--rescore={run}", f"--report-dir={tmp_path / 'again'}")
    again = json.loads((tmp_path / "again" / "report.json").read_text(encoding="utf-8"))
    assert [task["metrics"] for task in again["tasks"]] == [task["metrics"] for task in report["tasks"]]
