"""DROP and MuSR: how they ask, what they read out of an answer, and DROP's scorer case by case."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from proctor.data.reading import load
from proctor.data.rows import EACH, read_rows
from proctor.errors import DataError
from proctor.metrics import drop_scores
from proctor.sample import Sample
from read_pages import ROOT, page, prompts, read, task, verdict, write

drop = page("passages/test_drop").drop
musr = page("reasoning/test_musr").musr

# --- DROP's scorer ----------------------------------------------------------------------------------------------------

ONE_GOLD = [
    # answer, gold, exact match, F1
    # Numbers are compared as floats; words for them are words.
    (["3"], ["3"], 1, 1),
    (["3.0"], ["3"], 1, 1),
    (["03"], ["3"], 1, 1),
    (["three"], ["3"], 0, 0),
    (["3"], ["three"], 0, 0),
    (["three"], ["three"], 1, 1),
    (["1,200"], ["1200"], 1, 1),
    (["$1,200"], ["1200"], 1, 1),
    (["16.5%"], ["16.5"], 0, 0),  # the mark goes, and the point with it: 165
    (["16.5"], ["16.5"], 1, 1),
    (["5%"], ["5"], 1, 1),
    (["-7"], ["7"], 1, 1),  # a hyphen parts words
    (["1e3"], ["1000"], 1, 1),
    (["4"], ["3"], 0, 0),
    # Units cost a word, and help nothing where the number is another one.
    (["3 yards"], ["3"], 0, 0.67),
    (["3"], ["3 yards"], 0, 0.67),
    (["19-yard"], ["19 yard"], 1, 1),
    (["19 yards"], ["19-yard"], 0, 0.5),
    (["20 yards"], ["19 yards"], 0, 0),
    (["yards"], ["19 yards"], 0, 0),
    (["19 or 20 yards"], ["19 yards"], 0, 0.67),
    (["from 12 to 15"], ["15 to 12"], 0, 0.86),
    # Case, articles, punctuation, white space.
    (["the Raiders"], ["Raiders"], 1, 1),
    (["RAIDERS!"], ["raiders"], 1, 1),
    (["an old  mill"], ["old mill"], 1, 1),
    (["U.S."], ["us"], 1, 1),
    (["half-back"], ["half back"], 1, 1),
    (["Oakland Raiders"], ["Raiders"], 0, 0.67),
    # Sets of words: how often one stands there does not count for F1, but for exact match.
    (["New New York"], ["New York"], 0, 1),
    (["Jost Arden"], ["Willem Pike"], 0, 0),
    # Several spans: in any order, each with one other.
    (["Arden", "Pike"], ["Pike", "Arden"], 1, 1),
    (["A. Lowe", "Dunn", "Sand"], ["Sand", "A. Lowe", "Dunn"], 1, 1),
    (["Arden"], ["Arden", "Pike"], 0, 0.5),
    (["Arden", "Pike", "Quill"], ["Arden", "Pike"], 0, 0.67),
    (["Arden", "Arden"], ["Arden", "Pike"], 0, 0.5),
    (["Pike", "Pike"], ["Pike"], 0, 0.5),
    (["Jost Arden", "Pike"], ["Arden", "Willem Pike"], 0, 0.67),
    (["Arden Pike"], ["Arden", "Pike"], 0, 0.33),
    # The best partner first, for each in turn: (0.67 + 0.29) / 2. The best of all: (0.4 + 0.8) / 2.
    (["x y", "x p q r"], ["x", "x y z"], 0, 0.6),
    # Dates are texts: day, month, year.
    (["9 May 1718"], ["9 May 1718"], 1, 1),
    (["May 9, 1718"], ["9 May 1718"], 0, 1),
    (["9 May"], ["9 May 1718"], 0, 0.8),
    (["1718"], ["9 May 1718"], 0, 0.5),
    (["May"], ["9 May 1718"], 0, 0),
    # A gold span of which normalization leaves nothing.
    (["The"], ["the"], 1, 1),
    (["x"], ["the"], 0, 0),
    (["?"], ["3"], 0, 0),
]


@pytest.mark.parametrize(("answer", "gold", "exact", "f1"), ONE_GOLD)
def test_drop_scores_as_drop_eval(answer, gold, exact, f1):
    assert drop_scores(answer, [gold]) == (exact, f1)


@pytest.mark.parametrize(
    ("answer", "golds", "exact", "f1"),
    [
        (["2"], [["3"], ["2"]], 1, 1),
        (["80 yards"], [["80-yard"], ["80"], ["80-yard punt return"]], 0, 0.67),
        # The best of each: exact match and F1 need not be of the same annotator.
        (["Russell"], [["29"], ["JaMarcus Russell"], ["Russell"]], 1, 1),
        (["3"], [["  "], ["3"]], 1, 1),
        ([""], [["  "]], 0, 0),  # a blank gold answer does not count, not even for a blank one
        (["3"], [], 0, 0),
        (["3"], [[]], 0, 0),
        (None, [["3"]], 0, 0),
        ([], [["3"]], 0, 0),
    ],
)
def test_drop_takes_the_best_annotator(answer, golds, exact, f1):
    assert drop_scores(answer, golds) == (exact, f1)


spans = st.lists(st.text(max_size=30), min_size=1, max_size=6)


@given(spans, st.lists(spans, max_size=4))
def test_drop_scores_stay_within_bounds(answer, golds):
    exact, f1 = drop_scores(answer, golds)
    assert exact in (0, 1)
    assert 0 <= f1 <= 1


@given(spans, st.randoms())
def test_the_order_of_spans_means_nothing(answer, random):
    mixed = random.sample(answer, len(answer))
    expected = (1, 1) if answer[0].strip() else (0, 0)
    assert drop_scores(mixed, [answer]) == expected


# --- DROP's page ------------------------------------------------------------------------------------------------------

BLANK = {"number": "", "date": {"day": "", "month": "", "year": ""}, "spans": []}
PASSAGE = " The mill was built on 9 May 1764 by Jonas and Peter Lund, and burnt twice."


def said(number="", day="", month="", year="", named=()):
    return {"number": number, "date": {"day": day, "month": month, "year": year}, "spans": list(named)}


def question(text, answer, *validated):
    return {"question": text, "answer": answer, "query_id": text, "validated_answers": list(validated)}


ASKED = [
    question("How often did it burn?", said("2"), said("2"), said(named=["twice"])),
    question("When was it built?", said(day="9", month="May", year="1764"), said(year="1764")),
    question("Who built it?", said(named=["Jonas", "Peter Lund"])),
    question("What was built?", said(named=["mill"]), said(named=["The mill"])),
    question("Who sold it?", BLANK, said(named=["Jonas"])),
    question("Who knows?", BLANK, BLANK),
]


@pytest.fixture
def mill(tmp_path: Path) -> Path:
    write(tmp_path, "drop/drop_dataset_dev.json", {"history_1": {"passage": PASSAGE, "qa_pairs": ASKED}})
    shots = {
        f"history_{number}": {
            "passage": f"Passage {number}.",
            "qa_pairs": [
                question(f"First of {number}?", said(str(number))),
                question(f"Second of {number}?", said("9")),
            ],
        }
        for number in range(4)
    }
    write(tmp_path, "drop/drop_dataset_train.json", shots)
    return tmp_path


def test_drop_reads_the_authors_file(mill):
    dataset = read(drop, mill)
    assert [sample.groups["answer"] for sample in dataset.samples] == ["number", "date", "spans", "span", "span"]
    assert [sample.target for sample in dataset.samples] == ["2", "9 May 1764", "Jonas, Peter Lund", "mill", "Jonas"]
    assert dataset.samples[1].metadata["golds"] == [["9 May 1764"], ["1764"]]
    assert len({sample.cluster for sample in dataset.samples}) == 1
    assert dataset.excluded == {"no annotator answered": 1}


def test_drop_asks_with_a_question_of_each_of_three_passages(mill):
    assert prompts(drop, mill)[0] == (
        "Passage: Passage 0.\nQuestion: First of 0?\nAnswer: 0\n\n"
        "Passage: Passage 1.\nQuestion: First of 1?\nAnswer: 1\n\n"
        "Passage: Passage 2.\nQuestion: First of 2?\nAnswer: 2\n\n"
        f"Passage: {PASSAGE.strip()}\nQuestion: How often did it burn?\nAnswer:"
    )


def test_drop_cot_asks_as_simple_evals_does(mill):
    assert prompts(drop, mill, "cot")[2] == (
        "You will be asked to read a passage and answer a question. Some examples of passages and Q&A are provided "
        "below.\n\n# Examples"
        "\n---\nPassage: Passage 0.\nQuestion: First of 0?\nAnswer: 0\n"
        "\n---\nPassage: Passage 1.\nQuestion: First of 1?\nAnswer: 1\n"
        "\n---\nPassage: Passage 2.\nQuestion: First of 2?\nAnswer: 2\n"
        f"\n# Your Task\n\n---\nPassage: {PASSAGE.strip()}\nQuestion: Who built it?\nAnswer: "
        '\n\nThink step by step, then write a line of the form "Answer: $ANSWER" at the end of your response.'
    )


@pytest.mark.parametrize(
    ("golds", "text", "answer", "exact", "f1", "whole"),
    [
        ([["2"]], " 2", "2", 1, 1, 1),
        ([["2"]], " 2.", "2", 1, 1, 1),
        ([["2"]], "It burnt in 1801 and 1802, so twice.\nAnswer: 2", "2", 1, 1, 1),
        ([["2"]], "**Answer:** 2", "2", 1, 1, 1),
        ([["2"]], "<think>Perhaps 3. Answer: 3</think>Answer: 2", "2", 1, 1, 1),
        ([["2"]], "Answer: 3\nWait, that is wrong.\nAnswer: 2", "2", 1, 1, 1),
        ([["2"]], "two", "two", 0, 0, 0),
        ([["1240"]], "Answer: 1,240", "1,240", 1, 1, 1),  # no comma of a list
        ([["16.5"]], "The answer is 16.5.", "16.5", 1, 1, 1),
        ([["9 May 1764"]], "Answer: 9 May 1764", "9 May 1764", 1, 1, 1),
        ([["Jonas", "Peter Lund"]], "Answer: Peter Lund and Jonas", "Peter Lund and Jonas", 1, 1, 0.33),
        ([["Jonas", "Peter Lund"]], " Jonas, Peter Lund", "Jonas, Peter Lund", 1, 1, 0.4),
        ([["Jonas", "Peter Lund", "Eva"]], " Jonas, Peter Lund, and Eva", "Jonas, Peter Lund, and Eva", 1, 1, 0.19),
        ([["Jonas", "Peter Lund"]], " Jonas", "Jonas", 0, 0.5, 0.5),
        ([["Lund and Sons"]], " Lund and Sons", "Lund and Sons", 1, 1, 1),  # one span that looks like two
        ([["Austin, Texas"]], " Austin, Texas", "Austin, Texas", 1, 1, 1),
        ([["mill"]], "", None, 0, 0, 0),
        ([["mill"]], "Answer:", None, 0, 0, 0),
    ],
)
@pytest.mark.parametrize("variant", ["gen", "cot"])
def test_drop_reads_one_span_or_several(variant, golds, text, answer, exact, f1, whole):
    sample = Sample(metadata={"golds": golds})
    found, metrics = verdict(drop, sample, text, variant)
    assert found == answer
    assert metrics == {"exact_match": exact, "f1": f1, "f1_whole": whole}


def broken(root: Path, change) -> str:
    """What is said of the authors' file once a passage has been changed."""
    path = root / "drop" / "drop_dataset_dev.json"
    content = json.loads(path.read_text())
    change(content["history_1"])
    path.write_text(json.dumps(content))
    with pytest.raises(DataError) as told:
        read(drop, root)
    assert f"{path}:1: " in str(told.value)
    return str(told.value)


