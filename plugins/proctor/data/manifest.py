"""Manifests: where a benchmark's rows lie, and what is said of them.

A data root is a folder `<benchmark>/<file>[.gz]` in the schema that the authors publish (`proctor.data.rows`). A
`manifest.yaml` names each benchmark's files, its few-shot files and its groups:

    mmlu:
      files: test/{subject}_test.csv        # a name in braces stands for any text, the same in all
      shots: dev/{subject}_dev.csv
      columns: none                         # CSV rows are lists, not records
      groups:
        category: {subject: {STEM: [astronomy, ...], ...}}
    bbh:
      files: bbh/{task}.json
      rows: examples                        # of a JSON object: where the list is
      texts: {cot: cot-prompts/{task}.txt}  # a whole file as a field of each sample
    mbpp:
      files: mbpp.jsonl
      take: 10:510                          # of the rows, as Python slices them
      shots: mbpp.jsonl
      take_shots: 1:4
    mmlu-pro:
      files: test.jsonl
      shots: validation.jsonl
      shots_by: category                    # a sample's shots are those of its own group on this axis
    piqa:
      files: valid.jsonl
      beside: {label: valid-labels.lst}     # line i of another file as a field of row i
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from proctor import yamlfile
from proctor.benchmark import Benchmark
from proctor.data.hub import Hub, find_splits, read_hub, read_table
from proctor.data.pins import Published, read_published
from proctor.errors import DataError

SLICE = re.compile(r"(\d*):(\d*)")

RESTRICTED = ("non-commercial", "research")

RECORD = "fetched.json"
"""In a benchmark's folder: what was fetched into it, by proctor.data.fetch."""


@dataclass(frozen=True)
class Source:
    """A benchmark's entry in a manifest.

    `samples`: how many the authors' whole files come to. `whole`: the bundled rows are all that there are.
    `restricted`: to what its licence restricts use. `form`: where its data are asked for that are given out to no one
    else; `given_as` is the file's name then, where it is another one.
    """

    files: str
    samples: int | None = None
    whole: bool = False
    folder: str | None = None
    shots: str | None = None
    shots_by: str | None = None
    columns: str = "header"
    rows: str | None = None
    take: str | None = None
    take_shots: str | None = None
    beside: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[str, Mapping[str, Mapping[str, Sequence[str]]]] = field(default_factory=dict)
    capability: str | None = None
    language: str | None = None
    origin: str | None = None
    revision: str | None = None
    licence: str | None = None
    restricted: str | None = None
    form: str | None = None
    given_as: str | None = None
    fetch: Published | None = None
    hub: Hub | None = None
    stem: str | None = None
    """What a reader is told as a file's name, where the files are called otherwise than the authors call them."""
    first_row: int = 0
    """The number of the first row, where the authors' file has others before it."""

    @property
    def fetchable(self) -> bool:
        """Whether the published data can be had: from the authors, or from the hub, which has no `texts`."""
        return self.fetch is not None or (self.hub is not None and not self.texts)

    @property
    def patterns(self) -> list[str]:
        """Those of all files that are read."""
        return [one for one in (self.files, self.shots, *self.beside.values(), *self.texts.values()) if one]


def by_hand(source: Source, folder: Path | str) -> str:
    """How data are had that nothing fetches, and where they are put."""
    files = BRACES.sub("*", source.files)
    if source.whole:
        return "its rows come along, all that there are: there is nothing to fetch"
    if source.form is None:
        where = f"they are published at {source.origin}" if source.origin else "its manifest does not say from where"
        return f"nothing fetches its data: {where}; put {files} into {folder}"
    named = f"{source.given_as} as {files}" if source.given_as else files
    return f"its data are given out against a form: fill in {source.form}, and put {named} into {folder}"


def misspelt(known: Collection[str], names: Iterable[str]) -> list[str]:
    """Of names that no benchmark has, what may have been meant; empty if all are known."""
    problems = []
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(name, known, 3, 0.5)
            hint = f"did you mean {' or '.join(close)}?" if close else f"there are: {', '.join(sorted(known))}"
            problems.append(f"no benchmark is called {name!r}; {hint}")
    return problems


@dataclass(frozen=True)
class DataFile:
    """One file of rows: `key` is what its braces stand for, `stem` its name without suffixes.

    shards: of a split of the hub's, which may be in several files, all of them in order; `path` is the first.
    """

    path: Path
    key: str
    shards: tuple[Path, ...] = ()

    @property
    def stem(self) -> str:
        return self.path.name.removesuffix(".gz").rpartition(".")[0]


