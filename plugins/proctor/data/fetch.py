"""Fetching the published data of a benchmark into a data root: once, verified, one process at a time.

A root holds, besides the folders of the benchmarks:

    <benchmark>/fetched.json    what was fetched: revision, sources and files with their sha256; written last
    .<benchmark>.part/          downloads that are not finished, which the next fetch goes on with
    .<benchmark>.lock           held by the process that fetches
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import socket
import sys
import tarfile
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import IO, Any
from urllib.parse import urlsplit

from proctor.data.download import download, shown, slot
from proctor.data.hub_fetch import fetch_from_hub, is_fetched, put
from proctor.data.manifest import BRACES, RECORD, Source, by_hand, misspelt, names_of
from proctor.data.pins import Pin, Published
from proctor.data.rows import read_rows
from proctor.errors import DataError

YES = ("1", "on", "yes", "true")
FEW = 4
"""So many files of a benchmark are each told; of more, only how many there are."""
LIVE_EVERY, PLAIN_EVERY = 0.1, 10.0
"""Seconds between two signs of progress, on a terminal and elsewhere."""


@dataclass(frozen=True)
class Display:
    """Where a fetch is watched: `line` writes one, `live` rewrites the last one and is None without a terminal.

    `waiting`: whether to say for whom is waited. `brief`: several are fetched at once, and what each is has been told.
    `halted`: whether to give up; a download stays as it is then, for the next fetch.
    """

    line: Callable[[str], None]
    live: Callable[[str], None] | None = None
    waiting: bool = True
    brief: bool = False
    halted: Callable[[], bool] = lambda: False


class Halted(Exception):
    """A download was given up since its display is `halted`."""


@dataclass(frozen=True)
class Fetched:
    """What a fetch came to: how many files of how many bytes lie in `folder`; `new` if any had to be fetched."""

    folder: Path
    files: int
    size: int
    new: bool


def cache_root() -> Path:
    """The data root that fetches fill: PROCTOR_CACHE/data, else where the platform keeps caches."""
    chosen = os.environ.get("PROCTOR_CACHE")
    if chosen:
        return Path(chosen).expanduser().absolute() / "data"
    if sys.platform == "win32":
        caches = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    else:
        caches = os.environ.get("XDG_CACHE_HOME") or ("~/Library/Caches" if sys.platform == "darwin" else "~/.cache")
    return Path(caches).expanduser().absolute() / "proctor" / "data"


def offline() -> str | None:
    """The variable by which the environment forbids to go to the network."""
    said = (name for name in ("PROCTOR_OFFLINE", "HF_HUB_OFFLINE") if os.environ.get(name, "").lower() in YES)
    return next(said, None)


def complete(source: Source, name: str, root: Path) -> bool:
    """Whether a root holds all that a manifest pins for a benchmark; nothing is read but the record and sizes."""
    record = _record(root / name)
    if source.fetch is None and source.hub is not None and record is not None:
        return is_fetched(source.hub, record) and _sizes(record) == _sizes_there(root / name, record)
    if source.fetch is None or record is None:
        return False
    pinned = [pin.sha256 or pin.urls[0] for pin in source.fetch.pins]
    both = zip(source.fetch.pins, record["sources"], strict=False)
    had = [got["sha256"] if pin.sha256 else got["url"] for pin, got in both]
    return pinned == had and _sizes(record) == _sizes_there(root / name, record)


def _sizes(record: Mapping[str, Any]) -> dict[str, int | None]:
    return {file: about["size"] for file, about in record["files"].items()}


def _sizes_there(folder: Path, record: Mapping[str, Any]) -> dict[str, int | None]:
    return {file: _size(folder / file) for file in record["files"]}


def fetch(
    source: Source,
    name: str,
    root: Path,
    display: Display,
    *,
    mirror: str | None = None,
    force: bool = False,
    run: str = "",
) -> Fetched:
    """Have a benchmark's published data in `root`, and verify them.

    `mirror`, or else PROCTOR_DATA_MIRROR, takes the place of the scheme and host of each address. `force` downloads
    and replaces what is there. Of the processes of one `run` only the first tries what fails. Raises DataError naming
    benchmark, file, address and what to do.
    """
    published = source.fetch
    if published is None and source.hub is None:
        raise DataError(
            f"{name}: its manifest does not say where it is published; --data-dir=DIR names a folder with it"
        )
    if not force and complete(source, name, root):
        return _verified(root / name, name)
    forbidden = offline()
    if forbidden:
        raise DataError(
            f"{name}: {_first_file(source)} is not in {root / name}, and {forbidden} forbids to fetch it; "
            f"`proctor fetch {name}` where there is a network fills a cache (PROCTOR_CACHE=DIR names it), "
            "--data-dir=DIR uses a copy of your own"
        )
    try:
        with _alone(root, name, display) as part:
            failed = part / "failed"
            if run and failed.exists():
                tried, _, why = failed.read_text(encoding="utf-8").partition("\n")
                if tried == run:
                    raise DataError(why)
            if not force and complete(source, name, root):
                return _verified(root / name, name)
            try:
                if published is None:
                    return _fetch_from_hub(source, name, root, display, mirror, force)
                return _fetch(source, published, name, root, display, mirror, force)
            except DataError as error:
                failed.write_text(f"{run}\n{error}", encoding="utf-8")
                raise
    except OSError as error:
        raise DataError(
            f"{name}: cannot write to {root}: {error.strerror or error}; PROCTOR_CACHE=DIR names another cache"
        ) from None


def _fetch(
    source: Source, published: Published, name: str, root: Path, display: Display, mirror: str | None, force: bool
) -> Fetched:
    folder, part = root / name, root / f".{name}.part"
    mirror = mirror or os.environ.get("PROCTOR_DATA_MIRROR") or None
    if not display.brief:
        display.line(
            f"{name}: from {source.origin or shown(published.pins[0].urls[0])}, licence {source.licence or 'unknown'}"
        )
    if len(published.pins) > FEW:
        display = replace(display, brief=True)
        display.line(f"{name}: {len(published.pins)} files, {known_size(published)}")
    record = _record(folder)
    trusted = {} if record is None or force else {got["url"]: got["sha256"] for got in record["sources"]}
    sources, staged = [], dict[str, Path]()
    for number, pin in enumerate(published.pins):
        there = folder / pin.file if pin.file else None
        if there is not None and not force and pin.sha256 and there.is_file() and sha256_of(there) == pin.sha256:
            path = there
        else:
            begun = part / f"{number}-{PurePosixPath(pin.title).name}"
            path = _download(pin, name, begun, mirror, display, trusted.get(pin.urls[0]))
        digest = pin.sha256 or sha256_of(path)
        if not pin.sha256:
            _refuse_what_cannot_be_read(source, pin, name, path)
            display.line(f"{name}: {pin.title}: no sha256 is published; this one is trusted from now on: {digest}")
        sources.append(
            {"url": pin.urls[0], "sha256": digest, "size": path.stat().st_size, "published": bool(pin.sha256)}
        )
        staged.update({str(pin.file): path} if pin.file else _unpacked(source, pin, name, path, part / f"{number}-new"))
    files: dict[str, dict[str, Any]] = {
        file: {"size": path.stat().st_size, "sha256": sha256_of(path)} for file, path in sorted(staged.items())
    }
    if not force:
        _refuse_to_replace(folder, name, files, record)
    for file, path in staged.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        os.replace(path, folder / file)
    for file in set(record["files"] if record else ()) - set(files):
        # A file of what was published before would be taken for one of the benchmark's.
        (folder / file).unlink(missing_ok=True)
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    content = {"revision": published.revision, "fetched": stamp, "sources": sources, "files": files}
    fresh = part / RECORD
    fresh.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    os.replace(fresh, folder / RECORD)
    shutil.rmtree(part, ignore_errors=True)
    return Fetched(folder, len(files), sum(about["size"] for about in files.values()), True)


def _first_file(source: Source) -> str:
    """What of the published data a person may miss."""
    if source.fetch is not None:
        return source.fetch.pins[0].title
    return f"{source.hub.files} of {source.hub.dataset}" if source.hub is not None else source.files


def _fetch_from_hub(
    source: Source, name: str, root: Path, display: Display, mirror: str | None, force: bool
) -> Fetched:
    """Have the hub's parquet files of a benchmark, where its manifest names no address of the authors'."""
    assert source.hub is not None
    if source.texts:
        raise DataError(
            f"{name}: {source.hub.dataset} lacks {', '.join(source.texts.values())}, which the prompts are made of; "
            "--data-dir=DIR names a folder with them"
        )
    folder, part = root / name, root / f".{name}.part"
    display.line(f"{name}: from the hub, {source.hub.dataset}, licence {source.licence or 'unknown'}")
    old = _record(folder)
    mirror = mirror or os.environ.get("PROCTOR_DATA_MIRROR") or None
    record, staged = fetch_from_hub(source.hub, name, part, display.line, None if force else old, mirror)
    files: dict[str, dict[str, Any]] = {
        file: {"size": path.stat().st_size, "sha256": sha256_of(path)} for file, path in sorted(staged.items())
    }
    if not force:
        _refuse_to_replace(folder, name, files, old)
    put(folder, part, {**record, "files": files}, staged, old["files"] if old else {})
    return Fetched(folder, len(files), sum(about["size"] for about in files.values()), True)


def _refuse_what_cannot_be_read(source: Source, pin: Pin, name: str, path: Path) -> None:
    """Raise DataError for a file that is none of its kind: a page of a network that wants a login, say."""
    if pin.file is None:
        return  # an archive: unpacking it will tell
    try:
        rows = sum(1 for _ in read_rows(path, key=source.rows))
    except DataError as error:
        path.unlink()
        raise DataError(f"{name}: {shown(pin.urls[0])} brings no data: {error}") from None
    if not rows:
        path.unlink()
        raise DataError(f"{name}: {shown(pin.urls[0])} brings no rows")


def _download(pin: Pin, name: str, part: Path, mirror: str | None, display: Display, trusted: str | None) -> Path:
    """The verified file of a pin, from the first of its addresses that has it."""
    wanted = pin.sha256 or trusted
    problems = []
    for url in dict.fromkeys(mirrored(url, mirror) for url in pin.urls):
        if not display.brief:
            display.line(f"{name}: {pin.title} from {shown(url)}" + (f", {_megabytes(pin.size)}" if pin.size else ""))
        meter = _Meter(display, f"{name}: {pin.title}")
        try:
            with slot(url):
                resumed = download(url, part, pin.size, wanted is not None, meter)
                if resumed and wanted is not None and sha256_of(part) != wanted:
                    # What was there was not the beginning of it.
                    part.unlink()
                    download(url, part, pin.size, wanted is not None, meter)
        except DataError as error:
            problems.append(str(error))
            continue
        finally:
            meter.end()
        found = sha256_of(part)
        if wanted is None or found == wanted:
            return part
        part.unlink()
        said = (
            "is published" if pin.sha256 else f"was fetched at first ({RECORD} holds it: remove that to trust another)"
        )
        problems.append(f"{shown(url)}: its sha256 is {found}, but {wanted} {said}")
    raise DataError(
        f"{name}: {pin.title} cannot be had: {'; '.join(problems)}. `proctor fetch {name}` tries again, and goes "
        "on where a download broke off; --mirror=URL (PROCTOR_DATA_MIRROR) asks another host; --data-dir=DIR uses a "
        "copy of your own"
    )


def mirrored(url: str, mirror: str | None) -> str:
    """`url` with its scheme and host replaced by a mirror's address, which may have a path of its own."""
    return url if not mirror else mirror.rstrip("/") + url.partition(urlsplit(url).netloc)[2]


