"""Fetching the data of several benchmarks: a plan of what will come, a few at a time, and what came of it."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from proctor.data.fetch import Display, Fetched, Halted, complete, fetch, known_size
from proctor.data.manifest import Source, by_hand
from proctor.errors import SetupError

AT_ONCE = 6
"""Benchmarks that are fetched at a time; proctor.data.download bounds what a host is asked at once."""
GRACE = 2.0
"""Seconds that downloads have to stop after Ctrl-C; what does not is ended with the process."""
HEADS = ("benchmark", "files", "size", "use", "data", "licence")
THERE, BEGUN, FETCHED, FORM, UNPUBLISHED = "there already", "goes on", "to fetch", "by a form", "by --data-dir"
ALONG = "comes along"
COMING = (FETCHED, BEGUN)


@dataclass(frozen=True)
class Planned:
    """A benchmark's place in a plan; `state` is one of the words above."""

    name: str
    source: Source
    state: str

    @property
    def row(self) -> tuple[str, ...]:
        published = self.source.fetch
        files, size = ("", "") if published is None else (str(len(published.pins)), known_size(published))
        return self.name, files, size, self.source.restricted or "", self.state, self.source.licence or "not said"


def plan(known: Mapping[str, Source], names: Iterable[str], root: Path, force: bool) -> list[Planned]:
    """What a fetch of `names` into `root` has to do; nothing is asked, and only sizes are compared."""

    def state(name: str, source: Source) -> str:
        if source.whole:
            return ALONG
        if not source.fetchable:
            return FORM if source.form is not None else UNPUBLISHED
        if not force and complete(source, name, root):
            return THERE
        return BEGUN if any((root / f".{name}.part").glob("*")) else FETCHED

    return [Planned(name, known[name], state(name, known[name])) for name in names]


def told(planned: Sequence[Planned], root: Path) -> list[str]:
    """What stands below the table of a plan."""
    coming = [one for one in planned if one.state in COMING]
    pins = [pin for one in coming if one.source.fetch is not None for pin in one.source.fetch.pins]
    size = sum(pin.size or 0 for pin in pins) / 1e6
    unknown = sum(pin.size is None for pin in pins)
    more = f" and {_count(unknown, 'file')} of unknown size" if unknown else ""
    if hub := sum(one.source.fetch is None for one in coming):
        more += f", {hub} of them from the hub, which tells sizes later"
    lines = [
        f"to fetch: {_count(len(coming), 'benchmark')}, {_count(len(pins), 'file')}, {size:.1f} MB{more}, to {root}"
    ]
    for kind in dict.fromkeys(one.source.restricted for one in planned if one.source.restricted):
        names = ", ".join(one.name for one in planned if one.source.restricted == kind)
        lines.append(f"their licences restrict use ({kind}): {names}")
    wanting = [one for one in planned if one.state not in (*COMING, THERE, ALONG)]
    return lines + [f"{one.name} cannot be fetched: {by_hand(one.source, root / one.name)}" for one in wanting]


@dataclass
class Outcome:
    """What came of a plan."""

    planned: Sequence[Planned]
    fetched: dict[str, Fetched] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def summary(self) -> str:
        """In one line."""
        new = [one for one in self.fetched.values() if one.new]
        parts = [f"fetched {_count(len(new), 'benchmark')}, {sum(one.size for one in new) / 1e6:.1f} MB"]
        if there := len(self.fetched) - len(new):
            parts.append(f"{there} there already")
        if self.failed:
            parts.append(f"{len(self.failed)} failed: {', '.join(sorted(self.failed))}")
        if forms := [one.name for one in self.planned if one.state in (FORM, UNPUBLISHED)]:
            parts.append(f"{len(forms)} not to be fetched: {', '.join(forms)}")
        return "; ".join(parts)


def fetch_all(
    planned: Sequence[Planned],
    root: Path,
    done: Callable[[str, Fetched], str],
    *,
    mirror: str | None = None,
    force: bool = False,
) -> Outcome:
    """Fetch what a plan names, a few at a time; what fails does not stop the others.

    `done` says what is to be told of one that is there. KeyboardInterrupt leaves downloads as they are.
    """
    outcome, board = Outcome(planned), _Board(len(planned))
    todo = deque(one for one in planned if one.source.fetchable)

    def work() -> None:
        while todo and not board.halted.is_set():
            try:
                one = todo.popleft()
            except IndexError:  # another was faster
                return
            try:
                found = fetch(one.source, one.name, root, board.display(one.name), mirror=mirror, force=force)
            except Halted:
                return
            except SetupError as error:
                outcome.failed[one.name] = str(error)
                board.line(f"proctor: {error}", sys.stderr)
            except Exception as error:  # a fault of ours: the others are fetched all the same
                outcome.failed[one.name] = f"{type(error).__name__}: {error}"
                board.line(f"proctor: {one.name}: {type(error).__name__}: {error}", sys.stderr)
            else:
                outcome.fetched[one.name] = found
                if text := done(one.name, found):
                    board.line(text)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(min(AT_ONCE, len(todo)))]
    try:
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            time.sleep(0.05)
    except KeyboardInterrupt:
        board.halted.set()
        until = time.monotonic() + GRACE
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))
        raise
    finally:
        board.clear()
    return outcome


class _Board:
    """Lines of several fetches, whole ones, and on a terminal one below them that is rewritten: how far each is."""

    def __init__(self, count: int) -> None:
        self.halted = threading.Event()
        self._lock = threading.Lock()
        self._watched = sys.stdout.isatty()
        self._brief = count > 1
        self._live: dict[str, str] = {}

    def display(self, name: str) -> Display:
        return Display(
            self.line,
            (lambda text: self._note(name, text)) if self._watched else None,
            brief=self._brief,
            halted=self.halted.is_set,
        )

    def line(self, text: str, stream: TextIO | None = None) -> None:
        with self._lock:
            if self.halted.is_set():
                return
            self._write("")
            print(text, file=stream or sys.stdout, flush=True)
            self._redraw()

    def _note(self, name: str, text: str) -> None:
        with self._lock:
            if text == "\n":
                self._live.pop(name, None)
            else:
                self._live[name] = text
            if not self.halted.is_set():
                self._redraw()

    def clear(self) -> None:
        with self._lock:
            self._write("")

    def _redraw(self) -> None:
        if self._live:
            self._write("  |  ".join(self._live.values())[: shutil.get_terminal_size().columns - 1])

    def _write(self, text: str) -> None:
        if self._watched:
            print(f"\r{text}\x1b[K", end="", flush=True)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
