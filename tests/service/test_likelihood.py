"""The three ways of scoring against a direct computation from a known model."""

from __future__ import annotations

import asyncio
import itertools
import math
from collections.abc import Sequence
from typing import Any

import pytest
import sample_tokenizers
from proctor.errors import AskError
from proctor.model import Likelihoods
from proctor_service import likelihood
from proctor_service.client import Client, ClientSettings
from proctor_service.http_model import Served
from proctor_service.tokenizer import Split, TextTokenizer, with_rule
from scripted_server import Script, ScriptedServer
from tokenizers import Tokenizer

EOS = {"eos_token": "</s>"}
MAKERS = {
    "byte level": sample_tokenizers.byte_level,
    "with BOS": lambda: sample_tokenizers.byte_level(bos=True),
    "merging": sample_tokenizers.merging,
    "metaspace": sample_tokenizers.metaspace,
}
WAYS = ("logprob_token_ids", "prompt_logprobs", "echo")
CONTEXT = "Question: What is the capital of France? Answer:"
LETTERS = [" A", " B", " C", " D"]
ANSWERS = [" Paris", " the quick brown fox", " größer", "s Paris"]


def served(*abilities: str, engine: str = "unknown", max_model_len: int | None = None) -> Served:
    found = {way: way in abilities for way in WAYS} | {"echo_max_tokens": 0}
    return Served("scripted", engine, max_model_len, capabilities=found)


def ask(
    server: ScriptedServer, tokenizer: TextTokenizer, model: Served, context: str, continuations: Sequence[str]
) -> Likelihoods:
    async def run() -> Likelihoods:
        async with Client(ClientSettings((server.url,), retries=0)) as client:
            return await likelihood.score(client, model, tokenizer, context, continuations)

    return asyncio.run(run())


def pair(name: str) -> tuple[Tokenizer, TextTokenizer]:
    """The server's tokenizer and ours."""
    return MAKERS[name](), with_rule(MAKERS[name](), name, EOS)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("context", [CONTEXT, CONTEXT + " ", "", "The quick br", "<s>The"])
@pytest.mark.parametrize("continuations", [LETTERS, ANSWERS, ["own"]], ids=["letters", "answers", "one"])
def test_each_way_is_exact(way: str, name: str, context: str, continuations: list[str]):
    theirs, ours = pair(name)
    with ScriptedServer(Script(tokenizer=theirs)) as server:
        found = ask(server, ours, served(way), context, continuations)
        for text, choice in zip(continuations, found.choices, strict=True):
            split = ours.border(context, text)
            assert choice.text == text
            assert choice.logprob == pytest.approx(server.bigram.score(split.ids, split.first), abs=1e-9)
            assert choice.tokens == len(split.ids) - split.first
            ranks = [server.bigram.rank(a, b) for a, b in itertools.pairwise(split.ids[split.first - 1 :])]
            assert choice.greedy == all(rank == 1 for rank in ranks)
        for body in server.bodies():
            assert all(isinstance(token, int) for token in body["prompt"]), "token ids go over the wire"
        assert found.usage.requests == len(server.requests)
        assert not found.context_cut


def test_the_greedy_choice_is_known():
    theirs, ours = pair("byte level")
    with ScriptedServer(Script(tokenizer=theirs)) as server:
        last = ours.encode(CONTEXT)[-1]
        best = int(server.bigram.table[last].argmax())
        text = theirs.decode([best], skip_special_tokens=False)
        assert ours.border(CONTEXT, text).ids[-1] == best, "this seed's likeliest token is one that a text can have"
        for way in WAYS:
            assert ask(server, ours, served(way), CONTEXT, [text]).choices[0].greedy is True


def test_single_tokens_after_one_context_are_one_request():
    theirs, ours = pair("byte level")
    with ScriptedServer(Script(tokenizer=theirs)) as server:
        ask(server, ours, served(*WAYS), CONTEXT, [*LETTERS, " A"])
        [body] = server.bodies()
        assert body["max_tokens"] == 1
        assert len(body["logprob_token_ids"]) == 4, "equal options are asked for once"


