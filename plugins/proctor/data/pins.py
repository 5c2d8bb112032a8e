"""What a benchmark's data are published as: the `fetch` section of a manifest's entry.

fetch:
  revision: 3101c7d5072418e28b9008a6636bde82a006892c
  files:
    - file: test.jsonl                       # what it becomes in the benchmark's folder, or
      folder: data                           # an archive: which of its folders is the benchmark's
      url: https://host/{revision}/test.jsonl  # or a list of them, tried in turn
      size: 749738                           # bytes
      sha256: 3730d3...
    - folder: RACE
      join: {"test/{level}.jsonl": "test/{level}/{article}.txt"}  # one file a row: the rows of a file, in order
      url: https://host/RACE.tar.gz
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Pin:
    """One file to download. `size` is in bytes; without `sha256` the first download is trusted and remembered.

    `file` is its name in the benchmark's folder; for an archive `folder` is given instead, the folder within
    it that is the benchmark's (`.`: its top): of its members those are taken that the manifest's `files` and `shots`
    mean. `join` is for an archive with a file for each row, in JSON: the file that they become, and which they are.
    """

    urls: tuple[str, ...]
    size: int | None = None
    sha256: str | None = None
    file: str | None = None
    folder: str | None = None
    join: Mapping[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """What a person may call it."""
        return self.file or PurePosixPath(urlsplit(self.urls[0]).path).name


@dataclass(frozen=True)
class Published:
    """All files of a benchmark, as they were at `revision`."""

    pins: tuple[Pin, ...]
    revision: str | None = None


def read_published(entry: Mapping[str, Any]) -> Published:
    """The `fetch` section of a manifest's entry. Raises ValueError, saying what is wrong with it."""
    unknown = set(entry) - {"revision", "files"}
    if unknown or not isinstance(entry.get("files"), list) or not entry["files"]:
        raise ValueError("fetch has `files`, a list, and may have `revision`")
    revision = entry.get("revision")
    return Published(tuple(_pin(dict(file), revision) for file in entry["files"]), revision)


def _pin(entry: dict[str, Any], revision: str | None) -> Pin:
    given = entry.pop("url", None)
    urls = tuple(
        str(url).replace("{revision}", str(revision)) for url in (given if isinstance(given, list) else [given])
    )
    pin = Pin(urls=urls, **entry)
    if not urls or not all(url.startswith(("https://", "http://")) for url in urls):
        raise ValueError(f"fetch: url must begin with https://, not be {given!r}")
    if (pin.file is None) == (pin.folder is None):
        raise ValueError(f"fetch: {urls[0]}: either `file` or `folder` says what it becomes")
    if pin.join and pin.folder is None:
        raise ValueError(
            f"fetch: {urls[0]}: `join` is for the members of an archive: `folder` says which of its folders"
        )
    for path in filter(None, (pin.file, pin.folder if pin.folder != "." else None, *pin.join, *pin.join.values())):
        if path.startswith(("/", ".")) or "\\" in path or ".." in PurePosixPath(path).parts:
            raise ValueError(f"fetch: {path} must lie within the benchmark's folder")
    if pin.sha256 is not None and not re.fullmatch("[0-9a-f]{64}", str(pin.sha256)):
        raise ValueError(f"fetch: {urls[0]}: sha256 is 64 hexadecimal digits, not {pin.sha256!r}")
    if pin.size is not None and (not isinstance(pin.size, int) or pin.size < 0):
        raise ValueError(f"fetch: {urls[0]}: size is a number of bytes, not {pin.size!r}")
    return pin
