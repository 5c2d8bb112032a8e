"""Asking and judging in one process: what the one that runs alone and every worker of xdist have in common."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from proctor.chat import Chat
from proctor.errors import SetupError
from proctor.model import Connection, Model, Sandbox, Service
from proctor.options import Settings
from proctor.reporting.answers import Answers
from proctor.reporting.journal import Journal
from proctor.session.collect import SampleItem
from proctor.session.lookahead import WINDOW, Asker
from proctor.session.run import CHAT

if TYPE_CHECKING:
    from proctor.judge.asks import Judge
    from proctor.session.judging import Judging


def sandbox_of(config: pytest.Config) -> Sandbox:
    """What runs the code that a model wrote. Raises pytest.UsageError where that is not safe, or not to be had."""
    try:
        sandbox: Sandbox | None = config.hook.pytest_proctor_sandbox(config=config)
    except SetupError as error:
        raise pytest.UsageError(str(error)) from None
    if sandbox is None:
        raise pytest.UsageError("no plugin runs code that a model wrote: proctor_service is not loaded")
    return sandbox


class Asking:
    """Asks, and judges samples, in this process."""

    def __init__(
        self, config: pytest.Config, settings: Settings, service: Service, processes: int, judge: Service | None = None
    ) -> None:
        self.config = config
        self.settings = settings
        self.service = service
        self.judge_service = judge
        self.processes = processes
        self.concurrency = max(1, service.concurrency // processes)
        self._judge: Judge | None = None
        self._asker: Asker | None = None
        self._journal: Journal | None = None
        self._answers: Answers | None = None
        self._sandbox: Sandbox | None = None

    def asker(self, connection: Connection, judge: Connection | None = None) -> Asker:
        """The event loop with the connected model, and judge model, started at the first call."""
        if self._asker is None:
            self._asker = Asker(lambda: self._connected(connection, judge))
        return self._asker

    @asynccontextmanager
    async def _connected(self, connection: Connection, judge: Connection | None) -> AsyncIterator[Model]:
        async with AsyncExitStack() as stack:
            if judge is not None and self.judge_service is not None:
                from proctor.judge.asks import Judge

                share = max(1, self.judge_service.concurrency // self.processes)
                asked = await stack.enter_async_context(self.judge_service.connect(judge, share))
                self._judge = Judge(judge.model["name"], asked)
            yield await stack.enter_async_context(self.service.connect(connection, self.concurrency))

    def begin(
        self,
        connection: Connection,
        items: list[tuple[int, SampleItem]],
        parts: Path,
        name: str,
        waiting: Any,
        judge: Connection | None = None,
    ) -> Judging:
        """Start asking, and return what judges these items; `name` is this process's in the folder `parts`.

        `judge`: how to reach the judge model.
        """
        from proctor.session.judging import Beside, Judging

        if any(item.loaded.ask.runs_code for _, item in items) and self.settings.rescore is None:
            self._sandbox = sandbox_of(self.config)
        self._journal = Journal(parts / f"{name}.jsonl")
        for loaded in dict.fromkeys(item.loaded for _, item in items):
            loaded.converse(Chat(**connection.settings[CHAT]))
        rescored = self.settings.rescore
        self._answers = Answers(parts, name, [] if rescored is None else [rescored / "samples.jsonl"])
        return Judging(
            self.asker(connection, judge),
            items,
            WINDOW * self.concurrency,
            self._answers,
            self._journal,
            self.settings.strict,
            waiting,
            Beside(self._sandbox, lambda: self._judge, self.settings.judge_anew),
        )

    def close(self, *, wait: bool = True) -> None:
        """End what asks. `wait`: also for what is being asked; else it ends with this process."""
        if not wait:
            if self._answers is not None:
                self._answers.flush()
            return
        if self._asker is not None:
            self._asker.close()
        if self._sandbox is not None:
            self._sandbox.close()
        for file in (self._journal, self._answers):
            if file is not None:
                file.close()
