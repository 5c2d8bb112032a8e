"""SQuAD 2.0, QuAC, TyDiQA and SummEdits: passages, questions about them, and who has answered."""

from __future__ import annotations

import pytest
from proctor.metrics import balanced_accuracy, question_em
from proctor.model import Likelihood
from proctor.sample import Sample
from read_pages import page, prompts, read, task, verdict, write

squad = page("spans/test_squad").squad
quac = page("spans/test_quac").quac
tydiqa = page("spans/test_tydiqa").tydiqa
summedits = page("consistency/test_summedits").summedits

TEXT = "The mill was built in 1764. It ground rye."


def span_question(question: str, *golds: str, identifier: str = "one") -> dict:
    answers = [{"text": gold, "answer_start": TEXT.index(gold)} for gold in golds]
    return {"question": question, "id": identifier, "answers": answers, "is_impossible": not golds}


def article(*questions: dict) -> dict:
    return {"title": "Mill", "paragraphs": [{"qas": list(questions), "context": TEXT}]}


def test_squad_asks_as_opencompass_does(tmp_path):
    asked = [span_question("When was it built?", "1764", "in 1764"), span_question("Who built it?")]
    write(tmp_path, "squad/dev-v2.0.json", {"version": "v2.0", "data": [article(*asked)]})
    assert prompts(squad, tmp_path)[0] == (
        f"{TEXT}\nAccording to the above passage, answer the following question. If it is impossible to answer "
        "according to the passage, answer `impossible to answer`:\nQuestion: When was it built?\nAnswer:"
    )
    one, two = read(squad, tmp_path).samples
    assert (one.targets, one.groups, one.cluster) == (["1764", "in 1764"], {"answerable": "HasAns"}, "Mill-0")
    assert (two.target, two.targets, two.groups) == ("impossible to answer", [], {"answerable": "NoAns"})


@pytest.mark.parametrize(
    ("golds", "text", "exact", "f1"),
    [
        (["1764", "in 1764"], " In 1764.", 1, 1),
        (["1764"], "The answer is 1764.", 1, 1),
        (["1764"], "impossible to answer", 0, 0),
        (["in the mill"], "near the mill", 0, 0.5),
        ([], "impossible to answer", 1, 1),
        ([], "unanswerable", 1, 1),  # once wrong on questions without an answer
        ([], "The passage does not say who built it.", 1, 1),
        ([], "Peter Lund", 0, 0),
        ([], "", 0, 0),  # nothing said is no answer
    ],
)
def test_squad_scores_as_evaluate_v2(golds, text, exact, f1):
    sample = Sample(target=golds[0] if golds else "impossible to answer", targets=golds)
    assert verdict(squad, sample, text)[1] == {"exact_match": exact, "f1": pytest.approx(f1)}


DIALOG = "She sailed in 1893. She drew the crew. The captain bought the drawings. CANNOTANSWER"


def turn(question: str, *references: str) -> dict:
    answers = [{"text": reference, "answer_start": DIALOG.index(reference)} for reference in references]
    return {"question": question, "answers": answers, "orig_answer": answers[0], "id": question}


TURNS = [
    turn("When did she sail?", "in 1893", "She sailed in 1893"),
    turn("Why?", "CANNOTANSWER", "CANNOTANSWER"),
    turn("What then?", "She drew the crew.", "captain bought"),
    turn("Who paid?", "The captain", "The captain bought the drawings."),
]


@pytest.fixture
def dialogs(tmp_path):
    row = {"title": "Nora Vell", "section_title": "At sea", "background": "A painter."}
    dialog = [{"context": DIALOG, "qas": TURNS, "id": "C_ff00_1"}]
    write(tmp_path, "quac/val_v0.2.json", {"data": [row | {"paragraphs": dialog}]})
    return tmp_path


def test_quac_tells_the_dialog_so_far(dialogs):
    assert prompts(quac, dialogs)[2] == (
        "Title: Nora Vell\n\nBackground: A painter.\n\nSection: At sea\n"
        "Passage: She sailed in 1893. She drew the crew. The captain bought the drawings.\n\n"
        "Question: When did she sail?\nAnswer: in 1893\n\nQuestion: Why?\nAnswer: CANNOTANSWER\n\n"
        "Question: What then?\nAnswer: She drew the crew.\n\nQuestion: Who paid?\nAnswer:"
    )


def test_quac_leaves_out_what_people_do_not_agree_on(dialogs):
    dataset = read(quac, dialogs)
    assert [sample.id for sample in dataset.samples] == ["0.0", "0.1", "0.3"]
    assert dataset.excluded == {"people agree too little on the answer": 1}
    assert {sample.cluster for sample in dataset.samples} == {"C_ff00_1"}


