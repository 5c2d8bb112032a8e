"""Time to collect all of MMLU, one subject of it, and another benchmark alone.

python benchmarks/collection.py --data-dir=DIR [--rounds 3]
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent


def collect(data_dir: str, *options: str) -> tuple[float, str]:
    """Wall time in seconds of `pytest --collect-only`, and what pytest says that it collected."""
    command = [sys.executable, "-m", "pytest", str(HERE / "evals"), "--collect-only", "-qq", "-p", "no:cacheprovider"]
    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        done = subprocess.run(
            [*command, "--model=proctor:gold", f"--data-dir={data_dir}", *options],
            capture_output=True,
            text=True,
            cwd=folder,
            check=False,
        )
    seconds = time.monotonic() - started
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    counts = re.findall(r": (\d+)$", done.stdout, re.M)
    return seconds, f"{sum(map(int, counts))} samples"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", required=True, type=os.path.abspath)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    for arguments in (("-m", "mmlu"), ("-m", "mmlu", "--variant=all"), ("-k", "astronomy"), ("-k", "gsm8k")):
        runs = [collect(options.data_dir, *arguments) for _ in range(options.rounds)]
        print(f"{' '.join(arguments):<24} {statistics.median(seconds for seconds, _ in runs):6.2f} s   {runs[0][1]}")


if __name__ == "__main__":
    main()
