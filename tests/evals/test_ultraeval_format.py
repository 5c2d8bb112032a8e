"""UltraEval's JSON lines: each benchmark written and read again is the same; UltraEval's own rows; what is refused."""

from __future__ import annotations

import errno
import json
import os
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from proctor import Benchmark, DataError, Sample, generate
from proctor.command import main
from proctor.data import ultraeval
from proctor.data.reading import Dataset, load
from proctor.model import Completion, Output
from proctor.pages import Page, data_root, pages
from proctor.prompts import Prompt
from proctor.reporting.records import Score
from proctor.selfcheck import phrase

GOOD = {"passage": "", "question": "q", "target_scores": {"a": 1, "b": 0}, "answer": ""}
BY_GROUP = "mmlu-pro"
"""Its examples are those of a sample's category, all in one file: they cannot be written."""
NAMES = [page.benchmark.name for page in pages() if page.benchmark.name != BY_GROUP]


@lru_cache(maxsize=1)
def by_name() -> dict[str, Page]:
    return {page.benchmark.name: page for page in pages()}


def as_json(samples: Any) -> list[dict[str, Any]]:
    """Samples by their fields, in which JSON knows no tuples."""
    return [json.loads(json.dumps({name: getattr(one, name) for name in Sample.__slots__})) for one in samples]


def prompts(page: Page, dataset: Dataset) -> list[str]:
    made = [Prompt(task.header, task.prompt, task.answer, task.name) for task in page.benchmark.tasks]
    asked = list(zip(dataset.samples, dataset.shots, strict=True))
    return [
        prompt.render(*one)
        for prompt, task in zip(made, page.benchmark.tasks, strict=True)
        for one in asked
        if task.leave_out is None or task.leave_out(one[0]) is None
    ]


def verdicts(page: Page, dataset: Dataset) -> list[Any]:
    """What the judges of what is written say of a right answer, and of one that is right for another sample."""
    found = []
    for task in page.benchmark.tasks:
        if task.ask.variant != "gen":
            continue
        for sample in dataset.samples:
            for answering in (sample, dataset.samples[0]):
                score = Score(task.main, page.benchmark.aggregates)
                task.judge(sample, Output([Completion(phrase(answering), "stop")]), score)
                found.append((score.answer, score.metrics))
    return json.loads(json.dumps(found))


@pytest.mark.parametrize("name", NAMES)
def test_what_is_written_is_read_as_the_same_samples_shots_prompts_and_verdicts(name: str, tmp_path: Path):
    page = by_name()[name]
    bundled = page.bundled(page.benchmark.shots)
    ultraeval.write(name, bundled.samples, bundled.shots, tmp_path, bundled.source.groups)
    again = load(page.benchmark, tmp_path, page.benchmark.shots, "ultraeval")
    assert as_json(again.samples) == as_json(bundled.samples)
    assert [as_json(shots) for shots in again.shots] == [as_json(shots) for shots in bundled.shots]
    assert prompts(page, again) == prompts(page, bundled)
    # Not where programs are run, or a judge model is asked.
    if name not in ("humaneval", "mbpp", "mbpp-sanitized", "freeform", "versus"):
        assert verdicts(page, again) == verdicts(page, bundled)


def test_examples_by_group_are_refused(tmp_path: Path):
    bundled = by_name()[BY_GROUP].bundled(5)
    with pytest.raises(DataError, match="mmlu-pro: its examples differ by the sample's group"):
        ultraeval.write(BY_GROUP, bundled.samples, bundled.shots, tmp_path)
    assert not list(tmp_path.iterdir())
    assert ultraeval.write(BY_GROUP, bundled.samples, [()] * len(bundled.samples), tmp_path).samples == 12


@pytest.mark.parametrize("name", NAMES)
def test_every_row_has_the_four_fields_as_ultraeval_has_them(name: str, tmp_path: Path):
    page = by_name()[name]
    bundled = page.bundled()
    ultraeval.write(name, bundled.samples, bundled.shots, tmp_path)
    rows = [json.loads(line) for path in sorted(tmp_path.rglob("*.jsonl")) for line in path.open(encoding="utf-8")]
    assert len(rows) == len(bundled.samples)
    for row in rows:
        assert list(row) == ["passage", "question", "target_scores", "answer", "proctor"]
        assert isinstance(row["passage"], str)
        assert set(row["target_scores"].values()) in ({0, 1}, {1}, set())
        assert row["target_scores"] or row["answer"] not in ("", [], None)


