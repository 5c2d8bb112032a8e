"""data/published.yaml: scores that papers and model cards report, as tables with a column for what was measured.

sources:
  llama2: {title: "Llama 2: ...", where: "arXiv:2307.09288, Tables 19 to 24", read: what it was read from}
models:
  llama2-7b: [meta-llama/Llama-2-7b-hf]     # other names
tables:
  - source: llama2
    shots: 0                                # of columns that do not say; so is `note`
    columns:
      - {benchmark: hellaswag, metric: acc_norm_chars, variant: ppl}
      - {benchmark: mmlu, metric: accuracy, shots: 5, macro: subject}
    scores:
      llama2-7b: [77.2, 45.3]
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proctor.errors import SetupError
from proctor.yamlfile import Reader, load

FILE = "published.yaml"
TABLE = ("source", "shots", "note", "columns", "scores")
COLUMN = ("benchmark", "metric", "variant", "group", "macro", "shots", "note", "unlike")
Where = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where figures are published, and what they were read from."""

    title: str
    where: str
    read: str


@dataclass(frozen=True, slots=True)
class Column:
    """What a figure measures.

    benchmarks: several, where it is the mean of their scores. metric: by proctor's name. variant: the only one of
    proctor's that asks alike, or None. group: axis and group; macro: the axis over whose groups it is the mean. shots:
    None where that is not said. note: what is otherwise than here; unlike: why nothing here may be compared with it.
    """

    benchmarks: Sequence[str]
    metric: str
    variant: str | None = None
    group: tuple[str, str] | None = None
    macro: str | None = None
    shots: int | None = None
    note: str = ""
    unlike: str = ""

    @property
    def name(self) -> str:
        """`hellaswag`, `race, level high`, `mmlu, mean by subject`, `mean of arc-e and arc-c`."""
        several = len(self.benchmarks) > 1
        name = f"mean of {' and '.join(self.benchmarks)}" if several else self.benchmarks[0]
        if self.group is not None:
            return f"{name}, {' '.join(self.group)}"
        return name if self.macro is None else f"{name}, mean by {self.macro}"


@dataclass(frozen=True, slots=True)
class Figure:
    """One score: in per cent, but for perplexity; `rounding` is half of its last digit."""

    model: str
    column: Column
    score: float
    rounding: float
    source: str


@dataclass(frozen=True)
class Published:
    """All that the file has. `aliases`: other names by model."""

    sources: Mapping[str, Origin]
    aliases: Mapping[str, Sequence[str]]
    figures: Sequence[Figure]

    def model(self, *names: str | None) -> str | None:
        """The model that one of these names means: its own or an alias, with or without owner and revision."""
        known = {key: model for model, others in self.aliases.items() for key in _keys(model, *others)}
        return next((known[key] for name in names if name for key in _keys(name) if key in known), None)

    def named(self, name: str) -> str:
        """The model that somebody means. Raises SetupError that lists what is known."""
        model = self.model(name)
        if model is not None:
            return model
        everything = {alias: model for model, others in self.aliases.items() for alias in (model, *others)}
        close = difflib.get_close_matches(_keys(name)[-1], [*everything], n=5, cutoff=0.6)
        alike = list(dict.fromkeys(everything[one] for one in close))[:3]
        hint = f"Did you mean {' or '.join(alike)}? " if alike else ""
        raise SetupError(
            f"{name}: no figures of a model of this name are known. {hint}Known are: {', '.join(sorted(self.aliases))}"
        )


def _keys(*names: str) -> list[str]:
    """By which names are the same: without case and revision, and without the owner."""
    plain = [name.casefold().partition("@")[0].rstrip("/").replace("_", "-") for name in names]
    return list(dict.fromkeys([*plain, *(one.rpartition("/")[2] for one in plain)]))


def read(path: Path, benchmarks: Collection[str]) -> Published:
    """The figures of a file, all of these benchmarks. Raises SetupError with file, line and key for what is wrong."""
    reader, content = load(path)
    top = reader.keys((), content, ("sources", "models", "tables"))
    sources = {
        name: _origin(reader, ("sources", name), entry)
        for name, entry in reader.named(("sources",), top.get("sources"), "of titles and places by name").items()
    }
    aliases = {
        name: _aliases(reader, ("models", name), entry)
        for name, entry in reader.named(("models",), top.get("models"), "of other names by name").items()
    }
    _distinct(reader, aliases)
    tables = reader.entries(("tables",), top.get("tables"), "of tables")
    figures = [
        figure
        for place, entry in enumerate(tables)
        for figure in _table(reader, ("tables", place), entry, sources, aliases, benchmarks)
    ]
    return Published(sources, aliases, figures)


def _origin(reader: Reader, where: Where, value: Any) -> Origin:
    own = reader.keys(where, value, ("title", "where", "read"))
    return Origin(*(reader.text((*where, key), own.get(key)) for key in ("title", "where", "read")))


def _aliases(reader: Reader, where: Where, value: Any) -> list[str]:
    if value is None:
        return []
    return [
        reader.text((*where, place), name)
        for place, name in enumerate(reader.entries(where, value, "of other names, or ~"))
    ]


