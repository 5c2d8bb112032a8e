"""--epochs and --temperature: every sample several times, and what is told of it."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections import Counter

import jsonschema
import pytest
from proctor.command import main
from suites import CHECKOUT, Suite

WORKERS = pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
SAMPLED = ("--epochs=4", "--temperature=0.7")


@pytest.fixture
def wavering(suite: Suite) -> Suite:
    """Ten sums, of which the last five are answered wrongly by half of the seeds."""
    suite.sums(10)
    suite.script(wavers=[[f"{i} + {i}", 0.5] for i in range(5, 10)])
    return suite


@WORKERS
def test_every_sample_is_asked_with_seeds_of_its_own(wavering: Suite, workers: tuple[str, ...]):
    result = wavering.run(*SAMPLED, *workers)
    assert result.ret == 0
    result.assert_outcomes(passed=40)
    assert set(Counter(wavering.asked).values()) == {4}
    seeds = [entry["seed"] for entry in wavering.log if entry["event"] == "generate"]
    assert len(set(seeds)) == 40
    assert {entry["temperature"] for entry in wavering.log if entry["event"] == "generate"} == {0.7}
    assert [(line["sample"], line["epoch"]) for line in wavering.samples()] == [
        (str(i), epoch) for i in range(10) for epoch in range(4)
    ]
    cases = ET.parse(wavering.path / "reports/latest/junit.xml").getroot().findall(".//testcase")
    names = {f"test_sums[{i}-epoch{epoch}]" for i in range(10) for epoch in range(4)}
    assert {case.get("name") for case in cases} == names


def test_more_epochs_ask_the_first_ones_alike(wavering: Suite):
    wavering.run("--epochs=1", "--temperature=0.7", "--report-dir=one")
    wavering.run(*SAMPLED, "--report-dir=four")
    first = {line["sample"]: line["outputs"] for line in wavering.samples("one")}
    assert first == {line["sample"]: line["outputs"] for line in wavering.samples("four") if line["epoch"] == 0}


@WORKERS
def test_the_report_has_spread_and_what_epochs_say_together(wavering: Suite, workers: tuple[str, ...]):
    result = wavering.run(*SAMPLED, *workers)
    report = wavering.report()
    jsonschema.validate(report, json.loads((CHECKOUT / "docs" / "report.schema.json").read_text()))
    (task,) = report["tasks"]
    right = Counter(line["sample"] for line in wavering.samples() if line["scores"]["right"])
    counts = [right[str(i)] for i in range(10)]
    assert 20 < sum(counts) < 40
    assert task["epochs"] == 4
    assert (task["samples"]["selected"], task["samples"]["total"]) == (40, 40)
    own = task["over_epochs"]
    assert own["whole"] == 10
    assert sum(own["means"]) / 4 == pytest.approx(task["metrics"]["right"]["value"]) == sum(counts) / 40
    assert own["scores"]["pass@4"]["value"] == sum(count > 0 for count in counts) / 10
    assert own["scores"]["pass^4"]["value"] == sum(count == 4 for count in counts) / 10
    assert own["scores"]["majority"]["n"] == 10
    # The interval is that of ten samples, not of forty.
    low, high = task["metrics"]["right"]["ci95"]
    assert high - low > 0.2
    result.stdout.fnmatch_lines(
        ["*4 epochs, spread between them *", "*pass@2 of 4 *.?? … 100.00  10*", "*majority of 4 *"]
    )
    assert "| majority, of 4 epochs |" in (wavering.path / "reports/latest/summary.md").read_text()


def test_the_majority_is_of_answers_not_of_scores(suite: Suite):
    suite.sums(6)
    # Every seed is answered by its rest modulo 3: a wrong answer that is given twice beats a right one given once.
    suite.script(wavers=[["+", 1.0]])
    suite.run("--epochs=5", "--temperature=1")
    lines = suite.samples()
    expected = []
    for i in range(6):
        own = [line for line in lines if line["sample"] == str(i)]
        answer = Counter(line["extracted"] for line in own).most_common(1)[0][0]
        expected.append(next(line["scores"]["right"] for line in own if line["extracted"] == answer))
    assert suite.report()["tasks"][0]["over_epochs"]["scores"]["majority"]["value"] == sum(expected) / 6


def test_an_epoch_that_failed_leaves_its_sample_out_of_what_they_say_together(wavering: Suite):
    wavering.script(fails=[["0 + 0", "timeout"]])
    assert wavering.run(*SAMPLED).ret == 12
    (task,) = wavering.report()["tasks"]
    assert task["samples"]["errors"] == {"timeout": 4}
    assert task["over_epochs"]["whole"] == 9


def test_a_limit_takes_samples_with_all_their_epochs(wavering: Suite):
    wavering.run("--limit=3", *SAMPLED)
    assert set(Counter(line["sample"] for line in wavering.samples()).values()) == {4}
    assert len(wavering.samples()) == 12
    assert "partial: 12 of 40" in (wavering.path / "reports/latest/summary.md").read_text()


@pytest.mark.parametrize(
    ("chosen", "count"),
    [("epoch2", 10), ("1-epoch", 4), ("test_sums[1-epoch3]", 1), ("epoch1]", 10), ("poch0", 10), ("epoch7", 0)],
)
def test_epochs_can_be_chosen_by_k(wavering: Suite, chosen: str, count: int):
    assert len(wavering.nodeids("--epochs=4", "-k", chosen)) == count


def test_a_node_id_names_an_epoch(wavering: Suite):
    wavering.run(*SAMPLED, "test_sums.py::test_sums[3-epoch2]").assert_outcomes(passed=1)
    assert [(line["sample"], line["epoch"]) for line in wavering.samples()] == [("3", 2)]


def test_a_run_goes_on_with_the_epochs_that_are_missing(wavering: Suite):
    wavering.script(fails=[["7 + 7", "timeout"]], wavers=[["8 + 8", 0.5]])
    assert wavering.run(*SAMPLED).ret == 12
    wavering.script(wavers=[["8 + 8", 0.5]])
    wavering.forget()
    assert wavering.run(*SAMPLED, "--resume").ret == 0
    assert wavering.asked == ["7 + 7 ="] * 4
    assert len(wavering.samples()) == 40


@WORKERS
def test_stored_epochs_are_judged_again(wavering: Suite, workers: tuple[str, ...]):
    wavering.run(*SAMPLED, "--report-dir=first")
    result = wavering.run("--rescore=first", "--report-dir=again", *workers)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*0 of 40 samples changed"])
    for name in ("metrics", "over_epochs", "epochs", "parameters"):
        assert wavering.report("first")["tasks"][0][name] == wavering.report("again")["tasks"][0][name]
    for option in ("--epochs=2", "--temperature=1"):
        wrong = wavering.run("--rescore=first", option)
        assert wrong.ret == 4
        wrong.stderr.fnmatch_lines([f"*leave {option.partition('=')[0]} out*"])


def test_a_worker_that_dies_with_a_sample_leaves_its_epoch_as_an_error(wavering: Suite):
    dying = (wavering.path / "test_sums.py").read_text()
    where = "    if sample.id == '4': __import__('os')._exit(1)\n    answer = output"
    wavering.write(test_sums=dying.replace("    answer = output", where))
    wavering.run("--epochs=2", "--temperature=1", "-n", "2")
    crashed = [(line["sample"], line["epoch"]) for line in wavering.samples() if line["outcome"] == "error"]
    assert crashed == [("4", 0), ("4", 1)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--epochs=0",), "*--epochs=0: a whole number of 1 or more is needed*"),
        (("--epochs=many",), "*--epochs=many: a whole number of 1 or more is needed*"),
        (("--temperature=hot",), "*--temperature=hot: a number of 0 or more is needed*"),
        (("--temperature=nan",), "*--temperature=nan: a number of 0 or more is needed*"),
        (("--temperature=-1",), "*--temperature=-1: a number of 0 or more is needed*"),
    ],
)
def test_what_makes_no_sense_is_refused(wavering: Suite, arguments: tuple[str, ...], message: str):
    result = wavering.run(*arguments)
    assert result.ret == 4
    result.stderr.fnmatch_lines([message])
    assert not wavering.log


def test_more_epochs_than_a_run_can_hold_are_refused(wavering: Suite):
    result = wavering.run("--epochs=1000000")
    assert result.ret == 4
    result.stdout.fnmatch_lines(
        ["--epochs=1000000: 10 samples of sums in as many epochs are more than the 5,000,000 *"]
    )


def test_a_temperature_where_nothing_is_generated_is_refused(suite: Suite):
    text = (
        'from proctor import Benchmark, Sample, rank\nb = Benchmark("b", main="a", prompt="{{ question }}",'
        ' data="b.jsonl")\n\n@b.rows\ndef read(row):\n    return Sample(question=row["q"], target="A")\n\n'
        '@b.test(rank("AB"))\ndef test_b(sample, output, score):\n    score(output.choice, a=output.choice == "A")\n'
    )
    suite.write(test_b=text, b__jsonl='{"q": "x"}\n')
    result = suite.run("--temperature=1")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*--temperature: nothing that runs has one*"])


def test_set_wins_over_the_temperature_of_all(wavering: Suite):
    wavering.run("--temperature=1", "--set", "sums.temperature=0.5")
    assert wavering.report()["tasks"][0]["parameters"]["temperature"] == 0.5


def test_epochs_at_temperature_0_are_said_to_differ_by_the_server_alone(wavering: Suite):
    wavering.run("--epochs=2").stdout.fnmatch_lines(["*sums gen is asked at temperature 0: its epochs differ by*"])


# --- gates ------------------------------------------------------------------------------------------------------------


def gated(suite: Suite, rule: str, *more: str, baseline: str | None = None):
    suite.write(gates__yaml=f"gates:\n  - benchmarks: [sums]\n    {rule}\n")
    against = (f"--baseline={baseline}",) if baseline else ()
    return suite.run("--model=x", "--gate=gates.yaml", *against, *SAMPLED, *more)


def test_min_pass_names_the_samples_that_fall_short(wavering: Suite):
    result = gated(wavering, "min_pass: 4 of 4")
    assert result.ret == 10
    (verdict,) = wavering.report()["gates"]
    short = [str(i) for i in range(10) if not all(
        line["scores"]["right"] for line in wavering.samples() if line["sample"] == str(i)
    )]  # fmt: skip
    assert short
    assert verdict["reason"].startswith(f"{len(short)} of 10 samples are right in fewer than 4 of 4 epochs: {short[0]}")
    assert verdict["value"] == 1 - len(short) / 10


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ("min_pass: 1 of 4", 0),
        ("min_pass: {epochs: 4 of 4, samples: 0.1}", 0),
        ("min_pass: {epochs: 4 of 4, samples: 0.9}", 10),
    ],
)
def test_min_pass_of_all_and_of_a_share(suite: Suite, rule: str, code: int):
    suite.sums(40)
    suite.script(wavers=[[f"{i} + {i}", 0.3] for i in range(20)])
    assert gated(suite, rule).ret == code, suite.report()["gates"]


def test_min_pass_needs_its_epochs(wavering: Suite):
    result = gated(wavering, "min_pass: 4 of 5")
    assert result.ret == 4
    result.stderr.fnmatch_lines(
        ["*gates.yaml:2: min_pass is of 5 epochs, and sums gen has 4: --epochs=5 asks as often*"]
    )
    assert not wavering.log


def test_samples_that_lack_epochs_make_min_pass_undecided(wavering: Suite):
    wavering.script(fails=[[f"{i} + {i}", "timeout"] for i in range(7)])
    assert gated(wavering, "min_pass: {epochs: 1 of 4, samples: 0.1}", "--error-budget=40").ret == 11
    (verdict,) = wavering.report()["gates"]
    assert (verdict["verdict"], verdict["reason"]) == ("MISSING", "only 3 of 10 samples are scored in every epoch")


def test_a_metric_of_more_epochs_than_there_are_is_refused(wavering: Suite):
    result = gated(wavering, "metric: pass@5\n    min_score: 0.1")
    assert result.ret == 4
    assert "no sample of sums gen has pass@5: it takes as many epochs, of which there are 4" in result.stdout.str()


def test_a_gate_on_what_epochs_say_together(suite: Suite, monkeypatch: pytest.MonkeyPatch):
    suite.sums(60)
    suite.run(*SAMPLED, "--report-dir=base")
    monkeypatch.chdir(suite.path)
    assert main(["baseline", "set", "base"]) == 0
    suite.script(wavers=[["+", 0.6]])
    for metric, code in (("pass^4", 10), ("pass@4", 10), ("right", 10)):
        assert gated(suite, f"metric: {metric}\n    max_drop: 0.05", baseline="baseline.json").ret == code
        (verdict,) = suite.report()["gates"]
        assert (verdict["metric"], verdict["n"]) == (metric, 240 if metric == "right" else 60)
        assert verdict["interval"][1] < -0.05


def test_an_undecided_gate_says_how_many_epochs_would_do(suite: Suite):
    suite.sums(60)
    suite.run(*SAMPLED, "--report-dir=base")
    suite.script(wavers=[["+", 0.1]])
    assert gated(suite, "max_drop: 0.12", baseline="base").ret == 11
    (verdict,) = suite.report()["gates"]
    assert verdict["verdict"] == "INCONCLUSIVE"
    assert verdict["epochs"] == 4
    assert verdict["needed_epochs"] > 4
    assert " samples of 4 epochs, or " in (suite.path / "reports/latest/summary.md").read_text()


def test_a_baseline_of_other_epochs_is_refused(wavering: Suite):
    wavering.run("--temperature=0.7", "--report-dir=base")
    wavering.forget()
    result = gated(wavering, "max_drop: 0.1", baseline="base")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*epochs was 1, is 4*"])
    assert not wavering.log
