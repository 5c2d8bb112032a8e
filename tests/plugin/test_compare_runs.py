"""`proctor compare` on runs that were made: what is printed, of flips too, and what is refused."""

from __future__ import annotations

import json

import pytest
from proctor.command import main
from suites import Suite


@pytest.fixture
def runs(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> Suite:
    """Two runs of 60 sums: `second` has twenty wrong, `first` one, which `second` has right."""
    suite.sums(60)
    suite.script(answers=[["3 + 3 =", " 7"]])
    assert suite.run("--report-dir=first").ret == 0
    suite.script(answers=[*[[f"{i} + {i} =", " 1"] for i in range(20, 39)], ["39 + 39 =", " 1\x1b[2Jand ``` more"]])
    assert suite.run("--report-dir=second").ret == 0
    monkeypatch.chdir(suite.path)
    return suite


def said(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert main(["compare", *arguments]) == code
    captured = capsys.readouterr()
    return captured.err if code else captured.out


def test_two_runs(runs: Suite, capsys: pytest.CaptureFixture[str]):
    lines = said(capsys, "first", "second").splitlines()
    assert lines[:2] == ["A  fake (fake 1): first", "B  fake (fake 1): second"]
    assert lines[3].split() == [
        "task",
        "metric",
        "run",
        "score",
        "change",
        "95",
        "%",
        "interval",
        "lost",
        "gained",
        "n",
        "p",
    ]
    assert lines[4].split() == ["sums", "gen", "right", "A", "98.33", "60"]
    cells = lines[5].split()
    assert cells[:3] == ["B", "66.67", "-31.67"]
    assert cells[-4:] == ["20", "1", "60", "<0.0001"]
    assert any("the same score in 39 of 60 samples; the same answer in 39 of 60 (65.0 %)" in line for line in lines)


def test_flips_show_prompt_outputs_and_target(runs: Suite, capsys: pytest.CaptureFixture[str]):
    text = said(capsys, "first", "second", "--flips", "1")
    assert (
        "lost in B: sums gen 20\n  prompt:\n    | 20 + 20 =\n  right: 40\n"
        "  A: 40 (right 1)\n  wrote:\n    |  40\n  B: 1 (right 0)\n  wrote:\n    |  1\n" in text
    )
    assert "gained in B: sums gen 3" in text
    assert text.count("lost in B") == 1
    whole = said(capsys, "first", "second", "--flips", "all")
    assert whole.count("lost in B") == 20
    # What a model wrote does not reach the terminal as commands.
    assert "\x1b" not in whole
    assert "1\\x1b[2Jand" in whole
    assert "in B:" not in said(capsys, "first", "second", "--flips", "0")


def test_markdown(runs: Suite, capsys: pytest.CaptureFixture[str]):
    said(capsys, "first", "second", "--flips", "all", "--markdown", "kept/out.md")
    text = (runs.path / "kept" / "out.md").read_text()
    assert "|  |  | B | 66.67 | -31.67 | " in text
    assert text.count("<details>") == text.count("</details>") == 21
    assert text.count("```") == 42  # those of the output itself cannot end the block


def test_a_baseline_file_has_no_texts(runs: Suite, capsys: pytest.CaptureFixture[str]):
    main(["baseline", "set", "first"])
    capsys.readouterr()
    text = said(capsys, "baseline.json", "second", "--flips", "1")
    assert "-31.67" in text
    assert "  B: 1 (right 0)" in text
    (runs.path / "second" / "samples.jsonl").rename(runs.path / "gone")
    assert "second/samples.jsonl: No such file" in said(capsys, "baseline.json", "second", code=4)


def test_three_runs_have_places(runs: Suite, capsys: pytest.CaptureFixture[str]):
    lines = [line.split() for line in said(capsys, "first", "second", "first").splitlines()]
    assert ["task", "rank", "run", "score"] in lines
    at = lines.index(["task", "rank", "run", "score"])
    assert lines[at + 1] == ["sums", "gen", "1", "to", "2", "A", "98.33"]
    assert lines[at + 2] == ["1", "to", "2", "C", "98.33"]
    assert lines[at + 3] == ["3", "B", "66.67"]


def test_prompts_that_differ_are_both_shown(runs: Suite, capsys: pytest.CaptureFixture[str]):
    runs.write(terse__jinja="{% block prompt %}Add {{ question }}{% endblock %}")
    runs.script(answers=[["5 + 5", " 1"]])
    result = runs.run("--prompt", "sums=terse.jinja", "--report-dir=other")
    assert result.ret == 0, result.stdout.str()
    text = said(capsys, "first", "other", "--flips", "1")
    assert "asked otherwise: 60 of 60 samples had another prompt" in text
    assert "  prompt of A:\n    | 5 + 5 =\n  prompt of B:\n    | Add 5 + 5\n" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("first", "nowhere"), "nowhere/report.json: No such file"),
        (
            ("first", "second", "--metric", "wrong"),
            "no task has the metric wrong in all runs: first: sums gen has right; second: sums gen has right",
        ),
    ],
)
def test_what_is_wrong_is_said(
    runs: Suite, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
):
    if "nowhere" in arguments:
        (runs.path / "nowhere").mkdir()
    assert message in said(capsys, *arguments, code=4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("first",), "name two runs or more"),
        (("first", "second", "--flips", "few"), "--flips few: a number or `all` is needed"),
        (("first", "second", "--task", "x"), "--task: OTHER=NAME is needed"),
        (("first", "second", "--task", "a=b"), "--task a=b: no run has a task called a"),
        (("first", "second", "--pair", "row"), "invalid choice: 'row'"),
    ],
)
def test_called_wrongly(runs: Suite, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str):
    with pytest.raises(SystemExit) as caught:
        main(["compare", *arguments])
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


def test_a_damaged_line_is_named(runs: Suite, capsys: pytest.CaptureFixture[str]):
    with (runs.path / "second" / "samples.jsonl").open("a") as file:
        file.write('{"task": "su')
    assert "second/samples.jsonl:61: not JSON; the file is damaged" in said(capsys, "first", "second", code=4)
    assert json.loads((runs.path / "second" / "report.json").read_text())
