"""The HTTP client: retries counted, time bounded, load balanced, secrets kept."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from proctor.errors import AskError
from proctor_service import client as client_module
from proctor_service import urls
from proctor_service.client import Client, ClientSettings, Reply
from scripted_server import Script, ScriptedServer

PATH = "/v1/completions"
BODY = {"model": "scripted", "prompt": "6 times 7 is", "max_tokens": 4, "temperature": 0.0, "n": 1}


def settings(*base_urls: str, **changes: Any) -> ClientSettings:
    return ClientSettings(**{"base_urls": base_urls, "retries": 3, "backoff": 0.001, "request_timeout": 10} | changes)


def post(setting: ClientSettings, body: dict[str, Any] = BODY, times: int = 1) -> list[Reply]:
    async def run() -> list[Reply]:
        async with Client(setting) as client:
            return await asyncio.gather(*(client.post(PATH, body) for _ in range(times)))

    return asyncio.run(run())


def failure(setting: ClientSettings) -> AskError:
    with pytest.raises(AskError) as caught:
        post(setting)
    return caught.value


def closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def test_a_reply_holds_the_json_the_latency_and_no_retries():
    with ScriptedServer() as server:
        [reply] = post(settings(server.url))
    assert reply.json["choices"][0]["text"] == " 42"
    assert reply.latency > 0
    assert reply.retries == 0


@pytest.mark.parametrize("fault", ["500", "503", "408", "409", "429", "break", "html", "list", "empty", "choices"])
def test_passing_faults_are_retried_and_counted(fault: str):
    with ScriptedServer(faults=[f"{fault}*2"]) as server:
        [reply] = post(settings(server.url))
        assert reply.retries == 2
        assert reply.json["choices"][0]["text"] == " 42"
        assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("500", "http_500"),
        ("503", "http_503"),
        ("429", "rate_limited"),
        ("408", "http_408"),
        ("break", "connection"),
        ("html", "malformed"),
        ("list", "malformed"),
        ("empty", "malformed"),
        ("choices", "malformed"),
    ],
)
def test_a_fault_that_stays_fails_after_the_last_retry(fault: str, kind: str):
    with ScriptedServer(faults=[f"{fault}*9"]) as server:
        error = failure(settings(server.url))
        assert error.kind == kind
        assert "(4 attempts)" in str(error)
        assert f"{server.url}{PATH}" in str(error)
        assert len(server.requests) == 4


@pytest.mark.parametrize(("status", "kind"), [("400", "bad_request"), ("422", "bad_request"), ("404", "http_404")])
def test_a_refused_request_fails_at_once_with_the_servers_words(status: str, kind: str):
    with ScriptedServer(faults=[status]) as server:
        error = failure(settings(server.url))
        assert error.kind == kind
        assert f"status {status}: ordered {status} (1 attempt)" in str(error)
        assert len(server.requests) == 1


def test_an_attempt_that_hangs_is_a_timeout_and_is_retried():
    with ScriptedServer(faults=["hang"]) as server:
        [reply] = post(settings(server.url, request_timeout=0.3))
        assert reply.retries == 1


def test_a_server_that_always_hangs_is_a_timeout_error():
    with ScriptedServer(faults=["hang*9"]) as server:
        error = failure(settings(server.url, request_timeout=0.1, retries=1))
    assert error.kind == "timeout"
    assert "within 0.1 s" in str(error)


def test_nobody_listening_is_a_connection_error():
    error = failure(settings(f"http://127.0.0.1:{closed_port()}", patience=0))
    assert error.kind == "gone"
    assert "nothing listens there any more" in str(error)


def test_concurrency_bounds_what_is_in_flight():
    with ScriptedServer(Script(latency=0.02)) as server:
        post(settings(server.url, concurrency=3), times=12)
        assert server.most_in_flight == 3


def test_a_retry_gives_up_its_place_while_it_waits(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(client_module.random, "uniform", lambda low, high: high)
    with ScriptedServer(faults=["500"]) as server:

        async def run() -> list[int]:
            finished: list[int] = []
            async with Client(settings(server.url, concurrency=1, backoff=0.5)) as client:

                async def ask(number: int) -> None:
                    await client.post(PATH, BODY | {"seed": number})
                    finished.append(number)

                await asyncio.gather(ask(0), ask(1), ask(2))
            return finished

        assert asyncio.run(run()) == [1, 2, 0]


def test_endpoints_share_the_load():
    # All are under way before the first is answered: of more, which answer comes first would be the machine's affair.
    with ScriptedServer(Script(latency=1.0)) as one, ScriptedServer(Script(latency=1.0)) as other:
        post(settings(one.url, other.url, concurrency=40), times=40)
        assert len(one.requests) == len(other.requests) == 20


def test_a_retry_goes_to_another_endpoint():
    with ScriptedServer(faults=["500*9"]) as one, ScriptedServer() as other:
        [reply] = post(settings(one.url, other.url))
        assert reply.retries == 1
        assert (len(one.requests), len(other.requests)) == (1, 1)


def test_retry_after_silences_an_endpoint_for_all_requests():
    with ScriptedServer(faults=["429:0.4"]) as server:

        async def run() -> tuple[Reply, Reply]:
            async with Client(settings(server.url, concurrency=1)) as client:
                first = asyncio.ensure_future(client.post(PATH, BODY))
                while not server.requests:
                    await asyncio.sleep(0.01)
                await asyncio.sleep(0.1)
                asked = len(server.requests)
                second = asyncio.ensure_future(client.post(PATH, BODY))
                await asyncio.sleep(0.1)
                assert len(server.requests) == asked == 1, "a second request was sent although the server asked to wait"
                return await first, await second

        first, second = asyncio.run(run())
        assert (first.retries, second.retries) == (1, 0)


def test_a_wait_that_is_asked_for_is_bounded():
    for asked, wait in (("7", 7.0), ("99999", client_module.LONGEST_RETRY_AFTER), ("soon", None)):
        assert client_module._refusal(429, {"retry-after": asked}, b"").retry_after == wait
    assert client_module._refusal(429, {}, b"").retry_after is None


def test_backoff_grows_to_its_ceiling_and_jitters_over_all_of_it(monkeypatch: pytest.MonkeyPatch):
    spans: list[tuple[float, float]] = []
    monkeypatch.setattr(client_module.random, "uniform", lambda low, high: spans.append((low, high)) or 0.0)

    async def run() -> None:
        client = Client(settings("http://127.0.0.1:1", backoff=1.0))
        for attempt in range(1, 9):
            client._delay(attempt, client_module._Failure("http_500", ""))

    asyncio.run(run())
    assert spans == [(0, ceiling) for ceiling in (1, 2, 4, 8, 16, 32, 60, 60)]


def test_the_key_is_sent_and_never_shown():
    with ScriptedServer(Script(api_key="right-key")) as server:
        assert post(settings(server.url, api_key="right-key"))[0].retries == 0
        error = failure(settings(server.url, api_key="wrong-key"))
        assert error.kind == "http_401"
        assert "wrong-key" not in str(error)
        assert "***" in str(error)
        assert "wrong-key" not in repr(settings(server.url, api_key="wrong-key"))


def test_a_user_and_password_in_the_url_are_sent_and_not_shown():
    with ScriptedServer(faults=["ok", "404"]) as server:
        url = server.url.replace("http://", "http://me:pass%20word@") + "/v1/?token=secret"
        post(settings(url, api_key="unused"))
        assert server.requests[0][1]["Authorization"] == "Basic bWU6cGFzcyB3b3Jk"
        error = failure(settings(url))
        assert "me:" not in str(error)
        assert "secret" not in str(error)


def test_what_is_asked_together_has_ended_when_one_of_it_fails():
    ended: list[str] = []

    async def going_on() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.01)  # as a request that gives back its place
            ended.append("cleaned up")

    async def failing() -> None:
        await asyncio.sleep(0.01)
        raise AskError("http_500", "no")

    async def run() -> list[str]:
        with pytest.raises(AskError):
            await client_module.together([going_on(), failing()])
        return list(ended)

    assert asyncio.run(run()) == ["cleaned up"]


def test_a_cancelled_request_leaves_its_place():
    with ScriptedServer(faults=["hang"]) as server:

        async def run() -> Reply:
            async with Client(settings(server.url, concurrency=1)) as client:
                hanging = asyncio.ensure_future(client.post(PATH, BODY))
                while not server.requests:
                    await asyncio.sleep(0.01)
                hanging.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await hanging
                assert client._endpoints[0].in_flight == 0
                return await client.post(PATH, BODY)

        assert asyncio.run(run()).retries == 0


WELL = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"


@contextmanager
def answering(raw: bytes) -> Iterator[str]:
    """The URL of a server that answers a question with these bytes, and is well when it is looked after."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection:
                        asked = connection.recv(65536)
                        connection.sendall(raw if asked.startswith(b"POST") else WELL)

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_a_key_in_an_address_is_not_shown_by_what_is_no_answer():
    with answering(b"NOT HTTP AT ALL\r\n\r\n") as url:
        error = failure(settings(f"{url}/?api-key=QUERYSECRET", retries=0))
    assert error.kind == "connection"
    assert "ClientResponseError: " in str(error)
    assert "QUERYSECRET" not in str(error)


