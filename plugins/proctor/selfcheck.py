"""Models that answer without a server, to check benchmarks rather than models.

    proctor:gold       writes every sample's gold answer; a benchmark whose main metric is below 100 has a flaw
    proctor:neighbour  writes the gold answer of another sample; it should score about as low as chance
    proctor:empty      writes nothing; it should score 0, all unparsed

As a judge (--judge=proctor:gold), the gold answer gets the highest grade and wins, and any other the lowest and loses.

What they write comes from `PHRASINGS`, the one table of ways in which models phrase answers. It knows nothing of how
a benchmark extracts them.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import AsyncIterator, Callable, Hashable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from proctor.errors import AskError, ServiceError
from proctor.judge.opinions import shown_answers
from proctor.model import Completion, Connection, Likelihood, Likelihoods, Model, Output, Usage
from proctor.sample import Sample

NAMES = ("proctor:gold", "proctor:empty", "proctor:neighbour")

PHRASINGS: Mapping[str, Sequence[str]] = {
    "letter": (
        " {answer}",
        "({answer})",
        "**{answer}**",
        "{answer}.",
        "The answer is {answer}.",
        "The correct answer is ({answer}).",
        "Answer: {answer}",
        "\\boxed{{{answer}}}",
        "The answer is \\boxed{{\\text{{{answer}}}}}.",
        "{answer}. {option}",
        "**{answer}. {option}**",
        "答案是{answer}",
        "答案：{answer}。",
    ),
    "letters": (
        " {answer}",
        "({answer})",
        "**{answer}**",
        "{commas}",
        "The answer is {answer}.",
        "The correct options are {words}.",
        "Answer: {commas}",
        "\\boxed{{{answer}}}",
        "答案：{answer}",
        "故选{pauses}。",
        "【答案】 {answer} <eoa>",
    ),
    "list": (
        "{numbered}",
        "Answer: {commas}",
        "{row}",
        "【答案】 {row} <eoa>",
        "{marked}",
    ),
    "number": (
        "{reference}",
        "The answer is {answer}.",
        "**{answer}**",
        "So the result is \\boxed{{{answer}}}.",
        "Therefore, the final answer is **{answer}**.",
        "#### {answer}",
    ),
    "formula": (
        "{reference}",
        "So the result is $\\boxed{{{answer}}}$.",
        "Final Answer: The final answer is ${answer}$. I hope it is correct.",
        "Therefore, the answer is ${answer}$.",
    ),
    "text": ("{answer}",),
}
"""By kind of answer. A phrasing with a field that a sample lacks is not used for it, Chinese ones only for Chinese."""

UNLIKELY = -10.0
"""Log-probability of a continuation that is not the answer, in nats."""

_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_CAPITAL = re.compile(r"[A-Z]")
_CAPITALS = re.compile(r"[A-Z]+")


@dataclass(frozen=True, slots=True)
class _Peers:
    """The samples of one task in order, and where to find each; `jump[i]` is the next position whose gold differs."""

    samples: Sequence[Sample]
    positions: Mapping[int, int]
    golds: Sequence[Hashable]
    jump: Sequence[int]


@dataclass(frozen=True)
class SelfCheckModel:
    """One of `NAMES` as a model. `about` binds it to a sample; until then it knows no answer."""

    name: str
    sample: Sample | None = None
    answering: Sample | None = None
    _known: dict[int, _Peers] = field(default_factory=dict, repr=False, compare=False)

    def about(self, sample: Sample, peers: Sequence[Sample]) -> SelfCheckModel:
        """The model bound to `sample`, one of `peers`. Raises AskError where a neighbour is asked for and it is not."""
        answering = self._neighbour(sample, peers) if self.name == "proctor:neighbour" else sample
        return replace(self, sample=sample, answering=answering)

    def _neighbour(self, sample: Sample, peers: Sequence[Sample]) -> Sample:
        known = self._known.get(id(peers))
        if known is None or known.samples is not peers or len(known.golds) != len(peers):
            known = self._known[id(peers)] = _indexed(peers)
        position = known.positions.get(id(sample))
        if position is None:
            raise AskError("selfcheck", f"sample {sample.id!r} is not among the peers, so has no neighbour")
        return peers[_neighbour_position(position, sample, known)]

    def _bound(self) -> tuple[Sample, Sample]:
        if self.sample is None or self.answering is None:
            raise AskError("selfcheck", f"{self.name} does not know the sample yet: call about(sample, peers) first")
        return self.sample, self.answering

    async def generate(
        self,
        prompt: str,
        *,
        max_tokens: int,
        stop: Sequence[str] = (),
        temperature: float = 0.0,
        top_p: float = 1.0,
        n: int = 1,
        seed: int | None = None,
    ) -> Output:
        """The answer, ended before the first stop string; `n` equal ones. Raises AskError when unbound."""
        _, answering = self._bound()
        text = "" if self.name == "proctor:empty" else phrase(answering)
        for marker in filter(None, stop):
            text = text.partition(marker)[0]
        return Output([Completion(text, "stop")] * n, Usage(requests=1))

    async def loglikelihood(self, context: str, continuations: Sequence[str]) -> Likelihoods:
        """0 for the answer and `UNLIKELY` for the rest; AskError when unbound.

        -inf for all from `proctor:empty`, and where the answer is none of several continuations.

        Continuations of the same text are equal, so an option that stands twice is a tie.
        """
        sample, answering = self._bound()
        if self.name == "proctor:empty":
            logprobs = [-math.inf] * len(continuations)
        else:
            right = _right_texts(sample, answering, [text.strip() for text in continuations])
            if len(continuations) == 1 and _says_gold(sample, answering, context):
                right |= {continuations[0].strip()}  # what follows each choice is scored, as for WinoGrande
            says = [text.strip() in right for text in continuations]
            # An answer that is none of several choices (E of four options) makes none of them the likeliest.
            unlikely = UNLIKELY if any(says) or len(says) == 1 else -math.inf
            logprobs = [0.0 if said else unlikely for said in says]
        return Likelihoods(
            [
                Likelihood(text, value, tokens=1, greedy=value == 0)
                for text, value in zip(continuations, logprobs, strict=True)
            ],
            Usage(requests=1),
        )


@dataclass(frozen=True)
class SelfCheckJudge:
    """A judge model that holds a sample's gold answer for the best there can be, and every other for the worst."""

    sample: Sample | None = None

    def about(self, sample: Sample, peers: Sequence[Sample]) -> SelfCheckJudge:
        return replace(self, sample=sample)

    async def generate(self, prompt: str, **parameters: Any) -> Output:
        """An opinion of the answers that `prompt` shows between their tags. Raises AskError where it shows none."""
        shown, scale = shown_answers(prompt), _SCALE.findall(prompt)
        if self.sample is None or not (shown.keys() == {"answer_a", "answer_b"} or ("answer" in shown and scale)):
            raise AskError(
                "selfcheck", "the judge's prompt shows no answers between their tags, or no `from LOW to HIGH`"
            )
        gold = phrase(self.sample).strip()
        if "answer" in shown:
            low, high = map(int, scale[-1])
            said: dict[str, Any] = {"grade": high if shown["answer"] == gold else low}
        else:
            first, second = (shown[name] == gold for name in ("answer_a", "answer_b"))
            said = {"winner": "tie" if first == second else "A" if first else "B"}
        return Output([Completion(json.dumps({"reason": "self-check", **said}), "stop")], Usage(requests=1))

    async def loglikelihood(self, context: str, continuations: Sequence[str]) -> Likelihoods:
        raise AskError("selfcheck", "a judge is asked for its opinion alone")


