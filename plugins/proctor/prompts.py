"""Prompts: Jinja templates over a sample's fields, strict and with white space kept."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from proctor.errors import PromptError
from proctor.model import Conversation, Message
from proctor.sample import Sample

if TYPE_CHECKING:
    import jinja2

    from proctor.chat import Chat

PARTS = ("header", "prompt", "answer")
JUDGE = "judge"
"""The block of a file that says what a judge model is asked."""


@dataclass(frozen=True, slots=True)
class Shots:
    """Few-shot examples, rendered once: as one `text`, and as turns.

    `first`: the first question as it stands, since a header comes before it; `following`: the turns behind it;
    `begun`: what stands before the sample's own question. `shots`, the list itself, is kept, so that its id cannot be
    given to another one.
    """

    shots: Sequence[Sample]
    text: str
    first: str
    following: tuple[Message, ...]
    begun: str


@cache
def _environment() -> jinja2.Environment:
    import jinja2

    return jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True, autoescape=False)


@dataclass
class Prompt:
    """The three templates of a benchmark, `header`, `prompt` and `answer`, and where they come from."""

    header: str
    prompt: str
    answer: str
    origin: str
    judge: str | None = None
    """In place of what a judge model is asked; None leaves that as it is."""
    _shots: dict[int, Shots] = field(default_factory=dict, repr=False)
    _looked_up: dict[str, set[str]] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self._compiled = {part: self._compile(part) for part in PARTS}

    def _compile(self, part: str) -> jinja2.Template:
        import jinja2

        try:
            return _environment().from_string(getattr(self, part))
        except jinja2.TemplateSyntaxError as error:
            raise PromptError(f"{self.origin}: {part} template, line {error.lineno}: {error.message}") from None

    @property
    def sha256(self) -> str:
        """Of the three templates: the same for every sample."""
        return hashlib.sha256("\x00".join(getattr(self, part) for part in PARTS).encode()).hexdigest()

    def render(self, sample: Sample, shots: Sequence[Sample]) -> str:
        """Header, shots and the sample's own question: depends on nothing but the sample and its shots."""
        return self._part("header", sample) + self._told(shots).text + self._part("prompt", sample)

    def conversation(self, sample: Sample, shots: Sequence[Sample], chat: Chat) -> Conversation:
        """The same for a chat model: each shot's prompt as a turn of the user's, its answer as one of the model's.

        The header stands at the head of the first turn. White space around a turn goes: a template brings its own.
        """
        told, head, question = self._told(shots), self._part("header", sample), self._part("prompt", sample)
        text = head + told.text + question
        if chat.fewshot_as == "text":
            return chat.conversation(text)
        question = told.begun + question
        if not told.following:
            return chat.conversation(text, [Message("user", (head + question).strip())])
        first = Message("user", (head + told.first).strip())
        return chat.conversation(text, [first, *told.following, Message("user", question.strip())])

    def _told(self, shots: Sequence[Sample]) -> Shots:
        known = self._shots.get(id(shots))
        if known is None:
            known = self._shots[id(shots)] = self._rendered(shots)
        return known

    def _rendered(self, shots: Sequence[Sample]) -> Shots:
        text, first, begun = "", "", ""
        turns: list[Message] = []
        for shot in shots:
            prompt, answer = self._part("prompt", shot), self._part("answer", shot)
            text, begun = text + prompt + answer, begun + prompt
            if not answer.strip():
                begun += answer  # a shot that is all prompt stands before what is asked next
                continue
            if turns:
                turns.append(Message("user", begun.strip()))
            else:
                first = begun
            turns.append(Message("assistant", answer.strip()))
            begun = ""
        return Shots(shots, text, first, tuple(turns), begun)

    def missing(self, sample: Sample, parts: Sequence[str]) -> bool:
        """Whether a template looks up a name that the sample does not have; it may still get along without."""
        names = sample.fields().keys()
        return any(not self._names(part) <= names for part in parts)

    def _names(self, part: str) -> set[str]:
        """The names that a template looks up in the sample. Those looked into are never sure to be there."""
        import jinja2.meta

        if part not in self._looked_up:
            tree = _environment().parse(getattr(self, part))
            names = jinja2.meta.find_undeclared_variables(tree) - set(_environment().globals)
            self._looked_up[part] = names | ({"an attribute"} if list(tree.find_all(jinja2.nodes.Getattr)) else set())
        return self._looked_up[part]

    def _part(self, part: str, sample: Sample) -> str:
        import jinja2

        if not getattr(self, part):
            return ""
        fields = sample.fields()
        try:
            return self._compiled[part].render(fields)
        except jinja2.UndefinedError as error:
            raise PromptError(
                f"{self.origin}: {part} template: {error.message} for sample {sample.id}; "
                f"a sample has: {', '.join(sorted(fields))}"
            ) from None
        except Exception as error:
            raise PromptError(
                f"{self.origin}: {part} template failed for sample {sample.id}: {type(error).__name__}: {error}"
            ) from None


@cache
def _template(source: str, what: str) -> jinja2.Template:
    import jinja2

    try:
        return _environment().from_string(source)
    except jinja2.TemplateSyntaxError as error:
        raise PromptError(f"{what}, line {error.lineno}: {error.message}") from None


def rendered(source: str, fields: Mapping[str, Any], what: str, sample: str) -> str:
    """A template of its own, over `fields`. Raises PromptError that names `what` and the sample."""
    template = _template(source, what)
    try:
        return template.render(fields)
    except Exception as error:
        has = f"; it may use: {', '.join(sorted(fields))}" if "undefined" in str(error) else ""
        raise PromptError(f"{what} failed for sample {sample}: {error}{has}") from None


def from_file(path: Path, inherited: Prompt) -> Prompt:
    """Templates from a file: either Jinja blocks named header, prompt and answer, or the prompt alone.

    What the file does not define is inherited. Raises PromptError for a file that cannot be read.
    """
    import jinja2

    try:
        source = path.read_text(encoding="utf-8")
        blocks = _blocks(source)
    except (OSError, UnicodeDecodeError) as error:
        raise PromptError(f"--prompt: cannot read {path}: {error}") from None
    except jinja2.TemplateSyntaxError as error:
        raise PromptError(f"{path}:{error.lineno}: {error.message}") from None
    parts = blocks or {"prompt": source}
    unknown = set(parts) - {*PARTS, JUDGE}
    if unknown:
        raise PromptError(f"{path}: block {min(unknown)!r} is none of {', '.join((*PARTS, JUDGE))}")
    return Prompt(
        header=parts.get("header", inherited.header),
        prompt=parts.get("prompt", inherited.prompt),
        answer=parts.get("answer", inherited.answer),
        origin=str(path),
        judge=parts.get(JUDGE),
    )


def _blocks(source: str) -> dict[str, str]:
    """The source text of each top-level block of a template."""
    tokens = list(_environment().lex(source))
    blocks: dict[str, str] = {}
    name: str | None = None
    words: list[str] = []
    depth, text, inside, tag = 0, "", False, ""
    for _, kind, value in tokens:
        if kind == "block_begin":
            inside, words, tag = True, [], value
            continue
        if inside:
            tag += value
            if kind == "name":
                words.append(value)
            if kind == "block_end":
                inside = False
                opens, closes = words[:1] == ["block"], words[:1] == ["endblock"]
                if opens and depth == 0:
                    name, text = words[1], ""
                elif closes and depth == 1 and name is not None:
                    blocks[name], name = text, None
                elif name is not None:
                    text += tag
                depth += opens - closes
            continue
        if name is not None:
            text += value
    return blocks
