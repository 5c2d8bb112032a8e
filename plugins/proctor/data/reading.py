"""Data: where a benchmark's rows lie, and how they become samples.

A data root is a folder `<benchmark>/<file>[.gz]` in the schema that the authors publish (`proctor.rows`). A
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
import hashlib
import inspect
import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from proctor import yamlfile
from proctor.benchmark import Benchmark
from proctor.data.hub import Hub, find_splits, hub_rows, read_hub, read_table
from proctor.data.pins import Published, read_published
from proctor.data.rows import Row, read_rows, read_text
from proctor.data.trail import field_at_fault
from proctor.data.ultraeval import ultraeval_reader
from proctor.errors import DataError
from proctor.sample import Sample

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


@dataclass
class Dataset:
    """All samples of a benchmark, in the order of files and rows, with the shots of each and their file and line."""

    samples: list[Sample]
    shots: list[Sequence[Sample]]
    where: list[str]
    origin: str
    sha256: str
    rows: int
    source: Source
    excluded: dict[str, int] = field(default_factory=dict)
    examples: list[tuple[Sample, str]] = field(default_factory=list)
    """The rows of few-shot files that are shown, each with its file and line."""
    format: str | None = None
    """"ultraeval" where the rows are written that way."""


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


def load(benchmark: Benchmark, root: Path | None, shots: int, form: str | None = None) -> Dataset:
    """Read a benchmark. Raises DataError naming file and line for whatever cannot be read.

    form: "ultraeval" where `root` holds the rows as UltraEval writes them; None: as the authors or the hub do.
    """
    source, folder = find_source(benchmark, root, form)
    if benchmark.reader is None and form is None:
        raise DataError(f"{benchmark.module}: {benchmark.name} has no reader: decorate one with @{benchmark.name}.rows")
    files = find_files(folder, source.files, whole=True)
    if not files:
        raise DataError(
            f"{benchmark.name}: no file {folder / source.files}[.gz]; --data-dir=DIR names a folder that holds "
            f"{benchmark.name}/{source.files}, --data-dir=bundled the bundled samples"
        )
    bundled = root is None and benchmark.data is None
    origin = root if root is not None and folder.parent == root else folder
    source = replace(source, revision=fetched_revision(folder) or source.revision)
    dataset = Dataset([], [], [], "bundled" if bundled else str(origin), "", 0, source, format=form)
    digest = hashlib.sha256()
    own = None if benchmark.reader is None else _reader(benchmark.reader)
    read = own if form is None else ultraeval_reader(benchmark.name, own)
    assert read is not None
    reading = _Reading(benchmark, source, folder, read, digest)
    for file in files:
        examples = reading.shots(file, shots, dataset) if shots else ()
        texts = reading.texts(file)
        before = dataset.rows
        for number, sample, where in reading.samples(file, source.take, dataset):
            sample.id = f"{file.key}-{number}" if file.key else number
            sample.groups = {**sample.groups, **_derived(source, sample)}
            sample.metadata = {**sample.metadata, **texts} if texts else sample.metadata
            dataset.samples.append(sample)
            dataset.shots.append(examples if source.shots_by is None else reading.of_group(sample, examples, shots))
            dataset.where.append(where)
        if dataset.rows == before:
            raise DataError(f"{file.path}: no rows")
    if shots and source.shots == source.files and source.take == source.take_shots:
        dataset.shots = [
            _others(sample, own, shots) for sample, own in zip(dataset.samples, dataset.shots, strict=True)
        ]
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


@dataclass(frozen=True)
class _Reading:
    """A benchmark's files as samples; `digest` takes the content of all that is read."""

    benchmark: Benchmark
    source: Source
    folder: Path
    read: Callable[[Row, str], Any]
    digest: Any
    by_group: dict[tuple[str | None, int], list[Sample]] = field(default_factory=dict)

    def samples(self, file: DataFile, take: str | None, dataset: Dataset | None) -> Iterator[tuple[str, Sample, str]]:
        """(row number, sample, file:line) of each sample of a file; rows yielding several get `17.0`, `17.1`.

        dataset: where rows, and those that were left out, are counted; None for few-shot files.
        """
        for index, line, row in self._rows(file, take):
            where = f"{file.path}:{line}"
            made = _read(self.read, row, self._stem(file), where)
            if dataset is not None:
                dataset.rows += 1
            single = isinstance(made, Sample)
            count = 0
            for count, sample in enumerate([made] if isinstance(made, Sample) else made, 1):
                if isinstance(sample, str) and dataset is not None:
                    dataset.excluded[sample] = dataset.excluded.get(sample, 0) + 1
                    continue
                if isinstance(sample, str):
                    continue  # no example is made of a row that is left out
                _check(sample, where)
                yield sample.id or (str(index) if single else f"{index}.{count - 1}"), sample, where
            if not count and dataset is not None:
                dataset.excluded["no sample"] = dataset.excluded.get("no sample", 0) + 1

    def _rows(self, file: DataFile, take: str | None) -> Iterator[tuple[int, int, Row]]:
        """(row number from 0, line number from 1, row): with what stands beside it, and of those that are taken."""
        if file.shards:
            rows = hub_rows(self.benchmark.name, file.shards, self.digest)
        else:
            rows = read_rows(file.path, self.source.columns, self.digest, self.source.rows)
        beside = {name: self._lines(file, pattern) for name, pattern in self.source.beside.items()}
        if not beside and take is None:
            yield from ((index, line, row) for index, (line, row) in enumerate(rows, self.source.first_row))
            return
        known = list(rows)
        for name, lines in beside.items():
            if len(lines) != len(known):
                other = self._own(file, self.source.beside[name])
                raise DataError(f"{other}: {len(lines)} lines for the {len(known)} rows of {file.path}")
        first, last = _slice(take)
        for index, (line, row) in list(enumerate(known))[first:last]:
            more = {name: lines[index] for name, lines in beside.items()}
            if more and not isinstance(row, Mapping):
                raise DataError(f"{file.path}:{line}: the row is no record, so that nothing can be put beside it")
            yield index, line, {**row, **more} if more else row

    def _stem(self, file: DataFile) -> str:
        """The file's name without suffixes, as the authors call it."""
        return file.stem if self.source.stem is None else BRACES.sub(lambda _: file.key, self.source.stem)

    def _own(self, file: DataFile, pattern: str) -> Path:
        """The file of a pattern whose braces stand for the same text. Raises DataError where it is missing."""
        path = self.folder / BRACES.sub(lambda _: file.key, pattern)
        found = next((one for one in (path, path.with_name(path.name + ".gz")) if one.is_file()), None)
        if found is None:
            raise DataError(f"{self.benchmark.name}: {path}[.gz] is missing, which belongs to {file.path}")
        return found

    def _lines(self, file: DataFile, pattern: str) -> list[str]:
        return [row["line"] for _, row in read_rows(self._own(file, pattern), digest=self.digest)]

    def texts(self, file: DataFile) -> dict[str, str]:
        """Whole files that belong to one, by the names under which samples have them."""
        found = {}
        for name, pattern in self.source.texts.items():
            path = self._own(file, pattern)
            found[name] = read_text(path, self.digest)
            if not found[name].strip():
                raise DataError(f"{path}: is empty, where samples of {file.path} take their {name} from")
        return found

    def shots(self, file: DataFile, shots: int, dataset: Dataset) -> list[Sample]:
        """The first `shots` samples of the few-shot file of `file`, which `dataset` notes; all, where it is itself."""
        pattern, name = self.source.shots, self.benchmark.name
        if pattern is None:
            raise DataError(f"{name}: {shots} shots, but nothing says where few-shot rows are; --shots=0 asks none")
        own = [other for other in find_files(self.folder, pattern, whole=True) if other.key == file.key]
        if not own:
            missing = self.folder / BRACES.sub(lambda _: file.key, pattern)
            raise DataError(f"{name}: no few-shot file for {file.path}: {missing}[.gz] is missing")
        found, places = [], []
        for number, sample, where in self.samples(own[0], self.source.take_shots, None):
            sample.id = f"{file.key}-{number}" if file.key else number
            found.append(sample)
            places.append(where)
        same = own[0].path == file.path and self.source.take == self.source.take_shots
        if len(found) - same < shots:
            itself = ", of which one is the sample itself" if same else ""
            raise DataError(
                f"{own[0].path}: {len(found)} few-shot rows{itself}; {name} needs {shots} "
                f"(--shots={max(0, len(found) - same)} asks fewer)"
            )
        if same or self.source.shots_by is not None:
            return found
        dataset.examples += zip(found[:shots], places[:shots], strict=True)
        return [replace(sample, id=f"shot-{place}") for place, sample in enumerate(found[:shots])]

    def of_group(self, sample: Sample, found: Sequence[Sample], shots: int) -> Sequence[Sample]:
        """The first `shots` few-shot samples of the sample's own group on the axis `shots_by`: one list a group."""
        axis = self.source.shots_by or ""
        group = sample.groups.get(axis)
        if shots and (group, shots) not in self.by_group:
            own = [other for other in found if other.groups.get(axis) == group][:shots]
            if len(own) < shots:
                raise DataError(
                    f"{self.benchmark.name}: {len(own)} few-shot rows of the {axis} {group!r} in {self.source.shots}; "
                    f"{shots} are needed (--shots={len(own)} asks fewer)"
                )
            self.by_group[group, shots] = [replace(one, id=f"shot-{place}") for place, one in enumerate(own)]
        return self.by_group[group, shots] if shots else ()


