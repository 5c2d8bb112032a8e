"""Verdicts: PASS, FAIL, INCONCLUSIVE or MISSING, for every rule of a gate on every task that it names.

Against a margin, by the confidence interval of the paired drop: PASS where it lies below, FAIL where it lies above, and
INCONCLUSIVE where it holds the margin. With several gates, a FAIL must hold after Holm's correction for all p-values of
the file, so that the chance of any false alarm is at most 1 - confidence.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from itertools import combinations
from typing import Any

from proctor.errors import SetupError
from proctor.gating.gatecheck import check, check_margins
from proctor.gating.gatefile import Gap, Gate, Gates, Limit, Margin, Reliable, Seen
from proctor.gating.noise import Noisy, deviation
from proctor.reporting import runs
from proctor.reporting.runs import Key, Scored, ScoredRun, ScoredTask
from proctor.statistics import epochs, intervals, paired, scores
from proctor.statistics.paired import Average, Difference

PASS, FAIL, INCONCLUSIVE, MISSING = "PASS", "FAIL", "INCONCLUSIVE", "MISSING"
FAILED, BLOCKED, TOO_MANY_ERRORS = 10, 11, 12
"""Exit codes: a required gate failed; one was inconclusive or missing, and its policy is to block; more samples ended
in an error than the budget allows, so that no verdict can be trusted."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a rule of a gate says of a task. Scores and margins are in the metric's own unit.

    `interval`: that of the difference (candidate minus baseline), or of the score for rules on the candidate alone. `p`
    is two-sided and not corrected. `detectable` is the smallest drop that the run could see, `needed` the samples that
    would decide an INCONCLUSIVE, each epoch of one counted, `needed_epochs` the epochs of the same samples. `unpaired`:
    samples of the candidate that the baseline has not, or asked otherwise. `corrected`: it would be a FAIL if it were
    the only test of the file.
    """

    gate: str | None
    required: bool
    blocks: bool
    task: str
    variant: str
    rule: str
    verdict: str
    reason: str
    metric: str | None = None
    group: str | None = None
    value: float | None = None
    baseline: float | None = None
    margin: float | None = None
    interval: tuple[float, float] | None = None
    p: float | None = None
    n: int | None = None
    unpaired: int = 0
    lost: int | None = None
    gained: int | None = None
    detectable: float | None = None
    needed: float | None = None
    epochs: int = 1
    needed_epochs: float | None = None
    partial: bool = False
    corrected: bool = False

    @property
    def difference(self) -> float | None:
        return None if self.value is None or self.baseline is None else self.value - self.baseline

    @property
    def stops(self) -> bool:
        """Whether it keeps the checkpoint from shipping."""
        return self.required and (self.verdict == FAIL or self.blocks)

    def as_record(self) -> dict[str, Any]:
        """Its entry in report.json; numbers that are infinite are left out."""
        record = {
            "name": self.gate,
            "tier": "required" if self.required else "advisory",
            "task": self.task,
            "variant": self.variant,
            "group": self.group,
            "metric": self.metric,
            "rule": self.rule,
            "verdict": self.verdict,
            "reason": self.reason,
            "stops": self.stops,
            "value": self.value,
            "baseline": self.baseline,
            "difference": self.difference,
            "margin": self.margin,
            "interval": None if self.interval is None else [_finite(end) for end in self.interval],
            "p": self.p,
            "n": self.n,
            "unpaired": self.unpaired,
            "partial": self.partial,
            "flips": None if self.lost is None else {"lost": self.lost, "gained": self.gained},
            "detectable": _finite(self.detectable),
            "needed": _finite(self.needed),
            "epochs": self.epochs if self.epochs > 1 else None,
            "needed_epochs": _finite(self.needed_epochs),
            "corrected": self.corrected or None,
        }
        return {key: value for key, value in record.items() if value is not None}


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def exit_code(verdicts: Sequence[Verdict]) -> int:
    """10, 11 or 0, as design has it."""
    if any(verdict.required and verdict.verdict == FAIL for verdict in verdicts):
        return FAILED
    return BLOCKED if any(verdict.stops for verdict in verdicts) else 0


def judge(
    gates: Gates, candidate: ScoredRun, baseline: ScoredRun | None, noise: Mapping[str, Any] | None = None
) -> list[Verdict]:
    """All verdicts of a file, in its order. Raises SetupError as `check` does, and for a metric that nobody has."""
    tasks = {key: task.about for key, task in candidate.tasks.items()}
    check(gates, tasks, baseline, noise, list(candidate.not_run))
    found: list[tuple[Gate, Verdict]] = []
    for gate in gates.gates:
        for key in filter(gate.means, candidate.tasks):
            check_margins(gates, gate, candidate.tasks[key])
            other = None if baseline is None else baseline.tasks.get(key)
            found += [(gate, one) for one in _Judge(gates, gate, candidate.tasks[key], other, noise).verdicts()]
        for key in filter(gate.means, candidate.not_run):
            reason = f"not run: {candidate.not_run[key]}"
            found += [
                (gate, Verdict(gate.name, gate.required, False, *key, rule, MISSING, reason)) for rule in gate.rules
            ]
    return _decided(gates, found)


def _decided(gates: Gates, found: Sequence[tuple[Gate, Verdict]]) -> list[Verdict]:
    """A FAIL by a p-value must hold after the correction; what an INCONCLUSIVE or a MISSING does, its policy says."""
    p_values = {place: verdict.p for place, (_, verdict) in enumerate(found) if verdict.p is not None}
    adjusted = paired.holm(p_values) if gates.correction == "holm" else p_values
    decided = []
    for place, (gate, verdict) in enumerate(found):
        if verdict.verdict == FAIL and place in adjusted and adjusted[place] > 1 - gates.confidence:
            chance = f"of {len(p_values)} tests one may look so by chance (Holm: p = {adjusted[place]:.2g})"
            verdict = replace(verdict, verdict=INCONCLUSIVE, reason=f"{verdict.reason}; {chance}", corrected=True)
        policy = {INCONCLUSIVE: gate.inconclusive, MISSING: gate.missing}
        decided.append(replace(verdict, blocks=policy.get(verdict.verdict) == "block"))
    return decided


Pairs = list[tuple[Scored, Scored]]
"""Samples of the baseline and of the candidate that belong together."""


@dataclass(frozen=True)
class _Judge:
    """One gate on one task."""

    gates: Gates
    gate: Gate
    task: ScoredTask
    baseline: ScoredTask | None
    noise: Mapping[str, Any] | None

    @property
    def metric(self) -> str:
        return self.gate.metric or self.task.main

    def verdicts(self) -> Iterator[Verdict]:
        for rule, wanted in self.gate.rules.items():
            if isinstance(wanted, Limit):
                yield self._limit(rule, wanted)
            elif isinstance(wanted, Gap):
                yield self._gap(rule, wanted)
            else:
                for group in self._groups():
                    if isinstance(wanted, Reliable):
                        yield self._reliable(rule, wanted, group)
                    else:
                        yield self._scored(rule, wanted, group)

    def _new(self, rule: str, verdict: str, reason: str, **known: Any) -> Verdict:
        about = self.task.about
        counts = about["samples"]
        return Verdict(
            gate=self.gate.name,
            required=self.gate.required,
            blocks=False,
            task=about["task"],
            variant=about["variant"],
            rule=rule,
            verdict=verdict,
            reason=reason,
            partial=counts["scored"] + sum(counts["errors"].values()) < counts["total"],
            **known,
        )

    def _groups(self) -> list[str | None]:
        """The groups that the gate is on; None is the whole task."""
        if self.gate.group is None:
            return [None]
        axis, pattern = self.gate.group
        names = sorted({sample.groups[axis] for sample in self.task.samples.values() if axis in sample.groups})
        chosen = [name for name in names if fnmatchcase(name, pattern)]
        if not chosen:
            self._fail(f"{self.task.name} has no group {axis}={pattern}; there are: {', '.join(names) or 'none'}")
        return list(chosen)

    def _fail(self, message: str) -> None:
        raise SetupError(f"{self.gates.path}:{self.gate.line}: {message}")

    def _with_metric(self, task: ScoredTask) -> ScoredTask:
        """A task that has the metric of the gate, where that is one which several epochs give together."""
        if self.gate.metric is None or self.gate.metric in task.metrics:
            return task
        found = runs.over_epochs(task, self.gate.metric, task.main)
        if found is None:
            return task
        if not found.metrics:
            self._fail(
                f"no sample of {task.name} has {self.gate.metric}: it takes as many epochs, of which there are "
                f"{task.epochs}, and scores of right or wrong"
            )
        return found

    def _own(self, group: str | None = None) -> dict[Key, Scored]:
        """The candidate's samples that have the metric. Raises SetupError for a metric that none has."""
        task = self._with_metric(self.task)
        metrics = task.metrics
        if metrics and self.metric not in metrics:
            hint = " (pass@k, pass^k and majority are there with --epochs)" if epochs.derived(self.metric) else ""
            self._fail(f"{self.task.name} has no metric {self.metric}; there are: {', '.join(sorted(metrics))}{hint}")
        axis = self.gate.group[0] if self.gate.group else ""
        return {
            key: sample for key, sample in task.samples.items() if group is None or sample.groups.get(axis) == group
        }

    # --- scores ------------------------------------------------------------------------------------------------------

    def _scored(self, rule: str, wanted: Margin | Seen | float, group: str | None) -> Verdict:
        selected = self._own(group)
        axis = self.gate.group[0] if self.gate.group else ""
        label = f"{axis}={group}" if group else f"average of {self.gate.average}" if self.gate.average else None
        known: dict[str, Any] = {"metric": self.metric, "group": label}
        scored = {key: sample for key, sample in selected.items() if self.metric in sample.scores}
        if not scored:
            return self._new(rule, MISSING, "no sample was scored", **known)
        if isinstance(wanted, float):
            return self._least(rule, wanted, list(scored.values()), known)
        if self.baseline is None:
            return self._new(rule, MISSING, "the baseline has no such task", **known)
        baseline = self._with_metric(self.baseline)
        if self.metric not in baseline.metrics:
            return self._new(rule, MISSING, f"the baseline has no metric {self.metric}", **known)
        others = baseline.samples
        pairs = [
            (others[key], sample)
            for key, sample in scored.items()
            if key in others and self.metric in others[key].scores and runs.same_prompt(others[key], sample)
        ]
        known |= {"n": len(pairs), "unpaired": len(selected) - len(pairs)}
        if len(pairs) < self.gates.coverage * len(selected) or not pairs:
            reason = (
                f"only {len(pairs)} of {len(selected)} samples have a partner in the baseline: "
                f"{self._why(selected, others)}"
            )
            return self._new(rule, MISSING, reason, **known)
        return self._compared(rule, wanted, pairs, known)

    def _why(self, selected: Mapping[Key, Scored], others: Mapping[Key, Scored]) -> str:
        counts = dict.fromkeys(REASONS, 0)
        for key, sample in selected.items():
            if self.metric not in sample.scores:
                counts["not scored here"] += 1
            elif key not in others:
                counts["not in the baseline"] += 1
            elif self.metric not in others[key].scores:
                counts["not scored in the baseline"] += 1
            elif not runs.same_prompt(others[key], sample):
                counts["asked by another prompt"] += 1
        return ", ".join(f"{count} {reason}" for reason, count in counts.items() if count)

    def _least(self, rule: str, least: float, samples: Sequence[Scored], known: dict[str, Any]) -> Verdict:
        """A score against a floor, by its own interval."""
        if self.gate.average:
            values = [[one.scores[self.metric] for one in members] for members in self._by(samples).values()]
            estimate = scores.macro(values, self.gates.confidence, self._aggregate)
        else:
            own = [one.scores[self.metric] for one in samples]
            estimate = scores.estimate(own, _clusters(samples), self.gates.confidence, self._aggregate, exact=True)
        if math.isnan(estimate.value):
            return self._new(rule, MISSING, UNDEFINED, **known)
        more = intervals.normal_quantile(self.gates.confidence) * self._deviation
        low = -math.inf if estimate.low is None else estimate.value - math.hypot(estimate.value - estimate.low, more)
        high = math.inf if estimate.high is None else estimate.value + math.hypot(estimate.high - estimate.value, more)
        verdict = PASS if low >= least else FAIL if high < least else INCONCLUSIVE
        where = {PASS: "lies above", FAIL: "lies below", INCONCLUSIVE: "holds"}[verdict]
        known |= {"value": estimate.value, "interval": (low, high), "margin": least, "n": estimate.n}
        return self._new(rule, verdict, f"its interval {where} the floor", **known)

    def _by(self, samples: Sequence[Any], of: Any = lambda sample: sample) -> dict[str, list[Any]]:
        """Samples, or pairs of them, by their group on the axis of the average."""
        members: dict[str, list[Any]] = {}
        for one in samples:
            group = of(one).groups.get(self.gate.average)
            if group is None:
                self._fail(f"{self.task.name} has no axis {self.gate.average}")
            members.setdefault(group, []).append(one)
        return members

    def _compared(self, rule: str, wanted: Margin | Seen, pairs: Pairs, known: dict[str, Any]) -> Verdict:
        if self.gate.average:
            groups = self._by(pairs, lambda pair: pair[1])
            difference: Difference = Average([self._paired(members) for members in groups.values()])
            means = [[self._score(members, side) for members in groups.values()] for side in (0, 1)]
            before, now = (sum(values) / len(values) for values in means)
        else:
            difference = self._paired(pairs)
            before, now = (self._score(pairs, side) for side in (0, 1))
        if math.isnan(before) or math.isnan(now):
            return self._new(rule, MISSING, UNDEFINED, **known)
        power = wanted.power if isinstance(wanted, Seen) else self.gates.power
        confidence = self.gates.confidence
        noisy = Noisy(difference, self._deviation)
        low, high = noisy.interval(confidence)
        known |= {
            "value": now,
            "baseline": before,
            "interval": (low, high),
            "lost": difference.lost,
            "gained": difference.gained,
            "detectable": noisy.detectable(power, confidence),
        }
        if self.task.epochs > 1 and not epochs.derived(self.metric):
            known["epochs"] = self.task.epochs
        if isinstance(wanted, Seen):
            return self._significant(rule, wanted, noisy, known)
        margin = wanted.value * abs(before) if wanted.relative else wanted.value
        p = min(1.0, 2 * noisy.p_beyond(margin))
        verdict = PASS if -low < margin else FAIL if -high > margin else INCONCLUSIVE
        where = {PASS: "lies below", FAIL: "lies above", INCONCLUSIVE: "holds"}[verdict]
        known |= {"margin": margin, "p": p}
        if verdict == INCONCLUSIVE:
            samples, more = noisy.needed(margin, power, confidence)
            known |= {"needed": samples, "needed_epochs": more if "epochs" in known else None}
        return self._new(rule, verdict, f"the interval of the drop {where} the margin", **known)

    def _significant(self, rule: str, wanted: Seen, noisy: Noisy, known: dict[str, Any]) -> Verdict:
        p = noisy.p_different()
        known |= {"p": p, "margin": wanted.smallest}
        if p <= 1 - self.gates.confidence and noisy.difference.value < 0:
            return self._new(rule, FAIL, "the paired test sees a drop", **known)
        if known["detectable"] <= wanted.smallest:
            reason = f"no drop is seen, and one of {wanted.smallest:g} would be with a power of {wanted.power:g}"
            return self._new(rule, PASS, reason, **known)
        known["needed"] = noisy.needed_to_see(wanted.smallest, wanted.power, self.gates.confidence)
        reason = f"no drop is seen, but one of {wanted.smallest:g} might have been missed"
        return self._new(rule, INCONCLUSIVE, reason, **known)

    @property
    def _aggregate(self) -> str | None:
        return self.task.aggregate(self.metric)

    def _score(self, pairs: Pairs, side: int) -> float:
        return scores.score([pair[side].scores[self.metric] for pair in pairs], self._aggregate)

    def _paired(self, pairs: Pairs) -> paired.Paired | scores.Aggregated:
        samples = [sample for _, sample in pairs]
        before, now = ([pair[side].scores[self.metric] for pair in pairs] for side in (0, 1))
        return scores.difference(before, now, _clusters(samples), self._aggregate)

    @property
    def _deviation(self) -> float:
        task = self.task.about["task"], self.task.about["variant"]
        return deviation(self.noise, task, self.metric, self.gates.confidence)

    # --- the candidate alone -----------------------------------------------------------------------------------------

    def _limit(self, rule: str, limit: Limit) -> Verdict:
        samples = list(self.task.samples.values())
        if not samples:
            return self._new(rule, MISSING, "no sample was asked")
        if rule == "max_latency":
            value = intervals.quantiles([sample.seconds for sample in samples], (0.5,))[0]
            unit = "s, the median"
        elif rule == "max_output_tokens":
            value, unit = sum(sample.tokens for sample in samples) / len(samples), "tokens a sample"
        else:
            flag = rule.removeprefix("max_")
            count = sum(sample.error is not None if flag == "errors" else flag in sample.flags for sample in samples)
            value, unit = (count / len(samples), "of the samples") if limit.share else (count, "samples")
        verdict = PASS if value <= limit.value else FAIL
        return self._new(rule, verdict, f"{value:.4g} {unit}; at most {limit.value:g}", value=value, margin=limit.value)

    def _reliable(self, rule: str, wanted: Reliable, group: str | None) -> Verdict:
        """How many samples are right often enough; where all must be, one that is not decides."""
        name = f"{wanted.least} of {wanted.epochs}"
        task = runs.over_epochs(self.task, name, self.metric)
        assert task is not None  # `check` has seen the epochs
        axis = self.gate.group[0] if self.gate.group else ""
        own = {key[0]: one for key, one in task.samples.items() if group is None or one.groups.get(axis) == group}
        scored = {sample: one for sample, one in own.items() if name in one.scores}
        known: dict[str, Any] = {"metric": self.metric, "group": f"{axis}={group}" if group else None}
        if not scored:
            why = "no sample has its epochs scored as right or wrong"
            return self._new(rule, MISSING, why, **known)
        if len(scored) < self.gates.coverage * len(own):
            why = f"only {len(scored)} of {len(own)} samples are scored in every epoch"
            return self._new(rule, MISSING, why, **known)
        values = [one.scores[name] for one in scored.values()]
        clusters = _clusters(list(scored.values()))
        estimate = intervals.mean_interval(values, clusters, self.gates.confidence, exact=True)
        known |= {"value": estimate.value, "margin": wanted.share, "n": estimate.n}
        short = [sample for sample, one in scored.items() if not one.scores[name]]
        told = f"{len(short)} of {len(scored)} samples are right in fewer than {name} epochs"
        if wanted.share < 1:
            low, high = estimate.low or 0.0, 1.0 if estimate.high is None else estimate.high
            known["interval"] = low, high
            verdict = PASS if low >= wanted.share else FAIL if high < wanted.share else INCONCLUSIVE
            return self._new(rule, verdict, told, **known)
        if short:
            more = ", ..." if len(short) > SHOWN else ""
            return self._new(rule, FAIL, f"{told}: {', '.join(short[:SHOWN])}{more}", **known)
        if len(scored) < len(own):
            why = f"{len(own) - len(scored)} samples lack an epoch"
            return self._new(rule, MISSING, why, **known)
        return self._new(rule, PASS, f"every sample is right in {name} epochs", **known)

    def _gap(self, rule: str, gap: Gap) -> Verdict:
        """The largest difference between two groups: all pairs of groups at once (Bonferroni).

        The interval of a difference comes from those of the two scores (MOVER: Zou & Donner 2008, Statistics in
        Medicine 27:1693-1702; Newcombe 1998, Statistics in Medicine 17:873-890, for proportions).
        """
        members: dict[str, list[Scored]] = {}
        if not any(gap.axis in sample.groups for sample in self.task.samples.values()):
            axes = dict.fromkeys(axis for sample in self.task.samples.values() for axis in sample.groups)
            self._fail(f"{self.task.name} has no axis {gap.axis}; there are: {', '.join(axes) or 'none'}")
        for sample in self._own().values():
            if self.metric in sample.scores and gap.axis in sample.groups:
                members.setdefault(sample.groups[gap.axis], []).append(sample)
        known: dict[str, Any] = {"metric": self.metric, "margin": gap.margin}
        if len(members) < 2:
            return self._new(
                rule, MISSING, f"{self.task.name} has fewer than two groups on the axis {gap.axis}", **known
            )
        count = math.comb(len(members), 2)
        confidence = 1 - (1 - self.gates.confidence) / count
        found = {
            name: scores.estimate([one.scores[self.metric] for one in own], _clusters(own), confidence, self._aggregate)
            for name, own in members.items()
        }
        gaps = []
        for one, other in combinations(found, 2):
            better, worse = sorted((one, other), key=lambda name: -found[name].value)
            gaps.append((*_between(found[better], found[worse]), better, worse))
        value, low, high, better, worse = max(gaps)
        surest = max(gaps, key=lambda entry: entry[1])
        reach = max(entry[2] for entry in gaps)
        known |= {"value": value, "interval": (low, high), "n": sum(map(len, members.values()))}
        if surest[1] > gap.margin:
            return self._new(rule, FAIL, f"{surest[3]} and {surest[4]} are further apart than the margin", **known)
        if reach < gap.margin:
            return self._new(rule, PASS, "no two groups are as far apart as the margin", **known)
        return self._new(rule, INCONCLUSIVE, f"{better} and {worse} may be further apart than the margin", **known)


SHOWN = 5
"""Samples that a verdict names."""
UNDEFINED = "the score is not defined for these samples"
REASONS = ("not scored here", "not in the baseline", "not scored in the baseline", "asked by another prompt")


def _clusters(samples: Sequence[Scored]) -> list[Any] | None:
    """The samples' clusters; None where every one is its own."""
    if all(sample.cluster is None for sample in samples):
        return None
    return [place if sample.cluster is None else sample.cluster for place, sample in enumerate(samples)]


def _between(better: intervals.Estimate, worse: intervals.Estimate) -> tuple[float, float, float]:
    """(difference, low, high) of two independent scores."""
    value = better.value - worse.value
    if better.low is None or better.high is None or worse.low is None or worse.high is None:
        return value, -math.inf, math.inf
    down = math.hypot(better.value - better.low, worse.high - worse.value)
    up = math.hypot(better.high - better.value, worse.value - worse.low)
    return value, value - down, value + up
