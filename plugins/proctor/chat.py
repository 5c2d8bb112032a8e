"""Asking a chat model: whether a model is asked as one, and what becomes of its prompts, stops and limits then."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from proctor.errors import ServiceError, SetupError
from proctor.model import Conversation, Likelihoods, Message, Model, Output

if TYPE_CHECKING:
    from proctor.benchmark import Benchmark
    from proctor.options import Settings
    from proctor.sample import Sample

CHOICES = ("auto", "on", "off")
FORMS = ("turns", "text")
VARIANT = "chat"
"""The variant that takes the default's place, where a benchmark has one for chat models."""
LEAST_TOKENS = 1024
"""Room for an answer with its reasons: pages that want a letter allow a base model 16 tokens."""
TEMPLATE_ADVICE = "A model's repository may have none, and vLLM takes one by --model-args='--chat-template FILE'; "
FEW = 4
"""So many tasks are told by their names, more by their number."""
SHARE = 4
"""No more than this part of the context is asked for by default: the prompt needs the rest."""


@dataclass(frozen=True, slots=True)
class Chat:
    """How a run asks its model: as a chat model where `on`, by plain prompts otherwise; `why` says it in words.

    `known`: it is a chat model, however it is asked. `fewshot_as`: shots as `turns`, or in one turn as a `text`.
    `system`: the system turn's text. `least_tokens`: answers may have so many tokens, where a task allows fewer.
    """

    on: bool = False
    why: str = ""
    known: bool = False
    fewshot_as: str = "turns"
    system: str | None = None
    least_tokens: int = 1

    def as_record(self) -> dict[str, Any]:
        """Plain JSON, from which `Chat(**record)` makes the same; without what has no meaning where it is off."""
        record = asdict(self)
        return record if self.on else {name: record[name] for name in ("on", "why", "known")}

    def conversation(self, text: str, turns: Sequence[Message] = ()) -> Conversation:
        """A prompt as turns; without `turns`, as one of the user's. The system turn comes first."""
        if isinstance(text, Conversation):
            return text
        system = () if self.system is None else (Message("system", self.system),)
        return Conversation(text, (*system, *(turns or (Message("user", text.strip()),))))

    def parameters(self, parameters: Mapping[str, Any], chosen: Collection[str], *, code: bool) -> dict[str, Any]:
        """An ask's parameters as they fit a chat model; those that the user has `chosen` stay as they are.

        Stops are for models that go on to a next question; a chat model ends its turn. Those that begin a line and say
        something are such questions (a newline, `Question:`) and stay. White space alone, and marks within a line,
        would end an answer before it is given; of `code` the extraction finds the end.
        """
        changed = dict(parameters)
        if "stop" in changed and "stop" not in chosen:
            changed["stop"] = [] if code else [one for one in changed["stop"] if one.startswith("\n") and one.strip()]
        if "max_tokens" in changed and "max_tokens" not in chosen:
            changed["max_tokens"] = max(changed["max_tokens"], self.least_tokens)
        return changed

    def described(self, task: Mapping[str, Any]) -> dict[str, Any]:
        """The description of a task (`proctor.session.run.describe`) with the form in which it is asked."""
        if not self.on or task["needs"] != "generate":
            return {**task, **({"raw_prompt": True} if self.on or self.known else {})}
        parameters = self.parameters(task["parameters"], task["chosen"], code=task["runs_code"])
        return {**task, "parameters": parameters, "chat": {"fewshot_as": self.fewshot_as, "system": self.system}}


def decide(settings: Settings, model: Mapping[str, Any]) -> Chat:
    """How `model` (the object of report.json) is asked under `settings`. Raises SetupError where that cannot be."""
    chat = _decided(settings, model)
    if settings.system is not None:
        _check_system(chat, model)
    return chat


def _decided(settings: Settings, model: Mapping[str, Any]) -> Chat:
    abilities, known = model.get("capabilities", {}), model.get("chat_model") or {}
    why, name = abilities.get("why") or {}, model.get("name")
    alone = abilities.get("completions") is False
    lacks = None if abilities.get("chat", True) else f"it answers no chat completions ({why.get('chat', 'no reason')})"
    if settings.chat == "on" and lacks:
        advice = TEMPLATE_ADVICE if model.get("engine") == "vllm" else ""
        raise ServiceError(
            f"--chat=on: {name} cannot be asked as a chat model: {lacks}. {advice}--chat=off sends prompts as they are"
        )
    if settings.chat == "off" and alone:
        raise ServiceError(f"--chat=off: {name} answers chat completions alone; leave --chat out")
    if settings.chat != "auto":
        on, reason = settings.chat == "on", f"--chat={settings.chat}"
    elif alone:
        on, reason = True, "its endpoint answers chat completions alone"
    elif known.get("is"):
        on, reason = not lacks, f"{known['why']}, but {lacks}" if lacks else known["why"]
    else:
        on, reason = False, known.get("why") or "nothing says that it is a chat model"
    is_one = alone or bool(known.get("is"))
    return Chat(on, reason, is_one, settings.fewshot_as, settings.system, _least(settings, model))


