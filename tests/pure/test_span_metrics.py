"""Verdicts of the official scorers of reading and closed-book questions, on cases worked out by hand."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from proctor.metrics import (
    CANNOT_ANSWER,
    character_exact,
    character_f1,
    exact,
    normalized,
    open_exact,
    open_f1,
    quac_f1,
    quac_human_f1,
    quac_references,
    token_f1,
    trivia_exact,
    trivia_f1,
    trivia_normalized,
)


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("The  Old-Mill, a ruin!", "en", "oldmill ruin"),
        ("A", "en", ""),
        ("theatre", "en", "theatre"),
        ("the “mill”", "en", "“mill”"),
        ("snake_case", "en", "snakecase"),
        ("Kuu A an the", "fi", "kuu a an the"),
        ("An Nafud", "id", "an nafud"),
        ("МОСКВА.", "ru", "москва"),
        ("পুরানো বন্দর।", "bn", "পুরানো বন্দর।"),
        ("临江镇（旧）1932年。", "zh", "临 江 镇 旧 1932 年"),
        ("临江镇（旧）", "en", "临江镇（旧）"),
        ("古い港、です", "ja", "古 い 港 で す"),
        ("ท่าเรือ", "th_TH", "ท ่ า เ ร ื อ"),
        ("", "en", ""),
    ],
)
def test_normalized(text, language, expected):
    assert normalized(text, language) == expected


@pytest.mark.parametrize(
    ("answer", "golds", "right", "f1"),
    [
        ("The old mill.", ["old mill"], True, 1),
        ("mill", ["old mill", "windmill"], False, 2 / 3),
        # Words as bags: two of three against two of two.
        ("mill old red", ["old mill"], False, 0.8),
        ("mill mill", ["mill"], False, 2 / 3),
        ("windmill", ["old mill"], False, 0),
        # No answer: evaluate-v2.0.py.
        ("", [], True, 1),
        ("", ["mill"], False, 0),
        ("mill", [], False, 0),
        ("the", [], True, 1),
        # A gold answer of which nothing is left does not count; alone it makes the question one without answer.
        ("", ["the", "mill"], False, 0),
        ("", ["the"], True, 1),
        (None, [], False, 0),
        (None, ["mill"], False, 0),
    ],
)
def test_squad(answer, golds, right, f1):
    assert exact(answer, golds) is right
    assert token_f1(answer, golds) == pytest.approx(f1)


def test_articles_are_dropped_for_english_only():
    assert exact("a kuu", ["kuu"])
    assert not exact("a kuu", ["kuu"], "fi")
    assert token_f1("a kuu", ["kuu"], "fi") == pytest.approx(2 / 3)


def test_chinese_is_compared_by_character_where_it_is_said():
    assert token_f1("临江古镇", ["临江镇"]) == 0
    assert token_f1("临江古镇", ["临江镇"], "zh") == pytest.approx(6 / 7)
    assert exact("临江 镇。", ["临江镇"], "zh")


def test_record_takes_the_best_of_all_mentions():
    mentions = ["Ines Moreau", "Moreau", "Ms Moreau's"]
    assert exact("moreau", mentions)
    assert token_f1("Ines", mentions) == pytest.approx(2 / 3)


def test_nq_open_compares_decomposed_text():
    assert open_exact("Caf\u00e9 Moreau", ["cafe\u0301 moreau"])
    assert not exact("Caf\u00e9 Moreau", ["cafe\u0301 moreau"])
    assert open_f1("Caf\u00e9", ["the cafe\u0301 Moreau", "bar"]) == pytest.approx(2 / 3)
    assert open_exact("mill", ["inn", "The Mill"])
    assert not open_exact(None, ["mill"])
    assert not open_exact("mill", [])
    assert open_f1(None, ["mill"]) == open_f1("mill", []) == 0
    assert open_f1("---", ["---"]) == 1


def test_trivia_qa_makes_spaces_of_punctuation():
    assert trivia_normalized("The_Old-Mill’s “ruin”") == "old mill s “ruin”"
    assert trivia_exact("Old-Mill", ["old mill", "mill"])
    assert not exact("Old-Mill", ["old mill"])
    assert not trivia_exact(None, ["mill"])
    assert trivia_f1("old mill pond", ["inn", "old mill"]) == pytest.approx(0.8)
    assert trivia_f1("The A!", ["The A!"]) == 0
    assert trivia_f1(None, ["mill"]) == trivia_f1("mill", []) == 0


def test_quac_takes_a_majority_for_an_answer():
    assert quac_references(["a", CANNOT_ANSWER, "b"]) == ["a", "b"]
    assert quac_references(["a", CANNOT_ANSWER]) == [CANNOT_ANSWER]
    assert quac_references([]) == [CANNOT_ANSWER]


def test_quac_leaves_one_reference_out():
    references = ["red mill", "red inn", "blue boat"]
    # Against "red mill": 1, "red inn": 1/2, "blue boat": 0. Without the first 1/2 is the best, else 1.
    assert quac_f1("the red mill", references) == pytest.approx((0.5 + 1 + 1) / 3)
    # Of people: 1/2, 1/2, 0.
    assert quac_human_f1(references) == pytest.approx(1 / 3)
    assert quac_f1("red mill", ["red mill"]) == quac_human_f1(["red mill"]) == 1
    assert quac_f1(None, references) == 0


def test_quac_without_an_answer():
    references = [CANNOT_ANSWER, CANNOT_ANSWER, "red mill"]
    assert quac_f1(CANNOT_ANSWER, references) == quac_human_f1(references) == 1
    assert quac_f1("red mill", references) == quac_f1("cannotanswer", references) == 0
    assert quac_f1(CANNOT_ANSWER, ["red mill", "red inn"]) == 0


@pytest.mark.parametrize(
    ("answer", "gold", "right", "f1"),
    [
        ("临江镇", "临江镇", True, 1),
        ("《临江镇》。", "临江镇", True, 1),
        ("临江古镇", "临江镇", False, 2 * 2 / 7),  # 临江 is shared, not 镇
        ("在临江镇", "临江镇", False, 6 / 7),
        ("江临镇", "临江镇", False, 1 / 3),
        ("桥", "临江镇", False, 0),
        ("", "临江镇", False, 0),
        ("Old Mill 旅店", "old mill旅店", False, 1),
        # Text between Chinese characters goes by words: "3,450" and "公尺".
        ("3,450公尺", "3,451公尺", False, 2 / 3),
        ("约3,450.5 m", "3,450.5 m", False, 0.8),
        ("U.S. 站", "u.s. 站", True, 1),
        ("don't", "do", False, 2 / 3),
        ("25–40%", "25–40", False, 6 / 7),
        ("旅店...", "旅店…", False, 2 / 3),
    ],
)
def test_cmrc(answer, gold, right, f1):
    assert character_exact(answer, [gold]) is right
    assert character_f1(answer, [gold]) == pytest.approx(f1)


def test_cmrc_takes_the_best():
    assert character_f1("临江镇", ["桥", "临江"]) == pytest.approx(0.8)
    assert character_exact("临江镇", ["桥", "临江镇"])
    assert not character_exact(None, ["桥"])
    assert character_f1(None, ["桥"]) == character_f1("桥", []) == 0


@given(st.text("ab临江", max_size=12), st.text("ab临江", max_size=12))
def test_cmrc_f1_by_the_longest_shared_stretch(answer, gold):
    segments = [[*text.replace("临", " 临 ").replace("江", " 江 ").split()] for text in (answer, gold)]
    stretches = [{tuple(side[i:j]) for i in range(len(side)) for j in range(i + 1, len(side) + 1)} for side in segments]
    longest = max(map(len, stretches[0] & stretches[1]), default=0)
    expected = 2 * longest / (len(segments[0]) + len(segments[1])) if longest else 0
    assert character_f1(answer, [gold]) == pytest.approx(expected)


PER_SAMPLE = [exact, token_f1, open_exact, open_f1, trivia_exact, trivia_f1, character_exact, character_f1, quac_f1]


@given(st.none() | st.text(), st.lists(st.text(), max_size=3))
def test_nothing_raises(answer, golds):
    for metric in PER_SAMPLE:
        assert 0 <= metric(answer, golds) <= 1
    assert 0 <= quac_human_f1(golds) <= 1
    if answer is not None:
        assert normalized(answer, "zh") == normalized(answer, "zh").strip()


@given(st.text(), st.lists(st.text(), max_size=3))
def test_a_gold_answer_is_right(gold, others):
    for metric in (exact, open_exact, trivia_exact, character_exact):
        assert metric(gold, [gold]) or normalized(gold) == ""
    assert open_exact(gold, [*others, gold])
    assert character_exact(gold, [*others, gold])


@pytest.mark.parametrize("unit", ["a ", "临", "a临", ". ", "..", "'s ", ",1", "the ", "临江", ". )", "é"])
@pytest.mark.parametrize("metric", PER_SAMPLE)
def test_time_is_linear_in_the_answer(metric, unit):
    text = unit * (100_000 // len(unit))
    start = time.perf_counter()
    metric(text, [text[:200], "临江镇"])
    # An order of magnitude more than it takes, and one less than what a square would.
    assert time.perf_counter() - start < 2
