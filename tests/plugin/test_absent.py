"""A benchmark whose data cannot be had is one skipped item that says what to do; the others run; alone it is exit 4."""

from __future__ import annotations

import json
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import jsonschema
import pytest
from suites import CHECKOUT, Suite, small_data

WORKERS = pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
FORM = (
    "fill in https://cs.rochester.edu/nlp/rocstories/, and put "
    "cloze_test_val__winter2018-cloze_test_ALL_val - 1 - 1.csv"
)


@pytest.fixture
def partly(checkout: Suite) -> Suite:
    """gsm8k, mmlu and storycloze, with a data root `here` that holds gsm8k alone."""
    module = checkout.path / "evals" / "everyday" / "test_storycloze.py"
    module.parent.mkdir()
    (module.parent / "__init__.py").touch()
    shutil.copy(CHECKOUT / "evals" / "everyday" / "test_storycloze.py", module)
    (checkout.path / "here").mkdir()
    small_data(checkout.path / "here")
    shutil.rmtree(checkout.path / "here" / "mmlu")
    return checkout


def root(suite: Suite) -> Path:
    return suite.path / "here"


@WORKERS
def test_what_is_absent_is_skipped_with_its_reason_and_the_rest_runs(partly: Suite, workers: tuple[str, ...]):
    result = partly.run("evals", "--data-dir=here", "-rs", *workers)
    assert result.ret == 0, result.stdout.str()
    assert result.parseoutcomes() | {"deselected": 0} == {"passed": 12, "skipped": 2, "deselected": 0}
    mmlu = (
        f"mmlu: {root(partly)} has no mmlu/test/{{subject}}_test.csv; `proctor fetch mmlu --data-dir={root(partly)}` *"
    )
    result.stdout.fnmatch_lines_random(
        [
            f"proctor: not run: {mmlu}",
            f"not run: {mmlu}",
            f"not run: storycloze: its data are given out against a form: {FORM} *{root(partly)}/storycloze*",
            "SKIPPED [[]1[]] evals/everyday/test_storycloze.py:*: storycloze: its data are given out against a form*",
        ]
    )
    report = partly.report()
    jsonschema.validate(report, json.loads((CHECKOUT / "docs" / "report.schema.json").read_text()))
    assert [task["task"] for task in report["tasks"]] == ["gsm8k"]
    assert {(task["task"], task["variant"]) for task in report["not_run"]} == {("mmlu", "ppl"), ("storycloze", "ppl")}
    assert all(task["reason"].startswith(f"{task['task']}: ") for task in report["not_run"])
    assert report["run"]["partial"] is False
    cases = {case.get("name"): case for case in ET.parse(partly.path / "reports/latest/junit.xml").iter("testcase")}
    assert len(cases) == 14
    skipped = cases["test_storycloze_ppl"].find("skipped")
    assert skipped is not None
    assert FORM in (skipped.get("message") or "")
    assert "| mmlu | | not run |" in (partly.path / "reports/latest/summary.md").read_text()


@WORKERS
@pytest.mark.parametrize("chosen", ["storycloze", "storycloze_gen", "astronomy", "mmlu or storycloze"])
def test_alone_it_is_an_error_before_anything_is_asked(partly: Suite, chosen: str, workers: tuple[str, ...]):
    result = partly.run("evals", "--data-dir=here", "-k", chosen, *workers)
    said = result.stdout.str() + result.stderr.str()
    assert result.ret == 4, said
    assert partly.asked == []
    assert not (partly.path / "reports").exists()
    if "storycloze" in chosen:
        assert said.count(FORM) == 1
    if chosen != "storycloze":
        assert ("mmlu: " in said) == (chosen != "storycloze_gen")


@WORKERS
def test_a_folder_that_is_no_data_root_is_told_once(partly: Suite, workers: tuple[str, ...]):
    (partly.path / "empty").mkdir()
    result = partly.run("evals", "--data-dir=empty", *workers)
    said = result.stdout.str() + result.stderr.str()
    assert result.ret == 4, said
    assert "nothing can be run, for want of data" in said
    for name in ("gsm8k", "mmlu", "storycloze"):
        assert said.count(f"  {name}: ") + said.count(f": {name}: ") == 1, said


@WORKERS
def test_what_is_half_there_is_an_error(partly: Suite, workers: tuple[str, ...]):
    (root(partly) / "mmlu/dev").mkdir(parents=True)
    (root(partly) / "mmlu/dev/astronomy_dev.csv").write_text("q,a,b,c,d,A\n")
    result = partly.run("evals", "--data-dir=here", *workers)
    assert result.ret == 4
    assert f"mmlu: no file {root(partly)}/mmlu/test/{{subject}}_test.csv" in result.stdout.str() + result.stderr.str()
    assert partly.asked == []


