"""The page of IFEval: its samples, its metrics, and what is wrong with a row."""

from __future__ import annotations

import json

import pytest
from proctor import pages
from proctor.errors import DataError
from proctor.metrics.instructions import RULES
from read_pages import page, prompts, read, verdict, write

ifeval = page("instructions/test_ifeval").ifeval
(PAGE,) = pages.chosen(["ifeval"])
BUNDLED = PAGE.bundled().samples
OFTEN = {"keyword": "tea", "frequency": 2, "relation": "at least"}


def test_the_bundled_samples_cover_all_instructions_and_their_responses_follow():
    assert {one.name for sample in BUNDLED for one in sample.metadata["instructions"]} == set(RULES)
    for sample in BUNDLED:
        metrics = verdict(ifeval, sample, sample.target)[1]
        assert metrics["prompt_strict"] == metrics["prompt_loose"] == 1, sample.target


def test_metrics_by_prompt_by_instruction_and_by_family(tmp_path):
    row = {
        "key": 7,
        "prompt": "Say it. \nTwice",
        "instruction_id_list": ["punctuation:no_comma", "startend:quotation", "keywords:existence"],
        "kwargs": [{}, {"keywords": None}, {"keywords": ["a"], "relation": None}],  # as the hub's table has them
    }
    write(tmp_path, "ifeval/input_data.jsonl", [row])
    assert prompts(ifeval, tmp_path) == ["Say it. \nTwice"]
    (sample,) = read(ifeval, tmp_path).samples
    assert sample.target is None
    assert verdict(ifeval, sample, 'Sure:\n"a"') == (
        ["punctuation:no_comma", "keywords:existence"],
        {
            "prompt_strict": 0.0,
            "prompt_loose": 1.0,
            "instruction_strict": [2.0, 3.0],
            "instruction_loose": [3.0, 3.0],
            "keywords": [1.0, 1.0],
            "punctuation": [1.0, 1.0],
            "startend": [0.0, 1.0],
        },
    )
    assert verdict(ifeval, sample, '<think>Hm, well.</think>\n"a"')[1]["prompt_strict"] == 1.0
    assert verdict(ifeval, sample, "")[0] is None


BAD = [
    ({"instruction_id_list": ["keywords:rhyme"]}, r"instruction_id_list\[0\]: 'keywords:rhyme' is none of the 25"),
    ({"instruction_id_list": []}, "instruction_id_list is no list of instructions"),
    ({"instruction_id_list": "punctuation:no_comma"}, "instruction_id_list is no list of instructions"),
    ({"kwargs": []}, "kwargs: 0 records for the 1 instructions"),
    ({"kwargs": [{}, {}]}, "kwargs: 2 records for the 1 instructions"),
    ({"kwargs": None}, "kwargs: None for the 1 instructions"),
    ({"kwargs": ["keyword"]}, r"kwargs\[0\] of keywords:frequency is no record"),
    ({"kwargs": [{"keyword": "a", "frequency": 1}]}, r"kwargs\[0\]: keywords:frequency needs 'relation'"),
    ({"kwargs": [OFTEN | {"frequency": -1}]}, "'frequency' of keywords:frequency is a whole number from 0, not -1"),
    ({"kwargs": [OFTEN | {"frequency": True}]}, "'frequency' of keywords:frequency is a whole number from 0, not True"),
    ({"kwargs": [OFTEN | {"relation": "at most"}]}, "'relation' of .* is 'less than' or 'at least', not 'at most'"),
    ({"kwargs": [OFTEN | {"keyword": "a("}]}, r"'keyword' of .* is a text that is a regular expression, not 'a\('"),
    ({"kwargs": [OFTEN | {"letter": "a"}]}, "keywords:frequency does not know 'letter'; it has: keyword, frequency"),
]


@pytest.mark.parametrize(("change", "message"), BAD, ids=[message[:40] for _, message in BAD])
def test_a_bad_row_is_told_with_file_line_and_field(tmp_path, change, message):
    row = {"key": 1, "prompt": "Say tea.", "instruction_id_list": ["keywords:frequency"], "kwargs": [OFTEN]}
    write(tmp_path, "ifeval/input_data.jsonl", [row, row | change])
    with pytest.raises(DataError, match=rf"input_data\.jsonl:2: this row cannot be read: .*{message}"):
        read(ifeval, tmp_path)


def test_rows_are_plain_json():
    for sample in BUNDLED:
        assert json.loads(json.dumps(sample.metadata["instructions"]))