# As UltraEval's scripts make_dataset.py write them: benchmark, file, row, and the sample that it must become.
THEIRS = [
    (
        "mmlu",
        "abstract-algebra",
        {"question": "What is 3 + 4?", "target_scores": {"6": 0, "7": 1, "8": 0, "9": 0}},
        {"choices": ["6", "7", "8", "9"], "target": "B", "groups": {"subject": "abstract_algebra", "category": "STEM"}},
    ),
    (
        "ceval",
        "high-school-physics",
        {"question": "光年是什么单位？", "target_scores": {"时间": 0, "长度": 1, "质量": 0, "速度": 0}},
        {"choices": ["时间", "长度", "质量", "速度"], "target": "B", "metadata": {"name": "高中物理"}},
    ),
    (
        "cmmlu",
        "high-school-physics",
        {"question": "光年是什么单位？", "target_scores": {"时间": 0, "长度": 1, "质量": 0, "速度": 0}},
        {"target": "B", "metadata": {"name": "高中物理学"}},
    ),
    (
        "gsm8k",
        "gsm8k",
        {"question": "Two and two?", "target_scores": {}, "answer": "2 + 2 = <<2+2=4>>4\n#### 4"},
        {"target": "4", "reference": "2 + 2 = <<2+2=4>>4\n#### 4"},
    ),
    (
        "math",
        "number-theory",
        {"question": "What is $2^3$?", "target_scores": {}, "answer": r"It is $\boxed{8}$."},
        {"target": "8", "groups": {"subject": "Number Theory", "level": "not said"}},
    ),
    ("piqa", "piqa", {"question": "Dry a plate", "target_scores": {"a towel": 1, "a sieve": 0}}, {"target": "A"}),
    (
        "siqa",
        "siqa",
        {"passage": "Ann fell.", "question": "How is she?", "target_scores": {"hurt": 1, "old": 0, "rich": 0}},
        {"passage": "Ann fell.", "target": "A", "choices": ["hurt", "old", "rich"]},
    ),
    (
        "commonsenseqa",
        "commonsenseqa",
        {"question": "Where is milk?", "target_scores": {"fridge": 1, "oven": 0, "car": 0, "sea": 0, "bed": 0}},
        {"target": "A", "choices": ["fridge", "oven", "car", "sea", "bed"]},
    ),
    (
        "copa",
        "copa",
        {"passage": "It rained.", "question": "effect", "target_scores": {"It was wet.": 1, "It was dry.": 0}},
        {"question": "It rained.", "target": "A", "metadata": {"connector": "therefore", "chosen": "It was wet."}},
    ),
    (
        "boolq",
        "boolq",
        {"passage": "Tin -- Tin is a metal.", "question": "is tin a metal", "target_scores": {"Yes": 1, "No": 0}},
        {"target": "yes", "choices": ["no", "yes"], "cluster": "Tin"},
    ),
    (
        "race",
        "high",
        {"passage": "A text.", "question": "What?", "target_scores": {"this": 0, "that": 1, "both": 0, "none": 0}},
        {"target": "B", "groups": {"level": "high"}, "cluster": "A text."},
    ),
    (
        "humaneval",
        "humaneval",
        {
            "question": "", "target_scores": {}, "task_id": "x/0", "prompt": "def one():\n", "entry_point": "one",
            "canonical_solution": "    return 1\n", "test": "def check(candidate):\n    assert candidate() == 1\n",
        },
        {"question": "def one():\n", "target": "    return 1\n"},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("name", "task", "row", "expected"), THEIRS, ids=[row[0] for row in THEIRS])
def test_ultraevals_own_rows_are_read_as_the_page_reads_the_authors(
    name: str, task: str, row: dict[str, Any], expected: dict[str, Any], tmp_path: Path
):
    write(tmp_path, name, task, [{"passage": "", "answer": "", **row}])
    (sample,) = load(by_name()[name].benchmark, tmp_path, 0, "ultraeval").samples
    assert {field: getattr(sample, field) for field in expected} == expected
    assert {name for name, *_ in THEIRS} == set(ultraeval.AUTHORS)


def test_without_a_folder_of_shots_they_come_from_the_same_file_and_never_are_the_sample(tmp_path: Path):
    rows = [{"passage": "", "question": f"{n}?", "target_scores": {}, "answer": f"#\n#### {n}"} for n in range(4)]
    write(tmp_path, "gsm8k", "gsm8k", rows)
    gsm8k = by_name()["gsm8k"].benchmark
    dataset = load(gsm8k, tmp_path, 2, "ultraeval")
    assert [[shot.target for shot in shots] for shots in dataset.shots] == [
        ["1", "2"],
        ["0", "2"],
        ["0", "1"],
        ["0", "1"],
    ]
    with pytest.raises(DataError, match="4 few-shot rows, of which one is the sample itself; gsm8k needs 8"):
        load(gsm8k, tmp_path, 8, "ultraeval")


def own(tmp_path: Path) -> Benchmark:
    made = Benchmark("colours", main="accuracy", prompt="{{ passage }} {{ question }}\n{{ hint }}")
    made.module = tmp_path / "test_colours.py"

    @made.test(generate(max_tokens=4))
    def test_colours(sample, output, score):
        score(output.text, accuracy=output.text == sample.target)

    return made


def test_a_benchmark_without_a_reader_takes_the_rows_as_they_are(tmp_path: Path):
    write(
        tmp_path,
        "colours",
        "colours",
        [
            {**GOOD, "passage": ["one", "two"], "target_scores": {"red": 0, "blue": 1}, "hint": "x"},
            {"passage": "", "question": "q", "target_scores": {"red": 1, "blue": 1, "tan": 0}, "answer": ["A", "B"]},
            {"passage": "", "question": "q", "target_scores": {}, "answer": ["red", "crimson"]},
        ],
    )  # fmt: skip
    first, second, third = load(own(tmp_path), tmp_path, 0, "ultraeval").samples
    assert (first.passage, first.choices, first.target, first.metadata) == (
        "one\ntwo",
        ["red", "blue"],
        "B",
        {"hint": "x"},
    )
    assert (second.target, third.target, third.targets) == ("AB", "red", ["red", "crimson"])
    assert [one.id for one in (first, second, third)] == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ([1], "the row is no record"),
        ({key: value for key, value in GOOD.items() if key != "passage"}, "passage is missing"),
        ({**GOOD, "question": 3}, "question is no text: 3"),
        ({**GOOD, "passage": [1]}, "passage is neither a text nor a list of texts: [1]"),
        ({**GOOD, "target_scores": ["a", "b"]}, "target_scores does not give each option a number: ['a', 'b']"),
        ({**GOOD, "target_scores": {"a": "1"}}, "target_scores does not give each option a number: {'a': '1'}"),
        ({**GOOD, "target_scores": {"a": 0, "b": 0}}, "target_scores marks no option as right"),
        ({**GOOD, "target_scores": {}}, "there are neither target_scores nor an answer"),
        ({**GOOD, "proctor": {"colour": 1}}, "proctor: no field of a sample is called 'colour'"),
        ({**GOOD, "proctor": {"groups": []}}, "proctor: groups is []"),
        ({**GOOD, "proctor": 1}, "proctor is no record: 1"),
        ({**GOOD, "target_scores": {str(n): 1 for n in range(30)}}, "target_scores has 30 options"),
    ],
)
def test_a_bad_row_is_named_with_file_line_and_field(row: Any, message: str, tmp_path: Path):
    write(tmp_path, "colours", "colours", [GOOD, row])
    with pytest.raises(DataError) as caught:
        load(own(tmp_path), tmp_path, 0, "ultraeval")
    assert "colours.jsonl:2: this row cannot be read" in str(caught.value)
    assert message in str(caught.value)


