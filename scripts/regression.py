"""A real regression, end to end: a model against itself with its weights rounded to fewer bits, and the verdicts.

    python scripts/regression.py MODEL --data-dir=DIR --folder=NEW --vllm-python=PYTHON [--bits 8 4 3] [--limit=500]

MODEL: a folder in Hugging Face's layout. The weights of all linear layers are rounded, to the nearest of 2^bits - 1
levels that lie evenly around 0, in groups of 128 inputs that share a scale; the embedding is left. Each model is served
by vLLM and scored on hellaswag and mmlu; `proctor gate` judges the rounded ones by the whole one. Two runs of that say
first what runs of one model differ by.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

EVALS = Path(__file__).parent.parent / "evals"
GATES = """\
gates:
  - benchmarks: [hellaswag, mmlu]
    max_drop: 0.02
    no_significant_drop: 0.03
"""
GROUP = 128


def main() -> None:
    options = _parser().parse_args()
    options.folder.mkdir(parents=True)
    gates = options.folder / "gates.yaml"
    gates.write_text(GATES)
    whole, again = options.folder / "whole", options.folder / "again"
    _score(options, options.model, whole)
    _score(options, options.model, again)
    _proctor("noise", whole, again, "--gate", gates)
    for bits in options.bits:
        rounded = options.folder / f"{bits}-bits-model"
        round_model(options.model, rounded, bits)
        run = options.folder / f"{bits}-bits"
        _score(options, rounded, run)
        shutil.rmtree(rounded)
        print(f"\n{bits} bits", flush=True)
        _proctor("gate", run, "--baseline", whole, "--gate", gates)
    _proctor("compare", whole, *(options.folder / f"{bits}-bits" for bits in options.bits), "--flips", "0")


def round_model(source: Path, target: Path, bits: int) -> None:
    """A copy of a model's folder with rounded weights."""
    shutil.copytree(source, target)
    for file in target.glob("*.safetensors"):
        tensors = {
            name: rounded(weight, bits)
            if weight.ndim == 2 and "embed" not in name and "lm_head" not in name
            else weight
            for name, weight in load_file(file).items()
        }
        save_file(tensors, file, metadata={"format": "pt"})


def rounded(weight: np.ndarray, bits: int) -> np.ndarray:
    """Weights, shape (outputs, inputs), at the nearest level of their group."""
    outputs, inputs = weight.shape
    groups = np.pad(weight, ((0, 0), (0, -inputs % GROUP))).reshape(outputs, -1, GROUP)
    most = 2 ** (bits - 1) - 1
    scale = np.maximum(np.abs(groups).max(axis=2, keepdims=True), np.finfo(np.float32).tiny) / most
    levels = np.clip(np.rint(groups / scale), -most, most)
    return np.ascontiguousarray((levels * scale).reshape(outputs, -1)[:, :inputs].astype(weight.dtype))


def _score(options: argparse.Namespace, model: Path, run: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", EVALS, "-m", "(hellaswag or mmlu) and ppl", f"--model={model}"]
    command += [f"--data-dir={options.data_dir}", f"--report-dir={run}", f"--limit={options.limit}"]
    command += [f"--vllm-python={options.vllm_python}", f"--model-args={options.model_args}"]
    subprocess.run(command, check=True)


def _proctor(*arguments: object) -> None:
    subprocess.run([sys.executable, "-m", "proctor", *map(str, arguments)], check=False)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--data-dir", required=True)
    parser.add_argument("--folder", type=Path, required=True, help="is made; holds all runs")
    parser.add_argument("--vllm-python", required=True)
    parser.add_argument("--model-args", default="--dtype bfloat16 --max-model-len 4096 --enforce-eager")
    parser.add_argument("--bits", type=int, nargs="+", default=[8, 4, 3])
    parser.add_argument("--limit", type=int, default=500, help="samples of each benchmark (default: 500)")
    return parser


if __name__ == "__main__":
    main()
