"""Requests per second of the embedded model under Gunicorn with 1, 2 and 4 workers, beside its single process.

    python benchmarks/workers.py [--rounds 3] [--requests 240]

Every setting gets the same prompts, 64 at a time, each answered with 48 tokens, by the client that runs use. All
servers run all the time, idle but the one that is asked; the settings take turns, and the median of the rounds is
printed. What a second worker can bring depends on the cores that are free: the number of cores is printed, too.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import requests

HERE = Path(__file__).resolve().parent.parent
SOURCES = [str(HERE / "plugins"), str(HERE / "fixtures")]
sys.path[:0] = SOURCES
WORKERS = (1, 2, 4)
CONCURRENCY = 64
TOKENS = 48


@contextmanager
def server(folder: Path, words: list[str], workers: int) -> Iterator[str]:
    """The URL of a server that has answered as often as it takes for each worker to be ready."""
    port_file, log = folder / "port", folder / "log"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(SOURCES)}
    with log.open("wb") as out:
        command = [sys.executable, "-m", *words, "--port", "0", "--port-file", str(port_file)]
        process = subprocess.Popen(command, env=environment, stdout=out, stderr=out)
    try:
        while not port_file.exists() or log.read_text().count(" answers after ") < workers:
            if process.poll() is not None:
                sys.exit(log.read_text())
            time.sleep(0.05)
        url = f"http://127.0.0.1:{port_file.read_text()}"
        requests.get(f"{url}/health", timeout=60)
        yield url
    finally:
        process.terminate()
        process.wait()


async def ask(url: str, count: int) -> float:
    """Requests per second."""
    from proctor_service.client import Client, ClientSettings

    body = {"max_tokens": TOKENS, "temperature": 0, "ignore_eos": True}
    prompts = [f"Question: Tom has {n} apples and buys {n + 3}. How many has he?\nAnswer:" for n in range(count)]
    async with Client(ClientSettings((url,), concurrency=CONCURRENCY, retries=0)) as client:
        started = time.perf_counter()
        await asyncio.gather(*(client.post("/v1/completions", {**body, "prompt": prompt}) for prompt in prompts))
        return count / (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--requests", type=int, default=240)
    options = parser.parse_args()
    settings = {"single process": (["proctor_service.embedded"], 0)}
    for count in WORKERS:
        name = f"{count} worker{'s' if count > 1 else ''}"
        settings[name] = (["proctor_service.serving", "--workers", str(count)], count)
    rates: dict[str, list[float]] = {name: [] for name in settings}
    with ExitStack() as stack:
        urls = {}
        for name, (words, workers) in settings.items():
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            urls[name] = stack.enter_context(server(folder, words, workers))
        for _ in range(options.rounds):
            for name, url in urls.items():
                rates[name].append(asyncio.run(ask(url, options.requests)))
    base = statistics.median(rates["single process"])
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    print(f"{options.requests} requests of {TOKENS} tokens, {CONCURRENCY} at a time; {cores} cores; median of rounds")
    for name, found in rates.items():
        value = statistics.median(found)
        print(f"{name:<16} {value:7.1f} /s   ratio {value / base:.2f}")


if __name__ == "__main__":
    main()
