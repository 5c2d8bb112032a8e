"""What scripts/agreement makes of rows and of what programs say about them; no model, no other program."""

import gzip
import importlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BUNDLED = ROOT / "data"
TASKS = ["hellaswag", "arc-c", "arc-e", "piqa", "openbookqa", "winogrande", "commonsenseqa", "mmlu"]


@pytest.fixture(scope="module", autouse=True)
def scripts():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "scripts"))
        yield


@pytest.fixture
def comparison(scripts):
    return importlib.import_module("agreement.comparison")


@pytest.fixture
def tasks(scripts):
    return importlib.import_module("agreement.tasks")


NORMS = {"acc": "acc", "acc_norm": "acc_bytes", "acc_norm_chars": "acc_norm"}
ENDINGS = [" éé", " abc", " abcdefgh"]
"""4 bytes and 2 characters, 3 and 3, 8 and 8."""


def line(logprobs, *, context="Q:", target=0, endings=ENDINGS, **verdicts):
    said = {"verdicts": verdicts} if verdicts else {}
    asked = [[context, ending] for ending in endings]
    return {"asked": asked, "logprobs": logprobs, "target": target, **said}


def compare(comparison, ours, theirs, metrics=NORMS):
    scores = {name: {"value": 0.5, "ci95": [0.25, 0.75]} for name in metrics}
    return comparison.compared(("toy", "other"), metrics, comparison.Run(scores, ours), theirs)


@pytest.mark.parametrize(
    ("logprobs", "wins"),
    [
        (
            [-3.0, -4.0, -9.0],
            {"acc": 0, "acc_norm": 0, "acc_norm_chars": 2},
        ),  # -0.75, -1.33, -1.125; -1.5, -1.33, -1.125
        ([-6.0, -4.2, -20.0], {"acc": 1, "acc_norm": 1, "acc_norm_chars": 1}),
        ([-4.0, -4.0, -4.0], {"acc": 0, "acc_norm": 2, "acc_norm_chars": 2}),  # equal ones: the first
    ],
)
def test_a_program_without_verdicts_is_judged_by_each_length(comparison, logprobs, wins):
    for target in range(3):
        right = {metric: float(place == target) for metric, place in wins.items()}
        found = compare(comparison, [line(logprobs, target=target, **right)], [line(logprobs)])
        assert found.theirs == right
        assert not found.verdicts


def test_a_programs_own_verdict_goes_before_what_its_values_say(comparison):
    ours = line([-1.0, -2.0], endings=[" a", " b"], acc=1)
    found = compare(comparison, [ours], [line([-1.0, -2.0], endings=[" a", " b"], acc_norm=0.0)], {"acc": "acc_norm"})
    assert [(one.row, one.metric) for one in found.verdicts] == [(1, "acc")]
    assert found.theirs == {"acc": 0.0}


def test_how_far_apart_the_best_two_are_in_nats_of_the_shortest_choice(comparison):
    # By bytes: -0.75, -1.0 and -1.125: 0.25 apart, times 3 bytes.
    assert comparison.apart(line([-3.0, -3.0, -9.0]), "acc_norm") == pytest.approx(0.75)
    assert comparison.apart(line([-3.0, -3.0005, -9.0]), "acc") == pytest.approx(5e-4)


@pytest.mark.parametrize(
    ("gap", "said"), [(5e-4, "row 2 (acc, 5.0e-04 nats apart, a tie)"), (0.5, "row 2 (acc, 5.0e-01 nats apart)")]
)
def test_a_verdict_that_differs_is_named_with_its_distance(comparison, gap, said):
    endings = [" a", " b"]
    ours = [line([-1.0, -2.0], endings=endings, acc=1), line([-1.0, -1.0 - gap], endings=endings, acc=1)]
    theirs = [line([-1.0, -2.0], endings=endings), line([-1.0 - gap, -1.0], endings=endings)]
    found = compare(comparison, ours, theirs, {"acc": "acc"})
    assert [str(one) for one in found.verdicts] == [said]
    assert found.theirs == {"acc": 0.5}
    assert found.largest == pytest.approx(gap)
    assert found.mean == pytest.approx(gap / 2)
    assert said in comparison.table([found])


@pytest.mark.parametrize("change", [{"context": "Q: "}, {"endings": ["a", " abc", " abcdefgh"]}])
def test_a_space_more_or_less_is_another_prompt(comparison, change):
    right = {"acc": 1, "acc_norm": 1, "acc_norm_chars": 0}
    ours = [line([-3.0, -4.0, -9.0], **right)] * 3
    theirs = [line([-3.0, -4.0, -9.0]), line([-3.0, -4.0, -9.0], **change), line([-3.0, -4.0, -9.0])]
    assert list(compare(comparison, ours, theirs).asked_otherwise) == [2]


@pytest.mark.parametrize("theirs", [[], [line([-3.0, -4.0], endings=[" a", " b"])]])
def test_other_rows_or_choices_are_an_error(comparison, theirs):
    with pytest.raises(ValueError, match="zip"):
        compare(comparison, [line([-3.0, -4.0, -9.0], acc=1, acc_norm=1, acc_norm_chars=0)], theirs)


