"""Asking a judge model: what its failures are called, and what ends the run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from proctor.asks import together
from proctor.errors import AskError, ServiceError, StopAsking
from proctor.judge import preflight
from proctor.judge.asks import UNREADABLE, Judge, Keeping, compared
from proctor.judge.opinions import read_grade
from proctor.model import Completion, Connection, Output, Usage
from proctor.sample import Sample
from proctor.session.run import judge_model

SCALE = (1, 5)


class Refusal(AskError):
    """A status that says more of itself, as a hosted API's does."""


class Model:
    """Answers by a function of the prompt, which may raise; `asked` are the prompts and their parameters."""

    def __init__(self, answer: Callable[[str], str]) -> None:
        self.answer = answer
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def about(self, sample: Any, peers: Any) -> Model:
        return self

    async def generate(self, prompt: str, **parameters: Any) -> Output:
        self.asked.append((prompt, parameters))
        return Output([Completion(self.answer(prompt), "stop")], Usage(1))


def failing(error: Exception) -> Callable[[str], str]:
    def answer(prompt: str) -> str:
        raise error

    return answer


def opinion(answer: Callable[[str], str]) -> Any:
    judge = Judge("j", Model(answer))
    return asyncio.run(judge.opinion("What of it?", lambda text: read_grade(text, SCALE)))


@pytest.mark.parametrize("kind", [AskError, Refusal])
def test_a_failed_request_is_named_after_the_judge(kind: type[AskError]):
    with pytest.raises(AskError, match="the judge j: status 404") as found:
        opinion(failing(kind("http_404", "status 404: no such model")))
    assert found.value.kind == "judge_http_404"
    assert found.value.attempts == 0  # they are none of the model's requests


def test_what_ends_the_run_stays_what_it_is():
    with pytest.raises(StopAsking, match=r"^no credit left$") as found:
        opinion(failing(StopAsking("quota", "no credit left")))
    assert found.value.kind == "quota"


def test_an_endpoint_that_is_broken_is_told_from_an_opinion_that_cannot_be_read():
    with pytest.raises(AskError) as broken:
        opinion(failing(AskError("malformed", "status 200, but the body is not JSON")))
    with pytest.raises(AskError) as unreadable:
        opinion(lambda prompt: "Hm.")
    assert (broken.value.kind, unreadable.value.kind) == ("judge_malformed", UNREADABLE)
    assert UNREADABLE == "judge_unreadable"


def kept(*requests: dict[str, Any], found: Output | None = None) -> tuple[list[str], Usage, Model, list[Output]]:
    """What requests by one prompt bring through a `Keeping`, what they took in all, the model, and what was kept."""
    model, written = Model(lambda prompt: f"text {len(model.asked)}"), []
    keeping = Keeping(model, "2 + 2 =", found, written.append)

    async def asked() -> list[Output]:
        return [await keeping.generate("2 + 2 =", **request) for request in requests]

    outputs = asyncio.run(asked())
    return [one.text for one in outputs], sum((one.usage for one in outputs), Usage()), model, written


def test_texts_that_are_asked_for_by_other_seeds_are_texts_of_their_own():
    texts, usage, model, written = kept({"seed": 1, "max_tokens": 8}, {"seed": 2, "max_tokens": 8})
    assert texts == ["text 1", "text 2"]
    assert usage.requests == len(model.asked) == 2
    assert [one.text for one in written] == ["text 1"]  # the sample's own, which is not asked twice


def test_a_request_that_is_made_again_is_asked_again_and_counts_once():
    texts, usage, model, _ = kept({"max_tokens": 8}, {"max_tokens": 8})
    assert texts == ["text 1", "text 2"]
    assert usage.requests == len(model.asked) == 2


