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
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from scripted_server import RunsInThread

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


class HostedServer(RunsInThread):
    """What its `hosting` is."""

    def __init__(self, hosting: Hosting | None = None, faults: Iterable[str] = (), record: bool = True) -> None:
        super().__init__(faults, record, path="/v1")
        self.hosting = hosting or Hosting()
        self.answered = self._under_way = 0
        self.refused = 0
        self._left, self._seen = self.hosting.allowance or 0.0, time.monotonic()

    def routes(self) -> Sequence[web.AbstractRouteDef]:
        return [
            web.get("/v1/models", self._models),
            web.post("/v1/chat/completions", self._chat),
            web.post("/v1/completions", self._completions),
        ]

    def bodies(self, path: str = "/v1/chat/completions") -> list[Json]:
        return super().bodies(path)

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
        await server.serve("127.0.0.1", options.port, lambda: print(server.url, flush=True), asyncio.Event())

    try:
        asyncio.run(run())
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