def _unpacked(source: Source, pin: Pin, name: str, archive: Path, into: Path) -> dict[str, Path]:
    """The members of an archive that the manifest means, unpacked below `into`, by their names in the folder."""
    meant = [names_of(pattern) for pattern in source.patterns]
    joined: dict[str, list[tuple[str, bytes]]] = {}
    found: dict[str, Path] = {}
    shutil.rmtree(into, ignore_errors=True)
    try:
        for member, content in _members(archive):
            path = PurePosixPath(member)
            if not path.is_relative_to(str(pin.folder)) or path.is_absolute() or ".." in path.parts:
                continue
            # A name that is meant leads nowhere else, since no brace stands for a slash.
            file = path.relative_to(str(pin.folder)).as_posix()
            if (whole := _whole(pin, file)) is not None:
                with content() as packed:
                    joined.setdefault(whole, []).append((file, packed.read()))
            elif any(pattern.fullmatch(file) for pattern in meant):
                found[file] = into / file
                found[file].parent.mkdir(parents=True, exist_ok=True)
                with content() as packed, found[file].open("wb") as plain:
                    shutil.copyfileobj(packed, plain)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error) as error:
        raise DataError(f"{name}: {pin.title} is not an archive that can be unpacked: {error}") from None
    for whole, members in joined.items():
        found[whole] = into / whole
        found[whole].parent.mkdir(parents=True, exist_ok=True)
        found[whole].write_text(_rows_of(members, f"{name}: {pin.title}"), encoding="utf-8")
    if not found:
        raise DataError(f"{name}: {pin.title} has no {pin.folder}/{source.files}")
    return found


