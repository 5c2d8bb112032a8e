"""Reading a benchmark: its files' rows become samples, each with its few-shot examples, its file and its line."""

from __future__ import annotations

import hashlib
import inspect
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from proctor.benchmark import Benchmark
from proctor.data.hub import hub_rows
from proctor.data.manifest import BRACES, RECORD, SLICE, DataFile, Source, find_files, find_source
from proctor.data.rows import Row, read_rows, read_text
from proctor.data.trail import field_at_fault
from proctor.data.ultraeval import ultraeval_reader
from proctor.errors import DataError
from proctor.sample import Sample


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
