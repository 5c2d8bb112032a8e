r"""MATH, TheoremQA, MBPP: their rows, prompts and verdicts."""

from __future__ import annotations

import pytest
from proctor.code import TestedOutput
from proctor.errors import DataError
from proctor.model import Completion, Execution
from proctor.sample import Sample
from read_pages import page, prompts, read, verdict, write

math = page("numeracy/test_math").math
theoremqa = page("numeracy/test_theoremqa").theoremqa
mbpp_page = page("code/test_mbpp")

PAIR = {
    "problem": "Name the point where $x = 2$ meets $y = 4$.",
    "level": "Level 1",
    "type": "Geometry",
    "solution": r"They meet at $\boxed{(2,4)}$.",
    "idx": 0,
}


def test_math_asks_after_the_four_examples_of_minerva(tmp_path):
    write(tmp_path, "math/test.jsonl", [PAIR])
    (prompt,) = prompts(math, tmp_path)
    assert prompt.startswith("Problem:\nFind the domain of the expression  $\\frac{\\sqrt{x-2}}{\\sqrt{5-x}}$.}\n\nSol")
    assert prompt.count("Problem:\n") == prompt.count("\n\nSolution:") == 5
    assert prompt.count("\nFinal Answer: The final answer is ") == 4
    assert prompt.endswith(
        "Final Answer: The final answer is $-\\frac{2}{3}$. I hope it is correct.\n\n"
        "Problem:\nName the point where $x = 2$ meets $y = 4$.\n\nSolution:"
    )
    (sample,) = read(math, tmp_path).samples
    assert (sample.target, sample.groups) == ("(2,4)", {"subject": "Geometry", "level": "Level 1"})


@pytest.mark.parametrize(
    ("text", "gold", "right"),
    [
        ("Final Answer: The final answer is $(2,4)$. I hope it is correct.", "(2,4)", True),  # unequal to itself once
        ("The point is $\\boxed{(2, 4)}$.", "(2,4)", True),
        ("The point is $\\boxed{(4, 2)}$.", "(2,4)", False),
        (r"So $x = \boxed{\frac12}$.", r"\frac{1}{2}", True),
        ("The answer is 0.5.", r"\frac{1}{2}", True),
        ("Final Answer: The final answer is $5$. I hope it is correct.\n\nProblem:\nWhat is 1+5?\n\n$6$", "5", True),
        (r"It is $\boxed{y = 2x + 1}$.", "y = 3x + 1", False),  # both are no 0
        ("", "None", False),
        ("I do not know.", "None", False),  # what is not parsed never equals
    ],
)
def test_math_compares_what_is_meant(text, gold, right):
    answer, metrics = verdict(math, Sample(target=gold), text)
    assert metrics["accuracy"] == right
    assert metrics["same_text"] == (right and answer == gold)


def test_a_solution_without_an_answer_is_an_error_with_its_line(tmp_path):
    write(tmp_path, "math/test.jsonl", [PAIR, PAIR | {"solution": "They meet."}])
    with pytest.raises(DataError, match="test.jsonl:2: .*boxes no answer"):
        read(math, tmp_path)


THEOREM = {
    "Question": "How many edges has a cube?",
    "Answer": 12,
    "Answer_type": "integer",
    "Picture": None,
    "source": "self",
    "id": "one",
    "explanation": "NONE",
    "theorem": "counting",
    "subfield": "Geometry",
    "field": "Math",
}


def test_theoremqa_asks_with_the_authors_words_and_keeps_pictures(tmp_path):
    seen = THEOREM | {"Picture": "images/cube.png", "Answer": "(b)", "Answer_type": "Option"}
    write(tmp_path, "theoremqa/theoremqa_test.json", [THEOREM, seen])
    prompt, _ = prompts(theoremqa, tmp_path)
    assert prompt == (
        "You are a mathematician, you are supposed to answer the given question. You need to output the answer in your "
        'final sentence like "Therefore, the answer is ...". The answer can only be one of the following forms:\n'
        "1. a numerical value like 0.1, no symbol and no unit at all.\n2. a list of number like [2, 3, 4].\n"
        "3. True/False.\n4. an option like (a), (b), (c), (d)\n"
        "Question: How many edges has a cube?\nLet's think step by step."
    )
    assert [sample.groups["picture"] for sample in read(theoremqa, tmp_path).samples] == ["without", "with"]
    assert read(theoremqa, tmp_path).samples[1].groups["type"] == "option"


@pytest.mark.parametrize(
    ("kind", "gold", "text", "right"),
    [
        ("integer", 12, "Therefore, the answer is 12.", True),
        ("integer", 12, "Therefore, the answer is 12.4.", True),  # by rounding, as the authors have it
        ("integer", 12, "Therefore, the answer is 13.", False),
        ("float", 2.0, "Therefore, the answer is 2.07.", True),  # within 4 %
        ("float", 2.0, "Therefore, the answer is 2.1.", False),
        ("float", 0.7071, "Therefore, the answer is sqrt(2)/2.", True),
        ("bool", False, "Therefore, the answer is False.", True),
        ("bool", False, "Therefore, the answer is True.", False),
        ("list of integer", [2, 3], "Therefore, the answer is [3, 2].", True),
        ("list of integer", [2, 3], "Therefore, the answer is [2, 3, 4].", False),
        ("option", "(b)", "Therefore, the answer is (B).", True),
        ("float", 1.0, "Therefore, the answer is factorial(2000000).", False),  # bounded: it hung elsewhere
        ("float", 1.0, "Therefore, the answer is __import__('os').getpid().", False),  # no eval
    ],
)
def test_theoremqa_judges_by_the_type_of_the_answer(kind, gold, text, right):
    sample = Sample(target=str(gold), groups={"type": kind}, metadata={"gold": gold})
    assert verdict(theoremqa, sample, text)[1] == {"accuracy": right}


