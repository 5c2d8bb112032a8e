"""Data: where a benchmark's rows lie, and how they become samples.

A data root is a folder `<benchmark>/<file>[.gz]` in the schema that the authors publish: JSON lines,
JSON or CSV. A `manifest.yaml` names each benchmark's files, its few-shot files and its groups:

    mmlu:
      files: test/{subject}_test.csv        # a name in braces stands for any text, the same in both
      shots: dev/{subject}_dev.csv
      columns: none                         # CSV rows are lists, not records
      groups:
        category: {subject: {STEM: [astronomy, ...], ...}}
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import inspect
import io
import json
import re
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from proctor.benchmark import Benchmark
from proctor.errors import DataError
from proctor.pins import Published, read_published
from proctor.sample import Sample

Row = Any

RECORD = "fetched.json"
"""In a benchmark's folder: what was fetched into it, by proctor.fetch."""


@dataclass(frozen=True)
class Source:
    """A benchmark's entry in a manifest."""

    files: str
    shots: str | None = None
    columns: str = "header"
    groups: Mapping[str, Mapping[str, Mapping[str, Sequence[str]]]] = field(default_factory=dict)
    capability: str | None = None
    language: str | None = None
    origin: str | None = None
    revision: str | None = None
    licence: str | None = None
    fetch: Published | None = None


@dataclass(frozen=True)
class DataFile:
    """One file of rows: `key` is what its braces stand for, `stem` its name without suffixes."""

    path: Path
    key: str

    @property
    def stem(self) -> str:
        return self.path.name.removesuffix(".gz").rpartition(".")[0]


@dataclass
class Dataset:
    """All samples of a benchmark, in the order of files and rows, with the shots of each."""

    samples: list[Sample]
    shots: list[Sequence[Sample]]
    where: list[str]
    origin: str
    sha256: str
    rows: int
    source: Source
    excluded: dict[str, int] = field(default_factory=dict)


def load_manifest(path: Path) -> dict[str, Source]:
    """The sources that a manifest names. Raises DataError for a file that is not one."""
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
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
    for key in ("files", "shots"):
        value = getattr(source, key)
        if not isinstance(value, str) and (key == "files" or value is not None):
            raise DataError(f"{path}: {name}: {key} must be a file's name within the benchmark's folder, not {value!r}")
        if value is not None and (value.startswith("/") or ".." in Path(value).parts):
            raise DataError(f"{path}: {name}: {key} must lie within the benchmark's folder, not at {value}")
    if source.columns not in ("header", "none"):
        raise DataError(f"{path}: {name}: columns is header or none, not {source.columns!r}")
    return source


def bundled_root(module: Path) -> Path | None:
    """The folder `data` with a manifest that is nearest above a benchmark's module."""
    for folder in module.parents:
        if (folder / "data" / "manifest.yaml").is_file():
            return folder / "data"
    return None


def find_source(benchmark: Benchmark, root: Path | None) -> tuple[Source, Path]:
    """A benchmark's source and the folder of its files.

    `root` is the data root that the run uses; None stands for the bundled one. Files beside the module are
    used unless the root has a folder of the benchmark.
    Raises DataError where neither a manifest nor the benchmark itself says where its data are.
    """
    if benchmark.data is not None:
        own = Source(files=benchmark.data, shots=benchmark.shots_data)
        elsewhere = root is not None and (root / benchmark.name).is_dir()
        return own, root / benchmark.name if root is not None and elsewhere else benchmark.module.parent
    bundled = bundled_root(benchmark.module)
    known = load_manifest(bundled / "manifest.yaml") if bundled else {}
    if root is not None and (root / "manifest.yaml").is_file():
        known = {**known, **load_manifest(root / "manifest.yaml")}
    root = root or bundled
    if root is None or benchmark.name not in known:
        raise DataError(
            f"{benchmark.module}: nothing says where the data of {benchmark.name!r} are: "
            f"give Benchmark(..., data=FILE) or an entry in a manifest.yaml"
        )
    return known[benchmark.name], root / benchmark.name


BRACES = re.compile(r"\{(\w+)\}")


def names_of(pattern: str) -> re.Pattern[str]:
    """The names that a pattern means, plain or .gz, with a group for each of its braces."""
    parts = (re.escape(part) for part in BRACES.sub("\0", pattern).split("\0"))
    return re.compile(r"([^/\\]+)".join(parts) + r"(?:\.gz)?")


