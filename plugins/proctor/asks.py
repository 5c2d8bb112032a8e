"""Asking: everything that waits. An ask is a coroutine per sample; these are the ready ones."""

from __future__ import annotations

import asyncio
import functools
import inspect
import math
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from string import ascii_uppercase
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from proctor.errors import AskError, SetupError
from proctor.model import NO_USAGE, Likelihood, Likelihoods, Model, Output, Sandbox, Usage
from proctor.sample import Sample

if TYPE_CHECKING:
    from proctor.judge.asks import Judge

T = TypeVar("T")
GIVEN = ("sample", "prompt", "model", "seed", "sandbox", "judge")
"""What an ask function may take by name; every other parameter needs a default and can be changed by --set."""


BOUNDS = {"max_tokens": (1, math.inf), "temperature": (0, math.inf), "top_p": (0, 1), "n": (1, math.inf)}
Length = Literal["none", "tokens", "bytes", "characters"]
LENGTHS: Mapping[str, Callable[[str, Likelihood], int]] = {
    "none": lambda label, likelihood: 1,
    "tokens": lambda label, likelihood: likelihood.tokens,
    "bytes": lambda label, likelihood: max(1, len(label.encode())),
    "characters": lambda label, likelihood: max(1, len(label)),
}


@dataclass(frozen=True, slots=True)
class Ranking:
    """Choices ranked by log-likelihood.

    `choice` is the label of the likeliest one and `index` its position; the first one where several
    share the highest value (`tied`). Both are None where no choice has a finite log-likelihood.
    """

    labels: Sequence[str]
    choices: Sequence[Likelihood]
    usage: Usage = NO_USAGE
    context_cut: bool = False

    @property
    def index(self) -> int | None:
        return self.likeliest()

    def likeliest(self, per: Length = "none") -> int | None:
        """Position of the choice with the highest log-likelihood, divided by the length of its label.

        `per` is what the length is counted in: `none` (not divided), `tokens` of the continuation, `bytes` of the
        label in UTF-8, or its `characters` (what lm-evaluation-harness
        calls acc_norm). The prefix before a label is not counted. The first one where several share the highest.
        """
        length = LENGTHS[per]
        values = [
            likelihood.logprob / length(label, likelihood)
            for label, likelihood in zip(self.labels, self.choices, strict=True)
        ]
        best = max(values, default=-math.inf)
        return values.index(best) if math.isfinite(best) else None

    def letter(self, per: Length = "none") -> str | None:
        """`likeliest` as a letter, the first of at most 26 choices being "A"; None where there is none."""
        position = self.likeliest(per)
        return None if position is None else ascii_uppercase[position]

    @property
    def choice(self) -> str | None:
        return None if self.index is None else self.labels[self.index]

    @property
    def tied(self) -> bool:
        """Whether the highest log-likelihood belongs to more than one choice."""
        if self.index is None:
            return False
        best = self.choices[self.index].logprob
        return sum(likelihood.logprob == best for likelihood in self.choices) > 1


