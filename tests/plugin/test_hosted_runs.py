"""Runs on a hosted API: what is told, what is spent, where a run stops and how it goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import openai  # noqa: F401  # imported before a run within this process, which would forget it and pay for it again
import pytest
from hosted_server import HostedServer, Hosting
from suites import CHECKOUT, Suite

PLUGINS = ("proctor.plugin", "proctor_service.plugin")
BOTH = """
from proctor import Benchmark, Sample, generate, rank

letters = Benchmark("letters", main="right", prompt="{{ question }}", data="letters.jsonl")


@letters.rows
def read(row):
    return Sample(question=row["question"], choices=["A", "B"], target="A")


@letters.test(rank("AB"), default=True)
def test_letters_ppl(sample, output, score):
    score(output.choice, right=output.choice == sample.target)
"""
WRITTEN = """

@letters.test(generate(max_tokens=8))
def test_letters_gen(sample, output, score):
    score(output.text, right=output.text == sample.target)
"""


def answer(body: dict[str, Any]) -> str:
    """The right sum."""
    text = body["messages"][-1]["content"]
    return str(2 * int(text.split()[0])) if text[0].isdigit() else "A"


@pytest.fixture
def server() -> Iterator[HostedServer]:
    # No prompt has more tokens than bytes, and no answer more than it may have: 12 of each request's 33 at most.
    with HostedServer(Hosting(answer=answer, latency=0.005, prompt_tokens=9, completion_tokens=3)) as running:
        yield running


@pytest.fixture
def hosted(sums: Suite, server: HostedServer, monkeypatch: pytest.MonkeyPatch) -> Suite:
    """A folder with the benchmark `sums`, and the provider `tiny`, chosen by pytest.ini."""
    monkeypatch.setenv("TINY_KEY", "sk-right")
    price = "{input: 1.0, output: 10.0, from: 2026-11-25}"
    provider = f"{{base_url: '{server.url}', key: TINY_KEY, models: {{gpt-tiny: {price}}}}}"
    (sums.path / "own.yaml").write_text(f"tiny: {provider}\n")
    sums.pytester.makeini(
        "[pytest]\nproctor_providers = own.yaml\nproctor_model = tiny/gpt-tiny\nproctor_set = sums.max_tokens=8\n"
    )
    return sums


def _tokens(report: dict[str, Any]) -> int:
    account = report["model"]["account"]
    return int(account["prompt_tokens"] + account["completion_tokens"])


def outlines(result: Any) -> str:
    return "\n".join(result.outlines)


def test_a_run_tells_what_it_spent_and_who_answered(hosted: Suite, server: HostedServer):
    result = hosted.run(plugins=PLUGINS)
    assert result.ret == 0
    said = outlines(result)
    assert "spent $0.0008 for 117 tokens in and 68 out, in 13 requests, at the prices of 2026-11-25" in said
    report = hosted.report()
    jsonschema.validate(report, json.loads((CHECKOUT / "docs" / "report.schema.json").read_text()))
    [task] = report["tasks"]
    assert task["metrics"]["right"]["value"] == 1
    assert task["usage"]["cost"] == pytest.approx(12 * (9 + 3 * 10) / 1e6)
    assert report["model"]["account"]["answered"] == [
        {"model": "gpt-tiny-2026-01-01", "system_fingerprint": "fp_1", "requests": 13}
    ]
    summary = (hosted.path / "reports/latest/summary.md").read_text()
    assert "spent $0.0008" in summary
    for path in hosted.path.rglob("*"):
        assert not path.is_file() or b"sk-right" not in path.read_bytes(), path


def test_a_key_is_asked_for_before_data_are_read(hosted: Suite, server: HostedServer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("TINY_KEY")
    (hosted.path / "sums.jsonl").write_text("no row")
    result = hosted.run(plugins=PLUGINS)
    assert result.ret == 4
    assert "TINY_KEY is not set" in "\n".join(result.errlines)
    assert server.requests == []
    hosted.sums()
    assert hosted.run("--collect-only", plugins=PLUGINS).ret == 0
    assert hosted.run("--show-prompts=1", plugins=PLUGINS).ret == 0


def test_a_bound_ends_a_run_with_what_it_has_and_it_goes_on(hosted: Suite, server: HostedServer):
    hosted.sums(40)
    options = ("--concurrency=4", "--report-dir=run")
    result = hosted.run("--max-tokens-total=300", *options, plugins=PLUGINS)
    assert result.ret == 2
    said = outlines(result)
    assert "Interrupted: budget: --max-tokens-total=300: " in said
    assert "add --resume=run" in said
    report = hosted.report("run")
    samples = report["tasks"][0]["samples"]
    assert report["run"]["partial"]
    assert report["run"]["exit_code"] == 2
    assert samples["errors"] == {}
    assert 300 - 33 < _tokens(report) <= 300
    assert f"{40 - samples['scored']} samples are not answered" in said
    asked = len(server.requests)
    result = hosted.run("--max-tokens-total=9000", "--concurrency=4", "--resume=run", plugins=PLUGINS)
    assert result.ret == 0
    assert len(server.requests) - asked == 40 - samples["scored"] + 1  # to find out what it takes
    whole = hosted.report("run")
    assert whole["tasks"][0]["samples"]["scored"] == 40
    # The account counts both attempts, and what each of them asked to find out what the endpoint takes.
    assert whole["model"]["account"]["requests"] == 42


def test_a_bound_holds_over_all_processes(hosted: Suite, server: HostedServer):
    hosted.sums(60)
    result = hosted.run(
        "-n", "2", "--max-tokens-total=400", "--concurrency=8", "--report-dir=run", apart=True, plugins=PLUGINS
    )
    assert result.ret == 2
    assert "budget: --max-tokens-total=400" in outlines(result)
    report = hosted.report("run")
    scored = report["tasks"][0]["samples"]["scored"]
    account = report["model"]["account"]
    assert account["requests"] == scored + 1 == len(hosted.samples("run")) + 1
    assert 400 - 33 < _tokens(report) <= 400
    result = hosted.run("-n", "2", "--resume=run", apart=True, plugins=PLUGINS)
    assert result.ret == 0
    assert hosted.report("run")["tasks"][0]["samples"]["scored"] == 60


def test_a_quota_that_is_exhausted_ends_a_run_that_goes_on(hosted: Suite, server: HostedServer):
    server.hosting.quota = 6
    result = hosted.run("--concurrency=2", "--report-dir=run", plugins=PLUGINS)
    assert result.ret == 2
    assert "Interrupted: quota: tiny has no credit left for this key" in outlines(result)
    assert hosted.report("run")["tasks"][0]["samples"]["errors"] == {}
    server.hosting.quota = None
    assert hosted.run("--resume=run", plugins=PLUGINS).ret == 0
    assert hosted.report("run")["tasks"][0]["metrics"]["right"]["n"] == 12


def test_refusals_are_counted_and_kept(hosted: Suite, server: HostedServer):
    hosted.run("--show-prompts=1", plugins=PLUGINS)
    server.fault("ok", "ok", "refusal", "filtered", "cut-thinking")  # the first finds out what the endpoint takes
    result = hosted.run("--concurrency=1", plugins=PLUGINS)
    assert result.ret == 0
    samples = hosted.report()["tasks"][0]["samples"]
    assert (samples["refused"], samples["truncated"], samples["unparsed"]) == (2, 1, 3)
    assert "2 refused" in outlines(result)
    outputs = [line["outputs"][0] for line in hosted.samples() if "refused" in line["flags"]]
    assert {output.get("refusal") for output in outputs} == {"I cannot help with that.", None}
    before = len(server.requests)
    rescored = hosted.run("--rescore=reports/latest", plugins=PLUGINS)
    assert rescored.ret == 0
    assert len(server.requests) == before


def test_the_variant_that_a_hosted_model_can_be_asked_takes_the_default_s_place(hosted: Suite, server: HostedServer):
    hosted.write(test_letters=BOTH + WRITTEN, letters__jsonl='{"question": "Which?"}\n')
    result = hosted.run(plugins=PLUGINS)
    assert result.ret == 0
    assert "letters: gen in place of the default, which needs likelihood" in outlines(result)
    assert {(task["task"], task["variant"]) for task in hosted.report()["tasks"]} == {
        ("sums", "gen"),
        ("letters", "gen"),
    }
    result = hosted.run("-k", "letters_ppl", "-o", "proctor_set=", plugins=PLUGINS)
    assert result.ret == 4
    assert "letters_ppl needs likelihood" in "\n".join(result.errlines)
    assert "--variant=gen would work" in "\n".join(result.errlines)


@pytest.fixture
def unknown(hosted: Suite, server: HostedServer) -> Suite:
    """`hosted`, reached by an address that no provider is known for, and without a key."""
    server.hosting.key = None
    hosted.pytester.makeini(f"[pytest]\nproctor_base_url = {server.url}\n")
    hosted.write(test_letters=BOTH + WRITTEN, letters__jsonl='{"question": "Which?"}\n')
    return hosted


@pytest.mark.parametrize("options", [(), ("-n", "2")])
@pytest.mark.parametrize("key", ["sk-right", None])
def test_an_api_of_nobody_known_that_only_chats_takes_the_writing_variant(
    unknown: Suite, server: HostedServer, monkeypatch: pytest.MonkeyPatch, key: str | None, options: tuple[str, ...]
):
    server.hosting.key = key
    if key is not None:
        monkeypatch.setenv("PROCTOR_API_KEY", key)
    result = unknown.run(*options, apart=True, plugins=PLUGINS)
    assert result.ret == 0, outlines(result)
    why = "the endpoint answers chat completions alone, which tell no log-probabilities of a prompt's tokens"
    assert f"letters: gen in place of the default, which needs likelihood: {why}" in outlines(result)
    assert {(task["task"], task["variant"]) for task in unknown.report()["tasks"]} == {
        ("sums", "gen"),
        ("letters", "gen"),
    }


def test_a_bound_makes_an_api_of_nobody_known_a_hosted_one_which_does_not_rank(unknown: Suite, server: HostedServer):
    server.hosting.completions = True
    result = unknown.run("--max-tokens-total=100000", plugins=PLUGINS)
    assert result.ret == 0, outlines(result)
    assert "letters: gen in place of the default, which needs likelihood: hosted APIs tell no" in outlines(result)


def test_prompts_for_an_api_that_only_chats_are_shown_as_turns(unknown: Suite, server: HostedServer):
    result = unknown.run("--show-prompts=1", plugins=PLUGINS)
    assert result.ret == 0
    assert "prompts for a chat model (its endpoint answers chat completions alone)" in outlines(result)
    assert "[user]" in outlines(result)


def test_what_is_judged_again_asks_no_endpoint_what_it_can_do(unknown: Suite, server: HostedServer):
    unknown.run(plugins=PLUGINS)
    before = len(server.requests)
    result = unknown.run("--rescore=reports/latest", plugins=PLUGINS)
    assert result.ret == 0, "\n".join([*result.outlines, *result.errlines])
    assert len(server.requests) == before


def test_a_benchmark_of_likelihoods_alone_is_not_run_and_says_why(hosted: Suite, server: HostedServer):
    hosted.write(test_letters=BOTH, letters__jsonl='{"question": "Which?"}\n')
    result = hosted.run(plugins=PLUGINS)
    assert result.ret == 0
    [left] = hosted.report()["not_run"]
    assert left["task"] == "letters"
    assert "it needs likelihood in all of its variants, and hosted APIs" in left["reason"]
    alone = hosted.run("-k", "letters", "-o", "proctor_set=", plugins=PLUGINS)
    assert alone.ret == 4
    assert "letters: it needs likelihood" in "\n".join(alone.errlines)


@pytest.mark.parametrize(
    ("options", "fault", "advice"),
    [
        (("--max-tokens-total=20",), "ok", "to go on, raise it"),
        ((), "quota", "add some, then give the same command again"),
        ((), "429:1000", "it asks to wait 17 minutes; later give the same command again"),
    ],
)
def test_what_ends_it_before_there_is_a_run_names_none_to_go_on_with(
    hosted: Suite, server: HostedServer, options: tuple[str, ...], fault: str, advice: str
):
    server.fault(fault)
    result = hosted.run(*options, plugins=PLUGINS)
    assert result.ret == 4
    said = "\n".join(result.errlines)
    assert advice in said
    assert "--resume" not in said
    assert not (hosted.path / "reports").exists()


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("--max-cost=free", "--max-cost=free: a number of US dollars above 0"),
        ("--max-cost=0", "a number of US dollars above 0"),
        ("--max-tokens-total=1.5", "a whole number of 1 or more"),
        ("--providers=none.yaml", "name a YAML file"),
        ("--providers=", "--providers= is empty"),
    ],
)
def test_options_that_make_no_sense(hosted: Suite, option: str, words: str):
    result = hosted.run(option, plugins=PLUGINS)
    assert result.ret == 4
    assert words in "\n".join(result.errlines)


def test_the_line_of_progress_says_when_it_waits_for_a_limit(hosted: Suite, server: HostedServer):
    server.fault("ok", "ok", "429:12")
    result = hosted.run("--concurrency=1", plugins=PLUGINS)
    assert result.ret == 0
    assert "s for the rate limit" in outlines(result)
    assert "refused 1 requests; waited 12 s for it" in outlines(result)


def test_a_model_for_an_ordinary_test(hosted: Suite, server: HostedServer):
    hosted.write(test_plain='def test_plain(model):\n    assert model.generate("2 + 2 =").text == "4"\n')
    assert hosted.run("test_plain.py", plugins=PLUGINS).ret == 0
    assert not (hosted.path / "reports").exists()
    assert not list(Path(hosted.path).rglob("account*"))
