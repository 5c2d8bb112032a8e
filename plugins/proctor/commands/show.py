"""`proctor show`."""

from __future__ import annotations

import argparse

from proctor import pages

HELP = "Show a benchmark's page: its protocol, and a prompt of each variant."


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument("name", metavar="NAME", help="benchmark")
    parser.add_argument("--variant", metavar="NAME", help="only this one")


def run(chosen: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """Print a benchmark's page, and a prompt of each variant."""
    (page,) = pages.chosen([chosen.name])
    for line in pages.shown(page, chosen.variant):
        print(line)
    return 0
