"""Bad input, over all benchmarks: the bundled rows, broken mechanically, are refused with file, line and field."""

from __future__ import annotations

import copy
import csv
import io
import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from proctor import pages
from proctor.data.manifest import find_files
from proctor.data.reading import Dataset, load
from proctor.data.rows import EACH
from proctor.errors import SetupError
from proctor.pages import Page
from proctor.prompts import Prompt
from proctor.session.collect import LoadedTask

DATA = pages.data_root()
SETTINGS = SimpleNamespace(seed=0, temperature=None, max_tokens=None, against=None, changes=())
ALL = pytest.mark.parametrize("page", pages.pages(), ids=lambda page: page.benchmark.name)


def folder_of(page: Page) -> str:
    own = page.benchmark.name
    return own if (DATA / own).is_dir() else str(page.source.folder)


def checked(page: Page, root: Path) -> Dataset:
    """What a run does with a data root before it asks. Raises SetupError."""
    benchmark = page.benchmark
    dataset = load(benchmark, root, benchmark.shots)
    for task in benchmark.tasks:
        prompt = Prompt(task.header, task.prompt, task.answer, str(benchmark.module))
        LoadedTask(task, dataset, prompt, SETTINGS, benchmark.shots, 1).check()  # type: ignore[arg-type]
    return dataset


class Broken:
    """A data root with a copy of a benchmark's bundled files, of which one at a time is broken."""

    def __init__(self, page: Page, tmp_path: Path) -> None:
        self.page = page
        self.root = tmp_path / "root"
        self.folder = self.root / folder_of(page)
        shutil.copytree(DATA / folder_of(page), self.folder)
        self.intact = checked(page, self.root)

    def files(self, pattern: str | None) -> list[Path]:
        return [] if pattern is None else [file.path for file in find_files(self.folder, pattern)]

    def first(self) -> Path:
        return self.files(self.page.source.files)[0]

    def refusal(self, path: Path, content: bytes) -> str | None:
        """What is said of a file with this content; None where it is accepted."""
        before = path.read_bytes()
        path.write_bytes(content)
        self.read: Dataset | None = None
        try:
            self.read = checked(self.page, self.root)
        except SetupError as error:
            return str(error)
        finally:
            path.write_bytes(before)
        return None

    def unchanged(self) -> bool:
        """Whether what was read last is what the intact files say."""
        assert self.read is not None
        return (self.read.samples, self.read.shots) == (self.intact.samples, self.intact.shots)


def rows_of(path: Path, key: str | None) -> list[Any]:
    """The rows of a JSON or JSON lines file."""
    text = path.read_text(encoding="utf-8")
    if key is not None:
        return list(json.loads(text).values() if key == EACH else json.loads(text)[key])
    return list(json.loads(text)) if text.lstrip()[:1] == "[" else [json.loads(one) for one in text.splitlines() if one]