def test_the_table_has_a_line_for_each_metric_with_both_names(comparison):
    right = {"acc": 1, "acc_norm": 1, "acc_norm_chars": 0}
    found = compare(comparison, [line([-3.0, -4.0, -9.0], **right)], [line([-3.0, -4.0, -9.25])])
    rows = comparison.table([found]).splitlines()
    assert rows[2] == "| toy | 1 | other | acc | 50.0 | 25.0 to 75.0 | 100.0 | 0 | 2.5e-01 |"
    assert rows[4] == "| toy | 1 | other | acc_norm_chars (acc_norm) | 50.0 | 25.0 to 75.0 | 0.0 | 0 | 2.5e-01 |"
    assert "- toy, other, rows with another prompt or other choices: none" in rows


def bundled(tasks, name):
    """A task, of mmlu the subjects that are bundled."""
    task = tasks.TASKS[name]
    return replace(task, parts=("anatomy", "astronomy")) if name == "mmlu" else task


def hub_rows(described, split="test"):
    files = [part["dataset_kwargs"]["data_files"][split] for part in described]
    return [json.loads(row) for file in files for row in Path(file).read_text(encoding="utf-8").splitlines()]


def test_every_task_names_a_test_that_is_there(tasks):
    assert list(tasks.TASKS) == TASKS
    for task in tasks.TASKS.values():
        module, _, test = task.test.partition("::")
        assert f"def {test}(" in (ROOT / "evals" / module).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", TASKS)
def test_the_same_rows_are_drawn_each_time_and_for_both_programs(tasks, tmp_path, name):
    task = bundled(tasks, name)
    first = hub_rows(tasks.cut(task, BUNDLED, tmp_path / "first", 4))
    again = hub_rows(tasks.cut(task, BUNDLED, tmp_path / "again", 4))
    assert first == again
    assert len(first) == 4
    # The data root that was written, cut in turn, is drawn whole and in its order.
    whole = tasks.cut(task, tmp_path / "first" / "data", tmp_path / "whole", 100)
    assert hub_rows(whole) == first


HUB = {
    "hellaswag": lambda row: (row["ctx"], row["endings"], row["label"]),
    "arc-c": lambda row: (row["question"], row["choices"]["text"], row["choices"]["label"].index(row["answerKey"])),
    "piqa": lambda row: (row["goal"], [row["sol1"], row["sol2"]], row["label"]),
    "openbookqa": lambda row: (
        row["question_stem"],
        row["choices"]["text"],
        row["choices"]["label"].index(row["answerKey"]),
    ),
    "winogrande": lambda row: (row["sentence"], [row["option1"], row["option2"]], "12".index(row["answer"])),
    "mmlu": lambda row: (row["question"], row["choices"], row["answer"]),
}
HUB["arc-e"] = HUB["commonsenseqa"] = HUB["arc-c"]
"""Where the other program looks for question, choices and the position of the right one."""


@pytest.mark.parametrize("name", TASKS)
def test_a_row_as_the_hub_has_it_says_what_proctor_reads(tasks, tmp_path, name):
    task = bundled(tasks, name)
    rows = hub_rows(tasks.cut(task, BUNDLED, tmp_path, 100))
    samples = read(task, tmp_path / "data")
    assert len(rows) == len(samples) > 3
    for row, sample in zip(rows, samples, strict=True):
        question, choices, place = HUB[name](row)
        if name != "hellaswag":  # whose page rewrites both
            assert (question, choices) == (sample.question, list(sample.choices))
        assert place == "ABCDE".index(sample.target)


def read(task, root):
    """The samples that proctor reads from a data root."""
    from proctor.data.reading import load

    path = ROOT / "evals" / task.test.partition("::")[0]
    spec = importlib.util.spec_from_file_location(f"agreement_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return load(getattr(module, task.name.replace("-", "_")), root, 0).samples


def test_examples_are_taken_whole_and_subjects_alike(tasks, tmp_path):
    described = tasks.cut(bundled(tasks, "mmlu"), BUNDLED, tmp_path, 6)
    assert [part["include"] for part in described] == [
        "mmlu/default/mmlu_anatomy.yaml",
        "mmlu/default/mmlu_astronomy.yaml",
    ]
    assert [part["num_fewshot"] for part in described] == [5, 5]
    assert [len(hub_rows([part])) for part in described] == [3, 3]
    assert [len(hub_rows([part], "dev")) for part in described] == [5, 5]


def test_a_packed_file_is_read(tasks, tmp_path):
    plain = BUNDLED / "openbookqa" / "test.jsonl"
    (tmp_path / "openbookqa").mkdir()
    (tmp_path / "openbookqa" / "test.jsonl.gz").write_bytes(gzip.compress(plain.read_bytes()))
    packed = tasks.cut(tasks.TASKS["openbookqa"], tmp_path, tmp_path / "packed", 5)
    assert hub_rows(packed) == hub_rows(tasks.cut(tasks.TASKS["openbookqa"], BUNDLED, tmp_path / "plain", 5))


def test_choices_before_the_same_ending_stand_in_the_context(scripts):
    of_proctor = importlib.import_module("agreement.__main__")
    choices = [{"label": name, "text": " slept.", "logprob": -1.0} for name in ("Ann", "Bea")]
    record = {"prompt": "Then ", "choices": choices, "scores": {"accuracy": 1}, "target": "B"}
    found = of_proctor._line(record, partial=True)
    assert found["asked"] == [["Then Ann", " slept."], ["Then Bea", " slept."]]
    assert found["target"] == 1
    assert of_proctor._line(record, partial=False)["asked"] == [["Then ", " slept."]] * 2
