"""What it costs that every answer is on disk before it is judged: samples a second with that and without, as a ratio.

    python benchmarks/journal.py --data-dir=DIR [--rounds 5]

All of gsm8k's rows, each way in turns: against a server that answers after 200 ms, 256 requests in flight; and by
`proctor:gold`, which answers at once, so that only the harness itself works: the worst case.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
from pathlib import Path

from throughput import rate_of, run_pytest, server

WITHOUT = """
from proctor.reporting.answers import Answers

Answers.write = lambda self, key, prompt_sha256, output: False
"""


def compare(what: str, data_dir: str, rounds: int, folder: Path, *options: str) -> None:
    """Print the median rates and the median of the ratios of neighbouring runs."""
    rates: dict[str, list[float]] = {"with": [], "without": []}
    for turn in range(rounds):
        # Which goes first changes: a machine that slows down must not count against one of them.
        for way in ("with", "without") if turn % 2 else ("without", "with"):
            plugin = ("-p", "without_answers") if way == "without" else ()
            report, _ = run_pytest(None, data_dir, folder, *options, *plugin)
            rates[way].append(rate_of(report))
    ratios = [kept / bare for kept, bare in zip(rates["with"], rates["without"], strict=True)]
    medians = {way: statistics.median(values) for way, values in rates.items()}
    print(
        f"{what:<24} with {medians['with']:7.1f} /s   without {medians['without']:7.1f} /s   "
        f"ratio {statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", required=True, type=os.path.abspath)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "without_answers.py").write_text(WITHOUT)
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [folder, os.environ.get("PYTHONPATH")]))
        with server(Path(folder), None) as url:
            compare("server, 200 ms", options.data_dir, options.rounds, Path(folder), f"--base-url={url}")
        compare("proctor:gold, no server", options.data_dir, options.rounds, Path(folder), "--model=proctor:gold")


if __name__ == "__main__":
    main()