@pytest.mark.parametrize("field", ["passage", "qa_pairs"])
def test_a_passage_without_a_field_is_told(mill, field):
    assert repr(field) in broken(mill, lambda row: row.pop(field)).partition("it has:")[0]


@pytest.mark.parametrize("field", ["question", "answer"])
def test_a_question_without_a_field_is_told(mill, field):
    assert repr(field) in broken(mill, lambda row: row["qa_pairs"][0].pop(field)).partition("it has:")[0]


@pytest.mark.parametrize("field", ["number", "spans", "date"])
def test_an_answer_without_a_field_is_told(mill, field):
    def without(row):
        row["qa_pairs"][5]["answer"].pop(field)

    assert repr(field) in broken(mill, without).partition("it has:")[0]


def test_a_key_of_its_own_for_each_row(tmp_path):
    write(tmp_path, "own.json", {"one": {"a": 1}, "two": {"a": 2}})
    assert list(read_rows(tmp_path / "own.json", key=EACH)) == [(1, {"a": 1}), (2, {"a": 2})]
    write(tmp_path, "list.json", [{"a": 1}])
    with pytest.raises(DataError, match="no object with a row under each key; the file has: list"):
        list(read_rows(tmp_path / "list.json", key=EACH))
    write(tmp_path, "drop/drop_dataset_dev.json", {"version": "v2.0", "data": [{"paragraphs": []}]})  # SQuAD's
    write(tmp_path, "drop/drop_dataset_train.json", {})
    with pytest.raises(DataError, match=r"drop_dataset_train\.json: 0 few-shot rows; drop needs 3"):
        read(drop, tmp_path)
    with pytest.raises(DataError, match=r"drop_dataset_dev\.json:1: this row cannot be read"):
        load(drop, tmp_path, 0)


