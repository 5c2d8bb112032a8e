"""Kill a run at random instants until it is done, and compare it with an undisturbed one.

    python benchmarks/resume.py [--kills 50] [--workers 0]

A scripted model answers sums after a delay. Each attempt is killed by
SIGKILL after a random time, and the next one goes on with --resume; once all kills are used up, the last one ends by
itself. Printed: what differs between the two reports apart from times, and how many samples were asked again (a window
for each kill, at most).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SOURCES = [ROOT / "plugins", ROOT / "fixtures", ROOT / "tests" / "plugin"]
BENCHMARK = """
from proctor import Benchmark, Sample, generate

sums = Benchmark("sums", main="right", prompt="{{ question }} =", data="sums.jsonl")


@sums.rows
def read(row):
    return Sample(question=row["question"], target=row["answer"])


@sums.test(generate(max_tokens=8))
def test_sums(sample, output, score):
    score(output.text.strip(), right=output.text.strip() == sample.target)
"""
CONCURRENCY = 8
WINDOW = 8 * CONCURRENCY
TIMES = ("id", "started", "seconds", "scoring_seconds", "command")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--samples", type=int, default=4000)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    random.seed(options.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder, options.samples)
        workers = ["-n", str(options.workers)] if options.workers else []
        whole, seconds = undisturbed(folder, workers)
        asked_before = len(asked(folder))
        kills = disturbed(folder, workers, options.kills, seconds)
        compare(folder, whole, kills, options, Counter(asked(folder)[asked_before:]))


def prepare(folder: Path, samples: int) -> None:
    rows = ({"question": f"{i} + {i}", "answer": str(2 * i)} for i in range(samples))
    (folder / "sums.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "test_sums.py").write_text(BENCHMARK)
    (folder / "script.json").write_text(json.dumps({"concurrency": CONCURRENCY, "delays": [["+", 0.02]]}))


def start(folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    plugins = ["-p", "xdist", "-p", "proctor.plugin", "-p", "fake_service"]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, SOURCES)),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PROCTOR_FAKE": str(folder),
    }
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", "-q", *plugins, *arguments],
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def undisturbed(folder: Path, workers: list[str]) -> tuple[dict[str, Any], float]:
    began = time.monotonic()
    process = start(folder, "--report-dir=whole", *workers)
    if process.wait() != 0:
        raise SystemExit(process.stderr.read().decode() if process.stderr else "the run failed")
    return json.loads((folder / "whole/report.json").read_text()), time.monotonic() - began


def disturbed(folder: Path, workers: list[str], kills: int, seconds: float) -> int:
    """Go on until the run is done; how many attempts were really killed."""
    killed, resume = 0, False
    while True:
        where = "--resume=cut" if resume else "--report-dir=cut"
        process = start(folder, where, *workers)
        if killed < kills:
            # Starting takes about a second: most instants fall into it or soon behind.
            wait = random.uniform(0.0, 1.5 + 2 * seconds / kills)
            try:
                process.wait(wait)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                killed += 1
                resume = (folder / "cut/parts/run.json").exists()
                if not resume and (folder / "cut").exists():
                    subprocess.run(["rm", "-r", str(folder / "cut")], check=True)
                continue
        if process.wait() != 0:
            raise SystemExit(process.stderr.read().decode() if process.stderr else "the run failed")
        return killed


def asked(folder: Path) -> list[str]:
    lines = (folder / "log.jsonl").read_text().splitlines()
    return [entry["prompt"] for entry in map(json.loads, lines) if "prompt" in entry]


def compare(folder: Path, whole: dict[str, Any], kills: int, options: argparse.Namespace, times: Counter[str]) -> None:
    cut = json.loads((folder / "cut/report.json").read_text())
    for report in (whole, cut):
        for key in TIMES:
            del report["run"][key]
    different = [key for key in whole if whole[key] != cut[key]]
    same = (folder / "whole/samples.jsonl").read_bytes() == (folder / "cut/samples.jsonl").read_bytes()
    again = sum(count - 1 for count in times.values())
    print(f"{options.samples} samples, {kills} kills, {options.workers or 1} processes")
    print(f"differences in report.json: {different or 'none'}; samples.jsonl {'the same' if same else 'DIFFERS'}")
    print(f"asked again: {again}, {again / max(1, kills):.1f} a kill; a window is {WINDOW}")
    if different or not same or again > kills * WINDOW:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
