"""The parts that are played in a session: alone, or as xdist's controller and its workers.

Alone        collects, owns the run, asks and judges
Controller   owns the run, hands out blocks; collects nothing
Worker       collects, asks and judges its block
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from proctor.chat import expected, shown
from proctor.chat import told as chat_lines
from proctor.errors import SetupError
from proctor.model import Connection, Service
from proctor.options import Settings, not_ours, setting_of
from proctor.reporting.records import sendable
from proctor.session.absent import not_run, told
from proctor.session.asking import Asking, sandbox_of
from proctor.session.collect import Collecting, SampleItem
from proctor.session.lookahead import Asker
from proctor.session.progress import reporter_of
from proctor.session.resume import PARTS
from proctor.session.run import Check, Run, describe
from proctor.session.selection import instead
from proctor.session.showing import command, plan_line, show_prompts

if TYPE_CHECKING:
    from proctor.gating.items import Gating
    from proctor.session.judging import Judging


PART = pytest.StashKey[Any]()
GRACE = 4.0
"""Seconds that interrupted workers have to judge what is answered."""
NO_EFFECT = {
    "timeout": "pytest-timeout has no effect on samples: requests are bounded by --request-timeout",
    "rerunfailures": "pytest-rerunfailures has no effect on samples: requests are retried (--request-retries)",
    "randomly": "pytest-randomly has no effect on samples: they keep their order, for the server's prefix cache",
}


def play(config: pytest.Config, settings: Settings, service: Service | None, judge: Service | None = None) -> None:
    """Register the part that this process plays."""
    if service is None:
        return
    part: Alone | Controller | Worker
    if hasattr(config, "workerinput"):
        part = Worker(config, settings, service, judge)
    elif config.getoption("dist", "no") != "no" and not config.option.collectonly:
        part = Controller(config, settings, service, judge)
    else:
        part = Alone(config, settings, service, judge)
    config.stash[PART] = part
    config.pluginmanager.register(part, "proctor-session")


def collecting(config: pytest.Config, settings: Settings, service: Service, judge: Service | None) -> Collecting:
    """The plugin that collects samples, registered."""
    stored = getattr(service, "samples", None)
    chat, lacks = partial(expected, settings, service), lambda: getattr(service, "lacks", {})
    plugin = Collecting(config, settings, service.bundled, stored, chat, lacks, has_judge=judge is not None)
    config.pluginmanager.register(plugin, "proctor-collecting")
    return plugin


def sample_items(items: Sequence[pytest.Item]) -> list[tuple[int, SampleItem]]:
    return [(place, item) for place, item in enumerate(items) if isinstance(item, SampleItem)]


def described(items: Sequence[pytest.Item]) -> list[dict[str, Any]]:
    """Descriptions of the tasks that have samples among the items, in their order."""
    counts: dict[Any, int] = {}
    names: dict[Any, str] = {}
    for _, item in sample_items(items):
        counts[item.loaded] = counts.get(item.loaded, 0) + 1
        names[item.loaded] = item.nodeid.partition("[")[0]
    return [describe(loaded, count, names[loaded]) for loaded, count in counts.items()]


def needs_model(items: Sequence[pytest.Item]) -> bool:
    """Whether an ordinary test takes our `model` fixture."""
    for item in items:
        info = getattr(item, "_fixtureinfo", None)
        definitions = info.name2fixturedefs.get("model") if info is not None else None
        if definitions and definitions[-1].func.__module__ == "proctor.plugin":
            return True
    return False


class Owner:
    """What Alone and Controller share: a run from begin to end."""

    def __init__(
        self, config: pytest.Config, settings: Settings, service: Service, judge: Service | None = None
    ) -> None:
        self.config = config
        self.run = Run(settings, service, command(config), judge)
        self.gating = _gating(settings)
        self.results: Any = None
        self.setup_failed = False
        self.left = False

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if getattr(report, "proctor_setup_error", False):
            self.setup_failed = True

    def begin(self, tasks: list[dict[str, Any]], absent: list[dict[str, str]]) -> Connection:
        """Begin the run; raises pytest.UsageError before anything is asked.

        tasks: descriptions of those that run. absent: benchmarks that do not, each with its reason.
        """
        from proctor.session.rescore import as_asked, read_report
        from proctor.session.results import Results

        owned = not_ours(self.config)
        if owned:
            setting = setting_of(owned.removeprefix("--"))
            raise pytest.UsageError(
                f"{owned} is an option of this suite's own; what it says to proctor stands in pytest.ini as {setting}, "
                f"or is given by -o {setting}=VALUE"
            )
        if any(task["runs_code"] for task in tasks):
            # Found out before anything is asked or started; who asks has one of its own.
            sandbox_of(self.config).close()
        if self.run.settings.rescore is not None:
            tasks = as_asked(tasks, read_report(self.run.settings.rescore), self.run.settings.judge_anew)
        reporter = reporter_of(self.config)
        check = self._check_of_gates(tasks, absent)
        connection = self.run.begin(tasks, lambda message: reporter.write_line(f"proctor: {message}"), check)
        if tasks:
            self.results = Results(self.config, self.run, self.gating, absent)
            self.config.pluginmanager.register(self.results, "proctor-results")
            reporter.write_line(f"proctor: {plan_line(tasks, connection)}")
            for line in chat_lines(self.run.chat, connection.model, self.run.tasks):
                reporter.write_line(f"proctor: {line}")
            for line in told(absent):
                reporter.write_line(f"proctor: not run: {line}", yellow=True)
            if self.run.resumed:
                reporter.write_line(f"proctor: going on with {self.run.folder}; what was answered is not asked again")
            for task in tasks:
                if task["epochs"] > 1 and not task["parameters"].get("temperature"):
                    reporter.write_line(
                        f"proctor: {task['task']} {task['variant']} is asked at temperature 0: its epochs differ by "
                        "what the server itself does not repeat"
                    )
            for line in instead(tasks, getattr(self.run.service, "lacks", {})):
                reporter.write_line(f"proctor: {line}")
            for name, text in NO_EFFECT.items():
                if self.config.pluginmanager.hasplugin(name):
                    reporter.write_line(f"proctor: {text}")
        return connection

    def _check_of_gates(self, tasks: list[dict[str, Any]], absent: list[dict[str, str]]) -> Check:
        """What finds gates that cannot be judged, once it is known how a model is asked: of most, before it is started.

        Raises pytest.UsageError.
        """
        gating, service = self.gating, self.run.service
        if gating is None or not tasks:
            return lambda asked: None
        if not getattr(service, "discovers", False) and not (chat := expected(self.run.settings, service)).on:
            try:
                gating.check(list(map(chat.described, tasks)), absent)
            except SetupError as error:
                raise pytest.UsageError(str(error)) from None
        return lambda asked: gating.check(asked, absent)

    def judge_gates(self, exitstatus: int) -> None:
        """Before other plugins finish, so that they hear of the verdicts; not of a run that was interrupted."""
        if self.results is not None and exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            self.results.judge_gates()

    def end(self, session: pytest.Session, exitstatus: int) -> None:
        """Settle the exit code, write the files, stop the service: it may take its time, and nobody waits for it."""
        try:
            if self.setup_failed:
                session.exitstatus = pytest.ExitCode.USAGE_ERROR
            elif self.results is not None:
                session.exitstatus = self.results.exit_code(exitstatus)
                self.results.finish(session.exitstatus)
        finally:
            if not self.left:
                self.run.stop()
        if self.results is None and self.run.begun:
            self.run.release()

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Interrupted again: leave at once. The supervisor stops the service when this process is gone."""
        try:
            yield
        except KeyboardInterrupt:
            self.left = True
            if self.results is not None and self.results.report is None:
                settings = self.run.settings
                asked = settings.rescore is None or settings.judge_anew
                then = f"--resume={self.run.folder} goes on" if asked else "the same command judges all of it again"
                reporter_of(self.config).write_line(
                    f"proctor: interrupted again: there is no report, and {then}", red=True
                )


