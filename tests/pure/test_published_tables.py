"""Tables of published scores: what a file may say, and how a run is put beside it."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from proctor.comparing import published, reproduced
from proctor.comparing.published import Column, Figure, Published
from proctor.errors import SetupError

BENCHMARKS = ("hellaswag", "arc-e", "arc-c", "mmlu", "race", "lambada")
FILE = """
sources:
  paper: {title: A paper, where: "arXiv:0000.00000, Table 1", read: the paper itself}
models:
  llama2-7b: [meta-llama/Llama-2-7b-hf, old-name]
  llama2-13b: ~
tables:
  - source: paper
    shots: 0
    note: as the table says
    columns:
      - {benchmark: hellaswag, metric: acc_norm, variant: ppl}
      - {benchmark: mmlu, metric: accuracy, shots: 5, macro: subject, note: ""}
      - {benchmark: [arc-e, arc-c], metric: acc_norm, shots: ~}
      - {benchmark: race, metric: accuracy, group: {level: high}, unlike: another question is asked}
    scores:
      llama2-7b: [77.2, 45, 60.55, 40.0]
      llama2-13b: [80.7, ~, ~, ~]
"""


def read(tmp_path: Path, text: str = FILE) -> Published:
    (tmp_path / "published.yaml").write_text(text, encoding="utf-8")
    return published.read(tmp_path / "published.yaml", BENCHMARKS)


def test_a_table_is_read(tmp_path: Path):
    known = read(tmp_path)
    first, second, third, fourth, fifth = known.figures
    assert first == Figure(
        "llama2-7b", Column(["hellaswag"], "acc_norm", "ppl", shots=0, note="as the table says"), 77.2, 0.05, "paper"
    )
    assert (second.column.shots, second.column.macro, second.column.note, second.rounding) == (5, "subject", "", 0.5)
    assert (third.column.benchmarks, third.column.shots, third.rounding) == (["arc-e", "arc-c"], None, 0.005)
    assert (fourth.column.group, fourth.column.unlike) == (("level", "high"), "another question is asked")
    assert (fifth.model, fifth.score) == ("llama2-13b", 80.7)
    assert known.sources["paper"].where == "arXiv:0000.00000, Table 1"
    assert known.aliases == {"llama2-7b": ["meta-llama/Llama-2-7b-hf", "old-name"], "llama2-13b": []}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("source: paper", "source: papyrus", r"published.yaml:8: tables\[0\].source: 'papyrus' is none of paper"),
        ("read: the paper itself", "red: x", r":3: sources.paper.red: there is no such key; did you mean read\?"),
        (", read: the paper itself", "", r":3: sources.paper.read: a text of one line is needed, not None"),
        ("benchmark: hellaswag", "benchmark: hellasswag", r"columns\[0\].benchmark: 'hellasswag' is none of hellaswag"),
        (
            "metric: acc_norm, variant",
            "metrik: acc_norm, variant",
            r":12: .*metrik: there is no such key; did you mean",
        ),
        ("macro: subject", "macro: subject, group: {a: b}", r"columns\[1\].macro: .* not both"),
        ("{level: high}", "{level: high, x: y}", r"columns\[3\].group: one axis and its group are needed"),
        ("{level: high}", "high", r"columns\[3\].group: a mapping is needed"),
        ("shots: 5", "shots: few", r"columns\[1\].shots: a whole number is needed"),
        ("shots: 5", "shots: -1", r"columns\[1\].shots: a number from 0 to 1000 is needed"),
        ("77.2", "772", r":17: tables\[0\].scores.llama2-7b\[0\]: a number from 0 to 100 is needed, not 772"),
        ("77.2", "'77.2'", r"llama2-7b\[0\]: a number from 0 to 100 is needed"),
        ("[77.2, 45, 60.55, 40.0]", "[77.2]", r":17: tables\[0\].scores.llama2-7b: 1 scores for 4 columns"),
        ("      llama2-13b: [", "      llama3: [", r":18: .*'llama3' is none of llama2-7b, llama2-13b"),
        ("llama2-13b: ~", "llama2-13b: [x/LLAMA_2-7B-hf]", r":6: .*llama-2-7b-hf is a name of llama2-7b too"),
        ("llama2-13b: ~", "llama2-7b: ~", r":6: models.llama2-7b: this key stands twice"),
        ("llama2-13b: ~", "13: ~", r"models.13: a word is needed for a key"),
        ("    columns:", "    columns: 3\n    colums:", r"there is no such key; did you mean columns\?"),
        ("tables:", "tables: ~\nx:", "x: there is no such key"),
        (FILE, "", "a mapping is needed, with sources, models, tables; not None"),
        (FILE, "sources: [", "not YAML"),
        (FILE, "sources: {}", "sources: a mapping is needed, of titles and places by name"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, old: str, new: str, message: str):
    assert old in FILE
    with pytest.raises(SetupError, match=message):
        read(tmp_path, FILE.replace(old, new, 1))


def test_a_missing_file_is_told(tmp_path: Path):
    with pytest.raises(SetupError, match=r"none.yaml: cannot be read: No such file"):
        published.read(tmp_path / "none.yaml", BENCHMARKS)


@pytest.mark.parametrize(
    "name",
    ["llama2-7b", "LLAMA2-7B", "meta-llama/Llama-2-7b-hf", "Llama-2-7b-hf", "meta-llama/llama-2-7b-hf@abc", "old_name"],
)
def test_a_model_goes_by_several_names(tmp_path: Path, name: str):
    known = read(tmp_path)
    assert known.named(name) == "llama2-7b"
    assert known.model(None, "other", name) == "llama2-7b"


def test_an_unknown_model_is_told_with_close_names(tmp_path: Path):
    with pytest.raises(SetupError, match=r"Did you mean llama2-7b or llama2-13b\? Known are: llama2-13b, llama2-7b"):
        read(tmp_path).named("llama2-17b")


# --- a run beside them ------------------------------------------------------------------------------------------------


def task(name: str, variant: str = "ppl", shots: int = 0, **metrics: tuple[float, float, float]) -> dict[str, Any]:
    """A task of a report, with (value, low, high) by metric."""
    entries = {
        metric: {"value": value, "ci95": [low, high], "n": 1000} for metric, (value, low, high) in metrics.items()
    }
    return {
        "task": name,
        "variant": variant,
        "shots": shots,
        "parameters": {},
        "main": next(iter(metrics), ""),
        "data": {"origin": "/rows"},
        "samples": {
            "scored": 1000,
            "total": 1000,
            "errors": {},
            **dict.fromkeys(("truncated", "unparsed", "ties", "context_cut"), 0),
        },
        "metrics": entries,
        "groups": {},
        "macro": {},
    }


def report(*tasks: dict[str, Any], name: str = "llama2-7b") -> dict[str, Any]:
    model = {"name": name, "id": name, "engine": "vllm", "engine_version": "1"}
    return {"run": {"partial": False}, "model": model, "tasks": list(tasks)}


def lines(column: Column, score: float, *tasks: dict[str, Any], rounding: float = 0.05) -> list[reproduced.Line]:
    known = Published({}, {"llama2-7b": []}, [Figure("llama2-7b", column, score, rounding, "paper")])
    return reproduced.beside(known, report(*tasks), "llama2-7b", {"hellaswag": 1000})


HELLASWAG = Column(["hellaswag"], "acc_norm", "ppl", shots=0)


@pytest.mark.parametrize(
    ("score", "verdict", "beyond"),
    [
        (77.2, "within", 0),
        (76.0, "within", 0),  # the ends count
        (75.95, "within", 0.05),  # it may be rounded from 76
        (75.9, "outside", 0.1),
        (70.0, "outside", 6.0),
        (80.0, "outside", 2.0),
    ],
)
def test_within_and_outside(score: float, verdict: str, beyond: float):
    (line,) = lines(HELLASWAG, score, task("hellaswag", acc_norm=(0.77, 0.76, 0.78)))
    assert line.verdict == verdict
    assert line.beyond == pytest.approx(beyond)
    assert line.cells()[:8] == (
        "hellaswag (ppl)",
        "acc_norm",
        "paper",
        f"{score:.1f}",
        "77.00",
        "76.00 … 78.00",
        "1.0",
        "1,000",
    )
    assert line.cells()[8] == ("within" if verdict == "within" else f"outside by {beyond:.2f}")


@pytest.mark.parametrize(
    ("low", "high", "score", "verdict"),
    [(0.30, 0.60, 50.0, "within"), (0.29, 0.60, 50.0, "not comparable"), (0.0, 1.0, 50.0, "not comparable")],
)
def test_a_wide_interval_that_holds_a_score_says_nothing(low: float, high: float, score: float, verdict: str):
    (line,) = lines(HELLASWAG, score, task("hellaswag", acc_norm=(0.45, low, high)))
    assert line.verdict == verdict
    assert ("are too few" in "; ".join(line.said)) == (verdict != "within")


def test_a_score_outside_of_a_wide_interval_is_outside():
    (line,) = lines(HELLASWAG, 90.0, task("hellaswag", acc_norm=(0.4, 0.1, 0.8)))
    assert (line.verdict, round(line.beyond, 6)) == ("outside", 10)


@pytest.mark.parametrize(
    ("column", "ours", "said"),
    [
        (Column(["hellaswag"], "acc_norm", "cloze", shots=0), {}, "published is cloze"),
        (Column(["hellaswag"], "acc_norm_chars", shots=0), {}, "the run has no such score: acc_norm_chars"),
        (Column(["hellaswag"], "acc_norm", group=("level", "high"), shots=0), {}, "acc_norm of level high"),
        (Column(["hellaswag"], "acc_norm", macro="level", shots=0), {}, "acc_norm as a mean by level"),
        (Column(["hellaswag"], "acc_norm", shots=10), {}, "published with 10 shots, here 0"),
        (HELLASWAG, {"shots": 1}, "published with 0 shots, here 1"),
        (HELLASWAG, {"data": {"origin": "bundled"}}, "bundled samples, not the published ones"),
        (Column(["hellaswag"], "acc_norm", shots=0, unlike="because"), {}, "because"),
        (HELLASWAG, {"metrics": {"acc_norm": {"value": 1, "ci95": [None, None], "n": 1}}}, "no such score"),
        (Column(["hellaswag", "arc-c"], "acc_norm"), {}, "the run has no arc-c"),
    ],
)
def test_what_differs_in_kind_is_not_compared(column: Column, ours: dict[str, Any], said: str):
    (line,) = lines(column, 77.0, {**task("hellaswag", acc_norm=(0.77, 0.76, 0.78)), **ours})
    assert line.verdict == "not comparable"
    assert said in "; ".join(line.said)
    assert line.cells()[-1] == "not comparable"


@pytest.mark.parametrize(
    ("column", "ours", "said"),
    [
        (Column(["hellaswag"], "acc_norm", shots=10), {"shots": 5}, "published with 10 shots, here 5"),
        (Column(["hellaswag"], "acc_norm"), {"shots": 5}, "shots not said, here 5"),
        (Column(["hellaswag"], "acc_norm", shots=0, note="a note"), {}, "a note"),
        (HELLASWAG, {"parameters": {"temperature": 0.8}}, "temperature 0.8 here"),
        (HELLASWAG, {"parameters": {"temperature": 0.0}}, ""),
    ],
)
def test_what_differs_in_degree_is_told(column: Column, ours: dict[str, Any], said: str):
    (line,) = lines(column, 77.0, {**task("hellaswag", acc_norm=(0.77, 0.76, 0.78)), **ours})
    assert (line.verdict, "; ".join(line.said)) == ("within", said)


def test_a_partial_run_and_its_errors_are_told():
    ours = task("hellaswag", acc_norm=(0.77, 0.76, 0.78))
    ours["samples"] |= {"scored": 997, "errors": {"timeout": 3}, "total": 1200, "truncated": 2}
    (line,) = lines(HELLASWAG, 77.0, ours)
    assert line.verdict == "within"
    assert line.said[0] == "the data hold 1,200 samples, the authors' 1,000"
    assert line.said[1:] == ["partial: 1000 of 1200", "3 errors (timeout 3)", "2 truncated"]


@pytest.mark.parametrize(
    ("total", "about", "told"),
    [
        (1000, {}, False),
        (800, {}, True),
        (990, {"data": {"origin": "/rows", "excluded": {"no label": 10}}}, False),
        (800, {"data": {"origin": "bundled"}}, False),
        (3000, {"epochs": 3}, False),
        (2400, {"epochs": 3}, True),
    ],
)
def test_data_that_are_not_whole_are_told(total: int, about: dict[str, Any], told: bool):
    ours = {**task("hellaswag", acc_norm=(0.77, 0.76, 0.78)), **about}
    ours["samples"] = {**ours["samples"], "scored": total, "total": total}
    (line,) = lines(HELLASWAG, 77.0, ours)
    assert any("samples, the authors' 1,000" in said for said in line.said) == told


def test_other_weights_are_told():
    known = Published({}, {"llama2-7b": []}, [Figure("llama2-7b", HELLASWAG, 77.0, 0.05, "paper")])
    ours = report(task("hellaswag", acc_norm=(0.77, 0.76, 0.78)), name="my-quantized")
    (line,) = reproduced.beside(known, ours, "llama2-7b", {})
    assert line.said == ["weights: my-quantized"]
    assert reproduced.model_of(known, ours, "llama2-7b") == "llama2-7b"
    with pytest.raises(SetupError, match="no figures of my-quantized are known, .* --model=NAME"):
        reproduced.model_of(known, ours, None)
    assert reproduced.model_of(known, report(name="LLaMA2-7B"), None) == "llama2-7b"


def test_the_mean_of_two_benchmarks_has_an_interval_of_its_own():
    pair = [task("arc-e", acc_norm=(0.7, 0.67, 0.73)), task("arc-c", acc_norm=(0.4, 0.36, 0.44))]
    (line,) = lines(Column(["arc-e", "arc-c"], "acc_norm", shots=0), 55.0, *pair)
    assert line.score is not None
    assert (line.score.value, line.score.low, line.score.high) == pytest.approx((55.0, 52.5, 57.5))  # 3, 4, 5
    assert line.score.n == 2000
    assert line.verdict == "within"
    assert line.cells()[0] == "mean of arc-e and arc-c (ppl)"


def test_groups_and_means_of_groups():
    ours = task("race", accuracy=(0.5, 0.4, 0.6))
    entry = {"value": 0.3, "ci95": [0.2, 0.4], "n": 10}
    ours["groups"] = {"level": {"high": {"accuracy": entry}}}
    ours["macro"] = {"level": {"accuracy": {**entry, "value": 0.35}}}
    for column, value in (
        (Column(["race"], "accuracy", group=("level", "high")), 30),
        (Column(["race"], "accuracy", macro="level"), 35),
    ):
        (line,) = lines(column, 30.0, ours)
        assert line.score is not None
        assert line.score.value == pytest.approx(value)


def test_a_perplexity_is_no_share():
    ours = task("lambada", perplexity=(0.9, 0.8, 0.95))
    ours["metrics"]["perplexity"]["share"] = False
    (line,) = lines(Column(["lambada"], "perplexity"), 0.9, ours)
    assert line.cells()[4] == "0.90"


def test_each_variant_has_a_line_and_those_without_the_metric_none():
    both = [task("mmlu", "ppl", accuracy=(0.4, 0.3, 0.5)), task("mmlu", "gen", accuracy=(0.2, 0.1, 0.3))]
    assert [line.variant for line in lines(Column(["mmlu"], "accuracy"), 40, *both)] == ["ppl", "gen"]
    both[1]["metrics"] = {"other": both[1]["metrics"]["accuracy"]}
    assert [line.variant for line in lines(Column(["mmlu"], "accuracy"), 40, *both)] == ["ppl"]


def test_benchmarks_that_the_run_has_not_are_counted():
    found = lines(HELLASWAG, 77.0, task("mmlu", accuracy=(0.4, 0.3, 0.5)))
    assert found == []
    assert list(reproduced.foot(found, 1)) == [
        "0 within, 0 outside, 0 not comparable; 1 more are of benchmarks that the run does not have"
    ]


def test_the_report_is_left_as_it_is():
    ours = report(task("hellaswag", acc_norm=(0.77, 0.76, 0.78)))
    before = copy.deepcopy(ours)
    known = Published({}, {"llama2-7b": []}, [Figure("llama2-7b", HELLASWAG, 77.0, 0.05, "paper")])
    reproduced.beside(known, ours, "llama2-7b", {})
    assert ours == before
