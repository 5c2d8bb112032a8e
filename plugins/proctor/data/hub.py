"""Rows as the Hugging Face hub lays them out: parquet files of a split, turned into the rows that the authors publish.

A page reads the authors' rows and knows nothing of the hub. `hub.yaml` of a data root, or `hub` in a manifest's entry,
says where a benchmark is there:

    arc-c:
      dataset: allenai/ai2_arc
      config: ARC-Challenge       # a name in braces stands for any config: {subject}
      split: test                 # or several, one after the other: [prompt, test]
      shots: validation
      revision: 210d026f...       # a commit; or a branch, whose commit is taken when it is fetched
      take_shots: "1:4"           # which rows of the few-shot split
      first_row: 10               # the number of the first row, where the authors' file has others before it

Files of a split, in any of the hub's ways: `<config>/<split>-00000-of-00001.parquet`, `<config>/<split>/0000.parquet`
(the branch refs/convert/parquet), `data/<split>-00000-of-00001.parquet` (a dataset of one config).

What the columns hold was taken from the datasets' cards and scripts on the hub and from the task code of harnesses that
read them; what the hub leaves out of an author's row stands at the function that would need it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any

from proctor import yamlfile
from proctor.errors import DataError, SetupError

Row = Any
Numbered = Iterable[tuple[int, Row]]
BRACES = re.compile(r"\{(\w+)\}")
SHARD = re.compile(r"-(\d{5})-of-(\d{5})\.parquet")
NOT_SAID = "not said"
"""Stands for a group that the authors' rows have and the hub's have not."""


@dataclass(frozen=True)
class Hub:
    """Where a benchmark is on the hub. `splits` and `shot_splits` are read one after the other."""

    dataset: str
    config: str
    splits: tuple[str, ...]
    shot_splits: tuple[str, ...] = ()
    revision: str | None = None
    take_shots: str | None = None
    first_row: int = 0

    @property
    def files(self) -> str:
        """The pattern by which `find_splits` finds the samples."""
        return f"{self.config}/{'+'.join(self.splits)}.parquet"

    @property
    def shots(self) -> str | None:
        """The pattern of the few-shot rows."""
        return f"{self.config}/{'+'.join(self.shot_splits)}.parquet" if self.shot_splits else None


def read_hub(entry: Any, where: str) -> Hub:
    """A benchmark's `hub` section. Raises DataError."""

    def several(value: Any) -> tuple[str, ...]:
        return () if value is None else tuple(value) if isinstance(value, list) else (value,)

    try:
        given = dict(entry)
        hub = Hub(splits=several(given.pop("split")), shot_splits=several(given.pop("shots", None)), **given)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise DataError(f"{where}: hub is not as docs/data.md has it: {type(error).__name__}: {error}") from None
    names = (hub.dataset, hub.config, *hub.splits, *hub.shot_splits)
    plain = all(isinstance(name, str) and name and ".." not in name and name[0] not in "/." for name in names)
    if not plain or not hub.splits or hub.dataset.count("/") != 1 or not isinstance(hub.first_row, int):
        raise DataError(f"{where}: hub has dataset (owner/name), config and split, which are names, not {entry!r}")
    return hub


def read_table(path: Path) -> Mapping[str, Hub]:
    """What `hub.yaml` says, by benchmark; nothing where there is none. Raises DataError."""
    return _table(path, path.stat().st_mtime_ns) if path.is_file() else {}


@lru_cache(maxsize=64)
def _table(path: Path, changed: int) -> Mapping[str, Hub]:
    """Every benchmark asks for its entry: a file is read again only when it was `changed`."""
    import yaml

    try:
        content = yamlfile.plain(path) or {}
        return {name: read_hub(entry, f"{path}: {name}") for name, entry in content.items()}
    except (OSError, UnicodeDecodeError, yaml.YAMLError, AttributeError) as error:
        raise DataError(f"{path}: not a table of the hub's datasets: {error}") from None


# --- files ------------------------------------------------------------------------------------------------------------


