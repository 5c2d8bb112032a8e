"""What models really write, and what it means. One row per way of writing; the id of a failure is the text itself."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from proctor.extract import (
    after,
    choice_letter,
    code_block,
    final_number,
    function_body,
    number,
    own_answer,
    split_thinking,
)

FINAL_NUMBERS = [
    ("18", "18"),
    ("18.", "18"),
    ("$1,234.50", "1234.5"),
    ("$29.00", "29"),
    ("1,234", "1234"),
    ("1, 2", "2"),
    ("1,23", "23"),
    ("1234,567", "567"),
    ("12,345,678.90 dollars", "12345678.9"),
    ("5%", "5"),
    ("x=7", "7"),
    ("x = -3", "-3"),
    ("2-3", "3"),
    ("2 - 3", "3"),
    ("(-3)", "-3"),
    ("(2)-3", "3"),
    ("5–7 people", "7"),
    ("GPT-4", "4"),
    ("- 18", "18"),
    ("-0", "0"),
    ("-0.0", "0"),
    ("007", "7"),
    ("0.10", "0.1"),
    (".5", "0.5"),
    ("-$5", "-5"),
    ("$-5", "-5"),
    ("-\\$5", "-5"),
    ("−3", "-3"),
    ("－５", "-5"),
    ("１，２３４．５", "1234.5"),
    ("答案是１８。", "18"),
    ("共有3，4个", "4"),
    ("3.5e3", "3500"),
    ("1e-3", "0.001"),
    ("1E+05", "100000"),
    ("1e999", "999"),
    ("3/4", "4"),
    ("10^6", "6"),
    ("3:30", "30"),
    ("1.2.3", "3"),
    ("1{,}234", "1234"),
    ("1,\\!234", "1234"),
    ("10\u202f000", "10000"),
    ("\\boxed{42}", "42"),
    ("**$18**.", "18"),
    ("**-5**", "-5"),
    ("48/2 = <<48/2=24>>24 clips\n48+24 = <<48+24=72>>72\n#### 72", "72"),
    ("48+24 = <<48+24=72>>", "72"),
    ("He pays $6, then $<<5*3=", "6"),
    ("So 3 + 4 = 7.\nWait, there are two more: 7 + 2 = 9. The answer is 9 apples.", "9"),
    ("The total is 5 + 13 =", "13"),
    ("<think>3 shots say #### 7</think>\nIt is 8", "8"),
    ("<think>first, 7", None),
    ("eighteen", None),
    ("", None),
    (None, None),
]


@pytest.mark.parametrize(("text", "expected"), FINAL_NUMBERS, ids=repr)
def test_final_number(text, expected):
    assert final_number(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$1,234.50 of $2,000", "1234.5"),
        ("18 apples, 3 pears", "18"),
        ("about -3.0 to 4", "-3"),
        ("1, 2", "1"),
        ("3/4", "3"),
        ("2-3", "2"),
        ("total: １８", "18"),
        ("x", None),
        (None, None),
    ],
)
def test_number_is_the_first_one(text, expected):
    assert number(text) == expected


def test_numbers_longer_than_python_converts_are_read():
    assert final_number("0" + "9" * 10_000) == "9" * 10_000


LETTERS = [
    ("B", "B"),
    (" B\n", "B"),
    ("B.", "B"),
    ("B)", "B"),
    ("(B)", "B"),
    ("(B). ", "B"),
    ("[B]", "B"),
    ("**B**", "B"),
    ('"B"', "B"),
    ("b", "B"),
    ("(b)", "B"),
    ("b)", "B"),
    ("Ｂ", "B"),
    ("（Ｂ）", "B"),
    ("B。", "B"),
    ("B、因为水是湿的", "B"),
    ("B: text", "B"),
    ("B - text", "B"),
    ("A. A cat", "A"),
    ("D: None of these", "D"),
    ("A because it is red", "A"),
    ("**B) Paris**", "B"),
    ("Option B", "B"),
    ("B\nExplanation: C is too small.", "B"),
    ("The answer is B", "B"),
    ("the correct answer is (C).", "C"),
    ("The final answer is therefore C", "C"),
    ("The answer is: $\\boxed{\\textbf{(B)}}$", "B"),
    ("The best answer would be D, since", "D"),
    ("The answer to the question is **B**.", "B"),
    ("the answer is a.", "A"),
    ("My answer: c", "C"),
    ("Answer: B. some text", "B"),
    ("Answer: A. A cat", "A"),
    ("**Answer:** B", "B"),
    ("**Answer: (B)**", "B"),
    ("Answer:\n\nB", "B"),
    ("The correct option is (D) because A and B are wrong", "D"),
    ("ANSWER: [LETTER]\nANSWER: B, not C", "B"),
    ("\\boxed{B}", "B"),
    ("\\boxed{\\text{B}}", "B"),
    ("\\(B\\)", "B"),
    ("$\\text{B}$", "B"),
    ("答案是B", "B"),
    ("答案：B", "B"),
    ("答案：（Ｃ）", "C"),
    ("答案为 **B**", "B"),
    ("答案应该是选项B。", "B"),
    ("正确选项是C", "C"),
    ("故选：D。", "D"),
    ("我选B", "B"),
    ("选项A错误，选项B正确", "B"),
    ("答案不是A，而是B", "B"),
    ("I think it is option D because A is wrong", "D"),
    ("I would go with C", "C"),
    ("I choose B.", "B"),
    ("It must be **(A)**.", "A"),
    ("B is correct.", "B"),
    ("Option A is wrong. Option C is correct.", "C"),
    ("The answer is not A. The answer is C.", "C"),
    ("At first I thought the answer is A. But the answer is C.", "C"),
    ("The capital of France is Paris.\n\nB", "B"),
    ("Water is wet, which rules out fire (B).", "B"),
    ("A. apple\nB. banana\nC. cherry\nD. date\nAnswer: C", "C"),
    ("<think>The answer is A.</think>\n\nB", "B"),
    ("A. apple\nB. banana\nC. cherry\nD. date\n", None),
    ("A\nB\nC\nD", None),
    ("Apple", None),
    ("A cat sat", None),
    ("The answer is A cat", None),
    ("The answer is a bit complicated", None),
    ("The answer is A or B.", None),
    ("The answer choices are: A. x B. y", None),
    ("ANSWER: [A/B/C/D]", None),
    ("The answer is C++", None),
    ("D.C. is the capital", None),
    ("Both A and B", None),
    ("A, B, and C are all friends", None),
    ("(A) or (B)", None),
    ("不选A", None),
    ("A和B都可以", None),
    ("None of these", None),
    ("A was ruled out", None),
    ("Question: 2+2?\nA. 3\nB. 4\nC. 5\nD. 6\nThe answer is B. 4", "B"),
    ("Let us look at each. (A) is wrong. (B) is", None),
    ("The correct answer is (", None),
    ("The answer is \\boxed{", None),
    ("<think>The answer is A.", None),
    ("E", None),
    ("", None),
    (None, None),
]


@pytest.mark.parametrize(("text", "expected"), LETTERS, ids=repr)
def test_choice_letter(text, expected):
    assert choice_letter(text) == expected


def test_letters_may_be_other_labels():
    assert choice_letter("The answer is (E).", "ABCDE") == "E"
    assert choice_letter("The answer is 2.", "1234") == "2"
    assert choice_letter("I think not", "ABCDEFGHIJ") is None
    assert choice_letter("A", "") is None


def test_choice_letter_reads_both_ends_of_a_long_text():
    filler = "so it goes, " * 5_000
    assert choice_letter(filler + "The answer is C.") == "C"
    assert choice_letter("C\n" + filler) == "C"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("#### 18", "18"),
        ("so\n####  18 \nQuestion: #### 19", "18"),
        ("####\n18", ""),
        ("18", None),
        (None, None),
    ],
)
def test_after(text, expected):
    assert after("####", text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("B", (None, "B")),
        ("I think> B", (None, "I think> B")),
        ("<think>2 + 2</think>\n\n4", ("2 + 2", "4")),
        ("<think>a</think>\nb\n<think>c</think>d", ("a\n\nc", "b\nd")),
        ("<think>never ends: B", ("never ends: B", "")),
        ("opened in the prompt</think>\n\nB", ("opened in the prompt", "B")),
        ("<think>a <think> b</think> c</think>d", ("a\n\nb\n\nc", "d")),
        ("<think>\n\n</think>\n\n    return x", ("", "    return x")),
    ],
)
def test_split_thinking(text, expected):
    assert split_thinking(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It is 4.", "It is 4."),
        ("It is 4.\n\nQuestion: What is 3 + 3?\nAnswer: 6", "It is 4.\n"),
        ("It is 4.\n**Problem 2:** What is 3 + 3?", "It is 4."),
        ("是4。\n问题：3加3是多少？", "是4。"),
        ("Question: What is 2 + 2?\nAnswer: 4\nQuestion: What is 3 + 3?", "Question: What is 2 + 2?\nAnswer: 4"),
        ("<think>4?\nQuestion: no</think>4", "4"),
        ("The Question: why?", "The Question: why?"),
        ("", ""),
        (None, None),
    ],
)
def test_own_answer(text, expected):
    assert own_answer(text) == expected


WORDS = (
    "answer is|Answer:|\\boxed{|}|(|)|**|A|B|a| |\n|答案|选|是|不|-|−|$|,|.|1|234|０|e5|e-9|<<|>>|="
    "|<think>|</think>|option |or"
)
PIECES = st.lists(st.sampled_from(WORDS.split("|"))).map("".join)


@given(st.text() | PIECES)
def test_nothing_raises_and_what_is_read_is_valid(text):
    assert choice_letter(text) in {"A", "B", "C", "D", None}
    thinking, rest = split_thinking(text)
    assert "think>" in text or (thinking, rest) == (None, text)
    assert after("####", text) is None or "####" in text
    for found in (number(text), final_number(text)):
        if found is not None:
            assert number(found) == final_number(found) == found
            assert Decimal(found).is_finite()


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=4))
def test_a_number_in_a_sentence_keeps_its_value(value):
    assert Decimal(final_number(f"So the answer is ${value:,.4f}.")) == value
    assert Decimal(number(f"{value:f} it is")) == value


@pytest.mark.parametrize(
    "piece", ["answer ", "答案", "选", "(", "**A", "<<", "1,234,", "<think>", "</think>", "A or ", "\n"]
)
def test_long_repetitions_are_read_through(piece):
    text = piece * (100_000 // len(piece))
    assert choice_letter(text) in {"A", None}
    assert (final_number(text) is None) == (number(text) is None)
    split_thinking(text)


BODIES = [
    ("    return 1\n", "    return 1\n"),
    ("", ""),
    ("    return 1\n\ndef two():\n    return 2\n", "    return 1\n"),
    ("    # a note\n    return 1\nprint(one())", "    # a note\n    return 1"),
    ("return 1", "    return 1"),
    ("x = 1\nif x:\n    return x", "    x = 1"),
    ("\n\n    return 1", "\n\n    return 1"),
    ("<think>def?</think>\n\n    return 1", "    return 1"),
    ("def one():\n    return 1\n", "\ndef one():\n    return 1\n"),
    ("import math\n\ndef one():\n    return 1\n", "\nimport math\n\ndef one():\n    return 1\n"),
    ("Here:\n```python\ndef one():\n    return 1\n```\nIt works.", "\ndef one():\n    return 1\n"),
    ("```\nreturn 1\n```", "    return 1\n"),
    ("```python\none()\n```\nor\n```py\ndef one(): return 1\n```", "\ndef one(): return 1\n"),
    ("```python\ndef one():\n    return 1", "\ndef one():\n    return 1"),
    ("    def one_more(): return 1\n    return one_more()", "    def one_more(): return 1\n    return one_more()"),
]


@pytest.mark.parametrize(("text", "body"), BODIES)
def test_function_body(text, body):
    assert function_body(text, "one", ["\ndef", "\nif", "\nprint"]) == body


@given(st.text())
def test_function_body_never_raises(text):
    assert isinstance(function_body(text, "one", ["\ndef"]), str)
    assert isinstance(code_block(text, "one", ["[DONE]"]), str)