def listed_keys(source: Source) -> list[str] | None:
    """What the braces of `files` stand for by what the manifest's groups list; None where they do not say it."""
    axes = BRACES.findall(source.files)
    if not axes:
        return [""]
    listed = [value for rule in source.groups.values() for group in rule.get(axes[0], {}).values() for value in group]
    return listed if listed and len(axes) == 1 else None


def find_files(folder: Path, pattern: str) -> list[DataFile]:
    """The files of a pattern, plain or .gz, sorted by name."""
    glob = BRACES.sub("*", pattern)
    key = names_of(pattern)
    found: dict[str, DataFile] = {}
    for path in sorted([*folder.glob(glob), *folder.glob(glob + ".gz")]):
        match = key.fullmatch(path.relative_to(folder).as_posix())
        if match:
            name = "-".join(match.groups())
            found.setdefault(name, DataFile(path, name))
    return list(found.values())


def load(benchmark: Benchmark, root: Path | None, shots: int) -> Dataset:
    """Read a benchmark. Raises DataError naming file and line for whatever cannot be read."""
    source, folder = find_source(benchmark, root)
    if benchmark.reader is None:
        raise DataError(f"{benchmark.module}: {benchmark.name} has no reader: decorate one with @{benchmark.name}.rows")
    files = find_files(folder, source.files)
    if not files:
        raise DataError(
            f"{benchmark.name}: no file {folder / source.files}[.gz]; --data-dir=DIR names a folder that holds "
            f"{benchmark.name}/{source.files}, --data-dir=bundled the bundled samples"
        )
    read = _reader(benchmark.reader)
    bundled = root is None and benchmark.data is None
    origin = root if root is not None and folder == root / benchmark.name else folder
    source = replace(source, revision=fetched_revision(folder) or source.revision)
    dataset = Dataset([], [], [], "bundled" if bundled else str(origin), "", 0, source)
    digest = hashlib.sha256()
    for file in files:
        examples = _shots(benchmark, source, folder, file, read, shots, digest) if shots else ()
        before = len(dataset.samples)
        for number, sample, where in _samples(file, source, read, digest, dataset):
            sample.id = f"{file.key}-{number}" if file.key else number
            sample.groups = {**sample.groups, **_derived(source, sample)}
            dataset.samples.append(sample)
            dataset.shots.append(examples)
            dataset.where.append(where)
        if len(dataset.samples) == before and not dataset.excluded:
            raise DataError(f"{file.path}: no rows")
    dataset.sha256 = digest.hexdigest()
    return dataset