def test_quac_scores_an_answer_as_a_person(dialogs):
    import numpy as np

    one, two, three = read(quac, dialogs).samples
    found = [
        verdict(quac, one, "She sailed in 1893."),
        verdict(quac, two, "I cannot answer that from the passage."),
        verdict(quac, three, "Nobody."),
    ]
    assert [answer for answer, _ in found] == ["She sailed in 1893", "CANNOTANSWER", "Nobody"]
    assert found[0][1]["f1"] == pytest.approx((1 + 2 / 3) / 2)
    assert [metrics["heq_q"] for _, metrics in found] == [1, 1, 0]
    rows = [metrics["heq_d"] for _, metrics in found]
    assert len({number for number, _, _ in rows}) == 1
    assert question_em(np.array(rows)) == 0
    assert question_em(np.array(rows[:2])) == 1


def test_tydiqa_asks_in_the_language_of_the_question(tmp_path):
    asked = [
        span_question("When was it built?", "1764", identifier="english-12-0"),
        span_question("Milloin?", "1764", identifier="finnish-7-0"),
    ]
    write(tmp_path, "tydiqa/tydiqa-goldp-v1.1-dev.json", {"data": [article(*asked)]})
    assert prompts(tydiqa, tmp_path) == [
        "Answer the following question based on the information in the given passage.\n\n"
        f"Passage:{TEXT}\nQuestion: When was it built?\nAnswer:",
        "Vastaa seuraavaan kysymykseen annetun kappaleen tiedon perusteella.\n\n"
        f"Kappale:{TEXT}\nKysymys: Milloin?\nVastaus:",
    ]
    assert [sample.groups["language"] for sample in read(tydiqa, tmp_path).samples] == ["english", "finnish"]


def test_articles_are_dropped_from_english_alone():
    words = page("spans/test_tydiqa").LANGUAGES
    for language, right in (("english", 1), ("finnish", 0)):
        sample = Sample(target="a mill", targets=["a mill"], metadata={"words": words[language]})
        assert verdict(tydiqa, sample, "mill")[1]["exact_match"] == right


SUMMARY = {
    "id": "samsum_train_7_og",
    "doc": "Ann: Tea? . Bo: Yes.",
    "summary": "Bo wants tea.",
    "label": 1,
    "original_summary": "Bo wants tea.",
    "edit_types": [],
    "split": "test",
}


def test_summedits_asks_with_the_authors_words(tmp_path):
    edited = SUMMARY | {"id": "samsum_train_7_0", "summary": "Bo wants milk.", "label": 0}
    write(tmp_path, "summedits/summedits_samsum.json", [SUMMARY, edited])
    begin = (
        'Given the document below, you have to determine if "Yes" or "No", the summary is factually consistent with '
        "the document.\n\nDocument:\nAnn: Tea? . Bo: Yes.\n\nSummary:\nBo wants tea.\n\n"
        "Is the summary factually consistent with the document? (Yes/No)\n"
    )
    assert prompts(summedits, tmp_path)[0] == begin + (
        'Start your answer explicitly with "Yes" or "No", and if you answer no, explain which sentence is inconsistent '
        "and why."
    )
    assert prompts(summedits, tmp_path, "ppl")[0] == begin + "Answer:"
    one, two = read(summedits, tmp_path).samples
    assert (one.target, two.target, one.groups) == ("Yes", "No", {"domain": "samsum"})
    assert one.cluster == two.cluster == "samsum_train_7"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Yes", "Yes"),
        ("No, the second sentence is inconsistent: yes, Bo wants tea, but no milk.", "No"),
        ("**No**\n\nThe summary says milk.", "No"),
        ("Yes, the summary is factually consistent with the document.", "Yes"),
        ("", None),
    ],
)
def test_summedits_counts_recall_by_label(text, answer):
    import numpy as np

    sample = Sample(target="No")
    found, metrics = verdict(summedits, sample, text)
    assert found == answer
    assert metrics["accuracy"] == (answer == "No")
    assert metrics["balanced_accuracy"] == [{"No": 0, "Yes": 1, None: -1}[answer], 0]
    # Always yes is right on half of the labels, whatever their number.
    always = np.array([[1, 1], [1, 0], [1, 0], [1, 0]])
    assert balanced_accuracy(always) == 0.5


def test_summedits_ranks_yes_and_no():
    from proctor.asks import Ranking

    ranking = Ranking(["No", "Yes"], [Likelihood(" No", -2.0, 1, False), Likelihood(" Yes", -1.0, 1, True)])
    assert verdict(summedits, Sample(target="Yes"), ranking, "ppl")[1]["accuracy"] == 1
    assert task(summedits, "ppl").ask.parameters["choices"] == ("No", "Yes")
