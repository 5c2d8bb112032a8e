"""Rows to samples: formats, readers, subsets; records to one file."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from proctor import Benchmark, DataError, Sample, generate
from proctor.data.manifest import find_files, sources
from proctor.data.reading import load, subset
from proctor.data.rows import read_rows
from proctor.reporting.journal import Journal, merge
from proctor.reporting.records import to_line
from proctor.session.collect import _may_continue, _may_match

ROWS = [{"question": "one", "answer": "1"}, {"question": "two, “quoted”\nand more", "answer": "2"}]


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gz"])
@pytest.mark.parametrize(
    ("name", "text", "numbers"),
    [
        ("rows.jsonl", "\ufeff" + "\n\n".join(json.dumps(row) for row in ROWS), [1, 3]),
        ("rows.json", json.dumps(ROWS, indent=2), [1, 2]),
        ("rows.json", "\n".join(json.dumps(row) for row in ROWS), [1, 2]),
        ("rows.csv", 'question,answer\r\none,1\r\n"two, “quoted”\nand more",2\r\n', [2, 4]),
    ],
)
def test_rows_are_read_in_every_format(tmp_path: Path, name: str, text: str, numbers: list[int], packed: bool):
    file = tmp_path / (name + ".gz" * packed)
    file.write_bytes(gzip.compress(text.encode(), mtime=0) if packed else text.encode())
    assert list(read_rows(file)) == list(zip(numbers, ROWS, strict=True))


def test_line_separators_of_unicode_end_no_row(tmp_path: Path):
    (tmp_path / "rows.jsonl").write_text('{"q": "a\u2028b\u0085c"}\n{"q": "d"}\n', encoding="utf-8")
    assert [row["q"] for _, row in read_rows(tmp_path / "rows.jsonl")] == ["a\u2028b\u0085c", "d"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("rows.jsonl", b'{"a": 1}\n{"a": \n', r"rows\.jsonl:2: not JSON"),
        ("rows.jsonl", b'{"a": 1}\n\xc3\x28\n', r"rows\.jsonl:2: not UTF-8 \(byte 0xc3\)"),
        ("rows.json", b'[{"a": 1},\n {"a" 2}]', r"rows\.json:2: not JSON"),
        ("rows.csv", b"a,b\n1,2\n1,2,3\n", r"rows\.csv:3: 3 columns where the header has 2"),
        ("rows.csv", b'a,b\n1,"2\n', r"rows\.csv:\d: not CSV"),
        ("rows.jsonl.gz", b"no gzip", r"rows\.jsonl\.gz: cannot be read"),
        ("rows.jsonl.gz", gzip.compress(b'{"a": 1}\n' * 99, mtime=0)[:-9], r"rows\.jsonl\.gz: cannot be read"),
        ("rows.parquet", b"", r"cannot read \.parquet files; known are \.jsonl"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_line(tmp_path: Path, name: str, content: bytes, message: str):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        list(read_rows(tmp_path / name))


def test_text_files_are_rows_by_their_lines_and_tsv_by_its_tabs(tmp_path: Path):
    (tmp_path / "news.eng").write_text("one\n\nthree \u2028 still\n", encoding="utf-8")
    assert list(read_rows(tmp_path / "news.eng")) == [
        (1, {"line": "one"}), (2, {"line": ""}), (3, {"line": "three \u2028 still"})
    ]  # fmt: skip
    (tmp_path / "all.tsv").write_text('id\ttext\n1\tsay "no\n')
    assert list(read_rows(tmp_path / "all.tsv")) == [(2, {"id": "1", "text": 'say "no'})]


def test_rows_may_lie_in_a_list_within_an_object(tmp_path: Path):
    (tmp_path / "rows.json").write_text(json.dumps({"version": 1, "examples": ROWS}, indent=1))
    assert list(read_rows(tmp_path / "rows.json", key="examples")) == [(1, ROWS[0]), (2, ROWS[1])]
    with pytest.raises(DataError, match="no list of rows under 'data'; the file has: version, examples"):
        list(read_rows(tmp_path / "rows.json", key="data"))


def test_files_of_a_pattern_are_keyed_by_what_the_braces_stand_for(tmp_path: Path):
    for name in ("b_test.csv", "a_test.csv.gz", "a_dev.csv", "c_test.csv.bak", "_test.csv"):
        (tmp_path / name).touch()
    assert [(file.key, file.path.name, file.stem) for file in find_files(tmp_path, "{subject}_test.csv")] == [
        ("a", "a_test.csv.gz", "a_test"),
        ("b", "b_test.csv", "b_test"),
    ]


def benchmark(folder: Path, reader: object, rows: int = 3) -> Benchmark:
    (folder / "rows.jsonl").write_text("".join(f'{{"n": {number}}}\n' for number in range(rows)))
    made = Benchmark("made", main="right", prompt="", data="rows.jsonl")
    made.module = folder / "test_made.py"
    made.rows(reader)  # type: ignore[arg-type]
    made.test(generate())(lambda sample, output, score: None)
    return made


def test_a_reader_may_yield_several_samples_for_a_row(tmp_path: Path):
    data = load(benchmark(tmp_path, lambda row: [Sample(), Sample()]), None, 0)
    assert [sample.id for sample in data.samples] == ["0.0", "0.1", "1.0", "1.1", "2.0", "2.1"]
    assert data.rows == 3


@pytest.mark.parametrize("left_out", ["no gold answer", ["no gold answer"]])
def test_a_reader_may_leave_a_row_out_with_a_reason_that_is_counted(tmp_path: Path, left_out: object):
    data = load(benchmark(tmp_path, lambda row: left_out if row["n"] else Sample()), None, 0)
    assert [sample.id for sample in data.samples] == ["0"]
    assert data.excluded == {"no gold answer": 2}


def test_a_reader_may_leave_a_row_out_without_a_reason(tmp_path: Path):
    data = load(benchmark(tmp_path, lambda row: [] if row["n"] else [Sample()]), None, 0)
    assert data.excluded == {"no sample": 2}


def test_a_reader_may_ask_for_the_name_of_the_file(tmp_path: Path):
    data = load(benchmark(tmp_path, lambda row, file: Sample(question=file)), None, 0)
    assert data.samples[0].question == "rows"


def test_the_same_data_have_the_same_hash_packed_or_not(tmp_path: Path):
    made = benchmark(tmp_path, lambda row: Sample())
    plain = load(made, None, 0).sha256
    content = (tmp_path / "rows.jsonl").read_bytes()
    (tmp_path / "rows.jsonl").unlink()
    (tmp_path / "rows.jsonl.gz").write_bytes(gzip.compress(content, mtime=0))
    assert load(made, None, 0).sha256 == plain


GROUPS = st.lists(st.sampled_from(["a", "b", "c", "d"]), min_size=1, max_size=60)


def samples(groups: list[str]) -> list[Sample]:
    return [Sample(id=str(number), groups={"subject": group}) for number, group in enumerate(groups)]


@given(GROUPS)
def test_a_subset_takes_each_sample_once(groups: list[str]):
    assert sorted(subset(samples(groups), "made")) == list(range(len(groups)))


@given(GROUPS, st.integers(1, 60))
def test_a_subset_is_balanced_as_far_as_the_groups_last(groups: list[str], limit: int):
    taken = Counter(groups[position] for position in subset(samples(groups), "made")[:limit])
    sizes = Counter(groups)
    unfinished = [taken[group] for group in sizes if taken[group] < sizes[group]]
    assert not unfinished or max(taken.values()) - min(unfinished) <= 1


@given(GROUPS, st.randoms())
def test_a_subset_depends_on_ids_and_groups_not_on_order(groups: list[str], random):
    ordered = samples(groups)
    shuffled = random.sample(ordered, len(ordered))
    assert [shuffled[at].id for at in subset(shuffled, "made")] == [ordered[at].id for at in subset(ordered, "made")]


def test_a_subset_is_the_same_on_every_machine():
    assert subset(samples(["a"] * 9), "made")[:5] == [7, 0, 2, 6, 5]


@given(st.sampled_from(["test_x[", "test_x[astronomy-", "test_x[a-1-"]), st.integers(0, 300), st.data())
def test_every_word_within_a_name_may_continue_its_beginning(begun: str, number: int, data: st.DataObject):
    name = f"{begun}{number}]"
    start = data.draw(st.integers(0, len(name) - 1))
    stop = data.draw(st.integers(start + 1, len(name)))
    assert _may_continue(begun, name[start:stop])


WORDS = ["yes", "no", "maybe", "perhaps"]
EXPRESSIONS = st.recursive(
    st.sampled_from(WORDS),
    lambda inner: st.one_of(
        inner.map(lambda one: f"not ({one})"),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda three: "({} {} {})".format(*three)),
    ),
    max_leaves=8,
)


@given(EXPRESSIONS)
def test_an_expression_may_match_exactly_if_some_unknown_words_make_it_true(expression: str):
    known = {"yes": True, "no": False}
    possible = any(
        eval(expression, {}, {**known, "maybe": maybe, "perhaps": perhaps})
        for maybe in (True, False)
        for perhaps in (True, False)
    )
    assert _may_match(expression, known.get) == possible


@given(st.lists(st.tuples(st.integers(0, 2), st.text()), max_size=20), st.integers(1, 30))
def test_parts_are_merged_in_item_order_without_torn_lines(
    tmp_path_factory: pytest.TempPathFactory, records: list[tuple[int, str]], torn: int
):
    folder = tmp_path_factory.mktemp("parts")
    journals = [Journal(folder / f"{number}.jsonl") for number in range(3)]
    for index, (writer, text) in enumerate(records):
        journals[writer].write(index, {"index": index, "text": text})
    journals[0].write(99, {"index": 99, "text": "torn by a crash"})
    for journal in journals:
        journal.close()
    whole = (folder / "0.jsonl").read_bytes()
    (folder / "0.jsonl").write_bytes(whole[:-torn])
    assert merge(sorted(folder.glob("*.jsonl")), folder / "merged") == len(records)
    merged = [json.loads(line) for line in (folder / "merged").read_text(encoding="utf-8").split("\n") if line]
    assert merged == [{"index": index, "text": text} for index, (_, text) in enumerate(records)]


@given(st.text(st.characters(codec=None)) | st.just("\ud83d half"))
def test_any_text_becomes_one_line_and_back(text: str):
    line = to_line({"text": text})
    assert "\n" not in line.replace("\\n", "")
    assert json.loads(line.encode().decode()) == {"text": text}


@pytest.fixture
def rooted(tmp_path: Path):
    """Loads a benchmark by an entry of a manifest that is given as text."""

    def loaded(entry: str, shots: int = 0, reader: object = None):
        (tmp_path / "data" / "made").mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / "manifest.yaml").write_text(
            "made:\n" + "".join(f"  {line}\n" for line in entry.split("\n"))
        )
        made = Benchmark("made", main="right", prompt="", shots=shots)
        made.module = tmp_path / "evals" / "test_made.py"
        made.rows(reader or (lambda row: Sample(question=str(row["n"]), target=row.get("label"))))
        made.test(generate())(lambda sample, output, score: None)
        return load(made, None, shots)

    loaded.folder = tmp_path / "data" / "made"  # type: ignore[attr-defined]
    loaded.folder.mkdir(parents=True)  # type: ignore[attr-defined]
    (loaded.folder / "rows.jsonl").write_text("".join(f'{{"n": {n}}}\n' for n in range(6)))  # type: ignore[attr-defined]
    return loaded


def test_labels_may_lie_in_a_file_beside_the_rows(rooted):
    (rooted.folder / "labels.lst").write_text("a\nb\nc\nd\ne\nf\n")
    found = rooted("files: rows.jsonl\nbeside: {label: labels.lst}\ntake: '1:3'")
    assert [(sample.id, sample.question, sample.target) for sample in found.samples] == [
        ("1", "1", "b"),
        ("2", "2", "c"),
    ]
    assert found.rows == 2
    (rooted.folder / "labels.lst").write_text("a\nb\n")
    with pytest.raises(DataError, match=r"labels\.lst: 2 lines for the 6 rows of .*rows\.jsonl"):
        rooted("files: rows.jsonl\nbeside: {label: labels.lst}")
    (rooted.folder / "labels.lst").unlink()
    with pytest.raises(DataError, match=r"labels\.lst\[\.gz\] is missing, which belongs to .*rows\.jsonl"):
        rooted("files: rows.jsonl\nbeside: {label: labels.lst}")


def test_samples_and_shots_may_be_parts_of_one_file(rooted):
    found = rooted("files: rows.jsonl\ntake: '3:'\nshots: rows.jsonl\ntake_shots: '1:3'", shots=2)
    assert [sample.question for sample in found.samples] == ["3", "4", "5"]
    assert {tuple(shot.question for shot in shots) for shots in found.shots} == {("1", "2")}


def test_a_sample_is_never_its_own_example(rooted):
    found = rooted("files: rows.jsonl\nshots: rows.jsonl", shots=2)
    assert [[shot.question for shot in shots] for shots in found.shots] == [
        ["1", "2"], ["0", "2"], ["0", "1"], ["0", "1"], ["0", "1"], ["0", "1"]
    ]  # fmt: skip
    with pytest.raises(DataError, match="of which one is the sample itself; made needs 6 \\(--shots=5"):
        rooted("files: rows.jsonl\nshots: rows.jsonl", shots=6)
    together = rooted(
        "files: rows.jsonl\nshots: rows.jsonl", 1,
        lambda row: Sample(question=str(row["n"]), cluster=str(row["n"] // 2)),
    )  # fmt: skip
    assert [[shot.question for shot in shots] for shots in together.shots] == [["2"], ["2"], ["0"], ["0"], ["0"], ["0"]]


def test_a_whole_file_may_be_a_field_of_each_sample(rooted):
    (rooted.folder / "a.jsonl").write_text('{"n": 1}\n')
    (rooted.folder / "prompts").mkdir()
    (rooted.folder / "prompts" / "a.txt").write_text("Q: one\nA: 1\n")
    (rooted.folder / "rows.jsonl").unlink()
    (sample,) = rooted("files: '{task}.jsonl'\ntexts: {cot: 'prompts/{task}.txt'}").samples
    assert sample.fields()["cot"] == "Q: one\nA: 1\n"


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("files: rows.jsonl\ntake: 1 to 3", "take takes rows as `10:510` does, from 0, not '1 to 3'"),
        ("files: rows.jsonl\nbeside: {label: ../x}", "label must lie within the benchmark's folder"),
        ("files: rows.jsonl\ntexts: {cot: [x]}", "cot must be a file's name"),
        ("files: rows.jsonl\nfolder: ../x", "folder must lie within the benchmark's folder"),
    ],
)
def test_what_a_manifest_cannot_mean(rooted, entry: str, message: str):
    with pytest.raises(DataError, match=message):
        rooted(entry)


def test_a_root_may_have_several_manifests_which_name_each_benchmark_once(tmp_path: Path):
    (tmp_path / "manifest").mkdir()
    (tmp_path / "manifest" / "a.yaml").write_text("one:\n  files: x.jsonl\n")
    (tmp_path / "manifest" / "b.yaml").write_text("two:\n  files: y.jsonl\n")
    assert {name: source.files for name, source in sources(tmp_path).items()} == {"one": "x.jsonl", "two": "y.jsonl"}
    (tmp_path / "manifest.yaml").write_text("two:\n  files: z.jsonl\n")
    with pytest.raises(DataError, match=r"b\.yaml: two stands in another manifest"):
        sources(tmp_path)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            {"q": "x", "options": [{"text": "a", "label": "A"}], "key": "Q"},
            r"read, key: ValueError: 'Q' is not in list",
        ),
        (
            {"q": "x", "options": [{"text": "a", "label": "A"}, {"label": "B"}], "key": "A"},
            r"read, options\[1\]\.text: ",
        ),
        ({"q": "x", "key": "A"}, r"read: KeyError: 'options'; it has: q, key"),
        ({"q": "x", "options": None, "key": "A"}, r"read, options: TypeError: "),
    ],
)
def test_the_field_at_which_a_row_fails_is_named(tmp_path: Path, row: dict, message: str):
    made = Benchmark("made", prompt="{{ question }}", main="right", data="rows.jsonl")
    made.module = tmp_path / "test_made.py"

    @made.rows
    def read(row):
        labels = [option["label"] for option in row["options"]]
        texts = [option["text"] for option in row["options"]]
        return Sample(question=row["q"], choices=texts, target="AB"[labels.index(row["key"])])

    good = {"q": "x", "options": [{"text": "a", "label": "A"}], "key": "A"}
    (tmp_path / "rows.jsonl").write_text(json.dumps(good) + "\n" + json.dumps(row) + "\n")
    with pytest.raises(DataError, match=rf"rows\.jsonl:2: this row cannot be {message}"):
        load(made, None, 0)


def test_options_that_are_no_texts_or_all_empty_are_refused(tmp_path: Path):
    made = Benchmark("made", prompt="{{ question }}", main="right", data="rows.jsonl")
    made.module = tmp_path / "test_made.py"
    made.rows(lambda row: Sample(question="x", choices=row["options"]))
    for options, message in (
        (["a", None], r"rows\.jsonl:1: option 2 is no text but None"),
        (["", " "], r"rows\.jsonl:1: all 2 options are empty"),
    ):
        (tmp_path / "rows.jsonl").write_text(json.dumps({"options": options}))
        with pytest.raises(DataError, match=message):
            load(made, None, 0)


def test_an_empty_file_behind_one_whose_rows_are_left_out_is_told(tmp_path: Path):
    made = Benchmark("made", prompt="{{ question }}", main="right", data="{part}.jsonl")
    made.module = tmp_path / "test_made.py"
    made.rows(lambda row: "of no use")
    (tmp_path / "a.jsonl").write_text("{}\n")
    (tmp_path / "b.jsonl").write_text("")
    with pytest.raises(DataError, match=r"b\.jsonl: no rows"):
        load(made, None, 0)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("restricted: no", "restricted is one of non-commercial, research, not False"),
        ("restricted: commercial", "restricted is one of non-commercial, research, not 'commercial'"),
        ("form: ask them", "form is an address that begins with https://, not 'ask them'"),
    ],
)
def test_a_manifest_that_says_wrongly_how_data_are_had_is_refused(tmp_path: Path, entry: str, message: str):
    (tmp_path / "manifest.yaml").write_text(f"made:\n  files: a.csv\n  {entry}\n")
    with pytest.raises(DataError, match=f"made: {message}"):
        sources(tmp_path)
