"""How much runs of one model differ: what no margin of a gate should be below."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

from proctor import reports, runs, scores
from proctor.errors import SetupError
from proctor.gatefile import Gates, Margin
from proctor.runs import ScoredRun, ScoredTask

NOISE = "proctor.noise/1"


def measure(several: Sequence[ScoredRun]) -> dict[str, Any]:
    """Spread of each score over runs of one model, and how many samples flip between two of them on average.

    Raises SetupError for fewer than two runs, and for runs that asked otherwise or another model.
    """
    if len(several) < 2:
        raise SetupError("the noise of a model is what its runs differ by: name two of them or more")
    first = several[0]
    for other in several[1:]:
        if (first.model.get("id"), first.model.get("revision")) != (other.model.get("id"), other.model.get("revision")):
            raise SetupError(
                f"{first.place} is of {first.model.get('name')} and {other.place} of {other.model.get('name')} (or of "
                "another revision): noise is that of one model"
            )
        for key, task in first.tasks.items():
            if key in other.tasks and (differs := runs.incomparable(task, other.tasks[key])):
                raise SetupError(f"{first.place} and {other.place} asked {task.name} otherwise: {'; '.join(differs)}")
    shared = [key for key in first.tasks if all(key in other.tasks for other in several)]
    return {
        "schema": NOISE,
        "model": {name: first.model.get(name) for name in ("name", "id", "revision")},
        "runs": [run.place for run in several],
        "tasks": [_task([run.tasks[key] for run in several]) for key in shared],
    }


def _task(tasks: Sequence[ScoredTask]) -> dict[str, Any]:
    metrics = {}
    for name in sorted(set.intersection(*(task.metrics for task in tasks))):
        keys = set.intersection(*({key for key, one in task.samples.items() if name in one.scores} for task in tasks))
        values = [[task.samples[key].scores[name] for key in keys] for task in tasks]
        means = [scores.score(own, tasks[0].aggregate(name)) for own in values]
        flips = [sum(a != b for a, b in zip(one, other, strict=True)) for one, other in combinations(values, 2)]
        metrics[name] = {
            "n": len(keys),
            "mean": statistics.fmean(means),
            "spread": statistics.stdev(means),
            "lowest": min(means),
            "highest": max(means),
            "flips": statistics.fmean(flips),
        }
    about = tasks[0].about
    return {"task": about["task"], "variant": about["variant"], "main": about["main"], "metrics": metrics}


def told(noise: dict[str, Any], gates: Gates | None) -> Iterator[str]:
    """Lines for a person; with gates, whether each margin lies above what runs of one model differ by."""
    count = len(noise["runs"])
    for task in noise["tasks"]:
        for name, metric in task["metrics"].items():
            share = metric["flips"] / metric["n"] if metric["n"] else 0.0
            yield (
                f"{task['task']} {task['variant']} {name}: {100 * metric['mean']:.2f} over {count} runs, spread "
                f"{100 * metric['spread']:.2f} ({100 * metric['lowest']:.2f} to {100 * metric['highest']:.2f}); "
                f"{metric['flips']:.1f} of {metric['n']:,} samples flip between two runs ({100 * share:.2f} %)"
            )
    for gate in gates.gates if gates is not None else ():
        for rule, wanted in gate.rules.items():
            if rule != "max_drop" or not isinstance(wanted, Margin):
                continue
            for task in noise["tasks"]:
                metric = task["metrics"].get(gate.metric or task["main"])
                if metric is None or not gate.means((task["task"], task["variant"])):
                    continue
                margin = wanted.value * abs(metric["mean"]) if wanted.relative else wanted.value
                reach = 1.96 * 2**0.5 * metric["spread"]
                yield (
                    f"{task['task']} {task['variant']}: a margin of {100 * margin:.2f} lies "
                    f"{'above' if margin > reach else 'BELOW'} what two runs of one model differ by "
                    f"({100 * reach:.2f}, 19 of 20 times)"
                )


def write(noise: dict[str, Any], path: Path) -> None:
    """Raises SetupError where that cannot be."""
    reports.write_json(path, noise)


def read(path: Path) -> dict[str, Any]:
    """What `write` wrote. Raises SetupError."""
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if content["schema"] != NOISE:
            raise KeyError("schema")
    except (OSError, ValueError, KeyError, TypeError):
        raise SetupError(f"{path}: no noise file; `proctor noise RUN RUN... --write={path.name}` makes one") from None
    return content
