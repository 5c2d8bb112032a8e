"""Hosted APIs: which one is meant, what it takes, what it answers, its limits, and what is spent."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hosted_server import HostedServer, Hosting
from proctor.errors import AskError, ServiceError, StopAsking
from proctor.model import BEGUN, Connection, Conversation, Message, Model
from proctor_service.hosted import client as hosted_client
from proctor_service.hosted.account import Account, Bounds
from proctor_service.hosted.client import Refusal
from proctor_service.hosted.probe import blamed
from proctor_service.hosted.providers import providers
from proctor_service.judges import judge_service, options_of
from proctor_service.options import ServiceOptions
from proctor_service.running import EndpointService
from proctor_service.service import make_service
from scripted_server import Script, ScriptedServer

PRICE = "{input: 1.0, cached: 0.1, output: 10.0, from: 2026-11-25}"


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PROCTOR_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TINY_KEY", "sk-right")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


class Run:
    """A run's folder, and the service `tiny` at a server."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "parts").mkdir()

    def begin(self) -> None:
        """Be one that can be gone on with, as a run is before it asks for its samples."""
        (self.folder / BEGUN).write_text("{}")

    def service(self, server: HostedServer, price: bool = True, limit: str = "max_tokens", **options: Any) -> Any:
        file = self.folder / "providers.yaml"
        models = f"{{gpt-tiny: {PRICE}}}" if price else "{}"
        file.write_text(f"tiny: {{base_url: '{server.url}', key: TINY_KEY, limit: {limit}, models: {models}}}")
        chosen = {"model": "tiny/gpt-tiny", "providers": str(file), "request_timeout": 5.0, **options}
        return make_service(ServiceOptions(**chosen))

    def start(self, server: HostedServer, **options: Any) -> tuple[Any, Connection, list[str]]:
        service, said = self.service(server, **options), []
        connection = service.start(self.folder / "service.log", said.append)
        travelled = Connection(**json.loads(json.dumps({"model": connection.model, "settings": connection.settings})))
        server.requests.clear()
        return service, travelled, said

    def complaint(self, server: HostedServer, **options: Any) -> str:
        with pytest.raises(ServiceError) as caught:
            self.start(server, **options)
        assert "\n" not in str(caught.value)
        assert "sk-" not in str(caught.value)
        return str(caught.value)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


def ask(service: Any, connection: Connection, question: Callable[[Model], Awaitable[Any]], concurrency: int = 8) -> Any:
    async def within() -> Any:
        async with service.connect(connection, concurrency) as model:
            return await question(model)

    return asyncio.run(within())


def write(model: Model, prompt: str = "2 + 2 =", **parameters: Any) -> Awaitable[Any]:
    return model.generate(prompt, **{"max_tokens": 20, **parameters})


async def together(questions: Iterator[Awaitable[Any]]) -> list[Any]:
    return list(await asyncio.gather(*questions, return_exceptions=True))


# --- which service is meant --------------------------------------------------------------------------------------


def test_a_provider_name_is_reserved_and_an_id_with_a_revision_is_hugging_faces():
    assert type(make_service(ServiceOptions(model="openai/gpt-4o"))).__name__ == "HostedService"
    for other in ("openai/gpt-oss-20b@main", "openai-community/gpt2", "./openai/folder"):
        try:
            service: Any = make_service(ServiceOptions(model=other))
        except ServiceError:
            continue
        assert type(service).__name__ == "LaunchedService", other


