"""SuperGLUE's pages of understanding: prompts byte by byte as they are published, what rows mean, what is scored."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from proctor import Benchmark
from proctor.asks import Ranking
from proctor.benchmark import Task
from proctor.data.reading import Dataset, load
from proctor.errors import DataError
from proctor.model import Completion, Likelihood, Likelihoods, Output
from proctor.prompts import Prompt
from proctor.reporting.records import Score
from proctor.sample import Sample
from proctor.statistics.scores import score as score_of

CHECKOUT = Path(__file__).resolve().parents[2]
FILES = {"ax-b": "AX-b.jsonl", "ax-g": "AX-g.jsonl", "winogender": "all_sentences.tsv"}


@cache
def page(folder: str, name: str) -> Benchmark:
    path = CHECKOUT / "evals" / folder / f"test_{name.replace('-', '_')}.py"
    spec = importlib.util.spec_from_file_location(f"page_of_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return next(value for value in vars(module).values() if isinstance(value, Benchmark))


def read(benchmark: Benchmark, root: Path, *rows: dict[str, Any]) -> Dataset:
    """Rows in a file of the benchmark's, as samples."""
    path = root / benchmark.name / FILES.get(benchmark.name, "val.jsonl")
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".tsv":
        lines = ["\t".join(rows[0]), *("\t".join(row.values()) for row in rows)]
    else:
        lines = [json.dumps(row) for row in rows]
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return load(benchmark, root, 0)


def task_of(benchmark: Benchmark, variant: str) -> Task:
    return next(task for task in benchmark.tasks if task.variant == variant)


def prompt(benchmark: Benchmark, sample: Sample, variant: str, shots: list[Sample] | None = None) -> str:
    task = task_of(benchmark, variant)
    return Prompt(task.header, task.prompt, task.answer, benchmark.name).render(sample, shots or [])


class Asked:
    """A model that keeps what it is asked to rank."""

    continuations: list[str]

    async def loglikelihood(self, context: str, continuations: list[str]) -> Likelihoods:
        self.continuations = list(continuations)
        return Likelihoods([Likelihood(text, 0.0, tokens=1, greedy=True) for text in continuations])


def ranked(benchmark: Benchmark, sample: Sample) -> list[str]:
    """The continuations that the ppl variant ranks."""
    asked = Asked()
    asyncio.run(task_of(benchmark, "ppl").ask(sample, "", asked, 0))
    return asked.continuations


def scores(benchmark: Benchmark, sample: Sample, said: str | int | None) -> tuple[Any, dict[str, Any]]:
    """(answer, metrics) of a text that was written, or of the choice at a position being the likeliest."""
    if isinstance(said, int):
        labels = [text.removeprefix(" ") for text in ranked(benchmark, sample)]
        values = [float(place == said) for place in range(len(labels))]
        output = Ranking(labels, [Likelihood(one, value, 1, True) for one, value in zip(labels, values, strict=True)])
    else:
        output = Output([Completion(said or "", "stop")])
    task = task_of(benchmark, "ppl" if isinstance(said, int) else "gen")
    score = Score(task.main, benchmark.aggregates)
    task.judge(sample, output, score)
    assert score.metrics is not None
    return score.answer, score.metrics


def total(benchmark: Benchmark, metric: str, found: list[dict[str, Any]]) -> float:
    return score_of([metrics[metric] for metrics in found if metric in metrics], benchmark.aggregates[metric])


# --- BoolQ ------------------------------------------------------------------------------------------------------------

BOOLQ = {"question": "is a hut a house", "passage": "Hut -- A hut is a small house.", "idx": 0, "label": True}