def _whole(pin: Pin, file: str) -> str | None:
    """The file of which a member of an archive is a row; None where it is none."""
    for whole, row in pin.join.items():
        if match := names_of(row).fullmatch(file):
            values = dict(zip(BRACES.findall(row), match.groups(), strict=True))
            return BRACES.sub(lambda brace, values=values: values[brace[1]], whole)  # type: ignore[misc]
    return None


def _rows_of(members: list[tuple[str, bytes]], archive: str) -> str:
    """JSON lines of (name, JSON text), in the order of the names, numbers in them by their value."""
    lines = []
    for file, content in sorted(members, key=lambda member: _natural(member[0])):
        try:
            lines.append(json.dumps(json.loads(content), ensure_ascii=False) + "\n")
        except ValueError as error:
            raise DataError(f"{archive}: {file} is no JSON: {error}") from None
    return "".join(lines)


def _natural(name: str) -> list[tuple[int, str]]:
    """A key by which `9.txt` comes before `73.txt`."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in re.split(r"(\d+)", name)]


def _members(archive: Path) -> Iterator[tuple[str, Callable[[], IO[bytes]]]]:
    """(name, how to open it) of each plain file in a tar, packed or not, or a zip: no links, no devices."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as zipped:
            for info in zipped.infolist():
                if not info.is_dir():
                    yield info.filename, lambda info=info: zipped.open(info)  # type: ignore[misc]
        return
    with tarfile.open(archive, "r:*") as tar:
        for member in tar:
            if member.isfile():
                yield member.name, lambda member=member: tar.extractfile(member)  # type: ignore[misc]