def fetched_revision(folder: Path) -> str | None:
    """The revision of the data that were fetched into a benchmark's folder; None where none were."""
    try:
        revision = json.loads((folder / RECORD).read_text(encoding="utf-8"))["revision"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return None if revision is None else str(revision)


def _reader(reader: Callable[..., Any]) -> Callable[[Row, str], Any]:
    if len(inspect.signature(reader).parameters) > 1:
        return reader
    return lambda row, file: reader(row)


def _samples(
    file: DataFile, source: Source, read: Callable[[Row, str], Any], digest: Any, dataset: Dataset | None
) -> Iterator[tuple[str, Sample, str]]:
    """(row number, sample, file:line) of each sample of a file; rows yielding several get `17.0`, `17.1`."""
    for index, (line, row) in enumerate(read_rows(file.path, source.columns, digest)):
        where = f"{file.path}:{line}"
        made = _read(read, row, file, where)
        if dataset is not None:
            dataset.rows += 1
        single = isinstance(made, Sample)
        count = 0
        for count, sample in enumerate([made] if isinstance(made, Sample) else made, 1):
            if isinstance(sample, str) and dataset is not None:
                dataset.excluded[sample] = dataset.excluded.get(sample, 0) + 1
                continue
            if not isinstance(sample, Sample):
                raise DataError(f"{where}: the reader gave {type(sample).__name__}, not a Sample")
            for name in ("question", "passage", "reference"):
                if not isinstance(getattr(sample, name), str):
                    raise DataError(f"{where}: the {name} is no text but {getattr(sample, name)!r:.60}")
            yield (str(index) if single else f"{index}.{count - 1}"), sample, where
        if not count and dataset is not None:
            dataset.excluded["no sample"] = dataset.excluded.get("no sample", 0) + 1


def _read(read: Callable[[Row, str], Any], row: Row, file: DataFile, where: str) -> Sample | list[Any]:
    try:
        made = read(row, file.stem)
        if isinstance(made, Sample):
            return made
        # One reason to leave the row out, or a record for a sample: not something of several.
        return [made] if isinstance(made, str | Mapping) else list(made)
    except Exception as error:
        if isinstance(row, Mapping):
            held = ", ".join(map(str, row))[:300]
        else:
            held = f"{len(row)} columns" if isinstance(row, list) else repr(row)[:100]
        raise DataError(f"{where}: this row cannot be read: {type(error).__name__}: {error}; it has: {held}") from None


def _shots(
    benchmark: Benchmark,
    source: Source,
    folder: Path,
    file: DataFile,
    read: Callable[[Row, str], Any],
    shots: int,
    digest: Any,
) -> list[Sample]:
    """The first `shots` samples of the few-shot file that belongs to `file`."""
    pattern = source.shots
    if pattern is None:
        raise DataError(
            f"{benchmark.name}: {shots} shots, but nothing says where few-shot rows are; --shots=0 asks none"
        )
    candidates = find_files(folder, pattern)
    own = [other for other in candidates if other.key == file.key]
    if not own:
        missing = folder / BRACES.sub(lambda _: file.key, pattern)
        raise DataError(f"{benchmark.name}: no few-shot file for {file.path}: {missing}[.gz] is missing")
    found = [sample for _, sample, _ in _samples(own[0], source, read, digest, None)][:shots]
    if len(found) < shots:
        raise DataError(
            f"{own[0].path}: {len(found)} few-shot rows; {benchmark.name} needs {shots} "
            f"(--shots={len(found)} asks fewer)"
        )
    for number, sample in enumerate(found):
        sample.id = f"shot-{number}"
    return found


def _derived(source: Source, sample: Sample) -> dict[str, str]:
    """The groups that a manifest derives from others: {category: {subject: {STEM: [astronomy, ...]}}}."""
    derived = {}
    for axis, rule in source.groups.items():
        for by, members in rule.items():
            value = sample.groups.get(by)
            group = next((name for name, values in members.items() if value in values), None)
            if group is not None:
                derived[axis] = group
    return derived


def read_rows(path: Path, columns: str = "header", digest: Any = None) -> Iterator[tuple[int, Row]]:
    """(line number from 1, row) of a .jsonl, .json or .csv file, plain or .gz.

    A JSON file holds a list of rows, or one row a line; for a list the number is the row's own, from 1.
    `columns`: `header` makes CSV rows records by their first line, `none` lists.
    `digest` is updated with the uncompressed content. Raises DataError naming file and line.
    """
    text = _text(path, digest)
    suffix = path.name.removesuffix(".gz").rpartition(".")[2]
    if suffix == "csv":
        yield from _csv_rows(path, text, columns)
    elif suffix == "json" and text.lstrip()[:1] == "[":
        yield from enumerate(_json(path, 1, text), 1)
    elif suffix in ("jsonl", "json"):
        for number, line in enumerate(text.split("\n"), 1):
            if line.strip():
                yield number, _json(path, number, line)
    else:
        raise DataError(f"{path}: cannot read .{suffix} files; known are .jsonl, .json and .csv, each also .gz")


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


def _csv_rows(path: Path, text: str, columns: str) -> Iterator[tuple[int, Row]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
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
        raise DataError(f"{path}:{reader.line_num}: not CSV: {error}") from None


def subset(samples: Sequence[Sample], name: str) -> list[int]:
    """Positions of samples in the order in which --limit takes them.

    A fixed pseudo-random order, the same on every machine: within each group (on the first axis) by the
    hash of (benchmark, sample id), the groups taken in turns. A smaller limit lies within a larger one.
    """

    def shuffled(text: str) -> bytes:
        return hashlib.sha256(f"{name}\x00{text}".encode()).digest()

    groups: dict[str, list[int]] = {}
    for position, sample in enumerate(samples):
        groups.setdefault(next(iter(sample.groups.values()), ""), []).append(position)
    turns: list[tuple[int, bytes, int]] = []
    for group, members in groups.items():
        members.sort(key=lambda position: shuffled(samples[position].id))
        turns += [(turn, shuffled(group), position) for turn, position in enumerate(members)]
    return [position for _, _, position in sorted(turns)]
