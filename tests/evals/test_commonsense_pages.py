"""The pages on common sense, passages and last words: prompts to the byte, and the traps that their rows hold."""

from __future__ import annotations

import csv
import importlib.util
import json
import math
from pathlib import Path
from typing import Any

import pytest
from proctor import DataError
from proctor.benchmark import Benchmark, Task
from proctor.data.reading import load
from proctor.model import Completion, Likelihood, Output
from proctor.prompts import Prompt
from proctor.sample import Sample
from proctor.selfcheck import SelfCheckModel

ROOT = Path(__file__).resolve().parents[2]


def page(path: str) -> Benchmark:
    spec = importlib.util.spec_from_file_location(path.replace("/", "_"), ROOT / "evals" / f"{path}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return next(value for value in vars(module).values() if isinstance(value, Benchmark))


def task(benchmark: Benchmark, variant: str) -> Task:
    return next(one for one in benchmark.tasks if one.variant == variant)


def rows(folder: Path, name: str, *content: Any) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in content), encoding="utf-8")


def rendered(one: Task, sample: Sample, shots: tuple[Sample, ...] = ()) -> str:
    return Prompt(one.header, one.prompt, one.answer, "test").render(sample, shots)


def judged(one: Task, sample: Sample, output: Any) -> tuple[Any, dict[str, Any]]:
    found = []
    one.judge(sample, output, lambda answer, **metrics: found.append((answer, metrics)))
    [verdict] = found
    return verdict


class Recording:
    """A model that prefers the texts given and remembers what it was asked."""

    def __init__(self, **likelihoods: float) -> None:
        self.likelihoods = likelihoods
        self.asked: list[tuple[str, list[str]]] = []

    async def loglikelihood(self, context: str, continuations: list[str]) -> Any:
        from proctor.model import Likelihoods

        self.asked.append((context, list(continuations)))
        values = [self.likelihoods.get((context + text).split(" ")[-1], -9.0) for text in continuations]
        return Likelihoods([Likelihood(text, v, 1) for text, v in zip(continuations, values, strict=True)])


def asked(one: Task, sample: Sample, model: Any) -> Any:
    import asyncio

    return asyncio.run(one.ask(sample, rendered(one, sample), model, 0))


CSQA = {
    "answerKey": "e",
    "id": "1",
    "question": {
        "question_concept": "cup",
        "choices": [
            {"label": label, "text": text}
            for label, text in [("a", "one"), ("b", "two"), ("c", "two"), ("d", "six"), ("e", "ten")]
        ],
        "stem": "How many cups? ",
    },
}


def test_commonsenseqa(tmp_path: Path):
    benchmark = page("everyday/test_commonsenseqa")
    rows(tmp_path, "commonsenseqa/dev_rand_split.jsonl", CSQA, CSQA | {"answerKey": "c"})
    first, second = load(benchmark, tmp_path, 0).samples
    # By the position of the label, whatever labels are called; of two equal options each is one.
    assert (first.target, second.target) == ("E", "C")
    lettered = "Question: How many cups?\nA. one\nB. two\nC. two\nD. six\nE. ten\nAnswer:"
    assert rendered(task(benchmark, "ppl"), first) == rendered(task(benchmark, "gen"), first) == lettered
    assert rendered(task(benchmark, "cloze"), first) == "Question: How many cups?\nAnswer:"
    assert rendered(task(benchmark, "cloze"), first, (second,)) == (
        "Question: How many cups?\nAnswer: two\n\nQuestion: How many cups?\nAnswer:"
    )
    assert benchmark.default.variant == "ppl"
    model = Recording()
    asked(task(benchmark, "ppl"), first, model)
    asked(task(benchmark, "cloze"), first, model)
    assert [texts for _, texts in model.asked] == [
        [" A", " B", " C", " D", " E"],
        [" one", " two", " two", " six", " ten"],
    ]


def test_commonsenseqa_without_a_label_is_an_error(tmp_path: Path):
    rows(tmp_path, "commonsenseqa/dev_rand_split.jsonl", CSQA, CSQA | {"answerKey": "F"})
    with pytest.raises(DataError, match=r"dev_rand_split.jsonl:2"):
        load(page("everyday/test_commonsenseqa"), tmp_path, 0)


PIQA = {"goal": "dry a shoe", "sol1": "fill it with paper ", "sol2": "fill it with water"}


def test_piqa(tmp_path: Path):
    benchmark = page("everyday/test_piqa")
    rows(tmp_path, "piqa/valid.jsonl", PIQA, PIQA)
    (tmp_path / "piqa/valid-labels.lst").write_text("0\n1\n")
    first, second = load(benchmark, tmp_path, 0).samples
    assert (first.target, second.target) == ("A", "B")
    assert rendered(task(benchmark, "ppl"), first) == "Question: dry a shoe\nAnswer:"
    assert rendered(task(benchmark, "gen"), first) == (
        "dry a shoe\nA. fill it with paper \nB. fill it with water\nAnswer:"
    )
    model = Recording()
    asked(task(benchmark, "ppl"), first, model)
    assert model.asked == [("Question: dry a shoe\nAnswer:", [" fill it with paper ", " fill it with water"])]


