"""A server of files on this machine that does as it is told: it sends ranges or not, breaks off, refuses, waits."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class DataServer:
    """`files` by path. `script` holds what to do with the next requests, one each:

    an int: answer with that status · ("retry", S): 429 with Retry-After · ("cut", N): N bytes, then break off ·
    ("stall", N): N bytes, then nothing until `go_on` is set · ("instead", BYTES): send these as the file
    """

    files: dict[str, bytes]
    ranges: bool = True
    tags: bool = True
    script: list[object] = field(default_factory=list)
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    """(path, Range) of each request."""
    go_on: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    @property
    def paths(self) -> list[str]:
        return [path.rpartition("/")[2] for path, _ in self.asked]


@contextmanager
def serving(files: dict[str, bytes]) -> Iterator[DataServer]:
    state = DataServer(files)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: object) -> None:
            """Say nothing."""

        def do_GET(self) -> None:
            state.asked.append((self.path, self.headers.get("Range")))
            order = state.script.pop(0) if state.script else None
            if isinstance(order, int):
                return self._short(order)
            kind, value = order if isinstance(order, tuple) else (None, None)
            if kind == "retry":
                return self._short(429, ("Retry-After", str(value)))
            content = value if kind == "instead" else state.files.get(self.path)
            if content is None:
                return self._short(404)
            return self._file(content, value if kind in ("cut", "stall") else None, kind)

        def _short(self, status: int, *headers: tuple[str, str]) -> None:
            self.send_response(status)
            for name, text in (*headers, ("Content-Length", "0")):
                self.send_header(name, text)
            self.end_headers()

        def _file(self, content: bytes, stop: int | None, kind: str | None) -> None:
            tag, begin = f'"{hash(content)}"', 0
            asked = self.headers.get("Range")
            if asked and state.ranges and self.headers.get("If-Range", tag) == tag:
                begin = int(asked.removeprefix("bytes=").partition("-")[0])
                if begin >= len(content):
                    return self._short(416, ("Content-Range", f"bytes */{len(content)}"))
            self.send_response(206 if begin else 200)
            if begin:
                self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
            if state.tags:
                self.send_header("ETag", tag)
            self.send_header("Content-Length", str(len(content) - begin))
            self.end_headers()
            self.wfile.write(content[begin:][:stop])
            if kind == "stall":
                self.wfile.flush()
                state.go_on.wait(60)
                with suppress(BrokenPipeError, ConnectionResetError):  # who asked was killed meanwhile
                    self.wfile.write(content[begin:][stop:])
            self.close_connection = stop is not None
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield state
    finally:
        state.go_on.set()
        server.shutdown()
        thread.join()
        server.server_close()