def problem(number: int) -> dict:
    return {
        "text": f"Write a function to add {number}.",
        "code": f"import os\r\ndef add{number}(x):\r\n  return x + {number}",
        "task_id": number,
        "test_setup_code": "",
        "test_list": [f"assert set([add{number}(1)]) == {{{number + 1}}}", f"assert add{number}(2) == {number + 2} "],
        "challenge_test_list": [],
    }


def asked(number: int) -> str:
    return (
        f"You are an expert Python programmer, and here is your task: Write a function to add {number}. "
        "Your code should pass these tests:\n\n"
        f"assert set([add{number}(1)]) == {{{number + 1}}}\nassert add{number}(2) == {number + 2} \n"
    )


def test_mbpp_shows_tasks_2_to_4_and_asks_11_to_510(tmp_path):
    write(tmp_path, "mbpp/mbpp.jsonl", [problem(number) for number in range(1, 14)])
    found = prompts(mbpp_page.mbpp, tmp_path)
    shown = "".join(
        f"{asked(n)}[BEGIN]\nimport os\r\ndef add{n}(x):\r\n  return x + {n}\n[DONE]\n\n" for n in (2, 3, 4)
    )
    assert found == [f"{shown}{asked(n)}[BEGIN]\n" for n in (11, 12, 13)]  # one newline after [BEGIN], as shown
    chat = prompts(mbpp_page.mbpp, tmp_path, "chat")
    assert chat[0].endswith(asked(11))
    assert "```python\nimport os\r\ndef add2" in chat[0]
    assert "[BEGIN]" not in chat[0]


def revised(number: int) -> dict:
    row = problem(number)
    known = {"prompt": row["text"], "test_imports": ["import math"], "source_file": "", "test_list": row["test_list"]}
    return known | {"code": row["code"].replace("\r", ""), "task_id": number}


def test_the_revised_problems_are_all_asked_and_none_shows_itself(tmp_path):
    write(tmp_path, "mbpp/sanitized-mbpp.json", [revised(number) for number in (2, 3, 4, 6, 7)])
    dataset = read(mbpp_page.sanitized, tmp_path)
    shown = [[shot.metadata["name"] for shot in shots] for shots in dataset.shots]
    assert shown == [
        ["add3", "add4", "add6"],
        ["add2", "add4", "add6"],
        ["add2", "add3", "add6"],
        ["add2", "add3", "add4"],
        ["add2", "add3", "add4"],
    ]


def test_the_files_of_the_revised_problems_may_lie_in_a_folder_of_their_own(tmp_path):
    write(tmp_path, "mbpp/sanitized-mbpp.json", [revised(number) for number in (2, 3, 4, 6)])
    write(tmp_path, "mbpp-sanitized/sanitized-mbpp.json", [revised(number) for number in (7, 8, 9, 10)])
    samples = read(mbpp_page.sanitized, tmp_path).samples
    assert [sample.metadata["name"] for sample in samples] == ["add7", "add8", "add9", "add10"]


@pytest.mark.parametrize(
    ("text", "program"),
    [
        ("def add2(x):\n  return x + 2\n", "def add2(x):\n  return x + 2\n"),
        ("def add2(x):\n  return x + 2\n[DONE]\n\nYou are", "def add2(x):\n  return x + 2\n"),
        # The first closing fence ends it; a block that only shows how to call it is not the program.
        (
            "Sure:\n```python\ndef add2(x):\n  return x + 2\n```\nRun:\n```\nadd2(1)\n```",
            "def add2(x):\n  return x + 2\n",
        ),
        ("```\nadd2(1)\n```\n```py\ndef add2(x):\n  return x + 2\n```", "def add2(x):\n  return x + 2\n"),
        ("<think>def add2</think>\ndef add2(x):\n  return x + 2\n", "def add2(x):\n  return x + 2\n"),
    ],
)
def test_the_program_is_run_against_all_tests(tmp_path, text, program):
    write(tmp_path, "mbpp/sanitized-mbpp.json", [revised(number) for number in (2, 3, 4, 6)])
    sample = read(mbpp_page.sanitized, tmp_path).samples[0]
    made = mbpp_page.program(sample, text)
    assert made.program == "import math\n" + program
    assert made.entry_point == "add2"
    assert made.setup == "import sys\nimport math\n"
    assert made.check == "def check(add2):\n    assert set([add2(1)]) == {3}\n    assert add2(2) == 4\n"


def test_mbpp_counts_what_passed(tmp_path):
    write(tmp_path, "mbpp/mbpp.jsonl", [problem(number) for number in range(1, 12)])
    (sample,) = read(mbpp_page.mbpp, tmp_path).samples
    output = TestedOutput([Completion("def f", "stop")] * 2, runs=[Execution("passed"), Execution("failed")])
    assert verdict(mbpp_page.mbpp, sample, output) == ("def f", {"pass@1": 0.5})
    empty = TestedOutput([Completion(" \n", "stop")], runs=[Execution("failed")])
    assert verdict(mbpp_page.mbpp, sample, empty) == (None, {"pass@1": 0.0})
