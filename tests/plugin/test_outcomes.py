"""What becomes of a sample: in pytest, in JUnit, in the report and in the exit code."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from suites import SUMS, Suite


def judged(suite: Suite, body: str) -> None:
    """The benchmark `sums`, judged by `body`."""
    head, _, _ = SUMS.partition("    answer = ")
    suite.sums(3, head + "".join(f"    {line}\n" for line in body.splitlines()))


def cases(suite: Suite) -> dict[str, ET.Element]:
    root = ET.parse(suite.path / "reports/latest/junit.xml").getroot()
    return {case.get("name", ""): case for case in root.iter("testcase")}


def test_wrong_answers_pass_and_count_as_wrong(sums: Suite):
    sums.script(answers=[["3 + 3", " 7"]])
    result = sums.run()
    assert result.ret == 0
    result.assert_outcomes(passed=12)
    report = sums.report()
    (task,) = report["tasks"]
    assert task["samples"]["scored"] == 12
    assert task["metrics"]["right"]["value"] == pytest.approx(11 / 12)
    assert report["run"]["exit_code"] == 0
    assert [line["scores"] for line in sums.samples()][3] == {"right": 0}


def test_verbose_runs_tell_right_from_wrong(sums: Suite):
    sums.script(answers=[["3 + 3", " 7"]])
    result = sums.run("-v")
    result.stdout.fnmatch_lines(["*test_sums?2? RIGHT*", "*test_sums?3? WRONG*"])


def test_strict_samples_fail_on_wrong_answers_and_say_why(sums: Suite):
    sums.script(answers=[["3 + 3", " 7"]])
    result = sums.run("--strict-samples")
    assert result.ret == 1
    result.assert_outcomes(passed=11, failed=1)
    result.stdout.fnmatch_lines(["*test_sums?3?*", "wrong: '7', right: '6'", "question: 3 + 3", "output: ' 7'"])
    assert cases(sums)["test_sums[3]"].find("failure") is not None
    assert sums.report()["tasks"][0]["metrics"]["right"]["value"] == pytest.approx(11 / 12)


def test_failed_asks_are_errors_by_kind_and_never_wrong_answers(sums: Suite):
    sums.script(fails=[["3 + 3", "timeout"], ["4 + 4", "http_500"], ["5 + 5", "timeout"]])
    result = sums.run()
    assert result.ret == 12
    result.assert_outcomes(passed=9, errors=3)
    assert "Traceback" not in result.stdout.str()
    result.stdout.fnmatch_lines(["*ERROR at setup of test_sums?3?*", "timeout: ordered timeout"])
    (task,) = sums.report()["tasks"]
    assert task["samples"]["errors"] == {"timeout": 2, "http_500": 1}
    assert task["samples"]["scored"] == 9
    assert task["metrics"]["right"]["value"] == 1
    assert task["metrics"]["right"]["over_all"] == pytest.approx(9 / 12)
    assert cases(sums)["test_sums[3]"].find("error") is not None
    assert cases(sums)["test_sums[3]"].find("failure") is None
    line = sums.samples()[3]
    assert (line["outcome"], line["error"]["kind"], line["scores"]) == ("error", "timeout", {})
    assert line["prompt"] == "3 + 3 ="


@pytest.mark.parametrize(("budget", "code"), [("0", 12), ("1", 12), ("2", 0)])
def test_the_error_budget_decides_on_the_exit_code(sums: Suite, budget: str, code: int):
    sums.script(fails=[["3 + 3", "timeout"], ["4 + 4", "timeout"]])
    assert sums.run(f"--error-budget={budget}").ret == code
    assert sums.report()["run"]["exit_code"] == code


def test_errors_within_the_budget_hide_no_failure(sums: Suite):
    sums.script(fails=[["3 + 3", "timeout"]])
    sums.write(test_ordinary="def test_fails():\n    assert False\n")
    assert sums.run("--error-budget=1").ret == 1


def test_too_many_errors_outrank_failures(sums: Suite):
    sums.script(fails=[["3 + 3", "timeout"]])
    sums.write(test_ordinary="def test_fails():\n    assert False\n")
    assert sums.run().ret == 12


def test_an_exception_in_a_judge_is_a_failure_with_its_traceback(suite: Suite):
    judged(suite, "missing = {}\nscore(missing['key'], right=True)")
    result = suite.run()
    assert result.ret == 1
    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines([">*score(missing*, right=True)", "E*KeyError: 'key'", "test_sums.py:*: KeyError"])
    result.stdout.no_fnmatch_line("*from_call*")
    (task,) = suite.report()["tasks"]
    assert task["samples"]["errors"] == {"judge": 3}
    assert suite.samples()[0]["error"] == {"kind": "judge", "message": "KeyError: 'key'"}
    assert suite.samples()[0]["outputs"][0]["text"] == " 0"


def test_an_assert_in_a_judge_is_shown_with_its_values(suite: Suite):
    judged(suite, "assert output.text == 'other'\nscore(1, right=True)")
    result = suite.run("-x")
    result.stdout.fnmatch_lines(["E*AssertionError: assert ' 0' == 'other'"])


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("pass", "*test_sums did not call score(answer, [*][*]metrics)"),
        ("score(1, right=True)\nscore(1, right=True)", "*score() was called twice for one sample"),
        ("score(1, other=True)", "*score() lacks the benchmark's main metric 'right'; it was given: other"),
        ("score(1, right='many')", "*score(right='many'): a metric is a flag or a finite number"),
        ("score(1, right=float('nan'))", "*score(right=nan): a metric is a flag or a finite number"),
        ("score(1, right=None)", "*score(right=None): a metric is a flag or a finite number"),
    ],
)
def test_misuse_of_score_fails_and_says_what_is_wrong(suite: Suite, body: str, message: str):
    judged(suite, body)
    result = suite.run()
    assert result.ret == 1
    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines([message])


def test_an_exception_in_an_ask_is_an_error_with_its_traceback(suite: Suite):
    ask = "async def ask(sample, model):\n    raise ValueError('no tool')\n\n\n@sums.test(ask)\n"
    suite.sums(3, SUMS.replace("@sums.test(generate(max_tokens=8))\n", ask))
    result = suite.run()
    assert result.ret == 12
    result.assert_outcomes(errors=3)
    result.stdout.fnmatch_lines(["*async def ask(sample, model):", "E*ValueError: no tool"])
    result.stdout.no_fnmatch_line("*lookahead*")
    assert suite.report()["tasks"][0]["samples"]["errors"] == {"ask": 3}


def test_truncated_and_unparsed_outputs_are_scored_and_counted(sums: Suite):
    sums.script(finish=[["1 + 1", "length"], ["2 + 2", "length"]], answers=[["3 + 3", " "]])
    result = sums.run()
    assert result.ret == 0
    (task,) = sums.report()["tasks"]
    assert task["samples"] == {
        "selected": 12,
        "total": 12,
        "scored": 12,
        "errors": {},
        "truncated": 2,
        "unparsed": 1,
        "refused": 0,
        "ties": 0,
        "context_cut": 0,
    }
    result.stdout.fnmatch_lines(["sums gen*right*2 truncated; 1 unparsed"])
    properties = {element.get("name") for element in cases(sums)["test_sums[1]"].iter("property")}
    assert properties == {"right", "truncated"}


def test_ties_are_counted_and_go_to_the_first_choice(checkout: Suite):
    checkout.script(likeliest="")
    checkout.run("evals", "-m", "mmlu")
    (task,) = checkout.report()["tasks"]
    assert task["samples"]["ties"] == 12
    assert {line["extracted"] for line in checkout.samples()} == {"A"}
    assert task["metrics"]["accuracy"]["value"] == 0.25


def test_skipped_samples_are_not_asked_and_make_the_run_partial(suite: Suite):
    suite.sums(3, "import pytest\n" + SUMS.replace("@sums.test", "@pytest.mark.skip(reason='too dear')\n@sums.test"))
    result = suite.run("-rs")
    result.assert_outcomes(skipped=3)
    assert suite.asked == []
    assert suite.report()["run"]["partial"]
    assert cases(suite)["test_sums[0]"].find("skipped").get("message") == "too dear"
