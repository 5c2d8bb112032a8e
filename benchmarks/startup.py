"""Seconds from the command to the first answer, and what they consist of.

    python benchmarks/startup.py [--model=DIR --vllm-python=PYTHON --model-args=ARGUMENTS] [--replicas N] [--rounds 3]

Without --model it is the embedded model. A run of one gsm8k sample on bundled data is watched from outside: what it
prints, and the file to which its first answer is written. Of vLLM's own time, its log says how much was loading.
"""

from __future__ import annotations

import argparse
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
STEPS = {
    "pytest starts, collects": "starting",
    "the server starts, until a first token": "probing what",
    "its abilities are probed": " samples",
}
"""What is going on until a line with these words is printed."""
OF_VLLM = {
    "loading weights": re.compile(r"Loading weights took ([\d.]+) s"),
    "engine (cache, warm-up)": re.compile(r"init engine .* took ([\d.]+) s"),
}


def watched(options: list[str], folder: Path) -> dict[str, float]:
    """Seconds of each step of one run."""
    report = folder / "run"
    command = [sys.executable, "-u", "-m", "pytest", str(HERE / "evals"), "-k", "gsm8k", "--limit=1", "-p"]
    command += ["no:cacheprovider", "--data-dir=bundled", "--set", "gsm8k.max_tokens=1", f"--report-dir={report}"]
    began = last = time.monotonic()
    found: dict[str, float] = {}
    waiting = list(STEPS.items())
    with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True, cwd=folder) as run:
        assert run.stdout is not None
        for line in run.stdout:
            if waiting and line.startswith("proctor: ") and waiting[0][1] in line:
                now = time.monotonic()
                found[waiting.pop(0)[0]] = now - last
                last = now
            if not waiting:
                break
        while not any(path.stat().st_size for path in report.glob("parts/answers-*.jsonl")) and run.poll() is None:
            time.sleep(0.002)
        found["the first answer"] = time.monotonic() - last
        found["in all"] = time.monotonic() - began
        run.stdout.read()
    if run.wait():
        sys.exit(f"the run ended with {run.returncode}")
    log = "".join(path.read_text(errors="replace") for path in report.glob("service*.log"))
    for name, pattern in OF_VLLM.items():
        if seconds := pattern.findall(log):
            found[f"  of the server: {name}"] = max(map(float, seconds))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--model", "--vllm-python", "--model-args", "--replicas"):
        parser.add_argument(name)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    given = {name: value for name, value in vars(chosen).items() if name != "rounds" and value is not None}
    options = [f"--{name.replace('_', '-')}={value}" for name, value in given.items()]
    rounds = []
    for _ in range(chosen.rounds):
        with tempfile.TemporaryDirectory() as folder:
            rounds.append(watched(options, Path(folder)))
    for name in rounds[0]:
        print(f"{statistics.median(one[name] for one in rounds):7.1f} s  {name}")


if __name__ == "__main__":
    main()
