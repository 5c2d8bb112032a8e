"""`proctor compare`."""

from __future__ import annotations

import argparse
from pathlib import Path

from proctor.comparing import compare, differences
from proctor.reporting import reports

HELP = "Say what differs between runs: scores by task and group with paired intervals, and the samples that flipped."


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument(
        "runs",
        metavar="RUN",
        type=Path,
        nargs="+",
        help="folders of runs, the first being compared with; also baseline files, lm-eval's output with "
        "--log_samples, logs of inspect_ai",
    )
    parser.add_argument(
        "--metric",
        metavar="NAME",
        help="compare this one; NAME:OTHER where it has another name in other runs (default: the main one, then all)",
    )
    parser.add_argument(
        "--groups",
        metavar="AXIS",
        help=f"show the groups of an axis, of `all`, or `none` (default: of axes with up to {differences.FEW})",
    )
    parser.add_argument(
        "--flips", metavar="N", default="3", help="show N samples lost and N gained of each task, or `all` (default: 3)"
    )
    parser.add_argument("--full", action="store_true", help="show prompts and outputs of these in full")
    parser.add_argument(
        "--pair",
        choices=compare.PAIRING,
        default="auto",
        help="what makes two samples one: their id or their prompt (default: the id, where both are of the same data)",
    )
    parser.add_argument(
        "--task",
        metavar="OTHER=NAME",
        action="append",
        default=[],
        help="take a task called OTHER for NAME; repeatable",
    )
    parser.add_argument("--markdown", metavar="FILE", type=Path, help="write the tables and flips as Markdown too")


def run(chosen: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """Print what differs."""
    if len(chosen.runs) < 2:
        parser.error("name two runs or more")
    if chosen.flips != "all" and not chosen.flips.isdecimal():
        parser.error(f"--flips {chosen.flips}: a number or `all` is needed")
    names = dict(pair.split("=", 1) for pair in chosen.task if "=" in pair)
    if len(names) < len(chosen.task):
        parser.error("--task: OTHER=NAME is needed, as gsm8k_cot=gsm8k")
    name, _, other = (chosen.metric or "").partition(":")
    wish = compare.Wish((name, other or name) if name else None, chosen.pair)
    several = [compare.read(place, names) for place in chosen.runs]
    known = {task for run in several for task, _ in run.tasks}
    if missing := [other for other, name in names.items() if name not in known]:
        parser.error(f"--task {missing[0]}={names[missing[0]]}: no run has a task called {missing[0]}")
    found = compare.compare(several, wish)
    count = None if chosen.flips == "all" else int(chosen.flips)
    told = differences.Told(found, chosen.groups, count, chosen.full, names)
    for line in told.text():
        print(line)
    if chosen.markdown is not None:
        reports.write_text(chosen.markdown, "\n".join(told.markdown()) + "\n")
    return 0