@dataclass(frozen=True, slots=True)
class Ask:
    """A coroutine function and its parameters.

    `variant` names the kind of task that it makes (`gen`, `ppl`); `needs` the ability of the model
    service that it cannot do without (`generate`, `likelihood`); `check` finds what is wrong with a
    sample for this ask, before anything is asked. `bounds` are the least and the most that parameters may be.
    """

    function: Callable[..., Awaitable[Any]]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    variant: str = "gen"
    needs: str = "generate"
    check: Callable[[Sample, Mapping[str, Any]], str | None] | None = None
    bounds: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def runs_code(self) -> bool:
        """Whether it takes `sandbox`, to run code that the model wrote."""
        return "sandbox" in _taken(self.function)

    @property
    def takes_judge(self) -> bool:
        """Whether it takes `judge`, to ask for a judge model's opinion."""
        return "judge" in _taken(self.function)

    def __call__(
        self,
        sample: Sample,
        prompt: str,
        model: Model,
        seed: int,
        sandbox: Sandbox | None = None,
        judge: Judge | None = None,
    ) -> Awaitable[Any]:
        given = {"sample": sample, "prompt": prompt, "model": model, "seed": seed, "sandbox": sandbox, "judge": judge}
        return self.function(**{name: given[name] for name in _taken(self.function)}, **self.parameters)

    def altered(self, parameter: str, value: Any) -> Ask:
        """The same ask with one parameter changed. Raises SetupError for one that it does not have."""
        if parameter not in self.parameters:
            known = ", ".join(self.parameters) or "none"
            raise SetupError(f"this ask has no parameter {parameter!r}; it has: {known}")
        current = self.parameters[parameter]
        if not _fits(current, value):
            raise SetupError(f"{value!r} is no value for it; {current!r} is one")
        least, most = self.bounds.get(parameter, (-math.inf, math.inf))
        if isinstance(value, int | float) and not least <= value <= most:
            limit = f"{least} is the least" if value < least else f"{most} is the most"
            raise SetupError(f"{value!r} is too {'small' if value < least else 'large'}; {limit}")
        return replace(self, parameters={**self.parameters, parameter: value})


@functools.cache
def _taken(function: Callable[..., Any]) -> tuple[str, ...]:
    """What of `GIVEN` an ask function takes."""
    parameters = inspect.signature(function).parameters
    return tuple(name for name in GIVEN if name in parameters)


def _fits(current: Any, value: Any) -> bool:
    """Whether `value` is of the kind of a parameter's current value; text may stand for a list of one."""
    if isinstance(current, bool) or isinstance(value, bool):
        return isinstance(current, bool) and isinstance(value, bool)
    if isinstance(current, int):
        return isinstance(value, int)
    if isinstance(current, float):
        return isinstance(value, int | float) and math.isfinite(value)
    if isinstance(current, list | tuple):
        texts = [value] if isinstance(value, str) else value
        return isinstance(texts, list) and all(isinstance(text, str) and text for text in texts)
    if isinstance(current, str):
        return isinstance(value, str)
    return True


def as_ask(ask: Any) -> Ask:
    """An `Ask`, from one or from a coroutine function. Raises SetupError for anything else."""
    if isinstance(ask, Ask):
        return ask
    if not inspect.iscoroutinefunction(ask):
        raise SetupError(
            f"a benchmark's test needs an ask: @benchmark.test(generate(...)), @benchmark.test(rank(...)) "
            f"or a coroutine function; got {ask!r}"
        )
    parameters = {}
    for name, parameter in inspect.signature(ask).parameters.items():
        if name in GIVEN:
            continue
        if parameter.default is parameter.empty:
            raise SetupError(
                f"the ask {ask.__name__} takes {name!r}, which has no default and is none of {', '.join(GIVEN)}"
            )
        parameters[name] = parameter.default
    return Ask(ask, parameters)


def generate(
    *,
    max_tokens: int = 512,
    stop: Sequence[str] = (),
    temperature: float = 0.0,
    top_p: float = 1.0,
    n: int = 1,
) -> Ask:
    """The model continues the prompt; the judge gets an `Output`. Greedy unless told otherwise."""
    parameters = {
        "max_tokens": max_tokens,
        "stop": list(stop),
        "temperature": temperature,
        "top_p": top_p,
        "n": n,
    }
    return Ask(generated, parameters, bounds=BOUNDS)


async def generated(
    prompt: str, model: Model, seed: int, *, stop: str | Sequence[str], temperature: float, **parameters: Any
) -> Output:
    return await model.generate(
        prompt,
        stop=[stop] if isinstance(stop, str) else stop,
        temperature=temperature,
        # A seed says nothing under greedy decoding, and some endpoints refuse it.
        seed=seed if temperature > 0 else None,
        **parameters,
    )


