"""`proctor gate`."""

from __future__ import annotations

import argparse
from pathlib import Path

from proctor.errors import SetupError
from proctor.gating import gates, verdicts
from proctor.gating.items import Gating
from proctor.reporting import reports, runs
from proctor.reporting.runs import ScoredRun

HELP = "Judge a run that exists by the rules of a file. Exit code 10: a gate failed; 11: one is undecided."
INTERRUPTED = 2


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument("candidate", metavar="CANDIDATE", type=Path, help="folder of the run that is judged")
    parser.add_argument("--gate", metavar="FILE", type=Path, required=True, help="rules, as docs/gates.md has them")
    parser.add_argument("--baseline", metavar="RUN", type=Path, help="a run's folder, or a baseline file")
    parser.add_argument(
        "--markdown", metavar="FILE", type=Path, help="write the verdicts as a table too, for a pull request comment"
    )


def run(chosen: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    """Print the verdicts; the exit code is that of a run with these gates."""
    gating = Gating(chosen.gate, chosen.baseline)
    candidate = runs.read(chosen.candidate)
    if candidate.run.get("exit_code") == INTERRUPTED:
        raise SetupError(
            f"{candidate.place}: this run was interrupted, and is not judged; --resume={candidate.place}, added to its "
            "command, goes on with it"
        )
    found = gates.judge(gating.gates, candidate, gating.baseline, gating.noise)
    records = [verdict.as_record() for verdict in found]
    if chosen.markdown is not None:
        reports.write_text(chosen.markdown, verdicts.comment(records, _compared(candidate, gating.baseline)))
    for record in records:
        print(f"{record['verdict']:<12}  {verdicts.line(record)}")
    if untrusted := _untrusted(candidate):
        print(untrusted)
        return gates.TOO_MANY_ERRORS
    return gates.exit_code(found)


def _compared(candidate: ScoredRun, baseline: ScoredRun | None) -> str:
    """What was judged by what, in a sentence of Markdown."""

    def told(run: ScoredRun) -> str:
        return f"{run.model.get('name')}, run `{run.run.get('id')}` of {run.run.get('started')}"

    untrusted = _untrusted(candidate)
    return (
        (f"**{untrusted}**\n\n" if untrusted else "")
        + f"Judged: {told(candidate)}."
        + ("" if baseline is None else f" Compared with: {told(baseline)}.")
    )


def _untrusted(run: ScoredRun) -> str:
    """A sentence on a run whose verdicts say little, or nothing."""
    if run.run.get("exit_code") != gates.TOO_MANY_ERRORS:
        return ""
    errors = sum(sum(task.about["samples"]["errors"].values()) for task in run.tasks.values())
    return f"{errors} samples ended in an error, more than the run's budget allows: no verdict on it can be trusted."