def _refuse_to_replace(
    folder: Path, name: str, files: Mapping[str, Mapping[str, Any]], record: Mapping[str, Any] | None
) -> None:
    """Keep what somebody else put there, or has changed."""
    for file, about in files.items():
        path = folder / file
        if path.is_file() and (found := sha256_of(path)) != about["sha256"]:
            ours = record["files"].get(file, {}).get("sha256") if record else None
            if found != ours:
                raise DataError(
                    f"{name}: {path} is there already and is neither what is published nor what was fetched; "
                    f"`proctor fetch {name} --force` replaces it"
                )


def _verified(folder: Path, name: str) -> Fetched:
    record = _record(folder)
    assert record is not None
    for file, about in record["files"].items():
        if sha256_of(folder / file) != about["sha256"]:
            raise DataError(
                f"{name}: {folder / file} is not what was fetched any more; "
                f"`proctor fetch {name} --force` fetches it again"
            )
    return Fetched(folder, len(record["files"]), sum(about["size"] for about in record["files"].values()), False)


@contextlib.contextmanager
def _alone(root: Path, name: str, display: Display) -> Iterator[Path]:
    """Hold the lock of a benchmark in a root, whose folder for what is not finished this is.

    Where another process has it, say which, and wait.
    """
    import filelock

    part = root / f".{name}.part"
    root.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(root / f".{name}.lock")
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        who = "another process"
        with contextlib.suppress(OSError):
            who = (part / "holder").read_text(encoding="utf-8")
        if display.waiting:
            display.line(f"{name}: {who} is fetching it; waiting for that (Ctrl-C gives up)")
        lock.acquire(poll_interval=0.1)
    try:
        part.mkdir(exist_ok=True)
        (part / "holder").write_text(f"process {os.getpid()} on {socket.gethostname()}", encoding="utf-8")
        yield part
    finally:
        # What is there of a download stays.
        (part / "holder").unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            part.rmdir()
        lock.release()


