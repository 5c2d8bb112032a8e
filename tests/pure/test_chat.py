"""A prompt as a conversation, and what becomes of stops and limits in it."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from proctor.chat import LEAST_TOKENS, Chat, decide
from proctor.errors import ServiceError, SetupError
from proctor.model import Conversation, Message, follow_up
from proctor.prompts import Prompt
from proctor.reporting.records import prompt_sha256
from proctor.sample import Sample

TURNS, TEXT = Chat(on=True), Chat(on=True, fewshot_as="text")
PLAIN = Prompt("About sums.\n\n", "Q: {{ question }}\nA:", " {{ target }}\n\n", "here")
SHOTS = [Sample(question="one", target="1"), Sample(question="two", target="2")]
texts = st.text(st.sampled_from("ab \n\t{%"), max_size=6)


def spoken(conversation: Conversation) -> list[tuple[str, str]]:
    return [(turn.role, turn.content) for turn in conversation.messages]


def settings(**changes: Any) -> Any:
    chosen = {"chat": "auto", "fewshot_as": "turns", "system": None, "max_tokens": None}
    return SimpleNamespace(**chosen | changes)


def model(chat_model: Any = None, length: int | None = None, **capabilities: Any) -> dict[str, Any]:
    return {
        "name": "m",
        "chat_model": chat_model,
        "capabilities": capabilities,
        "engine_args": {} if length is None else {"max_model_len": length},
    }


KNOWN = {"is": True, "why": "its name says chat"}


def test_shots_are_turns_and_the_header_stands_in_the_first():
    assert spoken(PLAIN.conversation(Sample(question="three"), SHOTS, TURNS)) == [
        ("user", "About sums.\n\nQ: one\nA:"),
        ("assistant", "1"),
        ("user", "Q: two\nA:"),
        ("assistant", "2"),
        ("user", "Q: three\nA:"),
    ]


def test_without_shots_there_is_one_turn():
    assert spoken(PLAIN.conversation(Sample(question="three"), [], TURNS)) == [("user", "About sums.\n\nQ: three\nA:")]


def test_as_text_the_whole_prompt_is_one_turn():
    conversation = PLAIN.conversation(Sample(question="three"), SHOTS, TEXT)
    assert spoken(conversation) == [("user", PLAIN.render(Sample(question="three"), SHOTS))]


def test_the_system_turn_comes_first():
    for form in ("turns", "text"):
        chat = Chat(on=True, fewshot_as=form, system="Be brief.")
        assert spoken(PLAIN.conversation(Sample(question="three"), SHOTS, chat))[0] == ("system", "Be brief.")


def test_a_shot_without_an_answer_stands_before_what_is_asked_next():
    prompt = Prompt("", "{{ question }}", "{{ target or '' }}\n", "here")
    shots = [Sample(question="told"), Sample(question="one", target="1"), Sample(question="told too")]
    assert spoken(prompt.conversation(Sample(question="two"), shots, TURNS)) == [
        ("user", "told\none"),
        ("assistant", "1"),
        ("user", "told too\ntwo"),
    ]


@given(texts, texts, st.lists(st.tuples(texts, texts), max_size=4), texts)
def test_turns_hold_what_the_text_holds_but_for_white_space(header: str, before: str, rows: Any, question: str):
    prompt = Prompt("{{ subject }}", before.replace("{", "(") + "{{ question }}", "{{ target }}", "here")
    shots = [Sample(question=one, target=two) for one, two in rows]
    sample = Sample(question=question, groups={"subject": header})
    shots = [Sample(question=one.question, target=one.target, groups={"subject": header}) for one in shots]
    for chat in (TURNS, TEXT):
        conversation = prompt.conversation(sample, shots, chat)
        roles = [turn.role for turn in conversation.messages]
        assert roles == ["user", "assistant"] * (len(roles) // 2) + ["user"]
        assert all(turn.content == turn.content.strip() for turn in conversation.messages)
        together = "".join(turn.content for turn in conversation.messages)
        assert "".join(together.split()) == "".join(prompt.render(sample, shots).split())
        assert str(conversation) == prompt.render(sample, shots)


def test_a_conversation_depends_on_its_sample_alone():
    first = PLAIN.conversation(Sample(question="three"), SHOTS, TURNS)
    PLAIN.conversation(Sample(question="four"), SHOTS[:1], TURNS)
    assert PLAIN.conversation(Sample(question="three"), SHOTS, TURNS).messages == first.messages


def test_the_hash_tells_forms_apart():
    sample = Sample(question="three")
    system = Chat(on=True, system="Be brief.")
    hashes = {prompt_sha256(PLAIN.conversation(sample, SHOTS, chat)) for chat in (TURNS, TEXT, system)}
    assert len(hashes | {prompt_sha256(PLAIN.render(sample, SHOTS))}) == 4


def test_a_conversation_goes_on_by_turns_and_a_text_by_text():
    conversation = Chat(on=True).conversation("Why?")
    gone_on = follow_up(conversation, " Because.\n", "\n\nSure?")
    assert isinstance(gone_on, Conversation)
    assert gone_on.messages == (Message("user", "Why?"), Message("assistant", "Because."), Message("user", "Sure?"))
    assert follow_up("Why?", " Because.\n", "\n\nSure?") == "Why? Because.\n\n\nSure?" == str(gone_on)


@pytest.mark.parametrize(
    ("stops", "kept"),
    [
        (["\n\n"], []),
        (["\n", " ", "\n\nQ:"], ["\n\nQ:"]),
        (["\nQuestion:", "\n问题："], ["\nQuestion:", "\n问题："]),
        (["Question:"], []),
        (["[DONE]"], []),
    ],
)
def test_stops_that_begin_a_question_stay(stops: list[str], kept: list[str]):
    assert Chat(on=True).parameters({"stop": stops}, (), code=False) == {"stop": kept}
    assert Chat(on=True).parameters({"stop": stops}, (), code=True) == {"stop": []}
    assert Chat(on=True).parameters({"stop": stops}, {"stop"}, code=True) == {"stop": stops}


@pytest.mark.parametrize(("allowed", "least", "given"), [(16, 1024, 1024), (2048, 1024, 2048), (16, 1, 16)])
def test_answers_have_room(allowed: int, least: int, given: int):
    assert Chat(on=True, least_tokens=least).parameters({"max_tokens": allowed}, (), code=False)["max_tokens"] == given


def test_a_limit_that_was_chosen_stays():
    assert Chat(on=True, least_tokens=1024).parameters({"max_tokens": 8}, {"max_tokens"}, code=False)["max_tokens"] == 8


@pytest.mark.parametrize(
    ("about", "on", "why"),
    [
        (model(), False, "nothing says"),
        (model(KNOWN), True, "its name says chat"),
        (model(KNOWN, chat=True), True, "its name says chat"),
        (model(KNOWN, chat=False, why={"chat": "status 404"}), False, "its name says chat, but .*status 404"),
        (model({"is": False, "why": "models.yaml says so"}, chat=True), False, "models.yaml says so"),
        (model(None, chat=True), False, "nothing says"),
        (model(None, chat=True, completions=False), True, "chat completions alone"),
    ],
)
def test_auto_asks_as_a_chat_model_what_is_known_to_be_one(about: Any, on: bool, why: str):
    chat = decide(settings(), about)
    assert chat.on is on
    assert re.search(why, chat.why)


def test_a_choice_wins_over_what_is_known():
    assert decide(settings(chat="on"), model()).on
    off = decide(settings(chat="off"), model(KNOWN))
    assert (off.on, off.known) == (False, True)


@pytest.mark.parametrize(
    ("chosen", "about", "words"),
    [
        ({"chat": "on"}, model(chat=False, why={"chat": "no template"}), r"\(no template\)\. --chat=off"),
        ({"chat": "on"}, {**model(chat=False), "engine": "vllm"}, r"--chat-template FILE.*--chat=off"),
        ({"chat": "off"}, model(completions=False), "leave --chat out"),
        ({"system": "x"}, model(), r"--system.*nothing says.*--chat=on"),
        ({"chat": "on", "system": "x"}, model(chat_system=False, why={"chat_system": "roles"}), r"roles.*--prompt"),
    ],
)
def test_what_cannot_be_is_refused_with_the_next_step(chosen: Any, about: Any, words: str):
    with pytest.raises((ServiceError, SetupError), match=words):
        decide(settings(**chosen), about)


@pytest.mark.parametrize(
    ("length", "limit", "least"),
    [(None, None, LEAST_TOKENS), (131072, None, LEAST_TOKENS), (2048, None, 512), (2048, 4000, 4000)],
)
def test_the_default_room_leaves_the_prompt_its_own(length: int | None, limit: int | None, least: int):
    assert decide(settings(max_tokens=limit), model(KNOWN, length)).least_tokens == least


def test_how_it_was_asked_travels_as_json():
    chat = Chat(True, "its name says chat", True, "text", "Be brief.", 256)
    assert Chat(**chat.as_record()) == chat
    assert not Chat(**Chat(False, "--chat=off", system="Be brief.").as_record()).on
