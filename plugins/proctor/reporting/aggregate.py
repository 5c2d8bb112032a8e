"""From records to the report's tasks: pure functions over plain JSON values."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from proctor.judge import opinions
from proctor.statistics import epochs, scores
from proctor.statistics.intervals import Estimate, quantiles

Record = Mapping[str, Any]

COUNTS = {
    "truncated": "truncated",
    "unparsed": "unparsed",
    "refused": "refused",
    "ties": "tied",
    "context_cut": "context_cut",
}
USAGE = (
    "requests",
    "retries",
    "prompt_tokens",
    "cached_tokens",
    "completion_tokens",
    "reasoning_tokens",
    "seconds",
    "cost",
)


def key(record: Record) -> tuple[str, str]:
    return record["task"], record["variant"]


def task_report(task: Record, records: Sequence[Record]) -> dict[str, Any]:
    """The entry of a task in report.json, from its description and its samples' records."""
    scored = [record for record in records if record["outcome"] == "scored"]
    errors = Counter(record["error"]["kind"] for record in records if record["outcome"] == "error")
    flags = Counter(flag for record in records for flag in record["flags"])
    names = list(dict.fromkeys(name for record in scored for name in record["scores"]))
    told = ("task", "version", "variant", "shots", "epochs", "prompt_sha256", "parameters", "data")
    aggregates = task.get("aggregates", {})
    judge = opinions.judge_of(records)
    return {
        **{name: task[name] for name in told},
        # Who judged is a part of how it was asked: scores by two judges do not compare.
        **({"parameters": {**task["parameters"], "judge": judge}} if judge is not None else {}),
        **({"aggregates": aggregates} if aggregates else {}),
        **({"signatures": task["signatures"]} if task.get("signatures") else {}),
        **{name: task[name] for name in ("chat", "raw_prompt") if name in task},
        "samples": {
            "selected": task["selected"],
            "total": task["total"],
            "scored": len(scored),
            "errors": dict(errors),
            **{name: flags[flag] for name, flag in COUNTS.items()},
        },
        "main": task["main"],
        "metrics": {
            name: found
            for name in names
            if _defined(found := _with_over_all(name, scored, len(records), aggregates.get(name)))
        },
        "groups": _groups(scored, names, aggregates),
        "macro": _macro(scored, names, aggregates),
        **({"over_epochs": _over_epochs(scored, task)} if task["epochs"] > 1 else {}),
        **({"judge": opinions.summary(records, task["selected"])} if task.get("takes_judge") else {}),
        "usage": usage(records),
    }


def _over_epochs(scored: Sequence[Record], task: Record) -> dict[str, Any]:
    """What the epochs say together, of the main metric."""
    main, aggregate = task["main"], task.get("aggregates", {}).get(task["main"])
    answers: dict[str, dict[int, tuple[Any, str | None]]] = {}
    for record in scored:
        answers.setdefault(record["sample"], {})[record["epoch"]] = record["scores"][main], record.get("vote")
    clusters = {record["sample"]: record["cluster"] for record in scored if "cluster" in record}
    found = epochs.summary(answers, task["epochs"], clusters, aggregate)
    return {**found, "scores": {name: _shown(estimate) for name, estimate in found["scores"].items()}}


def _of(name: str, scored: Iterable[Record]) -> tuple[list[Any], list[str] | None]:
    """Values of a metric, and the samples' clusters where any two share one."""
    having = [record for record in scored if name in record["scores"]]
    values = [record["scores"][name] for record in having]
    clusters = [record.get("cluster") or f"\x00{record['sample']}" for record in having]
    return values, clusters if len(set(clusters)) < len(clusters) else None


def _shown(estimate: Estimate, aggregate: str | None = None) -> dict[str, Any]:
    shown = {"value": estimate.value, "ci95": [estimate.low, estimate.high], "n": estimate.n}
    return shown if aggregate is None else {**shown, "share": scores.aggregate_of(aggregate).share}


def _estimate(name: str, scored: Iterable[Record], aggregate: str | None) -> dict[str, Any]:
    values, clusters = _of(name, scored)
    return _shown(scores.estimate(values, clusters, aggregate=aggregate), aggregate)


