"""A Python object as an engine: what it may have, what it is asked, and what becomes of what it raises."""

from __future__ import annotations

import itertools
import re
import sys
import threading
import time
from concurrent.futures import CancelledError
from pathlib import Path

import numpy as np
import pytest
from proctor.errors import ServiceError
from proctor_service.embedded.llama import WEIGHTS
from proctor_service.serving import own
from proctor_service.serving.engine import ModelFailed, Request

SIZE = 2048
TABLE = np.random.default_rng(3).normal(0, 3, (SIZE, SIZE)).astype(np.float32)
LOGPROBS = TABLE - np.log(np.exp(TABLE.astype(np.float64)).sum(axis=1, keepdims=True))


class Bigrams:
    tokenizer = WEIGHTS
    max_model_len = 300

    def logits(self, batch):
        return [TABLE[ids] for ids in batch]


class Shouting:
    def generate(self, requests):
        return [request.text.upper() for request in requests]


@pytest.fixture
def made():
    """Engines of objects, closed at the end."""
    engines = []

    def make(thing):
        engines.append(own.engine(thing, "mine:thing"))
        return engines[-1]

    yield make
    for engine in engines:
        engine.close()


def test_a_text_is_written_and_cut_at_the_first_stop(made):
    engine = made(Shouting())
    done = engine.submit(Request((), text="one two three", stop=("THREE", " TWO"))).result(30)
    assert (done.text, done.finish_reason, done.stop_reason) == ("ONE", "stop", " TWO")
    kept = engine.submit(Request((), text="one two", stop=(" TWO",), include_stop=True)).result(30)
    assert kept.text == "ONE TWO"
    assert not engine.about.scores
    assert engine.about.vocabulary is None


def test_a_text_that_uses_all_tokens_was_cut_and_so_was_one_that_says_so(made):
    class Counting(Shouting):
        tokenizer = WEIGHTS

    engine = made(Counting())
    ids = engine.about.vocabulary.encode("one two three", special=False)
    assert engine.submit(Request(ids, max_tokens=2)).result(30).finish_reason == "length"
    assert engine.submit(Request(ids, max_tokens=200)).result(30).text == "ONE TWO THREE"
    assert engine.submit(Request(ids, max_tokens=200)).result(30).finish_reason == "stop"

    class Saying:
        def generate(self, requests):
            return [("text", "length") for _ in requests]

    assert made(Saying()).submit(Request((), text="a")).result(30).finish_reason == "length"


def test_what_waits_while_a_call_runs_goes_into_the_next_one_together(made):
    running, go_on, sizes = threading.Event(), threading.Event(), []

    class Slow:
        batch_size = 5

        def generate(self, requests):
            running.set()
            go_on.wait(30)
            sizes.append(len(requests))
            return [request.text for request in requests]

    engine = made(Slow())
    first = engine.submit(Request((), text="first"))
    assert running.wait(30)
    others = [engine.submit(Request((), text=str(i))) for i in range(8)]
    assert others[0].cancel()
    go_on.set()
    assert first.result(30).text == "first"
    assert [other.result(30).text for other in others[1:]] == [str(i) for i in range(1, 8)]
    assert sizes == [1, 4, 3]


def test_only_the_request_fails_that_the_object_raises_at(made):
    running, go_on = threading.Event(), threading.Event()

    class Picky:
        def generate(self, requests):
            running.set()
            go_on.wait(30)
            if any("bad" in request.text for request in requests):
                raise RuntimeError("no such word")
            return [request.text for request in requests]

    engine = made(Picky())
    engine.submit(Request((), text="first"))
    assert running.wait(30)
    futures = [engine.submit(Request((), text=text)) for text in ("one", "bad", "two")]
    go_on.set()
    assert [futures[0].result(30).text, futures[2].result(30).text] == ["one", "two"]
    with pytest.raises(RuntimeError, match="no such word"):
        futures[1].result(30)


