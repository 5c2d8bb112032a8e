"""A hosted API that does what a test orders: keys, lists of models, limits with headers, usage, parameters it refuses.

In a test:      with HostedServer(Hosting(refuses={"temperature": "..."}), faults=["429:0.1"]) as server: ... server.url
From a shell:   python tests/service/hosted_server.py --port 8000 --latency 0.2 --answer "#### 42"

Faults, one for each request in their order, `*N` repeating one: a status (`500`), `429:SECONDS` (with Retry-After),
`quota`, `hang`, `break` (the connection), `html`, `no-usage`, `ok`; any other one is a key of `MESSAGES`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from aiohttp import web

Json = dict[str, Any]
MESSAGES: dict[str, Json] = {
    "null": {"content": None},
    "thinking": {"content": "4", "reasoning_content": "2 + 2"},
    "cut-thinking": {"content": None, "reasoning": "2 + 2 is, let me see"},
    "tags": {"content": "<think>2 + 2</think>\n\n4"},
    "refusal": {"content": None, "refusal": "I cannot help with that."},
    "filtered": {"content": None},
    "parts": {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "2 + 2"}]},
                          {"type": "text", "text": "4"}]},
}  # fmt: skip
FINISH = {"cut-thinking": "length", "filtered": "content_filter"}


@dataclass
class Hosting:
    """What the API is. `refuses`: the message of status 400 for each parameter that it does not take.

    `limits`: names of the bound on tokens that it takes; `heeds_limit`: whether it keeps it. `allowance`: requests that
    its limit still allows, which come back at `refill` a second; each answer says so in its headers. `quota`: requests
    after which there is no credit left.
    """

    answer: str | Callable[[Json], str] = " 42"
    model: str = "gpt-tiny"
    models: tuple[str, ...] = ()
    key: str | None = "sk-right"
    refuses: Mapping[str, str] = field(default_factory=dict)
    limits: tuple[str, ...] = ("max_tokens", "max_completion_tokens")
    heeds_limit: bool = True
    chat: bool = True
    completions: bool = False
    latency: float = 0.0
    allowance: float | None = None
    refill: float = 10.0
    quota: int | None = None
    cached: int = 0
    reasoning: int = 0
    fingerprint: str | None = "fp_1"
    prompt_tokens: int = 100
    completion_tokens: int = 10


class HostedServer:
    """Runs in a thread from entering to leaving. `requests` holds (path, headers, body) of every POST."""

    def __init__(self, hosting: Hosting | None = None, faults: Iterable[str] = (), record: bool = True) -> None:
        self.hosting = hosting or Hosting()
        self.requests: list[tuple[str, dict[str, str], Json]] = []
        self.answered = self.in_flight = self.most_in_flight = self._under_way = 0
        self.refused = 0
        self.url = ""
        self._record = record
        self._faults: deque[str] = deque()
        self._left, self._seen = self.hosting.allowance or 0.0, time.monotonic()
        self.fault(*faults)

    def fault(self, *faults: str) -> None:
        """Order further faults."""
        for fault in faults:
            name, _, times = fault.partition("*")
            self._faults.extend([name] * int(times or 1))

    def bodies(self, path: str = "/v1/chat/completions") -> list[Json]:
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
        self._loop.call_soon_threadsafe(self._done.set)
        self._thread.join(10)

    def _run(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        self._done = asyncio.Event()
        self._loop.run_until_complete(self.serve(0, ready.set, self._done))
        self._loop.close()

    async def serve(self, port: int, ready: Callable[[], None], done: asyncio.Event) -> None:
        """Serve until `done`; `ready` is called once `url` is known."""
        app = web.Application(client_max_size=64 << 20)
        app.router.add_get("/v1/models", self._models)
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_post("/v1/completions", self._completions)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port, backlog=1024).start()
        self.url = "http://{}:{}/v1".format(*runner.addresses[0][:2])
        ready()
        await done.wait()
        await runner.cleanup()

    async def _models(self, request: web.Request) -> web.Response:
        if refused := self._without_key(request):
            return refused
        names = (self.hosting.model, *self.hosting.models)
        return web.json_response({"object": "list", "data": [{"id": name, "object": "model"} for name in names]})

    async def _completions(self, request: web.Request) -> web.StreamResponse:
        if not self.hosting.completions:
            raise web.HTTPNotFound
        return await self._answered(request, "text")

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        if not self.hosting.chat:
            said = "This is not a chat model and thus not supported in the v1/chat/completions endpoint."
            return _error(404, said, param="model")
        return await self._answered(request, "message")

    async def _answered(self, request: web.Request, form: str) -> web.StreamResponse:
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            body: Json = json.loads(await request.read())
            if self._record:
                self.requests.append((request.path, dict(request.headers), body))
            refused = self._without_key(request) or self._over(body) or self._not_taken(body)
            if refused is not None:
                return refused
            self._under_way += 1
            try:
                await asyncio.sleep(self.hosting.latency)
                fault = self._faults.popleft() if self._faults else "ok"
                return await self._faulty(fault, request, body, form)
            finally:
                self._under_way -= 1
        finally:
            self.in_flight -= 1

    def _without_key(self, request: web.Request) -> web.Response | None:
        given = request.headers.get("Authorization", "")
        if self.hosting.key is None or given == f"Bearer {self.hosting.key}":
            return None
        return _error(401, f"Incorrect API key provided: {given.removeprefix('Bearer ')}.", code="invalid_api_key")

    def _over(self, body: Json) -> web.Response | None:
        """429, where a limit is met or no credit is left."""
        hosting = self.hosting
        if hosting.quota is not None and self.answered + self._under_way >= hosting.quota:
            return _no_credit()
        if hosting.allowance is None:
            return None
        now = time.monotonic()
        self._left = min(hosting.allowance, self._left + (now - self._seen) * hosting.refill)
        self._seen = now
        if self._left < 1:
            self.refused += 1
            response = _error(429, "Rate limit reached for requests", code="rate_limit_exceeded")
            response.headers["Retry-After"] = f"{(1 - self._left) / hosting.refill:.3f}"
            return response
        self._left -= 1
        return None

    def _not_taken(self, body: Json) -> web.Response | None:
        hosting = self.hosting
        if body["model"] != hosting.model:
            return _error(404, f"The model `{body['model']}` does not exist", code="model_not_found")
        for name in body:
            if name in hosting.refuses:
                return _error(400, hosting.refuses[name])
            if name in ("max_tokens", "max_completion_tokens") and name not in hosting.limits:
                other = hosting.limits[0]
                said = f"Unsupported parameter: '{name}' is not supported with this model. Use '{other}' instead."
                return _error(400, said, param=name, code="unsupported_parameter")
        return None

    async def _faulty(self, fault: str, request: web.Request, body: Json, form: str) -> web.StreamResponse:
        name, _, argument = fault.partition(":")
        if name.isdigit():
            response = _error(int(name), f"ordered {name}")
            if argument:
                response.headers["Retry-After"] = argument
            return response
        match name:
            case "quota":
                return _no_credit()
            case "hang":
                await asyncio.sleep(3600)
            case "break":
                assert request.transport is not None
                request.transport.close()
            case "html":
                return web.Response(text="<html>busy</html>", content_type="text/html")
            case "too-short":
                said = "Could not finish the message because max_tokens or model output limit was reached."
                return _error(400, said)
            case "withheld":
                return _error(400, "The prompt was filtered.", code="content_filter")
        self.answered += 1
        answer = self._completion(body, form, name)
        headers = {}
        if self.hosting.allowance is not None:
            headers = {
                "x-ratelimit-limit-requests": f"{self.hosting.allowance:g}",
                "x-ratelimit-remaining-requests": f"{int(self._left)}",
                "x-ratelimit-reset-requests": f"{(self.hosting.allowance - self._left) / self.hosting.refill:.3f}s",
            }
        return web.json_response(answer, headers=headers)

    def _completion(self, body: Json, form: str, fault: str) -> Json:
        hosting, n = self.hosting, body.get("n", 1)
        text = hosting.answer if isinstance(hosting.answer, str) else hosting.answer(body)
        limit = next((body[name] for name in hosting.limits if name in body), None)
        count = hosting.completion_tokens
        finish = "stop"
        if "Count from 1" in json.dumps(body):  # a question whose answer is long
            count, finish = 170, "stop"
            if hosting.heeds_limit and limit is not None:
                count, finish = limit, "length"
        for stop in body.get("stop", []):
            text = text.partition(stop)[0]
        said: Json = {"text": text} if form == "text" else {"message": {"role": "assistant", "content": text}}
        if fault in MESSAGES:
            said = {"message": {"role": "assistant", **MESSAGES[fault]}}
            finish = FINISH.get(fault, finish)
        choices = [{"index": place, "finish_reason": finish, **said} for place in range(n)]
        usage: Json = {"prompt_tokens": hosting.prompt_tokens, "completion_tokens": count * n}
        usage["prompt_tokens_details"] = {"cached_tokens": hosting.cached}
        usage["completion_tokens_details"] = {"reasoning_tokens": hosting.reasoning}
        answer = {"model": f"{hosting.model}-2026-01-01", "system_fingerprint": hosting.fingerprint}
        return {**answer, "choices": choices, **({} if fault == "no-usage" else {"usage": usage})}


def _no_credit() -> web.Response:
    return _error(429, "You exceeded your current quota, please check your plan.", code="insufficient_quota")


def _error(status: int, message: str, code: str | None = None, param: str | None = None) -> web.Response:
    error = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    return web.json_response({"error": error}, status=status)


def main() -> int:
    """Serve until interrupted; the URL is printed first."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--answer", default=" 42")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--allowance", type=float, help="requests that the limit allows at once")
    parser.add_argument("--refill", type=float, default=10.0, help="requests a second by which it comes back")
    parser.add_argument("--completions", action="store_true")
    parser.add_argument("--no-key", action="store_true")
    options = parser.parse_args()
    hosting = Hosting(answer=options.answer, latency=options.latency, completions=options.completions)
    hosting.allowance, hosting.refill = options.allowance, options.refill
    hosting.key = None if options.no_key else hosting.key
    server = HostedServer(hosting, record=False)

    async def run() -> None:
        await server.serve(options.port, lambda: print(server.url, flush=True), asyncio.Event())

    try:
        asyncio.run(run())
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