def test_longer_choices_take_one_joint_request_each():
    theirs, ours = pair("byte level")
    with ScriptedServer(Script(tokenizer=theirs)) as server:
        found = ask(server, ours, served(*WAYS), CONTEXT, [*ANSWERS, ANSWERS[0]])
        assert len(server.bodies()) == len(ANSWERS), "equal options are asked for once"
        assert found.choices[0] == found.choices[-1]
        assert all("prompt_logprobs" in body for body in server.bodies())


def test_a_long_context_shared_by_short_choices_is_asked_by_steps_where_prefixes_are_cached():
    theirs, ours = pair("byte level")
    long = "The quick brown fox jumps over the lazy dog. " * 120 + CONTEXT
    with ScriptedServer(Script(tokenizer=theirs)) as server:
        joint = ask(server, ours, served(*WAYS), long, ANSWERS)
        assert all("prompt_logprobs" in body for body in server.bodies())
        server.requests.clear()
        steps = ask(server, ours, served(*WAYS, engine="vllm"), long, ANSWERS)
        assert all("logprob_token_ids" in body for body in server.bodies())
        for one, other in zip(joint.choices, steps.choices, strict=True):
            assert one.logprob == pytest.approx(other.logprob, abs=1e-9)
            assert (one.tokens, one.greedy) == (other.tokens, other.greedy)


def test_choices_that_tokenize_the_border_differently_are_scored_each_after_its_own_context():
    theirs, ours = pair("merging")
    splits = ours.borders("The quick br", ["own", "x"])
    assert splits[0].ids[: splits[0].first] != splits[1].ids[: splits[1].first], "the first straddles the border"
    with ScriptedServer(Script(tokenizer=theirs)) as server:
        for way in WAYS:
            found = ask(server, ours, served(way), "The quick br", ["own", "x"])
            expected = [server.bigram.score(split.ids, split.first) for split in splits]
            assert [choice.logprob for choice in found.choices] == pytest.approx(expected, abs=1e-9)


def test_an_id_that_is_not_told_leads_to_another_way():
    theirs, ours = pair("byte level")
    with ScriptedServer(Script(tokenizer=theirs, ignore=frozenset({"logprob_token_ids"}))) as server:
        found = ask(server, ours, served(*WAYS), CONTEXT, LETTERS)
        split = ours.border(CONTEXT, LETTERS[2])
        assert found.choices[2].logprob == pytest.approx(server.bigram.score(split.ids, split.first), abs=1e-9)
        with pytest.raises(AskError) as caught:
            ask(server, ours, served("logprob_token_ids"), CONTEXT, LETTERS)
    assert caught.value.kind == "malformed"


@pytest.mark.parametrize("way", ["prompt_logprobs", "echo"])
def test_an_endpoint_that_ignores_the_question_is_malformed_and_not_zero(way: str):
    theirs, ours = pair("byte level")
    with ScriptedServer(Script(tokenizer=theirs, ignore=frozenset({way}))) as server, pytest.raises(AskError) as caught:
        ask(server, ours, served(way), CONTEXT, ANSWERS)
    assert caught.value.kind == "malformed"


@pytest.mark.parametrize("value", [None, math.nan, -math.inf, math.inf, -9999.0, "-1", True, 0.5])
def test_what_is_no_log_probability_is_malformed(value: Any):
    ids = (5, 6, 7)
    echo = {"logprobs": {"token_logprobs": [None, -1.0, value], "tokens": ["a", "b", "c"], "top_logprobs": None}}
    prompt = {"prompt_logprobs": [None, {"6": {"logprob": -1.0}}, {"7": {"logprob": value, "rank": 1}}]}
    for read, choice in ((likelihood.echo_scores, echo), (likelihood.prompt_scores, prompt)):
        with pytest.raises(AskError) as caught:
            read(choice, ids, 1)
        assert caught.value.kind == "malformed"
    assert not likelihood.is_logprob(value)


@pytest.mark.parametrize(
    "choice",
    [
        {},
        {"prompt_logprobs": None},
        {"prompt_logprobs": [None, {"6": {"logprob": -1.0}}]},
        {"prompt_logprobs": [None, {"6": {"logprob": -1.0}}, {"8": {"logprob": -1.0}}]},
        {"prompt_logprobs": [None, None, {"7": {"logprob": -1.0}}]},
    ],
)
def test_prompt_logprobs_that_do_not_fit_the_ids_are_malformed(choice: dict[str, Any]):
    with pytest.raises(AskError, match="prompt_logprobs"):
        likelihood.prompt_scores(choice, (5, 6, 7), 1)


