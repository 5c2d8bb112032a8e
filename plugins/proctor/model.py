"""The border between measuring and serving: what a model can be asked, and what it gives back.

`proctor` knows a model only by the protocols of this module. `proctor_service` implements
them over HTTP; the self-check models of `proctor.selfcheck` implement them without a server.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from proctor.sample import Sample

BEGUN = "parts/run.json"
"""Beside a service's log once the run has begun: from then on it can be gone on with."""
ENDPOINTS = "parts/endpoints.log"
"""Beside it, too: to it clients append what becomes of endpoints (`proctor.reporting.endpoints` reads it)."""
JUDGE_ENDPOINTS = "parts/judge-endpoints.log"
"""The same of a judge model's: a judge that is gone is no endpoint of the model's."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What one ask cost. Token counts are the server's own; `seconds` is the sum of request latencies.

    `cached_tokens` are among `prompt_tokens`, `reasoning_tokens` among `completion_tokens`. `cost` is in US dollars, 0
    where no price is known.
    """

    requests: int = 0
    retries: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    reasoning_tokens: int = 0
    cost: float = 0.0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.requests + other.requests,
            self.retries + other.retries,
            self.prompt_tokens + other.prompt_tokens,
            self.cached_tokens + other.cached_tokens,
            self.completion_tokens + other.completion_tokens,
            self.seconds + other.seconds,
            self.reasoning_tokens + other.reasoning_tokens,
            self.cost + other.cost,
        )


NO_USAGE = Usage()


ROLES = ("system", "user", "assistant")


@dataclass(frozen=True, slots=True)
class Message:
    """A turn of a conversation. `role` is one of `ROLES`."""

    role: str
    content: str


def as_sent(messages: Sequence[Message]) -> list[dict[str, str]]:
    """Turns in the form in which OpenAI's chat API takes them, and records keep them."""
    return [{"role": message.role, "content": message.content} for message in messages]


class Conversation(str):
    """A prompt for a chat model: its turns, and, as a text, the same as one prompt.

    Whoever alters the text (an ask of several turns, say) has a plain text again, sent as one turn.
    """

    messages: tuple[Message, ...]

    def __new__(cls, text: str, messages: Sequence[Message]) -> Conversation:
        conversation = super().__new__(cls, text)
        conversation.messages = tuple(messages)
        return conversation

    def then(self, answer: str, question: str) -> Conversation:
        """The same conversation, gone on: what the model answered, and what it is asked next."""
        turns = (Message("assistant", answer.strip()), Message("user", question.strip()))
        return Conversation(self + answer + question, (*self.messages, *turns))


def follow_up(prompt: str, answer: str, question: str) -> str:
    """What an ask of several turns sends next: turns of a conversation, or one text that goes on."""
    return prompt.then(answer, question) if isinstance(prompt, Conversation) else prompt + answer + question


@dataclass(frozen=True, slots=True)
class Completion:
    """One text that the model wrote.

    `finish_reason` is `stop`, `length` (cut at the token limit) or the server's word. `refusal` is what the model, or a
    filter before or behind it, said in place of an answer.
    """

    text: str
    finish_reason: str | None = None
    tokens: int | None = None
    latency: float = 0.0
    thinking: str | None = None
    refusal: str | None = None


@dataclass(frozen=True, slots=True)
class Output:
    """Answer to a `generate`: one completion, or `n` of them.

    `rendered`: the text that the model's chat template made of a conversation, where that is known.
    """

    completions: Sequence[Completion]
    usage: Usage = NO_USAGE
    rendered: str | None = field(default=None, kw_only=True)

    @property
    def text(self) -> str:
        """Text of the first completion."""
        return self.completions[0].text

    @property
    def truncated(self) -> bool:
        """Whether any completion was cut at the token limit."""
        return any(completion.finish_reason == "length" for completion in self.completions)

    @property
    def refused(self) -> bool:
        """Whether any completion was refused, or withheld by a filter."""
        return any(one.refusal is not None or one.finish_reason == "content_filter" for one in self.completions)

    def after(self, earlier: Output) -> Output:
        """This output as the last of several turns: what was written before it is its thinking, what it took counts."""
        completions = [replace(one, thinking=earlier.text) for one in self.completions]
        return Output(completions, earlier.usage + self.usage, rendered=earlier.rendered)


@dataclass(frozen=True, slots=True)
class Likelihood:
    """log P(text | context) in nats, summed over the `tokens` tokens that end past the border.

    `greedy`: every token was the model's first choice; None where the endpoint does not tell.
    """

    text: str
    logprob: float
    tokens: int
    greedy: bool | None = None


