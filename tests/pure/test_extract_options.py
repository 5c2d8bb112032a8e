"""Sets of options and lists of answers, as models write them. The id of a failure is the text itself."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proctor.extract import option_list, option_set

SETS = [
    # Alone.
    ("ACD", "ACD"),
    ("CA", "AC"),
    ("B", "B"),
    (" A、C、D\n", "ACD"),
    ("A，C", "AC"),
    ("A, C and D", "ACD"),
    ("A和C", "AC"),
    ("A/C", "AC"),
    ("A C", "AC"),
    ("(A)(C)", "AC"),
    ("（A）（B）（D）", "ABD"),
    ("**A**, **C**", "AC"),
    ("ＡＣＤ。", "ACD"),
    ("A,B,C,D", "ABCD"),
    ("A\nC", "AC"),
    # After a marker.
    ("答案：ACD", "ACD"),
    ("答案是“AB”", "AB"),
    ("答案：A B D", "ABD"),
    ("【答案】 ACD <eoa>", "ACD"),
    ("[正确答案]A<eoe>", "A"),
    ("本题答案为 **A、D**。", "AD"),
    ("综上，答案为：A、B、D三项", "ABD"),
    ("故选A、C。", "AC"),
    ("应选ＡＢ", "AB"),
    ("正确的是A和C", "AC"),
    ("正确的有：A、C", "AC"),
    ("正确选项：A, B, D。", "ABD"),
    ("The answers are A, C and D.", "ACD"),
    ("The correct answers are (A) and (D).", "AD"),
    ("**Answer:** A, C", "AC"),
    ("Answer: A and B.", "AB"),
    ("answer: a, c", "AC"),
    ("答案：abd", "ABD"),
    ("\\boxed{ACD}", "ACD"),
    ("$\\boxed{\\text{A, C}}$", "AC"),
    ("The correct options are:\n\n- **A**\n- **C**", "AC"),
    ("The correct options are:\n- A) a contract\n- C) a tort", "AC"),
    ("正确答案是：\nA. 合同有效\nC. 合同可撤销\n", "AC"),
    ("答案：ACD\n解析：B选项错误", "ACD"),
    ("正确答案是：\nA. 合同有效\nC. 合同可撤销\nA. 合同有效", "AC"),
    # Without one.
    ("选AB", "AB"),
    ("我选择A和D", "AD"),
    ("I would choose B and C.", "BC"),
    ("综上所述，AC。", "AC"),
    ("ABD正确", "ABD"),
    ("选项A、B和D符合题意", "ABD"),
    ("Options A and C are correct.", "AC"),
    ("A and C are correct, B is wrong.", "AC"),
    ("A正确，B错误，C正确，D错误", "AC"),
    ("A错误，B错误，C、D正确。", "CD"),
    ("A对B错C对D错", "AC"),
    ("A is correct. B is incorrect. C is not correct. D is true.", "AD"),
    ("只有B正确", "B"),
    ("以上都正确", "ABCD"),
    ("四个选项均正确。", "ABCD"),
    ("All of the above are correct.", "ABCD"),
    ("B. 甲有权解除合同", "B"),
    ("A. 合同有效\nC. 合同可撤销", "AC"),
    ("A, because B and C are wrong", "A"),
    ("BC。解析：A项错误", "BC"),
    ("甲承担责任，乙不承担。\n\n**BD**", "BD"),
    # Several candidates, a change of mind, thinking, the prompt repeated.
    ("答案不是ABC，而是AB", "AB"),
    ("起初我认为答案是AB，但再看，正确答案是ABD。", "ABD"),
    ("Answer: AB\n\nWait, C holds as well.\n\nAnswer: ABC", "ABC"),
    ("ANSWER: [LETTERS]\nANSWER: BD", "BD"),
    ("Answer: B, not C", "B"),
    ("先选A。再看，以上都正确", "ABCD"),
    ("The right options: a, b. Hmm: the answer is d, c.", "AB"),
    ("排除B，故A、C、D当选", "ACD"),
    ("【解析】A项错误，C项说法有误。<eoe>\n【答案】BD<eoa>", "BD"),
    ("<think>答案可能是ABC</think>AD", "AD"),
    ("下列说法正确的是（ ）\nA. 甲\nB. 乙\nC. 丙\nD. 丁\n答案：BD", "BD"),
    ("从以下候选人选\nA. 甲\nB. 乙\nC. 丙\nD. 丁\n其中甲、乙当选。答案：AB", "AB"),
    # Whole answers of chat models.
    ("本题考查物权。选项A：正确。选项B：错误。选项C：正确。选项D：错误。", "AC"),
    ("A：甲有行为能力，故A正确；B：乙没有，B错误；C项正确；D项错误。因此，本题的正确答案为AC。", "AC"),
    ("**正确答案：A、B、D**\n\n**解析：**\n- A项：正确\n- B项：正确\n- C项：错误\n- D项：正确", "ABD"),
    ("A√ B× C√ D×", "AC"),
    ("A、C项表述正确，当选", "AC"),
    ("A项正确，不选。B项错误，当选。故选B", "B"),
    ("不正确的是BD，正确的是AC", "AC"),
    ("正确选项是A（合同有效）和C（合同可撤销）", "AC"),
    ("答案：A. 合同有效；C. 合同可撤销", "AC"),
    ("['A', 'C']", "AC"),
    ('{"answer": ["A", "C"]}', "AC"),
    ("Final Answer: The final answer is $\\boxed{ABD}$", "ABD"),
    ("Both A and C", "AC"),
    ("I believe options B and D are right", "BD"),
    # Nothing that a careful person would read as an answer.
    ("以上说法都不正确", None),
    ("A选项：甲的行为构成犯罪，正确。\nB选项：乙不构成", None),
    ("下列说法正确的是：\nA. 甲\nB. 乙\nC. 丙\nD. 丁", None),
    ("A. 甲\nB. 乙\nC. 丙\nD. 丁", None),
    ("A or B", None),
    ("答案：A或B", None),
    ("答案是ABCD中的一项", None),
    ("请从A、B、C、D中选出", None),
    ("不选AB", None),
    ("【答案】A、", None),
    ("A正确。B错误。C", None),
    ("A is correct. B is wrong because", None),
    ("<think>答案是ABC", None),
    ("A公司应当赔偿", None),
    ("答案：A公司", None),
    ("ABC公司", None),
    ("AB型血", None),
    ("Answer: A cat", None),
    ("answer is a bad one", None),
    ("无法判断", None),
    ("Dead", None),
    ("", None),
    (None, None),
]


@pytest.mark.parametrize(("text", "expected"), SETS, ids=repr)
def test_option_set(text, expected):
    assert option_set(text) == expected


def test_a_set_may_be_of_other_letters():
    assert option_set("答案：AEF", "ABCDEF") == "AEF"
    assert option_set("答案：AEF") is None
    assert option_set("The answers are (H) and (J).", "ABCDEFGHIJ") == "HJ"
    assert option_set("I think so", "ABCDEFGHIJ") is None
    assert option_set("ACD", "") is None


def test_the_ends_of_a_long_text_are_read():
    filler = "由此可见，" * 10_000
    assert option_set(filler + "答案：AC") == option_set("AC\n" + filler) == "AC"
    assert option_list(filler + "\n1. A 2. B", 2) == ["A", "B"]


FIVE = "ABCDEFG"
LISTS = [
    # By number.
    ("36. A 37. B 38. C 39. D 40. G", 5, FIVE, "ABCDG"),
    ("1.A；2.C", 2, "ABCD", "AC"),
    ("１．Ａ；２．Ｂ", 2, "ABCD", "AB"),
    ("1．A　2．B　3．C", 3, "ABCD", "ABC"),
    ("1. (B)\n2. (C)", 2, "ABCD", "BC"),
    ("1A 2B 3C", 3, "ABCD", "ABC"),
    ("①B②C③A", 3, "ABCD", "BCA"),
    ("36. **C**\n37. **F**\n38. **A**", 3, FIVE, "CFA"),
    ("**36.** C\n**37.** F", 2, FIVE, "CF"),
    ("### 36. C\nIt goes on from there.\n### 37. F\nThe end.", 2, FIVE, "CF"),
    ("36 -> C, 37 -> F", 2, FIVE, "CF"),
    ("| 36 | C |\n| 37 | F |\n| 38 | A |", 3, FIVE, "CFA"),
    ('{"1": "C", "2": "D"}', 2, "ABCD", "CD"),
    ("Q1: B\nQ2: D", 2, "ABCD", "BD"),
    ("第1题：B\n第2题：C\n第3题：D", 3, "ABCD", "BCD"),
    ("第一题选B，第二题选C，第三题选A", 3, "ABCD", "BCA"),
    ("小题1：A 小题2：B 小题3：D", 3, "ABCD", "ABD"),
    ("（1）【答案】 A <eoa>\n（2）【答案】 B <eoa>", 2, "ABCD", "AB"),
    ("1.\nA\n2.\nB", 2, "ABCD", "AB"),
    ("Sure! Here are the answers: 1) D 2) A 3) B", 3, "ABCD", "DAB"),
    ("1. B. because he left\n2. C. since\n3. A. home", 3, "ABCD", "BCA"),
    ("36-40 CFAED", 5, FIVE, "CFAED"),
    ("36-40：C F A E D", 5, FIVE, "CFAED"),
    ("1-5 ABCDA 6-10 BBCDA", 10, "ABCD", "ABCDABBCDA"),
    # Explained.
    ("1. 根据上文可知故选A。\n2. 由第二段可知，B项错误，答案：C\n3. 故选D", 3, "ABCD", "ACD"),
    ("36. The answer is C because\n37. The answer is F.", 2, FIVE, "CF"),
    ("1. B\n2. D\n3. A\n\n因此答案是 B、D、A。", 3, "ABCD", "BDA"),
    ("【解析】36题由上文可知选C；37题选F；38题选A；39题选E；40题选D\n【答案】C F A E D", 5, FIVE, "CFAED"),
    ("1. 【答案】A\n【解析】B项错误\n2. 【答案】C\n【解析】C项正确\n3. 【答案】D", 3, "ABCD", "ACD"),
    ("1. 本题考查细节。A项错误，B项正确。故选 B。\n\n2. 本题考查推理。答案选C。\n\n3. 略", 3, "ABCD", "BC-"),
    ("第（1）题选B，第（2）题选C，第（3）题选D", 3, "ABCD", "BCD"),
    ("**Question 1**: B\n**Question 2**: C\n**Question 3**: D", 3, "ABCD", "BCD"),
    ("1. The passage says so in (B).\n2. It is C.\n3. D is correct.", 3, "ABCD", "BCD"),
    ("【答案】1. B 2. C 3. D", 3, "ABCD", "BCD"),
    # Without numbers.
    ("【答案】A B C D E", 5, FIVE, "ABCDE"),
    ("【答案】A\nB\nC\nD\nE【答案结束】", 5, FIVE, "ABCDE"),
    ("答案：CFAED", 5, FIVE, "CFAED"),
    ("The answers are C, F, A, E, D.", 5, FIVE, "CFAED"),
    ("\\boxed{CFAED}", 5, FIVE, "CFAED"),
    ("ABCDE", 5, FIVE, "ABCDE"),
    ("C, F, A, E, D", 5, FIVE, "CFAED"),
    ("A\nB\nC\nD\nE", 5, FIVE, "ABCDE"),
    ("Here are my choices:\n\nCFAED", 5, FIVE, "CFAED"),
    ("答案：CFAEDB", 5, FIVE, "CFAED"),
    ("【答案】A <eoa>【答案】B <eoa>【答案】C <eoa>", 3, "ABCD", "ABC"),
    ("Answer: B", 1, "ABCD", "B"),
    # Cut off, left out, unclear.
    ("1. A\n3. C", 3, "ABCD", "A-C"),
    ("1-5 ABC\n1. B 2. A", 2, FIVE, "BA"),
    ("36. A\n38. C", 5, FIVE, "A-C--"),
    ("16. C\n17. D\n18. ", 3, "ABCD", "CD-"),
    ("16. C\n17.", 3, "ABCD", "C--"),
    ("[答案]36.G<eoa>\n[答案]37.F<eoa>", 5, FIVE, "GF---"),
    ("1. A or B\n2. C", 2, "ABCD", "-C"),
    ("答案：CF", 5, FIVE, "CF---"),
    # Thinking, a change of mind, the prompt repeated.
    ("<think>1. A 2. A</think>1. B 2. C", 2, "ABCD", "BC"),
    ("1. A\n2. B\n更正：\n1. C\n2. B", 2, "ABCD", "CB"),
    (
        "例如：（1）【答案】 A <eoa>\n（2）【答案】 B <eoa>\n36. 【答案】C\n37. 【答案】D\n38. 【答案】A",
        3,
        "ABCD",
        "CDA",
    ),
    ("1. A. so B. very C. too D. rather\n2. A. in B. on C. at D. by", 2, "ABCD", None),
    ("3．①②③④\nA．①② B．①③ C．②④ D．③④", 3, "ABCD", None),
    # No letters.
    ("I do not know.", 5, FIVE, None),
    ("A man went to Boston", 3, "ABCD", None),
    ("2010年 A国 3月", 3, "ABCD", None),
    ("Figure 2 A shows a cell", 3, "ABCD", None),
    ("<think>1. A 2. B", 2, "ABCD", None),
    ("No answer", 1, "ABCD", None),
    ("", 3, "ABCD", None),
    (None, 3, "ABCD", None),
    ("1. A", 0, "ABCD", None),
]


@pytest.mark.parametrize(("text", "count", "letters", "expected"), LISTS, ids=repr)
def test_option_list(text, count, letters, expected):
    found = option_list(text, count, letters)
    assert found == (expected and [None if letter == "-" else letter for letter in expected])


WORDS = (
    "答案|是|：|选|故选|正确|错误|A|B|AC|、|和|，|。|或| |\n|(|)|**|\\boxed{|}|1.|36|-|第1题|①|answer is |Answer:|and "
    "|or |A. x|is correct|以上都正确|<think>|</think>|中|<eoa>|【答案】|０|不|a|abc"
)
PIECES = st.lists(st.sampled_from(WORDS.split("|"))).map("".join)


@given(st.text() | PIECES, st.integers(1, 20))
def test_nothing_raises_and_what_is_read_is_valid(text, count):
    found = option_set(text)
    assert found is None or (found and list(found) == sorted(set(found)) and set(found) <= set("ABCD"))
    listed = option_list(text, count)
    assert listed is None or (len(listed) == count and any(listed) and set(listed) <= {*"ABCD", None})


@given(st.sets(st.sampled_from("ABCD"), min_size=1), st.sampled_from(["", "、", ", ", " ", "和", "/"]))
def test_a_set_is_read_however_it_is_joined(letters, join):
    text = join.join(sorted(letters))
    for phrasing in ("{}", "答案：{}", "答案是{}。", "故选{}", "The answer is {}.", "\\boxed{{{}}}", "【答案】{}<eoa>"):
        assert option_set(phrasing.format(text)) == "".join(sorted(letters))


@given(st.lists(st.sampled_from(FIVE), min_size=2, max_size=20), st.integers(1, 60))
def test_a_list_is_read_however_it_is_written(letters, first):
    numbered = list(enumerate(letters, first))
    for text in (
        "\n".join(f"{number}. {letter}" for number, letter in numbered),
        "，".join(f"{number}．{letter}" for number, letter in numbered),
        " ".join(f"({number}) {letter}" for number, letter in numbered),
        "".join(f"第{number}题：{letter}。" for number, letter in numbered),
        f"【答案】 {' '.join(letters)} <eoa>",
        f"答案：{''.join(letters)}",
        " ".join(letters),
    ):
        assert option_list(text, len(letters), FIVE) == letters


WORST = (
    "A|(A) |答案|答案A、|A或|A和|not |1. |1.A |1-5 A|36\n|第1题|①|(|**|A正确|A错误，|answer |answer is |选"
    "|所以A|A. x\n|\n|\\boxed{|【答案】|{|0|以上|<think>|</think>|A, |1. A. x B. y C. "
)


@pytest.mark.parametrize("piece", WORST.split("|"), ids=repr)
def test_a_long_text_is_read_in_time(piece, seconds):
    text = piece * (100_000 // len(piece))
    for letters in "ABCD", "ABCDEFGHIJ":
        assert seconds(option_set, text, letters) < 0.05
        assert seconds(option_list, text, 20, letters) < 0.05


@settings(max_examples=30)
@given(piece=st.text(min_size=1, max_size=40) | PIECES.filter(bool))
def test_any_text_is_read_in_time(piece, seconds):
    text = (piece * (100_000 // len(piece) + 1))[:100_000]
    assert seconds(option_set, text) < 0.05
    assert seconds(option_list, text, 20) < 0.05