def test_an_object_that_writes_and_ranks_is_asked_one_at_a_time(made):
    inside, most = 0, 0

    def within():
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        time.sleep(0.05)
        inside -= 1

    class Both(Shouting):
        tokenizer = WEIGHTS

        def generate(self, requests):
            within()
            return super().generate(requests)

        def logits(self, batch):
            within()
            return [np.zeros((len(ids), 2048), np.float32) for ids in batch]

    engine = made(Both())
    ids = engine.about.vocabulary.encode("one", special=False)
    wanted = [Request(ids, max_tokens=1), Request(ids, max_tokens=1, logprob_token_ids=(5,))] * 4
    for future in [engine.submit(one) for one in wanted]:
        future.result(30)
    assert most == 1


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ([], "was given 1 requests and gave 0 answers"),
        ([None], "must give texts"),
        ([("text", "tired")], "must give texts"),
    ],
)
def test_an_answer_that_is_none_says_what_would_be_one(made, answers, message):
    class Wrong:
        def generate(self, requests):
            return answers

    with pytest.raises(ValueError, match=message):
        made(Wrong()).submit(Request((), text="a")).result(30)


def test_log_probabilities_are_those_of_the_logits(made):
    engine = made(Bigrams())
    ids = engine.about.vocabulary.encode("How many apples are there?", special=True)
    done = engine.submit(
        Request(ids, max_tokens=1, temperature=0, prompt_logprobs=0, logprob_token_ids=(7, 2000))
    ).result(30)
    found = [position[0].logprob for position in done.prompt_positions[1:]]
    assert found == pytest.approx([LOGPROBS[a, b] for a, b in itertools.pairwise(ids)], abs=1e-4)
    told = {scored.token: scored.logprob for scored in done.positions[0]}
    best = int(TABLE[ids[-1]].argmax())
    assert told == pytest.approx({token: LOGPROBS[ids[-1], token] for token in (best, 7, 2000)}, abs=1e-4)


def test_the_likeliest_tokens_are_written_in_a_crowd_as_alone(made):
    engine = made(Bigrams())

    def greedy(last, count):
        written = []
        for _ in range(count):
            last = int(TABLE[last].argmax())
            written.append(last)
        return written

    futures = [engine.submit(Request((0, i), max_tokens=3 + i, temperature=0)) for i in range(5, 25)]
    assert [future.result(60).tokens for future in futures] == [greedy(i, 3 + i) for i in range(5, 25)]


def test_a_text_ends_at_the_objects_own_last_token(made):
    class Ending(Bigrams):
        eos_token_id = int(TABLE[int(TABLE[9].argmax())].argmax())

    done = made(Ending()).submit(Request((0, 9), max_tokens=50, temperature=0)).result(30)
    assert (len(done.tokens), done.finish_reason) == (2, "stop")
    assert done.tokens[-1] == Ending.eos_token_id


def test_with_both_texts_come_from_one_and_likelihoods_from_the_other(made):
    class Both(Bigrams, Shouting):
        pass

    engine = made(Both())
    ids = engine.about.vocabulary.encode("apples", special=True)
    assert engine.submit(Request(ids)).result(30).text == "APPLES"
    scored = engine.submit(Request(ids, max_tokens=1, logprob_token_ids=(5,))).result(30)
    assert {s.token: s.logprob for s in scored.positions[0]}[5] == pytest.approx(LOGPROBS[ids[-1], 5], abs=1e-4)


@pytest.mark.parametrize(
    ("rows", "message"),
    [(lambda ids: TABLE[ids][:-1], "gave an array of shape"), (lambda ids: TABLE[ids][:, :9], "vocabulary of 2048")],
)
def test_logits_of_a_wrong_shape_are_told(made, rows, message):
    class Wrong(Bigrams):
        def logits(self, batch):
            return [rows(ids) for ids in batch]

    with pytest.raises(ValueError, match=message):
        made(Wrong()).submit(Request((0, 5, 6))).result(30)


class Spoilt(Bigrams):
    """Behind token `at`, logits are what `spoil` makes of them."""

    def __init__(self, spoil, at=9):
        self.spoil, self.at = spoil, at

    def logits(self, batch):
        rows = [TABLE[ids].copy() for ids in batch]
        for ids, found in zip(batch, rows, strict=True):
            for token, row in zip(ids, found, strict=True):
                if token == self.at:
                    self.spoil(row)
        return rows


def to(value, where=slice(None)):
    def spoil(row):
        row[where] = value

    return spoil