def test_boolq(tmp_path):
    boolq = page("understanding", "boolq")
    yes, no = read(boolq, tmp_path, BOOLQ, BOOLQ | {"label": False}).samples
    for variant in ("ppl", "gen"):
        assert prompt(boolq, yes, variant) == ("Hut -- A hut is a small house.\nQuestion: is a hut a house?\nAnswer:")
    assert prompt(boolq, yes, "gen", [no]).startswith(
        "Hut -- A hut is a small house.\nQuestion: is a hut a house?\nAnswer: no\n\nHut -- "
    )
    assert ranked(boolq, yes) == [" no", " yes"]
    assert (yes.target, no.target, yes.cluster) == ("yes", "no", "Hut")
    assert scores(boolq, yes, 1) == ("yes", {"accuracy": 1})
    assert scores(boolq, no, 1) == ("yes", {"accuracy": 0})


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (" Yes, it is.", "yes"),
        ("No.", "no"),
        ("**False**", "no"),
        ("<think>Is it no?</think>\nThe answer is yes.", "yes"),
        ("It is hard to say.", None),
        ("", None),
    ],
)
def test_yes_and_no_as_models_write_them(tmp_path, said, answer):
    boolq = page("understanding", "boolq")
    (yes,) = read(boolq, tmp_path, BOOLQ).samples
    assert scores(boolq, yes, said) == (answer, {"accuracy": answer == "yes"})


@pytest.mark.parametrize("label", ["yes", None, 2])
def test_boolq_a_label_that_is_none_is_an_error_with_its_line(tmp_path, label):
    with pytest.raises(DataError, match=r"val\.jsonl:2"):
        read(page("understanding", "boolq"), tmp_path, BOOLQ, BOOLQ | {"label": label})


# --- COPA -------------------------------------------------------------------------------------------------------------

CAUSE = {"premise": "The glass broke.", "choice1": "It fell.", "choice2": "Ann sang.", "question": "cause", "label": 0}


def test_copa_joins_by_cause_and_effect_and_lowers_the_choice(tmp_path):
    copa = page("understanding", "copa")
    cause, effect = read(copa, tmp_path, CAUSE, CAUSE | {"question": "effect", "label": 1}).samples
    assert prompt(copa, cause, "ppl") == "The glass broke because"
    assert prompt(copa, effect, "ppl") == "The glass broke therefore"
    assert ranked(copa, cause) == [" it fell.", " ann sang."]
    assert prompt(copa, cause, "ppl", [effect]) == "The glass broke therefore ann sang.\n\nThe glass broke because"
    assert prompt(copa, effect, "gen") == (
        "The glass broke.\nQuestion: Which may be the effect?\nA. It fell.\nB. Ann sang.\nAnswer:"
    )
    assert (cause.target, effect.target) == ("A", "B")
    assert (cause.groups, effect.groups) == ({"asked": "cause"}, {"asked": "effect"})
    assert scores(copa, cause, 0) == ("A", {"accuracy": 1})
    assert scores(copa, effect, "The answer is (B).") == ("B", {"accuracy": 1})


def test_copa_a_question_or_label_that_is_none_is_an_error(tmp_path):
    for wrong in ({"question": "reason"}, {"label": 2}, {"label": -1}):
        with pytest.raises(DataError, match=r"val\.jsonl:1"):
            read(page("understanding", "copa"), tmp_path, CAUSE | wrong)


# --- MultiRC ----------------------------------------------------------------------------------------------------------


def multirc_row(idx: int, *questions: tuple[int, list[int]]) -> dict[str, Any]:
    """A passage whose questions have a number and the labels of their options."""
    return {
        "idx": idx,
        "version": 1.1,
        "passage": {
            "text": f"Passage {idx}.",
            "questions": [
                {
                    "question": f"Question {number}?",
                    "answers": [{"text": f"Option {i}", "idx": i, "label": label} for i, label in enumerate(labels)],
                    "idx": number,
                }
                for number, labels in questions
            ],
        },
    }


