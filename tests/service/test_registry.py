"""models.yaml: the one that comes along, and one of the user's over it."""

from __future__ import annotations

import argparse
import importlib
import tomllib
from pathlib import Path

import pytest
from proctor.errors import ServiceError
from proctor_service import models, models_command
from proctor_service.serving import causal, command

MEANT = ("llama2-7b", "llama2-13b", "llama2-70b", "llama2-7b-chat", "mistral-7b", "qwen", "minicpm", "gemma")


@pytest.fixture
def own(tmp_path: Path):
    def write(text: str) -> Path:
        models.registry.cache_clear()
        file = tmp_path / "models.yaml"
        file.write_text(text)
        return file

    return write


def test_the_names_that_people_know_are_there():
    known = models.registry()
    assert set(MEANT) <= set(known)
    assert known["llama2-7b-chat"].chat
    assert known["llama2-7b"].chat is False
    assert known["llama2-70b"].gated
    for name, entry in known.items():
        assert entry.chat is not None, name


def test_code_of_a_repository_runs_pinned_or_not_at_all():
    from proctor_service.launching import vllm

    gpu = vllm.Installation("python", "vllm", "0.32.0")
    for name in ("minicpm", "chatglm3-6b", "baichuan2-7b", "internlm2-7b"):
        assert "--trust-remote-code" in vllm.arguments(gpu, models.find(name), None, ""), name
    with pytest.raises(ServiceError, match="`revision` in your models.yaml"):
        vllm.arguments(gpu, models.find("baichuan2-13b"), None, "")


def test_a_file_of_the_users_is_merged_over_it(own, tmp_path: Path):
    (tmp_path / "ckpt").mkdir()
    file = own(
        "mine: {id: ckpt, chat: true, context: 2048, arguments: [--max-num-seqs, 8, --dtype, float32]}\n"
        "llama2-7b: {arguments: [--quantization, awq]}\n"
        "mistral-7b: {id: me/mistral}\n"
        "judge: {id: openai/gpt-4o}\n"
    )
    mine = models.find("mine", file)
    assert mine == models.Weights(
        "mine", str(tmp_path / "ckpt"), arguments=("--max-num-seqs", "8", "--dtype", "float32")
    )
    changed = models.registry(file)["llama2-7b"]
    assert (changed.id, changed.arguments) == ("meta-llama/Llama-2-7b-hf", ("--quantization", "awq"))
    assert changed.revision == models.registry()["llama2-7b"].revision
    replaced = models.registry(file)["mistral-7b"]
    assert replaced == models.Entry("me/mistral"), "another repository has not the old one's commit"
    assert models.registry(file)["judge"].id == "openai/gpt-4o"
    assert models.registry(file).keys() > models.registry().keys()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mine: {id: a/b, argumants: []}", r"mine: argumants: there is no such key; did you mean arguments\?"),
        ("mine: {id: a/b, size: 7}", r"mine: size: .*known are id, revision, chat, context, arguments, gated"),
        ("mine: {id: 7}", "mine: id: a Hugging Face id or a folder is needed, not 7"),
        ("mine: {id: a/b, revision: 123}", r"mine: revision: .*in quotes"),
        ("mine: {id: a/b, chat: yes please}", "mine: chat: true or false is needed"),
        ("mine: {id: a/b, context: 8k}", "mine: context: a number of tokens is needed"),
        ("mine: {id: a/b, context: true}", "mine: context: a number of tokens is needed"),
        ("mine: {id: a/b, context: -1}", "mine: context: a number of tokens is needed"),
        ("mine: {id: a/b, arguments: --dtype half}", "mine: arguments: a list of vLLM's arguments"),
        ("mine: {id: a/b, arguments: [true]}", "mine: arguments: a list of vLLM's arguments"),
        ("mine: {chat: true}", "mine: an entry needs an `id`"),
        ("mine: me/model", r"mine: a mapping with id, .* is needed, not 'me/model'"),
        ("mine: {id: ./no/such/folder}", r"mine: id: there is no folder .*no/such/folder"),
        ("my model: {id: a/b}", "my model: a short name is letters"),
        ("mine: {id: a/b}\nmine: {id: c/d}", "models.yaml:1: not YAML: mine stands twice"),
        ("mine: {id: a/b, id: c/d}", "id stands twice"),
        ("mine: {id: a/b}}", "models.yaml:1: not YAML"),
        ("- id: a/b", r"a mapping of short names is needed, .*--models"),
    ],
)
def test_what_is_wrong_is_told_with_file_entry_and_key(own, text: str, message: str):
    with pytest.raises(ServiceError, match=message) as caught:
        models.registry(own(text))
    assert "models.yaml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_empty_file_changes_nothing_and_a_missing_one_is_told(own, tmp_path: Path):
    assert models.registry(own("# nothing yet\n")) == models.registry()
    with pytest.raises(ServiceError, match="cannot be read: No such file"):
        models.registry(tmp_path / "other.yaml")


def listed(*arguments: str) -> list[list[str]]:
    parser = argparse.ArgumentParser()
    models_command.arguments(parser)
    chosen = parser.parse_args(arguments)
    return [list(row) for row in models_command.rows(models.own_file(chosen.models), chosen.names)]


def test_the_command_lists_names_of_both_files(own, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys):
    file = own("mine: {id: me/model, chat: false}\n")
    assert listed("--models", str(file), "me/model") == [["mine", "me/model", "base", "", "", ""]]
    monkeypatch.chdir(tmp_path)
    assert ["mine", "me/model", "base", "", "", ""] in listed()
    parser = argparse.ArgumentParser()
    models_command.arguments(parser)
    assert models_command.run(parser.parse_args(["llama2-7b"]), parser) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == ["name", "id", "kind", "context", "gated", "licence"]
    assert [row.split()[0] for row in rows] == ["llama2-7b", "llama2-7b-chat"]
    assert rows[0].split()[1:] == ["meta-llama/Llama-2-7b-hf@01c7f73d", "base", "4096", "gated", "llama2"]
    with pytest.raises(ServiceError, match="no short name or id holds nothing-like-it"):
        models_command.run(parser.parse_args(["nothing-like-it"]), parser)


def test_the_project_names_the_command():
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    module = importlib.import_module(project["entry-points"]["proctor.commands"]["models"])
    assert module is models_command
    assert module.HELP


@pytest.mark.parametrize("named", [True, False], ids=["named", "of the folder"])
def test_a_command_takes_names_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: bool):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(causal, "installed", lambda: False)
    (tmp_path / ("named.yaml" if named else "models.yaml")).write_text("mine: {id: me/weights}\n")
    parser = argparse.ArgumentParser()
    command.arguments(parser)
    chosen = parser.parse_args(["mine", *(["--models", "named.yaml"] if named else [])])
    with pytest.raises(ServiceError, match="me/weights needs transformers"):
        command.run(chosen, parser)
