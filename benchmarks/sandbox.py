"""How many programs a second the sandbox runs: `python benchmarks/sandbox.py [COUNT]`."""

import asyncio
import os
import sys
import time

from proctor.model import Limits, Program
from proctor_service.sandbox import LocalSandbox

SQUARE = Program(
    program="def square(x):\n    return x * x\n",
    entry_point="square",
    setup="",
    check="def check(candidate):\n" + "".join(f"    assert candidate({x}) == {x * x}\n" for x in range(8)),
)


async def run(sandbox: LocalSandbox, count: int) -> float:
    """Seconds for `count` programs."""
    started = time.perf_counter()
    found = await asyncio.gather(*(sandbox.run(SQUARE, Limits()) for _ in range(count)))
    assert all(one.passed for one in found)
    return time.perf_counter() - started


def main(count: int) -> None:
    sandbox = LocalSandbox()
    rate = count / asyncio.run(run(sandbox, count))
    print(f"{rate:.1f} programs a second, {os.cpu_count()} cores, isolation: {', '.join(sandbox.isolation)}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