@WORKERS
def test_what_is_there_but_broken_is_an_error(partly: Suite, workers: tuple[str, ...]):
    (root(partly) / "storycloze").mkdir()
    (root(partly) / "storycloze/cloze_test_val__winter2018.csv").write_text("InputStoryid,Input\n1\n")
    result = partly.run("evals", "--data-dir=here", *workers)
    assert result.ret == 4
    assert "cloze_test_val__winter2018.csv:2: 1 columns where the header has 2" in result.stdout.str()
    assert partly.asked == []


def test_an_ordinary_test_beside_it_runs(partly: Suite):
    partly.write(test_ordinary="def test_ordinary():\n    pass\n")
    result = partly.run("--data-dir=here", "-k", "storycloze or ordinary")
    assert result.ret == 0
    result.assert_outcomes(passed=1, skipped=1, deselected=result.parseoutcomes()["deselected"])
    assert not (partly.path / "reports").exists()


def test_the_variant_asked_for_is_the_one_that_is_skipped(partly: Suite):
    assert partly.run("evals", "--data-dir=here", "--variant=gen").ret == 0
    assert {(task["task"], task["variant"]) for task in partly.report()["not_run"]} == {
        ("mmlu", "gen"),
        ("storycloze", "gen"),
    }
    listed = partly.nodeids("evals", "--data-dir=here", "-k", "storycloze")
    assert listed == ["evals/everyday/test_storycloze.py::test_storycloze_ppl"]


def test_options_for_it_are_no_mistake(partly: Suite):
    (partly.path / "terse.jinja").write_text("{{ question }}")
    options = ("--set=mmlu_gen.max_tokens=3", "--prompt=storycloze=terse.jinja")
    assert partly.run("evals", "--data-dir=here", *options).ret == 0


@WORKERS
@pytest.mark.parametrize(("policy", "code"), [("block", 11), ("warn", 0)])
def test_its_gate_is_missing(partly: Suite, policy: str, code: int, workers: tuple[str, ...]):
    text = f"missing: {policy}\ngates:\n"
    for name, least in (("storycloze", 0.5), ("gsm8k", 0.0)):
        text += f"  - benchmarks: [{name}]\n    min_score: {least}\n"
    partly.write(gates__yaml=text)
    result = partly.run("evals", "--data-dir=here", "--model=x", "--gate=gates.yaml", "--report-dir=run", *workers)
    assert result.ret == code, result.stdout.str()
    verdicts = {verdict["task"]: verdict for verdict in partly.report("run")["gates"]}
    assert verdicts["gsm8k"]["verdict"] == "PASS"
    assert verdicts["storycloze"]["verdict"] == "MISSING"
    assert verdicts["storycloze"]["reason"].startswith("not run: storycloze: its data are given out against a form")
    assert verdicts["storycloze"]["stops"] == (code == 11)
    jsonschema.validate(partly.report("run"), json.loads((CHECKOUT / "docs" / "report.schema.json").read_text()))
    from proctor.command import main

    assert main(["gate", str(partly.path / "run"), "--gate", str(partly.path / "gates.yaml")]) == code


def test_a_real_model_runs_what_can_be_fetched_and_skips_what_needs_a_form(
    partly: Suite, monkeypatch: pytest.MonkeyPatch
):
    partly.script(bundled=False)
    cache = partly.path / "cache"
    monkeypatch.setenv("PROCTOR_CACHE", str(cache))
    (partly.path / "data/manifest.yaml").unlink(missing_ok=True)
    for path in (partly.path / "data/manifest").iterdir():
        if path.name not in ("commonsense.yaml",):
            path.unlink()
    (partly.path / "data/manifest.yaml").write_text("gsm8k: {files: test.jsonl, shots: train.jsonl}\n")
    shutil.copytree(root(partly) / "gsm8k", cache / "data" / "gsm8k")
    shutil.rmtree(partly.path / "evals/knowledge")
    result = partly.run("evals")
    assert result.ret == 0, result.stdout.str() + result.stderr.str()
    (absent,) = partly.report()["not_run"]
    assert absent["reason"].endswith(f"as cloze_test_val__winter2018.csv into {cache}/data/storycloze")
    row = "InputStoryid,InputSentence1,InputSentence2,InputSentence3,InputSentence4,"
    row += "RandomFifthSentenceQuiz1,RandomFifthSentenceQuiz2,AnswerRightEnding\nx,A.,B.,C.,D.,E.,F.,1\n"
    (cache / "data/storycloze").mkdir()
    (cache / "data/storycloze/cloze_test_val__winter2018.csv").write_text(row)
    assert partly.run("evals", "-k", "storycloze").ret == 0
    assert [task["samples"]["scored"] for task in partly.report()["tasks"]] == [1]


def test_a_run_is_judged_again_where_the_others_still_have_no_data(partly: Suite):
    assert partly.run("evals", "--data-dir=here", "--report-dir=first").ret == 0
    partly.forget()
    result = partly.run("evals", "--rescore=first", "--report-dir=second", "--data-dir=here")
    assert result.ret == 0, result.stdout.str()
    assert partly.asked == []
    assert [task["task"] for task in partly.report("second")["tasks"]] == ["gsm8k"]