@dataclass(frozen=True, slots=True)
class Likelihoods:
    """Answer to a `loglikelihood`: one entry per continuation, in the order asked.

    `context_cut`: the context did not fit and lost tokens at its left; `kept` is how many of its characters, at its
    end, were left then.
    """

    choices: Sequence[Likelihood]
    usage: Usage = NO_USAGE
    context_cut: bool = False
    kept: int | None = None


@dataclass(frozen=True, slots=True)
class Program:
    """A program of a model's, and what tests it.

    The untrusted process runs `program`. Another one runs `setup` and `check`, which define `check(candidate)`, and
    calls it with a stand-in for the program's function `entry_point`: arguments and values cross as plain ones.
    """

    program: str
    entry_point: str
    setup: str
    check: str


@dataclass(frozen=True, slots=True)
class Limits:
    """What one run of a program may use: `timeout` in seconds, of the processor's time too; sizes in MiB.

    `output` is the size of one returned value, `folder` that of the files it writes.
    """

    timeout: float = 10.0
    memory: int = 1024
    output: int = 16
    folder: int = 16
    processes: int = 32
    open_files: int = 64

    def as_record(self) -> dict[str, float]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Execution:
    """What became of one program: `status` is `passed`, `failed` or `timeout`; `detail` says why in words."""

    status: str
    detail: str = ""
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        return self.status == "passed"


class Sandbox(Protocol):
    """Runs programs apart from everything else. One per process, used within one event loop."""

    async def run(self, program: Program, limits: Limits) -> Execution:
        """Run a program's tests. Raises `AskError` of kind `sandbox` where it could not be run."""

    def about(self, limits: Limits) -> Mapping[str, Any]:
        """What a record says of how programs were run: `isolation`, by layer, and `limits`."""

    def close(self) -> None:
        """Leave nothing behind; safe to call twice."""


class Model(Protocol):
    """A model that can be asked. Methods raise `proctor.errors.AskError` when an ask fails for good."""

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
        """Continue `prompt`; `stop` strings end the text and are not part of it. Temperature 0 is greedy.

        A `Conversation` is answered by the model's next turn, through its chat template.
        """

    async def loglikelihood(self, context: str, continuations: Sequence[str]) -> Likelihoods:
        """Score each continuation as it follows `context`; exact, by the rules of docs/concepts.md."""

    def about(self, sample: Sample, peers: Sequence[Sample]) -> Model:
        """The model to ask about `sample`, one of `peers`: itself, but for self-check models, which know the answer."""


@dataclass(frozen=True, slots=True)
class Connection:
    """How to reach a started service: plain JSON values, so that it travels to xdist workers.

    `model` is the `model` object of report.json: name, id, revision, tokenizer, base_urls,
    engine, engine_version, engine_args, capabilities, chat_model. `capabilities["likelihood"]` and
    `capabilities["generate"]` are booleans; so are `chat`, `chat_system` (a system turn is taken) and `completions`
    (false where there is chat alone), which may be left out; other entries are the service's own. `chat_model` says
    whether it is known to be one: {"is": bool, "why": str}, or None.
    `settings` is what the service's `connect` needs.
    """

    model: Mapping[str, Any]
    settings: Mapping[str, Any] = field(default_factory=dict)


class Service(Protocol):
    """A model service, made from the options in every process and started by exactly one of them.

    What stands below it must have. A service may have more, which is asked for by name and left alone where it is not
    there. Before it is started:

        check()      raises SetupError for what the options lack, as a key, before data are read or fetched
        lacks        abilities (`likelihood`) that it is known to lack, each with the reason
        chat_model   what `Connection.model` says under that name, as far as it is known
        discovers    true where what is served is known in full only once it is started

    of a run:

        state()      what a person who waits should know of this process's requests now; "" where all is well
        account()    what the run has spent, for the report's `model`; `lines` in it are for a person
        ended()      a text for each server of its own that ended by itself
        replaced()   a text for each server in which processes ended by themselves that it replaced

    and where it is the outputs of an earlier run, in place of a model's:

        report       that run's report.json
        samples      (task, variant, sample id, epoch) of what it holds
        data_dir, data_format   the data that it was on, where they are still there; None where not
    """

    @property
    def name(self) -> str:
        """What the user calls the model."""

    @property
    def bundled(self) -> bool:
        """Whether bundled samples are the default data: true for models that need no download."""

    @property
    def concurrency(self) -> int:
        """How many requests may be in flight in all."""

    def start(self, log: Path, progress: Callable[[str], None]) -> Connection:
        """Start or find the service, check what it serves, probe what it can do.

        `log` is the file for a started server's output. `progress` takes short messages for a person.
        Raises `proctor.errors.ServiceError`.
        """

    def connect(self, connection: Connection, concurrency: int) -> AbstractAsyncContextManager[Model]:
        """A model to ask, inside an event loop, with at most `concurrency` requests in flight."""

    def stop(self) -> None:
        """Stop what `start` started; safe to call twice, or without `start`."""
