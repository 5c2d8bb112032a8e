"""`proctor check`: the self-check models over all samples of benchmarks, in every variant."""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from proctor.data.manifest import find_source
from proctor.errors import ProctorError, SetupError
from proctor.pages import Page, data_root, evals_root
from proctor.reporting import reports
from proctor.reporting.runs import lines

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext, SpawnContext

JUDGE = "proctor:gold"
MODELS = ("gold", "empty", "neighbour")
HEADS = ("task", "rows", "samples", "left out", "gold", "empty", "neighbour", "by chance", "")
PLUGINS = ("proctor.plugin", "proctor_service.plugin")
PRELOADED = (__name__, "pytest", "proctor.session.parts", "proctor.session.judging", "scipy.special")
EXCEPTIONS = "exceptions.yaml"
"""In the data root: benchmark, variant (or `all`), sample id (or `*`): why a gold answer does not score 1."""


@dataclass
class Checked:
    """What the self-check models made of a task: scores by model, and what is wrong or must be known."""

    name: str
    rows: int = 0
    samples: int = 0
    left_out: int = 0
    scores: dict[str, str] = field(default_factory=dict)
    by_chance: int = 0
    faults: list[str] = field(default_factory=list)
    excused: int = 0

    def cells(self) -> tuple[str, ...]:
        said = f"{self.excused} excused" if self.excused else ""
        said = "; ".join(filter(None, [said, *self.faults[:3], "..." if len(self.faults) > 3 else ""]))
        scores = [self.scores.get(model, "–") for model in MODELS]
        return (
            self.name,
            f"{self.rows:,}",
            f"{self.samples:,}",
            f"{self.left_out:,}",
            *scores,
            f"{self.by_chance:,}",
            said,
        )


def exceptions(root: Path) -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    """Samples whose gold answer need not score 1, and why. Raises SetupError for a file that is none."""
    import yaml

    path = root / EXCEPTIONS
    if not path.is_file():
        return {}
    try:
        content: Mapping[str, Mapping[str, Mapping[str, str]]] = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        for variants in content.values():
            for own in variants.values():
                if not all(isinstance(reason, str) and reason for reason in own.values()):
                    raise ValueError("every exception needs its reason")
    except (OSError, ValueError, AttributeError, yaml.YAMLError) as error:
        raise SetupError(f"{path}: cannot be read: {error}") from None
    return content


def check_all(some: Sequence[Page], data_dir: str | None) -> Iterator[list[Checked]]:
    """`check` of several benchmarks, as many at once as there are processors, in their order.

    Data that cannot be read, and samples among their own examples, are faults.
    """
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        yield from pool.map(lambda page: _checked(page, data_dir), some)


def _checked(page: Page, data_dir: str | None) -> list[Checked]:
    if data_dir is not None and lacking(page, Path(data_dir)):
        return [Checked(page.benchmark.name)]
    try:
        found = check(page, data_dir)
        own = list(shots_within(page, data_dir))
    except ProctorError as error:
        return [Checked(page.benchmark.name, faults=[str(error)])]
    for one in found:
        one.faults += own
    return found


def lacking(page: Page, root: Path) -> str | None:
    """Why nothing of a benchmark is in a data root (its data need a form, say); None where something is."""
    from proctor.session import absent  # which needs pytest, as what only looks at pages does not

    source, folder = find_source(page.benchmark, root)
    if source.whole and not folder.is_dir():
        return None  # those that come along are taken
    return absent.reason(page.benchmark.name, source, root, folder, published=False)


def check(page: Page, data_dir: str | None) -> list[Checked]:
    """Run the self-check models on a benchmark. Raises SetupError for data that cannot be read."""
    found: dict[str, Checked] = {}
    excused = exceptions(data_root()).get(page.benchmark.name, {})
    with tempfile.TemporaryDirectory() as folder:
        for model in MODELS:
            report, samples = _run(page, f"proctor:{model}", data_dir, Path(folder, model))
            for task in report["tasks"]:
                one = found.setdefault(task["variant"], Checked(f"{task['task']} {task['variant']}"))
                _note(one, model, task, [line for line in samples if line["variant"] == task["variant"]], excused)
    return list(found.values())


