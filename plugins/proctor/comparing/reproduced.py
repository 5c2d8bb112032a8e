"""A run beside published scores: which of them lie in the intervals about ours, and what was asked otherwise.

The interval is that of our score over samples drawn anew. Where a run covers the whole set, the published score is of
the same samples, and what these are by chance is in both: a score outside the interval differs by protocol, weights or
rows, and one within it may do so too. Where a run is of a random part, the interval is what it should be.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from proctor.comparing.published import Column, Figure, Published, shown
from proctor.errors import SetupError
from proctor.reporting import aggregate, reports

Task = Mapping[str, Any]
"""An entry of a report's `tasks`."""
HEADS = ("task", "metric", "source", "published", "here", "95 % interval", "±", "n", "verdict")
LEFT = 3
ROUNDING_ERROR = 1e-9
WIDEST = 15.0
"""Percentage points to each side: what lies within a wider interval may be the score of any other model."""
WITHIN, OUTSIDE, UNLIKE = "within", "outside", "not comparable"


@dataclass(frozen=True, slots=True)
class Score:
    """Ours, on the scale of the published one."""

    value: float
    low: float
    high: float
    n: int

    @property
    def half(self) -> float:
        """Half the width of the interval."""
        return (self.high - self.low) / 2


@dataclass(frozen=True, slots=True)
class Line:
    """A figure beside the score of one variant; `score` is None where the run has none. `said` what differs."""

    figure: Figure
    variant: str
    score: Score | None
    verdict: str
    said: Sequence[str]

    @property
    def beyond(self) -> float:
        """How far the published score lies outside our interval; 0 within it."""
        if self.score is None:
            return 0.0
        return max(0.0, self.score.low - self.figure.score, self.figure.score - self.score.high)

    def cells(self) -> tuple[str, ...]:
        task = f"{self.figure.column.name} ({self.variant})"
        ours = ("–", "–", "–", "–")
        if self.score is not None:
            one = self.score
            ours = (
                f"{one.value:.2f}",
                f"{one.low:.2f} … {one.high:.2f}",
                f"{one.half:.1f}",
                f"{one.n:,}",
            )
        verdict = f"{OUTSIDE} by {self.beyond:.2f}" if self.verdict == OUTSIDE else self.verdict
        return (task, self.figure.column.metric, self.figure.source, shown(self.figure), *ours, verdict)


def model_of(published: Published, report: Mapping[str, Any], wished: str | None) -> str:
    """Whose figures a run is put beside: of the model that is wished, else of the one that it names itself.

    Raises SetupError where no figures of it are known.
    """
    if wished is not None:
        return published.named(wished)
    about = report["model"]
    found = published.model(about.get("name"), about.get("id"))
    if found is None:
        name = about.get("name") or about.get("id") or "a model without a name"
        raise SetupError(
            f"no figures of {name} are known, which the run names as its model; --model=NAME says beside whose it is "
            "put, and `proctor published` lists them"
        )
    return found


def beside(published: Published, report: Mapping[str, Any], model: str, sizes: Mapping[str, int]) -> list[Line]:
    """A line for each figure of the model and each variant of it that the run has, in the run's order of tasks.

    sizes: by benchmark, how many samples the authors' files hold, where that is known.
    """
    tasks: dict[str, dict[str, Task]] = {}
    for task in report["tasks"]:
        tasks.setdefault(task["task"], {})[task["variant"]] = task
    places = {name: place for place, name in enumerate(tasks)}
    own = [figure for figure in published.figures if figure.model == model]
    own.sort(key=lambda figure: min(places.get(name, len(places)) for name in figure.column.benchmarks))
    foreign = published.model(report["model"].get("name"), report["model"].get("id")) != model
    weights = [f"weights: {report['model'].get('name')}"] if foreign else []
    fewer = {task["task"]: said for task in report["tasks"] for said in _fewer(task, sizes.get(task["task"]))}
    return [line for figure in own for line in _lines(figure, tasks, weights, fewer)]


def _fewer(task: Task, size: int | None) -> Iterator[str]:
    """That the run's files are not the whole ones."""
    total = task["samples"]["total"] // task.get("epochs", 1)
    left_out = sum(task["data"].get("excluded", {}).values())
    if size is not None and task["data"]["origin"] != "bundled" and total not in (size, size - left_out):
        yield f"the data hold {total:,} samples, the authors' {size:,}"


def _lines(
    figure: Figure, tasks: Mapping[str, Mapping[str, Task]], weights: Sequence[str], fewer: Mapping[str, str]
) -> Iterator[Line]:
    """A figure beside each variant of its benchmark that asks alike; where none does, beside the first."""
    column = figure.column
    having = [tasks.get(name, {}) for name in column.benchmarks]
    if not any(having):
        return
    names = [name for name in next(own for own in having if own) if all(name in own for own in having)]
    if not names:
        lacking = [name for name, own in zip(column.benchmarks, having, strict=True) if not own]
        why = f"the run has no {' and no '.join(lacking)}" if lacking else "no variant is in all of them"
        yield Line(figure, "–", None, UNLIKE, [why])
        return
    more = [*weights, *(fewer[name] for name in column.benchmarks if name in fewer)]
    lines = [_line(figure, name, [own[name] for own in having], more) for name in names]
    alike = [line for line in lines if column.variant in (None, line.variant)] or lines[:1]
    yield from [line for line in alike if line.score is not None] or alike[:1]


