"""Collecting outcomes in the process that owns the run, and writing its files at the end."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from proctor.chat import cut_short
from proctor.errors import SetupError
from proctor.gating import gates, verdicts
from proctor.model import ENDPOINTS, JUDGE_ENDPOINTS
from proctor.reporting import endpoints, reports
from proctor.reporting.journal import Journal, judged, merge, read
from proctor.reporting.junit import Case, write_junit
from proctor.reporting.records import falls_short, record, travelling
from proctor.sample import Sample
from proctor.session import rescore
from proctor.session.absent import told
from proctor.session.progress import Progress, reporter_of, write_table
from proctor.session.rescore import NOT_STORED
from proctor.session.resume import PARTS
from proctor.session.run import Run, point_latest
from proctor.statistics import epochs

if TYPE_CHECKING:
    from proctor.gating.gates import Verdict
    from proctor.gating.items import Gating

LAST = 2**62
"""The place of records that no process could write: behind all others."""
SELF_CHECKS = ("proctor:empty", "proctor:neighbour")
GONE = "gone"
"""The kind of the errors of samples that were not asked, since nobody was left to be asked."""


class Results:
    """Plugin of the owner of a run, from its begin to its end."""

    def __init__(
        self, config: pytest.Config, run: Run, gating: Gating | None, not_run: Sequence[dict[str, str]]
    ) -> None:
        self.config = config
        self.run = run
        self.gating = gating
        self.not_run = not_run
        self.verdicts: list[Verdict] = []
        self.gates_problem: str | None = None
        self.records: list[dict[str, Any]] = []
        self.cases: dict[str, Case] = {}
        self.other_failures = 0
        self.lost: list[dict[str, Any]] = []
        self.skipped = 0
        self.report: reports.Report | None = None
        self.scoring_from = self.scored_last = time.time()
        self._names = {task["nodeid"] for task in run.tasks}
        self.mains = {(task["task"], task["variant"]): task["main"] for task in run.tasks}
        self.progress = Progress(reporter_of(config), run.tasks, getattr(run.service, "state", lambda: ""))
        self.following = {
            "": endpoints.Following(run.folder / ENDPOINTS),
            "judge: ": endpoints.Following(run.folder / JUDGE_ENDPOINTS),
        }
        self.ended: tuple[str, ...] = ()

    def tick(self) -> None:
        """Show how far the run is, if it is time to, and what became of the endpoints."""
        for whose, following in self.following.items():
            for line in following.fresh():
                self.progress.clear()
                reporter_of(self.config).write_line(f"proctor: {whose}{line}", yellow=True)
        self.progress.tick()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        own = getattr(report, "proctor", None) or self._crashed(report)
        if own is None:
            if report.when != "teardown" or report.failed:
                self.progress.clear()
        else:
            self.records.append(own)
            self.scored_last = time.time()
            self.progress.add(own)
            self.tick()
        if own is None and report.skipped and report.nodeid.partition("[")[0] in self._names:
            self.skipped += 1
        gate = hasattr(report, "proctor_verdict")
        asked = own is not None and own.get("error") is not None and own["error"]["kind"] != "judge"
        if report.failed and not asked and not gate:
            self.other_failures += 1
        self._case(report)

    def _crashed(self, report: pytest.TestReport) -> dict[str, Any] | None:
        """The record of a sample whose worker died with it, which xdist reports in a phase of its own."""
        name, bracket, rest = report.nodeid.partition("[")
        task = next((task for task in self.run.tasks if task["nodeid"] == name), None)
        if task is None or not bracket or report.when in ("setup", "call", "teardown"):
            return None
        sample, epoch = epochs.parsed(rest.removesuffix("]"), task["epochs"])
        line = record(
            task=task["task"],
            variant=task["variant"],
            sample=Sample(id=sample),
            epoch=epoch,
            prompt=None,
            error=("crash", report.longreprtext or "the worker died"),
        )
        self.lost.append(line)
        return travelling(line, task["epochs"])

    def recover(self) -> None:
        """Count the samples that workers judged and could not tell of: after Ctrl-C nobody listens to them."""
        told = {record.get("place") for record in self.records}
        tasks = {(task["task"], task["variant"]): task for task in self.run.tasks}
        for place, line in read(judged(self.run.folder / PARTS)):
            if place in told:
                continue
            task = tasks[line["task"], line["variant"]]
            self.records.append({**travelling(line, task["epochs"]), "place": place})
            case = Case(f"{task['nodeid']}[{epochs.label(line['sample'], line['epoch'], task['epochs'])}]")
            case.properties = [(name, str(value)) for name, value in line["scores"].items()]
            case.properties += [(flag, "True") for flag in line["flags"]]
            if line["outcome"] == "error":
                case.outcome, case.message = "error", f"{line['error']['kind']}: {line['error']['message']}"
            self.cases[case.nodeid] = case

    def _case(self, report: pytest.TestReport) -> None:
        gate = hasattr(report, "proctor_verdict")
        nodeid = f"gates::{report.nodeid.partition('::')[2]}" if gate else report.nodeid
        case = self.cases.setdefault(nodeid, Case(nodeid))
        if report.when != "teardown":
            case.properties = [(str(name), str(value)) for name, value in report.user_properties]
        case.seconds += report.duration
        if report.failed:
            case.outcome = "failed" if report.when == "call" else "error"
            case.message = report.longreprtext
        elif report.skipped:
            case.outcome = "skipped"
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext
            case.message = reason.removeprefix("Skipped: ")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self) -> None:
        self.progress.clear()

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport, config: pytest.Config) -> Any:
        """Passed samples show no letter where the live line does; else `.` or `w`. Gates show their verdict."""
        verdict = getattr(report, "proctor_verdict", None)
        if verdict is not None:
            return ("failed" if report.failed else "passed"), "", verdict
        record = getattr(report, "proctor", None)
        if record is not None and report.failed and (record.get("error") or {}).get("kind") == GONE:
            # Told once, at the end: ten thousand sections that say the same would hide it.
            return "unanswered", "" if config.get_verbosity() == 0 else "E", ("GONE", {"red": True})
        if record is None or not report.passed or hasattr(report, "wasxfail"):
            return None
        main = self.mains[record["task"], record["variant"]]
        wrong = falls_short(record["scores"][main])
        if config.get_verbosity() == 0:
            return "passed", "", ""
        return "passed", "w" if wrong else ".", ("WRONG", {"yellow": True}) if wrong else ("RIGHT", {"green": True})

    @property
    def errors(self) -> int:
        """Samples whose ask failed for good."""
        return sum(record["outcome"] == "error" and record["error"]["kind"] != "judge" for record in self.records)

    @property
    def missing(self) -> int:
        """Selected samples that were never answered, and can be: the run may go on with them."""
        selected = sum(int(task["selected"]) for task in self.run.tasks)
        lost = [one for one in self.records if one["outcome"] == "error" and one["error"]["kind"] == NOT_STORED]
        return selected - self.skipped - len(self.records) + self.errors - len(lost)

    @property
    def goes_on(self) -> bool:
        """Whether --resume can go on with the run: somebody is asked in it, and has not answered all."""
        settings = self.run.settings
        return self.missing > 0 and (settings.rescore is None or settings.judge_anew)

    def exit_code(self, exitstatus: int) -> int:
        """pytest's own, but for errors: within the budget they count as nothing, beyond it they outrank all else."""
        if exitstatus not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            return exitstatus
        if self.errors > self.run.settings.error_budget:
            return gates.TOO_MANY_ERRORS
        if exitstatus and (self.other_failures or not self.errors):
            return exitstatus  # failed tests, or modules that could not be collected
        if self.gates_problem is not None:
            return pytest.ExitCode.USAGE_ERROR
        return gates.exit_code(self.verdicts)

    def judge_gates(self) -> None:
        """Judge the run, and tell each verdict as the test that it is."""
        if self.gating is None:
            return
        self.progress.clear()
        report = self._built(0, 0.0)
        try:
            self.verdicts = self.gating.judge(report, self.records, str(self.run.folder))
        except SetupError as error:  # a metric or a group that no sample has: the scores are there all the same
            self.gates_problem = str(error)
        for verdict_report in self.gating.as_reports(self.verdicts, self.config.rootpath):
            self.config.hook.pytest_runtest_logreport(report=verdict_report)

    def _built(self, exitstatus: int, seconds: float) -> reports.Report:
        run = self.run
        assert run.connection is not None
        return reports.build(
            tasks=run.tasks,
            # In the order of collection, whoever was first: sums of floats depend on it.
            records=sorted(self.records, key=lambda record: record.get("place", LAST)),
            model={**run.connection.model, **_endpoints(run.folder / ENDPOINTS), **_account(run.service)},
            run={
                "id": run.folder.name,
                "started": time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(run.started)),
                "seconds": round(seconds, 3),
                "scoring_seconds": round(self.scored_last - self.scoring_from, 3),
                "command": run.command,
                "seed": run.settings.seed,
                "chat": run.chat.as_record(),
                "exit_code": int(exitstatus),
            },
            judge=None
            if run.about_judge is None
            else {**run.about_judge, **_endpoints(run.folder / JUDGE_ENDPOINTS), **_account(run.judge)},
            gates=[verdict.as_record() for verdict in self.verdicts],
            not_run=self.not_run,
        )

    def finish(self, exitstatus: int) -> None:
        """Write all files of the run."""
        self.progress.clear()
        run = self.run
        for service, file, whose in ((run.service, ENDPOINTS, ""), (run.judge, JUDGE_ENDPOINTS, "judge: ")):
            self.ended += tuple(whose + text for text in getattr(service, "replaced", tuple)())
            if any(entry["gone"] for entry in _endpoints(run.folder / file).get("endpoints", ())):
                self.ended += tuple(whose + text for text in getattr(service, "ended", tuple)())
        seconds = time.time() - run.started
        self.report = self._built(exitstatus, seconds)
        self._note_chance_hits()
        parts = run.folder / PARTS
        if self.lost:
            journal = Journal(parts / "lost.jsonl")
            for line in self.lost:
                journal.write(LAST, line)
            journal.close()
        merge(judged(parts), run.folder / "samples.jsonl")
        write_junit(run.folder / "junit.xml", self.cases.values(), run.started, seconds)
        (run.folder / "summary.md").write_text(reports.summary(self.report), encoding="utf-8")
        reports.write_json(run.folder / "report.json", self.report)
        if self.goes_on:
            for path in judged(parts):
                path.unlink()
        else:
            shutil.rmtree(parts)
        run.unlock()
        if run.folder.parent == run.settings.folder / "reports":
            point_latest(run.folder)

    def _note_chance_hits(self) -> None:
        """A self-check model that must score 0 scores by chance where its answer happens to be right: say where."""
        assert self.report is not None
        if self.report["model"].get("name") not in SELF_CHECKS:
            return
        for task in self.report["tasks"]:
            task["chance_hits"] = [
                record["sample"]
                for record in self.records
                if (record["task"], record["variant"]) == (task["task"], task["variant"])
                and _hit(record["scores"].get(task["main"]))
            ]

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if self.report is None:
            return
        model = self.report["model"]
        terminalreporter.section(f"scores of {model.get('name')}", sep="=")
        write_table(terminalreporter, self.report)
        for line in cut_short(self.report["tasks"]):
            terminalreporter.write_line(line, yellow=True)
        for whose, about in (("", model), ("judge: ", self.report.get("judge", {}))):
            for entry in about.get("endpoints", ()):
                if entry["gone"]:
                    terminalreporter.write_line(whose + endpoints.told(entry), yellow=True)
        for text in self.ended:
            terminalreporter.write_line(text, red=True)
        for line in told(self.not_run):
            terminalreporter.write_line(f"not run: {line}", yellow=True)
        if self.gates_problem is not None:
            terminalreporter.write_line(f"ERROR: the gates were not judged: {self.gates_problem}", red=True)
        if self.report["gates"]:
            terminalreporter.section("gates", sep="=")
            for verdict in self.report["gates"]:
                terminalreporter.write_line(f"{verdict['verdict']:<12}  {verdicts.line(verdict)}", **_colour(verdict))
        for task in self.report["tasks"]:
            hits = task.get("chance_hits")
            if hits:
                terminalreporter.write_line(f"{task['task']} {task['variant']}: right by chance: {', '.join(hits)}")
        if model.get("name") == "proctor:gold" and any(map(_strict_below, self.report["tasks"])):
            terminalreporter.write_line(
                "proctor:gold phrases its answers in several ways: a strict metric need not be 100, the first one must"
            )
        for line in (*model.get("account", {}).get("lines", ()), *_judge_account(self.report)):
            terminalreporter.write_line(line)
        if self.run.settings.rescore is not None:
            for line in rescore.changes(self.run.settings.rescore, self.report, self.records):
                terminalreporter.write_line(line)
        if self.goes_on:
            left, them = ("1 sample is", "it") if self.missing == 1 else (f"{self.missing} samples are", "them")
            terminalreporter.write_line(
                f"{left} not answered: --resume, added to the same command, goes on with {them}"
            )
        terminalreporter.write_line(f"report: {shown_path(self.run.folder / 'summary.md', self.run.settings.folder)}")