def test_a_short_name_may_stand_for_a_hosted_model(tmp_path: Path):
    table = tmp_path / "own.yaml"
    table.write_text("acme: {base_url: 'https://api.acme.example/v1', key: ACME_API_KEY}")
    own = tmp_path / "models.yaml"
    own.write_text(
        "judge: {id: deepseek/deepseek-flash}\nours: {id: acme/large}\n"
        "long: {id: openrouter/z-ai/glm:free}\ngpt-oss-20b: {arguments: [--max-num-seqs, 8]}\n"
    )
    given = ServiceOptions(models=own, providers=str(table))
    for name, meant in (
        ("judge", "deepseek/deepseek-flash"),
        ("ours", "acme/large"),
        ("long", "openrouter/z-ai/glm:free"),
        ("gpt-oss-20b", "gpt-oss-20b"),
    ):
        of_model: Any = make_service(replace(given, model=name))
        of_judge: Any = judge_service(options_of(given, name, None, None), given)
        assert (of_model.name, of_judge.name) == (meant, meant)
        kinds = {type(of_model).__name__, type(of_judge.inner).__name__}
        assert kinds == {"HostedService" if "/" in meant else "LaunchedService"}, name
    shipped: Any = judge_service(options_of(ServiceOptions(), "judge", None, None), ServiceOptions())
    assert (type(shipped.inner).__name__, shipped.name) == ("HostedService", "openai/gpt-4.1")


def test_weights_under_a_providers_name_are_not_asked_of_that_provider():
    service: Any = judge_service(options_of(ServiceOptions(), "gpt-oss-20b", None, None), ServiceOptions())
    assert type(service.inner).__name__ == "LaunchedService", "a judge that was meant to stay on this machine"


def test_the_shipped_table_names_a_key_and_a_way_for_every_provider():
    table = providers()
    assert {"openai", "deepseek", "gemini", "groq", "mistral", "openrouter", "together"} <= table.keys()
    for provider in table.values():
        assert provider.key.endswith("_API_KEY")
        assert provider.base_url.startswith("https://")
        for price in provider.prices.values():
            assert 0 < price.cached < price.input < price.output
            assert price.read.startswith("2026-")
    assert table["openai"].prices["gpt-4o-2024-11-20"] == table["openai"].prices["gpt-4o"]
    assert table["openai"].prices["gpt-4o"].of(1_000_000, 400_000, 100_000) == pytest.approx(0.6 * 2.5 + 0.4 * 1.25 + 1)


def test_a_known_host_by_base_url_is_asked_as_that_provider(monkeypatch: pytest.MonkeyPatch):
    service: Any = make_service(ServiceOptions(model="gpt-4o", base_urls=("https://api.openai.com/v1",)))
    assert (service.name, service.price.output) == ("gpt-4o", 10.0)
    with pytest.raises(ServiceError, match="OPENAI_API_KEY"):
        service.check()
    with pytest.raises(ServiceError, match="--model"):
        make_service(ServiceOptions(base_urls=("https://api.openai.com/v1",)))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- a", "providers by name"),
        ("a: [", "no YAML"),
        ("a: {}", "base_url"),
        ("a: {base_url: ftp://x}", "base_url"),
        ("a: {base_url: 'http://x', url: y}", "knows no url"),
        ("a b: {base_url: 'http://x'}", "one word"),
        ("a: {base_url: 'http://x', limit: most}", "'most' is neither"),
        ("a: {base_url: 'http://x', models: {m: 3}}", "a: m: a price is"),
        ("a: {base_url: 'http://x', models: {m: {input: 1, output: x, from: 2026-01-01}}}", "'x' is no price"),
        ("a: {base_url: 'http://x', models: {m: {input: 1, output: -1, from: 2026-01-01}}}", "-1 is no price"),
    ],
)
def test_a_table_of_ones_own_is_checked(tmp_path: Path, text: str, words: str):
    file = tmp_path / "own.yaml"
    file.write_text(text)
    with pytest.raises(ServiceError, match=words) as caught:
        providers(str(file))
    assert "\n" not in str(caught.value)


def test_a_table_of_ones_own_changes_a_price_and_keeps_the_rest(tmp_path: Path):
    file = tmp_path / "own.yaml"
    file.write_text("openai: {models: {gpt-4o: {input: 1, output: 2, from: 2027-01-01}}}")
    openai = providers(str(file))["openai"]
    assert (openai.key, openai.limit) == ("OPENAI_API_KEY", "max_completion_tokens")
    assert openai.prices["gpt-4o"].output == 2
    assert openai.prices["gpt-4o-mini"] == providers()["openai"].prices["gpt-4o-mini"]
    with pytest.raises(ServiceError, match="name a YAML file"):
        providers(str(tmp_path / "none.yaml"))


