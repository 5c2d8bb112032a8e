"""`proctor check`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from proctor import checking, pages

HELP = "Run the self-check models over all rows: gold answers must score 1, empty ones 0. Exit code 1 where not."


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument("names", nargs="*", metavar="NAME", help="benchmark (default: all)")
    parser.add_argument(
        "--data-dir", metavar="DIR", help="data root with the published rows (default: the bundled ones)"
    )


def run(chosen: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """A row for each task, as soon as it is known; exit code 1 where anything is wrong."""
    some, widths = pages.chosen(chosen.names), (24, 8, 8, 8, 7, 7, 9, 9, 0)
    data_dir = None if chosen.data_dir is None else str(Path(chosen.data_dir).expanduser().absolute())
    if data_dir is not None and not Path(data_dir).is_dir():
        parser.error(f"--data-dir {chosen.data_dir}: no such folder")
    wrong = 0

    def told(cells: Sequence[str]) -> None:
        others = [cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True)]
        print("  ".join([cells[0].ljust(widths[0]), *others]).rstrip(), flush=True)

    told(checking.HEADS)
    for found in checking.check_all(some, data_dir):
        wrong += sum(bool(one.faults) for one in found)
        for one in found:
            told(one.cells())
    print(f"{len(some)} benchmarks, {wrong} tasks with faults")
    return 1 if wrong else 0
