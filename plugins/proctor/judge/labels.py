"""People's labels of a run's outputs beside a judge model's: `proctor agreement HUMAN.csv RUN`.

A CSV file with a header and a line for each label:

    sample   the sample's id, as samples.jsonl has it
    label    a grade of the task's scale; of comparisons win, tie or loss, of the model's answer
    task     the benchmark, where the run has several that a judge took part in
    rater    who said so, where several people did
"""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from proctor.errors import SetupError
from proctor.reporting import runs
from proctor.statistics.agreement import POWER, agreement, kappa_interval, prediction_powered
from proctor.statistics.intervals import Estimate, mean_interval

COLUMNS = ("sample", "label")
VERDICTS = ("loss", "tie", "win")
HEADS = ("", "labels", "agreement", "95 % interval", "kappa", "95 % interval", "weighted", "95 % interval")


@dataclass(frozen=True, slots=True)
class Label:
    """What a person said of a sample; `where` is file and line."""

    sample: str
    label: str
    rater: str
    task: str
    where: str


@dataclass(frozen=True, slots=True)
class Judged:
    """A task's samples with a judge's opinions. `order`: the labels there are; `values`: by sample; `groups`: by it.

    `left_out`: samples without an opinion; `errors` among them, the others needed none.
    """

    task: str
    judge: str
    order: Sequence[Any]
    values: Mapping[str, Any]
    groups: Mapping[str, Mapping[str, str]]
    left_out: int
    errors: int

    def worth(self, label: Any) -> float:
        """A label as a share: 0 the worst, 1 the best."""
        return self.order.index(label) / (len(self.order) - 1)


def read(path: Path) -> list[Label]:
    """The labels of a file. Raises SetupError for one that cannot be read, and for a line that lacks something."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SetupError(f"{path}: cannot be read: {error}") from None
    head = text.partition("\n")[0]
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=";" if ";" in head and "," not in head else ",")
    columns = [name.strip() for name in rows.fieldnames or ()]
    if missing := [name for name in COLUMNS if name not in columns]:
        raise SetupError(
            f"{path}: no column {missing[0]!r} in its first line; it has: {', '.join(columns) or 'nothing'}"
        )
    rows.fieldnames = columns
    found: list[Label] = []
    for row in rows:
        where = f"{path}:{rows.line_num}"
        cells = {name: (row.get(name) or "").strip() for name in ("sample", "label", "rater", "task")}
        if empty := [name for name in COLUMNS if not cells[name]]:
            raise SetupError(f"{where}: the column {empty[0]!r} is empty")
        found.append(Label(**cells, where=where))
    if not found:
        raise SetupError(f"{path}: holds no label, only the names of its columns")
    return found


def judged(place: Path) -> dict[str, Judged]:
    """The tasks of a run that a judge took part in. Raises SetupError where there is none."""
    report = runs.report(place)
    records: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for line in runs.lines(place / "samples.jsonl"):
        if line.get("epoch", 0) == 0:
            records.setdefault((line["task"], line["variant"]), []).append(line)
    found = {key: lines for key, lines in records.items() if any("judge" in line for line in lines)}
    if not found:
        raise SetupError(f"{place}: no judge took part in this run; --rescore={place} --judge=NAME asks one about it")
    judge = str(report.get("judge", {}).get("name"))
    several = Counter(task for task, _ in found)
    names = {(task, variant): task if several[task] == 1 else f"{task}_{variant}" for task, variant in found}
    return {names[key]: _judged(names[key], judge, lines) for key, lines in found.items()}


def _judged(task: str, judge: str, lines: Sequence[Mapping[str, Any]]) -> Judged:
    """lines: of all samples, those whose judge failed included."""
    scale = next(line for line in lines if "judge" in line).get("scale")
    order = VERDICTS if not scale else tuple(range(scale[0], scale[1] + 1))
    with_opinion = [line for line in lines if line["outcome"] == "scored" and line.get("opinions")]
    return Judged(
        task,
        judge,
        order,
        {line["sample"]: line["judge"]["verdict"] for line in with_opinion},
        {line["sample"]: line.get("groups", {}) for line in with_opinion},
        len(lines) - len(with_opinion),
        sum(line["outcome"] == "error" for line in lines),
    )


def matched(labels: Sequence[Label], tasks: Mapping[str, Judged]) -> dict[str, dict[str, dict[str, Any]]]:
    """Labels by task, sample and rater. Raises SetupError for one that fits no sample, no scale, or is there twice."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for one in labels:
        if not one.task and len(tasks) > 1:
            raise SetupError(f"{one.where}: a column `task` must say which is meant: {', '.join(tasks)}")
        name = one.task or next(iter(tasks))
        if name not in tasks:
            raise SetupError(f"{one.where}: the run has no judged task {name!r}; it has: {', '.join(tasks)}")
        task = tasks[name]
        if one.sample not in task.values:
            known = ", ".join(list(task.values)[:3])
            raise SetupError(
                f"{one.where}: no judge's opinion of a sample {one.sample!r} is in {name}; it has {known}, ..."
            )
        by_rater = found.setdefault(name, {}).setdefault(one.sample, {})
        if one.rater in by_rater:
            who = f" by {one.rater}" if one.rater else "; a column `rater` tells people apart"
            raise SetupError(f"{one.where}: sample {one.sample!r} is labelled twice{who}")
        by_rater[one.rater] = _label(one, task)
    return found


