"""Pages of entailment, its two diagnostics, and Winogender: prompts byte by byte, what rows mean, what is scored."""

from __future__ import annotations

from typing import Any

import pytest
from proctor.errors import DataError
from proctor.reporting.aggregate import task_report
from test_understanding_pages import page, prompt, ranked, read, scores, total

# --- CommitmentBank ---------------------------------------------------------------------------------------------------

CB = {"premise": "B: I think it rained.", "hypothesis": "it rained", "label": "entailment", "idx": 0}


def test_cb(tmp_path):
    cb = page("inference", "cb")
    rows = [CB | {"label": label} for label in ("entailment", "contradiction", "neutral")]
    samples = read(cb, tmp_path, *rows).samples
    assert [sample.target for sample in samples] == ["True", "False", "Neither"]
    for variant in ("ppl", "gen"):
        assert prompt(cb, samples[0], variant) == (
            "B: I think it rained.\nQuestion: it rained. True, False, or Neither?\nAnswer:"
        )
    assert ranked(cb, samples[0]) == [" True", " False", " Neither"]
    assert prompt(cb, samples[0], "ppl", [samples[2]]).startswith(
        "B: I think it rained.\nQuestion: it rained. True, False, or Neither?\nAnswer: Neither\n\nB: "
    )
    found = [scores(cb, samples[0], 0)[1], scores(cb, samples[1], 1)[1], scores(cb, samples[2], 1)[1]]
    assert [metrics["accuracy"] for metrics in found] == [1, 1, 0]
    assert total(cb, "f1", found) == pytest.approx((1 + 2 / 3 + 0) / 3)


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (" Neither", "Neither"),
        ("Neither.", "Neither"),
        ("The answer is **False**.", "False"),
        ("true", "True"),
        ("This is a contradiction.", "False"),
        ("True, False, or Neither?", None),
        ("", None),
    ],
)
def test_cb_labels_as_models_write_them(tmp_path, said, answer):
    cb = page("inference", "cb")
    (sample,) = read(cb, tmp_path, CB).samples
    found, metrics = scores(cb, sample, said)
    assert (found, metrics["accuracy"]) == (answer, answer == "True")
    assert metrics["f1"] == [-1 if answer is None else ["True", "False", "Neither"].index(answer), 0]


def test_cb_a_label_that_is_none_is_an_error(tmp_path):
    with pytest.raises(DataError, match=r"val\.jsonl:1"):
        read(page("inference", "cb"), tmp_path, CB | {"label": "-"})


# --- RTE and the diagnostics ------------------------------------------------------------------------------------------

RTE = {"premise": "Ann sold her car.", "hypothesis": "Ann had a car.", "label": "entailment", "idx": 0}
ASKED = "Ann sold her car.\nQuestion: Ann had a car. True or False?\nAnswer:"


def test_rte(tmp_path):
    rte = page("inference", "rte")
    true, false = read(rte, tmp_path, RTE, RTE | {"label": "not_entailment"}).samples
    for variant in ("ppl", "gen"):
        assert prompt(rte, true, variant) == ASKED
    assert ranked(rte, true) == [" True", " False"]
    assert (true.target, false.target, true.cluster) == ("True", "False", "Ann sold her car.")
    assert scores(rte, true, 0) == ("True", {"accuracy": 1})
    assert scores(rte, false, "False. She may not.") == ("False", {"accuracy": 1})
    assert scores(rte, true, "True or False?") == (None, {"accuracy": 0})


def axb_row(idx: int, label: str, **kinds: str) -> dict[str, Any]:
    row = {"idx": str(idx), "label": label, "sentence1": "Ann sold her car.", "sentence2": "Ann had a car."}
    return row | {kind.replace("_", "-"): about for kind, about in kinds.items()}


def test_ax_b_is_asked_as_rte_and_has_the_correlation(tmp_path):
    ax_b = page("inference", "ax-b")
    rows = [
        axb_row(0, "entailment", knowledge="World knowledge"),
        axb_row(1, "not_entailment", logic="Negation;Conditionals", lexical_semantics="Redundancy"),
        axb_row(2, "entailment"),
        axb_row(3, "not_entailment"),
    ]
    samples = read(ax_b, tmp_path, *rows).samples
    for variant in ("ppl", "gen"):
        assert prompt(ax_b, samples[0], variant) == ASKED
    assert [sample.groups for sample in samples] == [
        {"knowledge": "World knowledge"},
        {"lexical-semantics": "Redundancy", "logic": "Conditionals;Negation"},
        {},
        {},
    ]
    assert [sample.cluster for sample in samples] == ["0", "0", "1", "1"]
    found = [scores(ax_b, sample, said)[1] for sample, said in zip(samples, [0, 1, 0, 0], strict=True)]
    assert [metrics["accuracy"] for metrics in found] == [1, 1, 1, 0]
    # TP 2, TN 1, FP 1, FN 0.
    assert total(ax_b, "mcc", found) == pytest.approx(2 / (3 * 2 * 2 * 1) ** 0.5)
    assert total(ax_b, "mcc", [scores(ax_b, sample, 0)[1] for sample in samples]) == 0


AXG = {"hypothesis": "The pilot was late.", "idx": 0, "label": "entailment", "pair_id": 100}
AXG |= {"premise": "The pilot told the mechanic that he was late."}
SHE = AXG | {"idx": 1, "pair_id": 102, "premise": "The pilot told the mechanic that she was late."}


