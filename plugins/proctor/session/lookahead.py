"""Asking ahead: answers are fetched on an event loop in a thread while pytest judges.

`Asker` owns the loop and the model. `LookAhead` feeds it asks in item order, never more than a window
of them not yet taken, so that the server stays busy and neither memory nor the server's queue grows.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager
from typing import Any, Generic, TypeVar

from proctor.errors import AskError
from proctor.model import Model

T = TypeVar("T")
Question = Callable[[Model], Awaitable[T]]

WINDOW = 8
"""Asks under way or waiting to be judged, in multiples of the concurrency."""


AT_ONCE = 8
"""Asks begun without a pause: each renders a prompt, and a window of them would keep the server waiting."""


class Asker:
    """An event loop in a thread, with a connected model.

    connect: makes the context manager that yields the model, inside the loop.
    """

    def __init__(self, connect: Callable[[], AbstractAsyncContextManager[Model]]) -> None:
        self._connect = connect
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._model: Model | None = None
        self._ready: Future[None] = Future()
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._run, name="proctor-asker", daemon=True)
        self._thread.start()
        self._ready.result()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        try:
            async with self._connect() as model:
                self._model = model
                self._ready.set_result(None)
                await self._stop.wait()
                for task in self._tasks:
                    task.cancel()
                await asyncio.gather(*self._tasks, return_exceptions=True)
        except BaseException as error:
            if self._ready.done():
                raise
            self._ready.set_exception(error)

    def submit(self, question: Question[T]) -> Future[T]:
        """Ask now; the future gets the answer or what went wrong."""
        future: Future[T] = Future()
        self.call(lambda: self.begin(question, future))
        return future

    def call(self, function: Callable[[], Any]) -> None:
        """Run a function in the loop's thread."""
        self._loop.call_soon_threadsafe(function)

    def begin(self, question: Question[T], future: Future[T]) -> None:
        """Start an ask; for callers that are in the loop's thread already."""
        task = self._loop.create_task(self._answer(question, future))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, question: Question[T], future: Future[T]) -> None:
        assert self._model is not None
        try:
            answer = await question(self._model)
        except asyncio.CancelledError:
            future.cancel()
            raise
        except Exception as error:
            future.set_exception(error)
        except BaseException as error:
            # pytest.skip(), SystemExit: said in the loop's thread, they would end it and leave others waiting.
            future.set_exception(AskError("ask", f"{type(error).__name__}: {error}"))
        else:
            future.set_result(answer)

    @property
    def alive(self) -> bool:
        """Whether answers can still come."""
        return self._thread.is_alive()

    def close(self) -> None:
        """Cancel what is under way and end the thread."""
        if self._thread.is_alive():
            self.call(self._stop.set)
            self._thread.join()


class LookAhead(Generic[T]):
    """Answers to a sequence of questions, fetched in order and ahead of need.

    `take(i)` waits for the i-th answer, `settle(i)` makes room for another ask. Questions are made late, in the
    loop's thread, by `question(i)`.
    """

    def __init__(self, asker: Asker, count: int, question: Callable[[int], Question[T]], window: int) -> None:
        self._asker = asker
        self._question = question
        self._count = count
        self._next = 0
        self._planned = min(window, count)
        self._room = 0
        self._step = max(1, min(AT_ONCE, window // 16))
        self._futures: dict[int, Future[T]] = {i: Future() for i in range(self._planned)}
        first = self._planned
        asker.call(lambda: self._begin(first))

    def _begin(self, stop: int) -> None:
        """Begin asks up to `stop`, a few at a time: between them, the loop sends what was asked."""
        few = min(stop, self._next + AT_ONCE)
        if few < stop:
            self._asker.call(lambda: self._begin(stop))
        while self._next < few:
            index = self._next
            self._next += 1
            try:
                self._asker.begin(self._question(index), self._futures[index])
            except Exception as error:
                # Nobody but who waits for this answer would hear of it.
                self._futures[index].set_exception(error)

    def take(self, index: int, waiting: Callable[[], None] | None = None, interval: float = 0.2) -> T:
        """The answer to question `index`; it counts as not yet taken until `settle(index)` is called.

        `waiting` is called every `interval` seconds meanwhile. Raises what the ask raised.
        """
        future = self._futures.get(index)
        if future is None:
            # Asked for without going ahead.
            future = self._asker.submit(self._question(index))
        for _ in _until_done(future, interval):
            if not self._asker.alive:
                raise AskError("ask", "the thread that asks has ended")
            if waiting is not None:
                waiting()
        return future.result()

    def settle(self, index: int) -> None:
        """Forget an answer that has been used, and make room for another ask."""
        if self._futures.pop(index, None) is not None:
            self._make_room()

    def settle_what_is_under_way(self, waiting: Callable[[], None] | None = None, interval: float = 0.2) -> list[int]:
        """Wait for all asks that are begun, where no other can be; those that are answered, in order."""
        self._count = self._planned
        for future in list(self._futures.values()):
            for _ in _until_done(future, interval):
                if not self._asker.alive:
                    break
                if waiting is not None:
                    waiting()
        return self.stop()

    def stop(self) -> list[int]:
        """Ask nothing more; the questions that are answered and not settled, in order."""
        self._count = self._planned
        self._next = self._planned  # what was planned and not begun never will be
        if self._asker.alive:
            # An answer that the loop has just written down is handed over within the same step of it.
            passed = threading.Event()
            self._asker.call(passed.set)
            passed.wait(1)
        return [index for index, future in sorted(self._futures.items()) if _has_answer(future)]

    def _make_room(self) -> None:
        """Plan more asks, several at a time: waking the loop for each takes as long as judging a sample."""
        self._room += 1
        stop = min(self._planned + self._room, self._count)
        if self._room < self._step and stop < self._count:
            return
        self._room = 0
        if stop > self._planned:
            self._futures |= {index: Future() for index in range(self._planned, stop)}
            self._planned = stop
            self._asker.call(lambda: self._begin(stop))


def _has_answer(future: Future[Any]) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None


def _until_done(future: Future[Any], interval: float) -> Iterator[None]:
    while not future.done():
        try:
            future.exception(timeout=interval)
        except TimeoutError:
            yield
        except Exception:
            return


def contiguous(indices: Sequence[int], parts: int) -> list[list[int]]:
    """Split a sequence into `parts` contiguous blocks whose lengths differ by one at most."""
    size, larger = divmod(len(indices), parts)
    blocks, start = [], 0
    for part in range(parts):
        stop = start + size + (part < larger)
        blocks.append(list(indices[start:stop]))
        start = stop
    return blocks
