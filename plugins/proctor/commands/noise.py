"""`proctor noise`."""

from __future__ import annotations

import argparse
from pathlib import Path

from proctor.gating import gatefile, noise
from proctor.reporting import runs

HELP = "Say how much runs of one model differ: the spread of each score, and how many samples flip."


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument("runs", metavar="RUN", type=Path, nargs="+", help="folders of runs of the same model")
    parser.add_argument("--gate", metavar="FILE", type=Path, help="say whether its margins lie above the noise")
    parser.add_argument("--write", metavar="FILE", type=Path, help="keep it, for `noise:` in a gate file")


def run(chosen: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """Print how far runs are apart."""
    found = noise.measure([runs.read(place) for place in chosen.runs])
    for line in noise.told(found, gatefile.read(chosen.gate) if chosen.gate is not None else None):
        print(line)
    if chosen.write is not None:
        noise.write(found, chosen.write)
    return 0