def test_what_a_page_needs_and_four_fields_do_not_hold_is_refused(tmp_path: Path):
    write(tmp_path, "rte", "rte", [GOOD])
    with pytest.raises(DataError, match=r"rte.jsonl:1: .*rte needs more of a sample than UltraEval's fields hold"):
        load(by_name()["rte"].benchmark, tmp_path, 0, "ultraeval")
    write(tmp_path, "piqa", "piqa", [{**GOOD, "target_scores": {"a": 1, "b": 1}}])
    with pytest.raises(DataError, match=r"piqa.jsonl:1: .*target_scores marks 2 options as right, not one"):
        load(by_name()["piqa"].benchmark, tmp_path, 0, "ultraeval")

    siqa = {**GOOD, "passage": "p", "target_scores": {"a": 1, "b": 0}}  # of three options two had the same text
    write(tmp_path, "siqa", "siqa", [siqa])
    with pytest.raises(DataError, match=r"siqa.jsonl:1: .*target_scores has 2 options, not 3"):
        load(by_name()["siqa"].benchmark, tmp_path, 0, "ultraeval")


def test_options_of_the_same_text_stay_apart_and_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    samples = [Sample(question="q", choices=["4", "5", "4"], target="C", id="7")]
    done = ultraeval.write("piqa", samples, [()], tmp_path)
    (row,) = [json.loads(line) for line in (tmp_path / "piqa/data/piqa.jsonl").open(encoding="utf-8")]
    assert row["target_scores"] == {"4": 1, "5": 0}
    assert row["proctor"] == {"choices": ["4", "5", "4"], "target": "C", "number": "7"}
    (again,) = load(by_name()["piqa"].benchmark, tmp_path, 0, "ultraeval").samples
    assert (again.choices, again.target, again.id) == (["4", "5", "4"], "C", "7")
    assert "piqa: 1 samples have two options of the same text, which UltraEval would take for one" in list(
        ultraeval.told("piqa", done)
    )


