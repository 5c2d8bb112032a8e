"""Samples that are asked several times: what the answers to one question say together.

An epoch is one time that every sample is asked; epochs are numbered from 0.
"""

from __future__ import annotations

import json
import re
import statistics
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import Any

from proctor.metrics import pass_at_k
from proctor.statistics.intervals import Estimate, mean_interval
from proctor.statistics.scores import score

Answers = Sequence[tuple[float, str | None]]
"""Of one sample: the score and the vote of each of its epochs, in their order."""
SHOWN = (2, 5, 10, 20, 50, 100)
"""The k of pass@k and pass^k that are told, up to the number of epochs, which is told too."""
_LABEL = re.compile(r"(.*)-epoch(\d+)", re.DOTALL)
_DERIVED = re.compile(
    r"pass@(?P<any>[1-9]\d*)|pass\^(?P<all>[1-9]\d*)|(?P<least>[1-9]\d*) of (?P<of>[1-9]\d*)|majority|mean"
)


def label(sample: str, epoch: int, epochs: int) -> str:
    """What stands in the brackets of a node id."""
    return f"{sample}-epoch{epoch}" if epochs > 1 else sample


def parsed(text: str, epochs: int) -> tuple[str, int]:
    """The sample id and the epoch of a `label`."""
    found = _LABEL.fullmatch(text) if epochs > 1 else None
    return (found[1], int(found[2])) if found else (text, 0)


def vote(extracted: Any) -> str | None:
    """By which equal answers are known: a short hash of what was extracted, None where nothing was."""
    if extracted is None:
        return None
    text = json.dumps(extracted, sort_keys=True)
    return blake2b(text.encode(), digest_size=6).hexdigest()


def derived(name: str) -> Callable[[Answers], float | None] | None:
    """The score of a sample over its epochs that `name` means; None for a name that means none.

    pass@k   the chance that one of k answers passes (Chen et al. 2021, arXiv:2107.03374, without bias)
    pass^k   the chance that all of k pass (Yao et al. 2024, arXiv:2406.12045: C(c, k) / C(n, k))
    m of k   whether at least m pass, of k epochs
    majority the score of the answer given most often, of several the first (Wang et al. 2022, arXiv:2203.11171); what
             could not be extracted has no vote

    mean     that of the scores

    The function gives None where a sample has too few epochs, or scores other than 0 and 1 (`majority` and `mean` take
    any).
    """
    found = _DERIVED.fullmatch(name)
    if found is None:
        return None
    if name == "majority":
        return _majority
    if name == "mean":
        return lambda answers: sum(score for score, _ in answers) / len(answers) if answers else None
    if found["any"]:
        return lambda answers: _of_flags(answers, int(found["any"]), lambda n, c: pass_at_k(n, c, int(found["any"])))
    if found["all"]:
        return lambda answers: _of_flags(
            answers, int(found["all"]), lambda n, c: 1 - pass_at_k(n, n - c, int(found["all"]))
        )
    return lambda answers: _of_flags(answers, int(found["of"]), lambda n, c: float(c >= int(found["least"])))


def _of_flags(answers: Answers, least: int, value: Callable[[int, int], float]) -> float | None:
    scores = [score for score, _ in answers]
    if len(scores) < least or any(score not in (0, 1) for score in scores):
        return None
    return value(len(scores), int(sum(scores)))


def _majority(answers: Answers) -> float | None:
    counts = Counter(vote for _, vote in answers if vote is not None)
    if not counts:
        return answers[0][0] if answers else None
    winner = counts.most_common(1)[0][0]  # of equals, the one seen first
    return next(score for score, vote in answers if vote == winner)


def told(epochs: int) -> list[str]:
    """Names of the derived scores that a report has."""
    ks = sorted({k for k in SHOWN if k < epochs} | {epochs})
    return [f"pass@{k}" for k in ks] + [f"pass^{k}" for k in ks] + ["majority"]


def summary(
    answers: Mapping[str, Mapping[int, tuple[Any, str | None]]],
    epochs: int,
    clusters: Mapping[str, str],
    aggregate: str | None = None,
) -> dict[str, Any]:
    """What a report says of a task's epochs.

    answers: by sample id and epoch, of one metric. clusters: of samples that have one. `means` is the score of each
    epoch, None where it has no sample; `spread` their standard deviation; `scores` are `Estimate`s of the mean over the
    samples that have all their epochs (`whole`); of a metric with an `aggregate` there are none.
    """
    means: list[float | None] = []
    for epoch in range(epochs):
        values = [own[epoch][0] for own in answers.values() if epoch in own]
        means.append(score(values, aggregate) if values else None)
    known = [mean for mean in means if mean is not None]
    whole = {sample: [own[epoch] for epoch in sorted(own)] for sample, own in answers.items() if len(own) == epochs}
    scores: dict[str, Estimate] = {}
    for name in told(epochs) if aggregate is None else ():
        of = derived(name)
        found = {sample: value for sample, own in whole.items() if of and (value := of(own)) is not None}
        if found:
            shared = [clusters.get(sample, f"\x00{sample}") for sample in found]
            estimate = mean_interval(list(found.values()), shared if len(set(shared)) < len(shared) else None)
            scores[name] = estimate if name == "majority" else _share(estimate)
    return {
        "whole": len(whole),
        "means": means,
        "spread": statistics.stdev(known) if len(known) > 1 else None,
        "scores": scores,
    }


def _share(estimate: Estimate) -> Estimate:
    """Of a chance: its interval ends at 0 and 1."""
    if estimate.low is None or estimate.high is None:
        return estimate
    return replace(estimate, low=max(0.0, estimate.low), high=min(1.0, estimate.high))
