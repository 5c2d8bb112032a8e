"""A pytest plugin that serves a scripted model within the process: no server, no network.

The folder that PROCTOR_FAKE names holds `script.json`, and takes one line for each thing that happens in `log.jsonl`.
The model adds: "2 + 3 =" is continued by " 5". A script changes that:

    answers     [[TEXT, ANSWER]]: the answer to a prompt whose last paragraph holds TEXT, numbers being whole
    finish      [[TEXT, REASON]]: the finish reason, `stop` where nothing is said
    fails       [[TEXT, KIND]]: an AskError of that kind
    delays      [[TEXT, SECONDS]]
    wavers      [[TEXT, SHARE]]: so large a share of the seeds is answered wrongly, at a temperature above 0
    likeliest   the continuation that ranks first; where it is "" all rank the same
    start_error the service cannot be started, and why; where `litter` is true, something lies in the run's folder then
    capabilities, chat_model, concurrency, bundled
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import time
from collections.abc import Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from proctor.errors import AskError, ServiceError
from proctor.model import Completion, Connection, Conversation, Likelihood, Likelihoods, Output, Usage

FOLDER = "PROCTOR_FAKE"


@pytest.hookimpl(tryfirst=True)
def pytest_proctor_service(config: pytest.Config) -> FakeService | None:
    name = config.getoption("proctor_model")
    if FOLDER not in os.environ or (name or "").startswith("proctor:"):
        return None
    return FakeService(Path(os.environ[FOLDER]))


class FakeService:
    name = "fake"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._script = json.loads((folder / "script.json").read_text())
        self._running = False
        self.bundled = self._script.get("bundled", True)
        self.concurrency = self._script.get("concurrency", 4)
        self.chat_model = self._script.get("chat_model")

    def start(self, log: Path, progress: Any) -> Connection:
        note(self._folder, event="start")
        if "start_error" in self._script:
            if self._script.get("litter"):
                (log.parent / "core").touch()
            raise ServiceError(self._script["start_error"])
        self._running = True
        capabilities = {"generate": True, "likelihood": True, **self._script.get("capabilities", {})}
        about = {
            "name": self.name,
            "id": self.name,
            "revision": None,
            "tokenizer": None,
            "base_urls": [],
            "engine": self._script.get("engine", "fake"),
            "engine_version": "1",
            "engine_args": {},
            "capabilities": capabilities,
            "chat_model": self.chat_model,
        }
        return Connection(about)

    @asynccontextmanager
    async def connect(self, connection: Connection, concurrency: int) -> Any:
        yield FakeModel(self._folder, self._script, concurrency)

    def stop(self) -> None:
        if self._running:
            note(self._folder, event="stop")
        self._running = False


class FakeModel:
    def __init__(self, folder: Path, script: dict[str, Any], concurrency: int) -> None:
        self._folder = folder
        self._script = script
        self._free = asyncio.Semaphore(concurrency)

    def about(self, sample: Any, peers: Sequence[Any]) -> FakeModel:
        return self

    def _find(self, table: str, prompt: str, otherwise: Any) -> Any:
        last = prompt.rstrip("\n").rpartition("\n\n")[2]
        whole = (rf"(?<!\d){re.escape(text)}(?!\d)" for text, _ in self._script.get(table, []))
        found = (
            value for (_, value), text in zip(self._script.get(table, []), whole, strict=True) if re.search(text, last)
        )
        return next(found, otherwise)

    async def _asked(self, kind: str, prompt: str, **parameters: Any) -> None:
        if isinstance(prompt, Conversation):
            parameters["messages"] = [[turn.role, turn.content] for turn in prompt.messages]
        note(self._folder, event=kind, prompt=prompt, **parameters)
        async with self._free:
            await asyncio.sleep(self._find("delays", prompt, 0))
        failure = self._find("fails", prompt, None)
        if failure is not None:
            raise AskError(failure, f"ordered {failure}")

    async def generate(
        self, prompt: str, *, n: int = 1, seed: int | None = None, temperature: float = 0, **parameters: Any
    ) -> Output:
        await self._asked("generate", prompt, seed=seed, temperature=temperature, **parameters)
        finish = self._find("finish", prompt, "stop")
        text = self._find("answers", prompt, added(prompt))
        if seed is not None and seed % 1000 < 1000 * self._find("wavers", prompt, 0):
            text = f" {seed % 3}"
        return Output([Completion(text, finish, 1)] * n, Usage(requests=1, completion_tokens=1, seconds=0.01))

    async def loglikelihood(self, context: str, continuations: Sequence[str]) -> Likelihoods:
        await self._asked("loglikelihood", context)
        first = self._script.get("likeliest", continuations[0].strip())
        choices = [Likelihood(text, -1.0 if first in ("", text.strip()) else -2.0, 1) for text in continuations]
        return Likelihoods(choices, Usage(requests=1, seconds=0.01))


def added(prompt: str) -> str:
    """The sum after the prompt's last `A + B`."""
    found = re.findall(r"(\d+) \+ (\d+)", prompt)
    return f" {int(found[-1][0]) + int(found[-1][1])}" if found else " nothing"


def note(folder: Path, **entry: Any) -> None:
    line = json.dumps({**entry, "pid": os.getpid(), "time": time.time()}) + "\n"
    with (folder / "log.jsonl").open("ab", buffering=0) as log:
        log.write(line.encode())
