"""The command `proctor`: what is not a test run, as a table of subcommands."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import entry_points
from typing import Protocol

from proctor import __version__
from proctor.commands import (
    agreement,
    baseline,
    check,
    compare,
    export,
    fetch,
    gate,
    listing,
    noise,
    published,
    show,
)
from proctor.errors import DataError, ProctorError, SetupError


class Command(Protocol):
    """A subcommand, which is a module: one of ours, or of another package's entry point in `proctor.commands`."""

    HELP: str

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add what the command takes."""

    def run(self, chosen: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
        """Do it; the exit code. A ProctorError that it raises is told, and is exit code 1 or 4."""


COMMANDS: Mapping[str, Command] = {
    "list": listing,
    "show": show,
    "check": check,
    "compare": compare,
    "baseline": baseline,
    "noise": noise,
    "gate": gate,
    "published": published,
    "agreement": agreement,
    "fetch": fetch,
    "export": export,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with `arguments`, by default those of the process; returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="proctor", description="Language model evaluation with pytest: what is not a test run."
    )
    parser.add_argument("--version", action="version", version=f"proctor {__version__}")
    table = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, command in (*COMMANDS.items(), *_added()):
        own = table.add_parser(name, help=command.HELP, description=command.HELP)
        command.arguments(own)
        own.set_defaults(command=command, parser=own)
    chosen = parser.parse_args(arguments)
    try:
        code: int = chosen.command.run(chosen, chosen.parser)
        sys.stdout.flush()
        return code
    except ProctorError as error:
        print(f"proctor: {error}", file=sys.stderr)
        return 4 if isinstance(error, SetupError) and not isinstance(error, DataError) else 1
    except BrokenPipeError:  # who reads has seen enough, as `head` has
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print("\nproctor: interrupted; what has come is kept", file=sys.stderr)
        return 130


def _added() -> Iterator[tuple[str, Command]]:
    return ((entry.name, entry.load()) for entry in entry_points(group="proctor.commands"))
