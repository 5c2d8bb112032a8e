"""Chat templates: which one is a model's, and what it makes of a conversation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from proctor.errors import ServiceError
from proctor.model import Message
from proctor_service.chat_template import ChatTemplate, TemplateError, load

HI = [Message("user", "Hi"), Message("assistant", "Hello!"), Message("user", "1 < 2 & “so”?")]


def folder(path: Path, own: str | None = None, **config: Any) -> str:
    (path / "tokenizer_config.json").write_text(json.dumps(config))
    if own is not None:
        (path / "chat_template.jinja").write_text(own)
    return str(path)


def test_the_configuration_holds_the_template_and_its_tokens(tmp_path: Path):
    tokens = {"bos_token": "<s>", "eos_token": {"content": "</s>", "lstrip": False}, "pad_token": None}
    found = load(folder(tmp_path, chat_template="{{ bos_token }}{{ messages[0].content }}{{ eos_token }}", **tokens))
    assert found is not None
    assert found.render(HI) == "<s>Hi</s>"


def test_a_file_of_its_own_comes_first(tmp_path: Path):
    found = load(folder(tmp_path, own="file", chat_template="configuration"))
    assert found is not None
    assert found.render(HI) == "file"


def test_of_several_the_default_one_is_taken(tmp_path: Path):
    named = [{"name": "tool_use", "template": "tools"}, {"name": "default", "template": "plain"}]
    found = load(folder(tmp_path, chat_template=named))
    assert found is not None
    assert found.render(HI) == "plain"


def test_a_tokenizers_file_has_the_template_beside_it(tmp_path: Path):
    folder(tmp_path, chat_template="beside")
    (tmp_path / "tokenizer.json").write_text("{}")
    found = load(str(tmp_path / "tokenizer.json"))
    assert found is not None
    assert found.source == "beside"


def test_a_base_model_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert load(folder(tmp_path)) is None
    assert load(str(tmp_path / "nowhere")) is None


def test_a_broken_configuration_is_an_error_that_names_it(tmp_path: Path):
    (tmp_path / "tokenizer_config.json").write_text("{")
    with pytest.raises(ServiceError, match=f"chat template of {tmp_path} cannot be read"):
        load(str(tmp_path))


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("  {% if true %}\n  one\n  {% endif %}\ntwo\n", "  one\ntwo"),
        ("{% for m in messages %}{% if loop.index > 1 %}{% break %}{% endif %}{{ m.content }}{% endfor %}", "Hi"),
        ("{{ messages[2].content | tojson }}", '"1 < 2 & “so”?"'),
        ("{{ {'b': 1, 'a': 2} | tojson(indent=1) }}", '{\n "b": 1,\n "a": 2\n}'),
        ("{% generation %}{{ messages[1]['content'] }}{% endgeneration %}!", "Hello!!"),
        ("{{ strftime_now('%%') }}", "%"),
        ("{% if add_generation_prompt and not tools %}go{% endif %}", "go"),
        ("{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}{% endfor %}{{ ns.n }}", "3"),
        ("{{ nothing }}.", "."),
    ],
)
def test_templates_mean_what_they_mean_to_transformers(source: str, text: str):
    assert ChatTemplate(source).render(HI) == text


@pytest.mark.parametrize(
    "source",
    [
        "{{ raise_exception('roles must alternate') }}",
        "{{ messages[7].content }}",
        "{{ messages.append(1) }}",
        "{{ ''.__class__.__mro__ }}",
        "{% for %}",
    ],
)
def test_what_a_template_refuses_or_may_not_do_is_an_error(source: str):
    with pytest.raises(TemplateError):
        ChatTemplate(source).render(HI)


def test_the_words_of_a_refusal_are_kept():
    with pytest.raises(TemplateError, match="roles must alternate"):
        ChatTemplate("{{ raise_exception('roles must alternate') }}").render(HI)