# --- keys, models, and what an endpoint takes ----------------------------------------------------------------------


def test_without_a_key_nothing_is_asked(run: Run, monkeypatch: pytest.MonkeyPatch):
    with HostedServer() as server:
        monkeypatch.delenv("TINY_KEY")
        assert "TINY_KEY is not set" in run.complaint(server)
        assert "OTHER" in run.complaint(server, api_key_env="OTHER")
        monkeypatch.setenv("TINY_KEY", "sk-\u00e9")
        assert "characters that no key has" in run.complaint(server)
        assert server.requests == []


def test_a_key_that_is_refused_is_named_by_its_variable_and_never_shown(run: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TINY_KEY", "sk-wrong")
    with HostedServer() as server:
        assert "TINY_KEY is refused" in run.complaint(server)
    assert not any(b"sk-" in path.read_bytes() for path in run.folder.rglob("*") if path.is_file())


def test_a_model_that_is_not_there_is_told_with_those_that_are_alike(run: Run):
    names = tuple(f"model-{number}" for number in range(1000))
    with HostedServer(Hosting(model="gpt-tiny-2", models=names)) as server:
        said = run.complaint(server)
        assert "tiny has no model gpt-tiny; of its 1001 models these are alike: gpt-tiny-2" in said
        assert len(said) < 300


def test_what_is_sent_is_what_was_asked(run: Run):
    with HostedServer(Hosting(answer="4")) as server:
        service, connection, said = run.start(server)
        assert connection.model["capabilities"] == {
            "generate": True, "likelihood": False, "chat": True, "completions": False, "limit": "max_tokens",
            "n": True, "seed": True, "stop": True, "temperature": True, "top_p": True,
            "why": {"likelihood": "hosted APIs tell no log-probabilities of a prompt's tokens"},
        }  # fmt: skip
        assert (connection.model["name"], connection.model["id"]) == ("tiny/gpt-tiny", "gpt-tiny")
        prompt = Conversation("Be brief. 2 + 2", [Message("system", "Be brief."), Message("user", "2 + 2")])
        output = ask(service, connection, lambda model: write(model, prompt, stop=list("abcdef"), n=2, seed=3))
        [body] = server.bodies()
        assert body == {
            "model": "gpt-tiny", "max_tokens": 20, "temperature": 0.0, "top_p": 1.0, "n": 2, "seed": 3,
            "stop": ["a", "b", "c", "d"],
            "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "2 + 2"}],
        }  # fmt: skip
        assert [one.text for one in output.completions] == ["4", "4"]
        assert output.usage.completion_tokens == 20
        assert output.usage.cost == pytest.approx((100 + 20 * 10) / 1e6)
        ask(service, connection, write)
        assert server.bodies()[-1]["messages"] == [{"role": "user", "content": "2 + 2 ="}]
        assert "sk-right" not in json.dumps([connection.model, connection.settings, said])


REASONING = {
    "temperature": "Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) is.",
    "top_p": "Unsupported parameter: 'top_p' is not supported with this model.",
    "stop": "Unsupported parameter: 'stop' is not supported with this model.",
}


def test_what_a_reasoning_model_refuses_is_not_sent_and_said(run: Run):
    hosting = Hosting(answer="4 END 5", refuses=REASONING, limits=("max_completion_tokens",))
    with HostedServer(hosting) as server:
        service, connection, said = run.start(server)
        assert "it takes no stop, temperature, top_p: not sent" in " ".join(said)
        abilities = connection.model["capabilities"]
        assert (abilities["temperature"], abilities["n"], abilities["limit"]) == (False, True, "max_completion_tokens")
        assert "does not support 0" in abilities["why"]["temperature"]
        assert connection.model["engine_args"]["not_sent"] == ["stop", "temperature", "top_p"]
        output = ask(service, connection, lambda model: write(model, stop=[" END"]))
        assert set(server.bodies()[-1]) == {"model", "messages", "max_completion_tokens", "n"}
        assert output.text == "4"  # cut here
        assert "samples at a temperature of its own" in " ".join(service.account()["lines"])


def test_several_answers_are_asked_for_one_by_one_where_n_is_refused(run: Run):
    with HostedServer(Hosting(refuses={"n": "'n' must be 1"})) as server:
        service, connection, _ = run.start(server)
        output = ask(service, connection, lambda model: write(model, n=3, seed=5))
        assert sorted(body["seed"] for body in server.bodies()) == [5, 6, 7]
        assert (len(output.completions), output.usage.requests) == (3, 3)


def test_a_limit_that_is_ignored_is_found_out(run: Run):
    with HostedServer(Hosting(heeds_limit=False)) as server:
        _, connection, said = run.start(server)
        assert "more than the 16 tokens" in connection.model["capabilities"]["why"]["max_completion_tokens"]
        assert any("max_completion_tokens: not sent" in line for line in said)


def test_a_model_without_chat_is_asked_for_completions(run: Run):
    with HostedServer(Hosting(chat=False, completions=True)) as server:
        service, connection, _ = run.start(server)
        assert connection.model["chat_model"]["is"] is False
        output = ask(service, connection, write)
        assert server.bodies("/v1/completions")[-1]["prompt"] == "2 + 2 ="
        assert output.text == " 42"


def test_plain_prompts_are_continued_where_there_are_both_ways(run: Run):
    with HostedServer(Hosting(completions=True)) as server:
        service, connection, _ = run.start(server)
        ask(service, connection, write)
        ask(service, connection, lambda model: write(model, Conversation("Hi", [Message("user", "Hi")])))
        assert [path for path, _, _ in server.requests] == ["/v1/completions", "/v1/chat/completions"]


@pytest.mark.parametrize(
    ("said", "parameter", "expected"),
    [
        (
            "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.",
            "",
            "max_tokens",
        ),
        ("Unsupported value", "temperature", "temperature"),
        ("`temperature` and `top_p` cannot both be specified for this model.", "", "top_p"),
        ("body.seed: Extra inputs are not permitted", "", None),
        ("[{'type': 'extra_forbidden', 'loc': ['body', 'seed'], 'msg': 'Extra inputs are not permitted'}]", "", "seed"),
        ("'n' : number must be at most 1", "", "n"),
        ("This model's maximum context length is 8192 tokens, in the messages", "", None),
        ("an unknown error", "messages", "messages"),
    ],
)
def test_the_parameter_that_a_refusal_is_about(said: str, parameter: str, expected: str | None):
    sent = ["model", "messages", "max_tokens", "temperature", "top_p", "n", "seed", "stop"]
    assert blamed(Refusal("bad_request", said, 400, "", parameter, said), sent) == expected


# --- answers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("thinking", ("4", "stop", "2 + 2", None)),
        ("tags", ("4", "stop", "2 + 2", None)),
        ("parts", ("4", "stop", "2 + 2", None)),
        ("cut-thinking", ("", "length", "2 + 2 is, let me see", None)),
        ("too-short", ("", "length", None, None)),
        ("refusal", ("", "stop", None, "I cannot help with that.")),
        ("filtered", ("", "content_filter", None, None)),
        ("withheld", ("", "content_filter", None, "The prompt was filtered")),
    ],
)
def test_answers_that_are_none_are_told_apart(run: Run, fault: str, expected: tuple[Any, ...]):
    with HostedServer() as server:
        service, connection, _ = run.start(server)
        server.fault(fault)
        output = ask(service, connection, write)
        [one] = output.completions
        assert (one.text, one.finish_reason, one.thinking, one.refusal) == expected
        assert output.refused is (fault in ("refusal", "filtered", "withheld"))
        assert output.truncated is (expected[1] == "length")


