"""`proctor fetch`."""

from __future__ import annotations

import argparse
from pathlib import Path

from proctor import pages
from proctor.comparing import differences
from proctor.data import fetch_plan
from proctor.data.fetch import Fetched, cache_root, named, offline
from proctor.errors import DataError

HELP = "Download the published data of benchmarks into the cache, where runs with a real model look for them."


"""pytest's exit code of a run that Ctrl-C ended."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    cache = str(cache_root()).replace("%", "%%")
    parser.add_argument("names", nargs="*", metavar="NAME", help="benchmark whose published data are fetched")
    parser.add_argument("--all", action="store_true", help="fetch those of every benchmark")
    parser.add_argument(
        "--data-dir",
        "--cache",
        metavar="DIR",
        type=Path,
        help=f"data root to fill, as pytest's --data-dir takes it (default: {cache}; PROCTOR_CACHE moves it)",
    )
    parser.add_argument(
        "--plan", "--dry-run", action="store_true", help="say what would be fetched, how much, under which licences"
    )
    parser.add_argument("--mirror", metavar="URL", help="ask this host in place of the published ones")
    parser.add_argument("--force", action="store_true", help="download again, and replace what is there")


def run(chosen: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """Fetch what is named, and print what came of it."""
    known = pages.known_sources()
    if bool(chosen.names) == chosen.all:
        parser.error(f"name benchmarks, or --all; there are: {', '.join(sorted(known))}")
    root = (chosen.data_dir or cache_root()).expanduser().absolute()
    if problems := named(known, chosen.names, root):
        parser.error("; ".join(problems))
    planned = fetch_plan.plan(known, dict.fromkeys(chosen.names) or known, root, chosen.force)
    if len(planned) > 1 or chosen.plan:  # of one alone, each file is told as it comes
        lines = differences.aligned(fetch_plan.HEADS, [one.row for one in planned], left=9)
        print("\n".join([*lines, "", *fetch_plan.told(planned, root)]), flush=True)
    if chosen.plan:
        return 0
    coming = [one.name for one in planned if one.state in fetch_plan.COMING]
    if chosen.all and coming and (forbidden := offline()):
        raise DataError(f"{forbidden} forbids to fetch what is not there: {', '.join(coming)}")

    def done(name: str, found: Fetched) -> str:
        if chosen.all and not found.new:
            return ""  # the plan has it
        files = f"{found.files} file{'s' if found.files > 1 else ''}, {found.size / 1e6:.1f} MB"
        published = known[name].fetch
        known_good = published is None or all(pin.sha256 for pin in published.pins)  # the hub has one of each
        how = "verified" if known_good else "as first fetched (not each file has a published sha256 to verify it by)"
        return f"{name}: {'fetched and' if found.new else 'there already,'} {how}: {files} in {found.folder}"

    outcome = fetch_plan.fetch_all(planned, root, done, mirror=chosen.mirror, force=chosen.force)
    if chosen.all:
        print(outcome.summary())
    return int(bool(outcome.failed))
