"""One file from one address to the disk: resumed where it broke off, tried again where that may help."""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from proctor.errors import DataError

if TYPE_CHECKING:
    import requests

TIMEOUT = (10.0, 30.0)
"""Seconds to connect, and to wait for the next bytes."""
TRIES = 5
"""How often an address is asked in vain, one after the other, until it is given up."""
ENOUGH = 1 << 20
"""Bytes that must have come since the last failure that counts, for the count to begin anew."""
FIRST_WAIT, LONGEST_WAIT = 0.5, 60.0
"""Seconds: the wait before the second try, doubled for each more; the longest Retry-After that is waited for."""
AGAIN = {408, 429, 500, 502, 503, 504}
PER_HOST = 3
"""How many files are had from a host at once."""
BLOCK = 1 << 15
"""Bytes that are read at once; what is lost of them where a connection breaks off."""


class Broken(Exception):
    """It failed for now: another try may do better. `wait` is what the server asks for, in seconds."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


_SLOTS: dict[str, threading.Semaphore] = {}


def slot(url: str) -> threading.Semaphore:
    """To be held while something is had from the host of `url`."""
    return _SLOTS.setdefault(urlsplit(url).netloc, threading.Semaphore(PER_HOST))


def shown(url: str) -> str:
    """`url` without user, password, query and fragment."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def download(url: str, part: Path, size: int | None, pinned: bool, progress: Callable[[int, int | None], None]) -> bool:
    """Complete the file `part` from `url`; True where it was not had in one piece.

    What is there already is not asked for again, if the server can send the rest and either its entity tag is
    the one of the beginning or the content is `pinned`, so that the caller finds out. `size` is in bytes;
    `progress` takes the bytes that are there and all, if known. Raises DataError naming the address and the
    reason; what has come stays for the next call.
    """
    import requests

    with requests.Session() as session:  # proxies and certificate authorities as the environment names them
        resumed = part.exists()
        failures, before = 0, 0
        while True:
            try:
                _continue(session, url, part, size, pinned, progress)
                return resumed
            except requests.exceptions.SSLError as error:
                raise DataError(
                    f"{shown(url)}: its certificate is not trusted ({_reason(error)}); REQUESTS_CA_BUNDLE=FILE names "
                    "certificate authorities"
                ) from None
            except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
                problem = Broken(_reason(error))
            except requests.RequestException as error:
                raise DataError(f"{shown(url)}: {_reason(error)}") from None
            except Broken as error:
                problem = error
            except OSError as error:
                raise DataError(_disk(part, error)) from None
            there = part.stat().st_size if part.exists() else 0
            resumed = resumed or there > 0
            if there >= before + ENOUGH:
                failures, before = 0, there
            failures += 1
            wait = FIRST_WAIT * 2 ** (failures - 1) if problem.wait is None else problem.wait
            if failures >= TRIES or wait > LONGEST_WAIT:
                asked = f", which asks to wait {wait:.0f} s" if wait > LONGEST_WAIT else f" ({failures} tries)"
                raise DataError(f"{shown(url)}: {problem}{asked}")
            time.sleep(wait)


def _continue(
    session: requests.Session,
    url: str,
    part: Path,
    size: int | None,
    pinned: bool,
    progress: Callable[[int, int | None], None],
) -> None:
    """Ask once for what is missing. Raises Broken, or DataError where another try would be in vain."""
    tag = part.with_name(part.name + ".etag")
    known = tag.read_text(encoding="utf-8") if tag.exists() else ""
    begun = part.stat().st_size if part.exists() else 0
    if size is not None and begun == size:
        return
    if (size is not None and begun > size) or not (pinned or known):
        begun = 0
    headers = {"Accept-Encoding": "identity"}
    if begun:
        headers["Range"] = f"bytes={begun}-"
        if known:
            headers["If-Range"] = known
    with session.get(url, headers=headers, stream=True, timeout=TIMEOUT) as response:
        if response.status_code == 416 and begun:
            # Nothing is behind what is there: either it is whole, or it was never the beginning of this file.
            if response.headers.get("Content-Range") == f"bytes */{begun}" and size is None:
                return
            part.unlink()
            raise Broken("what was there of it is not its beginning", 0.0)
        _refuse(response, url)
        if response.status_code != 206 or not response.headers.get("Content-Range", "").startswith(f"bytes {begun}-"):
            begun = 0
        announced = response.headers.get("Content-Length", "")
        total = begun + int(announced) if announced.isdigit() else size
        if size is not None and total != size:
            raise DataError(f"{shown(url)}: has {total} bytes where {size} were published: not that file")
        if not begun:
            part.write_bytes(b"")  # before the tag: what was there is not the beginning of what has this one
        strong = response.headers.get("ETag", "")
        tag.write_text(strong if strong.startswith('"') else "", encoding="utf-8")
        _append(response, url, part, begun, total, size, progress)


def _append(
    response: requests.Response,
    url: str,
    part: Path,
    begun: int,
    total: int | None,
    size: int | None,
    progress: Callable[[int, int | None], None],
) -> None:
    """Write what comes behind the `begun` bytes of `part`. Raises Broken, or DataError if more than `size` come."""
    done = begun
    with part.open("ab", buffering=0) as file:
        for block in response.iter_content(BLOCK):
            file.write(block)
            done += len(block)
            if size is not None and done > size:
                raise DataError(f"{shown(url)}: sends more than the {size} bytes that were published: not that file")
            progress(done, total)
    if total is not None and done != total:
        raise Broken(f"broke off after {done} of {total} bytes")


def _refuse(response: requests.Response, url: str) -> None:
    status = response.status_code
    if status in AGAIN:
        raise Broken(f"HTTP {status}", _retry_after(response.headers.get("Retry-After")))
    if status in (401, 403):
        raise DataError(f"{shown(url)}: HTTP {status}: it may not be read from here, or not by everyone")
    if status in (404, 410):
        raise DataError(f"{shown(url)}: HTTP {status}: it is not there (any more)")
    if status not in (200, 206):
        raise DataError(f"{shown(url)}: HTTP {status}")


def _retry_after(text: str | None) -> float | None:
    """Seconds, from a number or a date; None where there is neither."""
    from urllib3.exceptions import InvalidHeader
    from urllib3.util import Retry

    try:
        return None if text is None else float(Retry().parse_retry_after(text))
    except InvalidHeader:
        return None


def _reason(error: BaseException) -> str:
    """What is at the bottom of an exception of requests, in a few words."""
    inner: object = error
    while getattr(inner, "args", None) and isinstance(inner.args[-1], BaseException):  # type: ignore[attr-defined]
        inner = inner.args[-1]  # type: ignore[attr-defined]
    inner = getattr(inner, "reason", None) or inner
    return str(inner).partition(">: ")[2] or str(inner) or type(inner).__name__


def _disk(part: Path, error: OSError) -> str:
    advice = "make room" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "choose another folder"
    return f"cannot write {part}: {error.strerror or error}; {advice}, or set PROCTOR_CACHE=DIR"