def _gating(settings: Settings) -> Gating | None:
    """Raises SetupError for gates or a baseline that cannot be read."""
    if settings.gate is None:
        if settings.baseline is not None:
            raise SetupError("--baseline is what --gate=FILE compares with: name that too")
        return None
    from proctor.gating.items import Gating

    return Gating(settings.gate, settings.baseline)


class Alone(Owner):
    """The one process of a run without xdist."""

    def __init__(
        self, config: pytest.Config, settings: Settings, service: Service, judge: Service | None = None
    ) -> None:
        super().__init__(config, settings, service, judge)
        self.settings = settings
        self.collecting = collecting(config, settings, service, judge)
        self.asking = Asking(config, settings, service, 1, judge)
        self._judging: Judging | None = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        if self.setup_failed:
            # No sample is asked; pytest says what is wrong, unless it was told to go on.
            return True if self.config.option.continue_on_collection_errors else None
        if session.testsfailed and not self.config.option.continue_on_collection_errors:
            return None
        if self.collecting.problem:
            raise pytest.UsageError(self.collecting.problem)
        if self.config.option.collectonly:
            return None
        items = sample_items(session.items)
        if self.settings.show_prompts is not None and items:
            chat = self.collecting.chat()
            reporter = reporter_of(self.config)
            show_prompts(reporter, items, self.settings.show_prompts, chat, shown(chat, self.run.service))
            return True
        if not items:
            if needs_model(session.items):
                self.begin([], [])
            return None
        connection = self.begin(described(session.items), not_run(session.items))
        parts = self.run.folder / PARTS
        judge = self.run.judge_connection
        self._judging = self.asking.begin(connection, items, parts, "alone", self.results.tick, judge)
        self.config.pluginmanager.register(self._judging, "proctor-judging")
        return None

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> Any:
        self.judge_gates(exitstatus)
        result = yield
        with self.interruptible():
            if self._judging is not None and exitstatus == pytest.ExitCode.INTERRUPTED:
                try:
                    self._judging.judge_what_is_answered()
                except KeyboardInterrupt:
                    self.left = True
            self.asking.close(wait=not self.left)
            self.end(session, exitstatus)
        return result

    def pytest_unconfigure(self) -> None:
        if not self.left:
            self.asking.close()
            self.run.stop()

    def asker(self) -> Asker:
        if self.run.connection is None:
            self.begin([], [])
        assert self.run.connection is not None
        return self.asking.asker(self.run.connection, self.run.judge_connection)