def _with_over_all(name: str, scored: Sequence[Record], asked: int, aggregate: str | None) -> dict[str, Any]:
    """A metric over the scored samples, and over all, where an error counts as 0, if it is a mean."""
    found = _estimate(name, scored, aggregate)
    if aggregate is not None:
        return found
    values, _ = _of(name, scored)
    return {**found, "over_all": sum(values) / (asked - len(scored) + len(values))}


def _defined(shown: Mapping[str, Any]) -> bool:
    """Whether a score has a value: a gap between genders has none within one of them."""
    return not math.isnan(shown["value"])


def _by_group(scored: Sequence[Record]) -> dict[str, dict[str, list[Record]]]:
    axes: dict[str, dict[str, list[Record]]] = {}
    for record in scored:
        for axis, group in record.get("groups", {}).items():
            axes.setdefault(axis, {}).setdefault(group, []).append(record)
    return axes


def _groups(scored: Sequence[Record], names: Sequence[str], aggregates: Mapping[str, str]) -> dict[str, Any]:
    return {
        axis: {
            group: {
                name: found
                for name in names
                if _of(name, members)[0] and _defined(found := _estimate(name, members, aggregates.get(name)))
            }
            for group, members in sorted(groups.items())
        }
        for axis, groups in _by_group(scored).items()
    }


def _macro(scored: Sequence[Record], names: Sequence[str], aggregates: Mapping[str, str]) -> dict[str, Any]:
    """The mean of the groups' scores on each axis, each group counting the same."""
    found: dict[str, Any] = {}
    for axis, groups in _by_group(scored).items():
        found[axis] = {}
        for name in names:
            values = [_of(name, members)[0] for members in groups.values()]
            if all(values):
                aggregate = aggregates.get(name)
                shown = _shown(scores.macro(values, aggregate=aggregate), aggregate)
                found[axis] |= {name: shown} if _defined(shown) else {}
    return found


def usage(records: Sequence[Record]) -> dict[str, Any]:
    """Sums over samples; latency is that of one request, in seconds, averaged within a sample."""
    totals = {name: sum(record["usage"].get(name, 0) for record in records) for name in USAGE}
    totals |= {name: round(totals[name], 6) for name in ("seconds", "cost")}
    latencies = [
        record["usage"]["seconds"] / record["usage"]["requests"] for record in records if record["usage"]["requests"]
    ]
    if latencies:
        values = quantiles(latencies, (0.5, 0.9, 0.99))
        totals["latency"] = {name: round(value, 6) for name, value in zip(("p50", "p90", "p99"), values, strict=True)}
    return totals


def partial(tasks: Iterable[Record]) -> bool:
    """Whether any task was not covered whole."""
    return any(
        task["samples"]["scored"] + sum(task["samples"]["errors"].values()) < task["samples"]["total"] for task in tasks
    )


def coverage(task: Record) -> str:
    """`partial: n of N` for a task that was not covered whole, else nothing."""
    samples = task["samples"]
    done = samples["scored"] + sum(samples["errors"].values())
    return "" if done >= samples["total"] else f"partial: {done} of {samples['total']}"


def remarks(task: Record) -> list[str]:
    """What a reader must know beside the score."""
    samples = task["samples"]
    said = [coverage(task)] if coverage(task) else []
    errors = sum(samples["errors"].values())
    if errors:
        kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(samples["errors"].items()))
        main = task["metrics"].get(task["main"])
        over_all = f"; over all {100 * main['over_all']:.2f}" if main and "over_all" in main else ""
        said.append(f"{errors} error{'s' if errors > 1 else ''} ({kinds}{over_all})")
    if "over_epochs" in task:
        said.append(_epochs(task))
    if "judge" in task:
        said += opinions.remarks(task["judge"])
    said += [f"{samples[name]} {name.replace('_', ' ')}" for name in COUNTS if samples.get(name)]
    if task.get("raw_prompt"):
        said.append("raw prompt to a chat model")
    return said


def _epochs(task: Record) -> str:
    means, spread = task["over_epochs"]["means"], task["over_epochs"]["spread"]
    if spread is None:
        return f"{task['epochs']} epochs"
    scale = 100 if all(mean is None or 0 <= mean <= 1 for mean in means) else 1
    return f"{task['epochs']} epochs, spread between them {scale * spread:.2f}"
