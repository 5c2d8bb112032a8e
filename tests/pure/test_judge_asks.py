"""Asking a judge model: what its failures are called, and what ends the run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from proctor.errors import AskError, StopAsking
from proctor.judge.asks import UNREADABLE, Judge, Keeping
from proctor.judge.opinions import read_grade
from proctor.model import Completion, Output, Usage

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