def test_the_command_tells_what_it_wrote_and_never_writes_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    call = ["export", "mmlu", "cmnli", "--format", "ultraeval", "--output", str(tmp_path)]
    assert main(call) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0] == f"mmlu: 54 samples, 30 examples in 12 files below {tmp_path}/mmlu"
    assert told[1] == "mmlu: in the field `proctor`, since UltraEval's fields do not hold it: groups (54)"
    assert told[-1] == "cmnli: left out, as in every run: 1 rows: the annotators agreed on no label"
    assert main(call) == 1
    assert f"{tmp_path}/mmlu is there already, and not empty; --output=FOLDER" in capsys.readouterr().err


def test_nothing_is_written_where_a_folder_of_another_benchmark_is_in_the_way(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "piqa").mkdir()
    (tmp_path / "piqa" / "mine").touch()
    assert main(["export", "gsm8k", "piqa", "--format", "ultraeval", f"--output={tmp_path}"]) == 1
    assert f"piqa: {tmp_path}/piqa is there already, and not empty" in capsys.readouterr().err
    assert not (tmp_path / "gsm8k").exists()


def test_nothing_is_written_where_another_benchmark_has_no_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    root, out = tmp_path / "root", tmp_path / "out"
    (root / "gsm8k").mkdir(parents=True)
    for file in ("test.jsonl", "train.jsonl"):
        (root / "gsm8k" / file).write_bytes((data_root() / "gsm8k" / file).read_bytes())
    call = ["--format", "ultraeval", f"--output={out}", f"--data-dir={root}"]
    assert main(["export", "gsm8k", "storycloze", *call]) == 1
    assert "storycloze: its data are given out against a form" in capsys.readouterr().err
    assert not out.exists()
    assert main(["export", "gsm8k", *call]) == 0


@pytest.mark.parametrize("file", [False, True])
def test_a_place_that_cannot_be_written_is_told(file: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    output = tmp_path / "taken"
    output.touch()
    folder = output if file else output / "below"
    assert main(["export", "gsm8k", "--format", "ultraeval", f"--output={folder}"]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"proctor: gsm8k: {folder}/gsm8k")
    assert "Not a directory" in said


def test_a_disk_that_is_full_is_told_with_what_is_not_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    def full(*args: object, **more: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_text", full)
    assert main(["export", "gsm8k", "--format", "ultraeval", f"--output={tmp_path}"]) == 1
    said = capsys.readouterr().err
    assert f"gsm8k: {tmp_path}/gsm8k/data/gsm8k.jsonl cannot be written: No space left on device" in said
    assert f"what stands in {tmp_path}/gsm8k is not whole" in said


def test_what_json_cannot_hold_is_refused(tmp_path: Path):
    samples = [Sample(question="q", target="a", id="0", metadata={"when": {1, 2}})]
    with pytest.raises(DataError, match="made: sample 0 cannot be written as JSON: Object of type set"):
        ultraeval.write("made", samples, [()], tmp_path)


def write(root: Path, name: str, task: str, rows: list[Any]) -> None:
    path = root / name / "data" / f"{task}.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
