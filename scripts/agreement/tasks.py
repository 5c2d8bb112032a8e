"""The tasks that are compared: where each one's rows are, what the other harness calls it, which metrics are the same.

A task's rows are the authors' files, as proctor reads them. The other harness reads rows as the Hugging Face hub has
them: `hub` makes one of the other. Nothing of proctor is imported, so that a row that it misreads is seen.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Row = Any


@dataclass(frozen=True, slots=True)
class Task:
    """One benchmark in both programs.

    name: of the benchmark, and of its folder. test: proctor's, below evals/. yaml: lm-evaluation-harness' task, below
    its tasks/; `{part}` is a subject. files: split of the hub: file of the authors. hub: a row of theirs as the hub
    has it.
    labels: a file of the authors' whose line i is the label of row i.
    metrics: ours: theirs. shots: how many examples.
    parts: the subjects that are taken. most: the most rows that are taken, over all parts.
    partial: the choices are put before the same ending, which is scored. prompt: for `--prompt`, the other program's
    form, where proctor's own follows another source; proctor is run with both.
    """

    name: str
    test: str
    yaml: str
    files: Mapping[str, str]
    hub: Callable[[Row], Row]
    metrics: Mapping[str, str] = field(
        default_factory=lambda: {"acc": "acc", "acc_norm": "acc_bytes", "acc_norm_chars": "acc_norm"}
    )
    labels: str | None = None
    shots: int = 0
    parts: Sequence[str] = ("",)
    most: int | None = None
    partial: bool = False
    prompt: str | None = None


def _as_it_is(row: Row) -> Row:
    return row


def _arc(row: Row) -> Row:
    return {"id": row["id"], "question": row["question"]["stem"], **_options(row)}


def _openbookqa(row: Row) -> Row:
    return {"id": row["id"], "question_stem": row["question"]["stem"], **_options(row)}


def _options(row: Row) -> Row:
    options = row["question"]["choices"]
    choices = {name: [option[name] for option in options] for name in ("text", "label")}
    return {"choices": choices, "answerKey": row["answerKey"]}


def _mmlu(row: Row) -> Row:
    question, *choices, answer = row
    return {"question": question, "choices": choices, "answer": "ABCD".index(answer)}


TASKS: Mapping[str, Task] = {
    task.name: task
    for task in (
        Task(
            name="hellaswag",
            test="everyday/test_hellaswag.py::test_hellaswag_ppl",
            yaml="hellaswag/hellaswag.yaml",
            files={"test": "hellaswag_val.jsonl"},
            hub=_as_it_is,
        ),
        Task(
            name="arc-c",
            test="science/test_arc.py::test_arc_c_ppl",
            yaml="arc/arc_challenge.yaml",
            files={"test": "ARC-Challenge-Test.jsonl"},
            hub=_arc,
        ),
        Task(
            name="arc-e",
            test="science/test_arc.py::test_arc_e_ppl",
            yaml="arc/arc_easy.yaml",
            files={"test": "ARC-Easy-Test.jsonl"},
            hub=_arc,
        ),
        Task(
            name="piqa",
            test="everyday/test_piqa.py::test_piqa_ppl",
            yaml="piqa/piqa.yaml",
            files={"test": "valid.jsonl"},
            labels="valid-labels.lst",
            hub=lambda row: {**row, "label": int(row["label"])},
        ),
        Task(
            name="openbookqa",
            test="science/test_openbookqa.py::test_openbookqa_ppl",
            yaml="openbookqa/openbookqa.yaml",
            files={"test": "test.jsonl"},
            hub=_openbookqa,
        ),
        Task(
            name="winogrande",
            test="everyday/test_winogrande.py::test_winogrande_ppl",
            yaml="winogrande/default.yaml",
            files={"test": "dev.jsonl"},
            hub=_as_it_is,
            metrics={"accuracy": "acc"},
            partial=True,
        ),
        Task(
            name="commonsenseqa",
            test="everyday/test_commonsenseqa.py::test_commonsenseqa_ppl",
            yaml="commonsense_qa/default.yaml",
            files={"test": "dev_rand_split.jsonl"},
            hub=_arc,
            metrics={"acc": "acc"},
        ),
        Task(
            name="mmlu",
            test="knowledge/test_mmlu.py::test_mmlu_ppl",
            yaml="mmlu/default/mmlu_{part}.yaml",
            files={"test": "test/{part}_test.csv", "dev": "dev/{part}_dev.csv"},
            hub=_mmlu,
            metrics={"accuracy": "acc"},
            shots=5,
            prompt="""{{ question | trim }}
{% for c in choices %}{{ 'ABCD'[loop.index0] }}. {{ c }}
{% endfor %}Answer:""",
            parts=(
                "abstract_algebra",
                "anatomy",
                "astronomy",
                "global_facts",
                "high_school_geography",
                "machine_learning",
                "marketing",
                "miscellaneous",
                "sociology",
                "world_religions",
            ),
            most=100,
        ),
    )
}


def cut(task: Task, source: Path, folder: Path, count: int) -> list[dict[str, Any]]:
    """Draw `count` rows of a task, and write them to `folder` for both programs; the same rows each time.

    `source` is a data root. `folder`/data becomes one with the drawn rows, in their order, and `folder`/hub holds
    them as the hub has them. Returns the tasks of lm-evaluation-harness as its YAML has them, with `include` below the
    package's own ones.
    """
    each = min(count, task.most or count) // len(task.parts)
    return [_cut_part(task, part, source / task.name, folder, each) for part in task.parts]


def _cut_part(task: Task, part: str, source: Path, folder: Path, count: int) -> dict[str, Any]:
    kept = {}
    for split, pattern in task.files.items():
        file = pattern.format(part=part)
        rows = _rows(file, _text(source / file))
        chosen = list(range(len(rows)))
        if split == "test":  # of what examples are made of, all is taken
            chosen = sorted(random.Random(f"{task.name} {part}").sample(chosen, min(count, len(rows))))
        drawn = [rows[place] for place in chosen]
        _write(folder / "data" / task.name / file, _file(file, drawn))
        if task.labels:
            labels = _text(source / task.labels).split()
            _write(folder / "data" / task.name / task.labels, "".join(f"{labels[place]}\n" for place in chosen))
            drawn = [{**row, "label": labels[place]} for row, place in zip(drawn, chosen, strict=True)]
        kept[split] = (folder / "hub" / f"{part or 'rows'}_{split}.jsonl").resolve()
        _write(kept[split], "".join(json.dumps(task.hub(row)) + "\n" for row in drawn))
    return {
        "include": task.yaml.format(part=part),
        "task": f"{part or task.name}_rows",
        "dataset_path": "json",
        "dataset_name": None,
        "dataset_kwargs": {"data_files": {split: str(file) for split, file in kept.items()}},
        "training_split": None,
        "validation_split": None,
        "test_split": "test",
        "num_fewshot": task.shots,
        "metric_list": [{"metric": metric} for metric in task.metrics.values()],
    }


def _text(path: Path) -> str:
    if path.exists():
        return path.read_text(encoding="utf-8")
    return gzip.decompress(path.with_name(f"{path.name}.gz").read_bytes()).decode()


def _rows(file: str, text: str) -> list[Row]:
    if file.endswith(".csv"):
        return list(csv.reader(io.StringIO(text, newline="")))
    return [json.loads(line) for line in text.splitlines()]


def _file(file: str, rows: Sequence[Row]) -> str:
    if file.endswith(".csv"):
        made = io.StringIO(newline="")
        csv.writer(made).writerows(rows)
        return made.getvalue()
    return "".join(json.dumps(row) + "\n" for row in rows)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="")
