"""Asking for code: the model writes, and a sandbox runs what it wrote as part of asking."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from proctor.asks import BOUNDS, Ask, generated, together
from proctor.model import Execution, Limits, Model, Output, Program, Sandbox
from proctor.sample import Sample


@dataclass(frozen=True, slots=True)
class TestedOutput(Output):
    """An `Output` whose completions were run: `runs` holds what became of each, in their order.

    `sandbox` says how: the layers of `isolation` and the `limits`.
    """

    __test__ = False

    runs: Sequence[Execution] = ()
    sandbox: Mapping[str, Any] = field(default_factory=dict)

    @property
    def passed(self) -> int:
        """How many completions passed their tests."""
        return sum(run.passed for run in self.runs)


def generate_code(
    program: Callable[[Sample, str], Program],
    *,
    max_tokens: int = 512,
    stop: Sequence[str] = (),
    temperature: float = 0.0,
    top_p: float = 1.0,
    n: int = 1,
    timeout: float = 10.0,
    memory: int = 1024,
    processes: int = 32,
) -> Ask:
    """The model continues the prompt, and each of `n` texts is run; the judge gets a `TestedOutput`.

    program: makes a text of the model's a program with its tests.
    timeout: seconds of wall clock, and of the processor's time, for all tests of one text. memory: MiB.
    processes: threads and processes that a program may have, where the sandbox bounds them.
    """
    parameters = {
        "program": program,
        "max_tokens": max_tokens,
        "stop": list(stop),
        "temperature": temperature,
        "top_p": top_p,
        "n": n,
        "timeout": timeout,
        "memory": memory,
        "processes": processes,
    }
    own = {"timeout": (0.1, math.inf), "memory": (64, math.inf), "processes": (1, math.inf)}
    return Ask(_generate_code, parameters, bounds={**BOUNDS, **own})


async def _generate_code(
    sample: Sample,
    prompt: str,
    model: Model,
    seed: int,
    sandbox: Sandbox,
    *,
    program: Callable[[Sample, str], Program],
    timeout: float,
    memory: int,
    processes: int,
    **parameters: Any,
) -> TestedOutput:
    output = await generated(prompt, model, seed, **parameters)
    limits = Limits(timeout=timeout, memory=memory, processes=processes)
    programs = [program(sample, completion.text) for completion in output.completions]
    # Equal texts, as greedy decoding gives, are run once.
    distinct = list(dict.fromkeys(programs))
    found = await together(sandbox.run(one, limits) for one in distinct)
    became = dict(zip(distinct, found, strict=True))
    runs = [became[one] for one in programs]
    return TestedOutput(output.completions, output.usage, runs, sandbox.about(limits), rendered=output.rendered)