@pytest.mark.parametrize(
    ("begins", "operands"),
    [
        ("How many more barrels", ["1,240", "-310"]),
        ("How many years did the salt works", ["1868", "-1652"]),
        ("How many of the four pans", ["four", "-two"]),
        ("In what year did the railway", ["1868", "-four"]),
        ("How many yards were all the field goals", ["31", "47", "25"]),
        ("How many yards longer was the field goal that Penn missed", ["52", "-25"]),
        ("How many more passing yards", ["287", "-164"]),
        ("By how many points", ["21", "-16"]),
        ("How many boats in the harbour of Kell", ["73", "-29"]),
        ("How many people left for New Zealand", ["1,340", "-870", "-310"]),
        ("How many fewer pupils", ["204", "-131"]),
    ],
)
def test_a_bundled_number_is_what_its_passage_gives(begins, operands):
    rows = json.loads((ROOT / "data" / "drop" / "drop_dataset_dev.json").read_text(encoding="utf-8"))
    ((passage, answer),) = [
        (row["passage"], asked["answer"])
        for row in rows.values()
        for asked in row["qa_pairs"]
        if asked["question"].startswith(begins)
    ]
    words = {"two": 2, "four": 4}
    assert all(one.removeprefix("-") in passage for one in operands)
    values = [-1 if one.startswith("-") else 1 for one in operands]
    numbers = [words.get(one) or int(one.replace(",", "")) for one in (o.removeprefix("-") for o in operands)]
    assert int(answer["number"]) == sum(sign * number for sign, number in zip(values, numbers, strict=True))


