"""Under xdist: the controller owns the run and hands out contiguous blocks; workers ask and judge.

The two sides meet in files of a scratch folder: a worker writes what it collected, the controller
where the service is and which block is whose, before it hands the block out.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from xdist.scheduler import LoadScheduling

from proctor.model import Connection
from proctor.session.lookahead import contiguous

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController


class Scratch:
    """The folder in which the processes of one run meet. Nothing exists until something is written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def _write(self, name: str, content: Any) -> None:
        self.folder.mkdir(mode=0o700, exist_ok=True)
        path = self.folder / name
        fresh = path.with_suffix(f".{os.getpid()}")
        fresh.write_text(json.dumps(content))
        os.replace(fresh, path)

    def _read(self, name: str) -> Any:
        path = self.folder / name
        return json.loads(path.read_text()) if path.exists() else None

    def write_collected(
        self,
        worker: str,
        tasks: list[dict[str, Any]],
        samples: int,
        problem: str | None,
        not_run: list[dict[str, str]],
    ) -> None:
        content = {"tasks": tasks, "samples": samples, "problem": problem, "not_run": not_run}
        self._write(f"collected-{worker}.json", content)

    def collected(self, worker: str) -> dict[str, Any] | None:
        """What a worker collected that concerns proctor; None for nothing."""
        found: dict[str, Any] | None = self._read(f"collected-{worker}.json")
        return found

    def write_connection(self, connection: Connection, judge: Connection | None = None) -> None:
        if judge is not None:
            self._write("judge.json", asdict(judge))
        self._write("connection.json", asdict(connection))

    def connection(self, name: str = "connection") -> Connection | None:
        """How to reach the model, or under the name `judge` the judge model."""
        found = self._read(f"{name}.json")
        return None if found is None else Connection(**found)

    def write_block(self, worker: str, indices: list[int]) -> None:
        self._write(f"block-{worker}.json", indices)

    def block(self, worker: str) -> list[int]:
        return list(self._read(f"block-{worker}.json") or [])

    def interrupt(self) -> None:
        """Tell the workers to end: the signal may have reached the controller alone."""
        self._write("interrupted.json", True)

    def interrupted(self) -> bool:
        return (self.folder / "interrupted.json").exists()

    def write_ended(self, worker: str) -> None:
        self._write(f"ended-{worker}.json", True)

    def ended(self, worker: str) -> bool:
        """Whether a worker has judged what it could."""
        return (self.folder / f"ended-{worker}.json").exists()

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def scratch_folder() -> Path:
    """A path that nobody can have made before us."""
    return Path(tempfile.gettempdir()) / f"proctor-{secrets.token_hex(16)}"


class BlockScheduling(LoadScheduling):
    """Hands each worker one contiguous block, all at once, so that it can ask ahead.

    begin: called once all workers have collected; says whether the run has samples. Where it has none,
    xdist's own load scheduling goes on as if nothing had happened.
    """

    def __init__(
        self,
        config: pytest.Config,
        log: Any,
        begin: Callable[[list[str]], bool],
        assign: Callable[[str, list[int]], None],
    ) -> None:
        super().__init__(config, log)
        self.collection: list[str] | None
        self._begin = begin
        self._assign = assign
        self._blocks: bool | None = None

    def schedule(self) -> None:
        if self._blocks is None:
            same = self._check_nodes_have_same_collection()
            self._blocks = same and self._begin([node.gateway.id for node in self.nodes])
        if not self._blocks:
            super().schedule()
            return
        if self.collection is None:
            self.collection = next(iter(self.node2collection.values()))
            self.pending[:] = range(len(self.collection or []))
        # Later calls bring a worker that replaces a crashed one: what that had left is the new one's block.
        idle = [node for node in self.nodes if not node.shutting_down]
        for node, block in zip(idle, contiguous(self.pending, max(1, len(idle))), strict=False):
            self._assign(node.gateway.id, block)
            self._send_tests(node, len(block))
            node.shutdown()

    def check_schedule(self, node: WorkerController, duration: float = 0) -> None:
        if not self._blocks:
            super().check_schedule(node, duration)

    def give_up(self) -> None:
        """Hand out nothing: every worker ends without running a test."""
        self._blocks = True
        self.collection = []
        self.pending.clear()
