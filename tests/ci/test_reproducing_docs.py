"""docs/reproducing.md: its commands run, on gold answers and bundled samples in place of weights and published ones."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from proctor.command import main
from proctor.statistics.intervals import wilson

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reproducing.md"
FEW = 1
"""Examples of a few-shot run here: bundled files hold no 25."""


def commands() -> list[list[str]]:
    """The lines of the page's shell blocks, as words."""
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    return [shlex.split(line) for block in blocks for line in block.splitlines() if line]


PYTEST = [words for words in commands() if words[0] == "pytest"]


def changed(words: list[str]) -> list[str]:
    """A command on gold answers: the same options, but for what needs weights, a GPU or published rows."""
    kept = [word for word in words[2:] if not re.match(r"--(model|limit|shots)=", word)]
    kept += [f"--shots={FEW}"] if any(word.startswith("--shots=") for word in words) else []
    return [str(ROOT / "evals"), *kept, "--model=proctor:gold", "--limit=1", "--data-dir=bundled", f"--rootdir={ROOT}"]


def option(words: list[str], name: str) -> str:
    return next(word.partition("=")[2] for word in words if word.startswith(f"--{name}="))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, subprocess.CompletedProcess[str]]]:
    """Where each command ran, and what became of it: as many at once as there are processors."""

    folders = [tmp_path_factory.mktemp("run") for _ in PYTEST]  # here: it bears no two threads

    def done(words: list[str], folder: Path) -> tuple[Path, subprocess.CompletedProcess[str]]:
        command = [sys.executable, "-m", "pytest", *changed(words), "-q", "-p", "no:cacheprovider"]
        command += ["-p", "proctor.plugin", "-p", "proctor_service.plugin"]
        own = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # others' plugins cost seconds a command
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=900, env=own)
        return folder, done

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return dict(zip(map(" ".join, PYTEST), pool.map(done, PYTEST, folders), strict=True))


def test_the_page_is_linked():
    assert "](docs/reproducing.md)" in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("words", PYTEST, ids=" ".join)
def test_a_command_runs_and_its_run_is_put_beside_published_scores(
    runs: dict[str, tuple[Path, subprocess.CompletedProcess[str]]], words: list[str], capsys: pytest.CaptureFixture[str]
):
    place, done = runs[" ".join(words)]
    assert words[1] == "evals/"
    assert done.returncode == 0, done.stdout[-1500:] + done.stderr[-1500:]
    if "--show-prompts=1" in words:
        return
    folder = place / option(words, "report-dir")
    assert (folder / "summary.md").is_file()
    assert main(["published", str(folder), f"--model={option(words, 'model')}"]) == 0
    text = capsys.readouterr().out
    rows = [line for line in text.splitlines() if line.endswith("not comparable")]
    assert rows, text
    assert text.count("bundled samples, not the published ones") == len(rows)


def test_the_example_is_what_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    # The run of docs/agreement.md: 203 of 500 samples right.
    low, high = wilson(203, 500)
    none_of = dict.fromkeys(("truncated", "unparsed", "ties", "context_cut"), 0)
    task = {
        "task": "hellaswag",
        "variant": "ppl",
        "shots": 0,
        "parameters": {},
        "data": {"origin": "rows"},
        "groups": {},
    }
    task |= {"samples": {"scored": 500, "total": 800, "errors": {}, **none_of}, "main": "acc_norm", "macro": {}}
    task |= {"metrics": {"acc_norm_chars": {"value": 0.406, "ci95": [low, high], "n": 500}}}
    model = {"name": "smollm2-135m-instruct", "engine": "vllm", "engine_version": "0.32.0"}
    report = {"schema": "proctor.report/1", "run": {"partial": True}, "model": model, "tasks": [task]}
    (tmp_path / "report.json").write_text(json.dumps(report))
    assert main(["published", str(tmp_path)]) == main(["published", str(tmp_path), "--strict"]) == 0
    said = capsys.readouterr().out.replace(str(tmp_path), "reports/latest")
    assert said.startswith(re.findall(r"^```text\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)[0])


def test_runs_are_put_beside_by_the_folder_that_the_command_before_wrote():
    before: list[str] = []
    for words in commands():
        if words[0] == "proctor":
            assert words == ["proctor", "published", option(before, "report-dir")]
        before = words


def test_models_are_named_as_they_are_started():
    from proctor_service.models import find

    for words in PYTEST:
        assert find(option(words, "model")).place.count("/") == 1
