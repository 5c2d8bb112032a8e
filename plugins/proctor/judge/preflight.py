"""Known cases that a judge model must get right before its opinions count: each has a good answer and a bad one.

They are asked with the very prompts of the run, before its first sample, each judge and each prompt once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from proctor.asks import together
from proctor.errors import AskError, PromptError, ServiceError
from proctor.judge.asks import UNREADABLE, Judge, comparing_prompt, grade_prompt, prompt_sha256
from proctor.judge.opinions import OPPOSITE, combined, read_grade, read_winner
from proctor.model import Connection, Service
from proctor.sample import Sample

FILE = Path(__file__).with_name("preflight.yaml")
AT_ONCE = 8
GOOD, BAD = 0.75, 0.25
"""The share of the scale that a good answer's grade must reach, and a bad one's must not exceed."""
SHOWN = 6


@dataclass(frozen=True, slots=True)
class Case:
    """A task with two answers about which there can be no two opinions. `reference` is empty where there is none."""

    name: str
    question: str
    good: str
    bad: str
    reference: str = ""

    @property
    def sample(self) -> Sample:
        return Sample(question=self.question, target=self.good, reference=self.reference, id=self.name)


@cache
def cases() -> Sequence[Case]:
    """Those that come along, in English and Chinese."""
    import yaml

    content = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return [Case(name, **{key: str(value).strip() for key, value in entry.items()}) for name, entry in content.items()]


def run(
    service: Service, connection: Connection, tasks: Sequence[Mapping[str, Any]], progress: Callable[[str], None]
) -> dict[str, int]:
    """Ask a started judge about the known cases, as these tasks ask it; what the report says of it.

    Raises ServiceError that shows which cases it got wrong, or why it could not be asked.
    """
    ways = {_key(way): (task, way) for task in tasks if (way := task["judge_model"])}
    if not ways:
        return {"cases": 0}
    name = connection.model["name"]
    progress(f"asking the judge {name} about {len(cases())} known cases")

    async def asked() -> list[str]:
        async with service.connect(connection, min(AT_ONCE, service.concurrency)) as model:
            judge = Judge(name, model)
            found = await together(_checked(judge, case, *way) for way in ways.values() for case in cases())
        return [problem for problem in found if problem]

    try:
        problems = asyncio.run(asked())
    except AskError as error:
        raise ServiceError(f"the judge could not be asked about a known case: {error}") from None
    except PromptError as error:
        raise ServiceError(f"{error}. Known cases have no more than a question and, some, a reference") from None
    count = len(cases()) * len(ways)
    if problems:
        shown = "".join(f"\n  {problem}" for problem in problems[:SHOWN])
        more = f"\n  and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
        raise ServiceError(
            f"the judge {name} is not to be trusted: it got {len(problems)} of {count} known cases wrong, in which one "
            f"answer is clearly good and one clearly bad:{shown}{more}\nName another judge by --judge, or change how "
            "it is asked by --prompt TASK=FILE with a block `judge`"
        )
    return {"cases": count}


def _key(way: Mapping[str, Any]) -> tuple[str, str]:
    about = way["judge_prompt"], way["judge_rubric"]
    return way["kind"], prompt_sha256(*about, way.get("judge_scale", ()))


async def _checked(judge: Judge, case: Case, task: Mapping[str, Any], way: Mapping[str, Any]) -> str | None:
    """What the judge got wrong of a case; None where it is right. Raises AskError where it could not be asked."""
    where = f"{case.name}, asked as for {task['task']}"
    check = _graded if way["kind"] == "graded" else _compared
    try:
        return await check(judge.about(case.sample, [case.sample]), case, where, way)
    except AskError as error:
        if error.kind != UNREADABLE:
            raise
        return f"{where}: {error}"


async def _graded(judge: Judge, case: Case, where: str, way: Mapping[str, Any]) -> str | None:
    rubric, scale = way["judge_rubric"], way["judge_scale"]
    prompts = [
        grade_prompt(case.sample, answer, way["judge_prompt"], rubric, scale) for answer in (case.good, case.bad)
    ]
    good, bad = await _opinions(judge, prompts, lambda text: read_grade(text, scale), way)
    low, high = scale
    if (good - low) / (high - low) >= GOOD and (bad - low) / (high - low) <= BAD:
        return None
    return f"{where}: the good answer was graded {good}, the bad one {bad}, of {low} to {high}"


async def _compared(judge: Judge, case: Case, where: str, way: Mapping[str, Any]) -> str | None:
    prompts = [
        comparing_prompt(case.sample, *order, way["judge_prompt"], way["judge_rubric"])
        for order in ((case.good, case.bad), (case.bad, case.good))
    ]
    first, second = await _opinions(judge, prompts, read_winner, way)
    orders = [first, OPPOSITE[second]]
    if combined(orders) == "win":
        return None
    return f"{where}: of the good answer it said {orders[0]} where that stood first, and {orders[1]} where second"


async def _opinions(judge: Judge, prompts: Sequence[str], read: Callable[[str], Any], way: Mapping[str, Any]) -> Any:
    asks = {"max_tokens": way["judge_max_tokens"], "reasks": way["judge_reasks"]}
    found = await together(judge.opinion(prompt, read, **asks) for prompt in prompts)
    return [opinion.value for opinion, _ in found]