def _run(page: Page, model: str, data_dir: str | None, folder: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    arguments = ["-q", "-p", "no:cacheprovider", str(page.benchmark.module)]
    arguments += [part for plugin in PLUGINS for part in ("-p", plugin)]
    arguments += [f"--model={model}", f"--judge={JUDGE}", "--variant=all"]
    arguments += [f"--report-dir={folder}", f"--rootdir={evals_root().parent}"]
    arguments += ["-m", page.benchmark.name]  # a module may hold two
    arguments += [] if data_dir is None else [f"--data-dir={data_dir}"]
    printed = folder.with_suffix(".txt")
    process = _processes().Process(target=_pytest, args=(arguments, printed))
    process.start()
    process.join()
    if not (folder / "report.json").is_file():
        text = printed.read_text(encoding="utf-8", errors="replace") if printed.exists() else ""
        said = [line for line in text.splitlines() if line.strip()] or [f"its run ended with {process.exitcode}"]
        raise SetupError(f"{page.benchmark.name}: {' | '.join(said[-4:])}")
    report: dict[str, Any] = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return report, list(lines(folder / "samples.jsonl"))


@cache
def _processes() -> SpawnContext | ForkServerContext:
    """Where a fork server is to be had, runs begin with what all of them import: else that is half of a small one."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*PLUGINS, *PRELOADED])
    return context


def _pytest(arguments: list[str], printed: Path) -> None:
    """A run of pytest, in a process of its own: without this one's plugins and options, which might change it."""
    import pytest

    os.environ |= {"PYTEST_ADDOPTS": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    with printed.open("wb") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    sys.exit(pytest.main(arguments))


def _note(
    one: Checked,
    model: str,
    task: Mapping[str, Any],
    samples: Sequence[Mapping[str, Any]],
    excused: Mapping[str, Mapping[str, str]],
) -> None:
    counts, main = task["samples"], task["main"]
    one.rows, one.samples = task["data"]["rows"], counts["selected"]
    one.left_out = sum(task["data"]["excluded"].values())
    if main in task["metrics"]:
        one.scores[model] = reports.score(task["metrics"][main])
    one.faults += [f"{model}: {count} errors ({kind})" for kind, count in counts["errors"].items()]
    known = {**excused.get("all", {}), **excused.get(task["variant"], {})}
    if model == "gold":
        short = [line["sample"] for line in samples if _number(line, main, 1.0) < 1]
        one.excused = len(short) if "*" in known else sum(sample in known for sample in short)
        told = [f"gold of {sample} does not score 1" for sample in short if sample not in known]
        one.faults += [] if "*" in known else told
    elif model == "empty":
        hits = [line["sample"] for line in samples if _number(line, main, 0.0) > 0]
        one.faults += [f"nothing scores in {sample}" for sample in hits if sample not in known]
    else:
        one.by_chance = sum(_number(line, main, 0.0) > 0 for line in samples)


def _number(line: Mapping[str, Any], main: str, otherwise: float) -> float:
    """A sample's main score; `otherwise` where it has none by itself."""
    value = line["scores"].get(main, otherwise)
    return value if isinstance(value, int | float) else otherwise


def shots_within(page: Page, data_dir: str | None) -> Iterator[str]:
    """Samples that are their own examples: the benchmark's few-shot rows must not hold the row that is asked."""
    from proctor.data.reading import load

    benchmark = page.benchmark
    if not benchmark.shots:
        return
    dataset = load(benchmark, None if data_dir is None else Path(data_dir), benchmark.shots)
    for sample, shots in zip(dataset.samples, dataset.shots, strict=True):
        if any(shot.question == sample.question and shot.choices == sample.choices for shot in shots):
            yield f"{sample.id} is among its own examples"
