"""What once went wrong: interrupts while judging, asks that end oddly, marks, crashes, secrets, names of others."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pytest
from suites import SUMS, Suite

JUDGE = "    score(answer or None, right=answer == sample.target)\n"


def judging(statement: str) -> str:
    """The benchmark `sums`, whose judge does something more for the seventh sample."""
    return "import os, pytest\n" + SUMS.replace(JUDGE, f"    if sample.id == '7':\n        {statement}\n{JUDGE}")


@pytest.mark.parametrize(
    ("statement", "code"), [("raise KeyboardInterrupt", 2), ("pytest.exit('enough', returncode=7)", 7)]
)
def test_an_interrupt_while_judging_ends_the_run(suite: Suite, statement: str, code: int):
    suite.sums(module=judging(statement))
    result = suite.run(apart=True)
    assert result.ret == code
    scored = suite.report()["tasks"][0]["samples"]["scored"]
    # After an interruption, what else is answered by then is judged too, but not the sample that interrupted.
    assert scored == 7 if code == 7 else 7 <= scored <= 11
    assert suite.report()["run"]["partial"]


@pytest.mark.parametrize("statement", ["pytest.skip('not here')", "raise SystemExit(3)", "pytest.fail('no')"])
def test_an_ask_that_ends_oddly_is_an_error_of_its_sample(suite: Suite, statement: str):
    ask = f"async def ask(sample, prompt, model):\n    if sample.id == '7':\n        {statement}\n"
    ask += "    return await model.generate(prompt, max_tokens=8)\n"
    module = "import pytest\n" + SUMS.replace("@sums.test(generate(max_tokens=8))", f"{ask}\n\n@sums.test(ask)")
    suite.sums(module=module)
    assert suite.run(apart=True).ret == 12
    samples = suite.report()["tasks"][0]["samples"]
    assert (samples["scored"], samples["errors"]) == (11, {"ask": 1})


def test_a_skip_while_judging_is_a_skip(suite: Suite):
    suite.sums(module=judging("pytest.skip('odd')"))
    result = suite.run()
    assert result.ret == 0
    result.assert_outcomes(passed=11, skipped=1)
    samples = suite.report()["tasks"][0]["samples"]
    assert (samples["scored"], samples["errors"]) == (11, {})


@pytest.mark.parametrize(
    ("strict", "outcomes", "code"),
    [(False, {"xfailed": 1, "xpassed": 11}, 0), (True, {"xfailed": 1, "failed": 11}, 1)],
)
def test_xfail_means_what_it_means(suite: Suite, strict: bool, outcomes: dict[str, int], code: int):
    marked = judging("assert False").replace("@sums.test", f"@pytest.mark.xfail(strict={strict})\n@sums.test")
    suite.sums(module=marked)
    result = suite.run()
    assert result.ret == code
    result.assert_outcomes(**outcomes)


def test_a_sample_whose_worker_died_is_counted_as_an_error(suite: Suite):
    suite.sums(module=judging("os._exit(1)"))
    assert suite.run("-n", "2").ret == 12
    (task,) = suite.report()["tasks"]
    assert task["samples"]["errors"] == {"crash": 1}
    assert task["metrics"]["right"]["over_all"] < 1
    lost = [line for line in suite.samples() if line["outcome"] == "error"]
    assert [(line["sample"], line["error"]["kind"]) for line in lost] == [("7", "crash")]
    assert len(suite.samples()) == 12


def test_a_failed_ask_tells_its_reason_and_its_requests(sums: Suite):
    from scripted_server import Script, ScriptedServer

    def answer(body):
        return " 4" if body["prompt"] == "2 + 2 =" else " 0"

    with ScriptedServer(Script(answer=answer)) as server:
        assert sums.served(f"--base-url={server.url}").ret == 0
        probed = sum(path == "/v1/completions" for path, _, _ in server.requests) - 12
    with ScriptedServer(Script(answer=answer), faults=["ok"] * probed + ["500"] * 1000) as server:
        result = sums.served(f"--base-url={server.url}", "--request-retries=1", "--report-dir=failed")
    assert result.ret == 12
    result.stdout.fnmatch_lines(["ERROR test_sums.py::test_sums?0? - http_500: *"])
    (task,) = sums.report("failed")["tasks"]
    assert task["samples"]["errors"] == {"http_500": 12}
    assert (task["usage"]["requests"], task["usage"]["retries"]) == (12, 12)


@pytest.mark.parametrize("row", ["3", "null", '"text"', "[1", "[" * 100_000])
def test_a_row_that_is_no_record_is_told_with_its_line(checkout: Suite, row: str):
    file = checkout.path / "data" / "gsm8k" / "test.jsonl"
    file.write_text(file.read_text() + row + "\n")
    lines = file.read_text().count("\n")
    result = checkout.run("evals", "-k", "gsm8k")
    assert result.ret == 4
    assert f"test.jsonl:{lines}" in result.stdout.str()
    assert "Traceback" not in result.stdout.str()
    assert checkout.asked == []


def test_a_damaged_gzip_file_is_told(checkout: Suite):
    file = checkout.path / "data" / "gsm8k" / "test.jsonl"
    packed = bytearray(gzip.compress(file.read_bytes()))
    packed[len(packed) // 2] ^= 0xFF
    file.unlink()
    file.with_name("test.jsonl.gz").write_bytes(packed)
    result = checkout.run("evals", "-k", "gsm8k")
    assert result.ret == 4
    assert "test.jsonl.gz" in result.stdout.str()
    assert "Traceback" not in result.stdout.str()


@pytest.mark.parametrize("files", ["3", "/etc/passwd", "../x.jsonl", "[a]"])
def test_a_manifest_with_impossible_files_is_told(checkout: Suite, files: str):
    root = checkout.path / "root"
    root.mkdir()
    (root / "manifest.yaml").write_text(f"gsm8k: {{files: {files}}}\n")
    result = checkout.run("evals", "-k", "gsm8k", f"--data-dir={root}")
    assert result.ret == 4
    assert "manifest.yaml: gsm8k: files" in result.stdout.str()


def test_a_gsm8k_row_without_its_mark_is_told(checkout: Suite):
    file = checkout.path / "data" / "gsm8k" / "test.jsonl"
    file.write_text(json.dumps({"question": "a", "answer": "b"}) + "\n")
    result = checkout.run("evals", "-k", "gsm8k")
    assert result.ret == 4
    assert "test.jsonl:1" in result.stdout.str()


@pytest.mark.parametrize("variant", ["gen", "ppl"])
def test_a_malformed_mmlu_row_is_told_in_both_variants(checkout: Suite, variant: str):
    file = sorted((checkout.path / "data" / "mmlu" / "test").glob("*.csv"))[0]
    file.write_text(file.read_text() + "What?,a,b,c,d,E\n")
    result = checkout.run("evals", "-k", f"mmlu_{variant}")
    assert result.ret == 4
    assert f"{file.name}:" in result.stdout.str()
    assert "the target 'E' is none of the labels" in result.stdout.str()


def test_set_applies_to_the_variant_that_has_the_parameter(checkout: Suite):
    result = checkout.run("evals", "-m", "mmlu", "--variant=gen", "--set", "mmlu.max_tokens=3")
    assert result.ret == 0
    (task,) = checkout.report()["tasks"]
    assert (task["variant"], task["parameters"]["max_tokens"]) == ("gen", 3)


def test_a_name_that_one_late_sample_lacks_is_found_before_asking(suite: Suite):
    prompt = "\"{% if target == '10' %}{{ gone }}{% endif %}{{ question }} =\""
    suite.sums(module=SUMS.replace('"{{ question }} ="', prompt))
    result = suite.run()
    assert result.ret == 4
    assert "'gone' is undefined" in result.stdout.str()
    assert suite.asked == []


def test_no_secret_of_a_url_is_written_anywhere(sums: Suite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from scripted_server import Script, ScriptedServer

    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("PYTEST_DEBUG_TEMPROOT", str(tmp_path))
    seen = f"find {tmp_path} -type f | xargs cat > {tmp_path}/seen.txt 2>/dev/null"
    sums.write(conftest=f"import os\ndef pytest_runtest_logreport(report):\n    os.system({seen!r})\n")
    with ScriptedServer(Script(answer=" 4")) as server:
        url = server.url.replace("://", "://user:pa@55word@") + "?api-key=QUERYSECRET"
        result = sums.served(f"--base-url={url}", "-n", "2", "--limit=2")
    assert result.ret == 0, result.stderr.str()
    written = b"".join(path.read_bytes() for path in sums.path.rglob("*") if path.is_file())
    written += (tmp_path / "seen.txt").read_bytes() + result.stdout.str().encode()
    for secret in (b"55word", b"QUERYSECRET"):
        assert secret not in written


def test_a_token_for_vllm_is_not_in_the_command_that_is_kept(sums: Suite):
    """The measuring side writes the command; a service of another plugin may take such arguments."""
    sums.write(conftest="def pytest_addoption(parser):\n    parser.addoption('--model-args')\n")
    assert sums.run("--model-args=--dtype float32 --hf-token hf_SECRET --api_key=sk_SECRET", apart=True).ret == 0
    assert "SECRET" not in json.dumps(sums.report())
    assert "--dtype float32 --hf-token *** --api_key=***" in sums.report()["run"]["command"]


def test_an_option_of_the_suite_itself_wins_and_is_told(sums: Suite):
    sums.write(conftest="def pytest_addoption(parser):\n    parser.addoption('--seed', type=int, default=1)\n")
    assert sums.run(apart=True).ret == 0
    asked = len(sums.asked)
    refused = sums.run("--seed=3", apart=True)
    assert refused.ret == 4
    assert "-o proctor_seed=VALUE" in refused.stderr.str()
    assert len(sums.asked) == asked
    told = sums.run("-o", "proctor_seed=3", "--report-dir=told", apart=True)
    assert told.ret == 0
    assert sums.report("told")["run"]["seed"] == 3


def test_an_ordinary_suite_keeps_options_and_fixtures_called_like_ours(suite: Suite):
    suite.write(
        conftest="import pytest\n"
        "def pytest_addoption(parser):\n    parser.addoption('--limit', default='few')\n"
        "sample = pytest.fixture(lambda: 1, name='sample')\n"
        "output = pytest.fixture(lambda: 1, name='output')\n"
        "score = pytest.fixture(lambda: 1, name='score')\n",
        test_own="def test_own(sample, output, score, request):\n"
        "    assert request.config.getoption('--limit') == 'many'\n",
    )
    result = suite.run("--limit=many", apart=True)
    assert result.ret == 0
    result.assert_outcomes(passed=1)


def test_a_log_that_was_there_stays(suite: Suite):
    suite.sums()
    folder = suite.path / "mine"
    folder.mkdir()
    (folder / "service.log").write_text("keep")
    result = suite.served("--base-url=http://127.0.0.1:9", f"--report-dir={folder}")
    assert result.ret == 4
    assert os.listdir(folder) == ["service.log"]
    assert (folder / "service.log").read_text() == "keep"


@pytest.mark.parametrize("key", ["schlüssel€", "one\ntwo"])
def test_a_key_that_no_header_can_hold_is_told_without_it(sums: Suite, key: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PROCTOR_API_KEY", key)
    result = sums.served("--base-url=http://127.0.0.1:9")
    assert result.ret == 4
    assert "the key in the environment holds characters" in result.stderr.str()
    assert key not in result.stderr.str()
