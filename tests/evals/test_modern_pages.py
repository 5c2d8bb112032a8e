"""AIME, MMLU-Pro, GPQA, MuSR and DROP: prompts, hard outputs, and the official rules."""

from __future__ import annotations

import pytest
from proctor import shuffled
from proctor.checking import _run
from proctor.errors import DataError
from proctor.metrics import drop_scores
from proctor.pages import pages
from proctor.sample import Sample
from read_pages import page, prompts, read, verdict, write

aime, mmlu_pro = page("numeracy/test_aime").aime, page("knowledge/test_mmlu_pro").mmlu_pro
gpqa, musr = page("science/test_gpqa").gpqa, page("reasoning/test_musr").musr
drop = page("passages/test_drop").drop


@pytest.mark.parametrize(
    ("target", "text", "right"),
    [
        ("73", r"So the answer is $\boxed{073}$.", True),
        ("73", r"\boxed{73}", True),
        ("73", r"\boxed{\text{73}}", True),
        ("73", "The answer is **73**.", True),
        ("73", "<think>The answer is 12.</think>The answer is 73.", True),
        ("73", r"First \boxed{12}, but then \boxed{73}.", True),
        ("0", r"\boxed{000}", True),
        ("0", r"\boxed{0}", True),
        ("0", "No solution.", False),
        ("73", r"\boxed{-73}", False),
        ("73", r"\boxed{73.5}", False),
        ("73", r"\boxed{7", False),
        ("73", "", False),
    ],
)
def test_aime(target, text, right):
    assert verdict(aime, Sample(target=target), text)[1] == {"accuracy": right}


@pytest.mark.parametrize("answer", ["1000", "-1", "7/2", ""])
def test_aime_has_integers_to_999(tmp_path, answer):
    write(tmp_path, "aime/aime24.jsonl", [{"problem": "x", "answer": answer}])
    with pytest.raises(DataError, match="no integer from 0 to 999"):
        read(aime, tmp_path)


def test_aime_reads_both_layouts(tmp_path):
    write(tmp_path, "aime/aime24.jsonl", [{"problem": "x", "answer": "073"}])
    write(tmp_path, "aime/aime25.jsonl", [{"question": "y", "answer": 5}])
    found = [(one.question, one.target, one.groups["year"]) for one in read(aime, tmp_path).samples]
    assert found == [("x", "73", "2024"), ("y", "5", "2025")]


def pro(category, number, thought=""):
    return {
        "question": f"{category} {number}?",
        "options": ["Carbon", "N/A", "Iron"],
        "answer": "B",
        "answer_index": 1,
        "cot_content": thought,
        "category": category,
    }


def test_mmlu_pro_has_five_examples_of_the_category(tmp_path):
    shots = [pro(name, i, "A: Let's think step by step. It is. The answer is (B).") for i in range(6) for name in "xy"]
    write(tmp_path, "mmlu-pro/validation.jsonl", shots)
    write(tmp_path, "mmlu-pro/test.jsonl", [pro("y", "asked"), pro("x", "asked")])
    first, second = prompts(mmlu_pro, tmp_path)
    assert first.startswith(
        "You are an expert in y. Below is a series of example questions (with answers) about y for "
    )
    assert (
        "Then output the answer.\nQuestion:\ny 0?\nOptions:\nA. Carbon\nB. Iron\nAnswer: Let's think step by step. It"
        in first
    )
    assert first.endswith(
        "The answer is (B).\n\nQuestion:\ny asked?\nOptions:\nA. Carbon\nB. Iron\nAnswer: Let's think step by step."
    )
    assert [first.count(f"y {i}?") for i in range(6)] == [1, 1, 1, 1, 1, 0]
    assert "x 0?" not in first
    assert "x 0?" in second


def test_a_category_without_examples_is_told(tmp_path):
    write(tmp_path, "mmlu-pro/validation.jsonl", [pro("x", i) for i in range(5)])
    write(tmp_path, "mmlu-pro/test.jsonl", [pro("y", "asked")])
    with pytest.raises(DataError, match="0 few-shot rows of the category 'y' .*--shots=0 asks fewer"):
        read(mmlu_pro, tmp_path)


