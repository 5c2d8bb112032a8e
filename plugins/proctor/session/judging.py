"""Judging: runs a sample's test function on its output, and reports it to pytest as the test it is.

This is pytest's run protocol with what a sample does not need left out: there is no setup, and the
teardown report only says that the sample is done.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from _pytest.skipping import evaluate_skip_marks, evaluate_xfail_marks

from proctor.errors import AskError, PromptError, StopAsking
from proctor.judge.asks import Judge, Keeping, unjudged
from proctor.judge.opinions import UnjudgedOutput
from proctor.model import Output, Sandbox, Usage
from proctor.reporting.answers import Answers
from proctor.reporting.journal import Journal
from proctor.reporting.records import Record, Score, falls_short, prompt_sha256, record, travelling
from proctor.session.collect import SampleItem
from proctor.session.lookahead import Asker, LookAhead, Question


@dataclass(frozen=True)
class Beside:
    """What some asks take beside the model. `judge` gives the connected judge model, None where there is none.

    `anew`: opinions that another run stored are asked for again.
    """

    sandbox: Sandbox | None = None
    judge: Callable[[], Judge | None] = lambda: None
    anew: bool = False


def question(item: SampleItem, answers: Answers, beside: Beside) -> Question[tuple[str, Any]]:
    """The ask of one sample: a coroutine function of the model that brings (prompt, output).

    What an earlier attempt was answered is not asked again; what comes back is on disk before it is judged.
    """
    loaded, sample = item.loaded, item.sample

    def keep(sha256: str, output: Any) -> None:
        if answers.write(item.key, sha256, output):
            # With those that come in the same turn of the loop; and before it is judged, in any case.
            asyncio.get_running_loop().call_soon(answers.flush)

    async def ask(model: Any) -> tuple[str, Any]:
        prompt = loaded.render(item.index)
        sha256 = prompt_sha256(prompt)
        found = answers.find(item.key, sha256)
        anew = beside.anew and answers.are_anothers(item.key)
        if found is not None and not (loaded.ask.takes_judge and (anew or isinstance(found, UnjudgedOutput))):
            return prompt, found
        about = loaded.model(model, sample)
        if loaded.ask.takes_judge:
            output = await _judged_by(item, prompt, about, found, beside, lambda output: keep(sha256, output))
        else:
            output = await loaded.ask(sample, prompt, about, sample_seed(item), beside.sandbox)
        keep(sha256, output)
        return prompt, output

    return ask


async def _judged_by(
    item: SampleItem, prompt: str, model: Any, found: Any, beside: Beside, keep: Callable[[Any], None]
) -> Any:
    """The ask of a sample that a judge model takes part in; an AskError carries what the model had written."""
    judge = beside.judge()
    stored = found if isinstance(found, Output) else None
    if stored is not None and beside.anew:
        stored = unjudged(stored)  # by whatever parameters: those of that run are not this one's
    writer = Keeping(model, prompt, stored, keep)
    try:
        if judge is None:
            raise AskError(
                "judge_missing", "no opinion of this sample is stored; --judge=NAME asks for one", attempts=0
            )
        about = judge.about(item.sample, item.loaded.dataset.samples)
        return await item.loaded.ask(item.sample, prompt, writer, sample_seed(item), beside.sandbox, about)
    except AskError as error:
        error.output = writer.kept
        raise


def sample_seed(item: SampleItem) -> int:
    """A seed in 0…2³¹-1 from the run's seed, the task, the sample and the epoch alone; more epochs change none."""
    import hashlib

    text = f"{item.loaded.seed}\x00{item.loaded.task.name}\x00{item.sample.id}"
    if item.epoch:
        text += f"\x00{item.epoch}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4]) >> 1