def test_multirc_has_a_sample_an_option_and_clusters_by_passage(tmp_path):
    multirc = page("understanding", "multirc")
    samples = read(multirc, tmp_path, multirc_row(0, (0, [1, 0]), (1, [1, 1, 0])), multirc_row(1, (2, [0, 0]))).samples
    assert [sample.cluster for sample in samples] == ["0"] * 5 + ["1"] * 2
    assert [sample.target for sample in samples] == ["yes", "no", "yes", "yes", "no", "no", "no"]
    for variant in ("ppl", "gen"):
        assert prompt(multirc, samples[3], variant) == (
            "Passage 0.\nQuestion: Question 1?\nAnswer: Option 1\nIs the answer correct?"
        )
    assert ranked(multirc, samples[0]) == [" no", " yes"]


def test_multirc_f1_over_options_and_em_over_questions(tmp_path):
    multirc = page("understanding", "multirc")
    samples = read(multirc, tmp_path, multirc_row(0, (0, [1, 0]), (1, [1, 1, 0])), multirc_row(1, (2, [0, 0]))).samples
    said = [1, 0, "Yes", "no", "I cannot say.", 0, 0]  # of question 1 an option is missed, and one is not answered
    found = [scores(multirc, sample, one)[1] for sample, one in zip(samples, said, strict=True)]
    assert [metrics["accuracy"] for metrics in found] == [1, 1, 1, 0, 0, 1, 1]
    assert total(multirc, "f1a", found) == pytest.approx(2 * 2 / (2 + 3))
    assert total(multirc, "em", found) == pytest.approx(2 / 3)
    always = [scores(multirc, sample, 1)[1] for sample in samples]
    assert total(multirc, "f1a", always) == pytest.approx(2 * 3 / (7 + 3))
    assert total(multirc, "em", always) == 0


def test_multirc_likelier_yes_means_that_the_option_is_an_answer(tmp_path):
    # A harness had the two the wrong way round (lm-evaluation-harness, pull request 243).
    multirc = page("understanding", "multirc")
    right, wrong = read(multirc, tmp_path, multirc_row(0, (0, [1, 0]))).samples
    assert scores(multirc, right, 1)[0] == "yes"
    assert [scores(multirc, right, 1)[1]["accuracy"], scores(multirc, wrong, 1)[1]["accuracy"]] == [1, 0]


# --- ReCoRD -----------------------------------------------------------------------------------------------------------

NEWS = "Ada Lind met Bo in Oslo (CNN) -- They talked.\n@highlight\nLind is from Oslo\n@highlight\nBo is not"
RECORD = {
    "source": "CNN",
    "passage": {"text": NEWS, "entities": [{"start": 0, "end": 7}, {"start": 13, "end": 14}, {"start": 19, "end": 22}]},
    "qas": [
        {
            "query": '"I know the city," @placeholder said.',
            "answers": [{"start": 0, "end": 7, "text": "Ada Lind"}, {"start": 57, "end": 60, "text": "Lind"}],
            "idx": 4,
        },
        {"query": "@placeholder came by train.", "answers": [{"start": 13, "end": 14, "text": "Bo"}], "idx": 5},
    ],
    "idx": 2,
}


def test_record_keeps_the_form_of_the_passage(tmp_path):
    record = page("understanding", "record")
    first, second = read(record, tmp_path, RECORD).samples
    assert prompt(record, first, "gen") == (
        "Passage: Ada Lind met Bo in Oslo (CNN) -- They talked.\n@highlight\nLind is from Oslo\n@highlight\nBo is not\n"
        'Result: "I know the city," ____ said.\n'
        "Question: What entity does ____ refer to in the result? Give me the entity name:"
    )
    assert first.targets == ["Ada Lind", "Lind"]
    assert first.metadata["entities"] == ["Ada Lind", "Bo", "Oslo"]
    assert (first.cluster, second.cluster, first.groups) == ("2", "2", {"source": "CNN"})


