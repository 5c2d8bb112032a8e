"""The files of a run: report.json and summary.md, from plain records."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from proctor.errors import SetupError
from proctor.gating import verdicts
from proctor.reporting import aggregate, endpoints

SCHEMA = "proctor.report/1"
SUMMARY_BYTES = 1_000_000
"""The most that summary.md holds: GitHub drops a job summary of more than 1 MiB as a whole."""
VERSIONS = ("pytest-proctor", "pytest", "pytest-xdist", "aiohttp", "openai", "numpy", "tokenizers", "jinja2")

Report = dict[str, Any]


def build(
    *,
    tasks: Sequence[Mapping[str, Any]],
    records: Sequence[Mapping[str, Any]],
    model: Mapping[str, Any],
    run: Mapping[str, Any],
    gates: Sequence[Mapping[str, Any]] = (),
    not_run: Sequence[Mapping[str, Any]] = (),
    judge: Mapping[str, Any] | None = None,
) -> Report:
    """report.json as docs/reports.md has it; `tasks` are descriptions, `records` the samples' outcomes."""
    by_task: dict[tuple[str, str], list[Mapping[str, Any]]] = {aggregate.key(task): [] for task in tasks}
    for record in records:
        by_task[aggregate.key(record)].append(record)
    entries = [aggregate.task_report(task, by_task[aggregate.key(task)]) for task in tasks]
    return {
        "schema": SCHEMA,
        "run": {**run, "versions": versions(), "platform": platform.platform(), "partial": aggregate.partial(entries)},
        "model": dict(model),
        **({} if judge is None else {"judge": dict(judge)}),
        "tasks": entries,
        "not_run": [dict(task) for task in not_run],
        "gates": [dict(verdict) for verdict in gates],
    }


def versions() -> dict[str, str]:
    """Versions of what takes part in a score."""
    found = {"python": platform.python_version()}
    for name in VERSIONS:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            # A checkout that is not installed has no metadata of its own.
            if name == "pytest-proctor":
                found[name] = sys.modules["proctor"].__version__
    return found


def write_json(path: Path, report: Report) -> None:
    """Raises SetupError where that cannot be."""
    write_text(path, json.dumps(report, ensure_ascii=False, indent=1, allow_nan=False) + "\n")


