"""Two runs, or more, on the same samples: what changed, how sure that is, and which samples it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from pathlib import Path
from typing import Any

from proctor.comparing import foreign
from proctor.errors import SetupError
from proctor.reporting import runs
from proctor.reporting.runs import Key, Scored, ScoredRun, ScoredTask
from proctor.statistics import intervals, paired, scores
from proctor.statistics.paired import Average, Difference

Task = tuple[str, str]
"""Benchmark and variant."""
Pairs = Sequence[tuple[Key, Key]]
"""Keys of the samples of two tasks that belong together: in the first, in the second."""
FLAGS = ("truncated", "unparsed", "refused")


@dataclass(frozen=True, slots=True)
class Change:
    """A score in the first run and in another, over the samples of both; `difference` is the other minus the first.

    `metric` is what it is called in both, or in either. `p`: two-sided, of the paired test.
    """

    metric: str
    group: str | None
    before: float
    after: float
    difference: Difference
    interval: tuple[float, float]
    p: float

    @property
    def n(self) -> int:
        return self.difference.n


@dataclass(frozen=True)
class TaskComparison:
    """A task of the first run against that of another, which stands at `place` among the runs.

    `changes`: the main metric first, then the others, then groups. `same_answers`: samples with equal answers, of those
    that have one in both. `tokens` is the change in the length of outputs, `counts` how many samples were truncated,
    unparsed, refused or in error in either, `latency` the medians in seconds of a request. `lost` and `gained` are the
    samples whose main score fell or rose; where `means`, all epochs of a sample together. `notes` say what was asked
    otherwise.
    """

    task: Task
    place: int
    changes: Sequence[Change]
    same_answers: tuple[int, int]
    same_scores: int
    tokens: Change | None
    counts: Mapping[str, tuple[int, int]]
    latency: tuple[float, float]
    alone: tuple[int, int]
    lost: Pairs
    gained: Pairs
    means: bool = False
    notes: Sequence[str] = ()

    @property
    def main(self) -> Change:
        return self.changes[0]


@dataclass(frozen=True, slots=True)
class Rank:
    """A run's place in a task among several: the best and the worst that the data allow."""

    run: int
    score: float
    best: int
    worst: int