_SCALE = re.compile(r"from (\d+) to (\d+)")


@dataclass(frozen=True)
class SelfCheckService:
    """A `Service` with nothing to start and nothing to stop; of a judge, where `model` makes one."""

    name: str
    bundled: bool = True
    concurrency: int = 64
    model: Callable[[str], Model] = SelfCheckModel

    def start(self, log: Path, progress: Callable[[str], None]) -> Connection:
        return Connection(
            {
                "name": self.name,
                "id": self.name if self.model is SelfCheckModel else f"{self.name} (judge)",
                "revision": None,
                "tokenizer": None,
                "base_urls": [],
                "engine": "proctor-selfcheck",
                "engine_version": None,
                "engine_args": {},
                "capabilities": {"generate": True, "likelihood": True},
            }
        )

    def connect(self, connection: Connection, concurrency: int) -> AbstractAsyncContextManager[Model]:
        return _connected(self.model(self.name))

    def stop(self) -> None:
        """Nothing was started."""


@asynccontextmanager
async def _connected(model: Model) -> AsyncIterator[Model]:
    yield model


def selfcheck_service(name: str) -> SelfCheckService:
    """The service called `name`. Raises ServiceError, which lists `NAMES`, for any other name."""
    if name not in NAMES:
        raise ServiceError(f"there is no self-check model {name!r}; the names are: {', '.join(NAMES)}")
    return SelfCheckService(name)


