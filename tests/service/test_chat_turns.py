"""A chat model behind HTTP: what is sent, what is made of the reply, and what is found out beforehand."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest
import sample_tokenizers
from proctor.errors import AskError
from proctor.model import Conversation, Message, Output
from proctor_service import chat_names
from proctor_service.options import ServiceOptions
from proctor_service.service import make_service
from scripted_server import Script, ScriptedServer

TEMPLATE = "{% for m in messages %}[{{ m.role }}]{{ m.content }}{{ eos_token }}{% endfor %}[assistant]"
ASKED = Conversation("Why?", [Message("system", "Be brief."), Message("user", "Why?")])


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch):
    for name in ("PROCTOR_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def say(**message: Any) -> dict[str, Any]:
    finish = message.pop("finish_reason", "stop")
    stopped = {"stop_reason": message.pop("stop_reason")} if "stop_reason" in message else {}
    return {"message": {"role": "assistant", "content": None, **message}, "finish_reason": finish, **stopped}


def folder_of(tmp_path: Path, template: str = TEMPLATE) -> Path:
    folder = tmp_path / "scripted"
    folder.mkdir()
    sample_tokenizers.byte_level(bos=True).save(str(folder / "tokenizer.json"))
    config = {"chat_template": template, "eos_token": "</s>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return folder


def render(messages: list[dict[str, str]], end: str = "[assistant]") -> str:
    return "".join(f"[{turn['role']}]{turn['content']}</s>" for turn in messages) + end


def whole(folder: Path, **changes: Any) -> Script:
    given = {"tokenizer": sample_tokenizers.byte_level(bos=True), "root": str(folder), "template": render}
    return Script(**given | changes)


def answer(
    script: Script, prompt: str = ASKED, **parameters: Any
) -> tuple[Output, list[dict[str, Any]], dict[str, Any]]:
    """What a server's reply is made into, the chat requests after the probes, and what was known of the model."""
    with ScriptedServer(script) as server:
        service = make_service(ServiceOptions(base_urls=(server.url,), retries=0))
        connection = service.start(Path(os.devnull), lambda message: None)
        probes = len(server.bodies("/v1/chat/completions"))

        async def run() -> Output:
            async with service.connect(connection, 4) as model:
                return await model.generate(prompt, **{"max_tokens": 32} | parameters)

        output = asyncio.run(run())
        return output, server.bodies("/v1/chat/completions")[probes:], dict(connection.model)


def test_turns_are_sent_with_every_sampling_parameter():
    _, (body,), _ = answer(Script(owned_by="vllm"), temperature=0.7, seed=3, top_p=0.9)
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}]
    assert body == {
        "model": "scripted",
        "messages": messages,
        "max_tokens": 32,
        "temperature": 0.7,
        "top_p": 0.9,
        "n": 1,
        "seed": 3,
        "stream": False,
        "top_k": -1,
        "min_p": 0.0,
        "repetition_penalty": 1.0,
        "presence_penalty": 0.0,
        "frequency_penalty": 0.0,
    }


def test_a_plain_text_still_goes_to_completions():
    output, chat, _ = answer(Script(answer=" 42"), "6 times 7 =")
    assert (output.text, chat) == (" 42", [])


def test_several_answers_come_in_one_request_or_in_several():
    def turns(body: dict[str, Any]) -> dict[str, Any]:
        return say(content=f"{body.get('seed')}")

    # This server knows `n` for completions alone, as its replies to chat say.
    output, chat, _ = answer(Script(turn=turns, ignore=frozenset({"n"})), n=3, temperature=1.0, seed=5)
    assert [one.text for one in output.completions] == ["5", "6", "7"]
    assert [body["n"] for body in chat] == [1, 1, 1]


@pytest.mark.parametrize(
    ("message", "text", "thinking", "finish"),
    [
        ({"content": "Because."}, "Because.", None, "stop"),
        ({"content": "<think>Hm.</think>\n\nBecause."}, "Because.", "Hm.", "stop"),
        ({"content": "Hm.</think>\n\nBecause."}, "Because.", "Hm.", "stop"),
        ({"content": "Because.", "reasoning_content": "Hm."}, "Because.", "Hm.", "stop"),
        ({"content": "Because.", "reasoning": "Hm."}, "Because.", "Hm.", "stop"),
        ({"content": None}, "", None, "length"),
        ({"content": None, "reasoning_content": "Hm"}, "", "Hm", "length"),
        ({"content": None, "finish_reason": "length"}, "", None, "length"),
        ({"content": "<think>Hm", "finish_reason": "length"}, "", "Hm", "length"),
        ({"content": "I will not.", "refusal": None}, "I will not.", None, "stop"),
        ({"content": None, "refusal": "I will not."}, "", None, "stop"),
        ({"content": ""}, "", None, "stop"),
    ],
)
def test_a_reply_is_an_answer_and_its_thinking(message: Any, text: str, thinking: str | None, finish: str):
    output, _, _ = answer(Script(turn=lambda body: say(**dict(message))))
    (one,) = output.completions
    assert (one.text, one.thinking, one.finish_reason) == (text, thinking, finish)
    assert output.truncated is (finish == "length")
    assert one.refusal == (message.get("refusal") if message["content"] is None else None)
    assert output.refused is (one.refusal is not None)


