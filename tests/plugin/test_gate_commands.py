"""`proctor gate`, `proctor baseline set` and `proctor noise`, on runs that were made."""

from __future__ import annotations

import json

import pytest
from proctor.command import main
from suites import Suite


@pytest.fixture
def runs(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> Suite:
    """Two runs of 60 sums; `second` has a third of them wrong."""
    suite.sums(60)
    assert suite.run("--report-dir=first").ret == 0
    suite.script(answers=[[f"{i} + {i} =", " 1"] for i in range(20, 40)])
    assert suite.run("--report-dir=second").ret == 0
    suite.write(gates__yaml="gates:\n  - benchmarks: [sums]\n    max_drop: 0.1\n")
    monkeypatch.chdir(suite.path)
    return suite


def test_a_baseline_file_judges_as_the_run_does(runs: Suite, capsys: pytest.CaptureFixture[str]):
    assert main(["baseline", "set", "first", "--to", "kept/base.json"]) == 0
    assert "1 tasks" in capsys.readouterr().out
    said = []
    for baseline in ("first", "kept/base.json"):
        assert main(["gate", "second", "--gate", "gates.yaml", "--baseline", baseline]) == 10
        said.append(capsys.readouterr().out)
    assert said[0] == said[1]
    assert said[0].startswith("FAIL          sums gen right max_drop: 66.67 after 100.00, drop 33.33 (")
    assert main(["gate", "first", "--gate", "gates.yaml", "--baseline", "kept/base.json"]) == 0


def test_a_baseline_holds_no_texts_and_shows_what_it_changes(runs: Suite, capsys: pytest.CaptureFixture[str]):
    main(["baseline", "set", "first"])
    text = (runs.path / "baseline.json").read_text()
    assert "20 + 20" not in text
    assert json.loads(text)["schema"] == "proctor.baseline/1"
    capsys.readouterr()
    assert main(["baseline", "set", "second"]) == 0
    assert "sums gen: right 100.00 (n 60) → 66.67 (n 60)" in capsys.readouterr().out


def test_a_part_and_errors_make_a_baseline_only_when_told(runs: Suite, capsys: pytest.CaptureFixture[str]):
    runs.run("--report-dir=part", "--limit=10")
    assert main(["baseline", "set", "part"]) == 4
    assert "covers 10 of 60 samples; --partial makes it" in capsys.readouterr().err
    assert main(["baseline", "set", "part", "--partial"]) == 0
    runs.script(fails=[["3 + 3 =", "timeout"]])
    runs.run("--report-dir=broken")
    (runs.path / "baseline.json").unlink()
    assert main(["baseline", "set", "broken"]) == 4
    assert "1 samples of sums gen ended in an error" in capsys.readouterr().err
    assert not (runs.path / "baseline.json").exists()
    assert main(["baseline", "set", "broken", "--errors"]) == 0


def test_noise_is_what_runs_of_one_model_differ_by(runs: Suite, capsys: pytest.CaptureFixture[str]):
    assert main(["noise", "first", "second", "--gate", "gates.yaml", "--write", "noise.json"]) == 0
    said = capsys.readouterr().out
    assert "spread 23.57 (66.67 to 100.00); 20.0 of 60 samples flip between two runs (33.33 %)" in said
    assert "a margin of 10.00 lies BELOW what two runs of one model differ by (65.33, 19 of 20 times)" in said
    runs.write(gates__yaml="noise: noise.json\ngates:\n  - benchmarks: [sums]\n    max_drop: 0.1\n")
    # A drop that so noisy a model shows by itself is no evidence.
    assert main(["gate", "second", "--gate", "gates.yaml", "--baseline", "first"]) == 11


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["noise", "first"], "name two of them or more"),
        (["noise", "first", "nowhere"], "nowhere: No such file or directory"),
        (["gate", "nowhere", "--gate", "gates.yaml", "--baseline", "first"], "nowhere: No such file or directory"),
        (["gate", "second", "--gate", "gates.yaml"], "gates.yaml:2: max_drop compares with a baseline"),
        (["gate", "second", "--gate", "no.yaml"], "no.yaml: cannot be read"),
        (["baseline", "set", "first", "--to", "sums.jsonl/base.json"], "cannot be written"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_line(
    runs: Suite, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
):
    assert main(arguments) == 4
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1


# --- the verdicts as Markdown -----------------------------------------------------------------------------------------

JUDGE = ["gate", "second", "--gate", "gates.yaml", "--baseline", "first", "--markdown"]


def test_verdicts_are_written_for_a_comment(runs: Suite):
    runs.run("--report-dir=part", "--limit=40")
    assert main([*JUDGE, "out/gates.md"]) == 10
    text = (runs.path / "out/gates.md").read_text()
    assert text.startswith("<!-- proctor gate -->\n## Gates\n\n1 FAIL.\n\n| | gate | | why |\n")
    assert "| ❌ FAIL | sums gen right max_drop | 66.67 after 100.00, drop 33.33 (" in text
    assert "run `second` of " in text.partition("Compared with: ")[0]
    assert "run `first` of " in text.partition("Compared with: ")[2]
    assert "Partial" not in text
    assert main(["gate", "part", *JUDGE[2:], "gates.md"]) == 10
    assert "**Partial:** judged on a part of the samples." in (runs.path / "gates.md").read_text()


def test_a_comment_on_a_run_with_too_many_errors_says_so(runs: Suite, capsys: pytest.CaptureFixture[str]):
    runs.script(fails=[["3 + 3 =", "timeout"]])
    assert runs.run("--report-dir=broken").ret == 12
    runs.write(gates__yaml="inconclusive: warn\nmissing: warn\ngates:\n  - benchmarks: [sums]\n    max_drop: 0.1\n")
    assert main(["gate", "broken", *JUDGE[2:], "gates.md"]) == 12
    said = "1 samples ended in an error, more than the run's budget allows: no verdict on it can be trusted."
    assert said in capsys.readouterr().out
    assert f"**{said}**" in (runs.path / "gates.md").read_text()


@pytest.mark.parametrize("place", ["first", "sums.jsonl/gates.md"])
def test_a_comment_that_cannot_be_written_is_told_in_a_line(
    runs: Suite, capsys: pytest.CaptureFixture[str], place: str
):
    assert main([*JUDGE, place]) == 4
    said = capsys.readouterr().err
    assert f"{place}: cannot be written: " in said
    assert said.count("\n") == 1
    assert not list(runs.path.glob("*.new"))


def test_what_cannot_be_judged_leaves_the_comment_that_was_there(runs: Suite):
    runs.write(gates__md="old")
    assert main(["gate", "nowhere", *JUDGE[2:], "gates.md"]) == 4
    assert (runs.path / "gates.md").read_text() == "old"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace('"data"', '"date"'), "not what a baseline holds: KeyError: 'data'"),
        (lambda text: text.replace("[1,1,1,", '["1",1,1,', 1), "a score under right is no number"),
        (lambda text: text.replace("[1,1,1,", "[NaN,1,1,", 1), "a score under right is no number"),
        (lambda text: text.replace('"right":[', '"wrong":[', 1), "the scores of right, are missing"),
        (lambda text: text.replace('"tasks"', '"run":{},\n"tasks"', 1), "the key 'run' stands twice in an object"),
        (lambda text: text.replace("proctor.baseline/1", "proctor.baseline/9"), "schema is 'proctor.baseline/9', not"),
        (lambda text: text[:-40], "not JSON"),
    ],
)
def test_a_damaged_baseline_file_is_told(runs: Suite, capsys: pytest.CaptureFixture[str], change, message: str):
    main(["baseline", "set", "first"])
    path = runs.path / "baseline.json"
    path.write_text(change(path.read_text()))
    capsys.readouterr()
    assert main(["gate", "second", "--gate", "gates.yaml", "--baseline", "baseline.json"]) == 4
    said = capsys.readouterr().err
    assert said.startswith("proctor: baseline.json: ")
    assert message in said