def written(path: Path, key: str | None, rows: list[Any]) -> bytes:
    """The rows as the file had them: under a key, as a list, or one a line."""
    text = path.read_text(encoding="utf-8")
    if key == EACH:
        return json.dumps(dict(zip(json.loads(text), rows, strict=False))).encode()
    if key is not None:
        return json.dumps({**json.loads(text), key: rows}).encode()
    if text.lstrip()[:1] == "[":
        return json.dumps(rows).encode()
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def fields(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all fields within a row: (`paragraphs`, 0, `context`)."""
    inner = value.items() if isinstance(value, dict) else enumerate(value[:2]) if isinstance(value, list) else ()
    for key, one in inner:
        if isinstance(value, dict):
            yield (*path, key)
        yield from fields(one, (*path, key))


def put(row: Any, path: tuple[Any, ...], value: Any) -> Any:
    """A row with another value at a path."""
    changed = copy.deepcopy(row)
    place = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return changed


def dropped(row: Any, path: tuple[Any, ...]) -> Any:
    changed = copy.deepcopy(row)
    place = changed
    for key in path[:-1]:
        place = place[key]
    del place[path[-1]]
    return changed


OPTIONAL = {
    "jec-qa": {"subject"},  # only some rows have one
    "triviaqa": {"Description", "SearchContext", "WikiContext", "HumanAnswers"},  # each stands in for another
    "ax-b": {"lexical-semantics", "predicate-argument-structure", "logic", "knowledge"},  # of no kind, if left out
    "quac": {"background", "section_title"},  # shown where they are known
    "hellaswag": {"source_id"},
    "mbpp-sanitized": {"test_imports"},
    "ifeval": {"response"},  # of bundled rows alone
    "freeform": {"reference"},  # where one answer is right
    "versus": {"reference"},
    "drop": {"validated_answers"},  # drop_eval.py takes questions that one annotator alone answered
}
"""Fields that a row may lack: what is read is another sample, then, but a sound one."""
KEYED_BY_TEXT = {"truthfulqa": ("mc1_targets", "mc2_targets")}
"""Records whose keys are texts, no columns."""


def without_columns(path: Path, columns: str) -> Iterator[tuple[str | None, int, bytes]]:
    """(column, line, content) of a CSV or TSV file that lacks a column; where rows are lists, the second row does."""
    delimiter = "," if path.suffix == ".csv" else "\t"
    style: dict[str, Any] = {"delimiter": delimiter}
    if delimiter == "\t":
        style |= {"quoting": csv.QUOTE_NONE, "quotechar": None}
    rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8")), **style))
    for column in range(len(rows[0])):
        made = io.StringIO()
        if columns == "header":
            some = [[*row[:column], *row[column + 1 :]] for row in rows]
        else:
            some = [row if place != 1 else [*row[:column], *row[column + 1 :]] for place, row in enumerate(rows)]
        csv.writer(made, lineterminator="\n", **style).writerows(some)
        yield (rows[0][column] if columns == "header" else None), 2, made.getvalue().encode()


def columns_dropped(broken: Broken, path: Path) -> Iterator[tuple[str | None, int, bytes]]:
    """(field, line, content) for each field of a file's second row that is missing."""
    key = broken.page.source.rows
    if path.suffix in (".csv", ".tsv"):
        yield from without_columns(path, broken.page.source.columns)
    elif path.suffix in (".json", ".jsonl"):
        rows = rows_of(path, key)
        place = min(1, len(rows) - 1)
        texts = KEYED_BY_TEXT.get(broken.page.benchmark.name, ())
        for field in fields(rows[place]):
            if len(field) > 1 and field[0] in texts:
                continue
            changed = [*rows[:place], dropped(rows[place], field), *rows[place + 1 :]]
            yield str(field[-1]), place + 1, written(path, key, changed)


@ALL
def test_a_missing_column_is_named_unless_nobody_reads_it(page: Page, tmp_path: Path):
    broken = Broken(page, tmp_path)
    some = [broken.first(), *broken.files(page.source.shots)[:1]]
    wrong = []
    for path in dict.fromkeys(some):
        for field, line, content in columns_dropped(broken, path):
            said = broken.refusal(path, content)
            if said is None:
                if not broken.unchanged() and field not in OPTIONAL.get(page.benchmark.name, ()):
                    wrong.append(f"accepted without {field}: {path.name}")
            elif f"{path}:{line}: " not in said or (field is not None and field not in said.partition("it has:")[0]):
                wrong.append(f"{field}: {said}")
    assert wrong == []


CHOSEN = {
    "afqmc": "label", "agieval": "label", "arc-c": "answerKey", "arc-e": "answerKey", "ax-b": "label", "ax-g": "label",
    "bbh": "target", "boolq": "label", "bustm": "label", "c3": "1.0.answer", "cb": "label", "ceval": "answer",
    "chid": "answer", "cluewsc": "label", "cmmlu": "Answer", "cmnli": "label", "commonsenseqa": "answerKey",
    "copa": "label", "eprstmt": "label", "gaokao-bench": "answer", "hellaswag": "label", "jec-qa": "answer",
    "medmcqa": "cop", "medqa-mcmle": "answer_idx", "medqa-usmle": "answer_idx", "mmlu": "5",
    "multirc": "passage.questions.0.answers.0.label", "ocnli": "label", "ocnli-fc": "label", "openbookqa": "answerKey",
    "piqa": "", "race": "answers.0", "rte": "label", "siqa": "", "storycloze": "AnswerRightEnding",
    "strategyqa": "answer", "summedits": "label", "theoremqa": "Answer_type", "tnews": "label_desc", "wic": "label",
    "winogender": "sentid", "winogrande": "answer", "wsc": "label", "mmlu-pro": "answer", "musr": "questions.0.answer",
}  # fmt: skip
"""Where a row says which of several is right; `` where a file of labels beside it does."""
FREE = {
    "drcd", "flores", "gsm8k", "humaneval", "lambada", "math", "mbpp", "mbpp-sanitized", "nq-open", "quac", "record",
    "squad", "triviaqa", "truthfulqa", "tydiqa", "wmt20-en-zh", "wmt20-zh-en", "aime", "drop", "gpqa",
    "ifeval", "freeform", "versus",
}  # fmt: skip
"""Whose answers are texts, or stand among the texts that are chosen from."""
OFF = {int: (99, -1), bool: ("maybe",), str: ("Q", "", "99", "-1"), list: (["Q"], ["A", "Q"])}
OPTIONS = {
    "agieval": "options", "arc-c": "question.choices", "arc-e": "question.choices", "c3": "1.0.choice",
    "chid": "candidates", "commonsenseqa": "question.choices", "hellaswag": "endings", "jec-qa": "option_list",
    "medqa-mcmle": "options", "medqa-usmle": "options", "multirc": "passage.questions.0.answers",
    "openbookqa": "question.choices", "race": "options.0", "truthfulqa": "mc1_targets", "musr": "questions.0.choices",
}  # fmt: skip
IN_COLUMNS = {
    "ceval": "ABCD", "cmmlu": "ABCD", "medmcqa": ["opa", "opb", "opc", "opd"], "mmlu": "1234",
    "copa": ["choice1", "choice2"], "piqa": ["sol1", "sol2"], "siqa": ["answerA", "answerB", "answerC"],
    "winogrande": ["option1", "option2"], "storycloze": ["RandomFifthSentenceQuiz1", "RandomFifthSentenceQuiz2"],
}  # fmt: skip
"""Whose options are columns of their own."""


def path_of(dotted: str) -> tuple[Any, ...]:
    return tuple(int(part) if part.isdecimal() else part for part in dotted.split("."))


def value_at(row: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        row = row[key]
    return row


class Rows:
    """The rows of a file of any kind, and the file with one of them changed."""

    def __init__(self, path: Path, page: Page) -> None:
        self.path, self.key, self.csv = path, page.source.rows, path.suffix in (".csv", ".tsv")
        self.style: dict[str, Any] = {"delimiter": "," if path.suffix == ".csv" else "\t", "lineterminator": "\n"}
        if path.suffix == ".tsv":
            self.style |= {"quoting": csv.QUOTE_NONE, "quotechar": None}
        self.head: list[str] | None = None
        if self.csv:
            style = {name: value for name, value in self.style.items() if name != "lineterminator"}
            rows: list[Any] = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8")), **style))
            if page.source.columns == "header":
                self.head, *rows = rows
                rows = [dict(zip(self.head, row, strict=True)) for row in rows]
            self.rows = rows
        else:
            self.rows = rows_of(path, self.key)

    def with_row(self, place: int, row: Any) -> tuple[int, bytes]:
        """(the row's line, the content) with another row in a place."""
        rows = [*self.rows[:place], row, *self.rows[place + 1 :]]
        if not self.csv:
            return place + 1, written(self.path, self.key, rows)
        made = io.StringIO()
        plain = rows if self.head is None else [self.head, *(list(one.values()) for one in rows)]
        csv.writer(made, **self.style).writerows(plain)
        return place + 1 + (self.head is not None), made.getvalue().encode()


def unnamed(said: str | None, path: Path, line: int) -> bool:
    """Whether it is not told, or not with file and line."""
    return said is None or f"{path}:{line}: " not in said


def test_every_benchmark_has_its_place_in_these_tables():
    names = {page.benchmark.name for page in pages.pages()}
    assert not set(CHOSEN) & FREE
    assert set(CHOSEN) | FREE >= names


@pytest.mark.parametrize(
    "page", [page for page in pages.pages() if page.benchmark.name in CHOSEN], ids=lambda page: page.benchmark.name
)
def test_a_label_that_is_none_of_the_options_is_refused(page: Page, tmp_path: Path):
    broken, wrong = Broken(page, tmp_path), []
    where = CHOSEN[page.benchmark.name]
    if not where:
        (path,) = broken.files(page.source.beside["label"])
        for bad in ("7", "", "x"):
            lines = path.read_text().splitlines()
            said = broken.refusal(path, "\n".join([lines[0], bad, *lines[2:]]).encode() + b"\n")
            if said is None or f"{broken.first()}:2: " not in said or "label" not in said:
                wrong.append(f"{bad!r}: {said}")
    for path in broken.files(page.source.files) if where else ():
        rows = Rows(path, page)
        place = min(1, len(rows.rows) - 1)
        if page.benchmark.name == "agieval" and not rows.rows[place]["options"]:
            continue
        if page.benchmark.name == "bbh" and not rows.rows[place]["target"].startswith("("):
            continue
        value = value_at(rows.rows[place], path_of(where))
        bads: Sequence[Any] = ("(Z)",) if page.benchmark.name == "bbh" else OFF[type(value)]
        if page.benchmark.name == "agieval":
            bads = [bad for bad in bads if bad]  # a row without a label is left out, and counted
        for bad in bads:
            line, content = rows.with_row(place, put(rows.rows[place], path_of(where), bad))
            said = broken.refusal(path, content)
            if page.benchmark.name == "mmlu" or "option" in (said or "") or "the target" in (said or ""):
                named = unnamed(said, path, line)
            else:
                named = unnamed(said, path, line) or where.rpartition(".")[2] not in str(said).partition("it has:")[0]
            if named:
                wrong.append(f"{path.name}: {bad!r}: {said}")
    assert wrong == []


@pytest.mark.parametrize(
    "page",
    [page for page in pages.pages() if page.benchmark.name in {*OPTIONS, *IN_COLUMNS}],
    ids=lambda page: page.benchmark.name,
)
def test_a_row_with_no_options_is_refused(page: Page, tmp_path: Path):
    broken, name = Broken(page, tmp_path), page.benchmark.name
    path = broken.first()
    rows = Rows(path, page)
    place = min(1, len(rows.rows) - 1)
    row = copy.deepcopy(rows.rows[place])
    if name in OPTIONS:
        old = value_at(row, path_of(OPTIONS[name]))
        row = put(row, path_of(OPTIONS[name]), type(old)())
    for column in IN_COLUMNS.get(name, ()):
        row[int(column) if column.isdecimal() else column] = ""
    line, content = rows.with_row(place, row)
    said = broken.refusal(path, content)
    assert not unnamed(said, path, line), said


@ALL
def test_wrong_encodings_and_empty_files_are_told(page: Page, tmp_path: Path):
    broken = Broken(page, tmp_path)
    wrong = []
    unread = page.source.shots if not page.benchmark.shots else None
    for pattern in dict.fromkeys(page.source.patterns):
        if pattern == unread and pattern != page.source.files:
            continue
        for path in broken.files(pattern)[:1]:
            content = path.read_bytes()
            lines = content.split(b"\n", 1)
            bad = b"\n".join([lines[0], "caf\u00e9\n".encode("latin-1") + lines[-1]])
            said = broken.refusal(path, bad)
            if unnamed(said, path, 2) or "not UTF-8 (byte 0xe9)" not in str(said):
                wrong.append(f"latin-1 in {path.name}: {said}")
            for empty in (b"", b"\n"):
                said = broken.refusal(path, empty)
                if said is None or str(path) not in said:
                    wrong.append(f"{empty!r} as {path.name}: {said}")
    assert wrong == []


@pytest.mark.parametrize(
    "page", [page for page in pages.pages() if page.benchmark.shots], ids=lambda page: page.benchmark.name
)
def test_too_few_rows_for_the_shots_are_told(page: Page, tmp_path: Path):
    broken, shots = Broken(page, tmp_path), page.benchmark.shots
    path = broken.files(page.source.shots)[0]
    rows = Rows(path, page)
    rows.rows = rows.rows[: shots - 1]
    said = broken.refusal(path, rows.with_row(0, rows.rows[0])[1])
    assert said is not None
    assert f"{path}: " in said
    assert f"{page.benchmark.name} needs {shots} (--shots=" in said


NO_GOLD: dict[str, tuple[str, Any]] = {
    "drcd": ("paragraphs.0.qas.0.answers", []), "gsm8k": ("answer", ""), "humaneval": ("test", ""),
    "math": ("solution", "It is 3."), "mbpp": ("test_list", []), "mbpp-sanitized": ("test_list", []),
    "nq-open": ("answer", []), "quac": ("paragraphs.0.qas.0.answers", []), "record": ("qas.0.answers", []),
    "squad": ("paragraphs.0.qas.0.answers", []), "theoremqa": ("Answer", ""), "truthfulqa": ("mc2_targets", {}),
    "tydiqa": ("paragraphs.0.qas.0.answers", []), "lambada": ("text", "word"), "jec-qa": ("answer", "Q"),
    "triviaqa": ("Answer.NormalizedAliases", []),
}  # fmt: skip
"""What takes the gold answer out of a row."""


@pytest.mark.parametrize(
    "page", [page for page in pages.pages() if page.benchmark.name in NO_GOLD], ids=lambda page: page.benchmark.name
)
def test_a_row_without_a_gold_answer_is_refused(page: Page, tmp_path: Path):
    broken, (where, nothing) = Broken(page, tmp_path), NO_GOLD[page.benchmark.name]
    path = broken.first()
    rows = Rows(path, page)
    place = min(10 if page.source.take else 1, len(rows.rows) - 1)
    row = put(rows.rows[place], path_of(where), nothing)
    if page.benchmark.name == "squad":
        row = put(row, path_of("paragraphs.0.qas.0.is_impossible"), False)
    if page.benchmark.name == "triviaqa":
        row["Answer"].pop("HumanAnswers", None)
    line, content = rows.with_row(place, row)
    said = broken.refusal(path, content)
    assert not unnamed(said, path, line), said


@pytest.mark.parametrize("name", ["flores", "wmt20-en-zh", "wmt20-zh-en"])
@pytest.mark.parametrize("which", ["source", "reference"])
def test_an_empty_line_of_a_translation_is_refused(name: str, which: str, tmp_path: Path):
    (page,) = pages.chosen([name])
    broken = Broken(page, tmp_path)
    pattern = page.source.files if which == "source" else page.source.beside["reference"]
    (path,) = broken.files(pattern)
    lines = path.read_text(encoding="utf-8").splitlines()
    said = broken.refusal(path, "\n".join([lines[0], " ", *lines[2:]]).encode() + b"\n")
    assert not unnamed(said, broken.first(), 2), said


ANOTHER = {"jsonl": "gsm8k/test.jsonl", "json": "gsm8k/test.jsonl", "csv": "storycloze/cloze_test_val__winter2018.csv"}
LINES = {"flores", "wmt20-en-zh", "wmt20-zh-en"}
"""Whose rows are lines of text, which any file has: only their number can be wrong."""


@ALL
def test_a_file_of_another_benchmark_is_refused(page: Page, tmp_path: Path):
    broken, name = Broken(page, tmp_path), page.benchmark.name
    path = broken.first()
    kind = path.suffix.removeprefix(".")
    other = {"gsm8k": "humaneval/HumanEval.jsonl", "storycloze": "ceval/val/law_val.csv"}.get(name)
    content = (DATA / (other or ANOTHER.get(kind, ANOTHER["jsonl"]))).read_bytes()
    if kind == "tsv":
        content = content.replace(b",", b"\t")
    said = broken.refusal(path, content)
    assert said is not None
    if name in LINES or page.source.beside:
        assert "lines for the" in said
    elif page.source.rows is not None:
        assert str(path) in said
        assert "not JSON" in said or f"no list of rows under {page.source.rows!r}" in said
    else:
        assert f"{path}:" in said
        assert "it has: " in said or "choices for the 4 labels" in said or " columns where " in said, said


@ALL
def test_one_empty_file_among_several_is_told(page: Page, tmp_path: Path):
    broken = Broken(page, tmp_path)
    files = broken.files(page.source.files)
    if len(files) == 1 or page.source.rows is not None:
        return
    head = files[-1].read_text(encoding="utf-8").partition("\n")[0] if page.source.columns == "header" else ""
    said = broken.refusal(files[-1], (head if files[-1].suffix == ".csv" else "[]").encode())
    assert said is not None
    assert str(files[-1]) in said