def without(dataset: Dataset, leave_out: Callable[[Sample], str | None]) -> Dataset:
    """The dataset of a variant that leaves out the samples for which `leave_out` gives a reason, which is counted."""
    reasons = [leave_out(sample) for sample in dataset.samples]
    kept = [place for place, reason in enumerate(reasons) if reason is None]
    counts = Counter(dataset.excluded) + Counter(reason for reason in reasons if reason is not None)
    return replace(
        dataset,
        samples=[dataset.samples[place] for place in kept],
        shots=[dataset.shots[place] for place in kept],
        where=[dataset.where[place] for place in kept],
        excluded=dict(counts),
    )


def _others(sample: Sample, found: Sequence[Sample], shots: int) -> list[Sample]:
    """The first samples of the same file but the sample itself, and others of its cluster."""
    own = [
        other
        for other in found
        if other.id != sample.id and (sample.cluster is None or other.cluster != sample.cluster)
    ]
    return [replace(other, id=f"shot-{number}") for number, other in enumerate(own[:shots])]


def _slice(take: str | None) -> tuple[int | None, int | None]:
    found = SLICE.fullmatch(take or ":")
    assert found is not None  # checked with the manifest
    return (int(found[1]) if found[1] else None), (int(found[2]) if found[2] else None)


def _check(sample: Any, where: str) -> None:
    """Raise DataError for what is no sample."""
    if not isinstance(sample, Sample):
        raise DataError(f"{where}: the reader gave {type(sample).__name__}, not a Sample")
    for name in ("question", "passage", "reference"):
        if not isinstance(getattr(sample, name), str):
            raise DataError(f"{where}: the {name} is no text but {getattr(sample, name)!r:.60}")
    for place, choice in enumerate(sample.choices, 1):
        if not isinstance(choice, str):
            raise DataError(f"{where}: option {place} is no text but {choice!r:.60}")
    if sample.choices and not any(map(str.strip, sample.choices)):
        raise DataError(f"{where}: all {len(sample.choices)} options are empty")


def _read(read: Callable[[Row, str], Any], row: Row, stem: str, where: str) -> Sample | list[Any]:
    try:
        made = read(row, stem)
        if isinstance(made, Sample):
            return made
        # One reason to leave the row out, or a record for a sample: not something of several.
        return [made] if isinstance(made, str | Mapping) else list(made)
    except Exception as error:
        if isinstance(row, Mapping):
            held = ", ".join(map(str, row))[:300]
        else:
            held = f"{len(row)} columns" if isinstance(row, list) else repr(row)[:100]
        missing = isinstance(error, KeyError) and isinstance(row, Mapping) and error.args[0] not in row
        told = re.match(r"\w+", str(error))  # where the page itself names the field, it knows better
        known = isinstance(row, Mapping) and told is not None and told[0] in row
        path = "" if known else field_at_fault(lambda watched: read(watched, stem), row)
        at = f", {path}" if path and not (missing and path == error.args[0]) else ""
        raise DataError(
            f"{where}: this row cannot be read{at}: {type(error).__name__}: {error}; it has: {held}"
        ) from None


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
