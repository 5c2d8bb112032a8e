"""A run that was ended goes on where it was: what is answered is not asked again, and the report is the same."""

from __future__ import annotations

import json
import os
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from suites import SUMS, Suite
from test_interrupts import begin, wait_for

FAKE = ("proctor.plugin", "fake_service")
WORKERS = pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
CONCURRENCY = 4
WINDOW = 8 * CONCURRENCY
COUNT = 150


def answered(suite: Suite) -> int:
    return sum(part.read_bytes().count(b"\n") for part in suite.path.glob("**/parts/answers-*.jsonl"))


def untimed(report: dict[str, Any]) -> dict[str, Any]:
    """A report without what tells one run from another: times, its name."""
    report = json.loads(json.dumps(report))
    for key in ("id", "started", "seconds", "scoring_seconds", "command"):
        del report["run"][key]
    return report


def ended(suite: Suite, *args: str, number: int = signal.SIGKILL, after: Callable[[], object] | None = None) -> str:
    """A run that gets a signal once enough is answered; what it said."""
    run = begin(suite, *args, plugins=FAKE)
    try:
        wait_for(after or (lambda: answered(suite) > 40), "nothing was answered")
        run.send_signal(number)
        return run.communicate(timeout=60)[0].decode()
    finally:
        run.kill()


def only_run(suite: Suite) -> Path:
    (folder,) = [path for path in suite.path.glob("reports/*") if path.is_dir() and not path.is_symlink()]
    return folder


@pytest.fixture
def slow(suite: Suite) -> Suite:
    suite.sums(COUNT)
    suite.script(delays=[["+", 0.02]], concurrency=CONCURRENCY)
    return suite


@WORKERS
def test_a_killed_run_goes_on_and_reports_what_an_undisturbed_one_does(slow: Suite, workers: tuple[str, ...]):
    ended(slow, *workers)
    folder = only_run(slow)
    before = answered(slow)
    assert 0 < before < COUNT
    asked = slow.asked
    slow.forget()
    result = slow.run(f"--resume={folder}", *workers)
    assert result.ret == 0, result.stdout.str()
    result.stdout.fnmatch_lines([f"proctor: going on with {folder}; what was answered is not asked again"])
    assert len(slow.asked) == COUNT - before
    assert len(set(asked) & set(slow.asked)) <= WINDOW
    assert not (folder / "parts").exists()
    assert only_run(slow) == folder
    slow.run("--report-dir=whole", *workers)
    assert untimed(slow.report()) == untimed(slow.report("whole"))
    assert slow.samples() == slow.samples("whole")


def test_the_workers_need_not_be_the_same(slow: Suite):
    ended(slow, "-n", "2", "--report-dir=run")
    before = answered(slow)
    slow.forget()
    assert slow.run("--resume=run").ret == 0
    assert not (slow.path / "latest").is_symlink()  # that is for runs under reports/
    assert len(slow.asked) == COUNT - before
    assert slow.report("run")["tasks"][0]["samples"]["scored"] == COUNT


def test_a_run_may_be_ended_again_and_again(slow: Suite):
    for more in (20, 60, 100):
        args = () if more == 20 else ("--resume",)
        ended(slow, *args, after=lambda more=more: answered(slow) > more)
    assert slow.run("--resume").ret == 0
    assert slow.report()["tasks"][0]["metrics"]["right"]["value"] == 1
    assert len(slow.samples()) == COUNT


@pytest.mark.parametrize("reaches", ["all", "controller"])
def test_after_ctrl_c_the_workers_judge_what_is_answered(suite: Suite, reaches: str):
    """A terminal sends Ctrl-C to all processes, `kill -INT` to one."""
    slow_judge = SUMS.replace("    answer = output", "    time.sleep(0.1)\n    answer = output")
    suite.sums(40, module="import time\n" + slow_judge)
    stuck = [16, 17, 18, 19, 36, 37, 38, 39]
    suite.script(delays=[[f"{i} + {i} =", 600] for i in stuck], concurrency=8)
    run = begin(suite, "-n", "2", plugins=FAKE, start_new_session=True)
    try:
        wait_for(lambda: answered(suite) == 32, "not all is answered")
        (os.killpg if reaches == "all" else os.kill)(run.pid, signal.SIGINT)
        began = time.monotonic()
        said = run.communicate(timeout=60)[0].decode()
        took = time.monotonic() - began
    finally:
        run.kill()
    assert "INTERNALERROR" not in said
    assert (run.returncode, suite.report()["run"]["partial"]) == (2, True), said
    assert suite.report()["tasks"][0]["samples"]["scored"] == len(suite.samples()) == 32
    assert "8 samples are not answered: --resume" in said
    assert (suite.path / "reports/latest/junit.xml").read_text().count("<testcase") == 32
    assert took < 20  # and not the 600 s of those that hang