def test_a_text_that_is_null_without_reason_is_malformed(run: Run):
    with HostedServer(faults=[]) as server:
        service, connection, _ = run.start(server, retries=1)
        server.fault("null*3")
        with pytest.raises(AskError) as caught:
            ask(service, connection, write)
        assert caught.value.kind == "malformed"


def test_who_answered_is_recorded(run: Run):
    with HostedServer() as server:
        service, connection, _ = run.start(server)
        ask(service, connection, write)
        server.hosting.fingerprint = "fp_2"
        ask(service, connection, write)
        found = service.account()["answered"]
        assert found == [
            {"model": "gpt-tiny-2026-01-01", "system_fingerprint": "fp_1", "requests": 2},
            {"model": "gpt-tiny-2026-01-01", "system_fingerprint": "fp_2", "requests": 1},
        ]


# --- failures and limits -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("faults", "kind", "attempts"),
    [
        (["500*9"], "http_500", 3),
        (["403"], "http_403", 1),
        (["400"], "bad_request", 1),
        (["html*9"], "malformed", 3),
        (["break*9"], "connection", 3),
        (["429:0.01*9"], "rate_limited", 4),
    ],
)
def test_a_request_fails_after_bounded_attempts(
    run: Run, monkeypatch: pytest.MonkeyPatch, faults: list[str], kind: str, attempts: int
):
    monkeypatch.setattr(hosted_client, "LONGEST_BACKOFF", 0.02)
    with HostedServer() as server:
        service, connection, _ = run.start(server, retries=2)
        server.fault(*faults)
        with pytest.raises(AskError) as caught:
            ask(service, connection, write)
        assert (caught.value.kind, caught.value.attempts) == (kind, attempts)


