"""An OpenAI-style server that does what a test orders: a small known model, and faults.

In a test:      with ScriptedServer(Script(answer=" 42"), faults=["500*2", "hang"]) as server: ... server.url
From a shell:   python tests/service/scripted_server.py --port 8000 --latency 0.2 --answer "#### 42"

Faults, one for each completions request in their order, `*N` repeating one: a status (`500`, `404`), `429:SECONDS`
(with Retry-After), `hang`, `break` (the connection), `html` and `list` (not a JSON object), `empty` (no choices),
`choices` (one too many), `null` (null in place of a text), `delay:SECONDS`, `ok`.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from aiohttp import web
from tokenizers import Tokenizer

Json = dict[str, Any]
Answer = str | Callable[[Json], str]
LARGEST_BODY = 64 * 1024 * 1024


@dataclass
class Bigram:
    """A model whose next token depends on the last one alone; `table[a, b]` = log P(b | a) in nats."""

    size: int
    seed: int = 0
    table: np.ndarray[Any, Any] = field(init=False)

    def __post_init__(self) -> None:
        logits = np.random.default_rng(self.seed).normal(0.0, 3.0, (self.size, self.size))
        self.table = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))

    def score(self, ids: Sequence[int], first: int) -> float:
        """log P(ids[first:] | ids[:first])."""
        return float(sum(self.table[ids[at - 1], ids[at]] for at in range(first, len(ids))))

    def rank(self, last: int, token: int) -> int:
        """1 for the likeliest token after `last`."""
        return 1 + int((self.table[last] > self.table[last, token]).sum())

    def write(self, ids: Sequence[int], count: int, temperature: float, seed: int | None) -> list[int]:
        """`count` tokens after `ids`; temperature 0 takes the likeliest."""
        random, last, written = np.random.default_rng(seed), ids[-1], []
        for _ in range(count):
            if temperature == 0:
                last = int(self.table[last].argmax())
            else:
                weights = np.exp(self.table[last] / temperature)
                last = int(random.choice(self.size, p=weights / weights.sum()))
            written.append(last)
        return written


@dataclass
class Script:
    """What the server is and knows.

    With a `tokenizer` it is the `Bigram` model; without, each text is `answer`, or what `answer` makes of the
    request's body. `ignore` names parameters that it takes no notice of: n, seed, stop, echo, prompt_logprobs,
    logprob_token_ids, ids (token ids in a prompt are taken for their decimal text); and `usage`, which it then
    leaves out. `rate` bounds its answers per second; `latency` is in seconds; `health` is the status of
    `/health`.
    """

    answer: Answer = " 42"
    tokenizer: Tokenizer | None = None
    seed: int = 0
    model: str = "scripted"
    root: str | None = None
    owned_by: str = "scripted"
    max_model_len: int | None = 4096
    version: str | None = None
    api_key: str | None = None
    latency: float = 0.0
    rate: float | None = None
    ignore: frozenset[str] = frozenset()
    chat: bool = True
    completions: bool = True
    tokenize: bool = True
    turn: Callable[[Json], Json] | None = None
    """Makes the choice that answers a chat request of its body; what it refuses by a ValueError is status 400."""
    template: Callable[[list[Json]], str] | None = None
    """Makes the text of a conversation, whose tokens /tokenize tells."""
    health: int = 200
    lists_openly: bool = False
    """Whether the list of models needs no key."""
    offset: float = 0.0
    """Added to each log-probability that `logprob_token_ids` tells: a server that is wrong."""


class RunsInThread:
    """An OpenAI-style server, in a thread from entering to leaving. `requests` holds (path, headers, body).

    path: that of the API, at the end of `url`.
    """

    def __init__(self, faults: Iterable[str], record: bool, port: int = 0, path: str = "") -> None:
        self.requests: list[tuple[str, dict[str, str], Json]] = []
        self.most_in_flight = self.in_flight = 0
        self.url = ""
        self._port, self._path = port, path
        self._record = record
        self._faults = deque(expand(faults))

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        """What it answers."""
        raise NotImplementedError

    def fault(self, *faults: str) -> None:
        """Order further faults."""
        self._faults.extend(expand(faults))

    def bodies(self, path: str) -> list[Json]:
        """Bodies of the requests for `path`, in their order."""
        return [body for asked, _, body in self.requests if asked == path]

    def __enter__(self) -> Self:
        ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        assert ready.wait(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End, whatever is under way; safe to call twice."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._done.set)
            self._thread.join(10)

    def _run(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        self._done = asyncio.Event()
        self._loop.run_until_complete(self.serve("127.0.0.1", self._port, ready.set, self._done))
        self._loop.close()

    async def serve(self, host: str, port: int, ready: Callable[[], None], done: asyncio.Event) -> None:
        """Serve until `done`; `ready` is called once `url` is known."""
        app = web.Application(client_max_size=LARGEST_BODY)
        app.add_routes(self.routes())
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, host, port, backlog=1024)
        await site.start()
        self.url = "http://{}:{}".format(*runner.addresses[0][:2]) + self._path
        ready()
        await done.wait()
        await runner.cleanup()


class ScriptedServer(RunsInThread):
    """Does what its script and its faults say."""

    def __init__(
        self, script: Script | None = None, faults: Iterable[str] = (), record: bool = True, port: int = 0
    ) -> None:
        super().__init__(faults, record, port)
        self.script = script or Script()
        self._due = 0.0
        self._bigram: Bigram | None = None
        if self.script.tokenizer is not None:
            self._bigram = Bigram(self.script.tokenizer.get_vocab_size(), self.script.seed)

    @property
    def bigram(self) -> Bigram:
        """The model that it serves."""
        assert self._bigram is not None
        return self._bigram

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        return [
            web.get("/v1/models", self._models),
            web.get("/version", self._version),
            web.get("/health", self._health),
            web.post("/v1/completions", self._completions),
            web.post("/v1/chat/completions", self._chat),
            web.post("/tokenize", self._tokenize),
        ]

    def bodies(self, path: str = "/v1/completions") -> list[Json]:
        return super().bodies(path)

    async def _models(self, request: web.Request) -> web.Response:
        if not self.script.lists_openly and (refused := self._refusal(request)):
            return refused
        script = self.script
        card = {"id": script.model, "object": "model", "owned_by": script.owned_by, "root": script.root}
        return web.json_response({"object": "list", "data": [card | {"max_model_len": script.max_model_len}]})

    async def _version(self, request: web.Request) -> web.Response:
        if self.script.version is None:
            raise web.HTTPNotFound
        return web.json_response({"version": self.script.version})

    async def _health(self, request: web.Request) -> web.Response:
        return web.Response(status=self.script.health)

    async def _chat(self, request: web.Request) -> web.Response:
        if not self.script.chat:
            raise web.HTTPNotFound
        body = await self._read(request)
        choice: Json = {"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}
        try:
            choice |= self.script.turn(body) if self.script.turn is not None else {}
        except ValueError as error:
            return web.json_response({"error": {"message": str(error)}}, status=400)
        return web.json_response({"choices": [choice]})

    async def _tokenize(self, request: web.Request) -> web.Response:
        if self.script.tokenizer is None or not self.script.tokenize:
            raise web.HTTPNotFound
        body = await self._read(request)
        if "messages" in body and self.script.template is not None:
            text = self.script.template(body["messages"])
            ids = self.script.tokenizer.encode(text, add_special_tokens=False).ids
        else:
            ids = self.script.tokenizer.encode(body["prompt"]).ids
        return web.json_response({"tokens": ids, "count": len(ids)})

    async def _completions(self, request: web.Request) -> web.StreamResponse:
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            if not self.script.completions:
                raise web.HTTPNotFound
            body = await self._read(request)
            await self._pace()
            if refused := self._refusal(request):
                return refused
            fault = self._faults.popleft() if self._faults else "ok"
            answer = completion(self.script, self._bigram, body)
            return await _faulty(fault, request, answer)
        finally:
            self.in_flight -= 1

    async def _read(self, request: web.Request) -> Json:
        body: Json = json.loads(await request.read())
        if self._record:
            self.requests.append((request.path, dict(request.headers), body))
        return body

    async def _pace(self) -> None:
        script = self.script
        wait = script.latency
        if script.rate is not None:
            now = time.monotonic()
            self._due = max(self._due, now) + 1 / script.rate
            wait = max(wait, self._due - now)
        if wait > 0:
            await asyncio.sleep(wait)

    def _refusal(self, request: web.Request) -> web.Response | None:
        key = self.script.api_key
        if key is None or request.headers.get("Authorization") == f"Bearer {key}":
            return None
        given = request.headers.get("Authorization", "no key")
        return web.json_response({"error": {"message": f"wrong key: {given}"}}, status=401)


def expand(faults: Iterable[str]) -> list[str]:
    """`500*2` as two faults."""
    pairs = [fault.partition("*") for fault in faults]
    return [name for name, _, times in pairs for _ in range(int(times or 1))]


async def _faulty(fault: str, request: web.Request, answer: Json) -> web.StreamResponse:
    name, _, argument = fault.partition(":")
    if name.isdigit():
        headers = {"Retry-After": argument} if argument else {}
        return web.json_response({"error": {"message": f"ordered {name}"}}, status=int(name), headers=headers)
    match name:
        case "hang":
            await asyncio.sleep(3600)
        case "break":
            assert request.transport is not None
            request.transport.close()
        case "html":
            return web.Response(text="<html>busy</html>", content_type="text/html")
        case "list":
            return web.json_response([1, 2])
        case "empty":
            return web.json_response({"object": "text_completion"})
        case "choices":
            answer["choices"].append(dict(answer["choices"][0]))
        case "null":
            for choice in answer["choices"]:
                choice["text"] = None
        case "delay":
            await asyncio.sleep(float(argument))
        case _:
            assert name == "ok", f"unknown fault {fault}"
    return web.json_response(answer)


def completion(script: Script, bigram: Bigram | None, body: Json) -> Json:
    """The answer to a completions request."""
    body = {key: value for key, value in body.items() if key not in script.ignore}
    n = body.get("n", 1)
    if bigram is None:
        text = script.answer if isinstance(script.answer, str) else script.answer(body)
        count, prompt = len(text.split()), len(body["prompt"].split()) if isinstance(body["prompt"], str) else 1
        choices = [{"index": i, "text": text, "logprobs": None, "finish_reason": "stop"} for i in range(n)]
    else:
        prompt_ids = _prompt_ids(script, body["prompt"])
        prompt, count = len(prompt_ids), int(body.get("max_tokens", 16))
        choices = [_choice(script, bigram, body, prompt_ids, i) for i in range(n)]
    usage = {"prompt_tokens": prompt, "completion_tokens": count * n, "total_tokens": prompt + count * n}
    answer = {"object": "text_completion", "model": script.model, "choices": choices, "usage": usage}
    if "usage" in script.ignore:
        del answer["usage"]
    return answer


def _prompt_ids(script: Script, prompt: str | list[int]) -> list[int]:
    assert script.tokenizer is not None
    if isinstance(prompt, list) and "ids" in script.ignore:
        prompt = " ".join(map(str, prompt))
    return prompt if isinstance(prompt, list) else list(script.tokenizer.encode(prompt).ids)


def _choice(script: Script, bigram: Bigram, body: Json, prompt: list[int], index: int) -> Json:
    tokenizer = script.tokenizer
    assert tokenizer is not None
    seed = body.get("seed")
    count = int(body.get("max_tokens", 16))
    written = bigram.write(prompt, count, body.get("temperature", 1.0), None if seed is None else seed + index)
    text, finish = tokenizer.decode(written, skip_special_tokens=False), "length"
    for stop in body.get("stop", []):
        if stop in text:
            text, finish = text[: text.index(stop)], "stop"
    ids, start = (prompt + written, 0) if body.get("echo") else (written, len(prompt))
    choice: Json = {"index": index, "text": text, "logprobs": None, "finish_reason": finish}
    if body.get("logprobs") is not None:
        choice["logprobs"] = _logprobs(script, bigram, body, prompt + written, ids, start)
    if body.get("prompt_logprobs") is not None:
        choice["prompt_logprobs"] = [None] + [
            {str(b): {"logprob": float(bigram.table[a, b]), "rank": bigram.rank(a, b), "decoded_token": "?"}}
            for a, b in itertools.pairwise(prompt)
        ]
    return choice


def _logprobs(script: Script, bigram: Bigram, body: Json, whole: list[int], ids: list[int], start: int) -> Json:
    """The legacy form: parallel lists for `ids`, which are `whole` from `start` on."""
    tokenizer, as_ids = script.tokenizer, body.get("return_tokens_as_token_ids")
    assert tokenizer is not None

    def name(token: int) -> str:
        return f"token_id:{token}" if as_ids else tokenizer.decode([token], skip_special_tokens=False)

    logprobs: list[float | None] = []
    tops: list[dict[str, float] | None] = []
    for at in range(start, len(whole)):
        if at == 0:
            logprobs.append(None)
            tops.append(None)
            continue
        row = bigram.table[whole[at - 1]]
        asked = body.get("logprob_token_ids") or [int(i) for i in np.argsort(-row)[: body["logprobs"]]]
        off = script.offset if body.get("logprob_token_ids") else 0.0
        logprobs.append(float(row[whole[at]]))
        tops.append({name(token): float(row[token]) + off for token in dict.fromkeys([whole[at], *asked])})
    return {"tokens": [name(t) for t in ids], "token_logprobs": logprobs, "top_logprobs": tops, "text_offset": []}


def main(arguments: list[str] | None = None) -> int:
    """Serve until interrupted; the URL is printed first."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--answer", default=" 42", help="the text of every completion")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--rate", type=float, help="answers per second at most")
    parser.add_argument("--model", default="scripted")
    parser.add_argument("--tokenizer", type=Path, help="a tokenizer.json: be a bigram model over its tokens")
    parser.add_argument("--ignore", action="append", default=[], help="a parameter to ignore; repeatable")
    parser.add_argument("--fault", action="append", default=[], help="see above; repeatable")
    options = parser.parse_args(arguments)
    script = Script(
        answer=options.answer,
        tokenizer=Tokenizer.from_file(str(options.tokenizer)) if options.tokenizer else None,
        root=str(options.tokenizer.resolve()) if options.tokenizer else None,
        model=options.model,
        latency=options.latency,
        rate=options.rate,
        ignore=frozenset(options.ignore),
    )
    server = ScriptedServer(script, options.fault, record=False)

    async def run() -> None:
        await server.serve(options.host, options.port, lambda: print(server.url, flush=True), asyncio.Event())

    try:
        asyncio.run(run())
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