def ways(config: str, split: str) -> tuple[str, ...]:
    """The patterns by which a split's files may be called, for `glob` and for the hub's listing."""
    found = (f"{config}/{split}-?????-of-?????.parquet", f"{config}/{split}/????.parquet")
    return found if BRACES.search(config) else (*found, f"data/{split}-?????-of-?????.parquet")


def find_splits(folder: Path, pattern: str, whole: bool = False) -> list[tuple[str, tuple[Path, ...]]]:
    """(what the config's braces stand for, the files in order) of each config that a `Hub`'s pattern means.

    `all`, which repeats the rows of the other configs, is none of them. whole: raise DataError where a file is missing;
    who only looks what there is, as each run does for benchmarks that it may not mean, is not stopped by that.
    """
    config, _, name = pattern.removesuffix(".parquet").rpartition("/")
    splits = name.split("+")
    if not BRACES.search(config):
        shards = _shards(folder, config, splits, whole)
        return [("", shards)] if shards else []
    known = re.compile(r"([^/\\]+)".join(re.escape(part) for part in BRACES.sub("\0", config).split("\0")))
    found = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        match = known.fullmatch(path.name)
        if match and match[1] != "all" and (shards := _shards(folder, path.name, splits, whole)):
            found.append(("-".join(match.groups()), shards))
    return found


def _shards(folder: Path, config: str, splits: Sequence[str], whole: bool) -> tuple[Path, ...]:
    found: list[Path] = []
    missing = []
    for split in splits:
        own = next((files for way in ways(config, split) if (files := sorted(folder.glob(way)))), [])
        count = SHARD.search(own[-1].name) if own else None
        if whole and count and len(own) != int(count[2]):
            raise DataError(f"{folder / config}: {len(own)} of the {int(count[2])} files of the split {split} are here")
        missing += [] if own else [split]
        found += own
    if whole and found and missing:
        raise DataError(f"{folder / config}: the split {missing[0]} is missing")
    return tuple(found)


def hub_rows(name: str, shards: Sequence[Path], digest: Any = None) -> Iterator[tuple[int, Row]]:
    """(row number from 1, the author's row) of a split. Raises DataError naming file, row and the columns there are."""
    if name not in ROWS:
        raise DataError(f"{shards[0]}: nothing says how {name} is read from the hub's columns; known are: {_known()}")
    last: tuple[int, Row] = (1, {})

    def counted() -> Iterator[tuple[int, Row]]:
        nonlocal last
        for last in enumerate(parquet_rows(shards, digest), 1):  # noqa: UP028
            yield last

    try:
        yield from ROWS[name](counted())
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise DataError(
            f"{shards[0]}:{last[0]}: this row of the hub's cannot be read: {type(error).__name__}: {error}; "
            f"it has: {', '.join(map(str, last[1]))[:300]}"
        ) from None


