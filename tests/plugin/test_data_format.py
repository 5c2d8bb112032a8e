"""--data-format=ultraeval, seen from a terminal: a benchmark without a reader, and one of the collection."""

from __future__ import annotations

import json

import pytest
from suites import Suite

COLOURS = """
from proctor import Benchmark, generate

ASKED = "{{ question }} {{ choices | join(', ') }}"
colours = Benchmark("colours", main="accuracy", prompt=ASKED, answer=" {{ target }}\\n")


@colours.test(generate(max_tokens=4))
def test_colours(sample, output, score):
    score(output.text, accuracy=output.text == sample.target)
"""
FORMAT = ("--data-dir=datasets", "--data-format=ultraeval", "--model=proctor:gold")


def row(right: str, **more: object) -> dict:
    return {
        "passage": "",
        "question": f"Which is {right}?",
        "target_scores": {colour: int(colour == right) for colour in ("red", "blue")},
        "answer": "",
        **more,
    }


@pytest.fixture
def colours(suite: Suite) -> Suite:
    suite.write(test_colours=COLOURS)
    (suite.path / "datasets/colours/data").mkdir(parents=True)
    put(suite, "colours", [row("red"), row("blue"), row("red")])
    return suite


def put(suite: Suite, task: str, rows: list[dict]) -> None:
    path = suite.path / f"datasets/colours/data/{task}.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in rows), encoding="utf-8")


def test_a_benchmark_without_a_reader_is_an_eval(colours: Suite):
    result = colours.run(*FORMAT)
    assert result.parseoutcomes() == {"passed": 3}
    data = colours.report()["tasks"][0]["data"]
    assert (data["origin"], data["rows"], data["format"]) == (str(colours.path / "datasets"), 3, "ultraeval")


def test_its_outputs_are_judged_again_from_the_same_rows(colours: Suite):
    colours.run(*FORMAT, "--report-dir=first")
    again = colours.run("--rescore=first", "--report-dir=second")
    assert again.ret == 0
    assert colours.report("second")["tasks"][0]["data"]["format"] == "ultraeval"


def test_workers_and_examples_make_the_same_prompts(colours: Suite):
    alone = colours.run(*FORMAT, "--shots=2", "--report-dir=alone")
    workers = colours.run(*FORMAT, "--shots=2", "-n", "2", "--report-dir=workers")
    assert (alone.ret, workers.ret) == (0, 0)
    prompts = [[line["prompt"] for line in colours.samples(folder)] for folder in ("alone", "workers")]
    assert prompts[0] == prompts[1]
    assert prompts[0][0] == "Which is blue? red, blue B\nWhich is red? red, blue A\nWhich is red? red, blue"


def test_tasks_are_chosen_by_their_files(colours: Suite):
    (colours.path / "datasets/colours/data/colours.jsonl").unlink()
    put(colours, "dark-ones", [row("red")])
    put(colours, "light-ones", [row("blue"), row("red")])
    assert colours.run(*FORMAT).parseoutcomes() == {"passed": 3}
    assert colours.run(*FORMAT, "-k", "light-ones").parseoutcomes() == {"passed": 2, "deselected": 1}


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--data-format=ultraeval",), "--data-format=ultraeval is that of a folder: --data-dir=DIR names it"),
        (("--data-format=ultraeval", "--data-dir=bundled"), "--data-format=ultraeval is that of a folder"),
        (("--data-format=csv", "--data-dir=datasets"), "--data-format=csv: known is ultraeval"),
        (("--data-dir=datasets",), "nothing says where the data of 'colours' are"),
        (FORMAT[:2], "colours.jsonl:4: this row cannot be read: ValueError: target_scores marks no option as right"),
    ],
)
def test_what_is_wrong_is_told_before_a_model_is_asked(more: tuple[str, ...], message: str, colours: Suite):
    put(colours, "colours", [row("red"), row("blue"), row("red"), row("green")])
    result = colours.run(*more)
    assert result.ret == 4
    assert message in "\n".join(result.outlines + result.errlines)
    assert not (colours.path / "reports").exists()
