"""A run: its folder, its service, and the process that owns both (the only one, or xdist's controller)."""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

import pytest

from proctor import chat
from proctor.asks import Ask
from proctor.errors import ServiceError, SetupError
from proctor.judge import preflight
from proctor.judge.asks import PART, compared_answers, graded_answer
from proctor.model import Connection, Service
from proctor.options import Settings
from proctor.reporting.journal import judged
from proctor.reporting.records import prompt_sha256
from proctor.session import resume
from proctor.session.collect import LoadedTask
from proctor.session.resume import PARTS

Check = Callable[[list[dict[str, Any]]], None]
CHAT = "chat"
"""Where a connection's settings, which travel to workers, say how the model is asked (`proctor.chat.Chat`)."""
LOGS = "service*.log"
"""What a started server wrote; several write one each."""


def describe(loaded: LoadedTask, selected: int, nodeid: str) -> dict[str, Any]:
    """What the report says of a task before any sample is scored: plain JSON.

    `nodeid` is that of its samples up to the bracket, by which a sample that a worker took with it is known.
    """
    dataset, source = loaded.dataset, loaded.dataset.source
    return {
        "task": loaded.benchmark.name,
        "version": loaded.benchmark.version,
        "variant": loaded.variant,
        "shots": loaded.shots + loaded.benchmark.header_shots,
        "prompt_sha256": loaded.prompt.sha256,
        "parameters": {name: _shown(value) for name, value in loaded.ask.parameters.items()},
        "chosen": sorted(loaded.chosen),
        "variants": [task.variant for task in loaded.benchmark.tasks],
        "nodeid": nodeid,
        "needs": loaded.ask.needs,
        "runs_code": loaded.ask.runs_code,
        "default_needs": loaded.benchmark.default.ask.needs,
        "takes_judge": loaded.ask.takes_judge,
        "judge_model": judge_model(loaded.ask),
        "others": [task.variant for task in loaded.benchmark.tasks if task.ask.needs != loaded.ask.needs],
        "main": loaded.task.main,
        "aggregates": loaded.benchmark.aggregates,
        "signatures": dict(loaded.benchmark.signatures()) if loaded.benchmark.signatures else {},
        "selected": selected,
        "total": len(dataset.samples) * loaded.epochs,
        "epochs": loaded.epochs,
        "data": {
            "origin": dataset.origin if dataset.origin == "bundled" else os.path.abspath(dataset.origin),
            "source": source.origin,
            "revision": source.revision,
            "licence": source.licence,
            "sha256": dataset.sha256,
            "rows": dataset.rows,
            "excluded": dataset.excluded,
            **({"format": dataset.format} if dataset.format is not None else {}),
        },
    }


def judge_model(ask: Ask) -> dict[str, Any]:
    """How a ready ask has a judge model asked, in plain JSON; empty for others."""
    ready = {graded_answer: "graded", compared_answers: "compared"}
    if ask.function not in ready:
        return {}
    own = {key: value for key, value in ask.parameters.items() if key.startswith(PART) and not callable(value)}
    return {"kind": ready[ask.function], **own}


LONG = 120
"""Characters of a parameter, beyond which reports tell its sha256 alone."""


def _shown(value: Any) -> Any:
    if callable(value):
        return getattr(value, "__name__", repr(value))
    if isinstance(value, str) and len(value) > LONG:
        return f"sha256:{prompt_sha256(value)[:16]}"
    return value


def new_folder(settings: Settings) -> Path:
    """Where this run's files will lie; nothing is created yet."""
    if settings.report_dir is not None:
        return settings.report_dir
    return settings.folder / "reports" / f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"


JUDGE_LOG = "judge.log"


