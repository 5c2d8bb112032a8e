"""How much runs of one model differ: what no margin of a gate should be below."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from proctor.errors import SetupError
from proctor.gating.gatefile import Gates, Margin
from proctor.reporting import reports, runs
from proctor.reporting.runs import ScoredRun, ScoredTask
from proctor.statistics import paired, scores
from proctor.statistics.intervals import normal_quantile, student_quantile
from proctor.statistics.paired import Difference

NOISE = "proctor.noise/1"


@dataclass(frozen=True)
class Noisy:
    """A difference of two runs that would differ even if they were of one model.

    deviation: the standard deviation of the scores of such runs; 0 where nothing is known of it. It enters the error of
    the difference twice, and does not shrink as samples grow.
    """

    difference: Difference
    deviation: float = 0.0

    @property
    def _of_two(self) -> float:
        return math.sqrt(2) * self.deviation

    def interval(self, confidence: float) -> tuple[float, float]:
        """Each end further out by as much as the noise adds to the error."""
        value, (low, high) = self.difference.value, self.difference.interval(confidence)
        if not self.deviation:
            return low, high
        more = normal_quantile(confidence) * self._of_two
        return value - math.hypot(value - low, more), value + math.hypot(high - value, more)

    def p_beyond(self, margin: float) -> float:
        return self._softened(self.difference.p_beyond(margin))

    def p_different(self) -> float:
        return min(1.0, 2 * self._softened(self.difference.p_different() / 2))

    def _softened(self, p: float) -> float:
        """A p-value's normal quantile shrinks by as much as the error grows."""
        error = self.difference.standard_error
        if not self.deviation or not 0 < p < 1 or not math.isfinite(error):
            return p
        from scipy.special import ndtr, ndtri

        return float(ndtr(ndtri(p) * error / math.hypot(error, self._of_two)))

    def detectable(self, power: float, confidence: float) -> float:
        """As `paired.detectable`; no number of samples makes it smaller than what the noise hides."""
        return math.hypot(paired.detectable(self.difference, power, confidence), self._hidden(power, confidence))

    def _hidden(self, power: float, confidence: float) -> float:
        return (normal_quantile(confidence) + normal_quantile(2 * power - 1)) * self._of_two

    def needed(self, margin: float, power: float, confidence: float) -> tuple[float, float]:
        """(samples, epochs of the same ones) that would decide, as `paired.needed` and `needed_epochs` have it."""
        distance = margin + self.difference.value
        left = distance**2 - self._hidden(power, confidence) ** 2
        if left <= 0:
            return math.inf, math.inf
        nearer = math.copysign(math.sqrt(left), distance) - self.difference.value
        return (
            paired.needed(self.difference, nearer, power, confidence),
            paired.needed_epochs(self.difference, nearer, power, confidence),
        )

    def needed_to_see(self, smallest: float, power: float, confidence: float) -> float:
        left = smallest**2 - self._hidden(power, confidence) ** 2
        if left <= 0:
            return math.inf
        return paired.needed_to_see(self.difference, math.sqrt(left), power, confidence)


def measure(several: Sequence[ScoredRun]) -> dict[str, Any]:
    """Spread of each score over runs of one model, and how many samples flip between two of them on average.

    Raises SetupError for fewer than two runs, and for runs that asked otherwise or another model.
    """
    if len(several) < 2:
        raise SetupError("the noise of a model is what its runs differ by: name two of them or more")
    places = [Path(run.place).resolve() for run in several]
    if len(set(places)) < len(places):
        raise SetupError("the same run is named twice: it does not differ from itself")
    first = several[0]
    for other in several[1:]:
        if (first.model.get("id"), first.model.get("revision")) != (other.model.get("id"), other.model.get("revision")):
            raise SetupError(
                f"{first.place} is of {first.model.get('name')} and {other.place} of {other.model.get('name')} (or of "
                "another revision): noise is that of one model"
            )
        for key, task in first.tasks.items():
            if key in other.tasks and (differs := runs.incomparable(task, other.tasks[key])):
                raise SetupError(f"{first.place} and {other.place} asked {task.name} otherwise: {'; '.join(differs)}")
    shared = [key for key in first.tasks if all(key in other.tasks for other in several)]
    return {
        "schema": NOISE,
        "model": {name: first.model.get(name) for name in ("name", "id", "revision")},
        "runs": [run.place for run in several],
        "tasks": [_task([run.tasks[key] for run in several]) for key in shared],
    }