def _distinct(reader: Reader, aliases: Mapping[str, Sequence[str]]) -> None:
    """A name must mean one model."""
    seen: dict[str, str] = {}
    for model, others in aliases.items():
        for key in _keys(model, *others):
            if seen.setdefault(key, model) != model:
                reader.fail(("models", model), f"{key} is a name of {seen[key]} too")


def _table(
    reader: Reader,
    where: Where,
    value: Any,
    sources: Mapping[str, Origin],
    aliases: Mapping[str, Sequence[str]],
    benchmarks: Collection[str],
) -> Iterator[Figure]:
    own = reader.keys(where, value, TABLE)
    source = reader.word((*where, "source"), own.get("source"), tuple(sources))
    entries = reader.entries((*where, "columns"), own.get("columns"), "of columns")
    columns = [
        _column(reader, (*where, "columns", place), {**_defaults(own), **_mapping(entry)}, entry, benchmarks)
        for place, entry in enumerate(entries)
    ]
    for model, row in reader.named((*where, "scores"), own.get("scores"), "of scores by model").items():
        line = (*where, "scores", model)
        reader.word(line, model, tuple(aliases))
        scores = reader.entries(line, row, "of scores")
        if len(scores) != len(columns):
            reader.fail(line, f"{len(scores)} scores for {len(columns)} columns")
        for place, (column, score) in enumerate(zip(columns, scores, strict=True)):
            if score is not None:
                number = reader.number((*line, place), score, 0, 100)
                yield Figure(model, column, number, _rounding(score), source)


def _defaults(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: table[key] for key in ("shots", "note") if key in table}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}  # what it is instead, is told when it is read


def _column(reader: Reader, where: Where, own: Mapping[str, Any], entry: Any, benchmarks: Collection[str]) -> Column:
    """A column, of what itself and its table say."""
    reader.keys(where, entry, COLUMN)
    named = own.get("benchmark")
    names = named if isinstance(named, list) and named else [named]
    group = own.get("group")
    if group is not None and len(reader.named((*where, "group"), group, "of an axis and its group")) != 1:
        reader.fail((*where, "group"), "one axis and its group are needed, as {level: high}")
    if group is not None and own.get("macro") is not None:
        reader.fail((*where, "macro"), "a figure is of one group, or the mean of an axis' groups, not both")

    def text(key: str) -> str:
        return reader.text((*where, key), own[key]) if own.get(key) else ""

    shots = own.get("shots")
    if shots is not None and not isinstance(shots, int):
        reader.fail((*where, "shots"), f"a whole number is needed, or ~ where it is not said, not {shots!r:.60}")
    return Column(
        [reader.word((*where, "benchmark"), name, tuple(benchmarks)) for name in names],
        reader.text((*where, "metric"), own.get("metric")),
        text("variant") or None,
        None if group is None else next((axis, reader.text((*where, "group"), one)) for axis, one in group.items()),
        text("macro") or None,
        None if shots is None else int(reader.number((*where, "shots"), shots, 0, 1000)),
        text("note"),
        text("unlike"),
    )


def _rounding(score: float) -> float:
    """Half of the last digit that is given: 0.05 of 77.2, 0.5 of 58."""
    digits = "" if isinstance(score, int) else repr(score).partition(".")[2]
    return float(0.5 * 10 ** -len(digits))


# --- how they are listed ----------------------------------------------------------------------------------------------

MODELS = ("model", "also called", "sources", "figures", "benchmarks")
FIGURES = ("model", "benchmark", "metric", "variant", "source", "shots", "score")


def overview(published: Published) -> list[tuple[str, ...]]:
    """A row for each model."""
    rows: list[tuple[str, ...]] = []
    for model, others in sorted(published.aliases.items()):
        own = [figure for figure in published.figures if figure.model == model]
        names = {name for figure in own for name in figure.column.benchmarks}
        sources = ", ".join(dict.fromkeys(figure.source for figure in own))
        rows.append((model, ", ".join(others), sources, str(len(own)), str(len(names))))
    return rows


def listed(figures: Sequence[Figure]) -> Iterator[tuple[tuple[str, ...], str]]:
    """A row for each figure, and what must be known of it."""
    for figure in figures:
        column = figure.column
        said = f"not to be compared: {column.unlike}" if column.unlike else column.note
        yield (
            (
                figure.model,
                column.name,
                column.metric,
                column.variant or "",
                figure.source,
                "?" if column.shots is None else str(column.shots),
                shown(figure),
            ),
            said,
        )


def shown(figure: Figure) -> str:
    """The score with as many digits as its source gives, 2 at most."""
    digits = 0 if figure.rounding == 0.5 else 1 if figure.rounding > 0.01 else 2
    return f"{figure.score:.{digits}f}"


def origins(published: Published, figures: Sequence[Figure]) -> Iterator[str]:
    """A line for each source of these figures."""
    for name in dict.fromkeys(figure.source for figure in figures):
        origin = published.sources[name]
        yield f"{name}: {origin.title}, {origin.where}; read from {origin.read}"