def test_a_content_that_is_no_text_is_malformed():
    with pytest.raises(AskError, match="malformed|not a text"):
        answer(Script(turn=lambda body: say(content=[1])))


def test_a_template_that_opens_a_thought_is_known_to(tmp_path: Path):
    folder = folder_of(tmp_path, TEMPLATE + "{{ '<think>\\n' }}")
    script = whole(
        folder,
        template=lambda messages: render(messages, "[assistant]<think>\n"),
        turn=lambda body: say(content="Hm, 41 or", finish_reason="length"),
    )
    output, _, _ = answer(script)
    (one,) = output.completions
    assert (one.text, one.thinking, one.finish_reason) == ("", "Hm, 41 or", "length")


def test_the_rendered_text_is_kept_where_the_template_is_the_servers(tmp_path: Path):
    folder = folder_of(tmp_path)
    output, _, about = answer(whole(folder))
    assert output.rendered == "[system]Be brief.</s>[user]Why?</s>[assistant]"
    assert about["capabilities"]["chat_template"] is True


def test_another_template_than_the_servers_is_found_out(tmp_path: Path):
    script = whole(folder_of(tmp_path), template=lambda messages: render(messages, "<bot>"))
    output, _, about = answer(script)
    assert output.rendered is None
    assert "another than that of" in about["capabilities"]["why"]["chat_template"]


@pytest.mark.parametrize("known", [True, False])
def test_stops_are_sent_where_the_template_is_known_and_applied_in_any_case(tmp_path: Path, known: bool):
    script = whole(folder_of(tmp_path), turn=lambda body: say(content="42\nQuestion: next"))
    script.template = render if known else lambda messages: "other"
    output, (body,), _ = answer(script, stop=["\nQuestion:"])
    assert output.text == "42"
    assert body.get("stop") == (["\nQuestion:"] if known else None)


@pytest.mark.parametrize("field", ["content", "reasoning_content"])
def test_a_stop_inside_a_thought_is_asked_again_without_it(tmp_path: Path, field: str):
    def turn(body: dict[str, Any]) -> dict[str, Any]:
        if "stop" in body:
            begun = {"content": "<think>Let me see"} if field == "content" else {"reasoning_content": "Let me see"}
            return say(**begun, stop_reason="\nQuestion:")
        return say(content="<think>Let me see\nQuestion: which?</think>42")

    output, bodies, _ = answer(whole(folder_of(tmp_path), turn=turn), stop=["\nQuestion:"])
    assert output.text == "42"
    assert ["stop" in body for body in bodies] == [True, False]
    assert output.usage.requests == 2


def test_a_template_that_takes_no_system_turn_is_found_out():
    def turn(body: dict[str, Any]) -> dict[str, Any]:
        if body["messages"][0]["role"] == "system":
            raise ValueError("System role not supported")
        return say(content="Hello")

    _, _, about = answer(Script(turn=turn), Conversation("Hi", [Message("user", "Hi")]))
    assert about["capabilities"]["chat_system"] is False
    assert "System role not supported" in about["capabilities"]["why"]["chat_system"]


def test_before_a_start_an_endpoint_is_known_by_the_name_that_it_serves():
    with ScriptedServer(Script(model="org/llama-instruct")) as server:
        service = make_service(ServiceOptions(base_urls=(server.url,)))
        assert service.chat_model == {"is": True, "why": "its name says instruct"}
        assert server.requests == []
        named = make_service(ServiceOptions(base_urls=(server.url,), model="llama2-7b"))
        assert named.chat_model == {"is": False, "why": "models.yaml says so"}
    assert make_service(ServiceOptions(base_urls=(server.url,))).chat_model is None  # nobody answers any more


def test_a_server_without_chat_says_why():
    _, _, about = answer(Script(chat=False), "6 times 7 =")
    abilities = about["capabilities"]
    assert not any(abilities[name] for name in ("chat", "chat_system", "chat_template"))
    assert "404" in abilities["why"]["chat"]


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("meta-llama/Llama-2-7b-chat-hf", "chat"),
        ("Qwen/Qwen2.5-7B-Instruct@abc", "instruct"),
        ("google/gemma-2-9b-it", "it"),
        ("out/my_assistant", "assistant"),
        ("out/llama-instruct/", "instruct"),
        ("google/gemma-2-9b", None),
        ("THUDM/chatglm3-6b-base", None),
        ("org/biting-bits", None),
        ("/home/chat/instruct/llama", None),
        ("chat/llama", None),
    ],
)
def test_a_name_says_so_by_a_word_in_its_last_part(name: str, word: str | None):
    assert chat_names.says(name) == word


@pytest.mark.parametrize(
    ("names", "known"),
    [
        (("phi-4",), True),
        (("llama2-7b",), False),
        (("Qwen/Qwen3-8B-Base",), False),
        (("microsoft/phi-4@1234",), True),
        ((None, "org/some-chat"), True),
        ((None, "org/some"), None),
        ((), None),
    ],
)
def test_models_yaml_comes_before_the_name(names: Any, known: bool | None):
    found = chat_names.known(names)
    assert (None if found is None else found["is"]) is known