@pytest.mark.parametrize(
    ("said", "em", "f1"),
    [
        (" Ada Lind", 1, 1),
        ("lind.", 1, 1),  # another mention of hers, and the official normalization
        ("The entity is **Lind**.", 1, 1),  # what is set in bold is the answer
        ("Ada", 0, 2 / 3),
        ("Bo", 0, 0),
        ("", 0, 0),
    ],
)
def test_record_takes_the_best_over_all_mentions(tmp_path, said, em, f1):
    record = page("understanding", "record")
    first, _ = read(record, tmp_path, RECORD).samples
    assert scores(record, first, said)[1] == {"em": em, "f1": pytest.approx(f1)}


# --- WiC --------------------------------------------------------------------------------------------------------------

WIC = {"word": "wash", "sentence1": "She washed it.", "sentence2": "Wash it!", "idx": 0, "label": True}
WIC |= {"start1": 4, "start2": 0, "end1": 10, "end2": 4, "version": 1.1}


def test_wic_names_the_word_as_the_first_sentence_has_it(tmp_path):
    wic = page("understanding", "wic")
    same, other = read(wic, tmp_path, WIC, WIC | {"label": False}).samples
    for variant in ("ppl", "gen"):
        assert prompt(wic, same, variant) == (
            "Sentence 1: She washed it.\nSentence 2: Wash it!\n"
            "Question: Is the word 'washed' used in the same way in the two sentences above?\nAnswer:"
        )
    assert ranked(wic, same) == [" no", " yes"]
    assert scores(wic, same, 1) == ("yes", {"accuracy": 1})
    assert scores(wic, other, "No, they differ.") == ("no", {"accuracy": 1})


# --- WSC --------------------------------------------------------------------------------------------------------------


def wsc_row(text: str, index: int, pronoun: str, label: bool = True) -> dict[str, Any]:
    target = {"span2_index": index, "span1_index": 0, "span1_text": "Mr. Fox", "span2_text": pronoun}
    return {"text": text, "target": target, "idx": 0, "label": label}


def test_wsc_marks_the_pronoun_and_takes_out_a_tokenizers_spaces(tmp_path):
    wsc = page("understanding", "wsc")
    text = "He , it seems , knew that Mr. Fox 's dog did n't like him ."
    (sample,) = read(wsc, tmp_path, wsc_row(text, 13, "him", False)).samples
    for variant in ("ppl", "gen"):
        assert prompt(wsc, sample, variant) == (
            "Passage: He, it seems, knew that Mr. Fox's dog didn't like *him*.\n"
            'Question: In the passage above, does the pronoun "*him*" refer to "*Mr. Fox*"?\nAnswer:'
        )
    assert ranked(wsc, sample) == [" no", " yes"]
    assert sample.cluster == text
    assert scores(wsc, sample, 0) == ("no", {"accuracy": 1})
    assert scores(wsc, sample, "Yes.") == ("yes", {"accuracy": 0})


@pytest.mark.parametrize(
    ("text", "index", "marked"),
    [
        ("He saw Mr. Fox.", 0, "*He* saw Mr. Fox."),
        ("Mr. Fox says he, too, came.", 3, "Mr. Fox says *he*, too, came."),
        ("Mr. Fox says he came as he was.", 6, "Mr. Fox says he came as *he* was."),  # the one that is meant
        ("Mr. Fox says he came.", 2, "Mr. Fox says *he* came."),  # off by one, as a row of the validation split is
    ],
)
def test_wsc_marks_the_word_that_the_index_says(tmp_path, text, index, marked):
    wsc = page("understanding", "wsc")
    pronoun = "He" if text.startswith("He") else "he"
    (sample,) = read(wsc, tmp_path, wsc_row(text, index, pronoun)).samples
    assert sample.passage == marked


def test_wsc_an_index_far_from_the_pronoun_is_an_error(tmp_path):
    with pytest.raises(DataError, match=r"val\.jsonl:1: .*span2_index"):
        read(page("understanding", "wsc"), tmp_path, wsc_row("Mr. Fox says that he came.", 0, "he"))