def _task(tasks: Sequence[ScoredTask]) -> dict[str, Any]:
    metrics = {}
    for name in sorted(set.intersection(*(task.metrics for task in tasks))):
        keys = set.intersection(*({key for key, one in task.samples.items() if name in one.scores} for task in tasks))
        values = [[task.samples[key].scores[name] for key in keys] for task in tasks]
        means = [scores.score(own, tasks[0].aggregate(name)) for own in values]
        flips = [sum(a != b for a, b in zip(one, other, strict=True)) for one, other in combinations(values, 2)]
        metrics[name] = {
            "n": len(keys),
            "mean": statistics.fmean(means),
            "spread": statistics.stdev(means),
            "lowest": min(means),
            "highest": max(means),
            "flips": statistics.fmean(flips),
        }
    about = tasks[0].about
    return {"task": about["task"], "variant": about["variant"], "main": about["main"], "metrics": metrics}


def told(noise: dict[str, Any], gates: Gates | None) -> Iterator[str]:
    """Lines for a person; with gates, whether each margin lies above what runs of one model differ by."""
    count = len(noise["runs"])
    for task in noise["tasks"]:
        for name, metric in task["metrics"].items():
            share = metric["flips"] / metric["n"] if metric["n"] else 0.0
            yield (
                f"{task['task']} {task['variant']} {name}: {100 * metric['mean']:.2f} over {count} runs, spread "
                f"{100 * metric['spread']:.2f} ({100 * metric['lowest']:.2f} to {100 * metric['highest']:.2f}); "
                f"{metric['flips']:.1f} of {metric['n']:,} samples flip between two runs ({100 * share:.2f} %)"
            )
    for gate in gates.gates if gates is not None else ():
        for rule, wanted in gate.rules.items():
            if rule != "max_drop" or not isinstance(wanted, Margin):
                continue
            for task in noise["tasks"]:
                metric = task["metrics"].get(gate.metric or task["main"])
                if metric is None or not gate.means((task["task"], task["variant"])):
                    continue
                margin = wanted.value * abs(metric["mean"]) if wanted.relative else wanted.value
                reach = 1.96 * 2**0.5 * metric["spread"]
                yield (
                    f"{task['task']} {task['variant']}: a margin of {100 * margin:.2f} lies "
                    f"{'above' if margin > reach else 'BELOW'} what two runs of one model differ by "
                    f"({100 * reach:.2f}, 19 of 20 times)"
                )


def write(noise: dict[str, Any], path: Path) -> None:
    """Raises SetupError where that cannot be."""
    reports.write_json(path, noise)


def read(path: Path) -> dict[str, Any]:
    """What `write` wrote. Raises SetupError for anything else."""
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if content["schema"] != NOISE or len(content["runs"]) < 2:
            raise KeyError("schema")
        for task in content["tasks"]:
            _ = task["task"], task["variant"]
            for metric in task["metrics"].values():
                if not 0 <= float(metric["spread"]) < math.inf:
                    raise ValueError("a spread is a number of 0 or more")
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise SetupError(f"{path}: no noise file; `proctor noise RUN RUN... --write={path.name}` makes one") from None
    return content


def deviation(noise: Mapping[str, Any] | None, task: tuple[str, str], metric: str, confidence: float) -> float:
    """The standard deviation of a score between runs of one model, in the metric's unit; 0 where nothing is known.

    It is larger by as much as Student's quantile is for so few runs, so that normal quantiles of it are right.
    """
    if noise is None:
        return 0.0
    few = student_quantile(confidence, len(noise["runs"]) - 1) / normal_quantile(confidence)
    for own in noise["tasks"]:
        if (own["task"], own["variant"]) == task and metric in own["metrics"]:
            return few * float(own["metrics"][metric]["spread"])
    return 0.0