def test_after_ctrl_c_what_is_answered_is_judged_and_the_rest_can_be_asked(slow: Suite):
    slow.script(delays=[*[[f"{i} + {i}", 600] for i in range(60, 64)], ["+", 0.02]], concurrency=CONCURRENCY)
    said = ended(slow, number=signal.SIGINT, after=lambda: answered(slow) >= 60)
    assert "INTERNALERROR" not in said
    report = slow.report()
    assert (report["run"]["exit_code"], report["run"]["partial"]) == (2, True)
    assert report["tasks"][0]["samples"]["scored"] == 60
    assert "90 samples are not answered: --resume" in said
    slow.script(concurrency=CONCURRENCY)
    slow.forget()
    assert slow.run("--resume").ret == 0
    assert len(slow.asked) == 90
    assert not slow.report()["run"]["partial"]


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
def test_ctrl_c_twice_is_out_at_once(suite: Suite, workers: tuple[str, ...]):
    slow_judge = SUMS.replace("    answer = output", "    time.sleep(1)\n    answer = output")
    suite.sums(16, module="import time\n" + slow_judge)
    suite.script(concurrency=16)
    run = begin(suite, *workers, plugins=FAKE, start_new_session=True)
    try:
        wait_for(lambda: answered(suite) == 16, "not all is answered")
        before = set(Path(tempfile.gettempdir()).glob("proctor-*/interrupted.json"))
        os.killpg(run.pid, signal.SIGINT)
        if workers:  # until pytest itself is through with the first, a second one is not ours
            told = Path(tempfile.gettempdir())
            wait_for(lambda: set(told.glob("proctor-*/interrupted.json")) - before, "the workers are not told")
        else:
            time.sleep(2)
        os.killpg(run.pid, signal.SIGINT)
        said = run.communicate(timeout=30)[0].decode()
    finally:
        run.kill()
    assert run.returncode == 2, said
    assert "INTERNALERROR" not in said
    assert "Traceback" not in said
    assert suite.run(f"--resume={only_run(suite)}", *workers).ret == 0
    assert suite.report()["tasks"][0]["samples"]["scored"] == 16


def test_a_line_that_is_no_answer_is_left_out(slow: Suite):
    ended(slow)
    (part,) = only_run(slow).glob("parts/answers-*.jsonl")
    with part.open("a") as file:
        file.write('[1, 2]\n{"task": "sums"}\n')
    assert slow.run("--resume").ret == 0
    assert slow.report()["tasks"][0]["samples"]["scored"] == COUNT


def test_the_sample_that_ctrl_c_found_being_judged_is_judged(suite: Suite):
    slow_judge = SUMS.replace("    answer = output", "    time.sleep(0.1)\n    answer = output")
    suite.sums(16, module="import time\n" + slow_judge)
    suite.script(delays=[["13 + 13", 600], ["14 + 14", 600], ["15 + 15", 600]], concurrency=CONCURRENCY)
    ended(suite, number=signal.SIGINT, after=lambda: answered(suite) == 13)
    assert suite.report()["tasks"][0]["samples"]["scored"] == 13


def test_samples_that_failed_are_asked_again_and_no_others(sums: Suite):
    sums.script(fails=[["3 + 3", "timeout"], ["7 + 7", "http_500"]])
    result = sums.run()
    assert result.ret == 12
    assert "2 samples are not answered: --resume" in result.stdout.str()
    sums.script()
    sums.forget()
    assert sums.run("--resume").ret == 0
    assert sorted(sums.asked) == ["3 + 3 =", "7 + 7 ="]
    task = sums.report()["tasks"][0]
    assert (task["samples"]["scored"], task["samples"]["errors"]) == (12, {})


