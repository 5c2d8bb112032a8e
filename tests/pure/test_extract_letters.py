"""Letters beyond A to D, digits as labels, and Chinese: `test_extract` has the English table of four options.

The id of a failure is the text itself.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proctor.extract import choice_letter

CHINESE = [
    ("答案：B", "B"),
    ("答案B", "B"),
    ("答案：\n\nB", "B"),
    ("答：B", "B"),
    ("【答案】B", "B"),
    ("[答案] B <eoa>", "B"),
    ("《答案》B", "B"),
    ("答案是「B」", "B"),
    ("答案为：$B$", "B"),
    ("答案：（Ｂ）。", "B"),
    ("答案：B（因为水的沸点更高）", "B"),
    ("答案是选项 B：北京", "B"),
    ("最终答案：\\boxed{C}", "C"),
    ("正确答案：**B**", "B"),
    ("正确选项为：Ｄ", "D"),
    ("最佳答案是D", "D"),
    ("正确的是C。", "C"),
    ("所以正确的答案是 B. 牛顿", "B"),
    ("这道题的正确答案应该是 D", "D"),
    ("因此，正确答案是（B）。", "B"),
    ("故选B。", "B"),
    ("故答案为B", "B"),
    ("本题选C", "C"),
    ("应选择D项", "D"),
    ("综上所述，答案选D。", "D"),
    ("所以选择B。", "B"),
    ("选B，因为水是湿的", "B"),
    ("选择（A）", "A"),
    ("所以，B", "B"),
    ("综上，C。", "C"),
    ("选项B", "B"),
    ("A项", "A"),
    ("B项。", "B"),
    ("B选项正确", "B"),
    ("B项符合题意", "B"),
    ("选项C是正确的", "C"),
    ("C 是正确答案", "C"),
    ("我的答案是B选项。", "B"),
    ("B、因为水是湿的", "B"),
    # Several candidates, a change of mind, the prompt repeated.
    ("A错误，B错误，C正确，D错误", "C"),
    ("排除A、B、D，故C正确", "C"),
    ("【解析】A错误。<eoe>\n【答案】 C <eoa>", "C"),
    ("我认为答案是A，不对，应该是B", "B"),
    ("乍看应选A，但仔细分析后，应选C。", "C"),
    ("下列说法正确的是（　　）\nA. 水\nB. 火\nC. 木\nD. 土\n答案：B", "B"),
    ("<think>答案是A</think>\n\n答案是C", "C"),
    # Unsettled.
    ("下列说法正确的是（ ）\nA. 水\nB. 火\nC. 木\nD. 土", None),
    ("下列说法正确的是：\nA. 水\nB. 火\nC. 木\nD. 土", None),
    ("下列关于候选人选\nA. 甲\nB. 乙\nC. 丙\nD. 丁", None),
    ("答案不是A", None),
    ("不应选A", None),
    ("答案：A或B", None),
    ("A与C都有道理", None),
    ("从A、B、C、D中选择", None),
    ("排除ABD", None),
    ("A公司应当承担责任", None),
    ("A和B的观点都不对", None),
    ("无法确定", None),
    ("答案：", None),
    ("<think>答案是A", None),
]


@pytest.mark.parametrize(("text", "expected"), CHINESE, ids=repr)
def test_chinese(text, expected):
    assert choice_letter(text) == expected


TEN, EIGHTEEN = "ABCDEFGHIJ", "ABCDEFGHIJKLMNOPQR"
MANY = [
    ("The answer is (J).", TEN, "J"),
    ("Answer: J. 12 m/s", TEN, "J"),
    ("The correct answer is $\\boxed{H}$", TEN, "H"),
    ("The answer is\n(F)", TEN, "F"),
    ("Option G", TEN, "G"),
    ("答案：Ｊ", TEN, "J"),
    ("So the answer is (R).", EIGHTEEN, "R"),
    ("(Q)", EIGHTEEN, "Q"),
    ("I choose (K).", EIGHTEEN, "K"),
    ("There are two purple pens. So the answer is (C).", EIGHTEEN, "C"),
    ("The answer is (S).", EIGHTEEN, None),
    # I is an option and the writer.
    ("I", TEN, "I"),
    ("**I**", TEN, "I"),
    ("I. Newton", TEN, "I"),
    ("Answer: I", TEN, "I"),
    ("The answer is I.", TEN, "I"),
    ("I think the answer is (C)", TEN, "C"),
    ("I, for one, would go with H", TEN, "H"),
    ("The answer is I think C", TEN, None),
    ("I'd say it is hard", TEN, None),
    ("I, however, disagree.", TEN, None),
    ("I don't know.", EIGHTEEN, None),
    ("I am not sure", EIGHTEEN, None),
    # The question repeated in one line.
    ("A. so B. very C. too D. rather", "ABCD", None),
    ("A) so B) very C) too D) rather\nAnswer: C", "ABCD", "C"),
    ("A. since B and C are wrong", "ABCD", "A"),
    # Digits.
    ("2", "12345", "2"),
    ("２", "12345", "2"),
    ("(3)", "12345", "3"),
    ("3) because it is heavier", "12345", "3"),
    ("2. Heat", "12345", "2"),
    ("The answer is 4.", "12345", "4"),
    ("Answer: 2", "12345", "2"),
    ("Option 2", "12345", "2"),
    ("\\boxed{4}", "12345", "4"),
    ("答案是3", "12345", "3"),
    ("The answer is 4 kg", "12345", None),
    ("The answer is 12", "12345", None),
    ("The answer is 3.5", "12345", None),
    ("The answer is 5%", "12345", None),
    ("2 apples", "12345", None),
    ("There are 3 stages", "12345", None),
    ("1.\n2.\n3.", "12345", None),
]


@pytest.mark.parametrize(("text", "letters", "expected"), MANY, ids=repr)
def test_other_labels(text, letters, expected):
    assert choice_letter(text, letters) == expected


@given(st.sampled_from(EIGHTEEN), st.integers(2, 18))
def test_every_label_is_read_however_it_is_said(letter, count):
    letters = EIGHTEEN[:count]
    for way in (
        "{}",
        "({})",
        "**{}**",
        "{}.",
        "The answer is {}.",
        "Answer: {}",
        "\\boxed{{{}}}",
        "答案是{}",
        "选{}。",
    ):
        assert choice_letter(way.format(letter), letters) == (letter if letter in letters else None)


WORST = "A|(A) |答案|not |answer is |A or |I |**|选|应该是|正确的是|所以|A. x B. y C. |A项|\\boxed{|1. |“"
WORDS = (
    "答案|是|：|选|应该是|不|A|I|3|项|。| |\n|(|)|**|\\boxed{|}|answer is |Answer: "
    "|or |kg|.|5|<think>|</think>|A. so B. "
)
PIECES = st.lists(st.sampled_from(WORDS.split("|"))).map("".join)


@given(st.text() | PIECES, st.sampled_from([TEN, EIGHTEEN, "12345", "A", ""]))
def test_nothing_raises_and_what_is_read_is_valid(text, letters):
    assert choice_letter(text, letters) in {*letters, None}


@pytest.mark.parametrize("piece", WORST.split("|"), ids=repr)
def test_a_long_text_is_read_in_time(piece, seconds):
    text = piece * (100_000 // len(piece))
    for letters in "ABCD", EIGHTEEN, "12345":
        assert seconds(choice_letter, text, letters) < 0.05


@settings(max_examples=30)
@given(piece=st.text(min_size=1, max_size=40) | PIECES.filter(bool))
def test_any_text_is_read_in_time(piece, seconds):
    assert seconds(choice_letter, (piece * (100_000 // len(piece) + 1))[:100_000], TEN) < 0.05