@pytest.mark.parametrize(
    "told",
    [
        None,
        {"token_logprobs": None},
        {"token_logprobs": [None, -1.0]},
        {"token_logprobs": [None, -1.0, -1.0, -1.0, -1.0]},
        {"token_logprobs": [None, -1.0, -1.0], "tokens": ["token_id:5", "token_id:6", "token_id:8"]},
    ],
)
def test_an_echo_that_does_not_fit_the_ids_is_malformed(told: Any):
    with pytest.raises(AskError) as caught:
        likelihood.echo_scores({"logprobs": told}, (5, 6, 7), 1)
    assert caught.value.kind == "malformed"


def test_an_echo_with_a_generated_token_is_read_without_it():
    told = {"token_logprobs": [None, -1.0, -2.0, -4.0], "tokens": ["a", "b", "c", "d"]}
    assert likelihood.echo_scores({"logprobs": told}, (5, 6, 7), 1) == [(-1.0, None), (-2.0, None)]


@pytest.mark.parametrize("way", WAYS)
def test_a_context_that_does_not_fit_is_cut_at_its_left_and_said_so(way: str):
    theirs, ours = pair("with BOS")
    room = 24
    with ScriptedServer(Script(tokenizer=theirs)) as server:
        found = ask(server, ours, served(way, max_model_len=room), "lazy dog " * 30 + CONTEXT, LETTERS)
        assert found.context_cut
        assert found.kept == len(ours.inner.decode(server.bodies()[0]["prompt"][1:]).removesuffix(LETTERS[0])), "chars"
        bos = theirs.token_to_id("<s>")
        for body in server.bodies():
            assert len(body["prompt"]) <= room - 1
            assert body["prompt"][0] == bos
            assert body["prompt"].count(bos) == 1
        split = ours.border(CONTEXT, LETTERS[1])
        assert found.choices[1].logprob == pytest.approx(server.bigram.score(split.ids, split.first), abs=1e-9)


def test_all_choices_keep_the_same_context_when_it_is_cut():
    splits = [Split((0, 1, 2, 3, 4, 9), 5, 1), Split((0, 1, 2, 3, 4, 8, 8), 5, 1)]
    cut, any_cut = likelihood.fit(splits, 6)
    assert any_cut
    assert [one.ids for one in cut] == [(0, 3, 4, 9), (0, 3, 4, 8, 8)]
    assert [one.first for one in cut] == [3, 3]
    assert likelihood.fit(splits, 8) == (splits, False)
    assert likelihood.fit(splits, None) == (splits, False)


def test_a_continuation_that_leaves_no_room_is_an_error():
    with pytest.raises(AskError, match="5 tokens leaves no room"):
        likelihood.fit([Split((0, 1, 2, 3, 4, 5, 6), 2, 1)], 6)


def test_more_ids_than_vllm_takes_are_asked_in_several_requests():
    theirs, ours = pair("byte level")
    texts = [
        text for text in (theirs.decode([token]) for token in range(2, 400)) if text.strip() and "\ufffd" not in text
    ]
    texts = [text for text in texts if len(ours.encode(CONTEXT + text)) == len(ours.encode(CONTEXT)) + 1]
    assert len(texts) > likelihood.MOST_IDS
    with ScriptedServer(Script(tokenizer=theirs)) as server:
        found = ask(server, ours, served(*WAYS), CONTEXT, texts)
        splits = ours.borders(CONTEXT, texts)
        expected = [server.bigram.score(split.ids, split.first) for split in splits]
        assert [choice.logprob for choice in found.choices] == pytest.approx(expected, abs=1e-9)
        sizes = [len(body["logprob_token_ids"]) for body in server.bodies()]
        assert max(sizes) <= likelihood.MOST_IDS < sum(sizes)


def test_nothing_to_score_is_an_error_of_the_sample():
    theirs, ours = pair("byte level")
    with ScriptedServer(Script(tokenizer=theirs)) as server, pytest.raises(AskError, match="empty"):
        ask(server, ours, served(*WAYS), "", [""])