@pytest.mark.parametrize("value", ["NaN", '"1"', "[]", "null"])
def test_a_score_that_is_no_number_is_told_with_its_line(runs: Suite, capsys: pytest.CaptureFixture[str], value: str):
    path = runs.path / "second" / "samples.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    lines[2] = lines[2].replace('"right":1', f'"right":{value}')
    path.write_text("".join(lines))
    assert main(["gate", "second", "--gate", "gates.yaml", "--baseline", "first"]) == 4
    assert "second/samples.jsonl:3: no record of a sample: TypeError: the score right is no number" in (
        capsys.readouterr().err
    )


def test_a_file_of_samples_that_lacks_some_is_told(runs: Suite, capsys: pytest.CaptureFixture[str]):
    path = runs.path / "second" / "samples.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:20]))
    assert main(["gate", "second", "--gate", "gates.yaml", "--baseline", "first"]) == 4
    assert "second/samples.jsonl: 20 samples of sums gen, where the report tells of 60" in capsys.readouterr().err


@pytest.mark.parametrize(
    "content",
    ["{}", '{"schema": "proctor.noise/1"}', "[]", "no JSON", '{"schema":"proctor.noise/1","runs":["a"],"tasks":[]}'],
)
def test_a_noise_file_that_is_none_is_told_with_the_line_that_names_it(
    runs: Suite, capsys: pytest.CaptureFixture[str], content: str
):
    runs.write(
        gates__yaml="gates:\n  - benchmarks: [sums]\n    max_drop: 0.1\nnoise: noise.json\n", noise__json=content
    )
    assert main(["gate", "second", "--gate", "gates.yaml", "--baseline", "first"]) == 4
    assert "gates.yaml:4: noise: noise.json: no noise file" in capsys.readouterr().err


def test_a_negative_spread_is_no_noise(runs: Suite, capsys: pytest.CaptureFixture[str]):
    assert main(["noise", "first", "second", "--write", "noise.json"]) == 0
    path = runs.path / "noise.json"
    path.write_text(path.read_text().replace('"spread": ', '"spread": -'))
    runs.write(gates__yaml="noise: noise.json\ngates:\n  - benchmarks: [sums]\n    max_drop: 0.1\n")
    assert main(["gate", "second", "--gate", "gates.yaml", "--baseline", "first"]) == 4


def test_a_run_does_not_differ_from_itself(runs: Suite, capsys: pytest.CaptureFixture[str]):
    assert main(["noise", "first", "./first"]) == 4
    assert "the same run is named twice" in capsys.readouterr().err


def test_a_run_that_was_interrupted_is_not_judged(runs: Suite, capsys: pytest.CaptureFixture[str]):
    path = runs.path / "second" / "report.json"
    path.write_text(path.read_text().replace('"exit_code": 0', '"exit_code": 2'))
    assert main(["gate", "second", "--gate", "gates.yaml", "--baseline", "first"]) == 4
    assert "this run was interrupted, and is not judged; --resume=second" in capsys.readouterr().err
