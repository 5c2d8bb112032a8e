"""What a person sees: a live line while samples are scored, and the table at the end."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pytest

from proctor.reporting import aggregate
from proctor.reporting.reports import interval, score

if TYPE_CHECKING:
    from proctor.data.fetch import Display

LIVE_EVERY = 0.1
PLAIN_EVERY = 10.0


class Progress:
    """Counts samples as they are scored, and says so: on a terminal in one rewritten line, else now and then."""

    def __init__(
        self, reporter: Any, tasks: Sequence[Mapping[str, Any]], state: Callable[[], str] = lambda: ""
    ) -> None:
        """`state`: what a person who waits should know of the requests now."""
        self._reporter = reporter
        self._state = state
        self._live = bool(reporter.isatty) and reporter.verbosity == 0
        self._shown = reporter.verbosity == 0
        self._every = LIVE_EVERY if self._live else PLAIN_EVERY
        self._total = sum(task["selected"] for task in tasks)
        self._mains = {aggregate.key(task): task["main"] for task in tasks}
        self._sums: dict[tuple[str, str], list[float]] = {}
        self._errors = 0
        self._done = 0
        self._current: tuple[str, str] | None = None
        self._started = time.monotonic()
        self._last = self._started
        self._dirty = False

    def add(self, record: Mapping[str, Any]) -> None:
        """Count one sample."""
        self._done += 1
        self._current = aggregate.key(record)
        if record["outcome"] == "error":
            self._errors += 1
        elif isinstance(value := record["scores"][self._mains[self._current]], int | float):
            sums = self._sums.setdefault(self._current, [0.0, 0.0])
            sums[0] += value
            sums[1] += 1
        self.tick()

    def tick(self) -> None:
        """Show the line if it is time to."""
        now = time.monotonic()
        if not self._shown or now - self._last < self._every:
            return
        self._last = now
        if self._live:
            width = self._reporter._tw.fullwidth - 1
            self._reporter.write("\r" + self.line(now, width).ljust(width), flush=True)
            self._dirty = True
        else:
            self._reporter.write_line(self.line(now), flush=True)

    def clear(self) -> None:
        """Take the live line away, before something else is written."""
        if self._dirty:
            self._reporter.write("\r" + " " * (self._reporter._tw.fullwidth - 1) + "\r", flush=True)
            self._dirty = False

    def line(self, now: float, width: int = 1000) -> str:
        """`gsm8k gen  512/1119  score 38.2  0:13 left  45.1 samples/s`; the ends are left out where it is too long."""
        elapsed = max(now - self._started, 1e-6)
        rate = self._done / elapsed
        name, score = "", ""
        if self._current is not None:
            name = " ".join(self._current)
            total, count = self._sums.get(self._current, (0.0, 0.0))
            score = f"score {100 * total / count:.1f}" if count else ""
        left = round((self._total - self._done) / rate) if rate else 0
        errors = f"{self._errors} errors" if self._errors else ""
        parts = [
            f"{self._done}/{self._total}",
            score,
            errors,
            self._state(),
            f"{left // 60}:{left % 60:02} left" if rate else "",
        ]
        whole = [name, *parts, f"{rate:.1f} samples/s"]
        # What can be spared first: the name, then the rate.
        for shown in (whole, whole[1:], parts):
            text = "  ".join(filter(None, shown))
            if len(text) <= width:
                return text
        return text[:width]


def write_table(reporter: Any, report: Mapping[str, Any]) -> None:
    """The table of scores, with groups on axes of at most eight and what must be known beside them."""
    tasks = report["tasks"]
    rows: list[tuple[str, str, str, str, str, str]] = []
    for task in tasks:
        names = sorted(task["metrics"], key=lambda name: name != task["main"]) or [task["main"]]
        for name in names:
            said = "; ".join(aggregate.remarks(task)) if name == names[0] else ""
            title = f"{task['task']} {task['variant']}" if name == names[0] else ""
            rows.append((title, name, *_numbers(task["metrics"].get(name)), said))
        for name, entry in task.get("over_epochs", {}).get("scores", {}).items():
            rows.append(("", f"{name} of {task['epochs']}", *_numbers(entry), ""))
        for axis, groups in task["groups"].items():
            if len(groups) <= 8:
                rows += [
                    (f"  {group.replace('_', ' ')}", task["main"], *_numbers(metrics.get(task["main"])), axis)
                    for group, metrics in groups.items()
                ]
    heads = ("task", "metric", "score", "95 % interval", "n", "")
    widths = [max(len(row[column]) for row in (heads, *rows)) for column in range(6)]
    for row in (heads, *rows):
        reporter.write_line(_aligned(row, widths).rstrip(), bold=row is heads)


def _numbers(entry: Mapping[str, Any] | None) -> tuple[str, str, str]:
    return ("–", "–", "0") if entry is None else (score(entry), interval(entry), str(entry["n"]))


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    left, right = str.ljust, str.rjust
    return "  ".join(
        place(text, width)
        for place, text, width in zip((left, left, right, right, right, left), row, widths, strict=True)
    )


def reporter_of(config: pytest.Config) -> Any:
    """pytest's terminal reporter, or under `-p no:terminal` one that says nothing."""
    return config.pluginmanager.getplugin("terminalreporter") or Silent()


def fetch_display(config: pytest.Config) -> Display:
    """Where a fetch is watched in a run: the terminal; in an xdist worker, which has none, the lines on stderr."""
    from proctor.data.fetch import Display

    capturing = config.pluginmanager.getplugin("capturemanager")

    def uncaptured() -> contextlib.AbstractContextManager[None]:
        # Modules are collected, and their output is taken for theirs.
        return capturing.global_and_fixture_disabled() if capturing else contextlib.nullcontext()

    def line(text: str) -> None:
        with uncaptured():
            if worker:
                print(f"proctor: {text}", file=sys.stderr, flush=True)
            else:
                reporter.write_line(f"proctor: {text}", flush=True)

    def live(text: str) -> None:
        width = reporter._tw.fullwidth - 1
        with uncaptured():
            reporter.write(text if text == "\n" else "\r" + text[:width].ljust(width), flush=True)

    worker, reporter = hasattr(config, "workerinput"), reporter_of(config)
    watched = not worker and bool(reporter.isatty) and reporter.verbosity == 0
    if watched:
        live("\n")  # behind pytest's own "collecting ..."
    return Display(line, live if watched else None, waiting=not worker)


class Silent:
    """What is used of a terminal reporter, without a terminal."""

    isatty = False
    verbosity = -1

    def write_line(self, line: str, **markup: bool) -> None:
        """Say nothing."""

    def section(self, title: str, **markup: Any) -> None:
        """Say nothing."""
