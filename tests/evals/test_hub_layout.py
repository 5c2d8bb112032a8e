"""The hub's parquet files, made of the bundled rows, are read as the same samples, shots and prompts.

How an author's row lies in the hub's columns is written down here once more, from the datasets' own features, and
apart from what reads them.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from proctor import DataError, SetupError
from proctor.data.hub import ROWS, hub_rows
from proctor.data.manifest import find_files, find_source, sources
from proctor.data.reading import Dataset, load
from proctor.data.rows import read_rows
from proctor.pages import Page, data_root, pages
from proctor.prompts import Prompt
from proctor.sample import Sample
from pyarrow import parquet

Row = Any


def ai2(row: Row) -> Iterator[Row]:
    choices = row["question"]["choices"]
    lists = {"text": [one["text"] for one in choices], "label": [one["label"] for one in choices]}
    yield {"id": row["id"], "question": row["question"]["stem"], "choices": lists, "answerKey": row["answerKey"]}


def openbookqa(row: Row) -> Iterator[Row]:
    for made in ai2(row):
        yield {"question_stem": made.pop("question"), **made}


def labelled(*names: Any, label: str = "label", **more: Any) -> Callable[[Row], Iterator[Row]]:
    def made(row: Row) -> Iterator[Row]:
        yield {**row, label: names.index(row[label].strip() if isinstance(row[label], str) else row[label])}

    return made


def same(row: Row) -> Iterator[Row]:
    yield row


def mmlu(row: Row) -> Iterator[Row]:
    question, a, b, c, d, answer = row
    yield {"question": question, "subject": "", "choices": [a, b, c, d], "answer": "ABCD".index(answer)}


def hellaswag(row: Row) -> Iterator[Row]:
    yield {**row, "label": str(row["label"])}


def winogrande(row: Row) -> Iterator[Row]:
    yield {name: row[name] for name in ("sentence", "option1", "option2", "answer")}


def race(row: Row) -> Iterator[Row]:
    for question, options, answer in zip(row["questions"], row["options"], row["answers"], strict=True):
        yield {
            "example_id": row["id"],
            "article": row["article"],
            "answer": answer,
            "question": question,
            "options": options,
        }


def spans(row: Row) -> Iterator[Row]:
    for paragraph in row["paragraphs"]:
        for asked in paragraph["qas"]:
            golds = asked["answers"]
            yield {
                "id": asked["id"],
                "title": row["title"],
                "context": paragraph["context"],
                "question": asked["question"],
                "answers": {
                    "text": [gold["text"] for gold in golds],
                    "answer_start": [gold["answer_start"] for gold in golds],
                },
            }


def quac(row: Row) -> Iterator[Row]:
    for dialog in row["paragraphs"]:
        qas = dialog["qas"]
        yield {
            "dialogue_id": dialog["id"],
            "wikipedia_page_title": row["title"],
            "background": row["background"],
            "section_title": row["section_title"],
            "context": dialog["context"],
            "turn_ids": [one["id"] for one in qas],
            "questions": [one["question"] for one in qas],
            "answers": {"texts": [[gold["text"] for gold in one["answers"]] for one in qas]},
            "orig_answers": {"texts": [one["orig_answer"]["text"] for one in qas]},
        }


def multirc(row: Row) -> Iterator[Row]:
    for question in row["passage"]["questions"]:
        for option in question["answers"]:
            yield {
                "paragraph": row["passage"]["text"],
                "question": question["question"],
                "answer": option["text"],
                "idx": {"paragraph": row["idx"], "question": question["idx"], "answer": option["idx"]},
                "label": option["label"],
            }


def record(row: Row) -> Iterator[Row]:
    text = row["passage"]["text"]
    found = sorted(row["passage"]["entities"], key=lambda one: one["start"])
    texts = [text[one["start"] : one["end"] + 1] for one in found]
    starts, ends = [one["start"] for one in found], [one["end"] + 1 for one in found]
    for query in row["qas"]:
        yield {
            "passage": text,
            "query": query["query"],
            "entities": sorted(set(texts)),
            "entity_spans": {"text": texts, "start": starts, "end": ends},
            "answers": sorted({answer["text"] for answer in query["answers"]}),
            "idx": {"passage": row["idx"], "query": query["idx"]},
        }


def wsc(row: Row) -> Iterator[Row]:
    yield {"text": row["text"], **row["target"], "idx": row["idx"], "label": int(row["label"])}


def ax_b(row: Row) -> Iterator[Row]:
    label = ["entailment", "not_entailment"].index(row["label"])
    yield {"sentence1": row["sentence1"], "sentence2": row["sentence2"], "idx": row["idx"], "label": label}


def truthfulqa(row: Row) -> Iterator[Row]:
    made = {
        name: {"choices": list(row[name]), "labels": list(row[name].values())}
        for name in ("mc1_targets", "mc2_targets")
    }
    yield {"question": row["question"], **made}


def triviaqa(row: Row) -> Iterator[Row]:
    answer, found = row["Answer"], row["SearchResults"]
    yield {
        "question": row["Question"],
        "answer": {
            "aliases": answer["Aliases"],
            "normalized_aliases": answer["NormalizedAliases"],
            "value": answer["Value"],
        },
        "entity_pages": {"wiki_context": [page.get("WikiContext", "") for page in row["EntityPages"]]},
        "search_results": {
            "search_context": [one.get("SearchContext", "") for one in found],
            "description": [one.get("Description", "") for one in found],
        },
    }


def medmcqa(row: Row) -> Iterator[Row]:
    yield {**row, "cop": row["cop"] - 1}


ENTAILS = labelled("entailment", "not_entailment")
TRUTH = labelled(False, True)
MADE: dict[str, Callable[[Row], Iterator[Row]]] = {
    **dict.fromkeys(("arc-c", "arc-e", "commonsenseqa"), ai2),
    **dict.fromkeys(("bbh", "ceval", "cmmlu", "gsm8k", "humaneval", "lambada", "math", "nq-open"), same),
    **dict.fromkeys(("mbpp", "mbpp-sanitized", "mmlu-pro", "siqa"), same),
    **dict.fromkeys(("ax-g", "rte"), ENTAILS),
    **dict.fromkeys(("boolq", "wic"), TRUTH),
    **dict.fromkeys(("squad", "tydiqa"), spans),
    "ax-b": ax_b,
    "cb": labelled("entailment", "contradiction", "neutral"),
    "copa": labelled(0, 1),
    "hellaswag": hellaswag,
    "medmcqa": medmcqa,
    "mmlu": mmlu,
    "multirc": multirc,
    "openbookqa": openbookqa,
    "piqa": labelled("0", "1"),
    "quac": quac,
    "race": race,
    "record": record,
    "triviaqa": triviaqa,
    "truthfulqa": truthfulqa,
    "winogrande": winogrande,
    "wsc": wsc,
}
LOST: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "ax-b": lambda one: {**one, "groups": {}},
    "record": lambda one: {
        **one, "groups": {"source": "not said"}, "targets": sorted(one["targets"]),
        "metadata": {"entities": sorted(one["metadata"]["entities"])},
    },
    "winogrande": lambda one: {**one, "cluster": None},
}  # fmt: skip
"""What the hub leaves out, taken from the authors' samples, too, before they are compared; docs/data.md names it."""