@pytest.mark.parametrize("label", ["", "2", "-1"])
def test_a_label_of_piqa_that_is_none_is_an_error(tmp_path: Path, label: str):
    rows(tmp_path, "piqa/valid.jsonl", PIQA, PIQA)
    (tmp_path / "piqa/valid-labels.lst").write_text(f"0\n{label}\n")
    with pytest.raises(DataError, match=r"valid.jsonl:2"):
        load(page("everyday/test_piqa"), tmp_path, 0)


def test_siqa(tmp_path: Path):
    benchmark = page("everyday/test_siqa")
    row = {"context": "Al fell.", "question": "How is Al?", "answerA": "sore", "answerB": "glad", "answerC": "tall"}
    rows(tmp_path, "siqa/dev.jsonl", row, row)
    (tmp_path / "siqa/dev-labels.lst").write_text("1\n3\n")
    first, second = load(benchmark, tmp_path, 0).samples
    assert (first.target, second.target) == ("A", "C")  # labels begin with 1
    assert rendered(task(benchmark, "ppl"), first) == "Q: Al fell. How is Al?\nA:"
    assert rendered(task(benchmark, "gen"), first) == (
        "Al fell.\nQuestion: How is Al?\nA. sore\nB. glad\nC. tall\nAnswer:"
    )
    ranking = asked(task(benchmark, "ppl"), first, Recording(sore=-1.0))
    assert judged(task(benchmark, "ppl"), first, ranking) == (
        "A",
        {"acc": True, "acc_norm": True, "acc_norm_chars": True},
    )


@pytest.mark.parametrize(
    ("sentence", "contexts", "ending"),
    [
        ("The cup hit the _ so the _ broke.", ["The cup hit the jar", "The cup hit the lid"], " so the _ broke."),
        ("Then  _  fell.", ["Then  jar", "Then  lid"], " fell."),
        ("_ fell first.", ["jar", "lid"], " fell first."),
    ],
)
def test_winogrande_scores_the_same_ending_after_each_option(
    tmp_path: Path, sentence: str, contexts: list[str], ending: str
):
    benchmark = page("everyday/test_winogrande")
    row = {"qID": "X-1", "sentence": sentence, "option1": "jar", "option2": "lid", "answer": "2"}
    rows(tmp_path, "winogrande/dev.jsonl", row)
    [sample] = load(benchmark, tmp_path, 0).samples
    model = Recording()
    asked(task(benchmark, "ppl"), sample, model)
    assert model.asked == [(context, [ending]) for context in contexts]


def test_winogrande(tmp_path: Path):
    benchmark = page("everyday/test_winogrande")
    row = {"qID": "X-1", "sentence": "We sold the _ today.", "option1": "jar", "option2": "lid", "answer": "2"}
    rows(tmp_path, "winogrande/dev.jsonl", row, row | {"qID": "X-2", "answer": "1"})
    first, second = load(benchmark, tmp_path, 0).samples
    assert (first.target, second.target, first.cluster, second.cluster) == ("B", "A", "X", "X")
    assert rendered(task(benchmark, "gen"), first) == (
        "Which of the following is a good sentence:\nA. We sold the jar today.\nB. We sold the lid today.\nAnswer:"
    )
    for name, answer in (("gold", "B"), ("neighbour", "A")):
        ranking = asked(task(benchmark, "ppl"), first, SelfCheckModel(f"proctor:{name}").about(first, [first, second]))
        assert judged(task(benchmark, "ppl"), first, ranking) == (answer, {"accuracy": answer == "B"})
    rows(tmp_path, "winogrande/dev.jsonl", row, row | {"sentence": "No blank."})
    with pytest.raises(DataError, match=r"dev.jsonl:2"):
        load(benchmark, tmp_path, 0)


def test_storycloze(tmp_path: Path):
    benchmark = page("everyday/test_storycloze")
    path = tmp_path / "storycloze/cloze_test_val__winter2018.csv"
    path.parent.mkdir()
    header = ["InputStoryid", *(f"InputSentence{i}" for i in range(1, 5))]
    header += ["RandomFifthSentenceQuiz1", "RandomFifthSentenceQuiz2", "AnswerRightEnding"]
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, ["a", "One.", "Two, then.", "Three.", "Four.", "Good.", "Bad.", "1"]])
    [sample] = load(benchmark, tmp_path, 0).samples
    assert sample.target == "A"
    assert rendered(task(benchmark, "ppl"), sample) == "One. Two, then. Three. Four."
    assert rendered(task(benchmark, "gen"), sample) == (
        "One. Two, then. Three. Four.\nQuestion: Which ending makes the most sense?\nA. Good.\nB. Bad.\n"
        "You may choose between 'A' and 'B'.\nAnswer:"
    )


