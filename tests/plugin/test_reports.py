"""The files of a run."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import jsonschema
import pytest
from scripted_server import Script, ScriptedServer
from suites import CHECKOUT, SUMS, Suite

SCHEMA = CHECKOUT / "docs" / "report.schema.json"
ODD = "bell \x07, escape \x1b[0m, null \x00, half \ud83d, non-character \ufffe, <tag> & ]]> \u2028"


def junit(suite: Suite, path: str = "reports/latest/junit.xml") -> ET.Element:
    return ET.parse(suite.path / path).getroot()


def test_a_run_leaves_its_files_and_nothing_else(sums: Suite):
    sums.run()
    names = {path.name for path in (sums.path / "reports/latest/").iterdir()}
    assert names == {"report.json", "samples.jsonl", "junit.xml", "summary.md"}


def test_the_report_says_what_was_measured_and_how(sums: Suite):
    sums.script(answers=[["2 + 2", " 5"], ["3 + 3", " 5"]])
    sums.run("--seed=7")
    report = sums.report()
    assert report["schema"] == "proctor.report/1"
    assert report["run"]["seed"] == 7
    assert "--seed=7" in report["run"]["command"]
    assert report["run"]["id"] == (sums.path / "reports/latest").resolve().name
    assert report["model"]["name"] == "fake"
    (task,) = report["tasks"]
    assert (task["task"], task["variant"], task["version"], task["shots"]) == ("sums", "gen", 1, 0)
    assert task["parameters"]["max_tokens"] == 8
    assert (task["data"]["rows"], task["data"]["excluded"]) == (12, {})
    assert task["metrics"]["right"]["value"] == pytest.approx(10 / 12)
    low, high = task["metrics"]["right"]["ci95"]
    assert 0 <= low < 10 / 12 < high <= 1
    groups = task["groups"]["size"]
    assert (groups["large"]["right"]["value"], groups["small"]["right"]["value"]) == (3 / 4, 7 / 8)
    assert task["macro"]["size"]["right"]["value"] == pytest.approx((3 / 4 + 7 / 8) / 2)
    assert task["usage"]["requests"] == 12


def test_a_sample_has_everything_that_led_to_its_score(sums: Suite):
    sums.script(answers=[["3 + 3", " 7"]])
    sums.run()
    line = sums.samples()[3]
    assert line["prompt"] == "3 + 3 ="
    assert line["outputs"] == [{"text": " 7", "finish_reason": "stop", "tokens": 1, "latency": 0.0}]
    assert (line["extracted"], line["target"], line["scores"]) == ("7", "6", {"right": 0})
    assert (line["task"], line["variant"], line["sample"], line["epoch"]) == ("sums", "gen", "3", 0)
    assert (line["groups"], line["outcome"]) == ({"size": "small"}, "scored")


def test_choices_are_recorded_with_their_likelihoods(checkout: Suite):
    checkout.script(likeliest="C")
    checkout.run("evals", "-k", "mmlu and astronomy-2")
    (line,) = checkout.samples()
    assert [choice["text"] for choice in line["choices"]] == [" A", " B", " C", " D"]
    assert [choice["logprob"] for choice in line["choices"]] == [-2, -2, -1, -2]
    assert (line["extracted"], line["target"]) == ("C", "C")
    assert line["groups"] == {"subject": "astronomy", "category": "STEM"}


def test_the_summary_shows_scores_groups_and_provenance(sums: Suite):
    sums.script(fails=[["3 + 3", "timeout"]])
    sums.run("--error-budget=1")
    summary = (sums.path / "reports/latest/summary.md").read_text()
    assert "| sums gen | right | **100.00** |" in summary
    assert "1 error (timeout 1; over all 91.67)" in summary
    assert "## sums gen by size" in summary
    assert "sha256 `" in summary


def test_latest_points_to_the_newest_run(sums: Suite):
    sums.run()
    first = (sums.path / "reports/latest").resolve()
    sums.run()
    second = (sums.path / "reports/latest").resolve()
    assert first != second
    assert {path.name for path in (sums.path / "reports").iterdir()} == {first.name, second.name, "latest"}


def test_a_report_goes_exactly_where_it_is_told_to(sums: Suite):
    sums.run("--report-dir=some/where")
    assert sums.report("some/where")["tasks"][0]["samples"]["scored"] == 12
    assert not (sums.path / "reports").exists()


def test_reports_lie_under_the_folder_of_the_command(sums: Suite):
    (sums.path / "below").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(sums.path / "below")
        sums.run("..")
    assert sums.report("below/reports/latest")["tasks"][0]["samples"]["scored"] == 12


def test_a_latest_that_is_no_link_is_left_alone(sums: Suite):
    (sums.path / "reports/latest").mkdir(parents=True)
    assert sums.run().ret == 0
    assert list((sums.path / "reports/latest").iterdir()) == []


@pytest.mark.parametrize("args", [(), ("--strict-samples",), ("-n", "2")])
def test_odd_characters_survive_in_every_file(suite: Suite, args: tuple[str, ...]):
    rows = [{"question": f"{i} + {i} {ODD}", "answer": "never", "size": ODD} for i in range(3)]
    (suite.path / "rows").mkdir()
    (suite.path / "rows" / "odd::part [x].jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    suite.write(test_sums=SUMS.replace("sums.jsonl", "rows/{part}.jsonl"))
    suite.script(answers=[["1 + 1", ODD]], fails=[["2 + 2", "timeout"]])
    suite.run("--error-budget=1", "--junitxml=own.xml", *args, apart=True)
    line = suite.samples()[1]
    assert line["sample"] == "odd::part [x]-1"
    assert line["outputs"][0]["text"] == ODD
    assert line["groups"] == {"size": ODD}
    names = [case.get("name") for case in junit(suite).iter("testcase")]
    assert sorted(names) == [f"test_sums[odd::part [x]-{number}]" for number in range(3)]
    assert {case.get("classname") for case in junit(suite).iter("testcase")} == {"test_sums"}
    assert suite.report()["tasks"][0]["samples"]["scored"] == 2


def test_pytests_own_junit_report_works_beside(sums: Suite):
    sums.script(fails=[["3 + 3", "timeout"]], answers=[["4 + 4", " 9"]])
    sums.run("--junitxml=own.xml", "--strict-samples")
    for root in (junit(sums, "own.xml"), junit(sums)):
        (suite,) = root.iter("testsuite")
        counts = {name: suite.get(name) for name in ("tests", "errors", "failures", "skipped")}
        assert counts == {"tests": "12", "errors": "1", "failures": "1", "skipped": "0"}
    names = [[case.get(key) for key in ("classname", "name")] for case in junit(sums).iter("testcase")]
    assert names == [
        [case.get(key) for key in ("classname", "name")] for case in junit(sums, "own.xml").iter("testcase")
    ]


def test_junit_has_the_scores_as_properties(sums: Suite):
    sums.script(answers=[["1 + 1", " 9"]])
    sums.run()
    found = [
        (case.get("name"), element.get("name"), element.get("value"))
        for case in junit(sums).iter("testcase")
        for element in case.iter("property")
    ]
    assert found[:3] == [(f"test_sums[{number}]", "right", str(int(number != 1))) for number in range(3)]


def test_no_file_and_no_line_holds_a_password(suite: Suite):
    suite.sums(2)
    with ScriptedServer(Script(answer=" 2")) as server:
        url = server.url.replace("://", "://user:hunter2@")
        result = suite.served("--base-url", url, "--limit=2")
        other = suite.served(f"--base-url={url}", "--limit=1", "-n", "2")
    assert (result.ret, other.ret) == (0, 0)
    assert "hunter2" not in result.stdout.str() + result.stderr.str() + other.stdout.str()
    assert "***@" in suite.report()["run"]["command"]
    files = suite.files()
    assert len([name for name in files if name.endswith("report.json")]) == 2
    assert not any(b"hunter2" in content for content in files.values())


@pytest.mark.skipif(not SCHEMA.exists(), reason="docs/report.schema.json is not written yet")
@pytest.mark.parametrize("script", [{}, {"fails": [["+", "timeout"]]}, {"likeliest": ""}])
def test_reports_follow_the_published_schema(checkout: Suite, script: dict):
    checkout.sums()
    checkout.script(**script)
    checkout.run("--variant=all")
    jsonschema.validate(checkout.report(), json.loads(SCHEMA.read_text()))


def test_examples_of_the_header_are_shots(suite: Suite):
    suite.sums(module=SUMS.replace('main="right"', 'main="right", header="1 + 1 = 2\\n", header_shots=1'))
    suite.run()
    assert suite.report()["tasks"][0]["shots"] == 1


def test_a_metric_is_shown_with_its_signature(suite: Suite):
    signed = SUMS.replace('main="right"', 'main="right", signatures=lambda: {"right": "nrefs:1|case:mixed"}')
    suite.sums(module=signed)
    suite.run()
    report = suite.report()
    assert report["tasks"][0]["signatures"] == {"right": "nrefs:1|case:mixed"}
    jsonschema.validate(report, json.loads(SCHEMA.read_text()))
    assert 'right `"nrefs:1|case:mixed"`' in (suite.path / "reports/latest/summary.md").read_text()
