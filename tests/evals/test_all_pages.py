"""What holds for every benchmark in every variant, tried on the bundled samples."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from proctor import pages
from proctor.model import Likelihood, Likelihoods
from proctor.prompts import Prompt
from read_pages import verdict

PAGES = pages.pages()
TASKS = [(one, asked) for one in PAGES for asked in one.benchmark.tasks]
WITHIN = {
    "ceval": "the labels of test are secret, and dev is not everywhere at hand: val rows, never the sample's own",
    "mbpp": "the paper's tasks 2, 3 and 4; 11 to 510 are asked",
    "mbpp-sanitized": "its only file: rows that are not the sample",
}
"""Benchmarks whose few-shot rows lie in the file that is asked."""


def name_of(value):
    return getattr(value, "name", None) or getattr(getattr(value, "benchmark", None), "name", None)


def asked_samples(one, asked):
    leave_out = asked.leave_out or (lambda sample: None)
    return [sample for sample in one.bundled().samples if leave_out(sample) is None]


def test_all_fifty_nine_and_their_forms_are_there():
    assert len(PAGES) >= 60  # mbpp-sanitized counts apart
    assert {"gen", "direct"} <= {asked.variant for one, asked in TASKS if one.benchmark.name == "bbh"}


@pytest.mark.parametrize(("one", "asked"), TASKS, ids=name_of)
def test_decoding_is_greedy(one, asked):
    if asked.ask.needs == "generate":
        given = {key: value for key, value in asked.ask.parameters.items() if key in ("temperature", "top_p", "n")}
        assert {"n": 1, **given} == {"temperature": 0.0, "top_p": 1.0, "n": 1}


@pytest.mark.parametrize(("one", "asked"), TASKS, ids=name_of)
def test_a_prompt_ends_where_the_answer_begins(one, asked):
    """No space at the end: it would be a token of its own, which no model expects. GPQA's authors have one."""
    prompt = Prompt(asked.header, asked.prompt, asked.answer, "test")
    for sample in asked_samples(one, asked):
        text = prompt.render(sample, ())
        # WinoGrande's option stands in the context, and the ending alone is scored.
        kept = "ending" in asked.ask.parameters or asked.name == "gpqa_gen"
        assert text == text.rstrip(" \t\u3000") or kept
        assert text == text.lstrip() or asked.ask.needs == "likelihood"
        assert not any(text.endswith(stop) for stop in asked.ask.parameters.get("stop", ()))


@pytest.mark.parametrize("one", PAGES, ids=name_of)
def test_few_shot_rows_are_of_another_split(one):
    shots = one.source.shots
    if shots is None:
        return
    assert (shots == one.source.files) == (one.benchmark.name in WITHIN)
    assert "test" not in shots.rpartition("/")[2]


@pytest.mark.parametrize("one", PAGES, ids=name_of)
def test_samples_of_one_passage_are_one_cluster(one):
    clusters: dict[str, set] = {}
    for sample in one.bundled().samples:
        if sample.passage:
            clusters.setdefault(sample.passage, set()).add(sample.cluster)
    shared = [found for passage, found in clusters.items()]
    assert all(len(found) == 1 for found in shared)
    several = [p for p in clusters if sum(sample.passage == p for sample in one.bundled().samples) > 1]
    assert all(clusters[passage] != {None} for passage in several)


@pytest.mark.parametrize(("name", "what"), [("siqa", "passage"), ("piqa", "question")])
def test_rows_that_share_a_text_are_one_cluster(name, what):
    (one,) = pages.chosen([name])
    assert all(sample.cluster == getattr(sample, what) for sample in one.bundled().samples)


class Equal:
    """A model to which equal texts are equally likely, and all texts are equal that are."""

    async def loglikelihood(self, context: str, continuations: list[str]) -> Likelihoods:
        return Likelihoods([Likelihood(text, -1.0 - 0.01 * len(text), 1, True) for text in continuations])


def ranks_its_options(one, asked):
    """Whether what a sample offers is ranked as it stands, one option being right by its place."""
    sample, parameters = one.bundled().samples[0], asked.ask.parameters
    if (
        "choices" not in parameters
        or isinstance(parameters["choices"], str | list)
        or sample.target not in tuple("ABCDE")
    ):
        return False
    labels = parameters["choices"](sample) if callable(parameters["choices"]) else sample.choices
    return len(labels) == len(sample.choices) and all(
        choice[1:] in label for choice, label in zip(sample.choices, labels, strict=True)
    )


OWN = [(one, asked) for one, asked in TASKS if ranks_its_options(one, asked)]


@pytest.mark.parametrize(("one", "asked"), OWN, ids=name_of)
def test_options_of_identical_text_stay_distinct_and_tie(one, asked):
    sample = next(sample for sample in asked_samples(one, asked) if sample.target in list("ABCDE"))
    same = replace(sample, choices=[sample.choices[0]] * len(sample.choices), target="B")
    ranking = asyncio.run(asked.ask(same, "context", Equal(), 0))
    assert ranking.tied
    answer, metrics = verdict(one.benchmark, same, ranking, asked.variant)
    assert answer == "A"
    assert not metrics[asked.main]
    first = replace(same, target="A")
    assert verdict(one.benchmark, first, ranking, asked.variant)[1][asked.main]
