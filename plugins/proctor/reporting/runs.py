"""What a run scored, sample by sample, in one form: of a run's folder, of a baseline file, of a run that just ended."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from proctor.errors import SetupError
from proctor.statistics.epochs import derived, vote

Key = tuple[str, int]
"""Sample id and epoch."""
REPORT = "proctor.report/"
BASELINE = "proctor.baseline/1"
ABOUT = ("version", "shots", "epochs", "prompt_sha256", "chat", "parameters")
"""What must be the same in two tasks whose samples are compared, beside their data."""
MISSING_MEANS = {"epochs": 1}


@dataclass(frozen=True, slots=True)
class Scored:
    """One sample in one epoch. `prompt` is the sha256 of its prompt; `tokens` and `seconds` are those of its output.

    `vote` tells equal answers (`epochs.vote`), where they are known. Of several epochs, a sample is the cluster of its
    epochs, where it is not part of a larger one.
    """

    prompt: str | None
    scores: Mapping[str, Any]
    error: str | None = None
    flags: Sequence[str] = ()
    cluster: str | None = None
    groups: Mapping[str, str] = field(default_factory=dict)
    tokens: int = 0
    seconds: float = 0.0
    vote: str | None = None


@dataclass(frozen=True, slots=True)
class ScoredTask:
    """A task's samples by key; `about` is its entry in the report."""

    about: Mapping[str, Any]
    samples: Mapping[Key, Scored]

    @property
    def name(self) -> str:
        return f"{self.about['task']} {self.about['variant']}"

    @property
    def epochs(self) -> int:
        return int(self.about.get("epochs", 1))

    def aggregate(self, metric: str) -> str | None:
        """What makes a score of a metric's values, by its name; None for their mean."""
        name: str | None = self.about.get("aggregates", {}).get(metric)
        return name

    @property
    def main(self) -> str:
        return str(self.about["main"])

    @property
    def metrics(self) -> set[str]:
        return {name for sample in self.samples.values() for name in sample.scores}


@dataclass(frozen=True, slots=True)
class ScoredRun:
    """A run: `place` is where it was read from, `run` and `model` are what its report says of both."""

    place: str
    run: Mapping[str, Any]
    model: Mapping[str, Any]
    tasks: Mapping[tuple[str, str], ScoredTask]
    not_run: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """Tasks that did not run, with the reason."""


def key_of(task: Mapping[str, Any]) -> tuple[str, str]:
    """Name and variant of a task's entry in a report; of one that did not run, the variant may not be known."""
    return task["task"], task.get("variant", "")


def of_records(
    report: Mapping[str, Any], records: Iterable[Mapping[str, Any]], place: str, file: str | None = None
) -> ScoredRun:
    """A run from its report and its samples' records, which stand in `file`, one in a line, where that is told.

    Raises SetupError for a record that is none, and for a sample that is there twice.
    """
    tasks = {(about["task"], about["variant"]): ScoredTask(about, {}) for about in report["tasks"]}
    found: dict[tuple[str, str], dict[Key, Scored]] = {key: {} for key in tasks}
    for number, record in enumerate(records, 1):
        where = place if file is None else f"{file}:{number}"
        try:
            task, key = (record["task"], record["variant"]), (record["sample"], record.get("epoch", 0))
            if task not in tasks:
                raise SetupError(f"{where}: a sample of {' '.join(task)}, which is no task of the report")
            if key in found[task]:
                epoch = f" in epoch {key[1]}" if tasks[task].epochs > 1 else ""
                raise SetupError(f"{where}: sample {key[0]} of {' '.join(task)} stands there twice{epoch}")
            found[task][key] = _scored(record, tasks[task].epochs > 1)
        except (KeyError, TypeError, AttributeError) as error:
            raise SetupError(f"{where}: no record of a sample: {type(error).__name__}: {error}") from None
    for own, about in tasks.items():
        told = about.about["samples"]["scored"] + sum(about.about["samples"]["errors"].values())
        if len(found[own]) != told:
            raise SetupError(
                f"{file or place}: {len(found[own])} samples of {about.name}, where the report tells of {told}; one of "
                "the two is damaged"
            )
    scored = {key: ScoredTask(task.about, found[key]) for key, task in tasks.items()}
    absent = {key_of(task): task["reason"] for task in report.get("not_run", ())}
    return ScoredRun(place, report["run"], report["model"], scored, absent)


