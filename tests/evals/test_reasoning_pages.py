"""BIG-Bench Hard: prompts with and without a chain of thought, and an answer of each kind."""

from __future__ import annotations

import pytest
from proctor.errors import DataError
from proctor.sample import Sample
from read_pages import page, prompts, read, verdict, write

bbh = page("reasoning/test_bbh").bbh

WHY = "A: Let's think step by step."
SHOTS = [("Is water wet?", "It is.", "Yes"), ("Is fire cold?\nOptions:\n- Yes\n- No", "So the answer is hot.", "No")]
COT = "Keep this line out.\n-----\nAnswer questions.\n\nThey are easy.\n\n" + "\n\n".join(
    f"Q: {question}\n{WHY}\n{thought} So the answer is {answer}." for question, thought, answer in SHOTS
)


def data(root, name, *examples):
    rows = [{"input": question, "target": answer} for question, answer in examples]
    write(root, f"bbh/bbh/{name}.json", {"canary": "", "examples": rows})
    write(root, f"bbh/cot-prompts/{name}.txt", COT)


def test_the_prompt_is_the_authors_and_thinks_step_by_step_once(tmp_path):
    data(tmp_path, "web_of_lies", ("Is ice warm?", "No"))
    assert prompts(bbh, tmp_path) == [COT.partition("-----\n")[2] + f"\n\nQ: Is ice warm?\n{WHY}"]
    assert prompts(bbh, tmp_path, "direct") == [
        "Answer questions.\n\nThey are easy.\n\nQ: Is water wet?\nA: Yes\n\n"
        "Q: Is fire cold?\nOptions:\n- Yes\n- No\nA: No\n\nQ: Is ice warm?\nA:"
    ]


def test_samples_have_their_task_and_its_kind(tmp_path):
    data(tmp_path, "hyperbaton", ("Which?\nOptions:\n(A) big red\n(B) red big", "(A)"))
    data(tmp_path, "web_of_lies", ("Is ice warm?", "No"))
    one, two = read(bbh, tmp_path).samples
    assert (one.target, one.choices) == ("A", ["big red", "red big"])
    assert one.groups == {"task": "hyperbaton", "kind": "NLP"}
    assert (two.target, two.choices, two.groups["kind"]) == ("No", (), "algorithmic")


def test_an_option_that_is_not_there_is_an_error(tmp_path):
    data(tmp_path, "hyperbaton", ("Which?\nOptions:\n(A) big red\n(B) red big", "(C)"))
    with pytest.raises(DataError, match="hyperbaton.json:1: .*none of the 2 options"):
        read(bbh, tmp_path)


OPTIONS = ("one", "two", "three")


@pytest.mark.parametrize(
    ("target", "text", "right"),
    [
        ("B", "Red comes last. So the answer is (B).", True),
        ("B", " (B). ", True),  # once unequal to "(B)"
        ("B", "(A) is too early, (C) too late. So the answer is (B).", True),
        ("B", "So the answer is (C).", False),
        ("No", "First yes, then no. So the answer is No.", True),
        ("No", " No", True),
        ("No", "So the answer is Yes.", False),
        ("yes", "Both belong to hockey. So the answer is yes.", True),
        ("False", "not True = False, and False or True = True. So the answer is False.", True),
        ("True", " False", False),
        ("invalid", "It does not follow. So the answer is invalid.", True),
        ("valid", "So the answer is invalid.", False),
        ("-33", "-3 * 11 = -33. So the answer is -33.", True),
        ("8", "There are 3 + 5. So the answer is 8 (3 plus 5).", True),
        ("8", " 8.0", True),
        ("8", "So the answer is 18.", False),
        ("] } ]", "We pop ] and }. So the answer is ] } ].", True),
        ("] } ]", "So the answer is ]}].", True),
        ("] } ]", " ] } ]", True),
        ("] } ]", "So the answer is } ].", False),
        ("apple pear", "apple < pear. So the answer is apple pear.", True),
        ("apple pear", "**Answer:** apple, pear", True),
        ("apple pear", " apple pear\n\nQ: Sort", True),
        ("apple pear", "So the answer is pear apple.", False),
        ("Monsters, Inc", "So the answer is Monsters, Inc.", True),
        ("Monsters, Inc", "So the answer is (A).", False),
    ],
)
def test_an_answer_of_each_kind(target, text, right):
    sample = Sample(target=target, choices=OPTIONS if target == "B" else ())
    for variant in ("gen", "direct"):
        assert verdict(bbh, sample, text, variant)[1] == {"exact_match": right}
    assert verdict(bbh, sample, "") == (None, {"exact_match": False})
