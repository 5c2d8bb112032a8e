"""What models write as an answer to a question, and what a careful person reads in it; the id of a failure is the text.

None as the answer: the text gives none. `NONE` marks texts that say that the question cannot be answered.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from proctor.extract import no_answer, span

SPANS = [
    # Plain.
    ("Lake Constance", "Lake Constance"),
    (" Lake Constance\n", "Lake Constance"),
    ("Lake Constance.", "Lake Constance"),
    ("the harbour master", "the harbour master"),
    ("1,450", "1,450"),
    ("in 1932", "in 1932"),
    ("U.S.", "U.S."),
    ("Samuel L.", "Samuel L."),
    ("Dr. Ines Moreau", "Dr. Ines Moreau"),
    ("St. Gallen and Mt. Rigi", "St. Gallen and Mt. Rigi"),
    ("J. K. Tolland", "J. K. Tolland"),
    ("1. FC Lindau", "1. FC Lindau"),
    ("The Answer", "The Answer"),
    ("£", "£"),
    # Decorated.
    ("**Lake Constance**", "Lake Constance"),
    ("*Lake Constance*", "Lake Constance"),
    ("`Lake Constance`", "Lake Constance"),
    ('"Lake Constance"', "Lake Constance"),
    ("“the old mill”.", "the old mill"),
    ('"Rust" and "Ash"', '"Rust" and "Ash"'),
    ("\\boxed{\\text{Lindau}}", "Lindau"),
    ("- Lindau\n- Bregenz", "Lindau"),
    ("```\nLindau\n```", "Lindau"),
    ("## Answer\n\nLindau", "Lindau"),
    # Chatty.
    ("The answer is Lindau.", "Lindau"),
    ("The correct answer is: **Lindau**", "Lindau"),
    ("The answer is Lindau. It lies on an island. Its harbour has a lion.", "Lindau"),
    ("The answer is Lindau because the ferry leaves from there.", "Lindau"),
    ("The answer to the question is Lindau, which lies in Bavaria.", "Lindau"),
    ("So the answer would be three weeks", "three weeks"),
    ("Sure! Here is the answer:\n\nLindau", "Lindau"),
    ("Sure, I can help.\nAnswer: Lindau", "Lindau"),
    ("Here's the answer based on the passage:\n**Lindau**", "Lindau"),
    ("According to the passage, the ferry leaves from Lindau.", "the ferry leaves from Lindau"),
    ("The ferry leaves from **Lindau**.", "Lindau"),
    ("Lindau. The passage says that the ferry leaves from its harbour.", "Lindau"),
    ("Lindau\n\nExplanation: the second sentence says so.", "Lindau"),
    ("**Answer:** Lindau", "Lindau"),
    ("**Answer**: Lindau\n\n**Explanation**: It is in the first line.", "Lindau"),
    ("Final answer:\nLindau", "Lindau"),
    ("A: Lindau", "Lindau"),
    # Several candidates, a changed mind.
    ("It could be Bregenz or Lindau. The answer is Lindau.", "Lindau"),
    ("The answer is Bregenz. Wait, no, it's Lindau.", "Lindau"),
    ("Bregenz. Actually, Lindau.", "Lindau"),
    ("Answer: Bregenz\nCorrection: Lindau", "Lindau"),
    ("The answer is not Bregenz. The answer is Lindau.", "Lindau"),
    # Thinking.
    ("<think>Bregenz? The answer is Bregenz. No.</think>\nLindau", "Lindau"),
    ("Bregenz is in Austria.</think>Lindau", "Lindau"),
    ("<think>The ferry leaves from", None),
    # Cut off.
    ("The answer is", None),
    ("Answer:", None),
    ("答案是", None),
    ("", None),
    ("...", None),
    (None, None),
    ("The answer is the harbour of Lind", "the harbour of Lind"),
    # The prompt repeated, a next question.
    ("Question: Where does the ferry leave?\nAnswer: Lindau", "Lindau"),
    ("Context: A ferry leaves Lindau at noon.\nQuestion: When?\nAnswer: at noon\n\nQuestion: Who?", "at noon"),
    ("Lindau\n\nQuestion: How long does it take?\nAnswer: an hour", "Lindau"),
    ("Lindau\nQ: How long?\nA: an hour", "Lindau"),
    ("Passage: A ferry leaves Lindau.\n\nQuestion: Where from?\n\nLindau", "Lindau"),
    ("Question: Where does the ferry", None),
    # Chinese.
    ("临江镇", "临江镇"),
    ("临江镇。", "临江镇"),
    ("答案是临江镇。", "临江镇"),
    ("答案：临江镇", "临江镇"),
    ("**答案：** 临江镇", "临江镇"),
    ("答：临江镇。\n\n问题：桥长多少？", "临江镇"),
    ("正确答案应该是“临江镇”，因为渡口在那里。", "临江镇"),
    ("根据文章，渡口在临江镇。", "渡口在临江镇"),
    ("渡口在**临江镇**。", "临江镇"),
    ("临江镇。文章第二段提到渡口在那里。", "临江镇"),
    ("好的，以下是答案：\n《渡口旧事》", "《渡口旧事》"),
    ("１９３２年", "１９３２年"),
    ("答案是临水镇。不对，应该是临江镇。", "临江镇"),
    ("<think>临水镇？不对。</think>临江镇", "临江镇"),
    ("问题：渡口在哪里？\n答案：临江镇", "临江镇"),
    # Other languages of TyDiQA, and Japanese.
    ("Ответ: в Линдау.", "в Линдау"),
    ("정답은 린다우입니다.", "린다우"),
    ("답: 린다우", "린다우"),
    ("Jawaban: pelabuhan lama", "pelabuhan lama"),
    ("Jibu: bandari ya zamani.", "bandari ya zamani"),
    ("Vastaus: vanha satama", "vanha satama"),
    ("الإجابة: الميناء القديم", "الميناء القديم"),
    ("উত্তর: পুরানো বন্দর।", "পুরানো বন্দর"),
    ("సమాధానం: పాత ఓడరేవు", "పాత ఓడరేవు"),
    ("答えは古い港です。", "古い港"),
]


@pytest.mark.parametrize(("text", "expected"), SPANS, ids=repr)
def test_span(text, expected):
    assert span(text) == expected


@pytest.mark.parametrize("text", [text for text, _ in SPANS], ids=repr)
def test_an_answer_is_no_denial(text):
    assert not no_answer(text)


DENIALS = [
    "unanswerable",
    "Unanswerable.",
    "**Unanswerable**",
    "No answer",
    "(no answer)",
    "N/A",
    "CANNOTANSWER",
    "Answer: unanswerable",
    "The answer is unknown.",
    "This question is unanswerable.",
    "The question cannot be answered from the passage.",
    "I cannot answer this question based on the given context.",
    "I'm sorry, but I can't find that in the text.",
    "I don't know.",
    "The passage does not mention when the ferry was built.",
    "The passage doesn’t provide any information about its captain.",
    "The text gives no date.",
    "It is not mentioned in the passage.",
    "The answer is not mentioned in the passage.",
    "There is no information about the captain in the passage.",
    "There is not enough information to answer.",
    "Not enough information.",
    "Unfortunately, we cannot determine the year.",
    "I have read the passage carefully. It does not mention the captain.",
    "The passage does not mention it, but I could not find it elsewhere either.",
    "<think>Lindau? No.</think>The passage does not say.",
    "Question: Who built it?\nAnswer: No answer\n\nQuestion: When?\nAnswer: 1932",
    "无法回答",
    "无法回答。",
    "答案：无法回答",
    "文中没有提到他的出生地。",
    "根据文章内容，无法确定桥的长度。",
    "这篇文章并未说明桥的长度。",
    "没有足够的信息来回答这个问题。",
    "無法回答這個問題。",
    "本文には記載がありません。",
    "답할 수 없음",
    "본문에 언급되어 있지 않습니다.",
    "Нет ответа.",
    "Невозможно ответить на этот вопрос.",
    "Tidak disebutkan dalam teks.",
    "Hakuna jibu",
    "Ei vastausta.",
    "لا يمكن الإجابة على هذا السؤال.",
    "কোনো উত্তর নেই",
    "సమాధానం లేదు",
]


@pytest.mark.parametrize("text", DENIALS, ids=repr)
def test_no_answer(text):
    assert no_answer(text)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "<think>I cannot answer",
        "Nobody",
        "nothing but an old map",
        "Lindau. The passage does not mention the year.",
        "The passage does not say so directly, but it was built in Lindau.",
        "Although this was long unknown, 1932",
        "I cannot find it in the text. The answer is Lindau.",
        "the unknown soldier",
        "he did not know",
        "文中虽然没有提到年份，但是桥在临江镇",
        "没有",
    ],
    ids=repr,
)
def test_other_texts_are_no_denial(text):
    assert not no_answer(text)


def test_a_whole_line_may_be_the_answer():
    text = "It closed for good in the spring of that year. The ferry replaced it.\nNothing else."
    assert span(text) == "It closed for good in the spring of that year"
    assert span(text, whole_line=True) == "It closed for good in the spring of that year. The ferry replaced it"
    said = "They asked for the captain. No, it was too late."
    assert span(said, whole_line=True) == span("Answer: " + said, whole_line=True) == said.rstrip(".")


def test_of_a_long_text_the_start_and_the_end_are_read():
    assert span("x " * 30_000 + "The answer is Lindau.") == "Lindau"
    assert span("Lindau\n" + "x " * 30_000) == "Lindau"


UNITS = [
    *(
        "answer is ",
        "the answer to ",
        "Answer:",
        "**",
        "\n",
        " ",
        ".",
        ". A",
        "。",
        "“",
        "《",
        "Question: \n",
        "\n\nQ:",
    ),
    *(
        "wait, no, ",
        "the passage ",
        "not mentioned ",
        "there is no ",
        "文中没",
        "无法",
        "答案",
        "\\boxed{",
        "a",
        "'s ",
        "(",
    ),
    *("- ", "> * ", "it was not ", "$", "<think>", "</think>", "...", "but ", "\t", "1. ", "_", "~~~", "i ", "\u0301"),
    "\ud800",
]


@given(st.text() | st.lists(st.sampled_from(UNITS)).map("".join))
def test_nothing_raises(text):
    found = span(text)
    assert found is None or (found == found.strip() and found)
    assert no_answer(text) in (True, False)
    assert (span(text, whole_line=True) is None) == (found is None)


@pytest.mark.parametrize("tail", ["", "The answer is not", "x\n", "**"])
@pytest.mark.parametrize("unit", UNITS, ids=repr)
def test_100_kb_take_no_more_than_50_ms(unit, tail, seconds):
    text = unit * (100_000 // len(unit)) + tail
    for extraction in (span, no_answer):
        assert seconds(extraction, text) < 0.05
