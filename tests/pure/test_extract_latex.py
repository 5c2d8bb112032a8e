r"""What models write at the end of a mathematical text, and the answer that a careful reader takes from it."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from proctor.extract import boxed, final_answer

BOXES = [
    (r"\boxed{5}", "5"),
    (r"so $x = \boxed{\frac{1}{2}}$.", r"\frac{1}{2}"),
    (r"\boxed{\frac{\sqrt{3}}{2 + \sqrt{5}}}", r"\frac{\sqrt{3}}{2 + \sqrt{5}}"),
    (r"\fbox{7}", "7"),
    (r"\boxed 5", "5"),
    (r"$\boxed -3 + y$ is what we want", "-3 + y"),
    (r"\boxed 12 apples.", "12"),
    (r"\boxed {8}", "8"),
    (r"first \boxed{1}, then \boxed{2}", "2"),
    (r"\fbox{1} and \boxed{2}", "2"),
    (r"\boxed{1} and \fbox{2}", "2"),
    (r"\boxed{\{1, 2\}}", r"\{1, 2\}"),
    (r"\boxed{\left\{ x : x > \frac{1}{3} \right\}}", r"\left\{ x : x > \frac{1}{3} \right\}"),
    (r"\boxed{\boxed{9}}", "9"),
    (r"\boxed{ (2, 3] }", "(2, 3]"),
    (r"\boxed{\begin{pmatrix} 1 \\ 2 \end{pmatrix}}", r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}"),
    (r"\boxed{\text{odd}}", r"\text{odd}"),
    ("答案是 $\\boxed{\\frac{\\pi}{3}}$。", r"\frac{\pi}{3}"),
    (r"<think>\boxed{1}</think> It is \boxed{2}", "2"),
    (r"<think>maybe \boxed{1}</think> It is two.", None),
    (r"<think>\boxed{1}", None),
    (r"\boxed{\frac{1}{2", None),
    (r"\boxed{3}, or rather \boxed{\frac{4", None),
    (r"\boxed{", None),
    (r"\boxed", None),
    (r"\boxed{}", None),
    (r"\boxedeq{5}", None),
    ("no box", None),
    ("", None),
    (None, None),
]


@pytest.mark.parametrize(("text", "content"), BOXES, ids=repr)
def test_boxed(text, content):
    assert boxed(text) == content


FINAL = [
    # the protocol's own words
    ("Final Answer: The final answer is $12$. I hope it is correct.", "12"),
    (r"We get $2x=8$.\nFinal Answer: The final answer is $\frac{3}{4}$. I hope it is correct.", r"\frac{3}{4}"),
    ("Final Answer: The final answer is $[2,5)$. I hope it is correct.", "[2,5)"),
    ("Final Answer: The final answer is 7. I hope it is correct.", "7"),
    ("The final answer is $3$. I hope it is correct.\n\nProblem:\nWhat is 9 + 1?\n\nSolution: \\boxed{10}", "3"),
    ("Final Answer: The final answer is $x+1$. I hope it is correct.\n\nThe answer is $x$.", "x+1"),
    ("Final Answer: The final answer is $1$ and $-2$. I hope it is correct.", "1 and -2"),
    ("Final Answer: The final answer is $\\$3.50$. I hope it is correct.", "\\$3.50"),
    # boxed before all
    (r"The answer is 4, that is \boxed{4}.", "4"),
    (r"\boxed{6}. The answer is 7.", "6"),
    (r"At first I had \boxed{10}. Wait, I forgot a sign. So it is \boxed{-10}.", "-10"),
    (r"The answer is \boxed{\frac{2", None),
    # chatty and marked
    ("Sure! Let's see. 3 + 4 = 7. The answer is 7.", "7"),
    ("The answer is: $\\frac{5}{6}$.", r"\frac{5}{6}"),
    ("**Answer:** $2\\sqrt{3}$", r"2\sqrt{3}"),
    ("**Answer: 42**", "42"),
    ("### Answer\n\nThe answer is **(3, -1)**.", "(3, -1)"),
    ("The answer is\n\n$$\\frac{9}{2}$$", r"\frac{9}{2}"),
    ("The answer is \\(x = 4\\).", "x = 4"),
    ("The answer is \\[ \\sqrt{2} + 1 \\]", r"\sqrt{2} + 1"),
    ("Thus the answer to the problem is 3.5 because the rest cancels.", "3.5"),
    ("The correct answer is therefore 12.\n\nLet me know if you have questions!", "12"),
    ("The answer is not 5. The answer is 6.", "6"),
    ("I think the answer is 5. No, wait: the answer is 8.", "8"),
    ("The answer is even.", "even"),
    ("Answer: 5 cm", "5 cm"),
    ("The final answer is 1,234.", "1,234"),
    ("The result is $17$, since $16 + 1 = 17$.", "17"),
    # Chinese
    ("解:由题意得 $x=3$。答案是 $3$。", "3"),
    ("故答案为:$2\\sqrt{5}$", r"2\sqrt{5}"),
    ("答案：１２。", "１２"),
    ("所以答案为 $(0,1)$ 。", "(0,1)"),
    # formulas and numbers without a marker
    ("We find $a = 2$ and so $a + b = 9$.", "a + b = 9"),
    ("Adding, we have \\(3 + 4\\), which makes \\(7\\)", "7"),
    ("It costs \\$5 more, \\$12 in all: $12$", "12"),
    ("There are 3 red and 14 blue balls", "14"),
    ("18", "18"),
    ("共有 25 种", "25"),
    # thinking, cut off, repeated
    ("<think>The answer is 3.</think>The answer is 4.", "4"),
    ("<think>The answer is 3", None),
    ("So $x=2$. The answer is $\\frac{1", "x=2"),
    ("The answer is", None),
    (
        "Problem: What is 2 + 2?\nSolution: The answer is $4$.\nProblem: What is 3 + 3?\nSolution: The answer is $6$.",
        "4",
    ),
    ("Let me repeat it.\nProblem: what is 2 + 2?\nSolution: \\boxed{4}", "4"),
    ("I cannot solve this.", None),
    ("", None),
    (None, None),
]


@pytest.mark.parametrize(("text", "answer"), FINAL, ids=repr)
def test_final_answer(text, answer):
    assert final_answer(text) == answer


BITS = (
    "\\boxed{|\\boxed |\\fbox|{|}|\\{|$|$$|\\(|\\)|\\[|\\]|answer is|final answer is|I hope it is correct|答案"
    "|\n|.| |1|x|<think>|</think>|\nProblem:|\\"
)
PIECES = st.lists(st.sampled_from(BITS.split("|"))).map("".join)


@given(st.text() | PIECES)
def test_nothing_raises_and_what_is_taken_stands_in_the_text(text):
    for found in (boxed(text), final_answer(text)):
        assert found is None or found.strip() == found != ""
    content = boxed(text)
    assert content is None or content in text


LONG = [
    *["{", "}", "$", "\\", "1", "(", ".", "\n"],
    "\\boxed{",
    "\\boxed ",
    "\\fbox",
    "answer is ",
    "the answer ",
    "final answer is $",
    "答案",
    "$1$ and ",
    "\\(",
    "\\[1",
    "\nProblem:",
    "<think>",
    "\\{",
    "I hope it is correct",
    "answer is \\( ",
    "answer is $1$, ",
]


@pytest.mark.parametrize("piece", LONG, ids=repr)
@pytest.mark.parametrize("start", ["", "\\boxed{", "The answer is ", "$", "The answer is $1$"], ids=repr)
def test_long_repetitions_take_linear_time(piece, start):
    text = start + piece * (100_000 // len(piece))
    taken = []
    for _ in range(3):  # the best of three: other work on the machine is no fault of the pattern
        begin = time.process_time()
        boxed(text)
        final_answer(text)
        taken.append(time.process_time() - begin)
    assert min(taken) < 0.05
