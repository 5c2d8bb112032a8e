"""A run: its folder, its service, and the process that owns both (the only one, or xdist's controller)."""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from proctor.collect import LoadedTask
from proctor.errors import ServiceError, SetupError
from proctor.model import Connection, Service
from proctor.options import Settings

PARTS = "parts"


def describe(loaded: LoadedTask, selected: int, nodeid: str) -> dict[str, Any]:
    """What the report says of a task before any sample is scored: plain JSON.

    `nodeid` is that of its samples up to the bracket, by which a sample that a worker took with it is known.
    """
    dataset, source = loaded.dataset, loaded.dataset.source
    return {
        "task": loaded.benchmark.name,
        "version": loaded.benchmark.version,
        "variant": loaded.variant,
        "shots": loaded.shots,
        "prompt_sha256": loaded.prompt.sha256,
        "parameters": {name: _shown(value) for name, value in loaded.ask.parameters.items()},
        "nodeid": nodeid,
        "needs": loaded.ask.needs,
        "runs_code": loaded.ask.runs_code,
        "others": [task.variant for task in loaded.benchmark.tasks if task.ask.needs != loaded.ask.needs],
        "main": loaded.benchmark.main,
        "selected": selected,
        "total": len(dataset.samples),
        "data": {
            "origin": dataset.origin if dataset.origin == "bundled" else os.path.abspath(dataset.origin),
            "source": source.origin,
            "revision": source.revision,
            "licence": source.licence,
            "sha256": dataset.sha256,
            "rows": dataset.rows,
            "excluded": dataset.excluded,
        },
    }


def _shown(value: Any) -> Any:
    if callable(value):
        return getattr(value, "__name__", repr(value))
    return value


def new_folder(settings: Settings) -> Path:
    """Where this run's files will lie; nothing is created yet."""
    if settings.report_dir is not None:
        return settings.report_dir
    return settings.folder / "reports" / f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"


class Run:
    """Owns the folder and the service of a run, from `begin` to `stop`."""

    def __init__(self, settings: Settings, service: Service) -> None:
        self.settings = settings
        self.service = service
        self.folder = new_folder(settings)
        self.started = time.time()
        self.tasks: list[dict[str, Any]] = []
        self.connection: Connection | None = None
        self._existed = False
        self._had_log = False

    @property
    def begun(self) -> bool:
        return self.connection is not None

    def begin(self, tasks: list[dict[str, Any]], progress: Callable[[str], None]) -> Connection:
        """Claim the folder, start the service, check that it can do what the tasks need.

        Raises pytest.UsageError, leaving things as they were before.
        """
        self.started = time.time()
        self.tasks = tasks
        try:
            self._claim()
        except SetupError as error:
            raise pytest.UsageError(str(error)) from None
        try:
            connection = self.service.start(self.folder / "service.log", progress)
            for task in tasks:
                check_ability(task, connection)
        except SetupError as error:
            self.service.stop()
            self.release()
            raise pytest.UsageError(str(error)) from None
        except BaseException:
            self.service.stop()
            self.release()
            raise
        self.connection = connection
        return connection

    def _claim(self) -> None:
        folder = self.folder
        self._existed = folder.exists()
        self._had_log = (folder / "service.log").exists()
        for name, state in (
            ("report.json", "a finished run"),
            (PARTS, "a run that did not finish, or that is under way"),
        ):
            if (folder / name).exists():
                raise SetupError(f"{folder} holds {state}: choose another --report-dir, or remove it")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / PARTS).mkdir()
        except OSError as error:
            raise SetupError(
                f"cannot write reports to {folder}: {error.strerror}; choose another --report-dir"
            ) from None

    def release(self) -> None:
        """Give the folder back: there is nothing to report."""
        shutil.rmtree(self.folder / PARTS, ignore_errors=True)
        if not self._had_log:
            (self.folder / "service.log").unlink(missing_ok=True)
        if not self._existed:
            self.folder.rmdir()
            reports = self.folder.parent
            if self.settings.report_dir is None and not any(reports.iterdir()):
                reports.rmdir()

    def stop(self) -> None:
        self.service.stop()


def check_ability(task: dict[str, Any], connection: Connection) -> None:
    """Raise ServiceError, naming the variant that would work, for a task that the service cannot do."""
    capabilities = connection.model.get("capabilities", {})
    needs = task["needs"]
    if capabilities.get(needs, True):
        return
    name = f"{task['task']}_{task['variant']}"
    why = (capabilities.get("why") or {}).get(needs, "")
    instead = f"; --variant={task['others'][0]} would work" if task["others"] else ""
    raise ServiceError(
        f"{name} needs {needs}, which {connection.model.get('name')} cannot do{': ' + why if why else ''}{instead}"
    )


def point_latest(folder: Path) -> None:
    """Make reports/latest point to a run, in one step, so that it never points nowhere."""
    link = folder.parent / "latest"
    fresh = folder.parent / f".latest-{secrets.token_hex(4)}"
    try:
        fresh.symlink_to(folder.name, target_is_directory=True)
        fresh.replace(link)
    except OSError:
        # Where links are not allowed, or something else is called latest, the run itself is what counts.
        fresh.unlink(missing_ok=True)
