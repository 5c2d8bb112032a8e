"""Pages of exams: prompts byte by byte, answers of several letters and of several questions, and the official marks."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from proctor.data.reading import without
from proctor.errors import DataError
from proctor.metrics import scoring_rate
from test_knowledge_pages import loaded, page, prompt, ranking, scores, text

OPTIONS = ["(A)甲", "(B)乙", "(C)丙", "(D)丁"]


def row(question: str, label: Any = None, answer: str | None = None, **more: Any) -> dict[str, Any]:
    options = None if label is None else OPTIONS
    return {"passage": None, "question": question, "options": options, "label": label, "answer": answer} | more


def test_agieval_prompts(tmp_path: Path):
    agieval = page("exams/test_agieval")
    dataset = loaded(
        agieval,
        tmp_path,
        **{
            "v1__gaokao-physics_dot_jsonl": [row("选哪个", ["A", "D"])],
            "v1__lsat-ar_dot_jsonl": [
                row("Which?", "E", passage="A text.", options=["(A)1", "(B)2", "(C)3", "(D)4", "(E)5"])
            ],
            "v1__math_dot_jsonl": [row("What is $1+1$?", answer="2")],
            "v1__gaokao-mathcloze_dot_jsonl": [row("一加一等于", answer="$2$")],
        },
    )
    prompts = {sample.groups["task"]: prompt(agieval, dataset, "gen", i) for i, sample in enumerate(dataset.samples)}
    assert prompts == {
        "gaokao-physics": "问题：选哪个 选项：(A)甲 (B)乙 (C)丙 (D)丁\n答案：从A到D, 我们应选择",
        "lsat-ar": "A text.Q: Which? Answer Choices: (A)1 (B)2 (C)3 (D)4 (E)5\nA: Among A through E, the answer is",
        "math": "Q: What is $1+1$?\nA: The answer is",
        "gaokao-mathcloze": "问题：一加一等于\n答案：",
    }
    groups = {
        sample.groups["task"]: (sample.groups["language"], sample.groups["answers"]) for sample in dataset.samples
    }
    assert groups["gaokao-physics"] == ("zh", "several")
    assert groups["lsat-ar"] == ("en", "one")
    assert groups["math"] == ("en", "cloze")
    assert [sample.cluster is None for sample in dataset.samples] == [True, True, False, True]


def test_agieval_labels_are_read_in_each_of_their_forms(tmp_path: Path):
    agieval = page("exams/test_agieval")
    rows = [row("?", "B"), row("?", ["A", "D"]), row("?", "A C"), row("?", ["D", "A"]), row("?", "ACD。")]
    dataset = loaded(agieval, tmp_path, **{"v1__gaokao-physics_dot_jsonl": [*rows, row("?", [])]})
    assert [sample.target for sample in dataset.samples] == ["B", "AD", "AC", "AD", "ACD"]
    assert dataset.excluded == {"no option is marked as right": 1}


def test_agieval_cloze_is_left_out_of_the_ranking_and_counted(tmp_path: Path):
    agieval = page("exams/test_agieval")
    files = {"v1__math_dot_jsonl": [row("?", answer="2")], "v1__gaokao-history_dot_jsonl": [row("?", "B")]}
    dataset = loaded(agieval, tmp_path, **files)
    gen, ppl = (next(task for task in agieval.tasks if task.variant == variant) for variant in ("gen", "ppl"))
    assert gen.leave_out is None
    asked = without(dataset, ppl.leave_out)
    assert [sample.id for sample in asked.samples] == ["gaokao-history-0"]
    assert asked.excluded == {"no options to rank": 1}
    assert (len(asked.shots), len(asked.where), len(dataset.samples)) == (1, 1, 2)


def test_agieval_ranks_letters_or_sets_of_letters(tmp_path: Path):
    agieval = page("exams/test_agieval")
    files = {"v1__jec-qa-kd_dot_jsonl": [row("?", ["A", "D"])], "v1__sat-math_dot_jsonl": [row("?", "B")]}
    several, one = loaded(agieval, tmp_path, **files).samples
    labels = next(task for task in agieval.tasks if task.variant == "ppl").ask.parameters["choices"]
    assert labels(one) == [" A", " B", " C", " D"]
    sets = labels(several)
    assert len(sets) == len(set(sets)) == 15
    assert all(label.endswith("\n") for label in sets)  # else no set could be likelier than its beginning
    values = [0.0 if label == "AD\n" else -3.0 for label in sets]
    assert scores(agieval, "ppl", several, ranking(sets, values)) == ("AD", {"accuracy": True})
    assert scores(agieval, "ppl", one, ranking(labels(one), [-math.inf] * 4)) == (None, {"accuracy": False})


@pytest.mark.parametrize(
    ("task", "gold", "said", "right"),
    [
        ("jec-qa-ca", ["A", "D"], "A、D。", True),
        ("jec-qa-ca", ["A", "D"], "D和A", True),
        ("jec-qa-ca", ["A", "D"], "A", False),
        ("jec-qa-ca", ["A", "D"], "ABD", False),
        ("gaokao-history", "B", "B。因为甲早于乙。", True),
        ("gaokao-history", "B", "A、B", False),
        ("sat-math", "C", " C", True),
        (
            "sat-en",  # a base model goes on with a passage and its question
            "B",
            " B\nOf eight reports, A is correct only if six are given. Q: Which? Answer Choices: (A)x (B)y (C)z (D)w\n"
            "A: Among A through D, the answer is D",
            True,
        ),
        ("sat-en", "D", "Let us see.\nThe answer is D.", True),
        (
            "jec-qa-ca",
            ["A", "D"],
            "AD\n甲偷东西。问题：？ 选项：(A)盗窃 (B)抢劫\n答案：从A到D, 我们应选择 B",
            True,
        ),
    ],
)
def test_agieval_letters(task: str, gold: Any, said: str, right: bool, tmp_path: Path):
    agieval = page("exams/test_agieval")
    sample = loaded(agieval, tmp_path, **{f"v1__{task}_dot_jsonl": [row("?", gold)]}).samples[0]
    assert scores(agieval, "gen", sample, text(said))[1] == {"accuracy": right}


@pytest.mark.parametrize(
    ("gold", "said", "right"),
    [
        ("\\frac{1}{2}", " $0.5$.", True),
        ("\\frac{1}{2}", "We add. So the answer is \\boxed{\\dfrac12}.", True),
        ("$4$;$19$", "$4$;$19$\n因为公差是 4。", True),  # the line that follows the prompt
        ("\\text{even}", "\\text{even}", True),
        ("5", "We have $2x=10$, so\n$$x=5.$$", True),
        ("5", "#### 5", True),
        ("3", "\\frac{1}{3}", False),  # not its last number
        ("2", "3", False),
        ("2", "", False),
    ],
)
def test_agieval_cloze(gold: str, said: str, right: bool, tmp_path: Path):
    agieval = page("exams/test_agieval")
    sample = loaded(agieval, tmp_path, v1__math_dot_jsonl=[row("?", answer=gold)]).samples[0]
    assert scores(agieval, "gen", sample, text(said))[1] == {"accuracy": right}


def jec(answer: str, **more: str) -> dict[str, Any]:
    options = dict(zip("ABCD", "甲乙丙丁", strict=True))
    return {"answer": list(answer), "id": "0_1", "option_list": options, "statement": "选哪些?", "type": "0"} | more


def test_jec_qa(tmp_path: Path):
    benchmark = page("exams/test_jec_qa")
    rows = [jec("B", subject="民法"), jec("DA"), jec("")]
    dataset = loaded(benchmark, tmp_path, **{"0_train_dot_json": rows, "1_train_dot_json": [jec("C", type="1")]})
    assert prompt(benchmark, dataset, "gen") == "问题：选哪些?\n选项：A. 甲\nB. 乙\nC. 丙\nD. 丁\n答案："
    assert [sample.target for sample in dataset.samples] == ["B", "AD", "C"]
    assert dataset.excluded == {"no option is marked as right": 1}
    assert dataset.samples[0].groups == {"part": "knowledge", "answers": "one", "subject": "民法"}
    assert dataset.samples[2].groups == {"part": "cases", "answers": "one"}
    both = dataset.samples[1]
    assert scores(benchmark, "gen", both, text("AD")) == ("AD", {"accuracy": True})
    assert scores(benchmark, "gen", both, text("A")) == ("A", {"accuracy": False})
    labels = next(task for task in benchmark.tasks if task.variant == "ppl").ask.parameters["choices"](both)
    assert scores(benchmark, "ppl", both, ranking(labels, [-math.inf] * 15)) == (None, {"accuracy": False})
    values = [0.0 if label == "AD\n" else -1.0 for label in labels]
    assert scores(benchmark, "ppl", both, ranking(labels, values)) == ("AD", {"accuracy": True})


def gaokao(tmp_path: Path, task: str, answer: list[str], worth: float, question: str = "1. 选哪个\n"):
    example = {
        "year": "2010",
        "category": "（原创）",
        "question": question,
        "answer": answer,
        "index": 0,
        "score": worth,
    }
    content = json.dumps({"keywords": task, "example": [example]})
    benchmark = page("exams/test_gaokao_bench")
    dataset = loaded(benchmark, tmp_path, **{f"Objective_Questions__{task}_dot_json": content})
    return benchmark, dataset


def test_gaokao_bench_prompts(tmp_path: Path):
    benchmark, dataset = gaokao(tmp_path / "1", "2010-2022_Biology_MCQs", ["C"], 6)
    assert prompt(benchmark, dataset, "gen") == (
        "请你做一道生物选择题\n请你一步一步思考并将思考过程写在【解析】和<eoe>之间。"
        "你将从A，B，C，D中选出正确的答案，并写在【答案】和<eoa>之间。\n例如：【答案】: A <eoa>\n"
        "完整的题目回答的格式如下：\n【解析】 ... <eoe>\n【答案】 ... <eoa>\n请你严格按照上述格式作答。\n"
        "题目如下：1. 选哪个\n"
    )
    benchmark, dataset = gaokao(tmp_path / "2", "2010-2022_English_Reading_Comp", ["A", "B"], 2)
    assert prompt(benchmark, dataset, "gen") == (
        "请你做一道英语阅读理解题，其中包含三到五个小题。\n请你一步一步思考。每一题你将从A，B，C，D中选出正确的答案，"
        "并写在【答案】和<eoa>之间。\n例如：（1）【答案】 A <eoa>\n（2）【答案】 B <eoa>\n请你严格按照上述格式作答。\n"
        "1. 选哪个\n"
    )
    assert dataset.samples[0].groups == {"task": "2010-2022_English_Reading_Comp", "subject": "English", "year": "2010"}


@pytest.mark.parametrize(
    ("task", "gold", "worth", "said", "marks", "accuracy"),
    [
        ("2010-2022_Physics_MCQs", ["AC"], 6, "【解析】 略 <eoe>\n【答案】 AC <eoa>", 1, 1),
        ("2010-2022_Physics_MCQs", ["AC"], 6, "【答案】 A <eoa>", 0.5, 0),
        ("2010-2022_Physics_MCQs", ["AC"], 6, "【答案】 AB <eoa>", 0, 0),
        ("2010-2022_Physics_MCQs", ["AC"], 6, "我不知道", 0, 0),
        ("2010-2022_History_MCQs", ["B"], 4, "【解析】 A不对。<eoe>\n【答案】: B <eoa>", 1, 1),
        ("2010-2022_Geography_MCQs", ["B", "C"], 4, "（1）【答案】 B <eoa>\n（2）【答案】 D <eoa>", 0.5, 0.5),
        # Fewer letters than questions win nothing, by the authors' rule.
        ("2010-2022_Geography_MCQs", ["B", "C"], 4, "（1）【答案】 B <eoa>\n（2）我不知道", 0, 0.5),
        ("2012-2022_English_Cloze_Test", ["F", "G", "A", "C", "E"], 2, "【答案】 F G A C E <eoa>", 1, 1),
        ("2012-2022_English_Cloze_Test", ["F", "G", "A", "C", "E"], 2, "【答案】 F G A C B <eoa>", 0.8, 0.8),
    ],
)
def test_gaokao_bench_marks(
    task: str, gold: list[str], worth: float, said: str, marks: float, accuracy: float, tmp_path: Path
):
    benchmark, dataset = gaokao(tmp_path, task, gold, worth)
    _, metrics = scores(benchmark, "gen", dataset.samples[0], text(said))
    assert metrics["marks"] == pytest.approx(marks)
    assert metrics["accuracy"] == pytest.approx(accuracy)
    assert metrics["scoring_rate"] == pytest.approx((marks * worth * len(gold), worth * len(gold)))
    assert scoring_rate(np.array([metrics["scoring_rate"]])) == pytest.approx(marks)


def test_gaokao_bench_refuses_a_file_that_is_none_of_its_tasks(tmp_path: Path):
    with pytest.raises(DataError, match="2023_Math_MCQs"):
        gaokao(tmp_path, "2023_Math_MCQs", ["A"], 5)
