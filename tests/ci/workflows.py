"""As much of GitHub Actions, GitLab CI and Jenkins as docs/ci.md needs: jobs of its examples, run in a folder."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "ci.md"
LANGUAGES = ("yaml", "groovy", "sh")


@dataclass(frozen=True)
class Block:
    """An example: `before` is the text between it and the example above."""

    language: str
    before: str
    code: str


def blocks() -> list[Block]:
    """The examples of the page, in their order."""
    parts = re.split(r"^```(\w*)\n(.*?)^```\n", PAGE.read_text(encoding="utf-8"), flags=re.M | re.S)
    found = [Block(parts[i + 1], parts[i], parts[i + 2]) for i in range(0, len(parts) - 1, 3)]
    assert {block.language for block in found} == set(LANGUAGES)
    return found


def named(name: str) -> str:
    """The example of a file: the paragraph above it begins with the file's name."""
    begins = f"`{name}`"
    (block,) = [block for block in blocks() if block.before.strip().rpartition("\n\n")[2].startswith(begins)]
    return block.code


def loaded(name: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(named(name))
    return content


# --- the folder in which jobs run -------------------------------------------------------------------------------------


@dataclass
class Repository:
    """A repository's folder, programs that stand for those of the platform, and what these were told."""

    path: Path
    fake: Path
    model_url: str

    def __post_init__(self) -> None:
        programs = self.fake / "bin"
        programs.mkdir(parents=True)
        self.path.mkdir(exist_ok=True)
        ours = {"pytest": "-m pytest", "proctor": "-m proctor", "python3": ""}
        ours |= {name: f"{Path(__file__).with_name('fake_cli.py')} {name}" for name in ("gh", "curl", "git", "pip")}
        for name, arguments in ours.items():
            program = programs / name
            program.write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments} "$@"\n')
            program.chmod(0o755)
        self._benchmarks(self.fake / "proctor_evals")
        (self.path / "pytest.ini").write_text(
            "[pytest]\naddopts = -p proctor.plugin -p proctor_service.plugin\nproctor_data_dir = bundled\n"
        )
        for name in ("gates.yaml", "gates-quick.yaml"):
            (self.path / name).write_text(named(name))

    def _benchmarks(self, folder: Path) -> None:
        """As the wheel has them, since a checkout need not be installed: what is asked here, and little of it."""
        folder.mkdir()
        for name in ("__init__.py", "knowledge", "numeracy"):
            (folder / name).symlink_to(ROOT / "evals" / name)
        shutil.copytree(ROOT / "data", folder / "data")
        rows = folder / "data" / "gsm8k" / "test.jsonl"
        rows.write_text("".join(rows.read_text(encoding="utf-8").splitlines(keepends=True)[:GSM8K]), encoding="utf-8")

    def environment(self, **own: str) -> dict[str, str]:
        """What a job's commands see; of this process's variables those that no CI and no other test has a part in."""
        kept = {name: os.environ[name] for name in ("HOME", "LANG", "LC_ALL", "TMPDIR") if name in os.environ}
        return {
            **kept,
            "PATH": f"{self.fake / 'bin'}:{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join(map(str, (ROOT / "plugins", ROOT / "fixtures", self.fake))),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PROCTOR_OFFLINE": "1",
            "HF_HUB_OFFLINE": "1",
            "FAKE_CI": str(self.fake),
            "REAL_GIT": shutil.which("git") or "",
            "MODEL_URL": self.model_url,
            "PROCTOR_API_KEY": SECRET,
            **own,
        }

    def run(self, shell: str, script: str, **own: str) -> tuple[int, str]:
        """Run a script as the platform does, and by -u, so that a variable that nobody sets is found. (code, said)."""
        done = subprocess.run(
            [*shell.split(), "-u", "-c", script, "job"],
            cwd=self.path,
            env=self.environment(**own),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    def calls(self, name: str) -> list[dict[str, Any]]:
        """How a program of the platform was called since the last `forget`."""
        log = self.fake / "log.jsonl"
        lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
        return [call for call in map(json.loads, lines) if call["name"] == name]

    def next_job(self) -> None:
        """A fresh checkout: what the job before has left is gone."""
        (self.fake / "log.jsonl").unlink(missing_ok=True)
        for name in ("report", "baseline", "night", "gates.md", "moved.txt"):
            place = self.path / name
            shutil.rmtree(place) if place.is_dir() else place.unlink(missing_ok=True)

    def report(self, folder: str = "report") -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.path / folder / "report.json").read_text(encoding="utf-8"))
        return content


SECRET = "s3cret-key"
GSM8K = 12
"""Samples of gsm8k here: the embedded model is slow at writing."""


@dataclass
class Job:
    """How a job ended: the exit code of the first step that failed, what was said, names of the steps that ran."""

    code: int = 0
    said: str = ""
    ran: list[str] = field(default_factory=list)
    uploaded: list[str] = field(default_factory=list)

    def add(self, name: str, code: int, said: str) -> None:
        self.ran.append(name)
        self.said += said
        self.code = self.code or code


# --- GitHub Actions ---------------------------------------------------------------------------------------------------

EXPRESSION = re.compile(r"\$\{\{\s*(.+?)\s*\}\}")
NAME = re.compile(r"\b[a-z]+(?:\.\w+)+")


