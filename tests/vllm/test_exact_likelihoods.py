"""Log-probabilities of real rows by a vLLM that --model started, beside those that transformers computes.

Runs where PROCTOR_VLLM_PYTHON names a Python with vLLM and transformers in it, and the published data lie beside the
checkout. PROCTOR_REAL_MODEL names the folder of a real model; without it, the weights are the embedded model's alone.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

ROOT = Path(__file__).parent.parent.parent
WEIGHTS = ROOT / "fixtures/proctor_service/embedded/weights"
DATA = Path(os.environ.get("PROCTOR_BENCHDATA", ROOT.parent / "shared" / "benchdata"))
PYTHON = os.environ.get("PROCTOR_VLLM_PYTHON")
REAL = os.environ.get("PROCTOR_REAL_MODEL")
ROWS = 50
CLOSE = 5e-4

pytestmark = [
    pytest.mark.skipif(PYTHON is None, reason="PROCTOR_VLLM_PYTHON names no Python with vLLM"),
    pytest.mark.skipif(
        not DATA.is_dir() and not os.environ.get("PROCTOR_REQUIRE_BENCHDATA"), reason=f"no published data at {DATA}"
    ),
]


def merging(folder: Path) -> Path:
    """The embedded weights with a tokenizer whose tokens run across words, and so across the border."""
    shutil.copytree(WEIGHTS, folder)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=2000, initial_alphabet=alphabet, show_progress=False)
    rows = (DATA / "mmlu").glob("dev/*.csv*"), (ROOT / "data").glob("*/*.jsonl"), (ROOT / "docs").glob("*.md")
    texts = [path.read_bytes().decode(errors="ignore") for paths in rows for path in paths if path.suffix != ".gz"]
    # Pieces of the length of a prompt: pairs that stand across their borders are among those that are merged.
    pieces = [
        text[at : at + 300]
        for text in [*texts, *(f"Answer: {one}\n" for one in "ABCD" * 200)]
        for at in range(0, len(text), 300)
    ]
    tokenizer.train_from_iterator(pieces, trainer)
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    for key in ("bos_token", "eos_token"):
        settings.pop(key, None)
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return folder


@pytest.fixture(params=["merging", "bos", "real"])
def folder(request, tmp_path) -> Path:
    if request.param == "merging":
        return merging(tmp_path / "merging")
    if request.param == "bos":  # the embedded model's own tokenizer puts a BOS in front
        return Path(shutil.copytree(WEIGHTS, tmp_path / "bos"))
    if REAL is None:
        pytest.skip("PROCTOR_REAL_MODEL names no folder of a real model")
    return Path(REAL)


def test_likelihoods_are_those_of_transformers(folder, tmp_path, request):
    report = tmp_path / "run"
    command = [sys.executable, "-m", "pytest", ROOT / "evals", "-m", "mmlu or hellaswag", "--variant=ppl"]
    command += [f"--limit={ROWS}", f"--model={folder}", f"--vllm-python={PYTHON}", f"--data-dir={DATA}"]
    command += ["--model-args=--dtype float32 --max-model-len 8192", f"--report-dir={report}", "-p", "no:cacheprovider"]
    done = subprocess.run(list(map(str, command)), cwd=tmp_path, capture_output=True, text=True, check=False)
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
    assert (straddling > 0) == ("merging" in request.node.name), straddling
    (mmlu,) = [task for task in json.loads((report / "report.json").read_text())["tasks"] if task["task"] == "mmlu"]
    if "merging" not in request.node.name:  # there a choice may take several tokens
        assert mmlu["usage"]["requests"] == ROWS + mmlu["usage"]["retries"]
