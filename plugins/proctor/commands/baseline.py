"""`proctor baseline`."""

from __future__ import annotations

import argparse
from pathlib import Path

from proctor.reporting import baseline, runs

HELP = "Write a run's scores, sample by sample, into a compact file to compare later runs with."
BASELINE_FILE = Path("baseline.json")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument("action", choices=["set"], help="set: make a run the baseline")
    parser.add_argument("run", metavar="RUN", type=Path, help="folder of the run")
    parser.add_argument(
        "--to", metavar="FILE", type=Path, default=BASELINE_FILE, help=f"file to write (default: {BASELINE_FILE})"
    )
    parser.add_argument("--partial", action="store_true", help="also where the run covers a part of its tasks")
    parser.add_argument(
        "--errors", action="store_true", help="also where samples ended in an error; these are left out"
    )


def run(chosen: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """Write the file. Raises ProctorError for a run that may be none."""
    run = runs.read(chosen.run)
    baseline.refuse(run, partial=chosen.partial, errors=chosen.errors)
    old = runs.read(chosen.to) if chosen.to.exists() else None
    size = baseline.write(run, chosen.to)
    for line in sorted(baseline.changes(old, run)) if old is not None else ():
        print(line)
    print(f"{chosen.to}: {run.model.get('name')}, {len(run.tasks)} tasks, {size / 1e6:.2f} MB")
    return 0