@pytest.mark.parametrize("filled", range(250, 370, 7))
def test_no_part_of_a_key_is_shown_where_a_long_text_is_cut(filled: int):
    body = b"x" * filled + b" sk-SECRETSECRETSECRET " + b"y" * 500
    head = b"HTTP/1.1 500 Oh\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body)
    with answering(head + body) as url:
        error = failure(settings(url, retries=0, api_key="sk-SECRETSECRETSECRET"))
    assert "sk-S" not in str(error)
    assert len(str(error)) < client_module.SHOWN + 100


def test_long_bodies_are_shown_shortened():
    with answering(b"HTTP/1.1 500 Oh\r\nContent-Length: 9000\r\nConnection: close\r\n\r\n" + b"x" * 9000) as url:
        assert str(failure(settings(url, retries=0))).count("x") <= client_module.SHOWN
    assert client_module._shown(json.dumps({"error": {"message": "too\nlong"}}).encode()) == "too long"
    assert client_module._shown(b"dead\x00\x1b[31m") == "dead [31m"  # no commands to the terminal
    assert client_module._shown(b"") == "(empty body)"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://host:8000", "http://host:8000"),
        ("http://host:8000/", "http://host:8000"),
        ("http://host:8000/v1", "http://host:8000"),
        (" http://host:8000/v1/ ", "http://host:8000"),
        ("https://host/models/a/v1/", "https://host/models/a"),
        ("https://u:p@host/v1?k=v#f", "https://host"),
        ("http://[::1]:8000/v1", "http://[::1]:8000"),
    ],
)
def test_base_urls_have_one_form(url: str, shown: str):
    address = urls.parse(url)
    assert address.shown == shown
    assert address.url("/v1/models").startswith(f"{shown}/v1/models")
    assert "p@" not in repr(address)


