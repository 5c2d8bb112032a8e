"""Fetching a benchmark's parquet files from the Hugging Face hub, where its manifest has no address of the authors'.

By huggingface_hub: HF_ENDPOINT, HF_TOKEN and a login are heeded, HF_HUB_OFFLINE forbids it. The files are those of one
commit: the pinned one, or that which a branch meant at the first fetch; fetched.json has it.
"""

from __future__ import annotations

import fnmatch
import hashlib
import importlib.util
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from proctor.data.hub import BRACES, Hub, ways
from proctor.data.manifest import RECORD
from proctor.errors import DataError, SetupError

Found = TypeVar("Found")
COMMIT = re.compile("[0-9a-f]{40}")
RETRY = 10.0
"""Seconds after which a hub that does not answer is given up."""


@dataclass(frozen=True)
class HubFile:
    """A file of a dataset at a commit; `sha256` as the hub has it, None for files that it keeps in git itself."""

    name: str
    size: int | None
    sha256: str | None


def is_fetched(hub: Hub, record: Mapping[str, Any] | None) -> bool:
    """Whether what was fetched is of this dataset and commit; of a branch, whatever commit it meant then."""
    if record is None or record.get("dataset") != hub.dataset:
        return False
    return not COMMIT.fullmatch(hub.revision or "") or record["revision"] == hub.revision


def fetch_from_hub(
    hub: Hub,
    name: str,
    part: Path,
    line: Callable[[str], None],
    record: Mapping[str, Any] | None,
    endpoint: str | None,
) -> tuple[dict[str, Any], dict[str, Path]]:
    """(what is to be recorded, the verified files by their names in the benchmark's folder), the files lying in `part`.

    record: of an earlier fetch, whose commit is taken again where a branch is named. endpoint: in place of HF_ENDPOINT.
    Raises DataError, and SetupError where nothing is installed that could read the files.
    """
    if importlib.util.find_spec("pyarrow") is None:
        raise SetupError(
            f"{name}: its data are parquet files of the hub's ({hub.dataset}), which pyarrow reads: "
            "pip install 'pytest-proctor[hub]'; --data-dir=DIR names a folder with the authors' files"
        )
    from huggingface_hub import HfApi, hf_hub_url
    from huggingface_hub.utils.tqdm import disable_progress_bars

    disable_progress_bars()  # pytest owns the terminal, and lines say what comes
    api = HfApi(endpoint=endpoint or os.environ.get("HF_ENDPOINT"))
    pinned = COMMIT.fullmatch(hub.revision or "")
    before = record["revision"] if record is not None and not pinned and is_fetched(hub, record) else None
    revision, listed = _listed(api, hub, name, before or hub.revision)
    wanted = list(chosen(hub, listed))
    if not wanted:
        raise DataError(
            f"{name}: {hub.dataset} at {revision} has no {hub.files}; its parquet files are: "
            f"{', '.join(file.name for file in listed if file.name.endswith('.parquet'))[:300] or 'none'}"
        )
    if not pinned and before is None:
        line(f"{name}: no commit of {hub.dataset} is pinned; this one is trusted from now on: {revision}")
    sources, staged = [], dict[str, Path]()
    for file in wanted:
        url = hf_hub_url(hub.dataset, file.name, repo_type="dataset", revision=revision, endpoint=api.endpoint)
        size = "" if file.size is None else f", {file.size / 1e6:.1f} MB"
        line(f"{name}: {file.name} from {url}{size}")
        path = _downloaded(api, hub, name, file, revision, part / "hub")
        digest = _sha256(path)
        if file.sha256 is not None and digest != file.sha256:
            path.unlink()
            raise DataError(f"{name}: {url}: its sha256 is {digest}, but {file.sha256} is published")
        published = file.sha256 is not None
        sources.append({"url": url, "sha256": digest, "size": path.stat().st_size, "published": published})
        staged[file.name] = path
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return {"dataset": hub.dataset, "revision": revision, "fetched": stamp, "sources": sources}, staged


def chosen(hub: Hub, listed: list[HubFile]) -> Iterator[HubFile]:
    """The files of the splits that a benchmark reads, of the first of the ways in which a split may lie there."""
    splits = dict.fromkeys((*hub.splits, *hub.shot_splits))
    configs = [hub.config]
    if BRACES.search(hub.config):
        folders = {file.name.partition("/")[0] for file in listed if "/" in file.name}
        configs = sorted(folder for folder in folders if folder not in ("all", "data"))
    for config in configs:
        for split in splits:
            for way in ways(config, split):
                own = [file for file in listed if fnmatch.fnmatchcase(file.name, way)]
                if own:
                    yield from own
                    break


def _listed(api: Any, hub: Hub, name: str, revision: str | None) -> tuple[str, list[HubFile]]:
    """The commit that a revision means, and its files."""
    info = _asked(
        name, hub, lambda: api.dataset_info(hub.dataset, revision=revision, files_metadata=True, timeout=RETRY)
    )
    files = [
        HubFile(one.rfilename, one.size, one.lfs.sha256 if one.lfs is not None else None)
        for one in sorted(info.siblings or (), key=lambda one: one.rfilename)
        if ".." not in one.rfilename.split("/")
    ]
    return str(info.sha), files


def _downloaded(api: Any, hub: Hub, name: str, file: HubFile, revision: str, into: Path) -> Path:
    """A file of the hub's; what has come of it stays in `into` if it breaks off, and is gone on with."""
    get = api.hf_hub_download
    return Path(
        _asked(
            name,
            hub,
            lambda: get(hub.dataset, file.name, repo_type="dataset", revision=revision, local_dir=into),
        )
    )


def _asked(name: str, hub: Hub, call: Callable[[], Found]) -> Found:
    """What the hub answers. Raises DataError for all that can go wrong on the way, whatever the library calls it."""
    try:
        return call()
    except Exception as error:
        said = next((text for text in map(str.strip, str(error).splitlines()) if text), "")
        raise DataError(
            f"{name}: {hub.dataset} cannot be had from the hub: {type(error).__name__}: {said[:300]}; "
            f"`proctor fetch {name}` tries again; HF_ENDPOINT names a mirror, HF_TOKEN lets in where an account is "
            "needed; --data-dir=DIR uses a copy of your own"
        ) from None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def put(folder: Path, part: Path, record: dict[str, Any], staged: Mapping[str, Path], old: Mapping[str, Any]) -> None:
    """Move files into a benchmark's folder, those of an earlier fetch that are none of them away; the record last."""
    for file, path in staged.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        os.replace(path, folder / file)
    for file in set(old) - set(staged):
        (folder / file).unlink(missing_ok=True)
    fresh = part / RECORD
    fresh.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    os.replace(fresh, folder / RECORD)
    shutil.rmtree(part, ignore_errors=True)
