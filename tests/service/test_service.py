"""Services from options: what is found, checked and said, and how a model answers."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import proctor_service.plugin
import pytest
import sample_tokenizers
from proctor.errors import AskError, ServiceError, SetupError
from proctor.model import Connection, Model, Service
from proctor_service import discovery, http_model, judges, replies
from proctor_service.client import Reply
from proctor_service.options import ServiceOptions
from proctor_service.running import api_key
from proctor_service.service import make_service
from scripted_server import Script, ScriptedServer

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch: pytest.MonkeyPatch):
    for name in ("PROCTOR_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


@pytest.fixture
def tokenizer_folder(tmp_path: Path) -> str:
    folder = tmp_path / "scripted-7b"
    folder.mkdir()
    sample_tokenizers.byte_level(bos=True).save(str(folder / "tokenizer.json"))
    return str(folder)


def quiet(message: str) -> None:
    pass


def start(*base_urls: str, **options: Any) -> tuple[Service, Connection]:
    service = make_service(ServiceOptions(base_urls=base_urls, **options))
    return service, service.start(Path(os.devnull), quiet)


def ask(service: Service, connection: Connection, question: Callable[[Model], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        async with service.connect(connection, 4) as model:
            return await question(model)

    return asyncio.run(run())


def complaint(*base_urls: str, **options: Any) -> str:
    with pytest.raises(ServiceError) as caught:
        start(*base_urls, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def whole(folder: str, **changes: Any) -> Script:
    tokenizer = sample_tokenizers.byte_level(bos=True)
    return Script(**{"tokenizer": tokenizer, "root": folder, "model": "org/scripted-7b"} | changes)


def test_a_connection_says_what_is_served_and_travels_as_json(tokenizer_folder: str):
    with ScriptedServer(whole(tokenizer_folder, owned_by="vllm", version="0.32.0")) as server:
        service, connection = start(server.url.replace("http://", "http://me:secret@") + "/v1/", retries=2)
        assert connection.model["capabilities"]["likelihood"] is True
        assert {key: value for key, value in connection.model.items() if key != "capabilities"} == {
            "name": "org/scripted-7b",
            "id": "org/scripted-7b",
            "revision": None,
            "tokenizer": tokenizer_folder,
            "base_urls": [server.url + "/v1/"],
            "engine": "vllm",
            "engine_version": "0.32.0",
            "engine_args": {"max_model_len": 4096},
            "chat_model": None,
        }
        travelled = Connection(**json.loads(json.dumps({"model": connection.model, "settings": connection.settings})))
        server.requests.clear()
        output = ask(service, travelled, lambda model: model.generate("The", max_tokens=3))
        assert len(output.completions) == 1
        assert output.usage.prompt_tokens == 3
        [body] = server.bodies()
        assert body == {
            "model": "org/scripted-7b",
            "prompt": "The",
            "max_tokens": 3,
            "temperature": 0.0,
            "top_p": 1.0,
            "n": 1,
            "stream": False,
            **http_model.VLLM_NEUTRAL,
        }
        likelihoods = ask(service, travelled, lambda model: model.loglikelihood("The", [" quick", " lazy"]))
        assert [choice.text for choice in likelihoods.choices] == [" quick", " lazy"]


@pytest.mark.parametrize("model", ["org/scripted-7b", "scripted-7b", None])
def test_the_served_model_is_known_by_its_id_or_the_last_part_of_it(tokenizer_folder: str, model: str | None):
    with ScriptedServer(whole(tokenizer_folder)) as server:
        service, connection = start(server.url, model=model)
        assert connection.model["id"] == "org/scripted-7b"
        assert service.name == connection.model["name"] == (model or "org/scripted-7b")


def test_another_model_than_the_one_named_is_an_error_that_lists_what_is_served(tokenizer_folder: str):
    with ScriptedServer(whole(tokenizer_folder)) as server:
        assert "serves org/scripted-7b" in complaint(server.url, model="llama2-13b")


def test_several_models_need_a_name():
    cards = [{"id": "a", "root": "/w/one"}, {"id": "b", "root": "/w/two"}]
    with pytest.raises(ServiceError, match=r"several models \(a, b\).*--model"):
        discovery.choose(cards, None, "there")
    assert discovery.choose(cards, "two", "there")["id"] == "b"
    twins = [{"id": "x/a", "root": None}, {"id": "y/a", "root": None}]
    with pytest.raises(ServiceError, match="serves x/a, y/a"):
        discovery.choose(twins, "a", "there")


def test_endpoints_that_serve_different_models_are_an_error(tokenizer_folder: str):
    with ScriptedServer(Script(model="a")) as one, ScriptedServer(Script(model="b")) as other:
        assert "must serve one model" in complaint(one.url, other.url)


def test_a_dead_endpoint_says_that_nothing_listens():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    assert "nothing listens there" in complaint(f"http://127.0.0.1:{port}")


def test_a_host_that_cannot_be_found_is_named():
    assert "no-such-host.invalid cannot be found" in complaint("http://no-such-host.invalid:8000")


def test_the_wrong_scheme_is_recognized():
    with ScriptedServer() as server:
        assert "use http://" in complaint(server.url.replace("http://", "https://"))


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://host", "http://"])
def test_what_is_no_url_is_refused_before_anything_is_asked(url: str):
    with pytest.raises(ServiceError, match="http://HOST:PORT"):
        make_service(ServiceOptions(base_urls=(url,)))


@contextlib.contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """The URL of a server of one's own."""
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_list_of_models_that_only_drips_is_given_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(discovery, "TIMEOUT", (1.0, 1.0))

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            with contextlib.suppress(OSError):
                for _ in range(200):
                    self.wfile.write(b" ")
                    time.sleep(0.1)

        def log_message(self, *args: object) -> None:
            pass

    with serving(Page) as url:
        assert "no answer within 1 s" in complaint(url)


