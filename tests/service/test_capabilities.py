"""What an endpoint ignores, it cannot do."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
import sample_tokenizers
from proctor.errors import ServiceError
from proctor_service import capabilities
from proctor_service.client import ClientSettings
from proctor_service.tokenizer import TextTokenizer, with_rule
from scripted_server import Script, ScriptedServer

ABILITIES = ("n", "seed", "stop", "echo", "prompt_logprobs", "logprob_token_ids")
EOS = {"eos_token": "</s>"}


def tokenizer(bos: bool = True) -> TextTokenizer:
    return with_rule(sample_tokenizers.byte_level(bos=bos), "ours", EOS)


def script(*ignore: str, **changes: Any) -> Script:
    return Script(tokenizer=sample_tokenizers.byte_level(bos=True), ignore=frozenset(ignore), **changes)


def probe(*servers: ScriptedServer, ours: TextTokenizer | None = None, engine: str = "unknown") -> dict[str, Any]:
    settings = ClientSettings(tuple(server.url for server in servers), retries=0)
    found = asyncio.run(
        capabilities.probe(settings, "scripted", engine, ours, "" if ours else "none is named by --tokenizer")
    )
    assert json.loads(json.dumps(found)) == found, "plain JSON"
    return found


def test_a_whole_endpoint_can_do_everything():
    with ScriptedServer(script()) as server:
        found = probe(server, ours=tokenizer())
    assert found["why"] == {"chat_template": "no chat template is known here"}
    assert all(found[name] for name in (*ABILITIES, "generate", "likelihood", "tokenize", "token_ids", "chat"))


@pytest.mark.parametrize("ability", ABILITIES)
def test_an_ignored_parameter_is_found_out_and_nothing_else_is(ability: str):
    with ScriptedServer(script(ability)) as server:
        found = probe(server, ours=tokenizer())
    assert not found[ability]
    assert found["why"][ability]
    assert all(found[name] for name in (*ABILITIES, "generate", "likelihood", "token_ids") if name != ability)


def test_no_way_of_scoring_is_no_likelihood_with_reasons():
    with ScriptedServer(script("echo", "prompt_logprobs", "logprob_token_ids")) as server:
        found = probe(server, ours=tokenizer())
    assert found["generate"]
    assert not found["likelihood"]
    assert "echo" in found["why"]["likelihood"]


def test_ids_that_are_taken_for_text_are_found_out():
    with ScriptedServer(script("ids", tokenize=False)) as server:
        found = probe(server, ours=tokenizer())
    assert not found["token_ids"]
    assert not found["likelihood"]
    assert "token ids were sent" in found["why"]["likelihood"]


def test_another_rule_about_bos_is_found_out_with_and_without_tokenize():
    for there in (True, False):
        with ScriptedServer(script(tokenize=there)) as server:
            found = probe(server, ours=tokenizer(bos=False))
        assert not found["likelihood"]
        assert "--tokenizer" in found["why"]["likelihood"]
        assert "BOS" in found["why"]["likelihood"]


def test_no_usage_means_that_ids_cannot_be_checked():
    with ScriptedServer(script("usage")) as server:
        assert "usage" in probe(server, ours=tokenizer())["why"]["token_ids"]


def test_no_tokenizer_is_no_likelihood_with_the_reason():
    with ScriptedServer(script()) as server:
        found = probe(server)
    assert found["generate"]
    assert not found["likelihood"]
    assert "--tokenizer" in found["why"]["likelihood"]


def test_a_way_that_disagrees_with_a_trusted_one_is_off():
    with ScriptedServer(script(offset=-0.5)) as server:
        found = probe(server, ours=tokenizer())
    assert not found["logprob_token_ids"]
    assert "differs by 0.5 nats" in found["why"]["logprob_token_ids"]
    assert found["likelihood"]


def test_rounding_is_no_disagreement():
    with ScriptedServer(script(offset=-0.03)) as server:
        assert probe(server, ours=tokenizer())["logprob_token_ids"]


def test_endpoints_of_one_run_have_the_abilities_that_all_have():
    with ScriptedServer(script("n", "echo")) as one, ScriptedServer(script("echo", "prompt_logprobs")) as other:
        found = probe(one, other, ours=tokenizer())
    assert not any(found[name] for name in ("n", "echo", "prompt_logprobs"))
    assert found["logprob_token_ids"]
    assert found["likelihood"]
    assert {"n", "echo", "prompt_logprobs"} <= set(found["why"])


def test_chat_alone_is_an_error_that_says_so():
    with ScriptedServer(script(completions=False)) as server, pytest.raises(ServiceError, match="named alone"):
        probe(server)


def test_neither_chat_nor_completions_is_an_error():
    with ScriptedServer(script(completions=False, chat=False)) as server, pytest.raises(ServiceError, match="404"):
        probe(server)


def test_a_missing_text_is_an_error():
    with ScriptedServer(script(), faults=["null"]) as server, pytest.raises(ServiceError, match="without a text"):
        probe(server)


def test_a_fixed_text_server_generates_and_no_more():
    with ScriptedServer(Script(answer=" 42")) as server:
        found = probe(server, ours=tokenizer())
    assert found["generate"]
    assert not found["likelihood"]
    assert not found["seed"]