class Judging:
    """Plugin of the process that asks and judges: the only one, or an xdist worker.

    places: where each item of this process stands in the collected list.
    """

    def __init__(
        self,
        asker: Asker,
        items: list[tuple[int, SampleItem]],
        window: int,
        answers: Answers,
        journal: Journal,
        strict: bool,
        waiting: Callable[[], None],
        beside: Beside,
    ) -> None:
        self._asked = [item for _, item in items if skip_reason(item) is None]
        self._turn = {item: turn for turn, item in enumerate(self._asked)}
        self._place = {item: place for place, item in items}
        self._kept = answers
        self._journal = journal
        self._strict = strict
        self._waiting = waiting
        self._answers: LookAhead[tuple[str, Any]] = LookAhead(
            asker,
            len(self._asked),
            lambda turn: question(self._asked[turn], answers, beside),
            window,
        )

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
        if not isinstance(item, SampleItem):
            return None
        try:
            self._tell(item, nextitem)
        except StopAsking as stopped:
            # xdist's worker may tell of no other item than this: the controller reads of the others in the journal.
            judge = self._settled if hasattr(item.config, "workerinput") else self._tell
            for turn in self._answers.settle_what_is_under_way(self._waiting):
                judge(self._asked[turn])
            item.session.shouldstop = f"{stopped.kind}: {stopped}"
        return True

    def _tell(self, item: SampleItem, nextitem: pytest.Item | None = None) -> None:
        report = self._settled(item)
        item.ihook.pytest_runtest_logreport(report=report)
        item.ihook.pytest_runtest_logreport(report=_teardown(item, nextitem, report.user_properties))

    def judge_what_is_answered(self) -> None:
        """After an interruption: judge the samples whose answers have come, and stop asking for the others."""
        for turn in self._answers.stop():
            self.pytest_runtest_protocol(self._asked[turn], None)

    def keep_what_is_answered(self) -> None:
        """The same where nobody listens any more: the records are in the journal, and pytest is told nothing."""
        for turn in self._answers.stop():
            self._settled(self._asked[turn])

    def _settled(self, item: SampleItem) -> pytest.TestReport:
        """Judge a sample and write its record down."""
        report, line = self._report(item)
        if item in self._turn:
            # Not before: who is interrupted while judging a sample judges it again.
            self._answers.settle(self._turn[item])
        if line is not None:
            self._journal.write(self._place[item], line)
            report.proctor = {**travelling(line, item.loaded.epochs), "place": self._place[item]}  # type: ignore[attr-defined]
            report.user_properties += [(name, value) for name, value in line["scores"].items()]
            report.user_properties += [(flag, True) for flag in line["flags"]]
        return report

    def _report(self, item: SampleItem) -> tuple[pytest.TestReport, Record | None]:
        """What happened to a sample, and its record; none where it was skipped."""
        reason = skip_reason(item)
        if reason is not None:
            report = _make_report(item, pytest.CallInfo.from_call(lambda: None, "setup"))
            report.outcome, report.longrepr = (
                "skipped",
                (str(item.path), item.reportinfo()[1] + 1, f"Skipped: {reason}"),
            )
            return report, None
        started = time.time()
        try:
            prompt, output = self._answers.take(self._turn[item], self._waiting)
        except pytest.fail.Exception as error:
            # A plugin's time limit (pytest-timeout, by a mark of the test's own) fired while waiting.
            return self._failed(item, "timeout", str(error), started)
        except StopAsking:
            raise  # it is not answered, and no error of its own
        except (AskError, PromptError) as error:
            kind = error.kind if isinstance(error, AskError) else "prompt"
            attempts, output = (error.attempts, error.output) if isinstance(error, AskError) else (0, None)
            usage = Usage(attempts > 0, max(0, attempts - 1)) if output is None else output.usage
            return self._failed(item, kind, str(error), started, usage=usage, output=output)
        except Exception as error:
            return self._failed(item, "ask", f"{type(error).__name__}: {error}", started, error)
        self._kept.flush()
        return self._judged(item, prompt, output, started)

    def _failed(
        self,
        item: SampleItem,
        kind: str,
        message: str,
        started: float,
        error: Exception | None = None,
        usage: Usage | None = None,
        output: Any = None,
    ) -> tuple[pytest.TestReport, Record]:
        """An ask failed: an error in pytest's sense, like a fixture that could not be set up."""

        def again() -> None:
            if error is not None:
                raise error

        report = _make_report(item, pytest.CallInfo.from_call(again, "setup"))
        _span(report, started)
        if error is None:
            report.outcome, report.longrepr = "failed", f"{kind}: {message}"
        line = self._record(item, prompt=_rendered(item), output=output, error=(kind, message), usage=usage)
        return report, line

    def _judged(
        self, item: SampleItem, prompt: str, output: Any, started: float
    ) -> tuple[pytest.TestReport, Record | None]:
        score = Score(item.loaded.task.main, item.loaded.benchmark.aggregates)
        stops = (pytest.exit.Exception, KeyboardInterrupt)
        call = pytest.CallInfo.from_call(lambda: _judge(item, output, score), "call", reraise=stops)
        report = _make_report(item, call)
        _span(report, started)
        if report.skipped:
            return report, None
        error = None
        if call.excinfo is not None:
            error = ("judge", f"{call.excinfo.type.__name__}: {call.excinfo.value}")
            score.metrics = None
        line = self._record(item, prompt=prompt, output=output, score=score, error=error)
        if self._strict and error is None and is_wrong(line, item.loaded.task.main):
            report.outcome, report.longrepr = "failed", _wrong_message(item, line)
        _expect_failure(item, report)
        return report, line

    def _record(self, item: SampleItem, **known: Any) -> Record:
        loaded = item.loaded
        return record(task=loaded.benchmark.name, variant=loaded.variant, sample=item.sample, epoch=item.epoch, **known)