class Controller(Owner):
    """xdist's controller: it learns what there is from the workers' files."""

    def __init__(
        self, config: pytest.Config, settings: Settings, service: Service, judge: Service | None = None
    ) -> None:
        from proctor.session.distribute import Scratch, scratch_folder

        super().__init__(config, settings, service, judge)
        self.scratch = Scratch(scratch_folder())
        self.scheduling: Any = None

    def pytest_configure_node(self, node: Any) -> None:
        node.workerinput["proctor"] = {"folder": str(self.run.folder), "scratch": str(self.scratch.folder)}

    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> Any:
        from proctor.session.distribute import BlockScheduling

        if config.getoption("dist") != "load":
            return None
        self.scheduling = BlockScheduling(config, log, self._begin, self.scratch.write_block)
        return self.scheduling

    def pytest_xdist_node_collection_finished(self, node: Any) -> None:
        collected = self.scratch.collected(node.gateway.id)
        if collected is None:
            return
        if collected["problem"]:
            raise pytest.UsageError(collected["problem"])
        if self.scheduling is None:
            mode = self.config.getoption("dist")
            raise pytest.UsageError(
                f"benchmarks are handed out in blocks: use --dist=load (what -n N means), not --dist={mode}"
            )

    def _begin(self, workers: list[str]) -> bool:
        """Whether the workers have collected samples; if so, the run has begun."""
        if self.setup_failed:
            self.scheduling.give_up()
            return True
        found = [collected for worker in workers if (collected := self.scratch.collected(worker)) is not None]
        if not found:
            return False
        connection = self.begin(found[0]["tasks"], found[0]["not_run"])
        self.scratch.write_connection(connection, self.run.judge_connection)
        return bool(found[0]["samples"])

    def pytest_keyboard_interrupt(self) -> None:
        if self.results is None:
            return
        self.scratch.interrupt()
        until = time.monotonic() + GRACE
        judging = [node.gateway.id for node in self.scheduling.nodes if self.scratch.block(node.gateway.id)]
        with suppress(KeyboardInterrupt):  # interrupted again: what is left can be judged by --resume
            while time.monotonic() < until and not all(map(self.scratch.ended, judging)):
                time.sleep(0.02)

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> Any:
        self.judge_gates(exitstatus)
        result = yield
        with self.interruptible():
            if self.results is not None and exitstatus == pytest.ExitCode.INTERRUPTED:
                self.results.recover()
            self.end(session, exitstatus)
        return result

    def pytest_unconfigure(self) -> None:
        if not self.left:
            self.run.stop()
        self.scratch.remove()


class Worker:
    """An xdist worker."""

    def __init__(self, config: Any, settings: Settings, service: Service, judge: Service | None = None) -> None:
        from proctor.session.distribute import Scratch

        self.config = config
        given = config.workerinput["proctor"]
        self.name: str = config.workerinput["workerid"]
        self.folder = Path(given["folder"])
        self.scratch = Scratch(Path(given["scratch"]))
        self.collecting = collecting(config, settings, service, judge)
        self.asking = Asking(config, settings, service, config.workerinput["workercount"], judge)
        self._judging: Any = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        samples = len(sample_items(session.items))
        if samples or needs_model(session.items) or self.collecting.problem:
            absent = not_run(session.items)
            self.scratch.write_collected(self.name, described(session.items), samples, self.collecting.problem, absent)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
        if not isinstance(item, SampleItem):
            return None
        if self._judging is None:
            block = set(self.scratch.block(self.name))
            items = [(place, own) for place, own in sample_items(item.session.items) if place in block]
            parts = self.folder / PARTS
            judge = self.scratch.connection("judge")
            self._judging = self.asking.begin(self._connection(), items, parts, self.name, self._heed, judge)
        self._heed()
        judged: bool | None = self._judging.pytest_runtest_protocol(item, nextitem)
        return judged

    @pytest.hookimpl(wrapper=True)
    def pytest_report_to_serializable(self, report: Any) -> Any:
        data = yield
        # A model's output may hold half a character, and a traceback shows it.
        return sendable(data) if hasattr(report, "proctor") else data

    def _heed(self) -> None:
        """Be interrupted where the controller is."""
        if self.scratch.interrupted():
            raise KeyboardInterrupt

    def _connection(self) -> Connection:
        connection = self.scratch.connection()
        if connection is None:
            pytest.exit("proctor: the controller has started no model service", returncode=4)
        return connection

    def asker(self) -> Asker:
        return self.asking.asker(self._connection(), self.scratch.connection("judge"))

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        if self._judging is not None and exitstatus == pytest.ExitCode.INTERRUPTED:
            with suppress(KeyboardInterrupt):
                self._judging.keep_what_is_answered()
            self.scratch.write_ended(self.name)
        self.asking.close()
