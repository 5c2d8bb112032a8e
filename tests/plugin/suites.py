"""Runs of pytest in a folder of their own, with a scripted model: what the tests of the plugin are made of."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import proctor_service.hosted.model  # noqa: F401  # before any run in this process: see `Suite.run`
import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
SOURCES = [CHECKOUT / "plugins", CHECKOUT / "fixtures", HERE, CHECKOUT / "tests" / "service"]

SUMS = """
from proctor import Benchmark, Sample, generate

sums = Benchmark("sums", main="right", prompt="{{ question }} =", data="sums.jsonl")


@sums.rows
def read(row):
    return Sample(question=row["question"], target=row["answer"], groups={"size": row["size"]})


@sums.test(generate(max_tokens=8))
def test_sums(sample, output, score):
    answer = output.text.strip()
    score(answer or None, right=answer == sample.target)
"""
"""A benchmark of the scripted model's own art, which it answers without a fault."""


def sums_rows(count: int = 12) -> str:
    """`2 + 2` and so on; every third sum is a large one."""
    rows = [
        {"question": f"{i} + {i}", "answer": str(2 * i), "size": "large" if i % 3 == 2 else "small"}
        for i in range(count)
    ]
    return "".join(json.dumps(row) + "\n" for row in rows)


class Suite:
    """A folder with tests, and runs of pytest in it."""

    def __init__(self, pytester: pytest.Pytester, fake: Path) -> None:
        self.pytester = pytester
        self.path = pytester.path
        self.fake = fake
        self.script()

    def script(self, **script: Any) -> None:
        """What the scripted model does; see fake_service."""
        (self.fake / "script.json").write_text(json.dumps(script))

    def write(self, **files: str) -> None:
        """Files by their names, `__` standing for a dot in the name of a file that is no module."""
        for name, text in files.items():
            file = self.path / (name.replace("__", ".") if "__" in name else f"{name}.py")
            file.write_text(text, encoding="utf-8")

    def sums(self, count: int = 12, module: str = SUMS) -> None:
        self.write(test_sums=module, sums__jsonl=sums_rows(count))

    def arguments(self, args: Sequence[str], plugins: Sequence[str] = ("proctor.plugin", "fake_service")) -> list[str]:
        # A run within this process meets modules that are imported already.
        named = ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
        named += ["-p", "xdist"] if any(arg.startswith(("-n", "--dist", "-d")) for arg in args) else []
        for plugin in plugins:
            named += ["-p", plugin]
        return [*named, *args]

    def run(self, *args: str, apart: bool = False, plugins: Sequence[str] = ("proctor.plugin", "fake_service")) -> Any:
        """Run pytest: in this process, or in one of its own where workers, signals or servers take part.

        What a run in this process imports first is forgotten after it, but by the package it is in: a next one would
        meet two copies of a module, whose constants are not the same. So what is imported late is imported above.
        """
        arguments = self.arguments(args, plugins)
        if apart or "xdist" in arguments:
            return self.pytester.runpytest_subprocess(*arguments, timeout=100)
        return self.pytester.runpytest_inprocess(*arguments)

    def served(self, *args: str) -> Any:
        """Run pytest with the real services, in a process of its own."""
        return self.run(*args, apart=True, plugins=("proctor.plugin", "proctor_service.plugin"))

    @property
    def log(self) -> list[dict[str, Any]]:
        path = self.fake / "log.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    @property
    def asked(self) -> list[str]:
        """The prompts that the model was asked since the last `forget`, in their order."""
        return [entry["prompt"] for entry in self.log if "prompt" in entry]

    def events(self, event: str) -> int:
        return sum(entry["event"] == event for entry in self.log)

    def forget(self) -> None:
        (self.fake / "log.jsonl").unlink(missing_ok=True)

    def report(self, folder: str = "reports/latest") -> dict[str, Any]:
        report: dict[str, Any] = json.loads((self.path / folder / "report.json").read_text(encoding="utf-8"))
        return report

    def samples(self, folder: str = "reports/latest") -> list[dict[str, Any]]:
        text = (self.path / folder / "samples.jsonl").read_text(encoding="utf-8")
        return [json.loads(line) for line in text.split("\n") if line]

    def nodeids(self, *args: str, plugins: Sequence[str] = ("proctor.plugin", "fake_service")) -> list[str]:
        """What a run with these arguments would test."""
        result = self.run("--collect-only", "-q", *args, plugins=plugins)
        return [line for line in result.outlines if "::" in line]

    def files(self) -> dict[str, bytes]:
        """Everything under reports/, links as links."""
        found = {}
        for path in sorted((self.path / "reports").rglob("*")):
            name = str(path.relative_to(self.path))
            if path.is_symlink():
                found[name] = os.readlink(path).encode()
            elif path.is_file():
                found[name] = path.read_bytes()
        return found


def small_data(folder: Path) -> None:
    """Rows in the schema of the authors, the same in every run."""
    gsm8k = folder / "gsm8k"
    gsm8k.mkdir()
    for name, count in (("test", 12), ("train", 8)):
        rows = [{"question": f"{name} {i} + {i}", "answer": f"Add.\n#### {2 * i}"} for i in range(count)]
        (gsm8k / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for part, count in (("test", 4), ("dev", 5)):
        (folder / "mmlu" / part).mkdir(parents=True)
        for subject in ("anatomy", "astronomy", "world_religions"):
            lines = [f'"{part} {subject} {i}?",one,two,three,four,{"ABCD"[i % 4]}\n' for i in range(count)]
            (folder / "mmlu" / part / f"{subject}_{part}.csv").write_text("".join(lines))
