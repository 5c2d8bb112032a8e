"""`proctor published`: what is listed, and real runs of the embedded model beside published scores."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from proctor.command import main
from suites import Suite, small_data


@pytest.fixture
def rows(checkout: Suite, monkeypatch: pytest.MonkeyPatch) -> Suite:
    """The two benchmarks, and rows of one's own."""
    (checkout.path / "rows").mkdir()
    small_data(checkout.path / "rows")
    monkeypatch.chdir(checkout.path)
    return checkout


@pytest.fixture
def run(rows: Suite) -> Suite:
    """A run of a scripted model on them, in the folder `own`."""
    assert rows.run("evals", "--data-dir=rows", "--report-dir=own").ret == 0
    return rows


def said(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert main(["published", *arguments]) == code
    captured = capsys.readouterr()
    return captured.err if code == 4 else captured.out


def verdict(task: dict[str, Any], metric: str, score: float, rounding: float) -> str:
    low, high = (100 * end for end in task["metrics"][metric]["ci95"])
    beyond = max(low - score, score - high)
    if beyond > rounding:
        return f"outside by {beyond:.2f}"
    return "within" if (high - low) / 2 <= 15 else "not comparable"


def test_a_real_run_beside_published_scores(rows: Suite, capsys: pytest.CaptureFixture[str]):
    done = rows.served("evals", "--data-dir=rows", "--report-dir=own", "--set", "gsm8k.max_tokens=48")
    assert done.ret == 0
    capsys.readouterr()
    tasks = {task["task"]: task for task in rows.report("own")["tasks"]}
    lines = said(capsys, "own", "--model", "llama2-13b").splitlines()
    assert lines[0].startswith("llama2-13b as published, beside own: proctor-embedded (proctor-embedded")
    assert lines[2].split() == [
        *("task", "metric", "source", "published", "here", "95", "%", "interval", "±", "n", "verdict"),
    ]
    told = {tuple(line.split()[:4]): line for line in lines[3:] if not line.startswith(" ")}
    gsm8k = told["gsm8k", "(gen)", "exact_match", "gemma"]
    assert "28.7" in gsm8k
    assert gsm8k.endswith(verdict(tasks["gsm8k"], "exact_match", 28.7, 0.05))
    mmlu = told["mmlu", "(ppl)", "accuracy", "llama2"]
    assert mmlu.endswith(verdict(tasks["mmlu"], "accuracy", 54.8, 0.05))
    value, (low, high) = tasks["mmlu"]["metrics"]["accuracy"]["value"], tasks["mmlu"]["metrics"]["accuracy"]["ci95"]
    ours = f"{100 * value:.2f} {100 * low:.2f} … {100 * high:.2f} {50 * (high - low):.1f} 12"
    assert f" 54.8 {ours} " in " ".join(mmlu.split())
    assert (
        "weights: proctor-embedded; the data hold 12 samples, the authors' 1,319; as quoted there from Llama 2"
        in lines[lines.index(gsm8k) + 1]
    )
    mistral = told["gsm8k", "(gen)", "exact_match", "mistral"]
    assert mistral.endswith("not comparable")
    assert "    the majority of eight outputs; " in lines[lines.index(mistral) + 1]
    zero = told["mmlu", "(ppl)", "accuracy", "tulu2"]
    assert zero.endswith("not comparable")
    assert "published with 0 shots, here 5" in lines[lines.index(zero) + 1]
    assert any("more are of benchmarks that the run does not have" in line for line in lines)
    assert any(line.startswith("mistral: Mistral 7B, arXiv:2310.06825, Table 2; read from") for line in lines)


def test_markdown_and_one_benchmark(run: Suite, capsys: pytest.CaptureFixture[str]):
    text = said(capsys, "own", "--model=llama2-13b", "--benchmark=gsm8k", "--markdown=kept/out.md")
    assert "mmlu" not in text.partition("\n\n")[2].partition("llama2:")[0]
    kept = (run.path / "kept" / "out.md").read_text(encoding="utf-8")
    assert kept.startswith("# llama2-13b as published, beside own: fake (fake 1)")
    rows = [line for line in kept.splitlines() if line.startswith("| gsm8k")]
    assert len(rows) == sum(line.startswith("gsm8k") for line in text.splitlines())
    assert all(line.count("|") == 11 for line in rows)


def test_strict_says_by_its_exit_code(run: Suite, capsys: pytest.CaptureFixture[str]):
    (task,) = [task for task in run.report("own")["tasks"] if task["task"] == "mmlu"]
    text = said(capsys, "own", "--model=gpt-4", "--benchmark=mmlu")
    outside = "outside by" in text
    assert outside == verdict(task, "accuracy", 83.93, 0.005).startswith("outside")
    said(capsys, "own", "--model=gpt-4", "--benchmark=mmlu", "--strict", code=1)  # or twelve samples are too few
    # Nothing that could be compared is no success either.
    said(capsys, "own", "--model=mistral-7b", "--benchmark=math", "--strict", code=1)


def test_bundled_samples_are_not_compared(checkout: Suite, capsys: pytest.CaptureFixture[str], monkeypatch: Any):
    assert checkout.run("evals", "-k", "gsm8k", "--model=proctor:gold", "--report-dir=own").ret == 0
    monkeypatch.chdir(checkout.path)
    text = said(capsys, "own", "--model=llama2-7b", "--benchmark=gsm8k")
    assert "0 within, 0 outside" in text
    assert text.count("bundled samples, not the published ones") == text.count("\ngsm8k (gen)")
    assert "no figures of proctor:gold are known" in said(capsys, "own", code=4)


def test_what_is_known_is_listed(capsys: pytest.CaptureFixture[str]):
    lines = said(capsys).splitlines()
    assert lines[0].split() == ["model", "also", "called", "sources", "figures", "benchmarks"]
    (one,) = [line for line in lines if line.startswith("smollm2-135m-instruct")]
    assert one.split()[1:3] == ["HuggingFaceTB/SmolLM2-135M-Instruct", "smollm2"]
    text = said(capsys, "--model", "HuggingFaceTB/SmolLM2-135M-Instruct")
    rows = [line.split() for line in text.splitlines()]
    assert ["smollm2-135m-instruct", "hellaswag", "acc_norm_chars", "ppl", "smollm2", "0", "40.9"] in rows
    assert ["smollm2-135m-instruct", "mmlu", "acc_norm_chars", "cloze", "smollm2", "0", "29.3"] in rows
    assert "    examples of the test rows" in text
    assert "\nsmollm2: Model cards of SmolLM2, https://huggingface.co/HuggingFaceTB/SmolLM2-1.7B" in text


def test_one_benchmark_of_all_models(capsys: pytest.CaptureFixture[str]):
    rows = [line.split() for line in said(capsys, "--benchmark", "storycloze").splitlines()]
    assert rows[1] == ["gpt-3-175b", "storycloze", "accuracy", "ppl", "gpt3", "0", "83.2"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--model", "lama2-7b"), "lama2-7b: no figures of a model of this name are known. Did you mean llama2-7b"),
        (("nowhere",), "nowhere/report.json: No such file or directory; name a run's folder"),
        (("damaged",), "damaged/report.json: not the report of a run: KeyError: 'tasks'"),
        (("damaged/report.json",), "damaged/report.json: this is a file; name the folder of a run"),
        (("foreign",), "foreign/report.json: the schema is None, not proctor.report/1"),
    ],
)
def test_what_is_wrong_is_told(
    tmp_path: Path, monkeypatch: Any, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
):
    for name, content in (
        ("damaged", {"schema": "proctor.report/1", "model": {"name": "gpt-4"}}),
        ("foreign", {"results": {}}),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "report.json").write_text(json.dumps(content))
    monkeypatch.chdir(tmp_path)
    assert message in said(capsys, *arguments, code=4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--strict",), "--strict and --markdown are for a run"),
        (("--markdown=x.md", "--model=gpt-4"), "--strict and --markdown are for a run"),
        (("--benchmark=hellasswag",), "hellasswag"),
    ],
)
def test_called_wrongly(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str):
    with pytest.raises(SystemExit) as caught:
        main(["published", *arguments])
    assert caught.value.code == 2
    assert message in capsys.readouterr().err
