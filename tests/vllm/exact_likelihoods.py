"""The log-probabilities of a run on a vLLM that --model starts, beside those that transformers computes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
WEIGHTS = ROOT / "fixtures/proctor_service/embedded/weights"
DATA = Path(os.environ.get("PROCTOR_BENCHDATA", ROOT.parent / "shared" / "benchdata"))
PYTHON = os.environ.get("PROCTOR_VLLM_PYTHON")
ROWS = 50
CLOSE = 5e-4

NEEDED = [
    pytest.mark.skipif(PYTHON is None, reason="PROCTOR_VLLM_PYTHON names no Python with vLLM"),
    pytest.mark.skipif(
        not DATA.is_dir() and not os.environ.get("PROCTOR_REQUIRE_BENCHDATA"), reason=f"no published data at {DATA}"
    ),
]


def compare(folder: Path, place: Path, *, straddles: bool) -> None:
    """Run mmlu and hellaswag on the weights in `folder`, with all files in `place`, and look at every choice.

    straddles: whether tokens of its tokenizer run across the border of context and choice.
    """
    report = place / "run"
    command = [sys.executable, "-m", "pytest", ROOT / "evals", "-m", "mmlu or hellaswag", "--variant=ppl"]
    command += [f"--limit={ROWS}", f"--model={folder}", f"--vllm-python={PYTHON}", f"--data-dir={DATA}"]
    command += ["--model-args=--dtype float32 --max-model-len 8192", f"--report-dir={report}", "-p", "no:cacheprovider"]
    done = subprocess.run(list(map(str, command)), cwd=place, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    samples = [json.loads(line) for line in (report / "samples.jsonl").open(encoding="utf-8")]
    assert len(samples) == 2 * ROWS
    assert not [sample for sample in samples if "context_cut" in sample["flags"]]
    reference = Path(__file__).with_name("reference.py")
    done = subprocess.run(
        [str(PYTHON), str(reference), str(folder), str(report / "samples.jsonl")],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
    )
    assert done.returncode == 0, done.stderr
    expected = [json.loads(line) for line in done.stdout.splitlines()]
    differences = [
        (abs(choice["logprob"] - logprob), sample["task"], sample["sample"])
        for sample, other in zip(samples, expected, strict=True)
        for choice, logprob in zip(sample["choices"], other["logprobs"], strict=True)
    ]
    assert len(differences) == 2 * ROWS * 4
    assert max(differences)[0] < CLOSE, max(differences)
    straddling = sum(other["straddles"] for other in expected)
    assert (straddling > 0) == straddles, straddling
    (mmlu,) = [task for task in json.loads((report / "report.json").read_text())["tasks"] if task["task"] == "mmlu"]
    if not straddles:  # else a choice may take several tokens
        assert mmlu["usage"]["requests"] == ROWS + mmlu["usage"]["retries"]