def selfcheck_judge(name: str) -> SelfCheckService:
    """The judge called `name`. Raises ServiceError for any but proctor:gold."""
    if name != NAMES[0]:
        raise ServiceError(f"there is no self-check judge {name!r}; {NAMES[0]} is one")
    return SelfCheckService(name, model=lambda name: SelfCheckJudge())


def phrase(sample: Sample) -> str:
    """The sample's gold answer as a model might write it: the same phrasing whenever the id is the same."""
    kind, answer = _kind(sample), _answer(sample)
    index = _option(sample.choices, _gold(sample))
    listed = list(_gold(sample) if kind == "list" else answer)
    fields = {
        "answer": answer,
        "option": "" if index is None else str(sample.choices[index]),
        "reference": sample.reference.strip(),
        "commas": ", ".join(listed),
        "pauses": "、".join(listed),
        "words": " and ".join(filter(None, (", ".join(listed[:-1]), *listed[-1:]))),
        "row": " ".join(listed),
        "numbered": "\n".join(f"{number}. {letter}" for number, letter in enumerate(listed, 1)),
        "marked": "\n".join(f"（{number}）【答案】 {letter} <eoa>" for number, letter in enumerate(listed, 1)),
    }
    chinese = any(_CHINESE.search(str(text)) for text in (*sample.choices, sample.question))
    usable = [
        phrasing
        for phrasing in PHRASINGS[kind]
        if all(value or f"{{{name}}}" not in phrasing for name, value in fields.items())
        and (chinese or not _CHINESE.search(phrasing))
    ]
    if not usable:
        return answer
    digest = hashlib.sha256(sample.id.encode()).digest()
    return usable[int.from_bytes(digest[:8], "big") % len(usable)].format(**fields)


def _gold(sample: Sample) -> Any:
    return sample.target if sample.target is not None or not sample.targets else sample.targets[0]


def _option(choices: Sequence[str], gold: Any) -> int | None:
    """The position among `choices` that a gold answer names, as a number from 0 or as a capital letter."""
    if isinstance(gold, int):
        index = int(gold)
    elif isinstance(gold, str) and _CAPITAL.fullmatch(gold):
        index = ord(gold) - ord("A")
    else:
        return None
    return index if 0 <= index < len(choices) else None


def _kind(sample: Sample) -> str:
    """`letter`, `letters` (a set of options), `list` (letters of several questions), `formula`, `number` or `text`.

    An answer is a formula where the worked one boxes it, as in MATH: nobody writes one without saying which it is.
    A number that is a name or a span (several accepted answers, a passage) is text: the judge compares its words.
    """
    gold = _gold(sample)
    if isinstance(gold, list | tuple) and gold and all(_CAPITALS.fullmatch(str(one)) for one in gold):
        return "list" if len(gold) > 1 else "letter" if len(gold[0]) == 1 else "letters"
    if sample.choices and (_option(sample.choices, gold) is not None or _CAPITAL.fullmatch(str(gold))):
        return "letter"
    if sample.choices and isinstance(gold, str) and _CAPITALS.fullmatch(gold) and gold == "".join(sorted(set(gold))):
        return "letters"
    if "\\boxed" in sample.reference:
        return "formula"
    return "number" if not sample.targets and not sample.passage and isinstance(_comparable(gold), Decimal) else "text"