@lru_cache(maxsize=1)
def by_name() -> dict[str, Page]:
    return {page.benchmark.name: page for page in pages()}


@lru_cache(maxsize=1)
def known() -> dict[str, Any]:
    return sources(data_root())


def authors_rows(name: str, pattern: str) -> Iterator[tuple[str, list[Row]]]:
    """(what the braces stand for, the rows) of each bundled file, with what lies beside."""
    source = known()[name]
    folder = data_root() / (source.folder or name)
    for file in find_files(folder, pattern):
        rows = [row for _, row in read_rows(file.path, source.columns, key=source.rows)]
        for field, other in source.beside.items():
            lines = [row["line"] for _, row in read_rows(folder / other)]
            rows = [{**row, field: line} for row, line in zip(rows, lines, strict=True)]
        yield file.key, rows


def write(path: Path, rows: list[Row]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pyarrow.Table.from_pylist(rows), path)


def split_files(root: Path, name: str, config: str, split: str, rows: list[Row]) -> None:
    """A split in two shards, or in the one of the hub's own conversion; of one config, below data/."""
    hub = known()[name].hub
    made = [one for row in rows for one in MADE[name](row)]
    if hub.revision == "refs/convert/parquet":
        write(root / name / config / split / "0000.parquet", made)
        return
    folder = "data" if config == "default" else config
    half = len(made) // 2
    for number, part in enumerate((made[:half], made[half:]) if half else (made,)):
        write(root / name / folder / f"{split}-0000{number}-of-0000{2 if half else 1}.parquet", part)


