"""HellaSwag's rows, as their authors write them, and its two ways of asking."""

from __future__ import annotations

import json
import shutil

import pytest
from suites import CHECKOUT, Suite

SCENE = {
    "ind": 1,
    "activity_label": "Sewing",
    "ctx_a": "A tailor threads a needle.",
    "ctx_b": "the tailor",
    "ctx": "A tailor threads a needle. the tailor",
    "split": "val",
    "label": 2,
    "endings": ["sleeps.", "swims  away.", "sews [substeps] on a button.", "sings."],
    "source_id": "one",
}
HOW_TO = SCENE | {"ctx_a": "[header] How to sew [title] Begin. [step] Take a needle.", "ctx_b": "", "source_id": "two"}
HOW_TO |= {"activity_label": "Crafts", "ctx": HOW_TO["ctx_a"], "label": "0"}
BARE = {key: SCENE[key] for key in ("ind", "activity_label", "ctx", "split", "label", "endings")}


@pytest.fixture
def hellaswag(suite: Suite) -> Suite:
    for name in ("evals/everyday/test_hellaswag.py", "data/manifest/commonsense.yaml"):
        (suite.path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(CHECKOUT / name, suite.path / name)
    write(suite, SCENE, HOW_TO, BARE)
    return suite


def write(suite: Suite, *rows: dict) -> None:
    folder = suite.path / "data" / "hellaswag"
    folder.mkdir(exist_ok=True)
    (folder / "hellaswag_val.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_prompts_and_choices(hellaswag: Suite):
    result = hellaswag.run("--model=proctor:gold", "--variant=all")
    assert result.ret == 0, result.stdout.str()
    ppl, gen = (
        [sample for sample in hellaswag.samples() if sample["variant"] == variant] for variant in ("ppl", "gen")
    )
    assert [sample["prompt"] for sample in ppl] == [
        "Sewing: A tailor threads a needle. The tailor",
        # The brackets go and one of the two spaces that they leave, as in lm-evaluation-harness.
        "Crafts: How to sew. Begin. Take a needle.",
        "Sewing: A tailor threads a needle. the tailor",  # what has been joined is left as it is
    ]
    assert [choice["text"] for choice in ppl[0]["choices"]] == [
        " sleeps.",
        " swims away.",
        " sews on a button.",
        " sings.",
    ]
    assert [sample["target"] for sample in ppl] == ["C", "A", "C"]
    assert [sample.get("cluster") for sample in ppl] == ["one", "two", None]
    assert gen[0]["prompt"] == (
        "Choose the ending that continues the text best.\n\nSewing: A tailor threads a needle. The tailor ...\n"
        "A. sleeps.\nB. swims away.\nC. sews on a button.\nD. sings.\nAnswer:"
    )
    tasks = {task["variant"]: task for task in hellaswag.report()["tasks"]}
    assert (tasks["ppl"]["main"], tasks["gen"]["main"]) == ("acc_norm", "acc")
    assert set(tasks["ppl"]["metrics"]) == {"acc", "acc_norm", "acc_norm_chars"}
    assert tasks["ppl"]["prompt_sha256"] != tasks["gen"]["prompt_sha256"]


@pytest.mark.parametrize("label", ["", 4, -5, None])
def test_a_label_that_names_no_ending_is_an_error_with_its_line(hellaswag: Suite, label: object):
    write(hellaswag, SCENE, SCENE | {"label": label})
    result = hellaswag.run("--model=proctor:gold")
    assert result.ret == 4
    assert "hellaswag_val.jsonl:2" in result.stdout.str()
