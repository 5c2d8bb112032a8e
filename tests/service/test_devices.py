"""How several vLLMs share the devices of a machine."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from proctor.errors import ServiceError
from proctor_service import models
from proctor_service.launching import devices, vllm

SMI = """GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-7f57f032-34ab-a064-c37c-7a4f75601cc5)
  MIG 2g.20gb     Device  0: (UUID: MIG-377e0049-554c-540b-93c6-d0976f8426cb)
  MIG 1g.10gb     Device  1: (UUID: MIG-f39aa248-6f1b-5769-b119-8d650bb34b27)
GPU 1: NVIDIA H100 80GB HBM3 (UUID: GPU-8c7c9c30-f12f-20bf-e14e-d3c4c965af32)
"""


@pytest.fixture
def smi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An nvidia-smi that lists one GPU, and another one in two slices."""
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{SMI}END\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")


def visible(environment: dict[str, str], replicas: int, *arguments: str) -> list[str]:
    made = devices.environments(environment, arguments, replicas, cpu=False)
    return [one["CUDA_VISIBLE_DEVICES"] for one in made]


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("0,1,2,3", ("0", "1", "2", "3")),
        ("3, 1", ("3", "1")),
        ("GPU-7f57f032,GPU-8c7c9c30", ("GPU-7f57f032", "GPU-8c7c9c30")),
        ("MIG-377e0049", ("MIG-377e0049",)),
        ("", ()),
        ("-1", ()),
        ("0,-1,1", ("0",)),
    ],
)
def test_what_the_environment_shows_is_what_there_is(value: str, names: tuple[str, ...]):
    assert devices.gpus({"CUDA_VISIBLE_DEVICES": value}).names == names