def _scored(record: Mapping[str, Any], repeated: bool) -> Scored:
    usage = record.get("usage", {})
    for name, value in record["scores"].items():
        if not is_score(value):
            raise TypeError(f"the score {name} is no number but {value!r:.40}")
    return Scored(
        prompt=record.get("prompt_sha256"),
        scores=record["scores"],
        error=record["error"]["kind"] if record.get("error") and record["outcome"] == "error" else None,
        flags=tuple(record["flags"]),
        cluster=record.get("cluster") or (record["sample"] if repeated else None),
        groups=record.get("groups", {}),
        tokens=usage.get("completion_tokens", 0),
        seconds=usage.get("seconds", 0.0) / max(1, usage.get("requests", 1)),
        vote=record["vote"] if "vote" in record else vote(record.get("extracted")),
    )


def is_score(value: Any) -> bool:
    """Whether it is a finite number, or a list of such, which an aggregate takes."""
    if isinstance(value, list):
        return bool(value) and all(not isinstance(one, list) and is_score(one) for one in value)
    return isinstance(value, int | float) and math.isfinite(value)


def over_epochs(task: ScoredTask, name: str, metric: str) -> ScoredTask | None:
    """A task with one score a sample, called `name`, which its epochs give together (`epochs.derived`) by `metric`.

    A sample that is not scored in every epoch has none. None where the name means nothing, or there is one epoch.
    """
    of = derived(name)
    if of is None or task.epochs < 2 or task.aggregate(metric) is not None:
        return None
    own: dict[str, dict[int, Scored]] = {}
    for (sample, epoch), one in task.samples.items():
        own.setdefault(sample, {})[epoch] = one
    samples: dict[Key, Scored] = {}
    for sample, by_epoch in own.items():
        answers = [(by_epoch[epoch].scores.get(metric), by_epoch[epoch].vote) for epoch in sorted(by_epoch)]
        scored = [(score, vote) for score, vote in answers if score is not None]
        value = of(scored) if len(scored) == task.epochs else None
        first = next(iter(by_epoch.values()))
        cluster = None if first.cluster == sample else first.cluster
        samples[sample, 0] = replace(
            first, scores={} if value is None else {name: value}, error=None, cluster=cluster, vote=None
        )
    return ScoredTask(task.about, samples)


def read(place: Path) -> ScoredRun:
    """A run's folder (report.json and samples.jsonl) or a baseline file. Raises SetupError that says what is wrong."""
    if place.is_dir():
        about = report(place)
        try:
            samples = place / "samples.jsonl"
            return of_records(about, lines(samples), str(place), str(samples))
        except (KeyError, TypeError, AttributeError) as error:
            raise SetupError(
                f"{place / 'report.json'}: not the report of a run: {type(error).__name__}: {error}"
            ) from None
    content = _json(place)
    if content.get("schema") != BASELINE:
        raise SetupError(
            f"{place}: the schema is {content.get('schema')!r}, not {BASELINE}; `proctor baseline set RUN` writes one"
        )
    try:
        return _of_baseline(content, str(place))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise SetupError(f"{place}: not what a baseline holds: {type(error).__name__}: {error}") from None


def report(place: Path) -> dict[str, Any]:
    """The report.json of a run's folder, its scores as they stand there. Raises SetupError where it is none."""
    if place.is_file():
        raise SetupError(f"{place}: this is a file; name the folder of a run, as reports/latest")
    found = _json(place / "report.json")
    if not str(found.get("schema", "")).startswith(REPORT):
        raise SetupError(f"{place / 'report.json'}: the schema is {found.get('schema')!r}, not {REPORT}1")
    return found


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_once)
    except OSError as error:
        raise SetupError(
            f"{path}: {error.strerror}; name a run's folder, as reports/latest, or a baseline file"
        ) from None
    except ValueError as error:
        raise SetupError(f"{path}: not JSON: {error}") from None
    if not isinstance(content, dict):
        raise SetupError(f"{path}: holds no object")
    return content


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object. Raises ValueError for a key that stands twice: which of them is meant, nobody knows."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the key {next(name for name in names if names.count(name) > 1)!r} stands twice in an object")
    return found


def lines(path: Path) -> Iterator[dict[str, Any]]:
    """The records of a samples.jsonl. Raises SetupError for a line that is damaged."""
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                try:
                    record = json.loads(line)
                except ValueError:
                    raise SetupError(f"{path}:{number}: not JSON; the file is damaged") from None
                yield record
    except OSError as error:
        raise SetupError(f"{path}: {error.strerror}") from None


# --- the compact form of a baseline -----------------------------------------------------------------------------------


def to_baseline(run: ScoredRun) -> dict[str, Any]:
    """A run without texts: scores by sample, hashes, versions. Columns, since names would be most of the file."""
    return {
        "schema": BASELINE,
        "run": run.run,
        "model": run.model,
        "tasks": [_columns(task) for task in run.tasks.values()],
    }