def test_a_limit_by_429_slows_all_down_and_loses_none(run: Run):
    with HostedServer(Hosting(allowance=5, refill=100.0, latency=0.002)) as server:
        service, connection, _ = run.start(server, retries=3, concurrency=64)
        answers = ask(service, connection, lambda model: together(write(model) for _ in range(120)), 64)
        assert [one for one in answers if isinstance(one, BaseException)] == []
        account = service.account()
        assert account["requests"] == 121
        # Headers tell what is left: most requests wait here and are not refused there.
        assert server.refused < 60
        assert account["rate_limit"]["waited"] > 0


def test_a_limit_without_headers_halves_what_is_in_flight(run: Run):
    with HostedServer(Hosting(latency=0.02)) as server:
        service, connection, _ = run.start(server)
        server.fault(*["ok*30", "429:0.05*12"])
        answers = ask(service, connection, lambda model: together(write(model) for _ in range(80)), 32)
        assert not any(isinstance(one, BaseException) for one in answers)
        assert 8 < server.most_in_flight <= 32
        assert service.account()["rate_limit"]["refusals"] == 12


def test_a_quota_that_is_exhausted_stops_all_at_once(run: Run):
    with HostedServer() as server:
        service, connection, _ = run.start(server)
        run.begin()
        server.hosting.quota = server.answered + 10
        answers = ask(service, connection, lambda model: together(write(model) for _ in range(60)), 8)
        stopped = [one for one in answers if isinstance(one, BaseException)]
        assert len(stopped) == 50
        assert all(isinstance(one, StopAsking) and one.kind == "quota" for one in stopped)
        assert "--resume=" in str(stopped[0])
        assert len(server.requests) <= 10 + 8
        assert "no credit left" in run.complaint(server)


def test_what_ends_it_before_the_run_has_begun_names_none_to_go_on_with(run: Run):
    with HostedServer() as server:
        service, connection, _ = run.start(server)
        server.hosting.quota = server.answered
        [error] = ask(service, connection, lambda model: together(write(model) for _ in range(1)))
        assert "add some, then give the same command again" in str(error)


def test_a_key_that_is_withdrawn_stops_all_at_once(run: Run):
    with HostedServer() as server:
        service, connection, _ = run.start(server)
        server.hosting.key = "sk-other"
        [error] = ask(service, connection, lambda model: together(write(model) for _ in range(1)))
        assert isinstance(error, StopAsking)
        assert "TINY_KEY is refused" in str(error)
        assert "sk-right" not in str(error)


def test_a_wait_of_hours_is_not_waited_for(run: Run):
    with HostedServer() as server:
        service, connection, _ = run.start(server)
        server.fault("429:7200")
        started = time.monotonic()
        [error] = ask(service, connection, lambda model: together(write(model) for _ in range(1)))
        assert isinstance(error, StopAsking)
        assert "120 minutes" in str(error)
        assert time.monotonic() - started < 5


