"""What a user gets from the wheel alone, in a fresh environment: the benchmarks, and an eval of one's own."""

import json
import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TRACKED = ("plugins", "fixtures", "evals", "data", "pyproject.toml", "README.md", "LICENSE")
MOST_PACKAGES = 65


def run(command, folder, **environment):
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "PYTHONPATH"))}
    return subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**clean, **environment},
    )


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A fresh environment in which nothing but the wheel and what it needs is installed; its folder of programs."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in TRACKED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        else:
            shutil.copy(ROOT / name, source / name)
    venv.create(folder / "env", with_pip=True)
    programs = folder / "env" / ("Scripts" if os.name == "nt" else "bin")
    built = run([sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, source], folder)
    assert built.returncode == 0, built.stderr
    (wheel,) = folder.glob("pytest_proctor-*.whl")
    done = run([programs / "python", "-m", "pip", "install", "-q", wheel], folder)
    assert done.returncode == 0, done.stderr
    return programs


def test_a_core_install_is_small(installed, tmp_path):
    listed = run([installed / "python", "-m", "pip", "list", "--format=json"], tmp_path)
    names = {package["name"] for package in json.loads(listed.stdout)} - {"pip", "setuptools"}
    assert "pytest-proctor" in names
    assert len(names) <= MOST_PACKAGES


def test_the_benchmarks_come_with_the_wheel(installed, tmp_path):
    done = run(
        [
            installed / "pytest",
            "--pyargs",
            "proctor_evals",
            "-k",
            "gsm8k",
            "--limit",
            "3",
            "--set",
            "gsm8k.max_tokens=48",
        ],
        tmp_path,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads((tmp_path / "reports/latest/report.json").read_text(encoding="utf-8"))
    assert [(task["task"], task["samples"]["scored"]) for task in report["tasks"]] == [("gsm8k", 3)]
    assert report["model"]["name"] == "proctor-embedded"


def test_the_command_knows_the_benchmarks_of_the_wheel(installed, tmp_path):
    done = run([installed / "proctor", "fetch", "gsm8k"], tmp_path, PROCTOR_OFFLINE="1", PROCTOR_CACHE=str(tmp_path))
    assert done.returncode == 1
    assert "gsm8k: test.jsonl is not in" in done.stderr


def test_the_command_serves(installed, tmp_path):
    helped = run([installed / "proctor", "serve", "--help"], tmp_path)
    assert helped.returncode == 0, helped.stderr
    assert "package.module:attribute" in helped.stdout
    refused = run([installed / "proctor", "serve", "meta-llama/Llama-2-7b-hf"], tmp_path)
    assert refused.returncode == 4
    assert "pip install 'pytest-proctor[transformers]'" in refused.stderr


def test_published_scores_come_with_the_wheel(installed, tmp_path):
    done = run([installed / "proctor", "published", "--model", "meta-llama/Llama-2-7b-hf"], tmp_path)
    assert done.returncode == 0, done.stderr
    assert any(line.split()[-1] == "43.17" for line in done.stdout.splitlines() if line.startswith("llama2-7b"))


def test_checkout_and_wheel_have_the_same_samples(installed, tmp_path):
    collected = run(
        [installed / "pytest", "--pyargs", "proctor_evals", "-k", "gsm8k", "--collect-only", "-q"], tmp_path
    )
    path = os.pathsep.join([str(ROOT / "plugins"), str(ROOT / "fixtures")])
    ours = run(
        [sys.executable, "-m", "pytest", ROOT / "evals", "-k", "gsm8k", "--collect-only", "-q"],
        tmp_path,
        PYTHONPATH=path,
    )
    names = [re.findall(r"::(\S+)", out.stdout) for out in (collected, ours)]
    assert len(names[0]) >= 20
    assert names[0] == names[1]


def own_eval() -> dict[str, str]:
    """The files that the README shows, by name."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = text.partition("## An eval of your own")[2].partition("\n## ")[0]
    return dict(re.findall(r"`(\w+\.\w+)`:\n\n```\w+\n(.*?)```", section, re.S))


def test_an_eval_of_ones_own_as_the_readme_shows_it(installed, tmp_path):
    files = own_eval()
    assert sorted(files) == ["capitals.jsonl", "test_capitals.py"]
    assert len(files["test_capitals.py"].strip().splitlines()) < 20
    for name, content in files.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    for model, score in (("proctor:gold", 1.0), ("proctor:empty", 0.0)):
        done = run([installed / "pytest", f"--model={model}", f"--report-dir={tmp_path / model}"], tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
        (task,) = json.loads((tmp_path / model / "report.json").read_text(encoding="utf-8"))["tasks"]
        assert (task["task"], task["metrics"]["accuracy"]["value"]) == ("capitals", score)
    embedded = run([installed / "pytest"], tmp_path)
    assert embedded.returncode == 0, embedded.stdout + embedded.stderr
    assert "scores of proctor-embedded" in embedded.stdout