# --- MuSR -------------------------------------------------------------------------------------------------------------

NUMBERED = Sample(choices=["Ines", "Otto", "Piet"], target="B")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("ANSWER: 2", "B"),
        ("ANSWER: 2 - Otto", "B"),
        ("Ines has no motive. Otto has all three.\n\nANSWER: 2", "B"),
        ("**ANSWER: 2 - Otto**", "B"),
        ("**ANSWER:** 2", "B"),
        ("ANSWER: (2)", "B"),
        ("ANSWER: (2 - Otto)", "B"),
        ("Answer: 2.", "B"),
        ("answer: 2", "B"),
        ("ANSWER: Choice 2", "B"),
        ("ANSWER: option 2 - Otto", "B"),
        ("ANSWER: \\boxed{2}", "B"),
        ("The answer is 2 - Otto.", "B"),
        ("ANSWER: 1 - Ines\n\nNo: she was at sea.\n\nANSWER: 2 - Otto", "B"),
        ("<think>ANSWER: 1</think>\nANSWER: 2", "B"),
        ("1. Means: the peel.\n2. Motive: the will.\n3. Opportunity: the key.\n\nANSWER: 1 - Ines", "A"),
        ("At 3 in the night he was at the sluice with 2 sons.\nANSWER: 3 - Piet", "C"),
        ("ANSWER：２", "B"),
        ("ANSWER: B", "B"),  # a letter, out of habit
        ("**ANSWER: B - Otto**", "B"),
        ("A witness saw Ines at 2 in the night.\nANSWER: 2", "B"),
        ("A witness saw Ines in the night.\n\nANSWER: Ines", None),  # no choice A
        ("ANSWER: 1 or 2", None),  # the authors' script would count it for either
        ("ANSWER: (your answer here, including the choice number)", None),
        ("ANSWER: 4", None),  # there is none
        ("ANSWER: Otto", None),  # without a number the authors guess one
        ("He had 3 reasons and", None),
        ("", None),
    ],
)
def test_musr_reads_the_number_or_else_the_letter(text, answer):
    assert verdict(musr, NUMBERED, text) == (answer, {"accuracy": answer == "B"})


STORY = {"context": "It rained. Ana saw the key in the tin.", "questions": []}
PLACE = {"question": "Where would Ana look?", "answer": 1, "choices": ["desk", "tin"]}


