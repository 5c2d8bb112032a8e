"""What a benchmark module declares."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from proctor.asks import Ask, as_ask
from proctor.errors import SetupError
from proctor.metrics.aggregates import AGGREGATES
from proctor.sample import Sample

Reader = Callable[..., Sample | Iterable[Sample]]
Judge = TypeVar("Judge", bound=Callable[..., None])

JUDGE_TAKES = ("sample", "output", "score")


@dataclass(frozen=True)
class Task:
    """A benchmark in one variant: what is asked, and how the output is judged.

    `header`, `prompt` and `answer` are its templates, `main` the metric that stands for it. `leave_out` gives the
    reason for which a sample is not asked in this variant, or None.
    """

    benchmark: Benchmark
    variant: str
    ask: Ask
    judge: Callable[..., None]
    header: str
    prompt: str
    answer: str
    main: str
    default: bool = False
    leave_out: Callable[[Sample], str | None] | None = None

    @property
    def name(self) -> str:
        """`mmlu_ppl`: what --set and messages call it."""
        return f"{self.benchmark.name}_{self.variant}"


class Benchmark:
    """A published test: how a row becomes a sample, a sample a prompt, an output a score.

    name: also the pytest mark and the folder of its data.
    prompt, answer, header: Jinja templates over the sample's fields. A shot is `prompt` and `answer`
        rendered for a few-shot row; the whole prompt is header, shots, and `prompt` for the sample.
    shots: how many few-shot rows, in file order; --shots overrides it.
    header_shots: how many examples the header brings, as published prompts do; reports add them, --shots does not.
    main: the metric that stands for the benchmark.
    aggregate: of metrics whose score is no mean, the function of `proctor.metrics` that makes it of all values.
    signatures: makes the text by which such a metric is known in its field ({"bleu": "nrefs:1|case:mixed|..."}), for
        the report; called only in runs that have the benchmark.
    version: raised when the prompt, the extraction or a metric changes a score.
    data, shots_data: files beside the module, for a benchmark with no entry in a manifest.
    """

    def __init__(
        self,
        name: str,
        *,
        prompt: str,
        main: str,
        answer: str = "",
        header: str = "",
        shots: int = 0,
        header_shots: int = 0,
        aggregate: Mapping[str, Callable[..., float]] | None = None,
        signatures: Callable[[], Mapping[str, str]] | None = None,
        version: int = 1,
        data: str | None = None,
        shots_data: str | None = None,
    ) -> None:
        self.name = name
        self.prompt, self.answer, self.header = prompt, answer, header
        self.shots, self.header_shots = shots, header_shots
        self.main = main
        self.aggregates = {metric: _aggregate(name, function) for metric, function in (aggregate or {}).items()}
        self.signatures = signatures
        self.version = version
        self.data, self.shots_data = data, shots_data
        self.module = Path(sys._getframe(1).f_code.co_filename)
        self.reader: Reader | None = None
        self.tasks: list[Task] = []

    def rows(self, reader: Reader) -> Reader:
        """Register how a row is read: `reader(row)` or `reader(row, file)`, `file` being a name without suffix.

        It returns one sample, or yields any number of them.
        """
        self.reader = reader
        return reader

    def test(
        self,
        ask: Any = None,
        *,
        variant: str | None = None,
        default: bool = False,
        header: str | None = None,
        prompt: str | None = None,
        answer: str | None = None,
        main: str | None = None,
        leave_out: Callable[[Sample], str | None] | None = None,
    ) -> Callable[[Judge], Judge]:
        """Register a test function that judges what `ask` brings: `def test_x(sample, output, score)`.

        Its `score(answer, **metrics)` records what was extracted (None: nothing) and the metrics, once.
        `header`, `prompt`, `answer` and `main` take the place of the benchmark's own for this variant. `leave_out` is a
        function of a sample: the reason for which this variant leaves it out, or None.
        """
        asked = as_ask(ask)

        def decorate(judge: Judge) -> Judge:
            taken = tuple(inspect.signature(judge).parameters)
            if taken != JUDGE_TAKES:
                raise SetupError(
                    f"{self.name}: {judge.__name__}({', '.join(taken)}) must take (sample, output, score): "
                    "a judge decides from the output alone, so that stored outputs can be judged again"
                )
            task = Task(
                self,
                variant or asked.variant,
                asked,
                judge,
                self.header if header is None else header,
                self.prompt if prompt is None else prompt,
                self.answer if answer is None else answer,
                self.main if main is None else main,
                default,
                leave_out,
            )
            if task.variant in ("default", "all"):
                raise SetupError(
                    f"{self.name}: variant={variant!r} means another thing to --variant; name it otherwise"
                )
            if any(task.variant == other.variant for other in self.tasks):
                raise SetupError(f"{self.name}: two tests of variant {task.variant!r}; give one another `variant=`")
            self.tasks.append(task)
            judge.__proctor_task__ = task  # type: ignore[attr-defined]
            return judge

        return decorate

    @property
    def default(self) -> Task:
        """The task that runs where several could: the one marked so, else the first."""
        return next((task for task in self.tasks if task.default), self.tasks[0])


def _aggregate(benchmark: str, function: Callable[..., float]) -> str:
    """The name by which reports know a function. Raises SetupError for one that they could not find again."""
    name = getattr(function, "__name__", "")
    if name not in AGGREGATES or AGGREGATES[name].function is not function:
        raise SetupError(
            f"{benchmark}: aggregate={function!r} is none of proctor.metrics, by whose names reports are read again: "
            f"{', '.join(sorted(AGGREGATES))}"
        )
    return name
