"""A real vLLM serves the embedded model's weights: our servers and vLLM must agree, through every way of asking.

Runs where PROCTOR_VLLM_PYTHON names a Python with vLLM in it; .ci/install-vllm installs one.
"""

import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from real_server import STARTS_WITHIN, healthy, serving

ROOT = Path(__file__).parent.parent.parent
WEIGHTS = ROOT / "fixtures/proctor_service/embedded/weights"
PYTHON = os.environ.get("PROCTOR_VLLM_PYTHON")

pytestmark = pytest.mark.skipif(PYTHON is None, reason="PROCTOR_VLLM_PYTHON names no Python with vLLM")


@pytest.fixture(scope="module")
def vllm(tmp_path_factory):
    """The URL of a vLLM in float32."""
    log = tmp_path_factory.mktemp("vllm") / "log"
    with serving(PYTHON, WEIGHTS, log, "--dtype", "float32", "--served-model-name", "tiny") as url:
        yield url


@contextmanager
def proctor_serve(folder, python, *arguments):
    """The URL of a `proctor serve` under that Python."""
    sources = os.pathsep.join(str(ROOT / name) for name in ("plugins", "fixtures"))
    command = [python, "-m", "proctor_service.serving", *arguments, "--port", "0", "--port-file", folder / "port"]
    environment = {**os.environ, "PYTHONPATH": sources, "HF_HUB_OFFLINE": "1"}
    log = folder / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(list(map(str, command)), stdout=out, stderr=out, env=environment)
    try:
        until = time.monotonic() + STARTS_WITHIN
        while not ((folder / "port").exists() and healthy(f"http://127.0.0.1:{(folder / 'port').read_text()}")):
            assert process.poll() is None, log.read_text()[-3000:]
            assert time.monotonic() < until, log.read_text()[-3000:]
            time.sleep(0.2)
        yield f"http://127.0.0.1:{(folder / 'port').read_text()}"
    finally:
        process.terminate()
        assert process.wait(60) == 0


def score(folder: Path, *options: str) -> tuple[dict, list[dict]]:
    """A run's report and its samples."""
    command = [sys.executable, "-m", "pytest", ROOT / "evals", "--variant=all", f"--report-dir={folder}"]
    command += [
        "-m",
        "gsm8k or hellaswag or mmlu",
        "-p",
        "no:cacheprovider",
        "--limit=24",
        "--set",
        "gsm8k.max_tokens=160",
        *options,
    ]
    done = subprocess.run(list(map(str, command)), cwd=folder.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return report, [json.loads(line) for line in (folder / "samples.jsonl").open(encoding="utf-8")]


@pytest.fixture(scope="module")
def runs(vllm, tmp_path_factory):
    """The same samples on vLLM and on the embedded server."""
    folder = tmp_path_factory.mktemp("runs")
    there = score(folder / "vllm", f"--base-url={vllm}", "--model=tiny", f"--tokenizer={WEIGHTS}", "--data-dir=bundled")
    here = score(folder / "embedded")
    return there, here


def test_vllm_can_do_everything_that_is_probed(runs):
    (report, _), _ = runs
    capabilities = report["model"]["capabilities"]
    assert report["model"]["engine"] == "vllm"
    assert [name for name, able in capabilities.items() if able is False] == [], capabilities
    assert capabilities["likelihood"]


def test_prompts_are_the_same(runs):
    (_, there), (_, here) = runs
    assert len(there) == 24 * 4 + 14 * 2
    assert [sample["prompt_sha256"] for sample in there] == [sample["prompt_sha256"] for sample in here]


def test_likelihoods_agree(runs):
    (_, there), (_, here) = runs
    pairs = [
        (ours["logprob"], theirs["logprob"])
        for one, other in zip(here, there, strict=True)
        for ours, theirs in zip(one.get("choices", ()), other.get("choices", ()), strict=True)
    ]
    assert len(pairs) == (24 * 2 + 14) * 4
    assert max(abs(ours - theirs) for ours, theirs in pairs) < 5e-4


def test_one_request_scores_all_choices(runs):
    for report, _ in runs:
        (task,) = [task for task in report["tasks"] if (task["task"], task["variant"]) == ("mmlu", "ppl")]
        assert task["usage"]["requests"] == task["samples"]["scored"] + task["usage"]["retries"]


def test_greedy_texts_and_scores_agree(runs):
    (_, there), (_, here) = runs
    generated = [(one, other) for one, other in zip(here, there, strict=True) if "outputs" in one]
    assert len(generated) == 24 * 2 + 14
    different = [one["sample"] for one, other in generated if one["outputs"][0]["text"] != other["outputs"][0]["text"]]
    # Rounding may decide a near tie between two tokens otherwise; more than a few is another model.
    assert len(different) <= 2, different
    ranked = [(one["scores"], other["scores"]) for one, other in zip(here, there, strict=True) if "choices" in one]
    assert all(ours == theirs for ours, theirs in ranked)


@pytest.fixture(scope="module", params=["proctor-embedded", "proctor-transformers"])
def served(request, tmp_path_factory):
    """The same samples on `proctor serve`: the embedded model with two workers, and transformers."""
    folder = tmp_path_factory.mktemp(request.param)
    here = request.param == "proctor-embedded"
    python, *arguments = (sys.executable, "--workers", "2") if here else (PYTHON, WEIGHTS, "--dtype", "float32")
    with proctor_serve(folder, python, *arguments) as url:
        report, samples = score(folder / "run", f"--base-url={url}", "--data-dir=bundled")
    assert report["model"]["engine"] == request.param
    return report, samples


def test_what_gunicorn_serves_agrees_with_vllm(runs, served):
    (_, there), _ = runs
    report, here = served
    assert [name for name, able in report["model"]["capabilities"].items() if able is False] == []
    assert [sample["prompt_sha256"] for sample in here] == [sample["prompt_sha256"] for sample in there]
    pairs = [
        (ours["logprob"], theirs["logprob"])
        for one, other in zip(here, there, strict=True)
        for ours, theirs in zip(one.get("choices", ()), other.get("choices", ()), strict=True)
    ]
    assert len(pairs) == (24 * 2 + 14) * 4
    assert max(abs(ours - theirs) for ours, theirs in pairs) < 5e-4
    written = [(one, other) for one, other in zip(here, there, strict=True) if "outputs" in one]
    different = [one["sample"] for one, other in written if one["outputs"][0]["text"] != other["outputs"][0]["text"]]
    assert len(different) <= 2, different  # near ties, as above
    assert all(one["scores"] == other["scores"] for one, other in zip(here, there, strict=True) if "choices" in one)
