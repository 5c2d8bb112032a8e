"""What programs made of the same rows, sample by sample: pure functions over their lines.

A line is what one program says of one row: `asked`, the (context, continuation) of each choice; `logprobs`, log
P(continuation | context) of each in nats; `verdicts`, by metric, whether the right choice won; `target`, its position.
Only proctor has to say verdicts and target: of a program without verdicts, they follow from its log-probabilities.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Line = Mapping[str, Any]
LENGTHS: Mapping[str, Callable[[str], int]] = {
    "acc": lambda choice: 1,
    "accuracy": lambda choice: 1,
    "acc_norm": lambda choice: len(choice.encode()),
    "acc_norm_chars": len,
}
"""What a log-probability is divided by, in each of proctor's metrics."""
CLOSE = 1e-3
"""Choices whose values differ by less, in nats, are a tie: which of them wins is a matter of rounding."""


@dataclass(frozen=True, slots=True)
class Run:
    """One of proctor: the metrics in its report, and a line for each sample."""

    metrics: Mapping[str, Any]
    lines: Sequence[Line]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One that differs: in which row, by which metric, and how far the two best choices are apart, in nats."""

    row: int
    metric: str
    apart: float

    def __str__(self) -> str:
        return f"row {self.row} ({self.metric}, {self.apart:.1e} nats apart{', a tie' if self.apart < CLOSE else ''})"


@dataclass(frozen=True, slots=True)
class Comparison:
    """proctor beside one other program, on one task.

    metrics: ours: theirs. ours, theirs: the score of each of our metrics. intervals: of ours, 95 %.
    largest, mean: of the differences of a log-probability, in nats. asked_otherwise: rows with another context or
    continuation. verdicts: those that differ. Rows are counted from 1.
    """

    task: str
    other: str
    rows: int
    metrics: Mapping[str, str]
    ours: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    theirs: Mapping[str, float]
    largest: float
    mean: float
    asked_otherwise: Sequence[int]
    verdicts: Sequence[Verdict]


def compared(names: tuple[str, str], metrics: Mapping[str, str], run: Run, theirs: Sequence[Line]) -> Comparison:
    """A run of proctor beside another program's lines. `names`: of the task and of the program.

    Raises ValueError where the program has other rows, or another number of choices.
    """
    pairs = list(zip(run.lines, theirs, strict=True))
    differences = [abs(a - b) for one, two in pairs for a, b in zip(one["logprobs"], two["logprobs"], strict=True)]
    judged = [
        {metric: _verdict(one, two, metric, theirs_name) for metric, theirs_name in metrics.items()}
        for one, two in pairs
    ]
    return Comparison(
        task=names[0],
        other=names[1],
        rows=len(pairs),
        metrics=metrics,
        ours={metric: run.metrics[metric]["value"] for metric in metrics},
        intervals={metric: tuple(run.metrics[metric]["ci95"]) for metric in metrics},
        theirs={metric: sum(verdicts[metric] for verdicts in judged) / len(judged) for metric in metrics},
        largest=max(differences),
        mean=sum(differences) / len(differences),
        asked_otherwise=[row for row, (one, two) in enumerate(pairs, 1) if _asked(one) != _asked(two)],
        verdicts=[
            Verdict(row, metric, apart(two, metric))
            for row, ((one, two), verdicts) in enumerate(zip(pairs, judged, strict=True), 1)
            for metric in metrics
            if one["verdicts"][metric] != verdicts[metric]
        ],
    )


def _asked(line: Line) -> list[tuple[str, str]]:
    return [(context, continuation) for context, continuation in line["asked"]]


def _verdict(ours: Line, theirs: Line, metric: str, name: str) -> float:
    """What the other program says by its metric `name`; without a word of its own, what its values say."""
    if "verdicts" in theirs:
        return float(theirs["verdicts"][name])
    found = values(theirs, metric)
    return float(found.index(max(found)) == ours["target"])


def values(line: Line, metric: str) -> list[float]:
    """Each choice's log-probability divided by its length, the space before it not counted."""
    return [
        logprob / LENGTHS[metric](continuation.removeprefix(" "))
        for logprob, (_, continuation) in zip(line["logprobs"], line["asked"], strict=True)
    ]


def apart(line: Line, metric: str) -> float:
    """How far the two best values are apart, in nats of the shortest choice."""
    second, first = sorted(values(line, metric))[-2:]
    return (first - second) * min(LENGTHS[metric](continuation.removeprefix(" ")) for _, continuation in line["asked"])


def table(comparisons: Sequence[Comparison]) -> str:
    """Scores in percent, as Markdown, and below it what differs."""
    lines = [
        "| task | rows | beside | metric | proctor | 95 % interval | the other | other verdicts | largest difference |",
        "|---|--:|---|---|--:|---|--:|--:|--:|",
    ]
    for one in comparisons:
        for metric, name in one.metrics.items():
            low, high = (f"{100 * bound:.1f}" for bound in one.intervals[metric])
            named = metric if metric == name else f"{metric} ({name})"
            differ = sum(verdict.metric == metric for verdict in one.verdicts)
            lines.append(
                f"| {one.task} | {one.rows} | {one.other} | {named} | {100 * one.ours[metric]:.1f} | {low} to {high} "
                f"| {100 * one.theirs[metric]:.1f} | {differ} | {one.largest:.1e} |"
            )
    return "\n".join([*lines, "", *(note for one in comparisons for note in _notes(one))])


def _notes(one: Comparison) -> list[str]:
    name = f"- {one.task}, {one.other}"
    return [
        f"{name}, rows with another prompt or other choices: {', '.join(map(str, one.asked_otherwise)) or 'none'}",
        f"{name}, log-probabilities: {one.largest:.1e} nats apart at most, {one.mean:.1e} on average",
        f"{name}, other verdicts: {', '.join(map(str, one.verdicts)) or 'none'}",
    ]