def _columns(task: ScoredTask) -> dict[str, Any]:
    kept = [(key, sample) for key, sample in task.samples.items() if sample.error is None]
    metrics = list(dict.fromkeys(name for _, sample in kept for name in sample.scores))
    # A sample as the cluster of its own epochs is known without being said.
    clusters = [None if task.epochs > 1 and sample.cluster == key[0] else sample.cluster for key, sample in kept]
    axes = list(dict.fromkeys(axis for _, sample in kept for axis in sample.groups))
    told = ("task", "variant", "main", "aggregates", *ABOUT, "data", "samples")
    columns: dict[str, Any] = {
        "ids": [key[0] for key, _ in kept],
        "prompts": [None if sample.prompt is None else sample.prompt[:SHORT] for _, sample in kept],
        "scores": {name: [sample.scores.get(name) for _, sample in kept] for name in metrics},
    }
    if task.epochs > 1:
        columns["epochs"] = [key[1] for key, _ in kept]
        columns["votes"] = [sample.vote for _, sample in kept]
    if any(cluster is not None for cluster in clusters):
        columns["clusters"] = clusters
    if axes:
        columns["groups"] = {axis: [sample.groups.get(axis) for _, sample in kept] for axis in axes}
    return {**{name: task.about[name] for name in told if name in task.about}, "columns": columns}


SHORT = 16
"""Hex digits of a prompt's sha256 that a baseline keeps: enough to know it by."""


def _of_baseline(content: Mapping[str, Any], place: str) -> ScoredRun:
    tasks = {}
    for about in content["tasks"]:
        columns = about["columns"]
        count = len(columns["ids"])
        for name, column in [
            *((name, columns[name]) for name in ("prompts", "epochs", "votes", "clusters") if name in columns),
            *columns["scores"].items(),
            *columns.get("groups", {}).items(),
        ]:
            if len(column) != count:
                raise ValueError(f"{about['task']}: {len(column)} entries under {name} for {count} samples")
        for name, column in columns["scores"].items():
            if not all(value is None or is_score(value) for value in column):
                raise ValueError(f"{about['task']}: a score under {name} is no number")
        if not all(prompt is None or isinstance(prompt, str) for prompt in columns["prompts"]):
            raise ValueError(f"{about['task']}: a prompt's sha256 is no text")
        if (about["task"], about["variant"]) in tasks:
            raise ValueError(f"the task {about['task']} {about['variant']} stands there twice")
        if not isinstance(about["data"]["sha256"], str) or about["main"] not in columns["scores"]:
            raise ValueError(f"{about['task']}: the data's sha256, or the scores of {about['main']}, are missing")
        epochs, clusters = columns.get("epochs", [0] * count), columns.get("clusters", [None] * count)
        votes = columns.get("votes", [None] * count)
        samples: dict[Key, Scored] = {}
        for place_of in range(count):
            key = columns["ids"][place_of], epochs[place_of]
            if key in samples:
                raise ValueError(f"sample {key[0]} of {about['task']} stands there twice")
            samples[key] = Scored(
                prompt=columns["prompts"][place_of],
                scores={
                    name: column[place_of] for name, column in columns["scores"].items() if column[place_of] is not None
                },
                cluster=clusters[place_of] or (key[0] if about.get("epochs", 1) > 1 else None),
                vote=votes[place_of],
                groups={
                    axis: column[place_of]
                    for axis, column in columns.get("groups", {}).items()
                    if column[place_of] is not None
                },
            )
        tasks[about["task"], about["variant"]] = ScoredTask(about, samples)
    return ScoredRun(place, content["run"], content["model"], tasks)


def incomparable(baseline: ScoredTask, candidate: ScoredTask) -> list[str]:
    """Why the samples of two tasks must not be compared: what differs, one line for each."""
    found = []
    for name in ABOUT:
        before, now = (task.about.get(name, MISSING_MEANS.get(name)) for task in (baseline, candidate))
        found += _differing(name, _plain(before), _plain(now))
    before, now = (task.about["data"]["sha256"] for task in (baseline, candidate))
    if before != now:
        found.append(f"data was sha256 {before[:12]}, is {now[:12]}")
    return found


def _differing(name: str, before: Any, now: Any) -> list[str]:
    """What differs, each parameter by itself."""
    if before == now:
        return []
    if isinstance(before, dict) and isinstance(now, dict):
        names = dict.fromkeys([*before, *now])
        return [line for key in names for line in _differing(key, before.get(key), now.get(key))]
    return [f"{name} was {json.dumps(before)}, is {json.dumps(now)}"]


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value))


def same_prompt(one: Scored, other: Scored) -> bool:
    """Whether two samples were asked the same, as far as both tell."""
    if one.prompt is None or other.prompt is None:
        return False
    length = min(len(one.prompt), len(other.prompt))
    return one.prompt[:length] == other.prompt[:length]