# --- what is spent -------------------------------------------------------------------------------------------------


def test_the_account_adds_up(run: Run):
    with HostedServer(Hosting(cached=40, reasoning=4)) as server:
        service, connection, _ = run.start(server)
        outputs = ask(service, connection, lambda model: together(write(model) for _ in range(9)))
        account = service.account()
        probing = {"prompt": 100, "completion": 32}
        assert account["requests"] == 10
        assert account["prompt_tokens"] == 9 * 100 + probing["prompt"]
        assert account["completion_tokens"] == 9 * 10 + probing["completion"]
        assert (account["cached_tokens"], account["reasoning_tokens"]) == (400, 40)
        assert account["cost"] == pytest.approx((600 * 1.0 + 400 * 0.1 + 122 * 10.0) / 1e6)
        assert sum(one.usage.cost for one in outputs) == pytest.approx(9 * (60 + 4 + 100) / 1e6)
        assert account["price"]["read"] == "2026-11-25"


def test_without_a_price_there_are_tokens_alone_and_no_bound_on_a_cost(run: Run):
    with HostedServer() as server:
        service, connection, _ = run.start(server, price=False)
        ask(service, connection, write)
        account = service.account()
        assert account["cost"] is None
        assert any("no price of gpt-tiny is known" in line for line in account["lines"])
        assert "--max-tokens-total" in run.complaint(server, price=False, max_cost=1.0)


@pytest.mark.parametrize("concurrency", [1, 16])
def test_a_bound_is_kept_whatever_is_in_flight(run: Run, concurrency: int):
    with HostedServer(Hosting(latency=0.01)) as server:
        service, connection, _ = run.start(server, max_tokens_total=1500)
        answers = ask(service, connection, lambda model: together(write(model) for _ in range(40)), concurrency)
        stopped = [one for one in answers if isinstance(one, BaseException)]
        assert all(isinstance(one, StopAsking) and one.kind == "budget" for one in stopped)
        assert "--max-tokens-total=1500" in str(stopped[0])
        account = service.account()
        spent = account["prompt_tokens"] + account["completion_tokens"]
        # One request takes 110 tokens, and was thought to take 43 at most: what the server counts is what counts.
        assert 1500 - 110 < spent <= 1500 + 110 * concurrency
        assert len(answers) - len(stopped) == account["requests"] - 1


def test_a_bound_on_the_cost_is_never_passed_where_requests_take_no_more_than_their_bound(run: Run):
    hosting = Hosting(latency=0.01, prompt_tokens=15, completion_tokens=18)
    with HostedServer(hosting) as server:
        service, connection, _ = run.start(server, max_cost=0.004)
        answers = ask(service, connection, lambda model: together(write(model) for _ in range(60)), 16)
        account = service.account()
        assert any(isinstance(one, StopAsking) for one in answers)
        assert 0.004 - 0.0003 < account["cost"] <= 0.004


def test_what_breaks_off_counts_against_the_bounds_and_is_told_apart(run: Run):
    with HostedServer() as server:
        service, connection, _ = run.start(server, max_tokens_total=100_000, retries=0)
        server.fault("break", "no-usage")
        [broken, untold] = ask(service, connection, lambda model: together(write(model) for _ in range(2)), 1)
        assert isinstance(broken, AskError)
        assert untold.text == " 42"
        account = service.account()
        assert account["unknown"]["requests"] == 2
        assert account["unknown"]["tokens"] > 2 * 20
        assert account["requests"] == 2  # the probe, and the one that told no usage


def test_an_attempt_that_went_on_counts_what_the_one_before_it_spent(run: Run):
    with HostedServer() as server:
        service, connection, _ = run.start(server, max_tokens_total=1000)
        ask(service, connection, lambda model: together(write(model) for _ in range(4)))
        before = service.account()["prompt_tokens"]
        again, connection, _ = run.start(server, max_tokens_total=1000)
        assert again.account()["prompt_tokens"] == before + 100
        answers = ask(again, connection, lambda model: together(write(model) for _ in range(40)), 1)
        assert sum(isinstance(one, StopAsking) for one in answers) > 35


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("http://127.0.0.1:9/v1", "nothing listens there: check the address and its port"),
        ("http://nowhere.invalid/v1", "its host cannot be found: check its name, and this machine's network"),
    ],
)
def test_an_api_that_cannot_be_reached_says_why_and_charges_for_nothing(run: Run, address: str, words: str):
    server = SimpleNamespace(url=address)
    assert f"{address}/chat/completions: {words}" in run.complaint(server, retries=0)  # type: ignore[arg-type]
    assert Account(run.folder / "parts" / "account-service.db", Bounds()).total()["unknown"] == 0