@pytest.mark.parametrize("url", ["host:8000", "ftp://host", "http://", "localhost", "http://host:port", "//u:p@host"])
def test_other_urls_are_refused_without_showing_secrets(url: str):
    with pytest.raises(ValueError, match=r"http|port") as caught:
        urls.parse(url)
    assert "u:p" not in str(caught.value)


def test_proxies_come_from_the_environment_but_not_for_this_machine(monkeypatch: pytest.MonkeyPatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("http_proxy", "http://proxy:3128")
    monkeypatch.setenv("no_proxy", "inside.example")
    found = {
        host: urls.proxy_for(urls.parse(f"http://{host}:8000"))
        for host in ("far.example", "inside.example", "localhost", "127.0.0.1", "[::1]")
    }
    assert found == {"far.example": "http://proxy:3128"} | dict.fromkeys(
        ("inside.example", "localhost", "127.0.0.1", "[::1]")
    )


def test_a_proxy_of_another_kind_is_refused(monkeypatch: pytest.MonkeyPatch):
    for name in ("http_proxy", "no_proxy", "HTTP_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("all_proxy", "socks5://me:secret@proxy:1080")
    with pytest.raises(ValueError, match=r"only HTTP proxies .*NO_PROXY=far\.example") as caught:
        urls.proxy_for(urls.parse("http://far.example:8000"))
    assert "secret" not in str(caught.value)


def test_a_proxy_is_used_for_asking(monkeypatch: pytest.MonkeyPatch):
    with ScriptedServer() as proxy:
        monkeypatch.setattr(urls, "is_loopback", lambda host: False)
        monkeypatch.setattr(urls, "proxy_bypass", lambda host: False)
        monkeypatch.setenv("http_proxy", proxy.url)
        [reply] = post(settings("http://model.invalid:8000"))
        assert reply.retries == 0
        assert Counter(path for path, _, _ in proxy.requests) == {PATH: 1}
        assert proxy.requests[0][1]["Host"] == "model.invalid:8000"
