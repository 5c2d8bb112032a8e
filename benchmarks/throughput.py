"""Samples per second of a gsm8k run, beside a bare client on the same prompts and the same server.

    python benchmarks/throughput.py --data-dir=DIR [--rounds 3]

The server answers every request after 200 ms. `bare` is aiohttp with one pool and 256 requests in flight, and does
nothing with the answers. A run's rate is over `scoring_seconds` of its report: from the first ask to the last score,
without pytest's start, collection and the probing of the endpoint; `wall` is the whole command.
Each setting is measured in turns, and the median of the rounds is printed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp

HERE = Path(__file__).resolve().parent.parent
CONCURRENCY = 256
LATENCY = 0.2


@contextmanager
def server(folder: Path, rate: float | None, latency: float = LATENCY) -> Iterator[str]:
    """A scripted server as a process of its own; yields its URL."""
    command = [sys.executable, str(HERE / "tests/service/scripted_server.py"), "--latency", str(latency)]
    command += ["--answer", " She has 40 + 2 = <<40+2=42>>42.\n#### 42", *(["--rate", str(rate)] if rate else [])]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1]
    finally:
        process.terminate()
        process.wait()


def run_pytest(url: str | None, data_dir: str, folder: Path, *options: str) -> tuple[Path, float]:
    """One run over all rows; its report folder and the wall time of the command in seconds.

    url: of the server; None where the options name the model.
    """
    report = Path(tempfile.mkdtemp(dir=folder)) / "run"
    command = [sys.executable, "-m", "pytest", str(HERE / "evals"), "-k", "gsm8k", "-p", "no:cacheprovider"]
    command += [f"--base-url={url}"] if url else []
    command += [f"--data-dir={data_dir}", f"--report-dir={report}", f"--concurrency={CONCURRENCY}"]
    started = time.monotonic()
    done = subprocess.run([*command, *options], capture_output=True, text=True, cwd=folder, check=False)
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    return report, time.monotonic() - started


def rate_of(report: Path) -> float:
    """Samples per second while asking and judging."""
    content = json.loads((report / "report.json").read_text())
    return sum(task["samples"]["scored"] for task in content["tasks"]) / content["run"]["scoring_seconds"]


async def bare(url: str, prompts: list[str]) -> float:
    """Requests per second of aiohttp alone."""
    gate = asyncio.Semaphore(CONCURRENCY)
    body = {"model": "scripted", "max_tokens": 512, "temperature": 0, "stop": ["\nQuestion:"]}

    async def ask(session: aiohttp.ClientSession, prompt: str) -> None:
        async with gate, session.post(url, json={**body, "prompt": prompt}) as response:
            await response.json()

    connector = aiohttp.TCPConnector(limit=CONCURRENCY)
    async with aiohttp.ClientSession(connector=connector) as session:
        started = time.monotonic()
        await asyncio.gather(*(ask(session, prompt) for prompt in prompts))
        return len(prompts) / (time.monotonic() - started)


def compare(data_dir: str, rounds: int, rate: float | None, folder: Path) -> None:
    """Print one line for each way of asking: samples/s, its ratio to the bare client's, wall time."""
    with server(folder, rate) as url:
        report, _ = run_pytest(url, data_dir, folder)
        prompts = [json.loads(line)["prompt"] for line in (report / "samples.jsonl").open(encoding="utf-8")]
        ways = {"one process": (), "-n 2": ("-n", "2")}
        bares: list[float] = []
        rates: dict[str, list[float]] = {way: [] for way in ways}
        walls: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(rounds):
            bares.append(asyncio.run(bare(url.rstrip("/") + "/v1/completions", prompts)))
            for way, options in ways.items():
                report, wall = run_pytest(url, data_dir, folder, *options)
                rates[way].append(rate_of(report))
                walls[way].append(wall)
    limit = f"at most {rate:.0f} requests/s" if rate else "no limit of its own"
    base = statistics.median(bares)
    print(f"\n{len(prompts)} prompts, {LATENCY * 1000:.0f} ms, concurrency {CONCURRENCY}, server with {limit}")
    print(f"{'bare client':<14} {base:8.1f} /s")
    for way in ways:
        value = statistics.median(rates[way])
        print(f"{way:<14} {value:8.1f} /s   ratio {value / base:.2f}   wall {statistics.median(walls[way]):.1f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", required=True, type=os.path.abspath)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        compare(options.data_dir, options.rounds, None, Path(folder))
        compare(options.data_dir, options.rounds, 300.0, Path(folder))


if __name__ == "__main__":
    main()