def github(
    repository: Repository, workflow: Mapping[str, Any], job: str, context: Mapping[str, Any], **own: str
) -> Job:
    """Run a job; `context` has the values of expressions, as `github.ref`; `own` are variables that the test sets."""
    description = workflow["jobs"][job]
    summary = repository.fake / "step-summary.md"
    own = {"GITHUB_STEP_SUMMARY": str(summary), "GITHUB_REPOSITORY": "me/mine", "GITHUB_RUN_ID": "42", **own}
    outer = {**workflow.get("env", {}), **description.get("env", {})}
    done = Job()
    if not _holds(description.get("if", ""), context, done):
        return done
    for place, step in enumerate(description["steps"]):
        if not _holds(step.get("if", ""), context, done):
            continue
        name = step.get("name") or step.get("uses") or f"step {place}"
        variables = {key: _filled(value, context) for key, value in {**outer, **step.get("env", {})}.items()}
        if "run" in step:
            done.add(name, *repository.run("bash -e", _filled(step["run"], context), **{**variables, **own}))
        elif step["uses"].startswith("actions/upload-artifact@"):
            about = {key: _filled(value, context) for key, value in step["with"].items()}
            if _upload(repository, about["name"], repository.path / about["path"]):
                done.uploaded.append(about["name"])
    return done


def _upload(repository: Repository, name: str, path: Path) -> bool:
    kept = repository.fake / "artifacts" / name
    if not path.exists():
        return False
    shutil.rmtree(kept, ignore_errors=True)
    if path.is_dir():
        shutil.copytree(path, kept)
    else:
        kept.mkdir(parents=True)
        shutil.copy(path, kept)
    return True


def _filled(value: Any, context: Mapping[str, Any]) -> str:
    return EXPRESSION.sub(lambda found: str(context[found[1]]), str(value))


def _holds(condition: str, context: Mapping[str, Any], done: Job) -> bool:
    if "always()" not in condition and done.code:
        return False
    python = condition.replace("always()", "True").replace("&&", " and ").replace("||", " or ")
    return bool(eval(NAME.sub(lambda found: repr(context[found[0]]), python) or "True"))


def steps(workflow: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, job in workflow["jobs"].items():
        for step in job["steps"]:
            yield name, step


# --- GitLab CI --------------------------------------------------------------------------------------------------------

PREDEFINED = {
    "CI_API_V4_URL": "https://gitlab.example/api/v4",
    "CI_PROJECT_ID": "5",
    "CI_MERGE_REQUEST_IID": "3",
    "CI_JOB_URL": "https://gitlab.example/me/mine/-/jobs/9",
    "CI_JOB_TOKEN": "job-token",
    "CI_PIPELINE_URL": "https://gitlab.example/me/mine/-/pipelines/8",
    "CI_PIPELINE_ID": "8",
    "CI_SERVER_HOST": "gitlab.example",
    "CI_PROJECT_PATH": "me/mine",
    "GITLAB_USER_NAME": "Me",
    "GITLAB_USER_EMAIL": "me@example.org",
    "BOT_TOKEN": "bot-token",
    "ACCEPT": "",
}
GLOBAL = ("stages", "variables", "default", "workflow", "include")


def gitlab_job(config: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A job with what it extends, and the defaults."""
    own = config[name]
    parent = gitlab_job(config, own["extends"]) if "extends" in own else dict(config.get("default", {}))
    return {**parent, **own}


def gitlab(repository: Repository, config: Mapping[str, Any], name: str, **own: str) -> Job:
    """Run a job and its after_script; `own` are variables that the test, or a cell of the matrix, sets."""
    job = gitlab_job(config, name)
    variables = {**PREDEFINED, "CI_PROJECT_DIR": str(repository.path)}
    for key, value in config.get("variables", {}).items():
        variables[key] = re.sub(r"\$(\w+)", lambda found: variables[found[1]], value)
    variables |= own
    done = Job()
    script = "\n".join([*job.get("before_script", []), *job["script"]])
    done.add("script", *repository.run("bash -e -o pipefail", script, **variables))
    if "after_script" in job:
        _, said = repository.run("bash -e -o pipefail", "\n".join(job["after_script"]), **variables)
        done.ran.append("after_script")
        done.said += said
    done.uploaded = [path for path in job["artifacts"]["paths"] if (repository.path / path).exists()]
    return done


# --- Jenkins ----------------------------------------------------------------------------------------------------------

SH = re.compile(r"sh (?:'''(.*?)'''|'([^'\n]*)')", re.S)


def jenkins(repository: Repository, pipeline: str, **own: str) -> Job:
    """Run the shell steps of a pipeline that has one stage to run, those under `post` in any case."""
    variables = dict(re.findall(r"^\s*(\w+) = '([^']*)'$", pipeline, re.M)) | own
    if not (repository.path / ".venv").exists():
        (repository.path / ".venv").mkdir()
        (repository.path / ".venv" / "bin").symlink_to(repository.fake / "bin")
    done = Job()
    main, _, post = pipeline.partition("post {")
    for part, script in [("step", one) for one in SH.findall(main)] + [("post", one) for one in SH.findall(post)]:
        text = (script[0] or script[1]).replace("\\\\", "\\")
        if "pip install" in text or (part == "step" and done.code):
            continue
        done.add(part, *repository.run("sh -e", text, **variables))
    return done
