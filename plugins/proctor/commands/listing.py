"""`proctor list`."""

from __future__ import annotations

import argparse

from proctor import pages
from proctor.comparing import differences

HELP = "List the benchmarks that come with proctor."


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument("names", nargs="*", metavar="NAME", help="benchmark (default: all)")
    parser.add_argument("--markdown", action="store_true", help="as docs/benchmarks.md has it")


def run(chosen: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """Print a line for each benchmark."""
    some = pages.chosen(chosen.names)
    table = differences.aligned(pages.HEADS, pages.rows(some), left=len(pages.HEADS))
    for line in pages.markdown(some) if chosen.markdown else table:
        print(line)
    return 0
