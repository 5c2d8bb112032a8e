"""A judge whose opinions are known: an OpenAI-style server that answers chats by a function of the prompt.

From a shell, it grades by the length of an answer: python tests/service/scripted_judge.py [SECONDS]
"""

from __future__ import annotations

import contextlib
import json
import re
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from aiohttp import web
from scripted_server import Json, Script, ScriptedServer, _faulty

TAGS = re.compile(r"<(answer(?:_[ab])?)-(\w{12})>\n(.*?)\n</\1-\2>", re.DOTALL)
CASES = yaml.safe_load((Path(__file__).parents[2] / "plugins/proctor/judge/preflight.yaml").read_text(encoding="utf-8"))
KNOWN = {case[kind].strip(): kind for case in CASES.values() for kind in ("good", "bad")}
"""The answers of the known cases: `good` or `bad`."""

Says = Callable[[str, Sequence[Mapping[str, str]]], str]


class ScriptedJudge(ScriptedServer):
    """`says` makes the answer of the first prompt and of all turns; faults are those of `ScriptedServer`, of chat.

    Those of `chat_faults` come in the place of opinions of models' answers, those of `known_faults` of known cases.
    """

    def __init__(self, says: Says, script: Script | None = None, faults: Iterable[str] = ()) -> None:
        super().__init__(script or Script(model="known-judge"))
        self.says = says
        self.chat_faults = list(faults)
        self.known_faults: list[str] = []

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body: Json = json.loads(await request.read())
        if refused := self._refusal(request):
            return refused
        asked = body["messages"][0]["content"]
        shows_answers = bool(TAGS.search(asked))
        if shows_answers:
            self.requests.append((request.path, dict(request.headers), body))
        faults = self.known_faults if known(asked) else self.chat_faults
        fault = faults.pop(0) if shows_answers and faults else "ok"
        text = self.says(asked, body["messages"]) if shows_answers else "Hello."
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        usage = {"prompt_tokens": len(asked.split()), "completion_tokens": len(text.split())}
        return await _faulty(fault, request, {"choices": [choice], "usage": usage})

    @property
    def asked(self) -> list[str]:
        """The prompts about answers of models, without the known cases."""
        prompts = [body["messages"][0]["content"] for body in self.bodies("/v1/chat/completions")]
        return [prompt for prompt in prompts if not known(prompt)]


def shown(prompt: str) -> dict[str, str]:
    """The answers between their tags, by name."""
    return {name: answer for name, _, answer in TAGS.findall(prompt)}


def known(prompt: str) -> bool:
    """Whether a prompt is about a known case."""
    return any(answer in KNOWN for answer in shown(prompt).values())


def worth(answer: str, value: Callable[[str], float]) -> float:
    """Of known cases 5 or 1; of others what `value` says."""
    return {"good": 5, "bad": 1}.get(KNOWN.get(answer, ""), 0) or value(answer)


def opinion(value: Callable[[str], float]) -> Callable[[str], str]:
    """A judge that grades an answer by `value`, and prefers the one with the higher value."""

    def says(prompt: str) -> str:
        answers = shown(prompt)
        if "answer" in answers:
            said: dict[str, Any] = {"grade": worth(answers["answer"], value)}
        else:
            first, second = (worth(answers[name], value) for name in ("answer_a", "answer_b"))
            said = {"winner": "tie" if first == second else "A" if first > second else "B"}
        return "I have thought about it.\n" + json.dumps({"reason": "known", **said})

    return says


def honest(value: Callable[[str], float]) -> Says:
    """`opinion` in the form that a ScriptedJudge takes."""
    by = opinion(value)
    return lambda prompt, turns: by(prompt)


if __name__ == "__main__":
    with ScriptedJudge(honest(lambda answer: 1 + len(answer) % 5)) as server:
        print(server.url, flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            time.sleep(float(sys.argv[1]) if len(sys.argv) > 1 else 3600)