@pytest.mark.parametrize(
    ("text", "right", "published"),
    [
        (" It is iron. The answer is (B).", True, True),
        (" The answer is B.", True, True),
        ("Answer: B", True, True),
        ("answer: B, since it is", True, True),
        ("B. Carbon", True, False),  # the last capital from A to J is that of the option
        (r"So \boxed{B}", True, True),
        ("<think>The answer is (C).</think>The answer is (B).", True, True),
        ("The answer is (A). Wait, the answer is (B).", True, False),  # the first one counts there
        ("The answer is (J).", False, False),
        ("The answer is (C).", False, False),
        ("no idea", False, False),
        ("", False, False),
    ],
)
def test_mmlu_pro(text, right, published):
    sample = Sample(target="B", choices=list("xyz"))
    assert verdict(mmlu_pro, sample, text)[1] == {"accuracy": right, "published": published}


def test_gpqa_options_depend_on_the_question_alone(tmp_path):
    names = [
        "Question",
        "Correct Answer",
        *(f"Incorrect Answer {n}" for n in (1, 2, 3)),
        "High-level domain",
        "Subdomain",
    ]
    rows = [f"q{i},right,w1,w2,w3,Physics,Optics" for i in range(40)]
    write(tmp_path, "a/gpqa/gpqa_diamond.csv", "\n".join([",".join(names), *rows]))
    write(tmp_path, "b/gpqa/gpqa_diamond.csv", "\n".join([",".join(names), *rows[::-1][:7]]))
    one, two = read(gpqa, tmp_path / "a").samples, read(gpqa, tmp_path / "b").samples
    assert {sample.target for sample in one} == set("ABCD")
    assert [sample.choices for sample in one[::-1][:7]] == [sample.choices for sample in two]
    assert all(sample.choices["ABCD".index(sample.target)] == "right" for sample in one)
    letters = "".join(f"\n({letter}) {choice}" for letter, choice in zip("ABCD", one[0].choices, strict=True))
    asked = f"What is the correct answer to this question: q0\n\nChoices:{letters}"
    assert prompts(gpqa, tmp_path / "a")[0] == f"{asked}\nLet's think step by step: "
    assert prompts(gpqa, tmp_path / "a", "direct")[0].startswith(f"{asked}\n\nFormat your response as follows: ")


def test_shuffled_is_a_permutation_that_is_the_same_everywhere():
    assert sorted(shuffled(range(9), "q")) == list(range(9))
    assert shuffled("abcd", "q") == ["a", "c", "d", "b"]
    assert shuffled([], "q") == []


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("The correct answer is (B).", "B"),
        ("The correct answer is B", "B"),
        ("**The correct answer is (B)**", "B"),
        ("The correct answer is (B) 5 eV", "B"),
        ("(B)", "B"),
        ("Answer: (B)", "B"),
        ("The single, most likely answer choice is (B).", "B"),
        ("<think>(A)</think>The correct answer is (B).", "B"),
        ("The correct answer is (E).", None),
        ("The correct answer is (insert answer here)", None),
        ("", None),
    ],
)
def test_gpqa(text, answer):
    for variant in ("gen", "direct"):
        found = verdict(gpqa, Sample(target="B", choices=list("wxyz")), text, variant)
        assert found == (answer, {"accuracy": answer == "B"})


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("He had the key.\n\nANSWER: 2", "B"),
        ("ANSWER: 2 - Otto", "B"),
        ("**ANSWER: 2**", "B"),
        ("ANSWER: (2)", "B"),
        ("Answer: 2.", "B"),
        ("1 has no motive. 2 has 3 of them.\nANSWER: 2", "B"),
        ("ANSWER: 1\nNo, wait.\nANSWER: 2", "B"),
        ("<think>ANSWER: 1</think>\nANSWER: 2", "B"),
        ("ANSWER: 1", "A"),
        ("ANSWER: 4", None),
        ("I cannot tell.", None),
        ("", None),
    ],
)
def test_musr(text, answer):
    sample = Sample(target="B", choices=("Ines", "Otto", "Bo"))
    assert verdict(musr, sample, text) == (answer, {"accuracy": answer == "B"})