def manifests(root: Path) -> list[Path]:
    """The manifests of a data root: `manifest.yaml`, and the files of the folder `manifest`."""
    own = root / "manifest.yaml"
    return ([own] if own.is_file() else []) + sorted((root / "manifest").glob("*.yaml"))


def sources(root: Path) -> dict[str, Source]:
    """What the manifests of a data root name. Raises DataError for a benchmark that two of them have."""
    found: dict[str, Source] = {}
    for path in manifests(root):
        own = load_manifest(path)
        if twice := found.keys() & own.keys():
            raise DataError(f"{path}: {min(twice)} stands in another manifest of {root} too")
        found |= own
    for name, hub in read_table(root / "hub.yaml").items():
        if name in found and found[name].hub is None:
            found[name] = replace(found[name], hub=hub)
    return found


def load_manifest(path: Path) -> Mapping[str, Source]:
    """The sources that a manifest names. Raises DataError for a file that is not one."""
    try:
        return _loaded(path, path.stat().st_mtime_ns)
    except OSError as error:
        raise DataError(f"{path}: not a manifest: {error}") from None


@lru_cache(maxsize=64)
def _loaded(path: Path, changed: int) -> Mapping[str, Source]:
    """Every benchmark asks for its entry: a file is read again only when it was `changed`."""
    import yaml

    try:
        content = yamlfile.plain(path) or {}
        return {name: _source(path, name, entry) for name, entry in content.items()}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise DataError(f"{path}: not a manifest: {error}") from None
    except (TypeError, AttributeError) as error:
        raise DataError(f"{path}: an entry is not as docs/data.md has it: {error}") from None


def _source(path: Path, name: str, entry: Mapping[str, Any]) -> Source:
    """A manifest's entry, its values checked."""
    source = Source(**entry)
    if source.fetch is not None:
        try:
            source = replace(source, fetch=read_published(entry["fetch"]))
        except ValueError as error:
            raise DataError(f"{path}: {name}: {error}") from None
    if source.hub is not None:
        source = replace(source, hub=read_hub(entry["hub"], f"{path}: {name}"))
    named = [
        ("files", source.files),
        ("folder", source.folder),
        ("shots", source.shots),
        *source.beside.items(),
        *source.texts.items(),
    ]
    for key, value in named:
        if not isinstance(value, str) and (key not in ("shots", "folder") or value is not None):
            raise DataError(f"{path}: {name}: {key} must be a file's name within the benchmark's folder, not {value!r}")
        if value is not None and (value.startswith("/") or ".." in Path(value).parts):
            raise DataError(f"{path}: {name}: {key} must lie within the benchmark's folder, not at {value}")
    for key in ("take", "take_shots"):
        value = getattr(source, key)
        if value is not None and not SLICE.fullmatch(str(value)):
            raise DataError(f"{path}: {name}: {key} takes rows as `10:510` does, from 0, not {value!r}")
    if source.samples is not None and (type(source.samples) is not int or source.samples < 1):
        raise DataError(f"{path}: {name}: samples is how many the published files hold, not {source.samples!r}")
    if source.restricted is not None and source.restricted not in RESTRICTED:
        raise DataError(f"{path}: {name}: restricted is one of {', '.join(RESTRICTED)}, not {source.restricted!r}")
    if source.form is not None and not str(source.form).startswith(("https://", "http://")):
        raise DataError(f"{path}: {name}: form is an address that begins with https://, not {source.form!r}")
    if source.columns not in ("header", "none"):
        raise DataError(f"{path}: {name}: columns is header or none, not {source.columns!r}")
    return source


def bundled_root(module: Path) -> Path | None:
    """The folder `data` with a manifest that is nearest above a benchmark's module."""
    for folder in module.parents:
        if manifests(folder / "data"):
            return folder / "data"
    return None


def comes_whole(benchmark: Benchmark) -> bool:
    """Whether the rows that come with a benchmark are all that there are, for any model."""
    root = bundled_root(benchmark.module)
    source = sources(root).get(benchmark.name) if root is not None and benchmark.data is None else None
    return source is not None and source.whole


