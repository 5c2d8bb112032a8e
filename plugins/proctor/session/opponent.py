"""The run whose answers a judge model compares with: `--against=RUN`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from proctor.asks import Ask
from proctor.errors import SetupError
from proctor.judge.opinions import answer_of
from proctor.model import Output
from proctor.reporting import runs
from proctor.reporting.answers import restored
from proctor.sample import Sample

if TYPE_CHECKING:
    from proctor.benchmark import Task
    from proctor.session.collect import SampleItem

PARAMETER = "judge_against"


@dataclass(frozen=True)
class Opponent:
    """The answers of one task of a run: what stands in the place of a benchmark's own other answer. Read when used."""

    place: Path
    key: tuple[str, str]
    data_sha256: str

    @property
    def __name__(self) -> str:
        """What reports call it."""
        report = _report(self.place)
        return f"{report['model'].get('name')}, run {report['run'].get('id')}"

    @property
    def answers(self) -> Mapping[str, str]:
        """By sample id."""
        return _answers(self.place).get(self.key, {})

    def __call__(self, sample: Sample) -> str:
        return self.answers[sample.id]

    def check(self) -> None:
        """Raises SetupError where that run has no answers to the same questions."""
        known = {(one["task"], one["variant"]): one for one in _report(self.place)["tasks"]}
        if self.key not in known:
            names = ", ".join(" ".join(one) for one in known) or "nothing"
            raise SetupError(
                f"--against={self.place}: this run has no answers of {' '.join(self.key)}; it has: {names}"
            )
        if known[self.key]["data"]["sha256"] != self.data_sha256:
            raise SetupError(f"--against={self.place}: this run answered {' '.join(self.key)} on other data than these")


def takes_one(ask: Ask) -> bool:
    """Whether an ask compares with another answer."""
    return PARAMETER in ask.parameters


def against(ask: Ask, place: Path, task: Task, data_sha256: str) -> Ask:
    """An ask that compares with a run's answers."""
    other = Opponent(place, (task.benchmark.name, task.variant), data_sha256)
    return replace(ask, parameters={**ask.parameters, PARAMETER: other})


@lru_cache(maxsize=4)
def _report(place: Path) -> Mapping[str, Any]:
    return runs.report(place)


@lru_cache(maxsize=4)
def _answers(place: Path) -> Mapping[tuple[str, str], Mapping[str, str]]:
    """The first text of each sample in its first epoch, by task and sample."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for line in runs.lines(place / "samples.jsonl"):
        of_task = found.setdefault((line["task"], line["variant"]), {})
        output: Any = restored(line) if line.get("epoch", 0) == 0 and "outputs" in line else None
        if isinstance(output, Output):
            of_task[line["sample"]] = answer_of(output)
    return found


def problem(items: Sequence[SampleItem], place: Path | None) -> str | None:
    """What is wrong with `--against` for these samples; None where nothing is."""
    if place is None or not items:
        return None
    comparing = [(item, item.loaded.ask.parameters[PARAMETER]) for item in items if takes_one(item.loaded.ask)]
    if not comparing:
        return f"--against={place} has no effect: nothing that is selected compares answers"
    try:
        for other in {other for _, other in comparing}:
            other.check()
    except SetupError as error:
        return str(error)
    missing = [item.nodeid for item, other in comparing if item.sample.id not in other.answers]
    if not missing:
        return None
    return (
        f"--against={place}: that run has no answer to {len(missing)} of {len(comparing)} samples, the first of them "
        f"{missing[0]}; go on with it by --resume, or choose samples that it has by --limit"
    )