def _label(one: Label, task: Judged) -> Any:
    known = {str(label): label for label in task.order}
    if (text := one.label.lower()) not in known:
        raise SetupError(f"{one.where}: the label {one.label!r} is none of {', '.join(known)}")
    return known[text]


# --- what is told -----------------------------------------------------------------------------------------------------


def rows(task: Judged, people: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, ...]]:
    """A row under HEADS for all labels, one for each group of each axis, and one of people among themselves."""
    yield _row("all", task, people)
    axes = list(dict.fromkeys(axis for sample in people for axis in task.groups[sample]))
    for axis in axes:
        for group in sorted({task.groups[sample].get(axis, "") for sample in people} - {""}):
            own = {sample: said for sample, said in people.items() if task.groups[sample].get(axis) == group}
            yield _row(f"  {group}", task, own)
    among = [(sample, pair) for sample, said in people.items() for pair in combinations(said.values(), 2)]
    if among:
        yield _cells("people among themselves", task, [pair for _, pair in among], [sample for sample, _ in among])


def _row(name: str, task: Judged, people: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    pairs = [(label, task.values[sample]) for sample, said in people.items() for label in said.values()]
    return _cells(name, task, pairs, [sample for sample, said in people.items() for _ in said])


def _cells(name: str, task: Judged, pairs: Sequence[tuple[Any, Any]], samples: Sequence[str]) -> tuple[str, ...]:
    share = agreement(pairs, samples)
    plain, weighted = (kappa_interval(pairs, task.order, samples, power) for power in (0, POWER))
    return (name, str(len(pairs)), *_shown(share, 100), *_shown(plain, 1), *_shown(weighted, 1))


def _shown(estimate: Estimate, scale: int) -> tuple[str, str]:
    if math.isnan(estimate.value):
        return "–", "–"
    if estimate.low is None or estimate.high is None:
        return f"{scale * estimate.value:.2f}", "–"
    return f"{scale * estimate.value:.2f}", f"{scale * estimate.low:.2f} … {scale * estimate.high:.2f}"


def scores(task: Judged, people: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str, str, str]]:
    """Name, score, interval and number of samples: the judge's, people's, and the judge's corrected by people's."""
    labels = {sample: sum(map(task.worth, said.values())) / len(said) for sample, said in people.items()}
    judge = {sample: task.worth(value) for sample, value in task.values.items()}
    others = [value for sample, value in judge.items() if sample not in labels]
    corrected = prediction_powered(list(labels.values()), [judge[sample] for sample in labels], others)
    found = (
        ("judge", mean_interval(list(judge.values()))),
        ("people", mean_interval(list(labels.values()))),
        (f"judge corrected by people ({_how(corrected.power, others)})", corrected.estimate),
    )
    for name, estimate in found:
        yield name, *_shown(estimate, 100), str(estimate.n)


def _how(power: float, others: Sequence[float]) -> str:
    return f"λ {power:.2f}" if others else "every sample is labelled"


def sentence(task: Judged, people: Mapping[str, Mapping[str, Any]]) -> str:
    """Of what the tables are."""
    count = sum(map(len, people.values()))
    raters = len({rater for said in people.values() for rater in said})
    who = "one person" if raters == 1 else f"{raters} people"
    return (
        f"{task.task}: {count} labels of {len(people)} samples by {who}, {len(task.values)} judged by {task.judge}"
        f"{_left_out(task)}"
    )


def _left_out(task: Judged) -> str:
    """Which samples say nothing of the judge; nothing where there are none."""
    if not task.left_out:
        return ""
    not_asked = task.left_out - task.errors
    parts = [f"{task.errors} ended in an error"] if task.errors else []
    parts += [f"{not_asked} empty or equal, not asked"] if not_asked else []
    samples = "1 sample" if task.left_out == 1 else f"{task.left_out} samples"
    return f"; without an opinion, and left out: {samples} ({', '.join(parts)})"
