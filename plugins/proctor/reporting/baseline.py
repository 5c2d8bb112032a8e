"""Baselines: a run's scores in one compact file that is kept beside the code."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from proctor.errors import SetupError
from proctor.reporting import reports, runs
from proctor.reporting.runs import ScoredRun
from proctor.statistics import scores


def refuse(run: ScoredRun, *, partial: bool, errors: bool) -> None:
    """Raise SetupError for a run that did not cover its tasks or had errors, unless these are allowed."""
    for task in run.tasks.values():
        counts = task.about["samples"]
        failed = sum(counts["errors"].values())
        done = counts["scored"] + failed
        if done < counts["total"] and not partial:
            raise SetupError(
                f"{run.place}: {task.name} covers {done} of {counts['total']} samples; --partial makes it a baseline "
                "all the same, for runs on the same part"
            )
        if failed and not errors:
            raise SetupError(
                f"{run.place}: {failed} samples of {task.name} ended in an error; --resume asks them again, "
                "--errors leaves them out"
            )


def write(run: ScoredRun, path: Path) -> int:
    """Write a baseline in one step, and return its size in bytes. Raises SetupError where that cannot be."""
    text = json.dumps(runs.to_baseline(run), ensure_ascii=False, separators=(",", ":")).replace('],"', '],\n"') + "\n"
    return reports.write_text(path, text)


def changes(old: ScoredRun, new: ScoredRun) -> Iterator[str]:
    """What a new baseline changes against the old one, a line for each task."""
    for key in old.tasks.keys() | new.tasks.keys():
        before, after = old.tasks.get(key), new.tasks.get(key)
        name = " ".join(key)
        if before is None or after is None:
            yield f"{name}: {'is new' if before is None else 'is not there any more'}"
            continue
        differs = "; ".join(runs.incomparable(before, after))
        yield f"{name}: {after.main} {_mean(before)} → {_mean(after)}" + (
            f"; asked otherwise: {differs}" if differs else ""
        )


def _mean(task: runs.ScoredTask) -> str:
    values = [sample.scores[task.main] for sample in task.samples.values() if task.main in sample.scores]
    if not values:
        return "–"
    return f"{reports.score({'value': scores.score(values, task.aggregate(task.main))})} (n {len(values):,})"
