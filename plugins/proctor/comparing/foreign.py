"""Sample logs of other harnesses, in proctor's own form: those of lm-eval (0.4) and of inspect_ai.

Formats are read without the packages that wrote them. What each adapter takes from a log, and what it leaves, stands in
its docstring.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from proctor.comparing import foreign_inspect, foreign_lm_eval
from proctor.errors import SetupError
from proctor.reporting import aggregate
from proctor.reporting.records import Record, travelling

SCHEMA = "proctor.report/1"
ADAPTERS = (foreign_lm_eval, foreign_inspect)


def recognised(place: Path) -> bool:
    """Whether `place` is a log that `read` reads. Looks at names and first bytes; never raises."""
    return any(_recognises(adapter, place) for adapter in ADAPTERS)


def _recognises(adapter: Any, place: Path) -> bool:
    try:
        return bool(adapter.recognised(place))
    except (OSError, ValueError):  # no rights, or a name that no file can have
        return False


def read(place: Path) -> tuple[dict[str, Any], Iterator[Record]]:
    """A log as (report, records): docs/reports.md has the form of both.

    The log is read once for the report, whose scores are proctor's own means of the log's values by sample, and once
    more by the records, one at a time. Raises SetupError that names file and line for a log that is damaged, and for
    one of another version.
    """
    adapter = next((adapter for adapter in ADAPTERS if _recognises(adapter, place)), None)
    if adapter is None:
        raise SetupError(
            f"{place}: no log of lm-eval (a folder with samples_*.jsonl, or one of these files) and none of inspect_ai "
            "(a .eval or .json file, or a folder with one)"
        )
    log = adapter.read(place)
    epochs = {aggregate.key(task): task["epochs"] for task in log.tasks}
    by_task: dict[tuple[str, str], list[Record]] = {key: [] for key in epochs}
    for record in log.records():
        by_task[aggregate.key(record)].append(travelling(record, epochs[aggregate.key(record)]))
    tasks = [aggregate.task_report(task, by_task[aggregate.key(task)]) for task in log.tasks]
    report = {
        "schema": SCHEMA,
        "run": {**log.run, "partial": log.run.get("partial", False) or aggregate.partial(tasks)},
        "model": {"capabilities": {}, **log.model},
        "tasks": tasks,
        "not_run": list(log.not_run),
        "gates": [],
    }
    return report, log.records()