def story(root: Path, domain: str, *asked: dict) -> None:
    write(root, f"musr/{domain}.json", [{**STORY, "questions": list(asked)}])


def test_musr_gives_the_hint_where_the_authors_do(tmp_path):
    story(tmp_path, "object_placements", PLACE)
    (placed,) = prompts(musr, tmp_path)
    assert placed.startswith(
        f"{STORY['context']}\n\nBased on this story, we want to identify where someone believes that a certain object"
    )
    assert placed.endswith(
        "in the last location where they observed it.\n\nWhere would Ana look?\n\n"
        "Pick one of the following choices:\n1 - desk\n2 - tin\n\nYou must pick one option. Explain your reasoning "
        "step by step before you answer. Finally, the last thing you generate should be "
        '"ANSWER: (your answer here, including the choice number)"'
    )
    (tmp_path / "musr" / "object_placements.json").unlink()
    story(tmp_path, "murder_mystery", {**PLACE, "question": "Who is the most likely murderer?"})
    (murder,) = prompts(musr, tmp_path)
    assert murder.startswith(f"{STORY['context']}\n\nWho is the most likely murderer?\n\nPick one of the following")
    assert "2 - tin\n\nYou must pick one option. Before selecting a choice, explain your reasoning step by" in murder
    assert murder.endswith('most clearly established. Explain your reasoning step by step before you answer. Finally, '
                           'the last thing you generate should be "ANSWER: (your answer here, including the choice '
                           'number)"')  # fmt: skip


def test_musr_has_the_names_of_the_authors_files(tmp_path):
    """murder_mystery.json, though the paper calls the domain murder mysteries."""
    for domain in ("murder_mystery", "object_placements", "team_allocation"):
        story(tmp_path, domain, PLACE, {**PLACE, "answer": 0})
    samples = read(musr, tmp_path).samples
    assert [sample.groups["domain"] for sample in samples[::2]] == [
        "murder_mystery",
        "object_placements",
        "team_allocation",
    ]
    assert [sample.target for sample in samples[:2]] == ["B", "A"]
    assert len({sample.cluster for sample in samples}) == 3
    named = {pin["file"] for pin in fetched("musr")}
    assert named == {f"{sample.groups['domain']}.json" for sample in samples}


def fetched(name: str) -> list[dict]:
    import yaml

    manifest = yaml.safe_load((ROOT / "data" / "manifest" / "modern.yaml").read_text(encoding="utf-8"))
    return list(manifest[name]["fetch"]["files"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"answer": 2}, "the answer 2 is none of 2 choices, from 0"),
        ({"answer": -1}, "the answer -1 is none of 2 choices"),
        ({"choices": []}, "the answer 1 is none of 0 choices"),
        ({"answer": None}, "NoneType"),
    ],
)
def test_a_question_of_musr_that_has_no_right_choice_is_told(tmp_path, change, message):
    story(tmp_path, "team_allocation", {**PLACE, **change})
    with pytest.raises(DataError, match=r"team_allocation\.json:1: this row cannot be read") as told:
        read(musr, tmp_path)
    assert message in str(told.value)


@pytest.mark.parametrize("field", ["question", "answer", "choices"])
def test_a_question_of_musr_without_a_field_is_told(tmp_path, field):
    lacking = copy.deepcopy(PLACE)
    del lacking[field]
    story(tmp_path, "murder_mystery", lacking)
    with pytest.raises(DataError, match=rf"murder_mystery\.json:1: this row cannot be read, questions\[0\]\.{field}: "):
        read(musr, tmp_path)


def test_a_domain_that_nobody_knows_is_told(tmp_path):
    story(tmp_path, "jewel_thefts", PLACE)
    with pytest.raises(DataError, match="jewel_thefts"):
        read(musr, tmp_path)


def test_the_stories_are_as_long_as_real_ones():
    for domain in ("murder_mystery", "object_placements", "team_allocation"):
        rows = json.loads((ROOT / "data" / "musr" / f"{domain}.json").read_text(encoding="utf-8"))
        assert len(rows) >= 3
        assert all(300 <= len(row["context"].split()) <= 600 for row in rows)
        assert all(name.strip(" ,.") for row in rows for asked in row["questions"] for name in asked["choices"])


@pytest.mark.parametrize("benchmark", [drop, musr], ids=lambda benchmark: benchmark.name)
def test_no_stop_string_ends_the_reasoning(benchmark):
    assert not task(benchmark, "cot" if benchmark is drop else None).ask.parameters.get("stop")