def parquet_rows(paths: Iterable[Path], digest: Any = None) -> Iterator[dict[str, Any]]:
    """The rows of parquet files, as records. Raises DataError, and SetupError where nothing can read them."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise SetupError(
            "the hub's parquet files are read by pyarrow, which is not installed: pip install 'pytest-proctor[hub]'"
        ) from None
    for path in paths:
        try:
            content = path.read_bytes()
            table = parquet.read_table(pyarrow.BufferReader(content))
        except (OSError, pyarrow.ArrowException) as error:
            raise DataError(f"{path}: not a parquet file that can be read: {error}") from None
        if digest is not None:
            digest.update(content)
        yield from table.to_pylist()


# --- the hub's rows as the authors' -----------------------------------------------------------------------------------


def each(make: Callable[[Row], Row]) -> Callable[[Numbered], Iterator[tuple[int, Row]]]:
    """One of the authors' rows for each of the hub's."""

    def made(rows: Numbered) -> Iterator[tuple[int, Row]]:
        for line, row in rows:
            yield line, make(row)

    return made


def together(
    key: Callable[[Row], Any], make: Callable[[Sequence[Row]], Row]
) -> Callable[[Numbered], Iterator[tuple[int, Row]]]:
    """One of the authors' rows for several of the hub's that follow each other and have the same `key`."""

    def made(rows: Numbered) -> Iterator[tuple[int, Row]]:
        for _, members in groupby(rows, lambda numbered: key(numbered[1])):
            same = list(members)
            yield same[0][0], make([row for _, row in same])

    return made


def runs(rows: Sequence[Row], key: Callable[[Row], Any]) -> list[list[Row]]:
    """Rows in lists of those that follow each other with the same `key`."""
    return [list(members) for _, members in groupby(rows, key)]


def as_it_is(row: Row) -> Row:
    return row


def records(columns: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """{"text": [a, b], "label": [1, 2]} as [{"text": a, "label": 1}, ...]; a list of records as it is."""
    if not isinstance(columns, Mapping):
        return list(columns)
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def named(*names: Any) -> Callable[[Row], Row]:
    """The label's number replaced by what it stands for. Raises ValueError for -1, by which hidden labels are told."""

    def made(row: Row) -> Row:
        return {**row, "label": pick(names, row["label"])}

    return made


def pick(names: Sequence[Any], number: Any) -> Any:
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < len(names):
        raise ValueError(f"the label is {number!r}, not 0 to {len(names) - 1}")
    return names[number]


def mmlu(row: Row) -> Row:
    return [row["question"], *row["choices"], pick("ABCD", row["answer"])]


def stem_and_choices(row: Row) -> Row:
    """ARC, OpenBookQA and CommonsenseQA: the question's text beside its choices, which the authors have within it."""
    stem = row["question_stem"] if "question_stem" in row else row["question"]
    return {
        "id": row["id"],
        "question": {"stem": stem, "choices": records(row["choices"])},
        "answerKey": row["answerKey"],
    }


def winogrande(row: Row) -> Row:
    """The hub leaves out qID, by which twin sentences are known: samples have no cluster."""
    return {**row, "qID": ""}


def race(rows: Sequence[Row]) -> Row:
    """The hub has a row for each question, the authors one for each passage."""
    return {
        "id": rows[0]["example_id"],
        "article": rows[0]["article"],
        "questions": [row["question"] for row in rows],
        "options": [row["options"] for row in rows],
        "answers": [row["answer"] for row in rows],
    }


def article(rows: Sequence[Row]) -> Row:
    """SQuAD, TyDi QA: a row for each question; those of one title are an article, of one context a paragraph."""
    paragraphs = [
        {
            "context": asked[0]["context"],
            "qas": [
                {
                    "id": row["id"],
                    "question": row["question"],
                    "answers": records(row["answers"]),
                    "is_impossible": not row["answers"]["text"],
                }
                for row in asked
            ],
        }
        for asked in runs(rows, lambda row: row["context"])
    ]
    return {"title": rows[0]["title"], "paragraphs": paragraphs}


def quac(row: Row) -> Row:
    """A row is a dialog; the lists of a row go by its questions."""
    asked = zip(row["questions"], row["answers"]["texts"], row["orig_answers"]["texts"], strict=True)
    qas = [
        {"question": question, "answers": [{"text": text} for text in texts], "orig_answer": {"text": teacher}}
        for question, texts, teacher in asked
    ]
    return {
        "title": row["wikipedia_page_title"],
        "background": row["background"],
        "section_title": row["section_title"],
        "paragraphs": [{"id": row["dialogue_id"], "context": row["context"], "qas": qas}],
    }


def multirc(rows: Sequence[Row]) -> Row:
    """A row for each answer; `idx` tells passage, question and answer."""
    questions = [
        {
            "question": options[0]["question"],
            "idx": options[0]["idx"]["question"],
            "answers": [{"text": row["answer"], "label": pick((0, 1), row["label"])} for row in options],
        }
        for options in runs(rows, lambda row: row["idx"]["question"])
    ]
    return {"idx": rows[0]["idx"]["paragraph"], "passage": {"text": rows[0]["paragraph"], "questions": questions}}


