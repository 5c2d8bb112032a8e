"""What can be found wrong with gates: before a sample is asked, and by the scores that there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from proctor.errors import SetupError
from proctor.gating import gatefile
from proctor.gating.gatefile import Gate, Gates, Margin, Reliable
from proctor.reporting import runs
from proctor.reporting.runs import ScoredRun, ScoredTask
from proctor.statistics import epochs, scores


def check(
    gates: Gates,
    tasks: Mapping[tuple[str, str], Mapping[str, Any]],
    baseline: ScoredRun | None,
    noise: Mapping[str, Any] | None = None,
    absent: Sequence[tuple[str, str]] = (),
) -> None:
    """Find what can be known before a sample is asked. `tasks`: what is going to run, as in a report.

    `absent`: what does not run since its data cannot be had; a gate on it is MISSING.

    Raises SetupError for a gate on a task that does not run, for one that needs a baseline where there is none, and
    for a baseline that was asked otherwise.
    """
    for gate in gates.gates:
        chosen = list(filter(gate.means, tasks))
        for pattern in gate.benchmarks:
            if not any(gatefile.matches(pattern, task) for task in (*tasks, *absent)):
                names = ", ".join(" ".join(key) for key in tasks) or "none"
                raise SetupError(f"{gates.path}:{gate.line}: no task that runs is called {pattern}; there are: {names}")
        _check_epochs(gates, gate, [tasks[key] for key in chosen])
        if noise is not None and any(rule in gatefile.SCORED for rule in gate.rules):
            known = {(own["task"], own["variant"]) for own in noise["tasks"]}
            if missing := [key for key in chosen if key not in known]:
                raise SetupError(
                    f"{gates.path}:{gate.line}: {gates.noise} says nothing of {' '.join(missing[0])}: make it of runs "
                    "that have it too"
                )
        if baseline is None:
            needs = next((name for name in gate.rules if name in gatefile.NEED_BASELINE), None)
            if needs is not None:
                raise SetupError(
                    f"{gates.path}:{gate.line}: {needs} compares with a baseline: name one with --baseline=RUN"
                )
            continue
        for key in chosen:
            if key in baseline.tasks:
                _check_names(gates, gate, baseline.tasks[key])
                check_margins(gates, gate, baseline.tasks[key])
            if key in baseline.tasks and any(name in gatefile.NEED_BASELINE for name in gate.rules):
                differs = runs.incomparable(baseline.tasks[key], ScoredTask(tasks[key], {}))
                if differs:
                    raise SetupError(
                        f"{baseline.place} and this run asked {' '.join(key)} otherwise, so that "
                        f"{gates.path}:{gate.line} cannot compare them:" + "".join(f"\n  {one}" for one in differs)
                    )


def _check_names(gates: Gates, gate: Gate, task: ScoredTask) -> None:
    """Raise SetupError for a metric or a group that the baseline has not, where it is compared with."""
    if not task.samples or not any(name in gatefile.NEED_BASELINE for name in gate.rules):
        return
    where = f"{gates.path}:{gate.line}: the baseline's {task.name} has no"
    derived = gate.metric and task.epochs > 1 and epochs.derived(gate.metric)
    if gate.metric and gate.metric not in task.metrics and not derived:
        raise SetupError(f"{where} metric {gate.metric}; there are: {', '.join(sorted(task.metrics))}")
    axis, pattern = gate.group or (gate.average, "*")
    if axis is not None:
        groups = sorted({one.groups[axis] for one in task.samples.values() if axis in one.groups})
        if not any(fnmatchcase(group, pattern) for group in groups):
            axes = dict.fromkeys(name for one in task.samples.values() for name in one.groups)
            known = ", ".join(groups) if groups else f"axes {', '.join(axes) or 'none'}"
            raise SetupError(f"{where} group {axis}={pattern}; there are: {known}")


def check_margins(gates: Gates, gate: Gate, task: ScoredTask) -> None:
    """Raise SetupError for a margin or a floor that no score of a task can reach, where all its scores are shares."""
    metric = gate.metric or task.main
    aggregate = task.aggregate(metric)
    values = (one.scores[metric] for one in task.samples.values() if metric in one.scores)
    if not (scores.aggregate_of(aggregate).share if aggregate else all(0 <= value <= 1 for value in values)):
        return
    for rule, wanted in gate.rules.items():
        value = wanted if isinstance(wanted, float) else wanted.value if isinstance(wanted, Margin) else 0.0
        if not 0 <= value <= 1:
            hint = f"; {value / 100:g} are {value:g} of 100" if 1 < value <= 100 else ""
            raise SetupError(
                f"{gates.path}:{gate.line}: {rule}: {value:g} cannot be, since {metric} of {task.name} lies between 0 "
                f"and 1{hint}"
            )


def _check_epochs(gates: Gates, gate: Gate, tasks: Sequence[Mapping[str, Any]]) -> None:
    wanted = gate.rules.get("min_pass")
    for task in tasks:
        epochs = task.get("epochs", 1)
        if isinstance(wanted, Reliable) and wanted.epochs != epochs:
            raise SetupError(
                f"{gates.path}:{gate.line}: min_pass is of {wanted.epochs} epochs, and {task['task']} "
                f"{task['variant']} has {epochs}: --epochs={wanted.epochs} asks as often"
            )
