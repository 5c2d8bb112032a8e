"""What is kept of a sample: one full record for samples.jsonl, and the small part that travels to the report.

All values are plain JSON.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Collection
from typing import Any

from proctor.errors import ProctorError
from proctor.model import Conversation, Usage, as_sent
from proctor.reporting.answers import COMPACT, as_record, flat, plain
from proctor.sample import Sample
from proctor.statistics.epochs import vote

Record = dict[str, Any]
READABLE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

TRAVELS = (
    "task",
    "variant",
    "sample",
    "epoch",
    "prompt_sha256",
    "cluster",
    "groups",
    "scores",
    "outcome",
    "error",
    "flags",
    "usage",
    "judge",
)
"""The keys of a record that cross from the process that judged to the one that reports."""


class ScoreError(ProctorError):
    """A judge called `score` wrongly."""


class Score:
    """Records what a judge decides: `score(answer, **metrics)`, exactly once.

    `answer` is what was extracted, None where nothing could be. A metric is a flag or a finite number; those among
    `aggregates` may be several numbers.
    """

    def __init__(self, main: str, aggregates: Collection[str] = ()) -> None:
        self.main = main
        self.aggregates = aggregates
        self.answer: Any = None
        self.metrics: dict[str, Any] | None = None

    def __call__(self, answer: Any, **metrics: Any) -> None:
        __tracebackhide__ = True
        if self.metrics is not None:
            raise ScoreError("score() was called twice for one sample")
        if self.main not in metrics:
            raise ScoreError(
                f"score() lacks the benchmark's main metric {self.main!r}; it was given: {', '.join(metrics)}"
            )
        self.answer = answer
        self.metrics = {name: self._value(name, value) for name, value in metrics.items()}

    def _value(self, name: str, value: Any) -> Any:
        __tracebackhide__ = True
        if name in self.aggregates and isinstance(value, list | tuple):
            return [_number(name, one) for one in value]
        return _number(name, value)


def _number(name: str, value: Any) -> float:
    __tracebackhide__ = True
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise ScoreError(f"score({name}={value!r}): a metric is a flag or a finite number")
    return int(number) if number.is_integer() else number


def record(
    *,
    task: str,
    variant: str,
    sample: Sample,
    prompt: str | None,
    epoch: int = 0,
    output: Any = None,
    score: Score | None = None,
    error: tuple[str, str] | None = None,
    usage: Usage | None = None,
) -> Record:
    """One line of samples.jsonl; see docs/reports.md. `error` is (kind, message), `usage` what a failed ask cost."""
    line: Record = {"task": task, "variant": variant, "sample": sample.id, "epoch": epoch}
    if sample.cluster is not None:
        line["cluster"] = sample.cluster
    if sample.groups:
        line["groups"] = dict(sample.groups)
    if isinstance(prompt, Conversation):
        line["messages"] = as_sent(prompt.messages)
    elif prompt is not None:
        line["prompt"] = prompt
    if prompt is not None:
        line["prompt_sha256"] = prompt_sha256(prompt)
    line |= as_record(output)
    scored = score is not None and score.metrics is not None
    line["extracted"] = plain(score.answer) if scored and score is not None else None
    line["target"] = plain(sample.targets or sample.target)
    line["scores"] = dict(score.metrics) if scored and score is not None and score.metrics is not None else {}
    line["outcome"] = "scored" if scored else "error"
    if error is not None:
        line["error"] = {"kind": error[0], "message": error[1]}
    line["flags"] = _flags(output, line["extracted"], scored)
    line["usage"] = flat(usage or getattr(output, "usage", None) or Usage())
    return line


def falls_short(value: Any) -> bool:
    """Whether a metric of a sample is short of full marks; never, where the sample has none by itself."""
    return isinstance(value, int | float) and value < 1


def prompt_sha256(prompt: str) -> str:
    """By which a prompt is known in records and answers: of its text, or of the JSON of its turns."""
    text = COMPACT(as_sent(prompt.messages)) if isinstance(prompt, Conversation) else prompt
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def travelling(line: Record, epochs: int = 1) -> Record:
    """The part of a record that crosses processes: no texts; of several epochs, also which answers are equal."""
    part: Record = sendable({key: line[key] for key in TRAVELS if key in line})
    if epochs > 1:
        part["vote"] = vote(line["extracted"])
    return part


def sendable(value: Any) -> Any:
    """A value of plain JSON with lone surrogates escaped: xdist's channel and report.json hold UTF-8."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {sendable(key): sendable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(sendable, value))
    return value


def _flags(output: Any, extracted: Any, scored: bool) -> list[str]:
    return [
        name
        for name, holds in (
            ("truncated", getattr(output, "truncated", False)),
            ("unparsed", scored and extracted is None),
            ("refused", getattr(output, "refused", False)),
            ("tied", getattr(output, "tied", False)),
            ("context_cut", getattr(output, "context_cut", False)),
        )
        if holds
    ]


def to_line(line: Record) -> str:
    """A record as one line of JSON, lone surrogates escaped."""
    text = READABLE(line)
    try:
        text.encode()
    except UnicodeEncodeError:
        text = COMPACT(line)
    return text
