"""gates.yaml: what must hold before a checkpoint may ship. Every complaint names file, line and key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from proctor.yamlfile import Reader, load

LIMITS = ("max_errors", "max_truncated", "max_unparsed", "max_output_tokens", "max_latency")
"""Limits on the candidate alone: shares of its samples or counts of them, tokens a sample, seconds of the median."""
RULES = ("max_drop", "no_significant_drop", "min_score", "max_gap", "min_pass", *LIMITS)
NEED_BASELINE = ("max_drop", "no_significant_drop")


@dataclass(frozen=True, slots=True)
class Margin:
    """`value` in the metric's own unit; `relative`: a share of the baseline's score."""

    value: float
    relative: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """The smallest drop that a run must be able to see, and how surely."""

    smallest: float
    power: float


@dataclass(frozen=True, slots=True)
class Gap:
    """The most by which two groups of an axis may differ."""

    axis: str
    margin: float


@dataclass(frozen=True, slots=True)
class Limit:
    """`value` of samples, tokens or seconds; `share`: of the samples."""

    value: float
    share: bool = False


@dataclass(frozen=True, slots=True)
class Reliable:
    """Of `epochs` epochs, a sample must be right in `least`; so must a share of all samples."""

    least: int
    epochs: int
    share: float = 1.0


Rule = Margin | Seen | Gap | Limit | Reliable | float


@dataclass(frozen=True, slots=True)
class Gate:
    """One entry of the file. `line` is where it stands; `rules` by name, in the file's order; `name` if it has one."""

    name: str | None
    benchmarks: Sequence[str]
    rules: Mapping[str, Rule]
    line: int
    metric: str | None = None
    group: tuple[str, str] | None = None
    average: str | None = None
    required: bool = True
    inconclusive: str = "block"
    missing: str = "block"

    def means(self, task: tuple[str, str]) -> bool:
        """Whether one of its patterns is that of a task: of the benchmark's name, or that and the variant."""
        return any(matches(one, task) for one in self.benchmarks)


def matches(pattern: str, task: tuple[str, str]) -> bool:
    """Whether a pattern is that of a task: of the benchmark's name, or that and the variant."""
    return fnmatchcase(task[0], pattern) or fnmatchcase("_".join(task), pattern)


@dataclass(frozen=True, slots=True)
class Gates:
    """A gate file. `confidence` is that of every interval, `coverage` the least share of samples with a partner."""

    path: Path
    gates: Sequence[Gate]
    confidence: float = 0.95
    power: float = 0.8
    correction: str = "holm"
    coverage: float = 0.99
    noise: Path | None = None
    noise_line: int = 0


TOP = ("gates", "confidence", "power", "correction", "coverage", "inconclusive", "missing", "noise")
OWN = ("name", "benchmarks", "metric", "group", "average", "tier", "inconclusive", "missing", *RULES)
POLICIES = ("block", "warn")
SCORED = ("max_drop", "no_significant_drop", "min_score")
TAKES = {"metric": (*SCORED, "max_gap", "min_pass"), "group": (*SCORED, "min_pass"), "average": SCORED}
"""Keys that some rules take: the others are on the whole task."""


def read(path: Path) -> Gates:
    """Raises SetupError for whatever cannot be meant."""
    reader, content = load(path)
    top = reader.keys((), content, TOP)
    entries = top.get("gates")
    if not isinstance(entries, list) or not entries:
        reader.fail(("gates",), "a list of gates is needed, each with benchmarks and a rule")
    noise = top.get("noise")
    gates = [_gate(reader, ("gates", place), entry, top) for place, entry in enumerate(entries)]
    names: dict[str, int] = {}
    for place, gate in enumerate(gates):
        if gate.name is None:
            continue
        if gate.name in names:
            reader.fail(
                ("gates", place), f"the gate of line {names[gate.name]} is called {gate.name!r} too: give it a name"
            )
        names[gate.name] = gate.line
    return Gates(
        path=path,
        gates=gates,
        confidence=reader.number(("confidence",), top.get("confidence", 0.95), 0.5, 0.9999),
        power=reader.number(("power",), top.get("power", 0.8), 0.5, 0.9999),
        correction=reader.word(("correction",), top.get("correction", "holm"), ("holm", "none")),
        coverage=reader.number(("coverage",), top.get("coverage", 0.99), 0, 1),
        noise=None if noise is None else path.parent / reader.text(("noise",), noise),
        noise_line=reader.lines.get(("noise",), 0),
    )


