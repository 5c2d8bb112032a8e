"""What it costs the client to balance two endpoints: the same requests to one, by itself, and to two.

    python benchmarks/balance.py [--requests 4000] [--rounds 5]

Two scripted servers, each a process of its own, answer at once. The client's own processor time per request is
compared, in turns, since machines are noisy; `bare` is aiohttp alone, to one endpoint. With a bound on what a server
answers per second, the last lines show that two are asked twice as much.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
from proctor_service.client import Client, ClientSettings
from throughput import server

CONCURRENCY = 64
PATH = "/v1/completions"
BODY = {"model": "scripted", "prompt": "6 times 7 is", "max_tokens": 16, "temperature": 0.0, "n": 1}
Send = Callable[[], Awaitable[object]]


async def timed(send: Send, count: int) -> tuple[float, float]:
    """(processor time of this process per request, requests per second)."""
    gate = asyncio.Semaphore(CONCURRENCY)

    async def one() -> None:
        async with gate:
            await send()

    began, used = time.monotonic(), time.process_time()
    await asyncio.gather(*(one() for _ in range(count)))
    return (time.process_time() - used) / count, count / (time.monotonic() - began)


async def bare(urls: tuple[str, ...], count: int) -> tuple[float, float]:
    connector = aiohttp.TCPConnector(limit=CONCURRENCY)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def send() -> None:
            async with session.post(urls[0] + PATH, data=json.dumps(BODY)) as response:
                json.loads(await response.read())

        return await timed(send, count)


async def ours(urls: tuple[str, ...], count: int) -> tuple[float, float]:
    async with Client(ClientSettings(urls, CONCURRENCY)) as client:
        return await timed(lambda: client.post(PATH, BODY), count)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with server(folder, None, 0.0) as first, server(folder, None, 0.0) as second:
            ways = {
                "bare, one endpoint": (bare, (first,)),
                "client, one endpoint": (ours, (first,)),
                "client, two endpoints": (ours, (first, second)),
            }
            costs: dict[str, list[float]] = {way: [] for way in ways}
            for _ in range(options.rounds):
                for way, (function, urls) in ways.items():
                    costs[way].append(asyncio.run(function(urls, options.requests))[0])
        base = statistics.median(costs["client, one endpoint"])
        for way, cost in costs.items():
            value = statistics.median(cost)
            print(f"{way:<22} {value * 1e6:7.0f} µs of processor time a request   ratio {value / base:.2f}")
        with server(folder, 100.0, 0.0) as first, server(folder, 100.0, 0.0) as second:
            for urls in ((first,), (first, second)):
                rate = asyncio.run(ours(urls, 100 * 5 * len(urls)))[1]
                print(f"{len(urls)} endpoints of at most 100 requests/s: {rate:.0f} requests/s")


if __name__ == "__main__":
    main()
