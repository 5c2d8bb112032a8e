"""Asking ahead: order, window, errors, and the end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from proctor.errors import AskError, ServiceError
from proctor.session.lookahead import Asker, LookAhead, contiguous


@asynccontextmanager
async def connected() -> Any:
    yield "the model"


@pytest.fixture
def asker() -> Iterator[Asker]:
    asker = Asker(connected)
    yield asker
    asker.close()


def counting(begun: list[int]) -> Callable[[int], Callable[[Any], Awaitable[int]]]:
    """Question i notes that it has begun and is answered by i."""

    def question(index: int) -> Callable[[Any], Awaitable[int]]:
        async def ask(model: Any) -> int:
            begun.append(index)
            return index

        return ask

    return question


def settle(asker: Asker) -> None:
    """Wait until the loop has done what it had to do."""

    async def pause(model: Any) -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    asker.submit(pause).result()


def used(answers: LookAhead[int], index: int) -> int:
    answer = answers.take(index)
    answers.settle(index)
    return answer


@pytest.mark.parametrize("window", [1, 3, 100])
def test_answers_come_in_order_and_questions_begin_in_order(asker: Asker, window: int):
    begun: list[int] = []
    answers = LookAhead(asker, 20, counting(begun), window)
    assert [used(answers, index) for index in range(20)] == list(range(20))
    assert begun == list(range(20))


def test_no_more_than_the_window_is_asked_ahead(asker: Asker):
    begun: list[int] = []
    answers = LookAhead(asker, 20, counting(begun), 4)
    for taken in range(20):
        settle(asker)
        assert len(begun) == min(20, taken + 4)
        used(answers, taken)


def test_what_is_answered_and_not_settled_is_known_when_asking_stops(asker: Asker):
    begun: list[int] = []
    answers = LookAhead(asker, 20, counting(begun), 4)
    used(answers, 0)
    settle(asker)
    answers.take(1)  # and whoever took it was interrupted before it was of any use
    assert answers.stop() == [1, 2, 3, 4]
    assert answers.take(1) == 1
    settle(asker)
    assert begun == [0, 1, 2, 3, 4]


def test_an_answer_taken_out_of_turn_is_asked_for_at_once(asker: Asker):
    begun: list[int] = []
    answers = LookAhead(asker, 20, counting(begun), 2)
    assert answers.take(15) == 15
    assert answers.take(0) == 0
    assert set(begun) <= {0, 1, 2, 15}


def test_no_questions_are_no_work(asker: Asker):
    begun: list[int] = []
    LookAhead(asker, 0, counting(begun), 8)
    settle(asker)
    assert begun == []


def test_what_an_ask_raises_is_raised_where_its_answer_is_taken(asker: Asker):
    def question(index: int) -> Callable[[Any], Awaitable[int]]:
        async def ask(model: Any) -> int:
            if index == 1:
                raise AskError("timeout", "too late")
            return index

        return ask

    answers = LookAhead(asker, 3, question, 3)
    assert answers.take(0) == 0
    with pytest.raises(AskError, match="too late"):
        answers.take(1)
    assert answers.take(2) == 2


def test_an_ask_that_raises_a_timeout_of_its_own_is_no_waiting(asker: Asker):
    async def ask(model: Any) -> int:
        raise TimeoutError("of the ask")

    answers: LookAhead[int] = LookAhead(asker, 1, lambda index: ask, 1)
    with pytest.raises(TimeoutError, match="of the ask"):
        answers.take(0)


def test_a_question_that_cannot_be_made_is_raised_and_holds_up_nobody(asker: Asker):
    def question(index: int) -> Callable[[Any], Awaitable[int]]:
        if index == 1:
            raise ValueError("no such row")
        return counting([])(index)

    answers = LookAhead(asker, 3, question, 2)
    assert answers.take(0) == 0
    with pytest.raises(ValueError, match="no such row"):
        answers.take(1)
    assert answers.take(2) == 2


def test_waiting_is_told_meanwhile(asker: Asker):
    ready = threading.Event()

    async def ask(model: Any) -> str:
        while not ready.is_set():
            await asyncio.sleep(0.001)
        return "done"

    answers: LookAhead[str] = LookAhead(asker, 1, lambda index: ask, 1)
    assert answers.take(0, waiting=ready.set, interval=0.01) == "done"


def test_closing_cancels_what_is_under_way(asker: Asker):
    ended: list[str] = []

    async def ask(model: Any) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")

    futures = [asker.submit(ask) for _ in range(3)]
    settle(asker)
    asker.close()
    assert ended == ["cancelled"] * 3
    assert all(future.cancelled() for future in futures)
    asker.close()


def test_closing_leaves_the_model_and_ends_the_thread():
    left: list[str] = []

    @asynccontextmanager
    async def connect() -> Any:
        yield "the model"
        left.append("left")

    asker = Asker(connect)
    asker.close()
    assert left == ["left"]
    assert not asker.alive


def test_a_connection_that_fails_is_raised_where_it_is_asked_for():
    @asynccontextmanager
    async def connect() -> Any:
        raise ServiceError("nobody there")
        yield

    with pytest.raises(ServiceError, match="nobody there"):
        Asker(connect)


@given(st.lists(st.integers()), st.integers(1, 20))
def test_blocks_are_contiguous_complete_and_even(indices: list[int], parts: int):
    blocks = contiguous(indices, parts)
    assert [index for block in blocks for index in block] == indices
    assert len(blocks) == parts
    lengths = [len(block) for block in blocks]
    assert max(lengths) - min(lengths) <= 1
    assert lengths == sorted(lengths, reverse=True)