def record(rows: Sequence[Row]) -> Row:
    """A row for each query. The hub says neither which newspaper it is from nor in which order the answers stood."""
    spans = records(rows[0]["entity_spans"])
    entities = [{"start": span["start"], "end": span["end"] - 1} for span in spans]  # the authors count the last one in
    qas = [{"query": row["query"], "answers": [{"text": text} for text in row["answers"]]} for row in rows]
    passage = {"text": rows[0]["passage"], "entities": entities}
    return {"source": NOT_SAID, "idx": rows[0]["idx"]["passage"], "passage": passage, "qas": qas}


def wsc(row: Row) -> Row:
    target = {name: row[name] for name in ("span1_index", "span1_text", "span2_index", "span2_text")}
    return {"text": row["text"], "target": target, "label": pick((False, True), row["label"])}


def truthfulqa(row: Row) -> Row:
    def labelled(targets: Row) -> dict[str, int]:
        return dict(zip(targets["choices"], targets["labels"], strict=True))

    return {**row, "mc1_targets": labelled(row["mc1_targets"]), "mc2_targets": labelled(row["mc2_targets"])}


def triviaqa(row: Row) -> Row:
    """The hub leaves out HumanAnswers."""
    answer = row["answer"]
    pages, results = records(row["entity_pages"]), records(row["search_results"])
    return {
        "Question": row["question"],
        "Answer": {"Value": answer["value"], "NormalizedAliases": answer["normalized_aliases"]},
        "EntityPages": [{"WikiContext": page["wiki_context"]} for page in pages],
        "SearchResults": [
            {"SearchContext": found["search_context"], "Description": found["description"]} for found in results
        ],
    }


def medmcqa(row: Row) -> Row:
    """The hub counts the right option from 0, the authors from 1."""
    return {**row, "cop": pick((1, 2, 3, 4), row["cop"])}


ENTAILS = each(named("entailment", "not_entailment"))
TRUTH = each(named(False, True))
ROWS: Mapping[str, Callable[[Numbered], Iterator[tuple[int, Row]]]] = {
    "arc-c": each(stem_and_choices),
    "arc-e": each(stem_and_choices),
    "ax-b": ENTAILS,  # without the kinds of phenomena (logic, knowledge, ...)
    "ax-g": ENTAILS,
    "bbh": each(as_it_is),  # the prompts lie beside it, from the authors
    "boolq": TRUTH,
    "cb": each(named("entailment", "contradiction", "neutral")),
    "ceval": each(as_it_is),
    "cmmlu": each(as_it_is),
    "commonsenseqa": each(stem_and_choices),
    "copa": each(named(0, 1)),
    "gsm8k": each(as_it_is),
    "hellaswag": each(as_it_is),
    "humaneval": each(as_it_is),
    "lambada": each(as_it_is),
    "math": each(as_it_is),
    "mbpp": each(as_it_is),
    "mbpp-sanitized": each(as_it_is),
    "medmcqa": each(medmcqa),
    "mmlu": each(mmlu),
    "mmlu-pro": each(as_it_is),
    "multirc": together(lambda row: row["idx"]["paragraph"], multirc),
    "nq-open": each(as_it_is),
    "openbookqa": each(stem_and_choices),
    "piqa": each(named("0", "1")),
    "quac": each(quac),
    "race": together(lambda row: row["example_id"], race),
    "record": together(lambda row: row["idx"]["passage"], record),
    "rte": ENTAILS,
    "siqa": each(as_it_is),
    "squad": together(lambda row: row["title"], article),
    "triviaqa": each(triviaqa),
    "truthfulqa": each(truthfulqa),
    "tydiqa": together(lambda row: row["title"], article),
    "wic": TRUTH,
    "winogrande": each(winogrande),
    "wsc": each(wsc),
}


def _known() -> str:
    return ", ".join(sorted(ROWS))