def test_without_it_nvidia_smi_says_and_a_gpu_in_slices_is_its_slices(smi: None):
    slices = ("MIG-377e0049-554c-540b-93c6-d0976f8426cb", "MIG-f39aa248-6f1b-5769-b119-8d650bb34b27")
    assert devices.gpus({}).names == (*slices, "1")
    (first, *_) = devices.environments({}, (), 3, cpu=False)
    assert first["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"


def test_replicas_get_equal_shares_in_order():
    four = {"CUDA_VISIBLE_DEVICES": "4,5,6,7"}
    assert visible(four, 4) == ["4", "5", "6", "7"]
    assert visible(four, 2, "--tensor-parallel-size", "2") == ["4,5", "6,7"]
    assert visible(four, 2, "-tp=2") == ["4,5", "6,7"]
    assert visible(four, 1, "--tensor_parallel_size=2", "-pp", "2") == ["4,5,6,7"]
    assert visible({"CUDA_VISIBLE_DEVICES": "GPU-a,GPU-b"}, 2) == ["GPU-a", "GPU-b"]


@given(count=st.integers(0, 16), replicas=st.integers(1, 8), each=st.integers(1, 4))
def test_shares_are_equal_apart_and_large_enough_or_refused(count: int, replicas: int, each: int):
    there = devices.Devices("GPUs", tuple(map(str, range(count))), "a test")
    if count < replicas * each or count % replicas:
        with pytest.raises(ServiceError, match=rf"{count} GPUs \(a test"):
            devices.shares(there, replicas, each)
        return
    shares = devices.shares(there, replicas, each)
    assert len(shares) == replicas
    assert {len(share) for share in shares} == {count // replicas}
    assert count // replicas >= each
    assert [name for share in shares for name in share] == list(there.names)


@pytest.mark.parametrize(
    ("value", "replicas", "arguments", "message"),
    [
        (
            "0,1,2,3",
            3,
            (),
            r"4 GPUs \(CUDA_VISIBLE_DEVICES: 0,1,2,3\) cannot .*among 3; 1, 2, 4 would go",
        ),
        ("0,1", 4, (), r"one each, and there are 2 GPUs .*--replicas=2 is the most"),
        ("0,1", 2, ("-tp", "2"), r"2 each \(4\), and there are 2 GPUs .*--replicas=1 is the most"),
        ("", 2, (), r"there are 0 GPUs \(CUDA_VISIBLE_DEVICES: none\): name devices"),
        ("0,1", 2, ("--distributed-executor-backend=ray",), r"Ray places engines by itself; .*--data-parallel-size"),
    ],
)
def test_what_cannot_be_says_what_there_is(value: str, replicas: int, arguments: tuple[str, ...], message: str):
    with pytest.raises(ServiceError, match=message):
        visible({"CUDA_VISIBLE_DEVICES": value}, replicas, *arguments)


def test_cores_and_cache_are_divided_on_a_machine_without_gpus():
    made = devices.environments({"VLLM_CPU_OMP_THREADS_BIND": "0-3,8,9"}, (), 2, cpu=True)
    assert [one["VLLM_CPU_OMP_THREADS_BIND"] for one in made] == ["0,1,2", "3,8,9"]
    one, half = (int(devices.with_cache({}, replicas)["VLLM_CPU_KVCACHE_SPACE"]) for replicas in (1, 2))
    assert half == max(1, one // 2)
    (kept,) = devices.environments({"VLLM_CPU_KVCACHE_SPACE": "7"}, (), 1, cpu=True)
    assert kept["VLLM_CPU_KVCACHE_SPACE"] == "7"


def test_the_ranks_of_one_engine_have_cores_of_their_own():
    (made,) = devices.environments({"VLLM_CPU_OMP_THREADS_BIND": "0-3"}, ("-tp", "2"), 1, cpu=True)
    assert made["VLLM_CPU_OMP_THREADS_BIND"] == "0,1|2,3"


@pytest.mark.parametrize("value", ["nobind", "0-1|2-3", "first"])
def test_cores_that_cannot_be_divided_are_refused(value: str):
    with pytest.raises(ServiceError, match=r"cannot be divided .*0-15"):
        devices.environments({"VLLM_CPU_OMP_THREADS_BIND": value}, (), 2, cpu=True)


def test_all_cores_of_this_process_are_shared():
    cores = sorted(os.sched_getaffinity(0))
    made = devices.environments({}, (), len(cores), cpu=True)
    assert [one["VLLM_CPU_OMP_THREADS_BIND"] for one in made] == list(map(str, cores))


def test_idle_gpus_are_told():
    made = devices.environments({"CUDA_VISIBLE_DEVICES": "0,1,2,3"}, (), 2, cpu=False)
    told = vllm.division(made, ())
    assert told.startswith("GPUs of each: 0,1 / 2,3; each uses 1 of its 2 GPUs")
    assert vllm.division(made, ("-tp", "2")) == "GPUs of each: 0,1 / 2,3"


def test_each_has_a_log_of_its_own(tmp_path: Path):
    assert vllm.logs(tmp_path / "service.log", None) == [tmp_path / "service.log"]
    assert vllm.logs(tmp_path / "service.log", 1) == [tmp_path / "service.log"]
    assert [log.name for log in vllm.logs(tmp_path / "service.log", 2)] == ["service-1.log", "service-2.log"]


def test_arguments_pass_unchanged(tmp_path: Path):
    """Quotes, `=`, JSON, a flag given twice; those of the registry come first, so that the user's win."""
    weights = models.Weights("mine", "me/mine", arguments=("--max-model-len", "4096"))
    given = (
        """--max-model-len=8192 --limit-mm-per-prompt '{"image": 2, "video": 0}' --chat-template "a b.jinja" """
        """--rope-scaling={"rope_type":"yarn"} --lora-modules a=x --lora-modules b=y -O3 -tp 2"""
    )
    gpu = vllm.Installation("python", "vllm", "0.32.0")
    assert vllm.arguments(gpu, weights, None, given)[2:] == [
        *("--max-model-len", "4096", "--max-model-len=8192"),
        *("--limit-mm-per-prompt", '{"image": 2, "video": 0}', "--chat-template", "a b.jinja"),
        "--rope-scaling={rope_type:yarn}",
        *("--lora-modules", "a=x", "--lora-modules", "b=y", "-O3", "-tp", "2"),
    ]