def test_what_an_earlier_attempt_kept_answers_the_request_that_brought_it():
    _, _, _, [first] = kept({"seed": 1, "stop": (".",)}, {"seed": 2, "stop": (".",)})
    texts, usage, model, written = kept({"seed": 2, "stop": ["."]}, {"seed": 1, "stop": ["."]}, found=first)
    assert texts == ["text 1", "text 1"]  # the model's first now, and its first of then
    assert [parameters["seed"] for _, parameters in model.asked] == [2]
    assert usage.requests == 2
    assert written == []


def test_what_a_run_stored_answers_the_first_request():
    stored = Output([Completion("stored", "stop")], Usage(1))
    texts, _, model, _ = kept({"max_tokens": 8}, {"max_tokens": 8, "seed": 2}, found=stored)
    assert (texts, len(model.asked)) == (["stored", "text 1"], 1)


def test_requests_that_are_under_way_together_are_each_asked():
    model, written = Model(lambda prompt: f"text {len(model.asked)}"), []
    keeping = Keeping(model, "2 + 2 =", None, written.append)

    async def asked() -> list[Output]:
        return await asyncio.gather(*(keeping.generate("2 + 2 =", seed=seed) for seed in (1, 2)))

    assert [one.text for one in asyncio.run(asked())] == ["text 1", "text 2"]
    assert len(written) == 1


class Slow(Model):
    """One whose first request fails; all others take their time, and are `answered` then."""

    under_way = answered = 0

    async def generate(self, prompt: str, **parameters: Any) -> Output:
        self.asked.append((prompt, parameters))
        if len(self.asked) == 1:
            raise AskError("http_404", "no such model")
        self.under_way += 1
        try:
            await asyncio.sleep(0.02)
        finally:
            self.under_way -= 1
        self.answered += 1
        return Output([Completion("Hm.", "stop")], Usage(1))


def test_no_second_opinion_is_asked_for_after_the_first_has_failed():
    model, judge = Model(lambda prompt: "4"), Slow(lambda prompt: "")

    async def asked() -> None:
        with pytest.raises(AskError, match="the judge j: no such model"):
            await compared(lambda sample: "5")(Sample(question="2 + 2?"), "2 + 2 =", model, 0, None, Judge("j", judge))  # type: ignore[arg-type]
        await asyncio.sleep(0.1)

    asyncio.run(asked())
    assert (len(judge.asked), judge.answered) == (2, 0)


def test_no_known_case_is_under_way_when_the_judge_is_let_go():
    model = Slow(lambda prompt: "")
    left: list[int] = []

    class Service:
        concurrency = 64

        @asynccontextmanager
        async def connect(self, connection: Connection, concurrency: int) -> AsyncIterator[Model]:
            try:
                yield model
            finally:
                left.append(model.under_way)
                await asyncio.sleep(0.1)  # as connections take some time to close

    tasks = [{"task": "pairs", "judge_model": judge_model(compared(lambda sample: "5"))}]
    with pytest.raises(ServiceError, match="could not be asked about a known case: the judge j: no such model"):
        preflight.run(Service(), Connection({"name": "j"}), tasks, print)  # type: ignore[arg-type]
    assert (left, model.answered) == ([0], 0)


def test_what_is_done_together_has_ended_when_one_has_failed():
    ended: list[str] = []

    async def one(name: str, seconds: float, error: Exception | None = None) -> str:
        try:
            await asyncio.sleep(seconds)
        finally:
            await asyncio.sleep(0)  # as a request that is broken off does
            ended.append(name)
        if error is not None:
            raise error
        return name

    async def failing() -> None:
        with pytest.raises(AskError):
            await together([one("a", 9), one("b", 0.01, AskError("x", "x")), one("c", 9)])
        assert sorted(ended) == ["a", "b", "c"]

    async def cancelled() -> None:
        ended.clear()
        task = asyncio.ensure_future(together([one("a", 9), one("b", 9)]))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert sorted(ended) == ["a", "b"]

    asyncio.run(failing())
    asyncio.run(cancelled())
    assert asyncio.run(together(one(name, 0) for name in "ab")) == ["a", "b"]
