"""`proctor export`."""

from __future__ import annotations

import argparse
from pathlib import Path

from proctor import checking, pages
from proctor.data import ultraeval
from proctor.data.reading import load
from proctor.errors import DataError

HELP = "Write the samples of benchmarks in another harness's format."


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument("names", nargs="+", metavar="NAME", help="benchmark whose samples are written")
    parser.add_argument("--format", choices=["ultraeval"], required=True, help="ultraeval: its JSON lines")
    parser.add_argument(
        "--data-dir", metavar="DIR", type=Path, help="data root with the published rows (default: the bundled ones)"
    )
    parser.add_argument(
        "--output", metavar="FOLDER", type=Path, default=Path("datasets"), help="folder to fill (default: datasets)"
    )


def run(chosen: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """Write the files. Raises ProctorError for a benchmark whose form this cannot be."""
    root = None if chosen.data_dir is None else chosen.data_dir.expanduser().absolute()
    if root is not None and not root.is_dir():
        parser.error(f"--data-dir {chosen.data_dir}: no such folder")
    some = pages.chosen(list(dict.fromkeys(chosen.names)))
    for page in some:  # before anything is written
        ultraeval.refuse(page.benchmark.name, chosen.output)
        if root is not None and (why := checking.lacking(page, root)):
            raise DataError(why)
    for page in some:
        name = page.benchmark.name
        found = load(page.benchmark, root, page.benchmark.shots)
        done = ultraeval.write(name, found.samples, found.shots, chosen.output, found.source.groups)
        for line in ultraeval.told(name, done):
            print(line)
        for reason, count in found.excluded.items():
            print(f"{name}: left out, as in every run: {count} rows: {reason}")
    return 0
