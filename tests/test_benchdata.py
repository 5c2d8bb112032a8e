"""Every row of the published data beside the checkout reads, and the self-check models score as they must."""

import gzip
import json
import os
import re
from pathlib import Path

import pytest
from proctor import pages
from proctor.extract import boxed, final_answer, theorem_answer
from proctor.metrics import equivalent, same_theorem_answer

ROOT = Path(__file__).parent.parent
DATA = Path(os.environ.get("PROCTOR_BENCHDATA", ROOT.parent / "shared" / "benchdata"))
ROWS = {
    "gsm8k": 1119, "hellaswag": 9842, "humaneval": 124, "mmlu": 13842,
    "cmmlu": 11582, "ceval": 1346, "agieval": 8068, "gaokao-bench": 1781, "jec-qa": 7771,
    "medmcqa": 4183, "medqa-usmle": 1273, "medqa-mcmle": 3426, "arc-c": 1172, "arc-e": 2376, "openbookqa": 500,
    "boolq": 3270, "copa": 100, "multirc": 451, "record": 32, "wic": 638, "wsc": 104, "cb": 56, "rte": 277,
    "ax-b": 1104, "ax-g": 356, "winogender": 720,
    "cmnli": 12241, "ocnli": 2950, "ocnli-fc": 2520, "afqmc": 4316, "bustm": 1772, "eprstmt": 610, "tnews": 2010,
    "cluewsc": 976, "c3": 3816, "chid": 2002, "drcd": 3328,
    "commonsenseqa": 1221, "piqa": 1838, "siqa": 1954, "winogrande": 1067, "strategyqa": 2290, "race": 375,
    "lambada": 5153, "nq-open": 3610, "triviaqa": 3000, "truthfulqa": 667,
    "math": 4800, "theoremqa": 800, "mbpp": 500, "mbpp-sanitized": 427, "bbh": 6313, "squad": 6078, "quac": 10,
    "tydiqa": 440, "summedits": 4681, "flores": 1012, "wmt20-en-zh": 1418, "wmt20-zh-en": 2000,
}  # fmt: skip
"""Samples of each benchmark. What the self-check models make of them, `proctor check --data-dir` says."""
HELD_OUT = {
    "gsm8k": 200, "hellaswag": 200, "humaneval": 40, "mmlu": 200, "agieval": 200, "truthfulqa": 150, "winogrande": 200,
    "math": 200, "drcd": 196, "bbh": 198,
}  # fmt: skip
"""Samples that are missing from these files on purpose."""
PARTS = {"jec-qa", "triviaqa", "race", "multirc", "record", "squad", "quac", "summedits", "tydiqa"}
"""Benchmarks of which these files hold a part only."""


@pytest.fixture(scope="module")
def benchdata() -> Path:
    if not DATA.is_dir():
        assert not os.environ.get("PROCTOR_REQUIRE_BENCHDATA"), f"{DATA} is missing"
        pytest.skip(f"no published data at {DATA}")
    return DATA


@pytest.mark.parametrize("page", pages.pages(), ids=lambda page: page.benchmark.name)
def test_every_row_reads(benchdata, page):
    from proctor.data.reading import load

    name = page.benchmark.name
    if not (benchdata / (page.source.folder or name)).is_dir():
        assert name not in ROWS
        pytest.skip(f"no published rows of {name}")
    dataset = load(page.benchmark, benchdata, page.benchmark.shots)
    assert (name, len(dataset.samples)) == (name, ROWS[name])
    for sample, shots in zip(dataset.samples, dataset.shots, strict=True):
        assert len(shots) == page.benchmark.shots
        assert all((shot.question, shot.choices) != (sample.question, sample.choices) for shot in shots)


@pytest.mark.parametrize("name", sorted(ROWS.keys() - PARTS))
def test_the_manifest_says_how_many_samples_are_published(name):
    (page,) = pages.chosen([name])
    assert page.source.samples == ROWS[name] + HELD_OUT.get(name, 0)


def test_mmlu_has_all_subjects_in_four_categories(benchdata):
    from proctor import Benchmark, Sample
    from proctor.data import manifest as manifests
    from proctor.data import reading

    manifest = manifests.sources(ROOT / "data")["mmlu"]
    subjects = {file.key for file in manifests.find_files(benchdata / "mmlu", manifest.files)}
    listed = [subject for members in manifest.groups["category"]["subject"].values() for subject in members]
    assert len(subjects) == 57
    assert sorted(listed) == sorted(subjects)
    mmlu = Benchmark("mmlu", prompt="{{ question }}", main="accuracy")
    mmlu.module = ROOT / "evals" / "knowledge" / "test_mmlu.py"
    mmlu.rows(lambda row, file: Sample(question=row[0], target=row[-1], groups={"subject": file.rpartition("_")[0]}))
    dataset = reading.load(mmlu, benchdata, 5)
    assert all(len(shots) == 5 for shots in dataset.shots)
    for sample, shots in zip(dataset.samples, dataset.shots, strict=True):
        assert sample.groups["category"] in {"STEM", "humanities", "social sciences", "other"}
        assert sample.question not in {shot.question for shot in shots}


def test_no_bundled_question_stands_in_the_published_data(benchdata):
    from proctor.data.rows import read_rows

    published = {
        json.dumps(row, sort_keys=True)
        for name in ("gsm8k/test.jsonl.gz", "gsm8k/train.jsonl")
        for _, row in read_rows(benchdata / name)
    }
    questions = {json.loads(row)["question"].strip().lower() for row in published}
    problems = [
        {part.strip() for row in rows for part in (row["prompt"], row["entry_point"], row["canonical_solution"])}
        for rows in (
            [row for _, row in read_rows(folder / "humaneval/HumanEval.jsonl")] for folder in (benchdata, ROOT / "data")
        )
    ]
    assert len(problems[1]) > 36
    assert not problems[0] & problems[1]
    for path in sorted((benchdata / "mmlu").rglob("*.csv*")):
        questions |= {row[0].strip().lower() for _, row in read_rows(path, "none")}
    bundled = [row["question"] for f in ("test", "train") for _, row in read_rows(ROOT / f"data/gsm8k/{f}.jsonl")]
    for path in sorted((ROOT / "data/mmlu").rglob("*.csv")):
        bundled += [row[0] for _, row in read_rows(path, "none")]
    assert len(questions) > 13000
    assert len(bundled) > 80
    assert [question for question in bundled if question.strip().lower() in questions] == []


def test_every_gold_answer_of_math_is_itself_and_not_its_neighbour(benchdata):
    lines = gzip.decompress((benchdata / "math" / "test.jsonl.gz").read_bytes()).decode().splitlines()
    rows = list(map(json.loads, lines))
    golds = [boxed(row["solution"]) for row in rows]
    assert [
        gold for row, gold in zip(rows, golds, strict=True) if not equivalent(final_answer(row["solution"]), gold)
    ] == []
    neighbours = [golds[-1], *golds[:-1]]
    same = [pair for pair in zip(neighbours, golds, strict=True) if equivalent(*pair)]
    assert len(same) < len(golds) / 50
    assert [pair for pair in same if re.sub(r"\D", "", pair[0]) != re.sub(r"\D", "", pair[1])] == []


def test_every_gold_answer_of_theoremqa_is_itself(benchdata):
    rows = json.loads(gzip.decompress((benchdata / "theoremqa" / "theoremqa_test.json.gz").read_bytes()))
    for row in rows:
        gold, kind = row["Answer"], row["Answer_type"]
        assert same_theorem_answer(theorem_answer(f"The answer is {gold}.", kind), gold, kind), row