def _colour(verdict: dict[str, Any]) -> dict[str, bool]:
    if verdict["verdict"] == "PASS":
        return {"green": True}
    return {"red": True} if verdict["stops"] else {"yellow": True}


def _hit(value: Any) -> bool:
    return isinstance(value, int | float) and value > 0


def _strict_below(task: dict[str, Any]) -> bool:
    """Whether another metric than the main one is short of what that has."""
    values = {name: metric["value"] for name, metric in task["metrics"].items()}
    return task["main"] in values and min(values.values()) < values[task["main"]] == 1


def shown_path(path: Path, folder: Path) -> str:
    """A path relative to the folder in which the command was given, where it lies within."""
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)


def _endpoints(file: Path) -> dict[str, Any]:
    """What became of those that a file of `proctor.reporting.endpoints` tells of, where it tells of any."""
    found = endpoints.entries(endpoints.read(file)[0])
    return {"endpoints": found} if found else {}


def _account(service: object) -> dict[str, Any]:
    """What the run has spent on a model, where others charge for it."""
    account = getattr(service, "account", None)
    spent = {} if account is None else dict(account())
    return {"account": spent} if spent else {}


def _judge_account(report: dict[str, Any]) -> list[str]:
    return [f"judge: {line}" for line in report.get("judge", {}).get("account", {}).get("lines", ())]