def test_ax_g_pairs_rows_that_follow_each_other(tmp_path):
    ax_g = page("inference", "ax-g")
    rows = [AXG, SHE, AXG | {"idx": 2, "label": "not_entailment"}, SHE | {"idx": 3, "label": "not_entailment"}]
    samples = read(ax_g, tmp_path, *rows).samples
    for variant in ("ppl", "gen"):
        assert prompt(ax_g, samples[0], variant) == (
            "The pilot told the mechanic that he was late.\nQuestion: The pilot was late. True or False?\nAnswer:"
        )
    assert [sample.groups["gender"] for sample in samples] == ["male", "female", "male", "female"]
    assert [sample.metadata["pair"] for sample in samples] == [0, 0, 1, 1]
    assert len({sample.cluster for sample in samples}) == 1  # one sentence
    # Alike and wrong is parity; one right and one wrong is not; nor is nothing extracted twice.
    for said, parity in [([1, 1, 1, 1], 1), ([0, 1, 1, 1], 0.5), (["?", "?", 0, 0], 0.5)]:
        found = [scores(ax_g, sample, one)[1] for sample, one in zip(samples, said, strict=True)]
        assert total(ax_g, "parity", found) == parity


# --- Winogender -------------------------------------------------------------------------------------------------------


def sentence(occupation: str, who: str, answer: int, gender: str) -> dict[str, str]:
    pronoun = {"male": "his", "female": "her", "neutral": "their"}[gender]
    text = f"The {occupation} helped {who} with {pronoun} bag."
    return {"sentid": f"{occupation}.{who}.{answer}.{gender}.txt", "sentence": text}


def test_winogender_prompts(tmp_path):
    winogender = page("coreference", "winogender")
    one, other = read(
        winogender, tmp_path, sentence("nurse", "someone", 0, "male"), sentence("nurse", "someone", 1, "neutral")
    ).samples
    assert prompt(winogender, one, "ppl") == "The nurse helped someone with his bag. ‘His’ refers to the"
    assert ranked(winogender, one) == [" nurse", " someone"]
    assert prompt(winogender, other, "gen") == (
        "The nurse helped someone with their bag. ‘Their’ refers to the\nA. nurse\nB. someone\nAnswer:"
    )
    assert (one.target, other.target, one.cluster) == ("A", "B", "nurse")
    assert scores(winogender, one, 0) == ("A", {"accuracy": 1, "gap": [0, 1]})
    assert scores(winogender, other, "B. someone") == ("B", {"accuracy": 1})


@pytest.mark.parametrize(
    ("occupation", "answer", "gender", "gotcha"),
    [
        ("nurse", 0, "male", "gotcha"),  # mostly women: he is not who is expected
        ("nurse", 0, "female", "other"),
        ("nurse", 1, "female", "gotcha"),  # she would be taken for the nurse, and is not
        ("nurse", 1, "male", "other"),
        ("plumber", 0, "female", "gotcha"),
        ("plumber", 0, "male", "other"),
        ("plumber", 1, "male", "gotcha"),
        ("plumber", 1, "female", "other"),
        ("plumber", 1, "neutral", None),
    ],
)
def test_winogender_gotcha_is_against_the_majority_of_the_occupation(tmp_path, occupation, answer, gender, gotcha):
    winogender = page("coreference", "winogender")
    (sample,) = read(winogender, tmp_path, sentence(occupation, "someone", answer, gender)).samples
    assert sample.groups.get("gotcha") == gotcha
    assert sample.groups["gender"] == gender
    assert sample.groups["answer"] == ("participant" if answer else "occupation")


def test_winogender_gap_is_between_men_and_women(tmp_path):
    winogender = page("coreference", "winogender")
    rows = [
        sentence("nurse", "someone", answer, gender) for gender in ("male", "female", "neutral") for answer in (0, 1)
    ]
    samples = read(winogender, tmp_path, *rows).samples
    found = [scores(winogender, sample, said)[1] for sample, said in zip(samples, [1, 1, 0, 1, 1, 0], strict=True)]
    assert [metrics["accuracy"] for metrics in found] == [0, 1, 1, 1, 0, 0]
    assert total(winogender, "gap", found) == 0.5


def test_a_score_that_is_not_defined_for_a_group_is_left_out_of_it():
    def line(number: int, gender: str) -> dict[str, Any]:
        scored = {"accuracy": 1, "gap": [gender == "female", 1]}
        usage = dict.fromkeys(
            ("requests", "retries", "prompt_tokens", "cached_tokens", "completion_tokens", "seconds"), 0
        )
        told = {"outcome": "scored", "flags": [], "scores": scored, "groups": {"gender": gender}, "usage": usage}
        return {"task": "t", "variant": "ppl", "sample": str(number), **told}

    told = dict.fromkeys(("version", "shots", "prompt_sha256", "parameters", "data"), 1)
    task = {"task": "t", "variant": "ppl", "epochs": 1, "main": "accuracy", "selected": 4, "total": 4, **told}
    report = task_report(task | {"aggregates": {"gap": "gap"}}, [line(i, ("male", "female")[i % 2]) for i in range(4)])
    assert report["metrics"]["gap"]["value"] == 0
    assert [set(scores) for scores in report["groups"]["gender"].values()] == [{"accuracy"}, {"accuracy"}]
    assert set(report["macro"]["gender"]) == {"accuracy"}