def rank(
    choices: str | Sequence[str] | Callable[[Sample], Sequence[str]] | None = None,
    *,
    prefix: str = " ",
    ending: Callable[[Sample], str] | None = None,
) -> Ask:
    """Rank choices by log P(prefix + choice | prompt); the judge gets a `Ranking`.

    `choices`: labels ("ABCD"), a function of the sample, or nothing for the sample's own `choices`. `ending`: a text of
    the sample's that follows each choice and alone is scored, log P(ending | prompt + prefix + choice): partial scoring
    (Trinh & Le 2018, arXiv:1806.02847), as for WinoGrande.
    """
    parameters = {"choices": choices, "prefix": prefix, **({} if ending is None else {"ending": ending})}
    return Ask(_rank, parameters, variant="ppl", needs="likelihood", check=_check_labels)


def likelihood(text: Callable[[Sample], str] | None = None, *, prefix: str = " ") -> Ask:
    """The log-likelihood of one text, by default the sample's target; the judge gets a `Ranking` of this one.

    Whether every token of it was the model's first choice is `output.choices[0].greedy`.
    """
    return Ask(_likelihood, {"text": text, "prefix": prefix}, variant="ppl", needs="likelihood")


def _labels(sample: Sample, choices: Any) -> Sequence[str]:
    if choices is None:
        return sample.choices
    return list(choices(sample) if callable(choices) else choices)


def _check_labels(sample: Sample, parameters: Mapping[str, Any]) -> str | None:
    choices = parameters["choices"]
    labels = _labels(sample, choices)
    if len(labels) < 2:
        return f"{len(labels)} choices to rank; at least 2 are needed"
    if choices is None or callable(choices):
        return _check_target(sample, labels)
    if sample.choices and len(sample.choices) != len(labels):
        return f"{len(sample.choices)} choices for the {len(labels)} labels {' '.join(labels)}"
    if isinstance(sample.target, str) and sample.target not in labels:
        return f"the target {sample.target!r} is none of the labels {' '.join(labels)}"
    return None


def _check_target(sample: Sample, labels: Sequence[str]) -> str | None:
    """A target is one of what is ranked or chosen from, or the letters of options: "B", or "AC"."""
    target, count = sample.target, len(sample.choices)
    if not sample.choices or not isinstance(target, str) or target in (*labels, *sample.choices):
        return None
    if target and set(target) <= set(ascii_uppercase[:count]):
        return None
    return f"the target {target!r} is none of the {count} options, and names none by its letter"


async def _rank(
    sample: Sample,
    prompt: str,
    model: Model,
    *,
    choices: Any,
    prefix: str,
    ending: Callable[[Sample], str] | None = None,
) -> Ranking:
    labels = _labels(sample, choices)
    if ending is None:
        answer = await _scored(model, sample, prompt, [prefix + label for label in labels])
        return Ranking(labels, answer.choices, answer.usage, answer.context_cut)
    text = ending(sample)
    answers = await together(_scored(model, sample, prompt + prefix + label, [text]) for label in labels)
    return Ranking(
        labels,
        [answer.choices[0] for answer in answers],
        sum((answer.usage for answer in answers), NO_USAGE),
        any(answer.context_cut for answer in answers),
    )


async def _likelihood(
    sample: Sample, prompt: str, model: Model, *, text: Callable[[Sample], str] | None, prefix: str
) -> Ranking:
    label = str(sample.target) if text is None else text(sample)
    answer = await _scored(model, sample, prompt, [prefix + label])
    return Ranking([label], answer.choices, answer.usage, answer.context_cut)


async def _scored(model: Model, sample: Sample, context: str, continuations: Sequence[str]) -> Likelihoods:
    """The model's answer. A context that does not fit loses shots and what precedes the question, never the question.

    Raises AskError where that would not do.
    """
    answer = await model.loglikelihood(context, continuations)
    begin = context.rfind(sample.question) if sample.question else -1
    if answer.kept is not None and 0 <= begin < len(context) - answer.kept:
        raise AskError(
            "too_long",
            f"the question does not fit: it begins {len(context) - begin} characters before the end of the prompt, "
            f"and the model takes the last {answer.kept}",
        )
    return answer


async def together(work: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """The results of all, in order; when one fails or the caller is cancelled, none goes on, to be paid for by nobody.

    When this returns or raises, all have ended.
    """
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