class Run:
    """Owns the folder and the service of a run, from `begin` to `stop`."""

    def __init__(self, settings: Settings, service: Service, command: str, judge: Service | None = None) -> None:
        """`command`: the command line, by which a run is known that goes on. Raises SetupError."""
        self.settings = settings
        self.service = service
        self.judge = judge
        self.command = command
        self.resumed = settings.resume is not None
        self.folder = (
            resume.find(settings.resume, settings.folder, settings.report_dir, command)
            if settings.resume is not None
            else new_folder(settings)
        )
        self.started = time.time()
        self.tasks: list[dict[str, Any]] = []
        self.chat = chat.Chat()
        self.connection: Connection | None = None
        self.judge_connection: Connection | None = None
        self.about_judge: dict[str, Any] | None = None
        """What the report says of the judge model; None where none was asked, in this run or in the one rescored."""
        self._lock: TextIO | None = None
        self._existed = False
        self._had_log = False

    @property
    def begun(self) -> bool:
        return self.connection is not None

    def begin(
        self, tasks: list[dict[str, Any]], progress: Callable[[str], None], check: Check = lambda tasks: None
    ) -> Connection:
        """Claim the folder, start the service, check that it can do what the tasks need.

        `check` finds what is wrong with the tasks as they are asked, by a SetupError. Raises pytest.UsageError, leaving
        things as they were before.
        """
        self.started = time.time()
        self.tasks = tasks
        try:
            self._claim()
            connection = self._start(progress, check)
        except SetupError as error:
            self.stop()
            self.release(keep_log=True)
            raise pytest.UsageError(str(error)) from None
        except BaseException:
            self.stop()
            self.release(keep_log=True)
            raise
        self.connection = connection
        return connection

    def _start(self, progress: Callable[[str], None], check: Check) -> Connection:
        old = resume.read(self.folder) if self.resumed else None
        if old is not None:
            self._refuse(resume.rescored_differences(old, self.settings.rescore))
            # The model must be the same, so that what was known of it says how it will be asked.
            before = self._chat_of(old["model"], getattr(self.service, "report", {}).get("run", {}).get(CHAT))
            self._refuse(resume.differences(old, list(map(before.described, self.tasks)), self.settings.seed))
        if any(task["takes_judge"] for task in self.tasks):
            self._start_judge(progress, old)  # first: a wrong key or a bad judge is known before weights are loaded
        connection = self._asked_as(self.service.start(self.folder / "service.log", progress))
        for task in self.tasks:
            check_ability(task, connection)
        self._note_whether_it_judges_itself(connection, progress)
        check(self.tasks)
        if old is not None:
            differ = resume.differences(old, self.tasks, self.settings.seed)
            self._refuse([*resume.model_differences(old["model"], connection.model), *differ])
            for path in judged(self.folder / PARTS):
                path.unlink()  # all samples are judged again, from their answers
        else:
            rescored = None if self.settings.rescore is None else str(self.settings.rescore)
            content = {"started": self.started, "command": self.command, "seed": self.settings.seed}
            about = {"tasks": self.tasks, "model": dict(connection.model), "judge": self.about_judge}
            resume.write(self.folder, {**content, **about, "rescored": rescored})
        return connection

    def _start_judge(self, progress: Callable[[str], None], old: Mapping[str, Any] | None) -> None:
        """Start the judge model and have it judge known cases. Raises ServiceError where that goes wrong.

        old: the run that is gone on with, whose judge it must be: that is known before a case is paid for.
        """
        if self.judge is None:
            self.about_judge = getattr(self.service, "report", {}).get("judge")
            return
        found = self.judge_connection = self.judge.start(self.folder / JUDGE_LOG, progress)
        abilities = found.model.get("capabilities", {})
        if abilities.get("chat") is False:
            why = (abilities.get("why") or {}).get("chat", "no reason is told")
            raise ServiceError(f"the judge {found.model.get('name')} cannot chat ({why}); name another one by --judge")
        if old is not None:
            self._refuse(resume.judge_differences(old.get("judge"), found.model))
        self.about_judge = {**found.model, "preflight": preflight.run(self.judge, found, self.tasks, progress)}

    def _note_whether_it_judges_itself(self, connection: Connection, progress: Callable[[str], None]) -> None:
        if self.judge_connection is None or self.about_judge is None:
            return
        same = self.about_judge.get("id") == connection.model.get("id")
        self.about_judge["judges_itself"] = same
        if same:
            progress(f"the judge {self.about_judge['name']} is the model itself: models prefer what they write")

    def _asked_as(self, connection: Connection) -> Connection:
        """The connection with how the model is asked, which `self.chat` and the tasks then say, too."""
        self.chat = self._chat_of(connection.model, connection.settings.get(CHAT))
        self.tasks = list(map(self.chat.described, self.tasks))
        return replace(connection, settings={**connection.settings, CHAT: self.chat.as_record()})

    def _chat_of(self, model: Mapping[str, Any], stored: Mapping[str, Any] | None) -> chat.Chat:
        """How a model is asked: as it was, where its outputs are stored."""
        return chat.decide(self.settings, model) if stored is None else chat.Chat(**stored)

    def _refuse(self, differences: list[str]) -> None:
        if differences:
            listed = "".join(f"\n  {line}" for line in differences)
            raise SetupError(
                f"--resume: the run in {self.folder} asked otherwise:{listed}\n"
                "Answers of two kinds make no score: go back to what was, or begin a new run"
            )

    def _claim(self) -> None:
        folder = self.folder
        if self.resumed:
            self._existed = True
            self._lock = resume.lock(folder)
            return
        existed, had_log = folder.exists(), any(folder.glob(LOGS))
        if resume.is_unfinished(folder):
            resume.lock(folder).close()  # says so if it is under way
            raise SetupError(
                f"{folder} holds a run that did not finish: go on with it by --resume, choose another --report-dir, "
                "or remove it"
            )
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
        self._existed, self._had_log = existed, had_log
        self._lock = resume.lock(folder)

    def release(self, *, keep_log: bool = False) -> None:
        """Give the folder back: there is nothing to report. `keep_log`: but for what a server wrote."""
        if self._lock is None:
            return  # it was never ours
        self.unlock()
        if self.resumed:
            return
        shutil.rmtree(self.folder / PARTS, ignore_errors=True)
        judge_log = self.folder / JUDGE_LOG
        if judge_log.exists() and not (keep_log and judge_log.stat().st_size):
            judge_log.unlink()
        logs = list(self.folder.glob(LOGS))
        if keep_log and any(log.stat().st_size for log in logs):
            return
        if not self._had_log:
            for log in logs:
                log.unlink()
        if not self._existed:
            with suppress(OSError):  # somebody put something there, or took it away
                self.folder.rmdir()
                if self.settings.report_dir is None:
                    self.folder.parent.rmdir()  # where no other run is in it

    def unlock(self) -> None:
        """Let others go on with what is left here."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def stop(self) -> None:
        try:
            self.service.stop()
        finally:
            if self.judge is not None:
                self.judge.stop()


def check_ability(task: dict[str, Any], connection: Connection) -> None:
    """Raise ServiceError, naming the variant that would work, for a task that the service cannot do."""
    capabilities = connection.model.get("capabilities", {})
    needs = task["needs"]
    if capabilities.get(needs, True):
        return
    name = f"{task['task']}_{task['variant']}"
    why = (capabilities.get("why") or {}).get(needs, "")
    instead = ""
    if task["others"]:
        other = task["others"][0]
        instead = f"; --variant={other} would work (in -k: {task['task'].replace('-', '_')}_{other})"
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