def build(root: Path, name: str) -> None:
    """A folder as the hub has it, of a benchmark's bundled rows."""
    source = known()[name]
    hub = source.hub
    if name == "mbpp":
        ((_, rows),) = authors_rows(name, source.files)
        split_files(root, name, hub.config, "prompt", rows[:10])
        split_files(root, name, hub.config, "test", rows[10:510])
    elif name == "mbpp-sanitized":
        ((_, rows),) = authors_rows(name, source.files)
        for split, part in zip(hub.splits, (rows[:4], rows[4:7], rows[7:9], rows[9:]), strict=True):
            split_files(root, name, hub.config, split, part)
    elif name == "math":
        ((_, rows),) = authors_rows(name, source.files)
        for kind in {row["type"] for row in rows}:
            split_files(
                root, name, kind.lower().replace(" ", "_"), "test", [row for row in rows if row["type"] == kind]
            )
    else:
        patterns = [(source.files, hub.splits[0])]
        if source.shots and hub.shot_splits and source.shots != source.files:
            patterns.append((source.shots, hub.shot_splits[0]))
        for pattern, split in patterns:
            for key, rows in authors_rows(name, pattern):
                split_files(root, name, key or hub.config, split, rows)
    if source.texts:
        shutil.copytree(data_root() / name / "cot-prompts", root / name / "cot-prompts")


def as_json(samples: Any, name: str) -> list[dict[str, Any]]:
    made = [json.loads(json.dumps({field: getattr(one, field) for field in Sample.__slots__})) for one in samples]
    made = [LOST.get(name, dict)(one) for one in made]
    if name == "math":  # a file for each subject, where the authors' rows are mixed
        made = sorted(({**one, "id": ""} for one in made), key=lambda one: one["question"])
    return made


def prompts(page: Page, dataset: Dataset) -> list[str]:
    made = [Prompt(task.header, task.prompt, task.answer, task.name) for task in page.benchmark.tasks]
    found = [prompt.render(*one) for prompt in made for one in zip(dataset.samples, dataset.shots, strict=True)]
    return sorted(found) if page.benchmark.name == "math" else found


@pytest.mark.parametrize("name", sorted(MADE))
def test_the_hubs_files_are_read_as_the_same_samples_shots_and_prompts(name: str, tmp_path: Path):
    build(tmp_path, name)
    page, hub = by_name()[name], known()[name].hub
    shots = page.benchmark.shots or int(bool(hub.shots))
    bundled, found = load(page.benchmark, None, shots), load(page.benchmark, tmp_path, shots)
    assert as_json(found.samples, name) == as_json(bundled.samples, name)
    assert [as_json(some, name) for some in found.shots] == [as_json(some, name) for some in bundled.shots]
    if name != "record" or not shots:  # the first accepted answer of an example is another
        assert prompts(page, found) == prompts(page, bundled)
    assert found.excluded == bundled.excluded
    assert found.sha256 != bundled.sha256


def test_every_benchmark_of_the_table_is_built_here_and_has_its_place_on_the_hub():
    assert set(MADE) == set(ROWS) == {name for name, source in known().items() if source.hub is not None}


