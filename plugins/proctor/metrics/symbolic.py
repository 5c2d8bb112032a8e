"""Questions to a process that does symbolic algebra, under a limit that holds wherever it is asked.

A signal reaches only a process's main thread, and no exception interrupts a library inside C. So the algebra runs in a
process of its own, kept warm, that an alarm ends where it takes too long; the next question starts another.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import select
import subprocess
import sys
import threading
import time
from pathlib import Path

START_LIMIT = 60.0
"""Seconds for the process to start, which is no part of a question's limit."""

SLACK = 0.5
"""Seconds beyond the limit after which the process is ended from outside, should its own alarm fail."""

_CHILD = Path(__file__).with_name("symbolic_child.py")


class _Child:
    """One process; it answers one question at a time."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        # -P: the package's own folder is not where the process shall look for modules (it has a code.py).
        self.process = subprocess.Popen(
            [sys.executable, "-P", str(_CHILD)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # an interrupt from the keyboard is the parent's
        )
        begin = time.monotonic()
        if self._line(START_LIMIT) != b"ready\n":
            # Output that ends at once is that of a process that ends, though it may not have ended yet.
            late = time.monotonic() - begin >= START_LIMIT
            self.end()
            if late:
                raise TimeoutError(f"math-verify did not start within {START_LIMIT:g} seconds")
            raise ImportError("math-verify does not start: pip install math-verify")

    def ask(self, question: tuple[object, ...], limit: float) -> bool | None:
        """The verdict; None where there was none in time, and then the process has ended."""
        assert self.process.stdin
        with contextlib.suppress(BrokenPipeError, ValueError):
            self.process.stdin.write(json.dumps([*question, limit]).encode() + b"\n")
            self.process.stdin.flush()
            line = self._line(limit + SLACK)
            if line:
                return bool(json.loads(line))
        self.end()
        return None

    def _line(self, limit: float) -> bytes:
        """What it writes next, to the end of the line; what there is of it where the limit or the output ends."""
        assert self.process.stdout
        line, until = b"", time.monotonic() + limit
        while not line.endswith(b"\n"):
            ready, _, _ = select.select([self.process.stdout], [], [], max(0.0, until - time.monotonic()))
            piece = os.read(self.process.stdout.fileno(), 4096) if ready else b""
            if not piece:
                return b""
            line += piece
        return line

    def end(self) -> None:
        """Ends the process and closes its pipes. A fork's copy only closes the pipes: the process is its parent's."""
        assert self.process.stdin
        assert self.process.stdout
        for pipe in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):
                pipe.close()
        if self.owner == os.getpid():
            self.process.kill()
            self.process.wait()


_idle: list[_Child] = []
_lock = threading.Lock()


def ask(question: tuple[object, ...], limit: float) -> bool | None:
    """What the process says: True or False; None where it found no verdict within `limit` seconds.

    Threads that ask at once have a process each. Raises ImportError where math-verify is missing, TimeoutError
    where it does not start: neither is an answer's fault.
    """
    child = None
    with _lock:
        while _idle and child is None:
            child = _idle.pop()
            if child.owner != os.getpid() or child.process.poll() is not None:
                child.end()
                child = None
    child = child or _Child()
    try:
        verdict = child.ask(question, limit)
    except BaseException:  # a half-read answer would be taken for the next question's
        child.end()
        raise
    if verdict is not None:
        with _lock:
            _idle.append(child)
    return verdict


@atexit.register
def _end_all() -> None:
    with _lock:
        while _idle:
            _idle.pop().end()