def find_source(benchmark: Benchmark, root: Path | None, form: str | None = None) -> tuple[Source, Path]:
    """A benchmark's source and the folder of its files, as the folder has them: see `_as_laid_out`.

    `root` is the data root that the run uses; None stands for the bundled one. Files beside the module are
    used unless the root has a folder of the benchmark.
    Raises DataError where neither a manifest nor the benchmark itself says where its data are.
    """
    if benchmark.data is not None:
        own = Source(files=benchmark.data, shots=benchmark.shots_data)
        elsewhere = root is not None and (root / benchmark.name).is_dir()
        folder = root / benchmark.name if root is not None and elsewhere else benchmark.module.parent
        return _as_laid_out(benchmark.name, own, folder, form if elsewhere else None), folder
    bundled = bundled_root(benchmark.module)
    known = sources(bundled) if bundled else {}
    if root is not None:
        known = {**known, **sources(root)}
    root = root or bundled
    if form is not None and root is not None and benchmark.name not in known:
        known = {**known, benchmark.name: Source(files="")}
    if root is None or benchmark.name not in known:
        raise DataError(
            f"{benchmark.module}: nothing says where the data of {benchmark.name!r} are: "
            f"give Benchmark(..., data=FILE) or an entry in a manifest.yaml"
        )
    source, folder = known[benchmark.name], root / benchmark.name
    if source.folder is not None and not folder.is_dir():
        folder = root / source.folder
    return _as_laid_out(benchmark.name, source, folder, form), folder


def _as_laid_out(name: str, source: Source, folder: Path, form: str | None) -> Source:
    """A source as its folder has it: as the authors publish it, as UltraEval writes it (`form`), or as the hub does."""
    if form == "ultraeval":
        axes = BRACES.findall(source.files)
        one = "{task}" if not (folder / f"data/{name}.jsonl").is_file() and (folder / "data").is_dir() else name
        file = "-".join(f"{{{axis}}}" for axis in axes) or one
        shots = "shots" if (folder / "shots").is_dir() else "data"
        kept = Source(files=f"data/{file}.jsonl", shots=f"{shots}/{file}.jsonl")
        known = {key: getattr(source, key) for key in ("groups", "capability", "language", "origin", "licence")}
        return replace(kept, **known)
    hub = source.hub
    if hub is None or find_files(folder, source.files) or not find_files(folder, hub.files):
        return source
    return replace(
        source,
        files=hub.files,
        shots=hub.shots,
        take=None,
        take_shots=hub.take_shots,
        beside={},
        stem=source.files.rpartition("/")[2].removesuffix(".gz").rpartition(".")[0],
        first_row=hub.first_row,
    )


BRACES = re.compile(r"\{(\w+)\}")


def names_of(pattern: str) -> re.Pattern[str]:
    """The names that a pattern means, plain or .gz, with a group for each of its braces."""
    parts = (re.escape(part) for part in BRACES.sub("\0", pattern).split("\0"))
    return re.compile(r"([^/\\]+)".join(parts) + r"(?:\.gz)?")


def listed_keys(source: Source) -> list[str] | None:
    """What the braces of `files` stand for by the manifest: by its groups, or by the files that it pins.

    None where it does not say so.
    """
    axes = BRACES.findall(source.files)
    if not axes:
        return [""]
    listed = [value for rule in source.groups.values() for group in rule.get(axes[0], {}).values() for value in group]
    if listed and len(axes) == 1:
        return listed
    pins = source.fetch.pins if source.fetch is not None else ()
    if any(pin.file is None and not pin.join for pin in pins):
        return None  # what is in an archive, it alone knows
    files = [file for pin in pins for file in ([pin.file] if pin.file else pin.join)]
    if any(BRACES.search(file) for file in files):
        return None
    found = (names_of(source.files).fullmatch(file) for file in files)
    return ["-".join(match.groups()) for match in found if match] or None


def find_files(folder: Path, pattern: str, whole: bool = False) -> list[DataFile]:
    """The files of a pattern, plain or .gz, sorted by name; of one that ends in .parquet, the splits of the hub's.

    whole: raise DataError where a file of such a split is missing.
    """
    if pattern.endswith(".parquet"):
        return [DataFile(shards[0], key, shards) for key, shards in find_splits(folder, pattern, whole)]
    glob = BRACES.sub("*", pattern)
    key = names_of(pattern)
    found: dict[str, DataFile] = {}
    for path in sorted([*folder.glob(glob), *folder.glob(glob + ".gz")]):
        match = key.fullmatch(path.relative_to(folder).as_posix())
        if match and path != folder / RECORD:
            name = "-".join(match.groups())
            found.setdefault(name, DataFile(path, name))
    return list(found.values())
