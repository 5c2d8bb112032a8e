"""Files of rows: JSON lines, JSON, CSV and TSV, and text of which every line is a row; each also .gz."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from proctor.errors import DataError

Row = Any
EACH = "*"
"""In place of a key: every key of the object has a row."""
BINARY = {"parquet", "arrow", "feather", "zip", "tar", "bz2", "xz", "zst", "pkl", "npy", "pdf", "xlsx"}


def read_rows(
    path: Path, columns: str = "header", digest: Any = None, key: str | None = None
) -> Iterator[tuple[int, Row]]:
    """(line number from 1, row) of a file, plain or .gz. The suffix says what it is:

    .jsonl      one JSON value a line
    .json       a list of rows, or one row a line; with `key`, an object that has them in a list under it, with `*` one
                that has a row under each of its keys
    .csv, .tsv  `columns`: `header` makes rows records by the first line, `none` lists
    any other   text: {"line": TEXT} for each line, empty ones too

    Of a list in JSON the number is the row's own, from 1. `digest` is updated with the uncompressed content. Raises
    DataError naming file and line.
    """
    text = _text(path, digest)
    suffix = path.name.removesuffix(".gz").rpartition(".")[2]
    if suffix in ("csv", "tsv"):
        yield from _csv_rows(path, text, columns, "," if suffix == "csv" else "\t")
    elif suffix == "json" and key is not None:
        yield from enumerate(_under(path, key, _json(path, 1, text)), 1)
    elif suffix == "json" and text.lstrip()[:1] == "[":
        yield from enumerate(_json(path, 1, text), 1)
    elif suffix in ("jsonl", "json"):
        for number, line in enumerate(text.split("\n"), 1):
            if line.strip():
                yield number, _json(path, number, line)
    elif suffix in BINARY:
        raise DataError(f"{path}: cannot read .{suffix} files; known are .jsonl, .json, .csv, .tsv and lines of text")
    else:
        yield from ((number, {"line": line}) for number, line in enumerate(lines_of(text), 1))


def read_text(path: Path, digest: Any = None) -> str:
    """A whole file, plain or .gz. Raises DataError."""
    return _text(path, digest)


def lines_of(text: str) -> list[str]:
    """Lines without their ends; the last one's end makes no further line."""
    lines = text.replace("\r\n", "\n").split("\n")
    return lines[:-1] if lines[-1] == "" else lines


def _under(path: Path, key: str, content: Any) -> Sequence[Row]:
    if key == EACH and isinstance(content, Mapping):
        return list(content.values())
    rows = content.get(key) if isinstance(content, Mapping) else None
    if not isinstance(rows, list):
        held = ", ".join(map(str, content))[:200] if isinstance(content, Mapping) else type(content).__name__
        wanted = "no object with a row under each key" if key == EACH else f"no list of rows under {key!r}"
        raise DataError(f"{path}: {wanted}; the file has: {held}")
    return rows


def _text(path: Path, digest: Any) -> str:
    try:
        content = path.read_bytes()
        if path.suffix == ".gz":
            content = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: cannot be read: {error}") from None
    if digest is not None:
        digest.update(content)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(f"{path}:{line}: not UTF-8 (byte {content[error.start]:#04x})") from None


def _json(path: Path, line: int, text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError(f"{path}:{line + error.lineno - 1}: not JSON: {error.msg} (column {error.colno})") from None
    except (RecursionError, ValueError) as error:
        raise DataError(f"{path}:{line}: JSON that cannot be read: {error}") from None


def _csv_rows(path: Path, text: str, columns: str, delimiter: str) -> Iterator[tuple[int, Row]]:
    reader = csv.reader(
        io.StringIO(text, newline=""),
        strict=True,
        delimiter=delimiter,
        # A tab ends a column whatever stands around it: quotes in such files are text.
        quoting=csv.QUOTE_MINIMAL if delimiter == "," else csv.QUOTE_NONE,
    )
    header: Sequence[str] | None = None
    try:
        for row in reader:
            if not row:
                continue
            if columns == "header" and header is None:
                header = row
            elif header is None:
                yield reader.line_num, row
            elif len(row) != len(header):
                raise DataError(f"{path}:{reader.line_num}: {len(row)} columns where the header has {len(header)}")
            else:
                yield reader.line_num, dict(zip(header, row, strict=True))
    except csv.Error as error:
        raise DataError(f"{path}:{reader.line_num}: not {'CSV' if delimiter == ',' else 'TSV'}: {error}") from None
