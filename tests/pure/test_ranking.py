"""Which choice is the likeliest, by which measure of length."""

from __future__ import annotations

import asyncio
import math

import pytest
from proctor import Sample, likelihood, rank
from proctor.asks import Length, Ranking
from proctor.errors import AskError
from proctor.metrics import accuracies
from proctor.model import Likelihood, Likelihoods, Usage
from proctor.selfcheck import SelfCheckModel


def ranking(*choices: tuple[str, float, int]) -> Ranking:
    return Ranking(
        [label for label, _, _ in choices],
        [Likelihood(f" {label}", logprob, tokens) for label, logprob, tokens in choices],
    )


CHOICES = (("ab", -4.0, 1), ("abcdef", -5.0, 5), ("\u00e9" * 10 + "a" * 10, -6.0, 1), ("a" * 40, -9.2, 2))
"""Each is the likeliest by another measure: -4; -1 a token; -0.2 a byte and -0.3 a character; -0.23 a character."""


@pytest.mark.parametrize(("per", "best"), [("none", 0), ("tokens", 1), ("bytes", 2), ("characters", 3)])
def test_each_length_can_choose_another_one(per: Length, best: int):
    assert ranking(*CHOICES).likeliest(per) == best


def test_bytes_and_characters_differ_where_letters_have_accents():
    found = ranking(("\u00e9\u00e9\u00e9", -3.0, 3), ("abcd", -3.6, 1))
    assert (found.likeliest("bytes"), found.likeliest("characters")) == (0, 1)


def test_the_prefix_is_not_counted():
    # With their spaces the lengths would be 2 and 5: -1.5 against -1.6.
    assert ranking(("a", -3.0, 1), ("abcd", -8.0, 1)).likeliest("characters") == 1


def test_nothing_is_the_likeliest_of_impossible_choices():
    found = ranking(("a", -math.inf, 1), ("b", -math.inf, 1))
    assert [found.likeliest(per) for per in ("none", "tokens", "bytes", "characters")] == [None] * 4
    assert found.choice is None


def test_the_first_of_equals_is_taken():
    assert ranking(("a", -1.0, 1), ("b", -1.0, 1)).likeliest("bytes") == 0


@pytest.mark.parametrize(("kept", "fits"), [(None, True), (40, True), (19, True), (18, False), (0, False)])
@pytest.mark.parametrize(
    "ask", [rank("AB"), likelihood(), rank("AB", ending=lambda sample: " end")], ids=["rank", "one", "ending"]
)
def test_a_prompt_that_is_cut_keeps_its_question(ask, kept, fits):
    """The question and what follows it, "Why is it so? Well:", are nineteen characters; shots may go."""

    class Narrow:
        async def loglikelihood(self, context: str, continuations: list[str]) -> Likelihoods:
            left = None if kept is None else kept + len(context) - len(prompt)
            return Likelihoods(
                [Likelihood(text, -1.0, 1) for text in continuations], context_cut=kept is not None, kept=left
            )

    prompt = "Why is it so? Well: A\n\nWhy is it so? Well:"
    sample = Sample(question="Why is it so?", target="A")
    if fits:
        assert asyncio.run(ask(sample, prompt, Narrow(), 0)).context_cut == (kept is not None)
    else:
        with pytest.raises(
            AskError, match="the question does not fit: it begins 19 characters before the end|does not fit"
        ):
            asyncio.run(ask(sample, prompt, Narrow(), 0))


class Scripted:
    """A model that likes a continuation as its context ends with a number."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, list[str]]] = []

    async def loglikelihood(self, context: str, continuations: list[str]) -> Likelihoods:
        self.asked.append((context, list(continuations)))
        value = -1.0 if context.endswith("trophy") else -2.0
        return Likelihoods(
            [Likelihood(text, value, 2, True) for text in continuations], Usage(requests=1), "cut" in context
        )


SAMPLE = Sample(question="It fits not since the", choices=["trophy", "case"], target="A", metadata={"rest": " is big."})


def test_partial_scoring_scores_what_follows_each_choice():
    model = Scripted()
    ask = rank(ending=lambda sample: sample.metadata["rest"])
    found = asyncio.run(ask(SAMPLE, "It fits not since the", model, 0))  # type: ignore[arg-type]
    assert model.asked == [
        ("It fits not since the trophy", [" is big."]),
        ("It fits not since the case", [" is big."]),
    ]
    assert (found.labels, found.choice, found.usage.requests, found.context_cut) == (
        ["trophy", "case"],
        "trophy",
        2,
        False,
    )


def test_nothing_is_scored_after_a_choice_has_failed():
    class Failing:
        scored = 0

        async def loglikelihood(self, context: str, continuations: list[str]) -> Likelihoods:
            if context.endswith("trophy"):
                raise AskError("http_500", "it is ill")
            await asyncio.sleep(0.01)
            self.scored += 1
            return Likelihoods([Likelihood(text, -1.0, 1) for text in continuations])

    model = Failing()

    async def asked() -> None:
        ask = rank(ending=lambda sample: sample.metadata["rest"])
        with pytest.raises(AskError, match="it is ill"):
            await ask(SAMPLE, "It fits not since the", model, 0)  # type: ignore[arg-type]
        await asyncio.sleep(0.05)

    asyncio.run(asked())
    assert model.scored == 0


def test_the_likelihood_of_one_text():
    model = Scripted()
    found = asyncio.run(likelihood()(Sample(target="end"), "cut the", model, 0))  # type: ignore[arg-type]
    assert model.asked == [("cut the", [" end"])]
    assert (found.labels, found.choices[0].greedy, found.context_cut, found.tied) == (["end"], True, True, False)


@pytest.mark.parametrize(
    ("name", "choice"), [("proctor:gold", "trophy"), ("proctor:neighbour", "case"), ("proctor:empty", None)]
)
def test_self_check_models_know_partial_scoring(name: str, choice: str | None):
    other = Sample(question="other", choices=["trophy", "case"], target="B", id="1")
    model = SelfCheckModel(name).about(SAMPLE, [SAMPLE, other])
    ask = rank(ending=lambda sample: sample.metadata["rest"])
    assert asyncio.run(ask(SAMPLE, "It fits not since the", model, 0)).choice == choice  # type: ignore[arg-type]


def test_a_choice_is_named_by_its_letter():
    assert [ranking(*CHOICES).letter(per) for per in ("none", "tokens", "bytes", "characters")] == [
        "ABCDE"[ranking(*CHOICES).likeliest(per)] for per in ("none", "tokens", "bytes", "characters")
    ]
    assert ranking(("a", -math.inf, 1)).letter() is None


def test_accuracies_by_three_lengths():
    assert accuracies(ranking(*CHOICES), ranking(*CHOICES).letter("bytes")) == {
        "acc": False,
        "acc_norm": True,
        "acc_norm_chars": False,
    }
    assert not any(accuracies(ranking(("a", -math.inf, 1)), "A").values())
