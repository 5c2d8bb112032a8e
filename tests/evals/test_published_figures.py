"""data/published.yaml: every figure is of a page, in a variant, metric and group that the page records."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from proctor import pages
from proctor.comparing import published
from proctor.comparing.published import Column, Published
from proctor.data.manifest import sources

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def known() -> Published:
    return published.read(pages.data_root() / published.FILE, sources(pages.data_root()))


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, dict[str, Any]]]:
    """What all pages record in all variants, by benchmark and variant: of gold answers, a few samples each."""
    folder = tmp_path_factory.mktemp("gold")
    command = [sys.executable, "-m", "pytest", str(ROOT / "evals"), f"--rootdir={ROOT}", "-q", "-p", "no:cacheprovider"]
    command += ["--variant=all", "--model=proctor:gold", "--limit=6", f"--report-dir={folder / 'run'}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for task in json.loads((folder / "run" / "report.json").read_text(encoding="utf-8"))["tasks"]:
        found.setdefault(task["task"], {})[task["variant"]] = task
    return found


def recorded(column: Column, task: dict[str, Any]) -> set[str]:
    if column.group is not None:
        axis, group = column.group
        return set(task["groups"][axis][group])
    return set(task["macro"][column.macro] if column.macro is not None else task["metrics"])


def test_every_figure_is_of_something_that_a_page_records(known: Published, tasks: dict[str, dict[str, Any]]):
    for figure in known.figures:
        column = figure.column
        for name in column.benchmarks:
            variants = tasks[name] if column.variant is None else {column.variant: tasks[name][column.variant]}
            metrics = {metric for task in variants.values() for metric in recorded(column, task)}
            assert column.metric in metrics, (figure, sorted(metrics))


def test_sources_and_models_are_all_used(known: Published):
    assert {figure.source for figure in known.figures} == set(known.sources)
    assert {figure.model for figure in known.figures} == set(known.aliases)


def test_a_figure_stands_there_once(known: Published):
    counts = Counter((figure.model, figure.source, repr(figure.column)) for figure in known.figures)
    assert [figure for figure, count in counts.items() if count > 1] == []


def test_a_note_on_likelihoods_stands_at_ranked_scores_only(known: Published):
    noted = {figure.column.metric for figure in known.figures if "likelihoods are divided" in figure.column.note}
    assert noted == {"acc_norm", "acc_norm_chars"}


def test_there_are_many_over_many_benchmarks(known: Published):
    assert len(known.figures) > 1000
    assert len({name for figure in known.figures for name in figure.column.benchmarks}) >= 55


def test_short_names_mean_the_weights_that_they_start(known: Published):
    from proctor_service.models import registry

    shared = set(registry()) & set(known.aliases)
    assert {"llama2-7b", "llama2-13b", "mistral-7b", "smollm2-135m", "smollm2-1.7b"} <= shared
    for name in shared:
        assert known.model(registry()[name].id) == name


@pytest.mark.parametrize(
    ("model", "benchmark", "source", "score"),
    [
        ("llama2-7b", "arc-c", "ultraeval", 43.17),
        ("llama2-13b", "hellaswag", "ultraeval", 79.13),
        ("mistral-7b", "math", "ultraeval", 10.19),
        ("llama2-7b", "hellaswag", "llama2", 77.2),
        ("mistral-7b", "mbpp-sanitized", "mistral", 47.5),
        ("smollm2-135m-instruct", "hellaswag", "smollm2", 40.9),
    ],
)
def test_figures_that_are_often_quoted(known: Published, model: str, benchmark: str, source: str, score: float):
    assert [
        figure.score
        for figure in known.figures
        if (figure.model, figure.source, figure.column.benchmarks) == (model, source, [benchmark])
    ] == [score]
