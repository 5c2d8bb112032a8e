"""Records on their way to samples.jsonl: one append-only file a process, merged in item order at the end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from proctor.reporting.answers import PREFIX
from proctor.reporting.records import Record, to_line


class Journal:
    """Appends records to a file of this process; each line is flushed, so that `tail -f` works.

    A line is `<item index>\\t<record>`; the index is where the sample stands in the collected list.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab", buffering=0)

    def write(self, index: int, line: Record) -> None:
        self._file.write(f"{index}\t{to_line(line)}\n".encode())

    def close(self) -> None:
        self._file.close()


def judged(parts: Path) -> list[Path]:
    """The files of records in a folder that holds answers too."""
    return sorted(path for path in parts.glob("*.jsonl") if not path.name.startswith(PREFIX))


def read(parts: list[Path]) -> Iterator[tuple[int, Record]]:
    """(item index, record) of every whole line."""
    for part in parts:
        with part.open("rb") as file:
            for line in file:
                index, tab, record = line.partition(b"\t")
                if tab and record.endswith(b"\n"):
                    yield int(index), json.loads(record)


def merge(parts: list[Path], target: Path) -> int:
    """Write the records of all parts to `target` in item order, and return how many there were.

    Only offsets are held in memory. A last line without its newline was torn by a crash and is left out.
    """
    lines: list[tuple[int, int, int, int]] = []
    for number, part in enumerate(parts):
        with part.open("rb") as file:
            lines += [(index, number, start, length) for index, start, length in _scan(file)]
    lines.sort()
    files = [part.open("rb") for part in parts]
    try:
        with target.open("wb") as out:
            for _, number, start, length in lines:
                files[number].seek(start)
                out.write(files[number].read(length))
    finally:
        for file in files:
            file.close()
    return len(lines)


def _scan(file: BinaryIO) -> Iterator[tuple[int, int, int]]:
    """(item index, offset of the record, its length with the newline) of each whole line."""
    offset = 0
    for line in file:
        index, tab, record = line.partition(b"\t")
        if tab and record.endswith(b"\n"):
            yield int(index), offset + len(index) + 1, len(record)
        offset += len(line)
