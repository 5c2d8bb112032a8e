"""docs/reproducing.md: its commands run, on gold answers and bundled samples in place of weights and published ones."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from proctor import pages, published
from proctor.data import sources

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reproducing.md"
FEW = 1
"""Examples of a few-shot run here: bundled files hold no 25."""


def commands() -> list[list[str]]:
    """The lines of the page's shell blocks, as words."""
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    return [shlex.split(line) for block in blocks for line in block.splitlines() if line]


def changed(words: list[str]) -> list[str]:
    """A command on gold answers: the same options, but for what needs weights, a GPU or published rows."""
    kept = [word for word in words[2:] if not re.match(r"--(model|limit|shots)=", word)]
    kept += [f"--shots={FEW}"] if any(word.startswith("--shots=") for word in words) else []
    return [str(ROOT / "evals"), *kept, "--model=proctor:gold", "--limit=1", "--data-dir=bundled", f"--rootdir={ROOT}"]


def option(words: list[str], name: str) -> str:
    return next(word.partition("=")[2] for word in words if word.startswith(f"--{name}="))


def run(folder: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *words], cwd=folder, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, f"{words}: {done.stdout[-1500:]}{done.stderr[-1500:]}"
    return done.stdout


def test_the_page_is_linked():
    assert "](docs/reproducing.md)" in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("words", [words for words in commands() if words[0] == "pytest"], ids=" ".join)
def test_a_command_runs_and_its_run_is_put_beside_published_scores(tmp_path: Path, words: list[str]):
    assert words[1] == "evals/"
    known = published.read(pages.data_root() / published.FILE, sources(pages.data_root()))
    model = known.named(option(words, "model"))  # which is known
    run(tmp_path, "pytest", *changed(words), "-q", "-p", "no:cacheprovider", "-p", "no:randomly")
    if "--show-prompts=1" in words:
        return
    folder = option(words, "report-dir")
    assert (tmp_path / folder / "summary.md").is_file()
    text = run(tmp_path, "proctor", "published", folder, f"--model={model}")
    rows = [line for line in text.splitlines() if line.endswith("not comparable")]
    assert rows, text
    # Everything that is not comparable is so for its samples alone, but for what the page names.
    assert text.count("bundled samples, not the published ones") == len(rows)


def test_runs_are_put_beside_by_the_folder_that_the_command_before_wrote():
    before: list[str] = []
    for words in commands():
        if words[0] == "proctor":
            assert words == ["proctor", "published", option(before, "report-dir")]
        else:
            assert words[0] == "pytest"
        before = words


def test_models_are_named_as_they_are_started():
    from proctor_service.models import find

    for words in commands():
        if words[0] == "pytest":
            assert find(option(words, "model")).place.count("/") == 1
