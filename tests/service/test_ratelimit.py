"""Limits: what headers say, how many requests go at once, and who goes first."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from proctor_service.hosted.ratelimit import FIRST, Allowance, Pace
from proctor_service.waits import retry_after, seconds


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("6m0s", 360.0),
        ("1s", 1.0),
        ("120ms", 0.12),
        ("2m59.56s", 179.56),
        ("1h2m3s", 3723.0),
        ("7.66s", 7.66),
        ("12", 12.0),
        ("0", 0.0),
        ("-3", None),
        ("soon", None),
        ("6m soon", None),
        ("", None),
        ("nan", None),
        (None, None),
    ],
)
def test_durations_of_headers(text: str | None, expected: float | None):
    assert seconds(text) == pytest.approx(expected)


def test_retry_after_is_a_number_or_a_date():
    assert retry_after({"retry-after": "3"}) == 3
    assert retry_after({"retry-after-ms": "250", "retry-after": "3"}) == 0.25
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=30))
    wait = retry_after({"retry-after": date})
    assert wait is not None
    assert 25 < wait <= 30
    assert retry_after({"retry-after": "tomorrow"}) is None
    assert retry_after({}) is None


@given(
    left=st.floats(-100, 1000), most=st.floats(0, 1000), reset=st.floats(0, 1000), needed=st.floats(0, 2000),
    passed=st.floats(0, 1000),
)  # fmt: skip
def test_no_wait_is_longer_than_until_all_is_back(left: float, most: float, reset: float, needed: float, passed: float):
    allowance = Allowance(left, most, reset, seen=50.0)
    wait = allowance.wait(needed, 50.0 + passed)
    assert 0 <= wait <= max(0.0, reset - passed) + 1e-6
    if min(needed, most) <= left:
        assert wait == 0


def test_what_is_left_comes_back_evenly():
    allowance = Allowance(left=0.0, most=60.0, reset=60.0, seen=0.0)
    assert allowance.wait(1.0, now=0.0) == pytest.approx(1.0)
    assert allowance.wait(30.0, now=0.0) == pytest.approx(30.0)
    assert allowance.wait(1.0, now=5.0) == 0.0
    assert Allowance(5.0, 60.0, 55.0, 0.0).wait(1000.0, 0.0) == pytest.approx(55.0)


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_window_grows_by_one_an_answer_and_is_halved_once_a_round():
    clock = Clock()
    pace = Pace(64, clock)
    assert pace.limit == FIRST
    for _ in range(12):
        pace.answered({})
    assert pace.limit == FIRST + 12
    sent = clock.now
    clock.now += 1
    for _ in range(5):  # all of them were under way together
        pace.refused({}, sent, 0.0)
    assert pace.limit == (FIRST + 12) / 2
    pace.answered({})
    assert pace.limit == pytest.approx(10 + 1 / 10)
    clock.now += 1
    for _ in range(20):
        pace.refused({}, clock.now, 0.0)
        clock.now += 1
    assert pace.limit == 1.0
    assert pace.refusals == 25


def test_the_window_never_passes_what_is_allowed():
    pace = Pace(3)
    for _ in range(50):
        pace.answered({})
    assert pace.limit == 3.0


def run(scene: Callable[[Pace], object], most: int = 1) -> None:
    async def within() -> None:
        await scene(Pace(most))  # type: ignore[misc]

    asyncio.run(asyncio.wait_for(within(), 20))


def test_earlier_tickets_go_first():
    async def scene(pace: Pace) -> None:
        order: list[int] = []

        async def ask(ticket: int) -> None:
            async with pace.place(ticket, 1.0):
                order.append(ticket)
                await asyncio.sleep(0)

        async with pace.place(0, 1.0):
            waiting = [asyncio.create_task(ask(ticket)) for ticket in (5, 3, 9, 1)]
            await asyncio.sleep(0.01)
        await asyncio.gather(*waiting)
        assert order == [1, 3, 5, 9]

    run(scene)


def test_who_is_cancelled_leaves_no_place_taken():
    async def scene(pace: Pace) -> None:
        async def ask(ticket: int) -> None:
            async with pace.place(ticket, 1.0):
                await asyncio.sleep(3600)

        holding = asyncio.create_task(ask(0))
        waiting = asyncio.create_task(ask(1))
        await asyncio.sleep(0.01)
        waiting.cancel()
        holding.cancel()
        await asyncio.gather(holding, waiting, return_exceptions=True)
        assert pace.in_flight == 0
        async with pace.place(2, 1.0):
            assert pace.in_flight == 1

    run(scene)


def test_all_wait_where_the_api_wants_silence_and_the_time_is_told():
    async def scene(pace: Pace) -> None:
        pace.pause(0.1)
        waiting = asyncio.create_task(anext(_places(pace)))
        await asyncio.sleep(0.01)
        assert 0 < pace.waits() <= 0.1
        await waiting
        assert pace.waits() == 0
        assert 0.09 < pace.waited < 5

    async def _places(pace: Pace):  # type: ignore[no-untyped-def]
        async with pace.place(0, 1.0):
            yield None

    run(scene)


def test_a_request_waits_for_tokens_that_the_headers_say_are_gone():
    async def scene(pace: Pace) -> None:
        headers = {"x-ratelimit-limit-tokens": "1000", "x-ratelimit-remaining-tokens": "0"}
        pace.answered({**headers, "x-ratelimit-reset-tokens": "1s"})
        began = asyncio.get_running_loop().time()
        async with pace.place(0, 200.0):
            assert asyncio.get_running_loop().time() - began >= 0.19

    run(scene)
