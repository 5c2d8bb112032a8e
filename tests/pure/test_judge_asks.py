"""Asking a judge model: what its failures are called, and what ends the run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from proctor.errors import AskError, StopAsking
from proctor.judge.asks import UNREADABLE, Judge
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