def _line(figure: Figure, variant: str, tasks: Sequence[Task], more: Sequence[str]) -> Line:
    column = figure.column
    score = _score(column, tasks)
    hindered = [*_hindrances(column, variant, tasks)]
    if score is None:
        hindered += [f"the run has no such score: {column.metric}{_part(column)}"]
    said = [*hindered, *more, *_differences(column, tasks)]
    line = Line(figure, variant, score, UNLIKE if hindered else WITHIN, said)
    if score is None or hindered:
        return line
    # A published score may be rounded from one within.
    if line.beyond > figure.rounding + ROUNDING_ERROR:
        return replace(line, verdict=OUTSIDE)
    if score.half > WIDEST:
        few = f"{score.n:,} samples are too few: ± {score.half:.1f} would hold almost any score"
        return replace(line, verdict=UNLIKE, said=[few, *said])
    return line


def _part(column: Column) -> str:
    if column.group is not None:
        return f" of {column.group[0]} {column.group[1]}"
    return f" as a mean by {column.macro}" if column.macro is not None else ""


def _hindrances(column: Column, variant: str, tasks: Sequence[Task]) -> Iterator[str]:
    """Why a score cannot be compared with a figure: what differs in kind."""
    if column.unlike:
        yield column.unlike
    if column.variant not in (None, variant):
        yield f"published is {column.variant}"
    for task in tasks:
        if task["data"]["origin"] == "bundled":
            yield "bundled samples, not the published ones"
            break
    for task in tasks:
        if column.shots is not None and bool(column.shots) != bool(task["shots"]):
            yield f"published with {_shots(column.shots)}, here {task['shots']}"
            break


def _shots(count: int) -> str:
    return f"{count} shot{'' if count == 1 else 's'}"


def _differences(column: Column, tasks: Sequence[Task]) -> Iterator[str]:
    """What else is otherwise, of the protocol and of the run."""
    here = tasks[0]["shots"]
    if column.shots is None:
        yield f"shots not said, here {here}"
    elif column.shots != here and column.shots and here:
        yield f"published with {_shots(column.shots)}, here {here}"
    if column.note:
        yield column.note
    for task in tasks:
        name = f"{task['task']}: " if len(tasks) > 1 else ""
        yield from (f"{name}{remark}" for remark in aggregate.remarks(task))
        if task["parameters"].get("temperature"):
            yield f"{name}temperature {task['parameters']['temperature']:g} here"


def _score(column: Column, tasks: Sequence[Task]) -> Score | None:
    """Our score, or the mean of several; None where the run has it not, or has no interval about it.

    The interval of a mean of independent scores has their distances to the ends, squared and added (Zou & Donner 2008,
    Statistics in Medicine 27:1693-1702).
    """
    scores = [_one(column, task) for task in tasks]
    known = [score for score in scores if score is not None]
    if len(known) < len(scores):
        return None
    if len(known) == 1:
        return known[0]
    mean = sum(score.value for score in known) / len(known)
    down = math.sqrt(sum((score.value - score.low) ** 2 for score in known)) / len(known)
    up = math.sqrt(sum((score.high - score.value) ** 2 for score in known)) / len(known)
    return Score(mean, mean - down, mean + up, sum(score.n for score in known))


def _one(column: Column, task: Task) -> Score | None:
    if column.group is not None:
        axis, group = column.group
        having = task["groups"].get(axis, {}).get(group, {})
    elif column.macro is not None:
        having = task["macro"].get(column.macro, {})
    else:
        having = task["metrics"]
    entry = having.get(column.metric)
    if entry is None or None in entry["ci95"]:
        return None
    scale = reports.scale(entry)
    low, high = entry["ci95"]
    return Score(scale * entry["value"], scale * low, scale * high, entry["n"])


# --- how it is told ---------------------------------------------------------------------------------------------------


def head(report: Mapping[str, Any], model: str, place: str) -> str:
    about = report["model"]
    engine = " ".join(filter(None, [about.get("engine"), about.get("engine_version")]))
    partial = ", partial" if report["run"].get("partial") else ""
    return f"{model} as published, beside {place}: {about.get('name')} ({engine}){partial}"


def foot(lines: Sequence[Line], figures: int) -> Iterator[str]:
    """How many of a model's figures were compared, and what that means."""
    counts = {verdict: sum(line.verdict == verdict for line in lines) for verdict in (WITHIN, OUTSIDE, UNLIKE)}
    absent = figures - len({id(line.figure) for line in lines})
    more = f"; {absent} more are of benchmarks that the run does not have" if absent else ""
    yield f"{counts[WITHIN]} within, {counts[OUTSIDE]} outside, {counts[UNLIKE]} not comparable{more}"
    if counts[WITHIN]:
        yield "within: the published score lies in our interval, which finds no difference smaller than its ±"
