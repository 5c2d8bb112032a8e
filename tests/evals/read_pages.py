"""A page with a few rows: its samples, its prompts, its verdicts."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

from proctor.benchmark import Benchmark, Task
from proctor.data.reading import Dataset, load
from proctor.model import Completion, Output
from proctor.prompts import Prompt
from proctor.reporting.records import Score

ROOT = Path(__file__).parent.parent.parent


def page(name: str) -> ModuleType:
    """A module of evals/, "numeracy/test_math"."""
    path = ROOT / "evals" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"page_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write(root: Path, name: str, content: Any) -> None:
    """A file of a data root: text as it is, a list as JSON lines where the name says so, else JSON."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, str):
        path.write_text(content, encoding="utf-8")
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in content), encoding="utf-8")
    else:
        path.write_text(json.dumps(content), encoding="utf-8")


def read(benchmark: Benchmark, root: Path) -> Dataset:
    return load(benchmark, root, benchmark.shots)


def task(benchmark: Benchmark, variant: str | None = None) -> Task:
    return benchmark.default if variant is None else next(one for one in benchmark.tasks if one.variant == variant)


def prompts(benchmark: Benchmark, root: Path, variant: str | None = None) -> list[str]:
    asked, dataset = task(benchmark, variant), read(benchmark, root)
    prompt = Prompt(asked.header, asked.prompt, asked.answer, benchmark.name)
    return [prompt.render(*one) for one in zip(dataset.samples, dataset.shots, strict=True)]


def verdict(benchmark: Benchmark, sample: Any, output: Any, variant: str | None = None) -> tuple[Any, dict[str, Any]]:
    """(what was extracted, the metrics) of an output; a text is what a model wrote."""
    asked = task(benchmark, variant)
    score = Score(asked.main, benchmark.aggregates)
    asked.judge(sample, Output([Completion(output, "stop")]) if isinstance(output, str) else output, score)
    return score.answer, score.metrics
