"""What a session tells of itself: its command without secrets, its plan, its first prompts."""

from __future__ import annotations

import re
import shlex
from typing import Any

import pytest

from proctor.chat import Chat
from proctor.errors import SetupError
from proctor.model import Connection, Conversation
from proctor.session.collect import SampleItem


def command(config: pytest.Config) -> str:
    """The command line without --resume, and without secrets: user, password and query of URLs, tokens for vLLM."""
    given = [str(argument) for argument in config.invocation_params.args]
    value = config.getoption("proctor_resume", None)
    kept = []
    for place, argument in enumerate(given):
        if argument == "--resume" or argument.startswith("--resume="):
            continue
        if value and argument == value and place and given[place - 1] == "--resume":
            continue
        kept.append(argument)
    return shlex.join(["pytest", *map(_without_secrets, kept)])


TOKEN = re.compile(r"(--(?:hf-token|hf_token|api-key|api_key)(?:=|\s+))\S+")
"""An argument of vLLM's, among those of --model-args, that is a secret."""


def _without_secrets(argument: str) -> str:
    argument = TOKEN.sub(r"\1***", argument)
    before, colon, url = argument.partition("://")
    if not colon:
        return argument
    url, question, _ = url.partition("?")
    # Up to the last @: a password may hold one, and a slash.
    _, at, shown = url.rpartition("@")
    return f"{before}://{'***@' if at else ''}{shown}{'?***' if question else ''}"


def plan_line(tasks: list[dict[str, Any]], connection: Connection) -> str:
    parts = [
        f"{task['task']} {task['variant']} {task['selected']}"
        + (f" of {task['total']}" if task["selected"] < task["total"] else "")
        + (f" ({task['epochs']} epochs)" if task["epochs"] > 1 else "")
        for task in tasks
    ]
    origins = {task["data"]["origin"] for task in tasks}
    return f"{connection.model['name']} on {', '.join(sorted(origins))} data: {', '.join(parts)} samples"


def show_prompts(
    reporter: Any, items: list[tuple[int, SampleItem]], count: int, chat: Chat, head: str | None = None
) -> None:
    """Print the first prompts of each task in full; those of a chat model turn by turn. Nothing is asked or started."""
    seen: dict[Any, int] = {}
    if head is not None:
        reporter.write_line(f"proctor: {head}")
    for _, item in items:
        if item.loaded not in seen:
            item.loaded.converse(chat)
        seen[item.loaded] = seen.get(item.loaded, 0) + 1
        if seen[item.loaded] <= count:
            reporter.section(item.nodeid, sep="-")
            try:
                prompt = item.loaded.render(item.index)
                for turn in prompt.messages if isinstance(prompt, Conversation) else ():
                    reporter.write_line(f"[{turn.role}]", bold=True)
                    reporter.write_line(turn.content)
                if not isinstance(prompt, Conversation):
                    reporter.write_line(prompt)
            except SetupError as error:
                raise pytest.UsageError(str(error)) from None