def test_musr_places_its_hint_as_the_authors_do(tmp_path):
    row = {"context": "A story.", "questions": [{"question": "Who?", "choices": ["X", "Y"], "answer": 1}]}
    for name in ("murder_mystery", "object_placements"):
        write(tmp_path, f"musr/{name}.json", [row])
    murder, objects = prompts(musr, tmp_path)
    choices = "Who?\n\nPick one of the following choices:\n1 - X\n2 - Y\n\nYou must pick one option. "
    assert murder.startswith(f"A story.\n\n{choices}Before selecting a choice, explain")
    assert objects.startswith("A story.\n\nBased on this story, we want")
    assert f"\n\n{choices}Explain your reasoning step by step before you answer. Finally," in objects


@pytest.mark.parametrize(
    ("answer", "golds", "exact", "f1"),
    [
        (["5"], [["5"]], 1, 1),
        (["5.0"], [["5"]], 1, 1),
        (["5"], [["6"]], 0, 0),
        (["5 yards"], [["5"]], 0, 0.67),
        (["1,000"], [["1000"]], 1, 1),
        (["6 yards"], [["5 yards"]], 0, 0),  # the numbers differ
        (["yards"], [["5 yards"]], 0, 0),
        (["5"], [["five"]], 0, 0),
        (["10%"], [["10"]], 1, 1),
        (["$4"], [["4"]], 1, 1),
        (["the Red Fox"], [["red fox"]], 1, 1),
        (["red-fox"], [["red fox"]], 1, 1),
        (["fox"], [["red fox"]], 0, 0.67),
        (["fox red"], [["red fox"]], 0, 1),
        (["red red fox"], [["red fox"]], 0, 1),  # sets of words
        (["U.S."], [["US"]], 1, 1),
        (["O'Neil"], [["ONeil"]], 1, 1),
        (["a", "b c"], [["b c"]], 0, 0.5),
        (["b c"], [["a", "b c"]], 0, 0.5),
        (["x", "y"], [["y", "x"]], 1, 1),
        (["x", "x"], [["x", "y"]], 0, 0.5),
        (["x", "y", "z"], [["x"]], 0, 0.33),
        (["x y", "z"], [["x", "z"]], 0, 0.83),
        (["14 June 1931"], [["14 June 1931"]], 1, 1),
        (["June 1931"], [["14 June 1931"]], 0, 0.8),
        (["June"], [["14 June 1931"]], 0, 0),
        (["1931 June 14"], [["14 June 1931"]], 0, 1),
        (["x"], [["y"], ["x"]], 1, 1),
        (["x y"], [["x"], ["x z"]], 0, 0.67),
        ([""], [["x"]], 0, 0),
        ([], [["x"]], 0, 0),
        (["x"], [[" "], ["x"]], 1, 1),
        (["x"], [[" "]], 0, 0),
        (["x"], [], 0, 0),
    ],
)
def test_drop_scores(answer, golds, exact, f1):
    assert drop_scores(answer, golds) == (exact, f1)


@pytest.mark.parametrize(
    ("text", "golds", "exact", "f1"),
    [
        (" 25\n\nPassage: x", [["25"]], 1, 1),
        (" fire brigade and cannery", [["fire brigade", "cannery"]], 1, 1),
        (" cannery, fire brigade", [["fire brigade", "cannery"]], 1, 1),
        (" Paris, France", [["Paris, France"]], 1, 1),
        (" red, white, and blue", [["blue", "red", "white"]], 1, 1),
        (" cannery", [["fire brigade", "cannery"]], 0, 0.5),
        (" 14 June 1931", [["14 June 1931"]], 1, 1),
        (" The Weavers", [["Weavers"]], 1, 1),
        (" 24", [["25"]], 0, 0),
        ("", [["25"]], 0, 0),
    ],
)
def test_drop(text, golds, exact, f1):
    found = verdict(drop, Sample(target="", metadata={"golds": golds}), text)[1]
    assert (found["f1"], found["exact_match"]) == (f1, exact)
    assert found["f1_whole"] <= found["f1"]


@pytest.mark.parametrize("name", ["aime", "mmlu-pro", "gpqa", "musr", "drop"])
def test_gold_answers_are_right(name, tmp_path):
    own = next(one for one in pages() if one.benchmark.name == name)
    for task in _run(own, "proctor:gold", None, tmp_path / "run")[0]["tasks"]:
        assert task["metrics"][task["main"]]["value"] == 1