@dataclass(frozen=True)
class Comparison:
    """All runs against the first, by task; `average` is the mean of the tasks' main scores, where there are several.

    `ranking`: by task, for three runs or more.
    """

    runs: Sequence[ScoredRun]
    tasks: Mapping[Task, Sequence[TaskComparison]]
    averages: Sequence[Change] = ()
    ranking: Mapping[Task, Sequence[Rank]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wish:
    """What is compared: a metric, by its name in either run, and by what samples are paired (`PAIRING`).

    Without a metric: the main one first, then all that both have.
    """

    metric: tuple[str, str] | None = None
    pairing: str = "auto"
    confidence: float = 0.95


PAIRING = ("auto", "id", "prompt")


def read(place: Path, names: Mapping[str, str]) -> ScoredRun:
    """A run of ours, a baseline file, or another harness's log; `names` gives tasks other names. Raises SetupError."""
    if not foreign.recognised(place):
        run = runs.read(place)
    else:
        report, records = foreign.read(place)
        run = runs.of_records(report, records, str(place))
    return ScoredRun(
        run.place, run.run, run.model, {(names.get(task, task), kind): own for (task, kind), own in run.tasks.items()}
    )


def records(place: Path) -> Iterator[dict[str, Any]]:
    """The samples of a run with all their texts; none of a baseline file, which has none."""
    if foreign.recognised(place):
        yield from foreign.read(place)[1]
    elif place.is_dir():
        yield from runs.lines(place / "samples.jsonl")


def compare(several: Sequence[ScoredRun], wish: Wish) -> Comparison:
    """Raises SetupError where nothing can be compared."""
    others = range(1, len(several))
    shared = [task for task in several[0].tasks if any(task in several[place].tasks for place in others)]
    if not shared:
        raise SetupError(_nothing_shared(several))
    if wish.metric is not None:
        having = [task for task in shared if _has(task, several, wish.metric)]
        if not having:
            listed = "; ".join(
                f"{run.place}: {' '.join(task)} has {', '.join(sorted(run.tasks[task].metrics)) or 'none'}"
                for task in shared
                for run in several
                if task in run.tasks
            )
            raise SetupError(f"no task has the metric {' and '.join(dict.fromkeys(wish.metric))} in all runs: {listed}")
        shared = having
    tasks = {
        task: [_compared(task, several, place, wish) for place in others if task in several[place].tasks]
        for task in shared
    }
    everywhere = [task for task in shared if len(tasks[task]) == len(several) - 1]
    averages = []
    if len(everywhere) > 1:
        averages = [
            _average([tasks[task][place].main for task in everywhere], wish.confidence) for place in range(len(others))
        ]
    ranking = {task: _ranking(task, several, wish) for task in everywhere} if len(several) > 2 else {}
    return Comparison(several, tasks, averages, ranking)


def _has(task: Task, several: Sequence[ScoredRun], metric: tuple[str, str]) -> bool:
    """Whether the first run has a metric by its one name, and the others by its other."""
    first, *others = [run.tasks[task].metrics for run in several if task in run.tasks]
    return metric[0] in first and all(metric[1] in metrics for metrics in others)


def _nothing_shared(several: Sequence[ScoredRun]) -> str:
    listed = "; ".join(
        f"{run.place} has {', '.join(' '.join(task) for task in run.tasks) or 'none'}" for run in several
    )
    return f"no task is in both: {listed}. --task OTHER=NAME says that two names mean the same"


# --- two tasks --------------------------------------------------------------------------------------------------------


def _contrast(task: Task, first: ScoredRun, other: ScoredRun, wish: Wish) -> tuple[_Contrast, list[str]]:
    """Two tasks with their pairs, and what was asked otherwise. Raises SetupError where no pair is scored in both."""
    before, after = first.tasks[task], other.tasks[task]
    notes = runs.incomparable(before, after)
    if before.epochs != after.epochs:
        before, after = _means(before), _means(after)
        notes.append("epochs differ in number, so that the mean of each sample is compared")
    pairs = paired_samples(before, after, wish.pairing)
    if not pairs:
        raise SetupError(
            f"{first.place} and {other.place} have no sample of {' '.join(task)} in common; they were paired by "
            f"{_pairing(before, after, wish.pairing)}"
        )
    prompts = sum(not runs.same_prompt(before.samples[a], after.samples[b]) for a, b in pairs)
    if prompts:
        notes.append(f"{prompts:,} of {len(pairs):,} samples had another prompt")
    contrast = _Contrast(before, after, pairs, wish)
    if not contrast.scored(*contrast.names):
        raise SetupError(f"{first.place} and {other.place} have no sample of {' '.join(task)} that is scored in both")
    return contrast, notes


def _compared(task: Task, several: Sequence[ScoredRun], place: int, wish: Wish) -> TaskComparison:
    contrast, notes = _contrast(task, several[0], several[place], wish)
    changes = list(contrast.changes())
    lost, gained = contrast.flips()
    return TaskComparison(
        task=task,
        place=place,
        changes=changes,
        same_answers=contrast.same_answers(),
        same_scores=changes[0].n - len(lost) - len(gained),
        tokens=contrast.tokens(),
        counts=contrast.counts(),
        latency=contrast.latency(),
        alone=(
            len(contrast.before.samples) - len(contrast.pairs),
            len(contrast.after.samples) - len(contrast.pairs),
        ),
        lost=lost,
        gained=gained,
        means=several[0].tasks[task].epochs != several[place].tasks[task].epochs,
        notes=notes,
    )


def _means(task: ScoredTask) -> ScoredTask:
    """A task by its samples, each with the mean of its epochs in every metric."""
    if task.epochs < 2:
        return task
    samples: dict[Key, Scored] = {}
    for metric in sorted(task.metrics):
        means = runs.over_epochs(task, "mean", metric)
        for key, one in means.samples.items() if means is not None else ():
            before = samples.setdefault(
                key, Scored(one.prompt, {}, cluster=one.cluster, groups=one.groups, tokens=one.tokens)
            )
            samples[key] = replace(
                before, scores={**before.scores, metric: one.scores["mean"]} if one.scores else before.scores
            )
    return ScoredTask(task.about, samples)


def paired_samples(before: ScoredTask, after: ScoredTask, pairing: str = "auto") -> Pairs:
    """Which samples belong together.

    By `id` (and epoch) where both are of the same data; by `prompt` where ids of different data, or of different
    harnesses, say nothing; of equal prompts the first with the first.
    """
    if _pairing(before, after, pairing) == "id":
        return [(key, key) for key in before.samples if key in after.samples]
    places: dict[str, list[Key]] = {}
    for key, sample in after.samples.items():
        if sample.prompt is not None:
            places.setdefault(sample.prompt[: runs.SHORT], []).append(key)
    found = []
    for key, sample in before.samples.items():
        waiting = places.get(sample.prompt[: runs.SHORT]) if sample.prompt is not None else None
        if waiting:
            found.append((key, waiting.pop(0)))
    return found


def _pairing(before: ScoredTask, after: ScoredTask, wished: str) -> str:
    if wished != "auto":
        return wished
    return "id" if before.about["data"]["sha256"] == after.about["data"]["sha256"] else "prompt"


@dataclass(frozen=True)
class _Contrast:
    """Two tasks and which of their samples belong together."""

    before: ScoredTask
    after: ScoredTask
    pairs: Pairs
    wish: Wish

    @property
    def names(self) -> tuple[str, str]:
        """The metric that stands for the task: what both have, else the main one of each."""
        if self.wish.metric is not None:
            return self.wish.metric
        for name in (self.before.main, self.after.main):
            if name in self.before.metrics & self.after.metrics:
                return name, name
        return self.before.main, self.after.main

    def scored(self, one: str, two: str) -> Pairs:
        samples = self.before.samples, self.after.samples
        return [(a, b) for a, b in self.pairs if one in samples[0][a].scores and two in samples[1][b].scores]

    def main(self) -> Change:
        return self._change(self.names, None, self.scored(*self.names))

    def changes(self) -> Iterator[Change]:
        main = self.names
        others = sorted((self.before.metrics & self.after.metrics) - {*main}) if self.wish.metric is None else []
        for names in (main, *((name, name) for name in others)):
            pairs = self.scored(*names)
            if pairs:
                yield self._change(names, None, pairs)
        for group, members in sorted(self._groups(self.scored(*main)).items()):
            yield self._change(main, group, members)

    def _groups(self, pairs: Pairs) -> dict[str, list[tuple[Key, Key]]]:
        members: dict[str, list[tuple[Key, Key]]] = {}
        for pair in pairs:
            for axis, group in self.before.samples[pair[0]].groups.items():
                members.setdefault(f"{axis}={group}", []).append(pair)
        return members

    def _change(self, names: tuple[str, str], group: str | None, pairs: Pairs) -> Change:
        before = [self.before.samples[one].scores[names[0]] for one, _ in pairs]
        after = [self.after.samples[two].scores[names[1]] for _, two in pairs]
        name = names[0] if names[0] == names[1] else f"{names[0]} → {names[1]}"
        return self._of(name, group, before, after, pairs)

    def _of(
        self,
        name: str,
        group: str | None,
        before: list[Any],
        after: list[Any],
        pairs: Pairs,
        *,
        counted: bool = False,
    ) -> Change:
        """`counted`: these are numbers of something, and no flags even where all are 0 or 1."""
        clusters = [self.before.samples[one].cluster or one for one, _ in pairs]
        aggregate = None if counted else self.before.aggregate(name)
        difference: Difference = scores.difference(before, after, clusters, aggregate)
        if counted and isinstance(difference, paired.Paired):
            difference = replace(difference, binary=False)
        return Change(
            metric=name,
            group=group,
            before=scores.score(before, aggregate),
            after=scores.score(after, aggregate),
            difference=difference,
            interval=difference.interval(self.wish.confidence),
            p=difference.p_different(),
        )

    def flips(self) -> tuple[Pairs, Pairs]:
        """Samples whose main score fell, and those whose rose; of a score that no sample has by itself, none."""
        one, two = self.names
        found: tuple[list[tuple[Key, Key]], list[tuple[Key, Key]]] = ([], [])
        for pair in self.scored(one, two):
            before, after = self.before.samples[pair[0]].scores[one], self.after.samples[pair[1]].scores[two]
            if before != after and not isinstance(before, list) and not isinstance(after, list):
                found[after > before].append(pair)
        return found

    def same_answers(self) -> tuple[int, int]:
        votes = [(self.before.samples[one].vote, self.after.samples[two].vote) for one, two in self.pairs]
        both = [(a, b) for a, b in votes if a is not None and b is not None]
        return sum(a == b for a, b in both), len(both)

    def tokens(self) -> Change | None:
        before = [float(self.before.samples[one].tokens) for one, _ in self.pairs]
        after = [float(self.after.samples[two].tokens) for _, two in self.pairs]
        if not any(before) or not any(after):
            return None
        return self._of("tokens", None, before, after, self.pairs, counted=True)

    def counts(self) -> dict[str, tuple[int, int]]:
        def of(holds: Callable[[Scored], bool]) -> tuple[int, int]:
            return (
                sum(holds(self.before.samples[one]) for one, _ in self.pairs),
                sum(holds(self.after.samples[two]) for _, two in self.pairs),
            )

        found = {flag: of(lambda sample, flag=flag: flag in sample.flags) for flag in FLAGS}  # type: ignore[misc]
        found["errors"] = of(lambda sample: sample.error is not None)
        return {name: both for name, both in found.items() if any(both)}

    def latency(self) -> tuple[float, float]:
        def median(seconds: list[float]) -> float:
            return intervals.quantiles(seconds, (0.5,))[0]

        return (
            median([self.before.samples[one].seconds for one, _ in self.pairs]),
            median([self.after.samples[two].seconds for _, two in self.pairs]),
        )


# --- several ----------------------------------------------------------------------------------------------------------


def _average(changes: Sequence[Change], confidence: float) -> Change:
    """The mean of the tasks' main scores, each task counting the same."""
    difference = Average([change.difference for change in changes])
    return Change(
        metric=f"average of {len(changes)} tasks",
        group=None,
        before=sum(change.before for change in changes) / len(changes),
        after=sum(change.after for change in changes) / len(changes),
        difference=difference,
        interval=difference.interval(confidence),
        p=difference.p_different(),
    )


def _ranking(task: Task, several: Sequence[ScoredRun], wish: Wish) -> list[Rank]:
    """Places by the paired tests of all pairs of runs: better than whom, and worse than whom, one surely is.

    With Holm's correction all of a task's places hold at once (Mogstad, Romano, Shaikh & Wilhelm 2024, Review of
    Economic Studies 91:476-518, who turn pairwise tests into confidence sets of ranks so).
    """
    mains = {
        (one, two): _contrast(task, several[one], several[two], wish)[0].main()
        for one, two in combinations(range(len(several)), 2)
    }
    adjusted = paired.holm({pair: change.p for pair, change in mains.items()})
    better = [0] * len(several)
    worse = [0] * len(several)
    for (one, two), change in mains.items():
        if adjusted[one, two] <= 1 - wish.confidence and change.difference.value != 0:
            winner, loser = (two, one) if change.difference.value > 0 else (one, two)
            better[loser] += 1
            worse[winner] += 1
    scores = [mains[0, 1].before, *(mains[0, place].after for place in range(1, len(several)))]
    ranks = [Rank(run, score, 1 + better[run], len(several) - worse[run]) for run, score in enumerate(scores)]
    return sorted(ranks, key=lambda rank: -rank.score)
