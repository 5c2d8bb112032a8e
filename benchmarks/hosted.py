"""Requests per second of the client for hosted APIs beside the one for servers of one's own, on the same server.

    python benchmarks/hosted.py [--requests 2000] [--concurrency 64] [--rounds 3]

The scripted API answers every chat completion after 200 ms, so that at concurrency 64 no client can get more than 320
a second. The one client is `openai`'s with proctor's limits, account and records; the other is aiohttp with proctor's
retries; `bound` is the first with --max-tokens-total, whose account opens and closes each request in a file. Each
is measured in turns, and the median of the rounds is printed.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(HERE / "plugins"), str(HERE / "fixtures")]

from proctor_service.client import Client, ClientSettings  # noqa: E402
from proctor_service.hosted.account import Account, Bounds  # noqa: E402
from proctor_service.hosted.client import HostedClient, HostedSettings  # noqa: E402
from proctor_service.hosted.model import HostedModel, Taken  # noqa: E402

LATENCY = 0.2
PROMPT = "Question: what is 2 + 2?\nAnswer: four\n\n" * 80


@contextmanager
def server() -> Iterator[str]:
    """A scripted API as a process of its own; yields its URL."""
    command = [sys.executable, str(HERE / "tests/service/hosted_server.py"), "--latency", str(LATENCY), "--no-key"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1]
    finally:
        process.terminate()
        process.wait()


async def rate(count: int, ask: Callable[[], Awaitable[object]]) -> tuple[float, float]:
    """Requests per second, and seconds of processor time per request, after a first one that opens the way."""
    await ask()
    began, worked = time.perf_counter(), time.process_time()
    await asyncio.gather(*(ask() for _ in range(count)))
    return count / (time.perf_counter() - began), (time.process_time() - worked) / count


async def hosted(url: str, count: int, concurrency: int, bounds: Bounds) -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as folder:
        account = Account(Path(folder, "account.db"), bounds, begin=True)
        async with HostedClient(HostedSettings(url, "gpt-tiny", concurrency=concurrency), account) as client:
            client.pace.limit = float(concurrency)  # what it finds by itself within a few answers
            model = HostedModel(client, Taken())
            return await rate(count, lambda: model.generate(PROMPT, max_tokens=64))


async def own(url: str, count: int, concurrency: int) -> tuple[float, float]:
    body = {"model": "gpt-tiny", "messages": [{"role": "user", "content": PROMPT}], "max_tokens": 64}
    body |= {"temperature": 0.0, "top_p": 1.0, "n": 1}
    async with Client(ClientSettings((url,), concurrency)) as client:
        return await rate(count, lambda: client.post("/v1/chat/completions", body))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    count, concurrency = options.requests, options.concurrency
    found: dict[str, list[tuple[float, float]]] = {"aiohttp": [], "hosted": [], "bound": []}
    with server() as url:
        for _ in range(options.rounds):
            found["aiohttp"].append(asyncio.run(own(url, count, concurrency)))
            found["hosted"].append(asyncio.run(hosted(url, count, concurrency, Bounds())))
            found["bound"].append(asyncio.run(hosted(url, count, concurrency, Bounds(tokens=10**12))))
    base = statistics.median(rate for rate, _ in found["aiohttp"])
    for name, values in found.items():
        value, work = (statistics.median(column) for column in zip(*values, strict=True))
        print(
            f"{name:<8} {value:7.1f} /s   ratio {value / base:.2f}   {1000 * work:.2f} ms of processor time a request"
        )


if __name__ == "__main__":
    main()