def test_the_authors_files_go_before_those_of_the_hub(tmp_path: Path):
    build(tmp_path, "gsm8k")
    (tmp_path / "gsm8k/test.jsonl").write_text('{"question": "1 + 1?", "answer": "2\\n#### 2"}\n', encoding="utf-8")
    assert [one.question for one in load(by_name()["gsm8k"].benchmark, tmp_path, 0).samples] == ["1 + 1?"]


def refused(tmp_path: Path, name: str, shots: int = 0) -> str:
    with pytest.raises(DataError) as caught:
        load(by_name()[name].benchmark, tmp_path, shots)
    return str(caught.value)


def test_a_missing_shard_is_named(tmp_path: Path):
    build(tmp_path, "gsm8k")
    (tmp_path / "gsm8k/main/test-00000-of-00002.parquet").unlink()
    assert f"{tmp_path}/gsm8k/main: 1 of the 2 files of the split test are here" in refused(tmp_path, "gsm8k")
    find_source(by_name()["gsm8k"].benchmark, tmp_path)  # who runs another benchmark is not stopped by it


def test_a_missing_split_of_several_is_named(tmp_path: Path):
    build(tmp_path, "mbpp-sanitized")
    for path in (tmp_path / "mbpp-sanitized/sanitized").glob("validation-*"):
        path.unlink()
    assert "sanitized: the split validation is missing" in refused(tmp_path, "mbpp-sanitized")


def test_a_config_that_repeats_the_others_is_not_read(tmp_path: Path):
    build(tmp_path, "mmlu")
    shutil.copytree(tmp_path / "mmlu/astronomy", tmp_path / "mmlu/all")
    assert len(load(by_name()["mmlu"].benchmark, tmp_path, 0).samples) == 54


@pytest.mark.parametrize(
    ("name", "row", "message"),
    [
        ("boolq", {"question": "q", "passage": "p", "label": -1}, "the label is -1, not 0 to 1"),
        ("boolq", {"question": "q", "passage": "p", "label": None}, "the label is None, not 0 to 1"),
        ("mmlu", {"question": "q", "choices": ["a", "b", "c", "d"]}, "KeyError: 'answer'; it has: question, choices"),
        ("mmlu", {"question": "q", "choices": None, "answer": 1}, "TypeError"),
        ("arc-c", {"id": "1", "question": "q", "answerKey": "A"}, "KeyError: 'choices'"),
        ("medmcqa", {"question": "q", "cop": 4}, "the label is 4, not 0 to 3"),
    ],
)
def test_a_row_that_is_otherwise_is_named_with_file_row_and_columns(name: str, row: Row, message: str, tmp_path: Path):
    good = next(one for _, rows in authors_rows(name, known()[name].files) for one in rows)
    write(tmp_path / "split.parquet", [*MADE[name](good)])
    write(tmp_path / "more.parquet", [row])
    with pytest.raises(DataError) as caught:
        list(hub_rows(name, [tmp_path / "split.parquet", tmp_path / "more.parquet"]))
    assert f"{tmp_path}/split.parquet:2: this row of the hub's cannot be read" in str(caught.value)
    assert message in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"PAR1 no parquet", b"version https://git-lfs.github.com/spec/v1\n"])
def test_a_file_that_is_no_parquet_is_named(content: bytes, tmp_path: Path):
    (tmp_path / "gsm8k/main").mkdir(parents=True)
    (tmp_path / "gsm8k/main/test-00000-of-00001.parquet").write_bytes(content)
    assert "test-00000-of-00001.parquet: not a parquet file that can be read" in refused(tmp_path, "gsm8k")


def test_without_pyarrow_the_message_says_how_it_is_got(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    build(tmp_path, "gsm8k")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(SetupError, match=r"pip install 'pytest-proctor\[hub\]'"):
        load(by_name()["gsm8k"].benchmark, tmp_path, 0)


def test_a_benchmark_of_ones_own_cannot_be_read_from_columns_that_nobody_knows(tmp_path: Path):
    write(tmp_path / "split.parquet", [{"a": 1}])
    with pytest.raises(DataError, match="nothing says how colours is read from the hub's columns; known are: arc-c"):
        list(hub_rows("colours", [tmp_path / "split.parquet"]))