@pytest.mark.parametrize(
    ("spoil", "what"),
    [(to(np.nan, 3), "NaN"), (to(np.inf, 3), "+inf"), (to(-np.inf), "-inf for every token")],
    ids=["nan", "inf", "all"],
)
@pytest.mark.parametrize(
    "asked",
    [
        {"temperature": 0, "max_tokens": 5},
        {"temperature": 1, "max_tokens": 5},
        {"max_tokens": 1, "logprob_token_ids": (7,)},
        {"max_tokens": 0, "prompt_logprobs": 0},
    ],
    ids=["greedy", "drawn", "likelihood", "prompt"],
)
def test_logits_that_are_not_finite_are_an_error_and_no_token(made, spoil, what, asked):
    engine = made(Spoilt(spoil))
    for _ in range(2):
        with pytest.raises(ModelFailed, match=re.escape(f"gave logits that are not finite ({what})")):
            engine.submit(Request((0, 9), **asked)).result(30)
    assert len(engine.submit(Request((0, 5), max_tokens=1)).result(30).tokens) == 1


def test_only_the_text_fails_whose_logits_are_not_finite(made):
    engine = made(Spoilt(to(np.nan), at=int(TABLE[7].argmax())))
    futures = [engine.submit(Request((0, last), max_tokens=3, temperature=0)) for last in (5, 7, 6)]
    assert [len(futures[index].result(30).tokens) for index in (0, 2)] == [3, 3]
    with pytest.raises(ModelFailed):
        futures[1].result(30)


def test_tokens_that_cannot_come_are_no_error(made):
    engine = made(Spoilt(to(-np.inf, slice(100, None))))
    done = engine.submit(Request((0, 9), max_tokens=1, temperature=1, seed=3, logprob_token_ids=(7, 500))).result(30)
    told = {scored.token: scored.logprob for scored in done.positions[0]}
    assert done.tokens[0] < 100
    assert told[7] > -100
    assert told[500] == -9999  # as vLLM says it: JSON has no infinity


@pytest.mark.parametrize("raised", [SystemExit("enough"), KeyboardInterrupt(), StopIteration(), CancelledError()])
@pytest.mark.parametrize("method", ["generate", "logits"])
def test_whatever_the_object_raises_comes_back_and_its_thread_goes_on(made, method, raised):
    class Ending(Bigrams):
        def fail(self, batch):
            raise raised

    setattr(Ending, method, Ending.fail)
    engine = made(Ending())
    for _ in range(2):
        with pytest.raises(ModelFailed, match=f"the model failed: {type(raised).__name__}: {raised}"):
            engine.submit(Request((0, 5), text="a")).result(30)


MODULE = """
class Model:
    def generate(self, requests):
        return ["yes" for _ in requests]

def load():
    return Model()

ready = Model()
number = 7

class Unread(Model):
    tokenizer = "no/such/folder"
    def logits(self, batch):
        return []

class Blind:
    def logits(self, batch):
        return []
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "my_models").mkdir()
    (tmp_path / "my_models" / "__init__.py").touch()
    (tmp_path / "my_models" / "kinds.py").write_text(MODULE)
    (tmp_path / "my_models" / "needy.py").write_text("import no_such_package\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    yield
    for name in [name for name in sys.modules if name.startswith("my_models")]:
        del sys.modules[name]


@pytest.mark.parametrize("attribute", ["Model", "load", "ready"])
def test_a_class_a_function_and_an_object_will_do(module, attribute: str):
    engine = own.load(f"my_models.kinds:{attribute}")
    try:
        assert engine.submit(Request((), text="a")).result(30).text == "yes"
    finally:
        engine.close()


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("my_models.none:load", "there is no module my_models.none"),
        ("no_models:load", "there is no module no_models"),
        ("my_models.kinds:lod", "my_models.kinds has no attribute lod"),
        ("my_models.kinds:number", "int, which has neither `generate` nor `logits`"),
        ("my_models.kinds:Blind", "need its `tokenizer`"),
        ("my_models.kinds:Unread", "its tokenizer no/such/folder cannot be read"),
    ],
)
def test_what_is_no_model_is_refused_with_a_sentence(module, place: str, message: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ServiceError, match=message):
        own.load(place)


def test_a_package_that_the_module_misses_is_not_taken_for_the_module(module):
    with pytest.raises(ModuleNotFoundError, match="no_such_package"):
        own.load("my_models.needy:load")
