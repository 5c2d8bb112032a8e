"""Benchmarks whose data cannot be had: one skipped item each, that says what to do; the others run.

A benchmark is absent as a whole. One of which a part is there, or a broken file, is an error, as is a download that
fails: whoever has begun with it wants to know.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from proctor.benchmark import Task
from proctor.data.manifest import Source, by_hand, find_files

FEW = 8
"""So many are told with their reasons, more by their names."""


def reason(name: str, source: Source, root: Path, folder: Path, published: bool) -> str | None:
    """Why nothing of a benchmark is in a data root; None where something is, or where it will be fetched.

    `folder` is that of its files. `published`: the root is the cache of a model that is scored on the published data.
    """
    if published and source.fetchable:
        return None
    if source.folder is None or folder != root / source.folder:
        there = folder.is_dir() and any(folder.iterdir())
    else:  # another benchmark's folder: what else is in it says nothing
        there = any(find_files(folder, pattern) for pattern in source.patterns)
    if there:
        return None
    if source.form is not None:
        return f"{name}: {by_hand(source, root / name)}"
    if published:
        return (
            f"{name}: this model is scored on the full data: --data-dir=DIR names a folder with {name}/<file>, "
            "--data-dir=bundled takes the few bundled samples for a quick look"
        )
    instead = "" if not source.fetchable else f"; `proctor fetch {name} --data-dir={root}` fetches it"
    return f"{name}: {root} has no {folder.name}/{source.files}{instead}"


def without_judge(name: str) -> str:
    """Why a benchmark whose outputs a judge model reads is not run without one."""
    return (
        f"{name}: needs a judge model: --judge=NAME names one as --model does, --judge-base-url=URL a server, and "
        "--judge alone the entry `judge` of models.yaml"
    )


class AbsentItem(pytest.Item):
    """A benchmark that cannot be run, in one of its variants."""

    def __init__(
        self, *, task: Task, obj: Any, why: str, marks: list[pytest.Mark], words: Iterable[str], **keywords: Any
    ) -> None:
        super().__init__(**keywords)
        self.task = task
        self.obj = obj
        self.why = why
        self.own_markers.extend(marks)
        self.extra_keyword_matches.update(words)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, self.obj.__code__.co_firstlineno - 1, self.name

    def runtest(self) -> None:
        raise pytest.skip.Exception(self.why, _use_item_location=True)


def chosen(items: Sequence[pytest.Item], variant: str) -> list[AbsentItem]:
    """One item for each absent benchmark: of its default variant, or of the one asked for, where that survived."""
    found: dict[str, AbsentItem] = {}
    for item in items:
        if isinstance(item, AbsentItem) and variant in ("default", "all", item.task.variant):
            name = item.task.benchmark.name
            if name not in found or item.task is item.task.benchmark.default:
                found[name] = item
    return list(found.values())


def not_run(items: Iterable[pytest.Item]) -> list[dict[str, str]]:
    """What the report says of them, by name."""
    found = [
        {"task": item.task.benchmark.name, "variant": item.task.variant, "reason": item.why}
        for item in items
        if isinstance(item, AbsentItem)
    ]
    return sorted(found, key=lambda one: one["task"])


def told(absent: Sequence[dict[str, str]]) -> list[str]:
    """Lines for a person: of a few the reasons, of more the names."""
    if len(absent) <= FEW:
        return [one["reason"] for one in absent]
    names = ", ".join(one["task"] for one in absent)
    return [
        f"{len(absent)} benchmarks, whose data or judge are not there: {names}",
        f"the first of them, {absent[0]['reason']}",
    ]


def alone(items: Sequence[pytest.Item]) -> str | None:
    """What is wrong with a run in which nothing else is selected; None where something is."""
    absent = not_run(items)
    if not absent or len(absent) < len(items):
        return None
    if len(absent) == 1:
        return absent[0]["reason"]
    return "\n  ".join(["nothing can be run, for want of data or of a judge:", *told(absent)])
