"""The pages on facts: prompts to the byte, official comparison of answers, TruthfulQA by label."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import math
from pathlib import Path
from typing import Any

import pytest
from proctor import DataError
from proctor.benchmark import Benchmark, Task
from proctor.data.reading import load, without
from proctor.model import Completion, Likelihood, Likelihoods, Output
from proctor.prompts import Prompt
from proctor.sample import Sample

ROOT = Path(__file__).resolve().parents[2]


def page(name: str) -> Benchmark:
    spec = importlib.util.spec_from_file_location(f"facts_{name}", ROOT / "evals" / "facts" / f"test_{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return next(value for value in vars(module).values() if isinstance(value, Benchmark))


def write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")


def rendered(one: Task, sample: Sample, shots: tuple[Sample, ...] = ()) -> str:
    return Prompt(one.header, one.prompt, one.answer, "test").render(sample, shots)


def judged(one: Task, sample: Sample, output: Any) -> tuple[Any, dict[str, Any]]:
    found = []
    one.judge(sample, output, lambda answer, **metrics: found.append((answer, metrics)))
    [verdict] = found
    return verdict


def said(text: str) -> Output:
    return Output([Completion(text, "stop")])


def test_nq_open(tmp_path: Path):
    benchmark = page("nq_open")
    row = {"question": "who built the old bridge", "answer": ["Ann Lee", "the Lee sisters"]}
    write(tmp_path / "nq-open/NQ-open.dev.jsonl", json.dumps(row))
    [sample] = load(benchmark, tmp_path, 0).samples
    one = benchmark.default
    assert rendered(one, sample) == "Answer these questions:\nQ: who built the old bridge?\nA:"
    assert rendered(one, sample, (sample,)) == (
        "Answer these questions:\nQ: who built the old bridge?\nA: Ann Lee\nQ: who built the old bridge?\nA:"
    )
    for text, exact in (
        (" Ann Lee.", True),
        ("Lee sisters", True),  # any alias, and no article
        (" ann  lee\n\nQ: who built the new one?\nA: Bob", True),
        (" Ann Lee and Bob", False),
        ("", False),
    ):
        assert judged(one, sample, said(text))[1]["exact_match"] is exact, text
    assert judged(one, sample, said("Ann"))[1]["f1"] == pytest.approx(2 / 3)
    assert judged(one, sample, said(""))[0] is None
    write(tmp_path / "nq-open/NQ-open.dev.jsonl", json.dumps(row) + "\n" + json.dumps(row | {"answer": "Ann Lee"}))
    with pytest.raises(DataError, match=r"NQ-open.dev.jsonl:2"):
        load(benchmark, tmp_path, 0)


def trivia(question: str, **more: Any) -> dict[str, Any]:
    answer = {"Value": "The Beatles", "Aliases": ["Beatles"], "NormalizedAliases": ["beatles", "fab four"]}
    return {"Question": question, "Answer": answer, "EntityPages": [], "SearchResults": []} | more


def test_triviaqa(tmp_path: Path):
    benchmark = page("triviaqa")
    long = " ".join(f"w{number}" for number in range(900))
    rows = [
        trivia("Who sang Help?"),
        trivia("Which band?", EntityPages=[{"Title": "A", "WikiContext": long}, {"Title": "B"}]),
        trivia(
            "Who?", SearchResults=[{"Description": "A snippet."}, {"Description": "A page.", "SearchContext": "All."}]
        ),
    ]
    write(tmp_path / "triviaqa/unfiltered-web-dev.json", json.dumps({"Data": rows, "Version": 1.0}))
    dataset = load(benchmark, tmp_path, 0)
    closed, evidence = benchmark.tasks
    assert (benchmark.default, evidence.variant) == (closed, "evidence")
    assert rendered(closed, dataset.samples[0]) == "Question: Who sang Help??\nAnswer:"
    assert rendered(closed, dataset.samples[1]) == "Question: Which band??\nAnswer:"  # no evidence
    asked = without(dataset, evidence.leave_out)
    assert asked.excluded == {"no evidence in the row": 1}
    assert dataset.excluded == {}
    assert [sample.id for sample in asked.samples] == ["1", "2"]
    assert len(asked.shots) == len(asked.where) == 2
    first, second = (rendered(evidence, sample) for sample in asked.samples)
    assert first.endswith(" w798 w799\n\nQuestion: Which band??\nAnswer:")
    assert second == "A snippet.\n\nAll.\n\nQuestion: Who??\nAnswer:"
    for text, exact in (
        (" The Beatles", True),
        ("fab-four.", True),
        ("The answer is the Beatles.", True),
        ("Bach", False),
    ):
        assert judged(closed, dataset.samples[0], said(text))[1]["exact_match"] is exact, text


ROW = {
    "question": "Is the sea sweet?",
    "mc1_targets": {"Yes.": 0, "No, it is salty.": 1, "It is made of tea.": 0},
    "mc2_targets": {"Yes.": 0, "No, it is salty.": 1, "It is made of tea.": 0, "I have no comment.": 1},
}


def truthful(tmp_path: Path, *rows: dict[str, Any]) -> tuple[Benchmark, list[Sample]]:
    write(tmp_path / "truthfulqa/mc_task.json", json.dumps(rows))
    benchmark = page("truthfulqa")
    return benchmark, load(benchmark, tmp_path, 0).samples


class Telling:
    def __init__(self, told: dict[str, float]) -> None:
        self.told = told

    async def loglikelihood(self, context: str, continuations: list[str]) -> Likelihoods:
        return Likelihoods([Likelihood(text, self.told[text.removeprefix(" ")], 1) for text in continuations])


def test_truthfulqa_prompt(tmp_path: Path):
    benchmark, [sample] = truthful(tmp_path, ROW)
    prompt = rendered(benchmark.default, sample)
    assert prompt.startswith("Q: What is human life expectancy in the United States?\nA: Human life expectancy in the ")
    assert prompt.endswith(
        "Q: Where were the 1992 Olympics held?\nA: The 1992 Olympics were held in Barcelona, Spain.\n\n"
        "Q: Is the sea sweet?\nA:"
    )
    assert prompt.count("Q: ") == prompt.count("\nA:") == 7
    assert (sample.target, set(sample.choices)) == ("No, it is salty.", set(ROW["mc2_targets"]))


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(
    ("values", "right"),
    [
        ([-2.0, -1.0, -3.0, -9.0], True),
        ([-1.0, -1.0, -3.0, -9.0], False),  # as likely as a false one
        ([-5000.0, -5001.0, -5002.0, -5000.0], False),  # no exponential of these is above zero
        ([-1.0, -2.0, -3.0, -0.1], False),  # what is true in mc2 alone says nothing in mc1
    ],
)
def test_truthfulqa_goes_by_label_in_any_order(tmp_path, turned, values, right):
    told = dict(zip(ROW["mc2_targets"], values, strict=True))
    row = ROW
    if turned:
        row = {key: dict(reversed(list(v.items()))) if isinstance(v, dict) else v for key, v in ROW.items()}
    benchmark, [sample] = truthful(tmp_path, row)
    one = benchmark.default
    ranking = asyncio.run(one.ask(sample, rendered(one, sample), Telling(told), 0))
    _, metrics = judged(one, sample, ranking)
    top = max(values)
    shares = {text: math.exp(value - top) for text, value in told.items()}
    true = sum(shares[text] for text, label in ROW["mc2_targets"].items() if label)
    assert metrics["mc1"] is right
    assert metrics["mc2"] == pytest.approx(true / sum(shares.values()))


def test_truthfulqa_with_two_best_answers_is_an_error(tmp_path: Path):
    with pytest.raises(DataError, match=r"mc_task.json:2"):
        truthful(tmp_path, ROW, ROW | {"mc1_targets": {"Yes.": 1, "No.": 1}})
