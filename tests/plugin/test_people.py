"""`proctor agreement HUMAN.csv RUN`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from proctor.command import main


def record(task: str, sample: str, value: Any, category: str, **more: Any) -> dict[str, Any]:
    return {
        "task": task,
        "variant": "gen",
        "sample": sample,
        "epoch": 0,
        "groups": {"category": category},
        "outcome": "scored",
        "opinions": [{"value": value}],
        "judge": {"verdict": value},
        **more,
    }


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Forty samples graded 1 to 5 in turn, in two categories; the last has no opinion."""
    folder = tmp_path / "run"
    folder.mkdir()
    lines = [record("notes", str(i), i % 5 + 1, "odd" if i % 2 else "even", scale=[1, 5]) for i in range(40)]
    lines.append(record("notes", "40", None, "even", scale=[1, 5]) | {"opinions": []})
    write(folder, lines)
    return folder


def write(folder: Path, lines: Sequence[dict[str, Any]]) -> None:
    report = {"schema": "proctor.report/1", "judge": {"name": "a-judge"}}
    (folder / "report.json").write_text(json.dumps(report))
    (folder / "samples.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def people(folder: Path, *lines: str, head: str = "sample,label") -> Path:
    path = folder / "human.csv"
    path.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    return path


def said(capsys: pytest.CaptureFixture[str], *arguments: object) -> list[str]:
    assert main(["agreement", *map(str, arguments)]) == 0
    return capsys.readouterr().out.splitlines()


def test_people_who_say_the_same_agree_wholly(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    labels = people(tmp_path, *(f"{i},{i % 5 + 1}" for i in range(20)))
    lines = said(capsys, labels, run)
    assert lines[0] == (
        "notes: 20 labels of 20 samples by one person, 40 judged by a-judge; "
        "without an opinion, and left out: 1 sample (1 empty or equal, not asked)"
    )
    whole = next(line for line in lines if line.startswith("all"))
    assert whole.split()[:2] == ["all", "20"]
    assert "100.00" in whole
    assert whole.count("1.00") >= 2
    assert [line.split()[0] for line in lines if line.startswith("  ") and "…" in line] == ["even", "odd"]
    (corrected,) = [line for line in lines if line.startswith("judge corrected by people")]
    assert "50.00" in corrected


def test_people_who_are_stricter_correct_the_score(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    labels = people(tmp_path, *(f"{i};{max(1, i % 5)}" for i in range(20)), head="sample;label")
    lines = said(capsys, labels, run)
    scores = {line.split("  ")[0]: line for line in lines}
    assert "50.00" in scores["judge"]
    assert "30.00" in scores["people"]
    assert "30.00" in next(line for line in lines if line.startswith("judge corrected"))
    assert next(line for line in lines if line.startswith("all")).split()[2] == "20.00"


def test_several_people_are_compared_with_each_other(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    rows = [f"{i},{i % 5 + 1},ann\n{i},{i % 5 + 1 if i % 4 else 3},bo" for i in range(20)]
    lines = said(capsys, people(tmp_path, *rows, head="sample,label,rater"), run)
    assert "40 labels of 20 samples by 2 people" in lines[0]
    among = next(line for line in lines if line.startswith("people among themselves"))
    assert among.split()[3:5] == ["20", "80.00"]


def test_verdicts_of_comparisons_are_labels(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    folder = tmp_path / "pairs"
    folder.mkdir()
    write(folder, [record("duel", str(i), ("loss", "tie", "win")[i % 3], "x") for i in range(12)])
    lines = said(capsys, people(tmp_path, *(f"{i},{('loss', 'tie', 'WIN')[i % 3]}" for i in range(9))), folder)
    assert next(line for line in lines if line.startswith("all")).split()[2] == "100.00"


@pytest.mark.parametrize(
    ("head", "lines", "message"),
    [
        ("sample,grade", ["1,2"], "human.csv: no column 'label' in its first line; it has: sample, grade"),
        ("sample,label", [], "human.csv: holds no label"),
        ("sample,label", ["1,2", "2,"], "human.csv:3: the column 'label' is empty"),
        ("sample,label", ["1,2", ",3"], "human.csv:3: the column 'sample' is empty"),
        ("sample,label", ["41,2"], "human.csv:2: no judge's opinion of a sample '41' is in notes; it has 0, 1, 2, ..."),
        ("sample,label", ["40,2"], "human.csv:2: no judge's opinion of a sample '40'"),
        ("sample,label", ["1,6"], "human.csv:2: the label '6' is none of 1, 2, 3, 4, 5"),
        ("sample,label", ["1,win"], "human.csv:2: the label 'win' is none of 1, 2, 3, 4, 5"),
        ("sample,label", ["1,2", "1,3"], "sample '1' is labelled twice; a column `rater` tells people apart"),
        ("sample,label,rater", ["1,2,ann", "1,3,ann"], "sample '1' is labelled twice by ann"),
        ("sample,label,task", ["1,2,other"], "the run has no judged task 'other'; it has: notes"),
    ],
)
def test_labels_that_fit_nothing_are_told(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], head: str, lines: list[str], message: str
):
    assert main(["agreement", str(people(tmp_path, *lines, head=head)), str(run)]) == 4
    assert message in capsys.readouterr().err.replace(f"{tmp_path}/", "")


def test_a_run_of_several_tasks_needs_their_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    folder = tmp_path / "two"
    folder.mkdir()
    write(folder, [record(task, str(i), 3, "x", scale=[1, 5]) for task in ("one", "two") for i in range(3)])
    assert main(["agreement", str(people(tmp_path, "1,3")), str(folder)]) == 4
    assert "a column `task` must say which is meant: one, two" in capsys.readouterr().err
    lines = said(capsys, people(tmp_path, "1,3,two", head="sample,label,task"), folder)
    assert lines[0].startswith("two: 1 labels of 1 samples")


def test_samples_whose_judge_failed_are_counted_among_those_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    folder = tmp_path / "failed"
    folder.mkdir()
    error = {"outcome": "error", "error": {"kind": "judge_timeout", "message": "too late"}, "scores": {}}
    about = {"task": "notes", "variant": "gen", "epoch": 0, "groups": {}}
    lines = [about | {"sample": "first"} | error | {"unjudged": True, "outputs": [{"text": "4"}]}]
    lines += [record("notes", str(i), i % 5 + 1, "x", scale=[1, 5]) for i in range(10)]
    lines += [record("notes", "empty", None, "x", scale=[1, 5]) | {"opinions": []}, about | {"sample": "last"} | error]
    lines += [about | {"sample": "last", "epoch": 1} | error, about | {"sample": "0", "variant": "raw"} | error]
    write(folder, lines)
    said_of = said(capsys, people(tmp_path, "1,2"), folder)[0]
    assert said_of == (
        "notes: 1 labels of 1 samples by one person, 10 judged by a-judge; without an opinion, and left out: 3 samples "
        "(2 ended in an error, 1 empty or equal, not asked)"
    )
    assert main(["agreement", str(people(tmp_path, "last,2")), str(folder)]) == 4
    assert "no judge's opinion of a sample 'last' is in notes" in capsys.readouterr().err


def test_variants_that_are_judged_in_two_ways_are_told_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    folder = tmp_path / "ways"
    folder.mkdir()
    graded = [record("notes", str(i), i % 5 + 1, "x", scale=[1, 5]) for i in range(10)]
    pairs = [record("notes", str(i), ("loss", "tie", "win")[i % 3], "x", variant="pair") for i in range(10)]
    write(folder, graded + pairs)
    assert main(["agreement", str(people(tmp_path, "1,2")), str(folder)]) == 4
    assert "a column `task` must say which is meant: notes_gen, notes_pair" in capsys.readouterr().err
    rows = ["1,2,notes_gen", "1,tie,notes_pair"]
    lines = said(capsys, people(tmp_path, *rows, head="sample,label,task"), folder)
    assert [line.partition(":")[0] for line in lines if " judged by " in line] == ["notes_gen", "notes_pair"]


def test_a_run_without_a_judge_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    folder = tmp_path / "plain"
    folder.mkdir()
    write(folder, [{"task": "sums", "variant": "gen", "sample": "0", "epoch": 0}])
    assert main(["agreement", str(people(tmp_path, "0,3")), str(folder)]) == 4
    assert "no judge took part in this run; --rescore=" in capsys.readouterr().err


def test_missing_files_are_told(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["agreement", str(tmp_path / "none.csv"), str(run)]) == 4
    assert "none.csv: cannot be read" in capsys.readouterr().err