def _record(folder: Path) -> dict[str, Any] | None:
    """What fetched.json says; None where there is none, or none that can be read."""
    try:
        record: dict[str, Any] = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        had = [(got["url"], got["sha256"]) for got in record["sources"]]
        files = [(about["size"], about["sha256"]) for about in record["files"].values()]
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None
    return record if had and files else None


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.is_file() else None


def sha256_of(path: Path) -> str:
    """The sha256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def named(known: Mapping[str, Source], names: Sequence[str], root: Path) -> list[str]:
    """What is wrong with names of benchmarks that are to be fetched; empty if nothing is."""
    problems = misspelt(known, names)
    for name in names:
        if name in known and not known[name].fetchable:
            problems.append(f"{name}: {by_hand(known[name], root / name)}")
    return problems


class _Meter:
    """Counts bytes, and says so: on a terminal in one rewritten line, else now and then."""

    def __init__(self, display: Display, title: str) -> None:
        self._display = display
        self._title = title
        self._started = self._last = time.monotonic()
        self._first: int | None = None
        self._shown = False

    def __call__(self, done: int, total: int | None) -> None:
        if self._display.halted():
            raise Halted
        now = time.monotonic()
        if self._first is None:
            self._first = done
        live = self._display.live
        if now - self._last < (PLAIN_EVERY if live is None else LIVE_EVERY) and not (live and done == total):
            return
        self._last = now
        rate = (done - self._first) / max(now - self._started, 1e-6)
        of = f" of {_megabytes(total)}" if total else ""
        text = f"{self._title}  {done / 1e6:.1f}{of}  {rate / 1e6:.1f} MB/s"
        if live is None:
            self._display.line(text)
        else:
            live(text)
            self._shown = True

    def end(self) -> None:
        """Leave the live line behind."""
        if self._shown and self._display.live is not None:
            self._display.live("\n")


def known_size(published: Published) -> str:
    """What is known of the size of all its files together: `4.9 MB`, or `4.9 MB and more`, or nothing."""
    known = sum(pin.size or 0 for pin in published.pins)
    more = any(pin.size is None for pin in published.pins)
    small = f"{known / 1e3:.0f} kB" if known < 100_000 else _megabytes(known)
    return "size unknown" if not known else small + " and more" * more


def _megabytes(size: int | None) -> str:
    return "" if size is None else f"{size / 1e6:.1f} MB"
