"""Stored outputs are judged again by today's rules, with no model."""

from __future__ import annotations

import pytest
from suites import SUMS, Suite

WORKERS = pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
LENIENT = SUMS.replace("answer == sample.target", "answer.startswith(sample.target)")


@pytest.fixture
def scored(sums: Suite) -> Suite:
    sums.script(answers=[["3 + 3", " 6 apples"], ["7 + 7", " 15"]])
    assert sums.run("--report-dir=first").ret == 0
    sums.forget()
    return sums


@WORKERS
def test_the_same_rules_give_the_same_report(scored: Suite, workers: tuple[str, ...]):
    result = scored.run("--rescore=first", "--report-dir=second", *workers)
    assert result.ret == 0, result.stdout.str()
    result.stdout.fnmatch_lines(["sums gen: 0 of 12 samples changed"])
    assert (scored.asked, scored.events("start")) == ([], 0)
    assert scored.report("second")["tasks"] == scored.report("first")["tasks"]
    assert scored.report("second")["model"] == scored.report("first")["model"]
    assert scored.samples("second") == scored.samples("first")


@WORKERS
def test_a_changed_rule_shows_what_it_changed(scored: Suite, workers: tuple[str, ...]):
    scored.write(test_sums=LENIENT)
    result = scored.run("--rescore=first", "--report-dir=second", *workers)
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["sums gen: right 83.33 → 91.67", "sums gen: 1 of 12 samples changed: 3 (0 → 1)"], consecutive=True
    )
    assert scored.asked == []
    assert scored.report("first")["tasks"][0]["metrics"]["right"]["value"] == pytest.approx(10 / 12)


def test_a_prompt_that_has_changed_was_not_answered(scored: Suite):
    scored.write(test_sums=SUMS.replace("{{ question }} =", "{{ question }} makes"))
    result = scored.run("--rescore=first")
    assert result.ret == 12
    assert "not_stored: first holds no answer of this sample to this prompt" in result.stdout.str().replace(
        f"{scored.path}/", ""
    )
    assert not list(scored.path.glob("reports/*/parts"))


@WORKERS
def test_only_what_was_asked_is_judged_on_the_data_that_were_asked(scored: Suite, workers: tuple[str, ...]):
    (scored.path / "mine" / "sums").mkdir(parents=True)
    rows = (scored.path / "sums.jsonl").read_text()
    (scored.path / "mine" / "sums" / "sums.jsonl").write_text(rows.replace("+", "plus"))
    few = ("--data-dir=mine", "--limit=5", "--set=sums.max_tokens=3")
    assert scored.run("--report-dir=few", *few).ret == 0
    result = scored.run("--rescore=few", "--report-dir=again", *workers)
    assert "not_stored" not in result.stdout.str()
    (before,), (after,) = scored.report("few")["tasks"], scored.report("again")["tasks"]
    assert after == before
    assert (after["samples"]["selected"], after["parameters"]["max_tokens"]) == (5, 3)


def test_a_run_that_holds_nothing_of_what_is_selected_says_what_it_holds(scored: Suite):
    scored.write(
        test_others=SUMS.replace("sums", "others"),
        others__jsonl='{"question": "1 + 1", "answer": "2", "size": "small"}\n',
    )
    result = scored.run("--rescore=first", "-k", "others")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["ERROR: --rescore: of what is selected the run holds no sample; it holds sums"])


def test_a_damaged_file_is_refused_before_anything_is_judged(scored: Suite):
    samples = scored.path / "first" / "samples.jsonl"
    samples.write_bytes(samples.read_bytes()[:-30])
    result = scored.run("--rescore=first")
    assert result.ret == 4
    assert "samples.jsonl:12: not JSON; the file is damaged" in result.stderr.str()


@pytest.mark.parametrize(
    "option", ["--set=sums.max_tokens=3", "--model=x", "--resume=first", "--base-url=http://localhost:1"]
)
def test_a_model_beside_it_is_refused(scored: Suite, option: str):
    plugins = ("proctor.plugin", "proctor_service.plugin")
    result = scored.run("--rescore=first", option, apart=True, plugins=plugins)
    assert result.ret == 4
    assert f"leave {option.partition('=')[0]} out" in result.stderr.str()


def test_a_folder_without_a_run_is_refused(scored: Suite):
    result = scored.run("--rescore=reports")
    assert result.ret == 4
    assert "holds no run with a report.json and a samples.jsonl" in result.stderr.str()
