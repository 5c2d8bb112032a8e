"""What every log of another harness becomes, and the small things that its adapters share."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from proctor.reporting.aggregate import USAGE
from proctor.reporting.records import Record, prompt_sha256


@dataclass(frozen=True, slots=True)
class Log:
    """A log that was looked through once.

    run, model: as in report.json, as far as the log tells. tasks: what `aggregate.task_report` asks of each.
    records: reads the samples, anew at each call. not_run: tasks that cannot be compared, with the reason.
    """

    run: Mapping[str, Any]
    model: Mapping[str, Any]
    tasks: Sequence[Mapping[str, Any]]
    records: Callable[[], Iterator[Record]]
    not_run: Sequence[Mapping[str, str]] = ()


@dataclass(slots=True)
class Answer:
    """What a sample's record holds of the model's side: `outputs`, or the `choices` of a ranking."""

    outputs: Sequence[Record] | None = None
    choices: Sequence[Record] | None = None
    extracted: Any = None
    flags: Sequence[str] = ()
    usage: Mapping[str, float] = field(default_factory=dict)


def record(
    task: tuple[str, str],
    key: tuple[str, int],
    *,
    prompt: str | None,
    target: Any,
    answer: Answer,
    scores: Mapping[str, float],
    error: tuple[str, str] | None = None,
    groups: Mapping[str, str] | None = None,
) -> Record:
    """One line of samples.jsonl. task: (task, variant). key: (sample, epoch). error: (kind, message).

    A sample with neither a score nor an error is an error of kind `unscored`.
    """
    if not scores and error is None:
        error = "unscored", "the log has no number for it"
    line: Record = {"task": task[0], "variant": task[1], "sample": key[0], "epoch": key[1]}
    if groups:
        line["groups"] = dict(groups)
    if prompt is not None:
        line |= {"prompt": prompt, "prompt_sha256": prompt_sha256(prompt)}
    if answer.outputs is not None:
        line["outputs"] = list(answer.outputs)
    if answer.choices is not None:
        line["choices"] = list(answer.choices)
    line |= {"extracted": answer.extracted, "target": target, "scores": {} if error else dict(scores)}
    line["outcome"] = "error" if error else "scored"
    if error:
        line["error"] = {"kind": error[0], "message": error[1]}
    line["flags"] = list(answer.flags)
    line["usage"] = {name: answer.usage.get(name, 0) for name in USAGE}
    return line


def number(value: Any) -> float | None:
    """A value as the finite number that it is, whole ones as int; None for all else. Text may be a number or a flag."""
    if isinstance(value, str):
        value = {"true": 1, "false": 0}.get(value.lower(), value)
    elif not isinstance(value, bool | int | float):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    if not math.isfinite(found):
        return None
    return int(found) if found.is_integer() else found


def data_sha256(rows: Iterable[Any]) -> str:
    """By which the rows of two logs are known to be the same: over their JSON, one a line."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update(json.dumps(row, sort_keys=True).encode() + b"\n")
    return digest.hexdigest()