def test_strategyqa(tmp_path: Path):
    benchmark = page("everyday/test_strategyqa")
    row = {"qid": "1", "term": "Cup", "description": "vessel", "question": "Is a cup a vessel?", "answer": True}
    row |= {"facts": ["A cup holds tea."], "decomposition": [], "evidence": []}
    for name in ("train", "dev", "fetched"):  # what a fetch leaves beside the files is none of them
        path = tmp_path / f"strategyqa/{name}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps([row | {"answer": name == "dev"}]) if name != "fetched" else '{"revision": "1"}')
    samples = load(benchmark, tmp_path, 0).samples
    assert [(sample.id, sample.target) for sample in samples] == [("dev-0", "Yes"), ("train-0", "No")]
    for variant in ("gen", "ppl"):
        assert rendered(task(benchmark, variant), samples[0]) == (
            "Q: Is a cup a vessel?\nA: The answer (Yes or No) is"  # none of the facts
        )
    model = Recording()
    asked(task(benchmark, "ppl"), samples[0], model)
    assert model.asked[0][1] == [" Yes", " No"]
    for text, answer in ((" yes, it is.", "Yes"), (" No.", "No"), (" hard to tell", None)):
        output = Output([Completion(text, "stop")])
        assert judged(task(benchmark, "gen"), samples[0], output) == (answer, {"accuracy": answer == "Yes"})


RACE = {
    "article": "Jo is a cook.\nShe has a dog.",
    "id": "high7.txt",
    "questions": ["Jo is  _  .", "What has Jo?"],
    "options": [["a nurse", "a cook", "a king", "a cat"], ["A dog.", "A cat.", "A car.", "A hat."]],
    "answers": ["B", "A"],
}


def test_race(tmp_path: Path):
    benchmark = page("passages/test_race")
    rows(tmp_path, "race/test/high.jsonl", RACE)
    rows(tmp_path, "race/test/middle.jsonl", RACE | {"id": "middle7.txt"})
    samples = load(benchmark, tmp_path, 0).samples
    assert [(sample.id, sample.target, sample.groups["level"], sample.cluster) for sample in samples] == [
        ("high-0.0", "B", "high", "high7.txt"),
        ("high-0.1", "A", "high", "high7.txt"),
        ("middle-0.0", "B", "middle", "middle7.txt"),
        ("middle-0.1", "A", "middle", "middle7.txt"),
    ]
    for variant in ("ppl", "gen"):
        # The stem of a cloze question stays, blank and all; no other question of the article is shown.
        assert rendered(task(benchmark, variant), samples[0]) == (
            "Read the article, and answer the question by replying A, B, C or D.\n\n"
            "Article:\nJo is a cook.\nShe has a dog.\n\nQ: Jo is  _  .\n\n"
            "A. a nurse\nB. a cook\nC. a king\nD. a cat\nA:"
        )
    rows(tmp_path, "race/test/high.jsonl", RACE, RACE | {"answers": ["B", "E"]})
    with pytest.raises(DataError, match=r"high.jsonl:2"):
        load(benchmark, tmp_path, 0)


def test_lambada(tmp_path: Path):
    benchmark = page("language_modelling/test_lambada")
    rows(tmp_path, "lambada/lambada_test.jsonl", {"text": 'He said:\n\n"Wait for the dog'}, {"text": "I met “Ann"})
    first, second = load(benchmark, tmp_path, 0).samples
    ppl, gen = task(benchmark, "ppl"), task(benchmark, "gen")
    assert (rendered(ppl, first), first.target) == ('He said:\n\n"Wait for the', "dog")
    assert rendered(gen, first) == 'Please complete the following sentence:\nHe said:\n\n"Wait for the'
    model = Recording()
    ranking = asked(ppl, first, model)
    assert model.asked == [('He said:\n\n"Wait for the', [" dog"])]  # a space and the word, in one piece
    # An endpoint that does not tell its first choice leaves nothing to extract, and the perplexity.
    assert judged(ppl, first, ranking) == (None, {"accuracy": False, "perplexity": -9.0})
    for greedy, logprob, answer in ((True, -0.5, "dog"), (False, -3.0, "another word"), (False, -math.inf, None)):
        ranking.choices[:] = [Likelihood(" dog", logprob, 1, greedy)]
        found, metrics = judged(ppl, first, ranking)
        assert (found, metrics["accuracy"]) == (answer, greedy)
        assert math.isfinite(metrics["perplexity"])
    for text, right in ((" Ann's", False), (" “Ann” and", True), ("<think>Bob?</think>\nAnn.", True), ("", False)):
        assert judged(gen, second, Output([Completion(text, "stop")]))[1] == {"accuracy": right}
    rows(tmp_path, "lambada/lambada_test.jsonl", {"text": "two words"}, {"text": "word"})
    with pytest.raises(DataError, match=r"lambada_test.jsonl:2"):
        load(benchmark, tmp_path, 0)
