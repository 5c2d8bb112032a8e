"""What became of the model's endpoints in a run, from the lines that its clients write as it happens.

A line of `proctor.model.ENDPOINTS` is a JSON object: `time` (seconds since the epoch), `endpoint` (its URL) and
`event`: `gone` (with `reason`), `back`, or `end` (with the requests that one process had `answered` there and `moved`
away).
Several processes write, and each of them notices for itself.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

Line = Mapping[str, Any]


def read(file: Path, at: int = 0) -> tuple[list[Line], int]:
    """The whole lines from byte `at` on, and where they end."""
    try:
        with file.open("rb") as opened:
            opened.seek(at)
            data = opened.read()
    except OSError:  # nothing has happened
        return [], at
    whole = data[: data.rfind(b"\n") + 1]
    return [json.loads(line) for line in whole.splitlines()], at + len(whole)


def entries(lines: Sequence[Line]) -> list[dict[str, Any]]:
    """`model.endpoints` of the report: by URL what it answered, what was moved away, and when it was gone, and why."""
    found: dict[str, dict[str, Any]] = {}
    for line in sorted(lines, key=lambda line: line["time"]):
        entry = found.setdefault(line["endpoint"], {"url": line["endpoint"], "answered": 0, "moved": 0, "gone": []})
        away = bool(entry["gone"]) and "until" not in entry["gone"][-1]
        if line["event"] == "end":
            entry["answered"] += line["answered"]
            entry["moved"] += line["moved"]
        elif line["event"] == "gone" and not away:
            entry["gone"].append({"since": _stamp(line["time"]), "reason": line["reason"]})
        elif line["event"] == "back" and away:
            entry["gone"][-1]["until"] = _stamp(line["time"])
    return sorted(found.values(), key=lambda entry: str(entry["url"]))


def told(entry: Mapping[str, Any]) -> str:
    """One endpoint in a line: `http://127.0.0.1:8000 answered 120 requests; gone 18:03:11 (...), 9 requests moved`."""
    parts = [f"{entry['url']} answered {entry['answered']} requests"]
    for absence in entry["gone"]:
        until = f", back {_clock(absence['until'])}" if "until" in absence else ""
        parts.append(f"gone {_clock(absence['since'])} ({absence['reason']}){until}")
    if entry["moved"]:
        parts.append(f"{entry['moved']} of its requests moved to others")
    return "; ".join(parts)


class Following:
    """Tells what happens to endpoints while it does: `for line in following.fresh(): ...`."""

    def __init__(self, file: Path) -> None:
        self._file = file
        _, self._at = read(file)  # what befell those of an earlier attempt is known
        self._looked = time.monotonic()
        self._gone: set[str] = set()

    def fresh(self, every: float = 1.0) -> Iterator[str]:
        """A line for each endpoint that went or came back; looks once in `every` seconds at most."""
        if time.monotonic() - self._looked < every:
            return
        self._looked = time.monotonic()
        lines, self._at = read(self._file, self._at)
        for line in lines:
            url = line["endpoint"]
            if line["event"] == "gone" and url not in self._gone:
                self._gone.add(url)
                yield f"{url} is gone: {line['reason']}"
            elif line["event"] == "back" and url in self._gone:
                self._gone.discard(url)
                yield f"{url} is back"


def _stamp(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(seconds))


def _clock(stamp: str) -> str:
    return stamp[11:19]