def test_a_connection_that_breaks_is_told_as_such(run: Run):
    with HostedServer() as server:
        service, connection, _ = run.start(server, retries=0)
        server.fault("break")
        with pytest.raises(AskError, match="the connection broke before an answer was there"):
            ask(service, connection, write)


def test_a_key_that_is_refused_later_is_named_by_the_variable_that_is_read(run: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PROCTOR_API_KEY", "sk-right")
    with HostedServer() as server:
        service = make_service(ServiceOptions(base_urls=(server.url,)))
        connection = service.start(run.folder / "service.log", lambda message: None)
        server.hosting.key = "sk-other"
        with pytest.raises(StopAsking, match="the key in PROCTOR_API_KEY is refused: set another, then"):
            ask(service, connection, write)


def test_a_hosted_model_s_bound_is_none_of_a_judge_s_vllm(run: Run):
    with ScriptedServer(Script(owned_by="vllm")) as server:
        model = ServiceOptions(model="openai/gpt-4o", max_cost=5.0)
        judge = judge_service(options_of(model, None, server.url, None), model)
        assert judge.start(run.folder / "judge.log", lambda message: None).model["engine"] == "vllm"
        alone = ServiceOptions(model="proctor-embedded", max_cost=5.0)
        with pytest.raises(ServiceError, match="--max-cost bounds what a hosted API charges; what .* names is vllm"):
            judge_service(options_of(alone, None, server.url, None), alone).start(run.folder / "x.log", print)


# --- endpoints of nobody that is known -----------------------------------------------------------------------------


def test_an_endpoint_with_a_key_and_chat_alone_is_asked_as_a_hosted_api(run: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PROCTOR_API_KEY", "sk-right")
    with HostedServer() as server:
        service = make_service(ServiceOptions(base_urls=(server.url.removesuffix("/v1"),)))
        connection = service.start(run.folder / "service.log", lambda message: None)
        assert isinstance(service, EndpointService)
        assert connection.model["name"] == "gpt-tiny"
        # As in a worker, which started nothing.
        worker = make_service(ServiceOptions(base_urls=(server.url,)))
        assert ask(worker, connection, write).text == " 42"
        assert any("no price" in line for line in service.account()["lines"])


def test_an_endpoint_with_a_key_of_its_own_and_no_likelihoods_is_hosted(run: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MINE", "sk-right")
    with HostedServer(Hosting(completions=True)) as server:
        service = make_service(ServiceOptions(base_urls=(server.url,), api_key_env="MINE"))
        connection = service.start(run.folder / "service.log", lambda message: None)
        assert "hosted" in connection.settings
        assert ask(service, connection, write).usage.prompt_tokens == 100


def test_a_server_of_ones_own_takes_no_bound(run: Run):
    with ScriptedServer(Script(owned_by="vllm", model="m")) as server:
        service = make_service(ServiceOptions(base_urls=(server.url,), max_tokens_total=5))
        with pytest.raises(ServiceError, match="--max-tokens-total bounds what a hosted API charges.*vllm"):
            service.start(run.folder / "service.log", lambda message: None)
    with pytest.raises(ServiceError, match="--max-cost bounds"):
        make_service(ServiceOptions(max_cost=1.0))


def test_a_list_of_a_thousand_models_is_not_printed():
    names = [{"id": f"model-{number}"} for number in range(1000)]
    from proctor_service import discovery

    with pytest.raises(ServiceError) as caught:
        discovery.choose(names, "model-99x", "there")
    assert "model-99" in str(caught.value)
    assert "and 992 others" in str(caught.value)