def _gate(reader: Reader, where: tuple[str | int, ...], entry: Any, top: Mapping[str, Any]) -> Gate:
    own = reader.keys(where, entry, OWN)
    benchmarks = own.get("benchmarks")
    patterns = [benchmarks] if isinstance(benchmarks, str) else benchmarks
    if not isinstance(patterns, list) or not patterns or not all(isinstance(one, str) and one for one in patterns):
        reader.fail((*where, "benchmarks"), "names of benchmarks are needed, as [gsm8k, mmlu_ppl, 'mm*']")
    rules = {name: _rule(reader, (*where, name), name, own[name], top) for name in own if name in RULES}
    if not rules:
        reader.fail(where, f"a rule is needed: one of {', '.join(RULES)}")
    for key, rules_with in TAKES.items():
        other = next((name for name in rules if key in own and name not in rules_with), None)
        if other is not None:
            reader.fail((*where, key), f"{other} takes no {key}: give it a gate of its own")
    if "group" in own and "average" in own:
        reader.fail((*where, "average"), "a gate is on one group or on the average of an axis, not on both")
    required = reader.word((*where, "tier"), own.get("tier", "required"), ("required", "advisory")) == "required"
    policy = "block" if required else "warn"
    return Gate(
        name=None if "name" not in own else reader.text((*where, "name"), own["name"]),
        benchmarks=patterns,
        rules=rules,
        line=reader.lines[where],
        metric=None if "metric" not in own else reader.text((*where, "metric"), own["metric"]),
        group=None if "group" not in own else _group(reader, (*where, "group"), own["group"]),
        average=None if "average" not in own else reader.text((*where, "average"), own["average"]),
        required=required,
        **{
            name: reader.word((*where, name), own.get(name, top.get(name, policy) if required else policy), POLICIES)
            for name in ("inconclusive", "missing")
        },
    )


def _group(reader: Reader, where: tuple[str | int, ...], value: Any) -> tuple[str, str]:
    axis, equals, group = reader.text(where, value).partition("=")
    if not (axis and equals and group):
        reader.fail(where, f"AXIS=GROUP is needed, as subject=astronomy or 'subject=*' for each of them, not {value!r}")
    return axis, group


def _rule(reader: Reader, where: tuple[str | int, ...], name: str, value: Any, top: Mapping[str, Any]) -> Rule:
    if name == "max_drop":
        if isinstance(value, Mapping):
            margin = reader.keys(where, value, ("absolute", "relative"))
            if len(margin) != 1:
                reader.fail(where, "either absolute or relative is needed")
            ((kind, number),) = margin.items()
            return Margin(
                reader.number((*where, kind), number, 0, 1 if kind == "relative" else 1e9), kind == "relative"
            )
        return Margin(reader.number(where, value, 0, 1))
    if name == "no_significant_drop":
        if not isinstance(value, Mapping):
            power = reader.number(("power",), top.get("power", 0.8), 0.5, 0.9999)
            return Seen(reader.number(where, value, 1e-9, 1), power)
        seen = reader.keys(where, value, ("smallest", "power"))
        power = reader.number((*where, "power"), seen.get("power", top.get("power", 0.8)), 0.5, 0.9999)
        return Seen(reader.number((*where, "smallest"), seen.get("smallest"), 1e-9, 1), power)
    if name == "max_gap":
        gap = reader.keys(where, value, ("axis", "margin"))
        return Gap(
            reader.text((*where, "axis"), gap.get("axis")), reader.number((*where, "margin"), gap.get("margin"), 0, 1)
        )
    if name == "min_pass":
        return _reliable(reader, where, value)
    if name == "min_score":
        return reader.number(where, value, -1e9, 1e9)
    return _limit(reader, where, name, value)


def _reliable(reader: Reader, where: tuple[str | int, ...], value: Any) -> Reliable:
    share = 1.0
    if isinstance(value, Mapping):
        own = reader.keys(where, value, ("epochs", "samples"))
        share = reader.number((*where, "samples"), own.get("samples", 1.0), 0, 1)
        where, value = (*where, "epochs"), own.get("epochs")
    words = value.split() if isinstance(value, str) else []
    if len(words) != 3 or words[1] != "of" or not (words[0] + words[2]).isdecimal():
        reader.fail(where, f"how often a sample must be right is needed, as `4 of 5`, not {value!r}")
    least, epochs = int(words[0]), int(words[2])
    if not 1 <= least <= epochs or epochs < 2:
        reader.fail(where, f"{value!r} cannot be: from 1 to all of 2 epochs or more")
    return Reliable(least, epochs, share)


def _limit(reader: Reader, where: tuple[str | int, ...], name: str, value: Any) -> Limit:
    if name in ("max_output_tokens", "max_latency"):
        return Limit(reader.number(where, value, 0, 1e9))
    if isinstance(value, str) and value.strip().endswith("%"):
        try:
            share = float(value.strip()[:-1]) / 100
        except ValueError:
            share = -1.0
        return Limit(reader.number(where, share, 0, 1), share=True)
    number = reader.number(where, value, 0, 1e9)
    if number != int(number):
        reader.fail(where, f"a number of samples, or a share as '1 %', is needed, not {value!r}")
    return Limit(number)