def skip_reason(item: SampleItem) -> str | None:
    """Why a sample is skipped by a `skip` or `skipif` mark; None where it is not."""
    if not any(mark.name in ("skip", "skipif") for mark in item.iter_markers()):
        return None
    skipped = evaluate_skip_marks(item)
    return None if skipped is None else skipped.reason


def _expect_failure(item: SampleItem, report: pytest.TestReport) -> None:
    """Apply an `xfail` mark to a judged sample, as pytest does to a test."""
    expected = evaluate_xfail_marks(item) if any(mark.name == "xfail" for mark in item.iter_markers()) else None
    if expected is None:
        return
    if report.failed:
        report.outcome = "skipped"
    elif expected.strict:
        report.outcome, report.longrepr = "failed", f"[XPASS(strict)] {expected.reason}"
        return
    report.wasxfail = expected.reason


def is_wrong(line: Record, main: str) -> bool:
    """Whether a scored sample is short of full marks in the main metric; never where that is no number by sample."""
    return line["outcome"] == "scored" and falls_short(line["scores"][main])


def _judge(item: SampleItem, output: Any, score: Score) -> None:
    item.obj(item.sample, output, score)
    if score.metrics is None:
        pytest.fail(f"{item.obj.__name__} did not call score(answer, **metrics)", pytrace=False)


def _rendered(item: SampleItem) -> str | None:
    try:
        return item.loaded.render(item.index)
    except PromptError:
        return None


def _make_report(item: SampleItem, call: pytest.CallInfo[None]) -> pytest.TestReport:
    # Not by the hook: a plugin that wraps it (pytest-rerunfailures) counts on what its own run protocol left behind.
    return pytest.TestReport.from_item_and_call(item, call)


def _span(report: pytest.TestReport, started: float) -> None:
    """Make a report's duration that of waiting and judging together."""
    report.start, report.duration = started, max(0.0, report.stop - started)


def _teardown(
    item: SampleItem, nextitem: pytest.Item | None, properties: list[tuple[str, object]]
) -> pytest.TestReport:
    state = item.session._setupstate
    if state.stack:
        # Fixtures of ordinary tests before this sample end here, where no test after it needs them.
        report = _make_report(item, pytest.CallInfo.from_call(lambda: state.teardown_exact(nextitem), "teardown"))
        report.user_properties = properties
        return report
    now = time.time()
    return pytest.TestReport(item.nodeid, item.location, {}, "passed", None, "teardown", (), 0.0, now, now, properties)


def _wrong_message(item: SampleItem, line: Record) -> str:
    extracted = "nothing could be extracted" if line["extracted"] is None else repr(line["extracted"])
    rows = [f"wrong: {extracted}, right: {line['target']!r}", f"question: {' '.join(item.sample.question.split())}"]
    if line.get("outputs"):
        rows.append(f"output: {line['outputs'][0]['text']!r}")
    return "\n".join(rows)
