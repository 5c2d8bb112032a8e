"""Whole outputs as models write them, by family, with the verdict of a careful person: the tables of tests/outputs.

The tables of the families' own modules (`test_extract*`, `test_equations`) go through single ways of writing.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from proctor import extract
from proctor.extract import code_block, final_number, function_body
from proctor.metrics import equivalent, same_theorem_answer

OUTPUTS = Path(__file__).parent.parent / "outputs"
STOP = ["\ndef", "\n#", "\nif", "\nprint", "\nclass"]
"""HumanEval's."""


def table(family):
    rows = yaml.safe_load((OUTPUTS / f"{family}.yaml").read_text(encoding="utf-8"))
    assert len(rows) >= 40
    return [pytest.param(row, id=repr(row["said"])[:60]) for row in rows]


@pytest.mark.parametrize("row", table("numbers"))
def test_numbers(row):
    assert final_number(row["said"]) == row["means"]


@pytest.mark.parametrize("row", table("code"))
def test_code(row):
    assert "block" in row or "body" in row
    if "block" in row:
        assert code_block(row["said"], "add_two", ["[DONE]"]) == row["block"]
    if "body" in row:
        assert function_body(row["said"], "add_two", STOP) == row["body"]


EVERY = {
    "after": lambda text: extract.after("####", text),
    "boolean": extract.boolean,
    "boxed": extract.boxed,
    "choice_letter": extract.choice_letter,
    "code_block": lambda text: code_block(text, "add_two", ["[DONE]"]),
    "final_answer": extract.final_answer,
    "final_number": final_number,
    "function_body": lambda text: function_body(text, "add_two", STOP),
    "label": lambda text: extract.label(text, {"1": ["positive", "正面"], "0": ["negative", "负面"]}),
    "no_answer": extract.no_answer,
    "number": extract.number,
    "option_list": lambda text: extract.option_list(text, 5, "ABCDEFG"),
    "option_set": extract.option_set,
    "own_answer": extract.own_answer,
    "span": extract.span,
    "split_thinking": extract.split_thinking,
    "theorem_answer": lambda text: extract.theorem_answer(text, "float"),
    "translation": extract.translation,
}
BITS = (
    '```|~~~|`|~|\n|\n\n|def add_two(x):\n|import a|A bc |"""|# |  |<think>|</think>|####|1,234|-|.|$|\\boxed{|\\(|'
    "answer is |答案|：|。|Question:|**Question:**|Translation: |Here is it:|译文：|A、|(B)|x = 1\n"
    "|not |yes|“|\\frac|{|}|=|_"
)


def test_every_extraction_is_timed():
    assert set(EVERY) == set(extract.__all__)


@settings(max_examples=40)
@given(
    piece=st.text(min_size=1, max_size=30) | st.lists(st.sampled_from(BITS.split("|")), min_size=1).map("".join),
    head=st.sampled_from(["", "def add_two(x):\n", "```python\n", "<think>", "The answer is ", "\\boxed{"]),
    name=st.sampled_from(sorted(EVERY)),
)
def test_100_kb_of_anything_take_no_more_than_50_ms(piece, head, name, seconds):
    text = (head + piece * (100_000 // len(piece) + 1))[:100_000]
    assert seconds(EVERY[name], text) < 0.05


@pytest.mark.parametrize("name", sorted(EVERY))
@pytest.mark.parametrize("piece", [bit for bit in BITS.split("|") if bit], ids=repr)
def test_100_kb_of_one_thing_take_no_more_than_50_ms(piece, name, seconds):
    assert seconds(EVERY[name], piece * (100_000 // len(piece))) < 0.05


@pytest.mark.parametrize("row", table("letters"))
def test_letters(row):
    assert extract.choice_letter(row["said"]) == row["means"]


@pytest.mark.parametrize("row", table("option_sets"))
def test_option_sets(row):
    assert extract.option_set(row["said"]) == row["means"]


@pytest.mark.parametrize("row", table("lists"))
def test_lists(row):
    letters, means = row.get("letters", "ABCDEFG"), row["means"]
    expected = means and [None if letter == "-" else letter for letter in means]
    assert extract.option_list(row["said"], 3 if letters == "ABCD" else 5, letters) == expected


@pytest.mark.parametrize("row", table("latex"))
def test_latex(row):
    assert equivalent(extract.final_answer(row["said"]), row["gold"]) == row["right"]


@pytest.mark.parametrize("row", table("spans"))
def test_spans(row):
    assert extract.no_answer(row["said"]) == ("none" in row)
    if "none" not in row:
        assert extract.span(row["said"]) == row["means"]


CLASSES = {
    "nli": {
        "entailment": ["entailment", "entails", "yes", "true", "蕴含"],
        "neutral": ["neutral", "maybe", "undetermined", "中立"],
        "contradiction": ["contradiction", "contradicts", "no", "false", "矛盾"],
    },
    "sentiment": {"Positive": ["positive", "正面", "积极"], "Negative": ["negative", "负面", "消极"]},
    "news": {"103": ["体育"], "104": ["财经"], "107": ["汽车"], "109": ["科技"], "110": ["军事"], "113": ["国际"]},
}


@pytest.mark.parametrize("row", table("labels"))
def test_labels(row):
    if "names" in row:
        assert extract.label(row["said"], CLASSES[row["names"]]) == row["means"]
    else:
        assert extract.boolean(row["said"]) is row["means"]


@pytest.mark.parametrize("row", table("theorems"))
def test_theorems(row):
    found = extract.theorem_answer(row["said"], row["kind"])
    assert same_theorem_answer(found, row["gold"], row["kind"]) == row["right"]


@pytest.mark.parametrize("row", table("translations"))
def test_translations(row):
    assert extract.translation(row["said"]) == row["means"]