def _least(settings: Settings, model: Mapping[str, Any]) -> int:
    length = (model.get("engine_args") or {}).get("max_model_len")
    room = LEAST_TOKENS if length is None else max(1, min(LEAST_TOKENS, length // SHARE))
    return room if settings.max_tokens is None else settings.max_tokens


def _check_system(chat: Chat, model: Mapping[str, Any]) -> None:
    abilities = model.get("capabilities", {})
    if not chat.on:
        raise SetupError(
            f"--system is a turn of a conversation, and {model.get('name')} is not asked as a chat model ({chat.why}): "
            "--chat=on does so"
        )
    if not abilities.get("chat_system", True):
        raise ServiceError(
            f"--system: {model.get('name')} takes no system turn ({(abilities.get('why') or {}).get('chat_system')}): "
            "leave it out, or write it into the prompt by --prompt"
        )


def expected(settings: Settings, service: Any) -> Chat:
    """What `decide` will say, by what is known of a service before it is started."""
    known = getattr(service, "chat_model", None)
    return _decided(settings, {"name": getattr(service, "name", None), "chat_model": known})


def default_variant(benchmark: Benchmark, surviving: Collection[str], chat: Callable[[], Chat]) -> str:
    """The variant that runs where several survived: of a chat model the one that is made for one, if it did.

    `chat` tells how the model will be asked, and is called only where that matters: an endpoint may have to be asked.
    """
    return VARIANT if VARIANT in surviving and chat().on else benchmark.default.variant


def told(chat: Chat, model: Mapping[str, Any], tasks: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Lines for a person at the start of a run: how it is asked and why, and what follows from it for `tasks`."""
    name, generating = model.get("name"), [task for task in tasks if task["needs"] == "generate"]
    if generating and chat.on:
        otherwise = "" if chat.why.startswith("--") else "; --chat=off sends prompts as they are"
        yield f"{name} is asked as a chat model ({chat.why}){otherwise}"
    elif generating and chat.known:
        yield f"{name} is a chat model, and is asked by raw prompts ({chat.why})"
    elif generating and model.get("chat_model") is None and model.get("capabilities", {}).get("chat"):
        yield f"{name} is asked to continue prompts ({chat.why}); --chat=on asks it as one"
    if raw := [task for task in tasks if task.get("raw_prompt") and task["needs"] != "generate"]:
        names = [f"{task['task']} {task['variant']}" for task in raw]
        which = ", ".join(names) if len(names) <= FEW else f"{len(names)} tasks"
        yield f"{which}: likelihoods are of the raw prompt, without the chat template of {name}"
    for task in generating:
        if chat.on and task["variant"] != VARIANT and VARIANT in task["variants"]:
            yield f"{task['task']} {task['variant']} is made for models that continue; --variant=chat suits {name}"


def shown(chat: Chat, service: Any) -> str | None:
    """A line above prompts that are only shown: for which kind of model they are, by what is known before a start."""
    if chat.on:
        return f"prompts for a chat model ({chat.why})"
    if chat.known or getattr(service, "chat_model", None) is None:
        return f"prompts for a model that continues them ({chat.why}); --chat=on shows turns"
    return None


def cut_short(tasks: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Lines for a person at the end: what was cut of a chat model's answers, as thinking is soon."""
    for task in tasks:
        count, limit = task["samples"]["truncated"], task["parameters"].get("max_tokens")
        if "chat" in task and count:
            told = "" if limit is None else f" at {limit} tokens"
            which = "1 answer was" if count == 1 else f"{count} answers were"
            yield f"{task['task']} {task['variant']}: {which} cut{told}; --max-tokens=N gives more room"


class ChatModel:
    """A model that is asked as a chat model: whatever it is to generate from becomes a conversation.

    For asks of several turns, which write prompts and limits of their own.
    """

    def __init__(self, model: Model, chat: Chat) -> None:
        self._model = model
        self._chat = chat

    async def generate(self, prompt: str, *, max_tokens: int, **parameters: Any) -> Output:
        """The model's turn; a plain text is one turn of the user's."""
        conversation = self._chat.conversation(prompt)
        return await self._model.generate(
            conversation, max_tokens=max(max_tokens, self._chat.least_tokens), **parameters
        )

    async def loglikelihood(self, context: str, continuations: Sequence[str]) -> Likelihoods:
        """Of the raw text: there are no likelihoods of turns."""
        return await self._model.loglikelihood(context, continuations)

    def about(self, sample: Sample, peers: Sequence[Sample]) -> Model:
        """The model bound to a sample, asked in the same way."""
        return ChatModel(self._model.about(sample, peers), self._chat)
