"""The unified record: one sample of one benchmark."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Sample:
    """What a benchmark's reader makes of a row.

    `target` is the gold answer that the judge compares with; `targets` are several accepted ones.
    `reference` is a worked answer, shown in few-shot examples. `groups` maps an axis to this
    sample's group on it (`{"subject": "astronomy"}`). Samples with the same `cluster` (a passage,
    a question asked twice) are not independent, and intervals respect it.

    `id` is set by the loader: `17` or `astronomy-17`, the number being that of the row in its file, from 0.
    """

    question: str = ""
    passage: str = ""
    choices: Sequence[str] = ()
    target: Any = None
    targets: Sequence[Any] = ()
    reference: str = ""
    groups: Mapping[str, str] = field(default_factory=dict)
    cluster: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    id: str = ""

    def fields(self) -> dict[str, Any]:
        """The names that a template may use: the fields, the groups by axis, and the metadata's keys."""
        return {
            **self.metadata,
            **self.groups,
            "question": self.question,
            "passage": self.passage,
            "choices": self.choices,
            "target": self.target,
            "targets": self.targets,
            "reference": self.reference,
            "metadata": self.metadata,
            "groups": self.groups,
            "id": self.id,
        }


def shuffled(items: Sequence[Any], by: str) -> list[Any]:
    """The items in an order that depends on the text `by` alone (a question, an id): the same in every run and process.

    For benchmarks whose authors shuffle options from one seed for the whole file, where leaving out a row would
    change the prompts of all that follow.
    """
    order = sorted(range(len(items)), key=lambda place: hashlib.sha256(f"{by}\x00{place}".encode()).digest())
    return [items[place] for place in order]