def _answer(sample: Sample) -> str:
    gold = _gold(sample)
    if isinstance(gold, list | tuple):
        return " ".join(map(str, gold))
    index = _option(sample.choices, gold)
    if index is not None:
        return chr(ord("A") + index) if index < 26 else str(index)
    return "" if gold is None else str(gold)


def _comparable(gold: Any) -> Hashable:
    """A number as Decimal, so that 18 and "18.0" are the same; anything else as stripped text."""
    text = str(gold).strip()
    try:
        value = Decimal(text.replace(",", ""))
    except InvalidOperation:
        return text
    if "_" in text:
        return text  # for Decimal 42_7 is 427; in mathematics it is a number in base 7
    return value if value.is_finite() else text


def _indexed(peers: Sequence[Sample]) -> _Peers:
    golds = [_comparable(_gold(sample)) for sample in peers]
    n = len(golds)
    jump = [0] * n
    # Backwards over two rounds: the second knows what lies past the end. Where all golds are equal a jump leads
    # from one sample to the next all the same, and `_neighbour_position` stops after a round.
    for step in range(2 * n - 1, -1, -1):
        i, following = step % n, (step + 1) % n
        jump[i] = following if golds[i] != golds[following] else jump[following]
    return _Peers(peers, {id(sample): i for i, sample in enumerate(peers)}, golds, jump)


def _neighbour_position(position: int, sample: Sample, known: _Peers) -> int:
    """The next sample, cyclically, whose gold is none of `sample`'s accepted answers; else simply the next one.

    One whose gold names an option that `sample` does not have says nothing about it, and comes after all others.
    """
    n = len(known.golds)
    accepted = {known.golds[position], *map(_comparable, sample.targets)}
    following = candidate = (position + 1) % n
    foreign = None
    for _ in range(n):
        if known.golds[candidate] not in accepted:
            if _fits(sample, known.samples[candidate]):
                return candidate
            foreign = candidate if foreign is None else foreign
        candidate = known.jump[candidate]
        if candidate == following:
            break
    return following if foreign is None else foreign


def _fits(sample: Sample, other: Sample) -> bool:
    """Whether the gold answer of `other`, where it names an option, names one that `sample` has too."""
    gold = _gold(other)
    return _option(other.choices, gold) is None or _option(sample.choices, gold) is not None


def _says_gold(sample: Sample, answering: Sample, context: str) -> bool:
    """Whether a context ends with the option that the gold answer of `answering` names."""
    index = _option(sample.choices, _gold(answering))
    return index is not None and context.rstrip().endswith(str(sample.choices[index]).strip())


def _right_texts(sample: Sample, answering: Sample, continuations: Sequence[str]) -> set[str]:
    """Which of the (stripped) continuations say the gold answer of `answering` in answer to `sample`.

    Where the continuations are the options themselves, a letter or number names one by its position: an option that
    happens to read "A" is not the answer A. Else the label is looked for, then the option's text, and last the
    continuation at the option's position, for those that wrap the option in a sentence.
    """
    gold = _gold(answering)
    index = _option(sample.choices, gold)
    options = [str(choice).strip() for choice in sample.choices]
    labels = {str(one).strip() for one in (gold, *answering.targets)}
    if index is None:
        return labels
    letters = {chr(ord("A") + index)} if isinstance(gold, int) else set()
    if list(continuations) != options:
        for texts in (labels, letters, {options[index]}):
            if texts & set(continuations):
                return texts
    return {continuations[index]} if len(continuations) == len(options) else {options[index]}