def test_a_torn_line_is_asked_again(slow: Suite):
    ended(slow)
    (part,) = only_run(slow).glob("parts/answers-*.jsonl")
    whole = part.read_bytes()
    part.write_bytes(whole[: whole.rstrip(b"\n").rindex(b"\n") + 20])
    kept = part.read_bytes().count(b"\n")
    slow.forget()
    assert slow.run("--resume").ret == 0
    assert len(slow.asked) == COUNT - kept
    assert slow.report()["tasks"][0]["samples"]["scored"] == COUNT


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--seed=1",), "the seed was 0, is 1"),
        (("--set", "sums.max_tokens=9"), 'sums gen: parameters was {"max_tokens": 8'),
        (("--limit=20",), f"sums gen: selected was {COUNT}, is 20"),
        (("--prompt", "sums=other.jinja"), "sums gen: prompt_sha256 was"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else None,
)
def test_a_run_that_asks_otherwise_is_refused_and_nothing_is_lost(slow: Suite, args: tuple[str, ...], message: str):
    slow.write(other__jinja="{% block prompt %}{{ question }} makes{% endblock %}")
    ended(slow, "--report-dir=run")
    before = answered(slow)
    slow.forget()
    result = slow.run("--resume=run", *args)
    assert result.ret == 4
    assert message in result.stderr.str()
    assert slow.asked == []
    assert answered(slow) == before
    assert slow.run("--resume=run").ret == 0


def test_another_model_is_refused(slow: Suite):
    ended(slow)
    (description,) = slow.path.glob("reports/*/parts/run.json")
    content = json.loads(description.read_text())
    content["model"]["revision"] = "older"
    description.write_text(json.dumps(content))
    result = slow.run("--resume")
    assert result.ret == 4
    assert 'model: revision was "older", is null' in result.stderr.str()
    assert slow.events("start") == slow.events("stop") + 1  # the killed one could not say that it stopped


def test_changed_data_are_refused(slow: Suite):
    ended(slow)
    slow.write(sums__jsonl=(slow.path / "sums.jsonl").read_text().replace('"2 + 2"', '"2 + 3"'))
    result = slow.run("--resume")
    assert result.ret == 4
    assert "sums gen: data was" in result.stderr.str()


def test_a_run_under_way_is_left_alone(slow: Suite):
    slow.script(delays=[["+", 0.3]], concurrency=CONCURRENCY)
    run = begin(slow, "--report-dir=run", plugins=FAKE)
    try:
        wait_for(lambda: answered(slow) > 5, "nothing was answered")
        for args in (("--resume=run",), ("--report-dir=run",)):
            result = slow.run(*args, apart=True)
            assert result.ret == 4
            assert f"holds a run that is under way (process {run.pid})" in result.stderr.str()
        assert run.wait(60) == 0
    finally:
        run.kill()
    assert slow.report("run")["tasks"][0]["samples"]["scored"] == COUNT


def test_without_an_unfinished_run_there_is_nothing_to_go_on_with(sums: Suite):
    result = sums.run("--resume")
    assert result.ret == 4
    assert "no run of this command is unfinished" in result.stderr.str()
    sums.run()
    assert sums.run("--resume").ret == 4
    result = sums.run("--resume=reports/latest")
    assert "latest holds a finished run" in result.stderr.str()
    result = sums.run("--resume=test_sums.py")
    assert "test_sums.py holds no run" in result.stderr.str()


def test_the_latest_run_of_the_same_command_is_taken(slow: Suite):
    ended(slow, "--limit=100")
    assert slow.run("--resume").ret == 4
    assert slow.run("--limit=100", "--resume").ret == 0


CHATTY = SUMS.replace("generate(max_tokens=8)", "ask").replace(
    "sums =",
    """
async def ask(prompt, model):
    output = await model.generate(prompt, max_tokens=8)
    return {ANSWER}


sums =""",
)


@pytest.mark.parametrize(
    ("made", "used", "again"),
    [('{"text": output.text}', 'output["text"]', False), ("(output.text,)", "output[0]", True)],
    ids=["plain", "object"],
)
def test_an_ask_of_ones_own_is_kept_where_its_answer_is_plain(suite: Suite, made: str, used: str, again: bool):
    """A tuple would come back as a list: such answers are asked for again."""
    module = CHATTY.replace("{ANSWER}", made).replace("output.text.strip()", f"{used}.strip()")
    suite.sums(COUNT, module)
    suite.script(delays=[["+", 0.02]], concurrency=CONCURRENCY)
    ended(suite, after=lambda: len(suite.asked) > 60)
    before = answered(suite)
    assert (before == 0) == again
    suite.forget()
    assert suite.run("--resume").ret == 0
    assert len(suite.asked) == COUNT - before
    assert suite.report()["tasks"][0]["metrics"]["right"]["value"] == 1
