"""Endpoints that go while they are asked: who gets their requests, what is said, and when the client gives up."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from proctor.errors import AskError
from proctor.reporting import endpoints as told
from proctor_service import endpoints
from proctor_service.client import Client, ClientSettings, Reply
from scripted_server import Script, ScriptedServer
from test_client import BODY, PATH, closed_port, settings


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(endpoints, "AGAIN", 0.02)
    monkeypatch.setattr(endpoints, "BELIEVED", 0.0)


def run(setting: ClientSettings, what: Callable[[Client], Awaitable[Any]]) -> Any:
    async def all_of_it() -> Any:
        async with Client(setting) as client:
            return await what(client)

    return asyncio.run(all_of_it())


async def asked(client: Client, times: int) -> list[Reply | BaseException]:
    return await asyncio.gather(*(client.post(PATH, BODY) for _ in range(times)), return_exceptions=True)


async def until(holds: Callable[[], object]) -> None:
    while not holds():
        await asyncio.sleep(0.01)


async def ended(server: ScriptedServer) -> None:
    """End a server, whatever it was at."""
    await asyncio.to_thread(server.stop)


def written(journal: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in journal.read_text().splitlines()]


def test_requests_of_a_server_that_dies_go_to_the_other_at_once(tmp_path: Path):
    """Without a single retry allowed: who asked there did nothing wrong."""
    journal = tmp_path / "endpoints.log"
    with ScriptedServer(Script(latency=0.02)) as there, contextlib.ExitStack() as stack:
        dying = stack.enter_context(ScriptedServer(faults=["hang*4"]))

        async def what(client: Client) -> list[Any]:
            asking = asyncio.ensure_future(asked(client, 40))
            await until(lambda: dying.in_flight == 4)
            await ended(dying)
            return await asking

        replies = run(settings(dying.url, there.url, retries=0, concurrency=8, journal=journal), what)
        assert all(isinstance(reply, Reply) for reply in replies), replies
        moved = sum(reply.retries for reply in replies)
        assert moved >= 4
        assert len(there.requests) == 40
    gone, *ends = written(journal)
    assert (gone["event"], gone["endpoint"], gone["reason"]) == ("gone", dying.url, "nothing listens there any more")
    assert [(end["event"], end["endpoint"], end["answered"], end["moved"]) for end in ends] == [
        ("end", dying.url, 0, moved),
        ("end", there.url, 40, 0),
    ]


@pytest.mark.parametrize("count", [1, 2])
def test_where_all_of_our_own_are_gone_nobody_waits(count: int, tmp_path: Path):
    """The patience is endless here: a client that waited or tried again would never end."""
    ports = [f"http://127.0.0.1:{closed_port()}" for _ in range(count)]
    chosen = settings(*ports, ours=True, patience=1e9, backoff=1e9, concurrency=4)
    errors = run(chosen, lambda client: asked(client, 500))
    assert {getattr(error, "kind", error) for error in errors} == {"gone"}
    assert {error.attempts for error in errors} == {0}
    assert all(port in str(errors[0]) for port in ports)


def test_a_server_that_is_started_again_is_asked_again(tmp_path: Path):
    journal = tmp_path / "endpoints.log"
    first = ScriptedServer(faults=["hang"])
    with first:
        port = int(first.url.rpartition(":")[2])

        async def what(client: Client) -> Reply:
            asking = asyncio.ensure_future(client.post(PATH, BODY))
            await until(lambda: first.in_flight)
            await ended(first)
            await until(lambda: journal.exists())
            with ScriptedServer(port=port):
                return await asking

        reply = run(settings(first.url, retries=0, patience=1e9, journal=journal), what)
    assert reply.json["choices"][0]["text"] == " 42"
    assert [line["event"] for line in written(journal)] == ["gone", "back", "end"]


def test_another_model_in_its_place_is_not_the_same_server(tmp_path: Path):
    first = ScriptedServer(faults=["hang"])
    with first:
        port = int(first.url.rpartition(":")[2])

        async def what(client: Client) -> None:
            asking = asyncio.ensure_future(client.post(PATH, BODY))
            await until(lambda: first.in_flight)
            await ended(first)
            with ScriptedServer(Script(model="other"), port=port) as other:
                with pytest.raises(AskError, match="does not serve scripted any more") as caught:
                    await asking
                assert caught.value.kind == "gone"
                assert not other.requests

        run(settings(first.url, patience=3.0, served="scripted"), what)  # the other one has time to start


def test_an_engine_that_has_died_behind_its_front_end_is_known_by_its_health():
    with ScriptedServer(Script(health=503), faults=["500*9"]) as dead, ScriptedServer() as there:
        replies = run(settings(dead.url, there.url, retries=0, concurrency=1), lambda client: asked(client, 6))
        assert all(isinstance(reply, Reply) for reply in replies), replies
        assert (len(dead.requests), len(there.requests)) == (1, 6)


def test_failures_of_a_server_that_is_well_are_only_tried_again():
    with ScriptedServer(faults=["500*2"]) as one, ScriptedServer() as other:
        replies = run(settings(one.url, other.url, concurrency=1), lambda client: asked(client, 8))
        assert all(isinstance(reply, Reply) for reply in replies), replies
        assert len(one.requests) > 2


def test_what_hangs_on_a_machine_that_is_gone_is_broken_off():
    """Its connections stay open, as those of a machine without power: what waits there would wait for ten minutes."""
    with ScriptedServer(faults=["hang*3"]) as hung, ScriptedServer(Script(latency=0.02)) as there:

        async def what(client: Client) -> list[Any]:
            asking = asyncio.ensure_future(asked(client, 8))
            await until(lambda: hung.in_flight == 3)
            hung.script.health = 503
            hung.fault("500*9")
            return [*await asking, *await asked(client, 3)]

        replies = run(settings(hung.url, there.url, retries=0, concurrency=6), what)
        assert all(isinstance(reply, Reply) for reply in replies), replies


def test_a_request_that_takes_several_servers_with_it_is_given_up():
    """A prompt that kills whoever gets it must not end a run of ten replicas."""
    names = [ScriptedServer(Script(health=503), faults=["500*9"]) for _ in range(4)]
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(server) for server in names]

        async def what(client: Client) -> AskError:
            with pytest.raises(AskError) as caught:
                await client.post(PATH, BODY)
            return caught.value

        error = run(settings(*(server.url for server in servers)), what)
        assert error.kind == "http_500"
        assert sorted(len(server.requests) for server in servers) == [0, 1, 1, 1]


def test_what_several_processes_noticed_is_told_once():
    lines: list[dict[str, Any]] = [
        {"time": 10.0, "endpoint": "http://a", "event": "gone", "reason": "nothing listens there any more"},
        {"time": 10.2, "endpoint": "http://a", "event": "gone", "reason": "its connections break"},
        {"time": 70.0, "endpoint": "http://a", "event": "back"},
        {"time": 71.0, "endpoint": "http://a", "event": "back"},
        {"time": 99.0, "endpoint": "http://b", "event": "end", "answered": 7, "moved": 0},
        {"time": 99.0, "endpoint": "http://a", "event": "end", "answered": 2, "moved": 3},
        {"time": 99.5, "endpoint": "http://a", "event": "end", "answered": 3, "moved": 1},
    ]
    one, other = told.entries(lines)
    assert (one["answered"], one["moved"], len(one["gone"])) == (5, 4, 1)
    assert one["gone"][0].keys() == {"since", "until", "reason"}
    assert told.told(one).startswith("http://a answered 5 requests; gone ")
    assert told.told(one).endswith("4 of its requests moved to others")
    assert told.told(other) == "http://b answered 7 requests"


def test_a_line_that_is_being_written_is_read_when_it_is_whole(tmp_path: Path):
    file = tmp_path / "endpoints.log"
    following = told.Following(file)
    assert list(following.fresh(0)) == []
    line = json.dumps({"time": 1.0, "endpoint": "http://a", "event": "gone", "reason": "its connections break"})
    file.write_text(line[:20])
    assert list(following.fresh(0)) == []
    file.write_text(line + "\n")
    assert list(following.fresh(0)) == ["http://a is gone: its connections break"]
    with file.open("a") as more:
        more.write(line + "\n" + json.dumps({"time": 2.0, "endpoint": "http://a", "event": "back"}) + "\n")
    assert list(following.fresh(0)) == ["http://a is back"]