def test_a_page_that_is_too_long_for_a_list_of_models_is_told_as_such(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(discovery, "MOST_BYTES", 1 << 20)

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(b" " * (2 << 20))

        def log_message(self, *args: object) -> None:
            pass

    with serving(Page) as url:
        assert "/v1/models answers with more than 1 MiB: no list of models" in complaint(url)


def test_a_server_of_another_kind_is_recognized():
    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>It works!</html>")

        def log_message(self, *args: object) -> None:
            pass

    with serving(Page) as url:
        assert "OpenAI-style" in complaint(url)


def test_a_key_is_asked_for_by_the_name_of_its_variable(monkeypatch: pytest.MonkeyPatch):
    with ScriptedServer(Script(api_key="right-key")) as server:
        message = complaint(server.url)
        assert "status 401" in message
        assert "PROCTOR_API_KEY is not set" in message
        monkeypatch.setenv("MY_KEY", "wrong-key")
        message = complaint(server.url, api_key_env="MY_KEY")
        assert "MY_KEY is refused" in message
        assert "wrong-key" not in message
        monkeypatch.setenv("PROCTOR_API_KEY", "right-key")
        _, connection = start(server.url)
        assert "right-key" not in json.dumps([connection.model, connection.settings])


def test_a_key_that_only_answers_need_is_asked_for_too(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PROCTOR_API_KEY", "wrong-key")
    with ScriptedServer(Script(api_key="right-key", lists_openly=True)) as server:
        message = complaint(server.url)
        assert "status 401" in message
        assert "--api-key-env" in message
        assert "wrong-key" not in message


@pytest.mark.parametrize("openly", [False, True])
def test_a_judge_s_key_is_asked_for_by_the_name_of_its_own_variable(monkeypatch: pytest.MonkeyPatch, openly: bool):
    monkeypatch.setenv("PROCTOR_API_KEY", "the-models")
    with ScriptedServer(Script(api_key="right-key", lists_openly=openly)) as server:
        judge = judges.judge_service(judges.options_of(ServiceOptions(), None, server.url, None), ServiceOptions())
        with pytest.raises(ServiceError, match="PROCTOR_JUDGE_API_KEY") as caught:
            judge.start(Path("service.log"), lambda message: None)
    assert " PROCTOR_API_KEY" not in str(caught.value)
    assert "--judge-api-key-env" in str(caught.value)


def test_keys_go_only_where_they_belong(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OPENAI_API_KEY", "openai")
    assert api_key(None, ["http://localhost:8000"]) is None
    assert api_key(None, ["https://openai.com.evil.example/v1"]) is None
    assert api_key(None, ["https://api.openai.com/v1"]) == "openai"
    assert api_key(None, ["https://api.openai.com/v1", "http://elsewhere"]) is None
    monkeypatch.setenv("PROCTOR_API_KEY", "own")
    assert api_key(None, ["https://api.openai.com/v1"]) == "own"
    with pytest.raises(ServiceError, match="UNSET_KEY"):
        api_key("UNSET_KEY", ["http://localhost"])


def test_a_tokenizer_that_the_user_names_must_be_had(tokenizer_folder: str):
    with ScriptedServer(Script(root="/not/on/this/machine")) as server:
        assert "--tokenizer" in complaint(server.url, tokenizer="/no/such/folder")
        _, connection = start(server.url)
        assert connection.model["tokenizer"] is None
        assert not connection.model["capabilities"]["likelihood"]
        assert "/not/on/this/machine" in connection.model["capabilities"]["why"]["likelihood"]


def test_a_service_can_be_stopped_without_having_started():
    for options in (ServiceOptions(), ServiceOptions(base_urls=("http://localhost:1",))):
        service = make_service(options)
        service.stop()
        service.stop()
    assert make_service(ServiceOptions()).bundled
    assert make_service(ServiceOptions(concurrency=7)).concurrency == 7


# --- generated texts ---------------------------------------------------------------------------------------------


def generate(script: Script, faults: list[str] | None = None, **keywords: Any) -> tuple[Any, list[dict[str, Any]]]:
    """An output, and the bodies of the requests that it took."""
    with ScriptedServer(script) as server:
        service, connection = start(server.url, retries=0)
        server.requests.clear()
        server.fault(*(faults or []))
        keywords = {"max_tokens": 20} | keywords
        output = ask(service, connection, lambda model: model.generate("6 times 7 is", **keywords))
        return output, server.bodies()


def test_every_sampling_parameter_is_sent():
    _, [body] = generate(Script(), stop=["\n"], temperature=0.7, top_p=0.9, seed=3)
    assert {key: body[key] for key in ("max_tokens", "temperature", "top_p", "n", "seed", "stop")} == {
        "max_tokens": 20,
        "temperature": 0.7,
        "top_p": 0.9,
        "n": 1,
        "seed": 3,
        "stop": ["\n"],
    }
    assert "top_k" not in body, "an unknown server gets OpenAI's parameters alone"


def test_a_prompt_is_sent_as_it_is_and_meets_no_chat_template():
    prompt = "<|im_start|>user\\n6 times 7 is<|im_end|>\\n<|im_start|>assistant\\n"
    with ScriptedServer(Script()) as server:
        service, connection = start(server.url, retries=0)
        server.requests.clear()
        ask(service, connection, lambda model: model.generate(prompt, max_tokens=5))
        assert [path for path, _, _ in server.requests] == ["/v1/completions"]
        [body] = server.bodies()
    assert body["prompt"] == prompt
    assert not {"messages", "chat_template", "add_generation_prompt"} & set(body)


def test_a_stop_that_the_endpoint_ignored_is_applied_here():
    output, _ = generate(Script(answer=" 42\n\nQuestion: and\nQuestion:"), stop=["\nQuestion:", "\n\n"])
    assert output.text == " 42"
    assert output.completions[0].finish_reason == "stop"


def test_more_stops_than_endpoints_take_are_applied_here():
    stops = ["\nclass", "\ndef", "\n#", "\nif", "\nprint"]
    output, bodies = generate(Script(answer=" return 4\nprint(4)\nclass A: pass"), stop=stops)
    assert [body["stop"] for body in bodies] == [stops[:4]]  # OpenAI's API and vLLM refuse a fifth
    assert output.text == " return 4"
    assert output.completions[0].finish_reason == "stop"


def test_several_completions_come_by_several_requests_where_n_is_ignored():
    output, bodies = generate(Script(ignore=frozenset({"n"})), n=3, seed=5, temperature=1.0)
    assert len(output.completions) == output.usage.requests == 3
    assert sorted(body["seed"] for body in bodies) == [5, 6, 7]


def test_several_completions_come_by_one_request_where_n_is_known():
    output, bodies = generate(Script(), n=3, temperature=1.0)
    assert len(output.completions) == 3
    assert len(bodies) == output.usage.requests == 1


def test_a_null_text_is_malformed_and_not_empty():
    with pytest.raises(AskError) as caught:
        generate(Script(), faults=["null"])
    assert caught.value.kind == "malformed"


def reply(**choice: Any) -> Reply:
    return Reply({"choices": [choice], "usage": {"completion_tokens": 9}}, 0.5, 0)


def test_counts_that_are_no_counts_are_left_out():
    for count in (-5, "9", None, 1.5):
        usage = http_model.usage_of(Reply({"choices": [], "usage": {"completion_tokens": count}}, 0.5, 0))
        assert usage.completion_tokens == 0


def test_a_null_text_at_the_token_limit_is_a_truncated_output():
    for choice in ({"finish_reason": "length"}, {"finish_reason": "stop", "reasoning_content": "hm"}):
        [found] = replies.completions_of(reply(text=None, **choice), ())
        assert found.text == ""
        assert found.finish_reason == "length"
        assert found.tokens == 9
        assert found.latency == 0.5


@pytest.mark.parametrize(
    ("text", "opened", "answer", "thinking"),
    [
        (" 42", False, " 42", None),
        ("<think>6*7</think>42", False, "42", "6*7"),
        ("\n<think>\n6*7\n</think>\n\n  42\n", False, "  42\n", "6*7"),
        ("<think>a</think>\n<think>b</think>c", False, "c", "a\nb"),
        ("<think>never ends", False, "", "never ends"),
        ("<think>", False, "", ""),
        ("6*7</think>42", False, "42", "6*7"),
        ("6*7</think>42", True, "42", "6*7"),
        ("never ends", True, "", "never ends"),
        ("say <think> and </think> aloud", False, "say <think> and </think> aloud", None),
        ("<think>a</think>b</think>c", False, "b</think>c", "a"),
    ],
)
def test_thinking_is_told_apart(text: str, opened: bool, answer: str, thinking: str | None):
    assert replies.split_thinking(text, opened) == (answer, thinking)


def test_stops_apply_after_the_thinking():
    def answer(body: dict[str, Any]) -> str:
        text = "<think>first\n\nsecond</think>\n\n42\n\nQuestion:"
        return replies.cut_at(text, body.get("stop", []))

    with ScriptedServer(Script(answer=answer)) as server:
        service, connection = start(server.url)
        server.requests.clear()

        async def twice(model: Model) -> list[Any]:
            return [await model.generate("6 times 7 is", max_tokens=50, stop=["\n\n"]) for _ in range(2)]

        first, second = ask(service, connection, twice)
        assert first.text == second.text == "42"
        assert first.completions[0].thinking == "first\n\nsecond"
        assert ["stop" in body for body in server.bodies()] == [True, False, False]
        assert (first.usage.requests, second.usage.requests) == (2, 1)


@pytest.mark.parametrize(
    ("choice", "opened", "stopped"),
    [
        ({"text": "<think>first", "finish_reason": "stop"}, False, True),
        ({"text": "first", "finish_reason": "stop"}, True, True),
        ({"text": "<think>first", "finish_reason": "stop", "stop_reason": "\n\n"}, False, True),
        ({"text": "<think>first", "finish_reason": "stop", "stop_reason": None}, False, False),
        ({"text": "<think>first", "finish_reason": "length"}, False, False),
        ({"text": "<think>first</think>", "finish_reason": "stop"}, False, False),
        ({"text": "first", "finish_reason": "stop"}, False, False),
        ({"text": None, "finish_reason": "stop"}, False, False),
    ],
)
def test_only_a_stop_string_inside_a_thought_makes_us_ask_again(choice: dict[str, Any], opened: bool, stopped: bool):
    assert replies.stopped_in_thought(choice, opened) is stopped


def test_bos_at_the_front_of_a_prompt_is_left_to_the_server(tokenizer_folder: str):
    with ScriptedServer(whole(tokenizer_folder)) as server:
        service, connection = start(server.url)
        server.requests.clear()
        ask(service, connection, lambda model: model.generate("<s>The quick", max_tokens=2))
        assert server.bodies()[0]["prompt"] == "The quick"


# --- the embedded model ------------------------------------------------------------------------------------------


def test_the_embedded_model_starts_answers_and_stops(tmp_path: Path):
    service = make_service(ServiceOptions())
    said: list[str] = []
    try:
        connection = service.start(tmp_path / "service.log", said.append)
        abilities = connection.model["capabilities"]
        assert connection.model["engine"] == "proctor-embedded"
        assert abilities["generate"]
        assert abilities["likelihood"], abilities["why"]
        output = ask(service, connection, lambda model: model.generate("Hello", max_tokens=2))
        assert output.usage.completion_tokens >= 1
        found = ask(service, connection, lambda model: model.loglikelihood("Hello", [" A", " B"]))
        assert all(choice.logprob < 0 for choice in found.choices)
        url = connection.settings["base_urls"][0]
    finally:
        service.stop()
        service.stop()
    assert said
    host, port = url.removeprefix("http://").split(":")
    with socket.socket() as caller:
        assert caller.connect_ex((host, int(port))) != 0, "nothing listens any more"


# --- the pytest plugin -------------------------------------------------------------------------------------------

PROBE = """
import dataclasses, json, pytest
from proctor_service import plugin

def pytest_addoption(parser):
    parser.addoption("--model", dest="proctor_model")
    parser.addini("proctor_model", "", default=None)

def pytest_collection(session):
    from proctor.errors import SetupError
    try:
        print("OPTIONS", json.dumps(dataclasses.asdict(plugin.service_options(session.config))))
        print("SERVICE", getattr(plugin.pytest_proctor_service(session.config), "name", None))
    except SetupError as error:
        print("ERROR", error)
"""
RIVAL = """
import os
def pytest_addoption(parser):
    parser.addini("base_url", help="application under test")
    parser.addoption("--base-url", metavar="url", default=os.getenv("PYTEST_BASE_URL"))
def pytest_configure(config):
    config.option.base_url = config.getoption("base_url") or config.getini("base_url")
"""


def run_plugin(
    folder: Path, *arguments: str, ini: str = "", early: tuple[str, ...] = (), **environment: str
) -> subprocess.CompletedProcess[str]:
    (folder / "probing.py").write_text(PROBE)
    (folder / "rival.py").write_text(RIVAL)
    (folder / "pytest.ini").write_text(f"[pytest]\n{ini}")
    (folder / "test_nothing.py").write_text("def test_nothing(): pass\n")
    path = os.pathsep.join([str(folder), str(CHECKOUT / "plugins"), str(CHECKOUT / "fixtures")])
    plugins = [word for name in (*early, "proctor_service.plugin", "probing") for word in ("-p", name)]
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-s", "-q", *plugins, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def options_of(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    lines = [line for line in done.stdout.splitlines() if line.startswith("OPTIONS ")]
    assert len(lines) == 1, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(lines[0].removeprefix("OPTIONS "))
    return found


def test_options_come_from_the_command_line(tmp_path: Path):
    done = run_plugin(
        tmp_path,
        *("--base-url=http://a:1", "--base-url", "http://b:2", "--model=m", "--tokenizer=t", "--concurrency=9"),
        *("--request-timeout=1.5", "--request-retries=0", "--api-key-env=K"),
        *("--model-args=--dtype float32", "--vllm-python=P", "--startup-timeout=9", "--replicas=2"),
        *("--providers=F", "--max-cost=2.5", "--max-tokens-total=100"),
        ini="proctor_concurrency = 3\nproctor_base_url = http://c:3\n",
    )
    assert options_of(done) == {
        "model": "m",
        "base_urls": ["http://a:1", "http://b:2"],
        "tokenizer": "t",
        "concurrency": 9,
        "request_timeout": 1.5,
        "retries": 0,
        "api_key_env": "K",
        "model_args": "--dtype float32",
        "vllm_python": "P",
        "startup_timeout": 9.0,
        "models": None,
        "replicas": 2,
        "providers": "F",
        "max_cost": 2.5,
        "max_tokens_total": 100,
        "bounds_shared": False,
        "default_key_env": "PROCTOR_API_KEY",
    }


def test_options_come_from_the_ini_file(tmp_path: Path):
    ini = "proctor_base_url =\n    http://a:1\n    http://b:2\nproctor_concurrency = 3\nproctor_request_retries = 1\n"
    found = options_of(run_plugin(tmp_path, ini=ini))
    assert (found["base_urls"], found["concurrency"], found["retries"]) == (["http://a:1", "http://b:2"], 3, 1)


def test_without_options_the_embedded_model_serves(tmp_path: Path):
    done = run_plugin(tmp_path)
    assert options_of(done)["base_urls"] == []
    assert "SERVICE proctor-embedded" in done.stdout


def test_self_checks_are_left_to_proctor(tmp_path: Path):
    assert "SERVICE None" in run_plugin(tmp_path, "--model=proctor:gold").stdout


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("--model=", "--model= is empty"),
        ("--base-url=", "--base-url= is empty"),
        ("--tokenizer=", "--tokenizer= is empty"),
        ("--api-key-env=", "--api-key-env= is empty"),
        ("--concurrency=0", "--concurrency=0: a whole number of 1 or more"),
        ("--concurrency=many", "--concurrency=many"),
        ("--request-timeout=0", "--request-timeout=0: a number of seconds above 0"),
        ("--request-timeout=inf", "--request-timeout=inf"),
        ("--request-timeout=nan", "--request-timeout=nan"),
        ("--request-retries=-1", "--request-retries=-1: a whole number of 0 or more"),
        ("--model=./unknown", "there is no such folder"),
        ("--startup-timeout=0", "--startup-timeout=0: a number of seconds above 0"),
        ("--vllm-python=", "--vllm-python= is empty"),
        ("--base-url=localhost:8000", "http://HOST:PORT"),
    ],
)
def test_options_that_make_no_sense_are_setup_errors(tmp_path: Path, argument: str, words: str):
    done = run_plugin(tmp_path, argument)
    assert f"{words}" in done.stdout
    assert "ERROR" in done.stdout
    assert issubclass(ServiceError, SetupError)


def test_another_owner_of_base_url_is_respected_and_read(tmp_path: Path):
    for name in ("base_url.py", "pytest_base_url"):
        assert not (tmp_path / name).exists()
    (tmp_path / "pytest_base_url").mkdir()
    (tmp_path / "pytest_base_url" / "__init__.py").touch()
    (tmp_path / "pytest_base_url" / "plugin.py").write_text(RIVAL)
    owner = ("pytest_base_url.plugin",)
    given = run_plugin(tmp_path, "--base-url", "http://a:1", early=owner)
    assert options_of(given)["base_urls"] == ["http://a:1"]
    added = run_plugin(tmp_path, early=owner, ini="addopts = --base-url=http://ini:1\n")
    assert options_of(added)["base_urls"] == ["http://ini:1"]
    variable = run_plugin(tmp_path, early=owner, PYTEST_ADDOPTS="--base-url=http://added:1")
    assert options_of(variable)["base_urls"] == ["http://added:1"]
    theirs = run_plugin(tmp_path, early=owner, ini="base_url = http://app:1\n", PYTEST_BASE_URL="http://app:2")
    assert options_of(theirs)["base_urls"] == [], "an application under test is no model"
    ours = run_plugin(tmp_path, early=owner, ini="proctor_base_url = http://a:1\n")
    assert options_of(ours)["base_urls"] == ["http://a:1"]


def test_an_owner_that_loads_after_us_is_foreseen(tmp_path: Path):
    """Entry points load in no certain order: its metadata, not its presence, tells that it will come."""
    (tmp_path / "pytest_base_url").mkdir()
    (tmp_path / "pytest_base_url" / "__init__.py").touch()
    (tmp_path / "pytest_base_url" / "plugin.py").write_text(RIVAL)
    metadata = tmp_path / "pytest_base_url-2.1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: pytest-base-url\nVersion: 2.1.0\n")
    (metadata / "entry_points.txt").write_text("[pytest11]\nbase_url = pytest_base_url.plugin\n")
    environment = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": ""}
    unloaded = ("-p", "no:proctor.plugin")  # where this project is installed, for `probing` stands in for it
    both = run_plugin(tmp_path, *unloaded, "--base-url=http://a:1", **environment)
    assert options_of(both)["base_urls"] == ["http://a:1"]
    two = ("--base-url=http://a:1", "--base-url=http://b:2")
    alone = run_plugin(tmp_path, *unloaded, "-p", "no:base_url", *two, **environment)
    assert options_of(alone)["base_urls"] == ["http://a:1", "http://b:2"]


def test_help_shows_the_options_under_one_heading(tmp_path: Path):
    text = run_plugin(tmp_path, "--help").stdout
    section = text.partition("proctor: model service:")[2]
    for option in ("--base-url", "--tokenizer", "--concurrency", "--request-timeout", "--request-retries"):
        assert option in section


def test_the_plugin_imports_nothing_heavy():
    code = "import sys, proctor_service.plugin\nprint(*sorted({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(Path(proctor_service.plugin.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=True,
    )
    heavy = {"aiohttp", "numpy", "tokenizers", "requests", "huggingface_hub", "proctor", "jinja2", "yaml"}
    assert not heavy & set(done.stdout.split())