def write_text(path: Path, text: str) -> int:
    """Write a file in one step, with its folder, and return its size in bytes. Raises SetupError where that fails."""
    fresh = path.with_name(f"{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_text(text, encoding="utf-8")
        os.replace(fresh, path)
    except OSError as error:
        if fresh.is_file():
            fresh.unlink()
        raise SetupError(f"{path}: cannot be written: {error.strerror}") from None
    return len(text.encode())


def score(entry: Mapping[str, Any]) -> str:
    """A score: times 100 where it is a share, as it is otherwise."""
    return f"{scale(entry) * entry['value']:.2f}"


def interval(entry: Mapping[str, Any]) -> str:
    """The two ends of an interval, on the scale of its score."""
    low, high = entry["ci95"]
    factor = scale(entry)
    return "–" if low is None or high is None else f"{factor * low:.2f} … {factor * high:.2f}"


def scale(entry: Mapping[str, Any]) -> int:
    """What a score is told times: 100 where it is a share."""
    return 100 if entry.get("share", 0 <= entry["value"] <= 1) else 1


def summary(report: Report, most: int = SUMMARY_BYTES) -> str:
    """summary.md: scores with intervals, groups, what went wrong, and where the numbers come from.

    Where it would be more than `most` bytes, the largest tables of groups are left out, then rows of gates.
    """
    head = [f"# {report['model']['name']}", ""]
    gates = verdicts.table(report["gates"])
    scores = _scores(report)
    tables = [table for task in report["tasks"] for table in _group_tables(task)]
    tail = ["", *_measured(report)]
    over = sum(map(verdicts.size, (head, gates, scores, *tables, tail))) - most
    for table in sorted(tables, key=verdicts.size, reverse=True):
        if over <= 0:
            break
        before = verdicts.size(table)
        table[TITLE:] = [f"*{len(table) - TITLE - 2:,} rows are left out: report.json has all groups.*"]
        over -= before - verdicts.size(table)
    if over > 0:
        gates = verdicts.table(report["gates"], verdicts.size(gates) - over)
    return "\n".join([*head, *gates, *scores, *(line for table in tables for line in table), *tail]) + "\n"


TITLE = 3
"""Lines of a table of groups before the table itself."""


def _scores(report: Report) -> list[str]:
    lines = [_sentence(report), "", "| task | metric | score | 95 % interval | n | |", "|---|---|--:|:-:|--:|---|"]
    for task in report["tasks"]:
        lines += _rows(task)
    for task in report["not_run"]:
        lines.append(f"| {task['task']} | | not run | | | {verdicts.cell(task['reason'])} |")
    return lines


def _measured(report: Report) -> list[str]:
    run = report["run"]
    lines = ["## How it was measured", ""]
    for task in report["tasks"]:
        data = task["data"]
        lines.append(
            f"- **{task['task']}** {task['variant']}, version {task['version']}, {task['shots']} shots, "
            f"{data['rows']} rows{_left_out(data['excluded'])} ({data['origin']}, sha256 `{data['sha256'][:12]}`), "
            f"prompt `{task['prompt_sha256'][:12]}`, "
            + ", ".join(
                filter(None, [_form(task), _parameters(task["parameters"]), _parameters(task.get("signatures", {}))])
            )
        )
    lines += [f"- endpoint {endpoints.told(entry)}" for entry in report["model"].get("endpoints", ())]
    lines += [f"- {line}" for line in report["model"].get("account", {}).get("lines", ())]
    if "judge" in report:
        lines.append(f"- {_judge(report['judge'])}")
        lines += [f"- judge: endpoint {endpoints.told(entry)}" for entry in report["judge"].get("endpoints", ())]
        lines += [f"- judge: {line}" for line in report["judge"].get("account", {}).get("lines", ())]
    lines += [
        f"- command: `{run['command']}`",
        f"- run `{run['id']}`, {run['seconds']:.1f} s, exit code {run['exit_code']}",
    ]
    return lines


def _judge(judge: Mapping[str, Any]) -> str:
    """The judge model in a sentence."""
    engine = " ".join(filter(None, [judge.get("engine"), judge.get("engine_version")]))
    itself = "; **it judges itself**, and models prefer what they write" if judge.get("judges_itself") else ""
    known = judge.get("preflight", {}).get("cases")
    right = f"; all of {known} known cases right before the run" if known else ""
    return f"judge: **{judge.get('name')}** (`{judge.get('id')}`, {engine or 'an unknown engine'}){right}{itself}"


def _form(task: Mapping[str, Any]) -> str:
    """In which form a chat model was asked; nothing of other models."""
    if "chat" not in task:
        return "raw prompt to a chat model" if task.get("raw_prompt") else ""
    system = task["chat"]["system"]
    told = "" if system is None else f" and the system prompt `{json.dumps(system, ensure_ascii=False)}`"
    return f"asked as a chat model with few-shots as {task['chat']['fewshot_as']}{told}"


def _left_out(excluded: Mapping[str, int]) -> str:
    """Of the rows, those of which no sample was made, by reason."""
    return "".join(f", {count} of them left out: {reason}" for reason, count in excluded.items())


def _sentence(report: Report) -> str:
    model, run = report["model"], report["run"]
    engine = " ".join(filter(None, [model.get("engine"), model.get("engine_version")]))
    whole = "**Partial:** not every sample was scored. " if run["partial"] else ""
    return f"{whole}Scored on {run['started']} with {engine or 'an unknown engine'}."


def _rows(task: Mapping[str, Any]) -> list[str]:
    said = "; ".join(aggregate.remarks(task))
    names = sorted(task["metrics"], key=lambda name: name != task["main"])
    rows = []
    for name in names:
        entry = task["metrics"][name]
        shown = f"**{score(entry)}**" if name == task["main"] else score(entry)
        rows.append(
            f"| {task['task']} {task['variant']} | {name} | {shown} | {interval(entry)} | {entry['n']} | "
            f"{said if name == task['main'] else ''} |"
        )
    for name, entry in task.get("over_epochs", {}).get("scores", {}).items():
        rows.append(
            f"| {task['task']} {task['variant']} | {name}, of {task['epochs']} epochs | {score(entry)} | "
            f"{interval(entry)} | {entry['n']} | |"
        )
    if not names:
        rows.append(f"| {task['task']} {task['variant']} | {task['main']} | – | – | 0 | {said} |")
    return rows


def _group_tables(task: Mapping[str, Any]) -> list[list[str]]:
    """The lines of a table for each axis."""
    tables: list[list[str]] = []
    main = task["main"]
    # The axis with the fewest groups first: categories before subjects.
    for axis, groups in sorted(task["groups"].items(), key=lambda item: len(item[1])):
        lines = ["", f"## {task['task']} {task['variant']} by {axis}", "", f"| {axis} | {main} | 95 % interval | n |"]
        lines.append("|---|--:|:-:|--:|")
        for group, metrics in groups.items():
            if main in metrics:
                entry = metrics[main]
                name = verdicts.cell(group.replace("_", " "))
                lines.append(f"| {name} | {score(entry)} | {interval(entry)} | {entry['n']} |")
        macro = task["macro"][axis].get(main)
        if macro:
            lines.append(f"| *mean of the {len(groups)}* | {score(macro)} | {interval(macro)} | {macro['n']} |")
        tables.append(lines)
    return tables


def _parameters(parameters: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} `{json.dumps(value, ensure_ascii=False)}`" for name, value in parameters.items())
