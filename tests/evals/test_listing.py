"""`proctor list`, `show` and `check`: what the benchmarks are, from the pages themselves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from proctor import checking, pages
from proctor.command import main
from proctor.errors import SetupError

ROOT = Path(__file__).parents[2]


def test_the_list_in_the_docs_is_current():
    made = "\n".join(pages.markdown(pages.pages())) + "\n"
    assert (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8") == made, "proctor list --markdown makes it"


def test_every_page_is_in_the_list(capsys: pytest.CaptureFixture[str]):
    assert main(["list"]) == 0
    listed = {line.split()[0] for line in capsys.readouterr().out.splitlines()[1:]}
    assert listed == {page.benchmark.name for page in pages.pages()}
    assert {"gsm8k", "mmlu", "hellaswag", "humaneval"} <= listed


def test_examples_that_a_header_brings_are_counted_as_the_report_counts_them():
    shots = {row[0]: row[4] for row in pages.rows(pages.chosen(["math", "bbh", "gsm8k", "arc-c"]))}
    assert pages.HEADS[4] == "shots"
    assert shots == {"math": "4", "bbh": "3", "gsm8k": "8", "arc-c": "0"}
    assert "| `math` |" in (said := "\n".join(pages.markdown(pages.chosen(["math"]))))
    assert "| gen | 4 | accuracy |" in said


def test_the_last_column_of_the_list_begins_below_its_head(capsys: pytest.CaptureFixture[str]):
    assert main(["list", "gsm8k", "summedits"]) == 0
    heads, *lines = capsys.readouterr().out.splitlines()
    assert [line[heads.index("licence") :][:3] for line in lines] == ["MIT", "Apa"]


@pytest.mark.parametrize("page", pages.pages(), ids=lambda page: page.benchmark.name)
def test_a_page_says_what_it_follows(page: pages.Page):
    assert page.doc, page.benchmark.module
    assert page.source.capability
    assert page.source.language
    assert page.source.licence
    assert page.source.origin
    assert len(page.bundled().samples) >= 8
    assert sum(task.default for task in page.benchmark.tasks) <= 1
    for task in page.benchmark.tasks:
        assert task.ask.needs in ("generate", "likelihood")


def test_show_has_the_page_and_a_prompt_of_each_variant(capsys: pytest.CaptureFixture[str]):
    assert main(["show", "mmlu"]) == 0
    said = capsys.readouterr().out
    assert "arXiv:2009.03300" in said
    assert "--- mmlu_ppl (the default): main metric accuracy; choices 'ABCD', prefix ' '" in said
    assert "--- mmlu_gen: main metric accuracy; max_tokens 16" in said
    assert said.count("The following are multiple choice questions (with answers) about anatomy.") == 2
    assert main(["show", "mmlu", "--variant", "gen"]) == 0
    assert "mmlu_ppl" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show", "none"], "no benchmark is called 'none'; "),
        (["show", "gsm8k", "--variant", "ppl"], "gsm8k has no variant ppl; it has: gen"),
        (["list", "gsm9k"], "no benchmark is called 'gsm9k'; did you mean gsm8k?"),
    ],
)
def test_what_is_not_there_is_told(capsys: pytest.CaptureFixture[str], arguments: list[str], message: str):
    assert main(arguments) == 4
    said = capsys.readouterr()
    assert message in said.err
    assert said.out == ""


def test_check_runs_the_self_check_models(capsys: pytest.CaptureFixture[str]):
    assert main(["check", "gsm8k"]) == 0
    heads, row, end = capsys.readouterr().out.splitlines()
    assert heads.split()[:4] == ["task", "rows", "samples", "left"]
    assert row.split() == ["gsm8k", "gen", "30", "30", "0", "100.00", "0.00", "0.00", "0"]
    assert end == "1 benchmarks, 0 tasks with faults"


def test_check_tells_data_that_cannot_be_read(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    (tmp_path / "gsm8k").mkdir()
    (tmp_path / "gsm8k" / "test.jsonl").write_text('{"question": "x", "answer": "no number"}\n')
    assert main(["check", "gsm8k", "--data-dir", str(tmp_path)]) == 1
    assert "gsm8k" in capsys.readouterr().out.splitlines()[1]


def line(sample: str, score: Any) -> dict[str, Any]:
    return {"sample": sample, "variant": "gen", "scores": {"right": score}}


TASK = {
    "main": "right",
    "variant": "gen",
    "metrics": {"right": {"value": 0.5}},
    "data": {"rows": 3, "excluded": {"no label": 1}},
    "samples": {"selected": 2, "errors": {}},
}


@pytest.mark.parametrize(
    ("model", "scores", "faults"),
    [
        ("gold", [1, 1], []),
        ("gold", [1, 0], ["gold of 1 does not score 1"]),
        ("gold", [0, 1], []),  # excused
        ("empty", [0, 0], []),
        ("empty", [0, 1], ["nothing scores in 1"]),
        ("neighbour", [0, 1], []),
        ("gold", [[1, 2], [3, 4]], []),  # no score of its own
    ],
)
def test_what_counts_as_a_fault(model: str, scores: list[Any], faults: list[str]):
    one = checking.Checked("made gen")
    samples = [line(str(i), score) for i, score in enumerate(scores)]
    checking._note(one, model, TASK, samples, {"gen": {"0": "its gold answer is no number"}})
    assert one.faults == faults
    assert (one.rows, one.samples, one.left_out) == (3, 2, 1)
    assert one.by_chance == (1 if model == "neighbour" else 0)


def test_exceptions_need_a_reason(tmp_path: Path):
    assert checking.exceptions(tmp_path) == {}
    (tmp_path / "exceptions.yaml").write_text(json.dumps({"a": {"gen": {"1": ""}}}))
    with pytest.raises(SetupError, match="every exception needs its reason"):
        checking.exceptions(tmp_path)


def test_a_missing_folder_is_no_clean_check(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["check", "gsm8k", "--data-dir", str(tmp_path / "missing")])
    assert "no such folder" in capsys.readouterr().err
