"""The embedded server as its users meet it: a process of its own, over HTTP."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jinja2
import proctor_service.embedded
import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st
from proctor_service.embedded.engine import chat_prompt, load
from proctor_service.embedded.llama import WEIGHTS
from proctor_service.serving.engine import Request

ROOT = Path(__file__).parents[2]
SOURCES = Path(proctor_service.embedded.__file__).parents[2]
PROMPT = "Question: Tom has 12 apples. He gives 5 apples to Anna. How many apples does Tom have left?\nAnswer:"
CHOICE = "Which planet is red?\nA. Mars\nB. Venus\nC. Earth\nD. Saturn\nAnswer:"


def start(port_file: Path, *options: str) -> tuple[subprocess.Popen[str], str]:
    """Start the server; wait until it wrote its port."""
    command = [sys.executable, "-m", "proctor_service.embedded", "--port-file", str(port_file), *options]
    environment = os.environ | {"PYTHONPATH": str(SOURCES)}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not port_file.exists():
        assert process.poll() is None, process.stderr and process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return process, f"http://127.0.0.1:{port_file.read_text()}"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    process, url = start(tmp_path_factory.mktemp("embedded") / "port")
    yield url
    process.terminate()
    assert process.wait(10) == 0


def post(url: str, path: str, **body: Any) -> Any:
    answer = requests.post(f"{url}{path}", json=body, timeout=60)
    answer.raise_for_status()
    return answer.json()


def complete(url: str, **body: Any) -> Any:
    """The first choice of a greedy completion."""
    return post(url, "/v1/completions", **({"temperature": 0} | body))["choices"][0]


def refused(url: str, status: int, path: str = "/v1/completions", **body: Any) -> str:
    """The message of the error that must come."""
    answer = requests.post(f"{url}{path}", json=body, timeout=60)
    assert answer.status_code == status
    error = answer.json()["error"]
    assert error["code"] == status
    assert error["type"] == {400: "BadRequestError", 404: "NotFoundError"}[status]
    message: str = error["message"]
    return message


def tokenize(url: str, text: str, special: bool = True) -> list[int]:
    ids: list[int] = post(url, "/tokenize", prompt=text, add_special_tokens=special)["tokens"]
    return ids


def test_models_and_health(url: str) -> None:
    assert requests.get(f"{url}/health", timeout=5).status_code == 200
    (card,) = requests.get(f"{url}/v1/models", timeout=5).json()["data"]
    assert card["id"] == "proctor-embedded"
    assert Path(card["root"]) == WEIGHTS.resolve()
    assert card["max_model_len"] >= 2048


def test_the_four_prompt_forms_give_the_same(url: str) -> None:
    ids = tokenize(url, PROMPT)
    forms = [PROMPT, [PROMPT], ids, [ids]]
    texts = {complete(url, prompt=form, max_tokens=12)["text"] for form in forms}
    assert len(texts) == 1


def test_a_list_of_prompts_gives_choices_in_order(url: str) -> None:
    found = post(url, "/v1/completions", prompt=[PROMPT, CHOICE], n=2, max_tokens=4, temperature=0)
    assert [choice["index"] for choice in found["choices"]] == [0, 1, 2, 3]
    texts = [choice["text"] for choice in found["choices"]]
    assert texts[0] == texts[1] == complete(url, prompt=PROMPT, max_tokens=4)["text"]
    assert texts[2] == texts[3] == complete(url, prompt=CHOICE, max_tokens=4)["text"]
    usage = found["usage"]
    assert usage["prompt_tokens"] == len(tokenize(url, PROMPT)) + len(tokenize(url, CHOICE))
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


def test_log_probabilities_agree_by_every_way(url: str) -> None:
    """echo, prompt_logprobs and logprob_token_ids, for the letter after "Answer:"."""
    letters = tokenize(url, " A B C D", special=False)
    asked = complete(
        url, prompt=CHOICE, max_tokens=1, logprob_token_ids=letters, return_tokens_as_token_ids=True, seed=1
    )
    by_id = asked["logprobs"]["top_logprobs"][0]
    assert {f"token_id:{i}" for i in letters} <= by_id.keys()
    for letter, token in zip("ABCD", letters, strict=True):
        echoed = complete(url, prompt=f"{CHOICE} {letter}", max_tokens=0, echo=True, logprobs=1)["logprobs"]
        assert echoed["tokens"][-1] == f" {letter}"
        scored = complete(url, prompt=f"{CHOICE} {letter}", max_tokens=1, prompt_logprobs=0)["prompt_logprobs"]
        assert scored[0] is None
        entry = scored[-1][str(token)]
        assert entry["decoded_token"] == f" {letter}"
        assert echoed["token_logprobs"][-1] == pytest.approx(by_id[f"token_id:{token}"], abs=1e-4)
        assert entry["logprob"] == pytest.approx(by_id[f"token_id:{token}"], abs=1e-4)


def test_completion_logprobs_have_openais_form(url: str) -> None:
    choice = complete(url, prompt=PROMPT, max_tokens=3, logprobs=2, echo=True)
    found = choice["logprobs"]
    assert choice["text"].startswith(PROMPT)
    lengths = {len(found[name]) for name in ("tokens", "token_logprobs", "top_logprobs", "text_offset")}
    assert lengths == {len(tokenize(url, PROMPT)) + 3}
    assert found["token_logprobs"][0] is found["top_logprobs"][0] is None
    for token, logprob, top, offset in list(zip(*(found[n] for n in (
        "tokens", "token_logprobs", "top_logprobs", "text_offset"
    )), strict=True))[1:]:  # fmt: skip
        assert top[token] == logprob <= 0
        assert len(top) in {2, 3}
        assert choice["text"][offset:].startswith(token)


def test_prompt_logprobs_give_rank_and_text_by_id(url: str) -> None:
    ids = tokenize(url, PROMPT)
    found = complete(url, prompt=PROMPT, max_tokens=1, prompt_logprobs=2)["prompt_logprobs"]
    assert len(found) == len(ids)
    for token, entries in zip(ids[1:], found[1:], strict=True):
        assert str(token) in entries
        assert {1, 2} <= {entry["rank"] for entry in entries.values()}
        best = max(entries.values(), key=lambda entry: entry["logprob"])
        assert best["rank"] == 1


def test_token_ids_are_returned_on_demand(url: str) -> None:
    choice = complete(url, prompt=PROMPT, max_tokens=3, return_token_ids=True)
    assert choice["prompt_token_ids"] == tokenize(url, PROMPT)
    assert len(choice["token_ids"]) == 3
    assert "token_ids" not in complete(url, prompt=PROMPT, max_tokens=3)


def test_a_stop_text_ends_the_answer_and_is_removed(url: str) -> None:
    free = complete(url, prompt=PROMPT, max_tokens=20)["text"]
    stop = free[5:8]
    cut = complete(url, prompt=PROMPT, max_tokens=20, stop=["never to be seen", stop])
    assert cut["text"] == free[: free.index(stop)]
    assert (cut["finish_reason"], cut["stop_reason"]) == ("stop", stop)
    kept = complete(url, prompt=PROMPT, max_tokens=20, stop=stop, include_stop_str_in_output=True)
    assert kept["text"] == cut["text"] + stop


def test_an_answer_cut_by_max_tokens_says_so(url: str) -> None:
    found = post(url, "/v1/completions", prompt=PROMPT, max_tokens=2, temperature=0)
    assert found["choices"][0]["finish_reason"] == "length"
    assert found["usage"]["completion_tokens"] == 2


def test_sampling_is_reproducible_with_a_seed(url: str) -> None:
    def sampled(**body: Any) -> list[str]:
        found = post(url, "/v1/completions", prompt=PROMPT, max_tokens=20, temperature=1.5, n=3, **body)
        return [choice["text"] for choice in found["choices"]]

    assert sampled(seed=7) == sampled(seed=7)
    assert len(set(sampled(seed=7))) > 1
    assert sampled(seed=7) != sampled(seed=70)


def test_a_narrow_top_p_or_top_k_is_greedy(url: str) -> None:
    greedy = complete(url, prompt=PROMPT, max_tokens=10)["text"]
    assert complete(url, prompt=PROMPT, max_tokens=10, temperature=1, top_p=1e-6)["text"] == greedy
    assert complete(url, prompt=PROMPT, max_tokens=10, temperature=1, top_k=1)["text"] == greedy
    assert complete(url, prompt=PROMPT, max_tokens=10, temperature=1e-320)["text"] == greedy


def test_an_answer_is_the_same_alone_and_in_a_crowd(url: str) -> None:
    prompts = [f"Question: Tom has {n} apples and buys {n + 3}. How many has he?\nAnswer:" for n in range(2, 26)]
    alone = [complete(url, prompt=prompt, max_tokens=16)["text"] for prompt in prompts]
    with ThreadPoolExecutor(24) as pool:
        crowd = list(pool.map(lambda prompt: complete(url, prompt=prompt, max_tokens=16)["text"], prompts))
    assert crowd == alone


def test_a_shared_prefix_is_computed_once(url: str) -> None:
    shared = "The following are questions. " * 20
    post(url, "/v1/completions", prompt=f"{shared}One", max_tokens=1)
    usage = post(url, "/v1/completions", prompt=f"{shared}Two", max_tokens=1)["usage"]
    cached = usage["prompt_tokens_details"]["cached_tokens"]
    assert len(tokenize(url, shared)) - 2 <= cached < usage["prompt_tokens"]
    scored = post(url, "/v1/completions", prompt=f"{shared}Two", max_tokens=1, prompt_logprobs=0)["usage"]
    assert scored["prompt_tokens_details"]["cached_tokens"] == 0


def test_chat_answers_and_gives_logprobs(url: str) -> None:
    messages = [{"role": "user", "content": [{"type": "text", "text": "How many apples?"}]}]
    found = post(
        url, "/v1/chat/completions", messages=messages, max_tokens=4, temperature=0, logprobs=True, top_logprobs=2
    )
    (choice,) = found["choices"]
    assert choice["message"]["role"] == "assistant"
    assert (
        choice["message"]["content"]
        == complete(url, prompt="Question: How many apples?\nAnswer:", max_tokens=4)["text"]
    )
    entries = choice["logprobs"]["content"]
    assert len(entries) == found["usage"]["completion_tokens"]
    assert all(entry["top_logprobs"][0]["token"] == entry["token"] for entry in entries)


def test_the_chat_prompt_is_that_of_the_template() -> None:
    tokenizer = json.loads((WEIGHTS / "tokenizer_config.json").read_text())
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "2 + 2?"},
        {"role": "assistant", "content": "4"},
        {"role": "user", "content": "3 + 3?"},
    ]
    template = jinja2.Environment().from_string(tokenizer["chat_template"])
    for generate in (True, False):
        expected = template.render(messages=messages, bos_token=tokenizer["bos_token"], add_generation_prompt=generate)
        assert chat_prompt(messages, generate) == expected


def test_letters_are_single_tokens_that_stay_so_after_the_prompt(url: str) -> None:
    for letter in "ABCDEFGHIJ":
        assert len(tokenize(url, f" {letter}", special=False)) == 1
        assert tokenize(url, f"Answer: {letter}") == tokenize(url, "Answer:") + tokenize(url, f" {letter}", False)


def test_the_beginning_of_text_appears_exactly_once(url: str) -> None:
    (first, *rest) = tokenize(url, PROMPT)
    assert post(url, "/detokenize", tokens=[first])["prompt"] == "<|endoftext|>"
    assert first not in rest
    assert tokenize(url, PROMPT, special=False) == rest


@settings(max_examples=30, deadline=None)
@given(text=st.text(min_size=1).filter(lambda text: "<|" not in text))
def test_any_text_survives_tokenizing(url: str, text: str) -> None:
    assert post(url, "/detokenize", tokens=tokenize(url, text, special=False))["prompt"] == text


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "prompt"),
        ({"prompt": []}, "prompt"),
        ({"prompt": [[]]}, "at least one token"),
        ({"prompt": [999999]}, "999999"),
        ({"prompt": "a", "max_tokens": -1}, "max_tokens"),
        ({"prompt": "a", "max_tokens": 0}, "echo"),
        ({"prompt": "a", "max_tokens": "ten"}, "max_tokens"),
        ({"prompt": "a", "temperature": -1}, "temperature"),
        ({"prompt": "a", "top_p": 0}, "top_p"),
        ({"prompt": "a", "stop": [""]}, "stop"),
        ({"prompt": "a", "stop": list("vwxyz")}, "at most 4 texts, not 5"),
        ({"prompt": "a \ud800"}, "half a character"),
        ({"prompt": "a", "n": 0}, "n must"),
        ({"prompt": "a", "logprob_token_ids": [-1]}, "logprob_token_ids"),
        ({"prompt": "a", "stream": True}, "stream"),
        ({"prompt": "a", "max_tokens": 100_000}, "100002 tokens"),
    ],
)
def test_a_bad_parameter_is_named(url: str, body: dict[str, Any], words: str) -> None:
    assert words in refused(url, 400, **body)


def test_an_overlong_request_names_both_numbers(url: str) -> None:
    limit = requests.get(f"{url}/v1/models", timeout=5).json()["data"][0]["max_model_len"]
    message = refused(url, 400, prompt=[5] * 100, max_tokens=limit)
    assert str(limit) in message
    assert str(limit + 100) in message


def test_other_errors_have_the_same_form(url: str) -> None:
    assert "nobody" in refused(url, 404, prompt="a", model="nobody")
    assert "role" in refused(url, 400, "/v1/chat/completions", messages=[{"role": "robot", "content": "a"}])
    assert "/v1/nothing" in refused(url, 404, "/v1/nothing")
    broken = requests.post(f"{url}/v1/completions", data="{", timeout=5)
    assert broken.status_code == 400
    assert "JSON" in broken.json()["error"]["message"]


def test_unknown_parameters_are_ignored(url: str) -> None:
    assert complete(url, prompt=PROMPT, max_tokens=2, best_guess=True, frequency_penalty=0)["text"]


def test_a_caller_who_hangs_up_frees_the_model(url: str) -> None:
    with pytest.raises(requests.Timeout):
        requests.post(
            f"{url}/v1/completions",
            json={"prompt": PROMPT, "max_tokens": 8000, "ignore_eos": True, "n": 40},
            timeout=0.5,
        )
    start = time.monotonic()
    complete(url, prompt=PROMPT, max_tokens=4)
    assert time.monotonic() - start < 15


def test_a_cancelled_request_is_dropped() -> None:
    engine = load(WEIGHTS)
    try:
        long = engine.submit(Request((0, 5), max_tokens=8000, ignore_eos=True))
        time.sleep(0.2)
        assert long.cancel()
        assert engine.submit(Request((0, 5), max_tokens=2)).result(30).tokens
        assert not engine._running
    finally:
        engine.close()


def test_closing_cancels_what_waits() -> None:
    engine = load(WEIGHTS)
    waiting = engine.submit(Request((0, 5), max_tokens=8000, ignore_eos=True))
    engine.close()
    assert waiting.cancelled()
    with pytest.raises(RuntimeError, match="closed"):
        engine.submit(Request((0,)))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly_even_while_it_answers(tmp_path: Path, number: signal.Signals) -> None:
    process, url = start(tmp_path / "port", "--served-model-name", "mine")
    assert requests.get(f"{url}/v1/models", timeout=5).json()["data"][0]["id"] == "mine"
    body = {"prompt": "a", "max_tokens": 8000, "ignore_eos": True}

    def ask() -> None:
        with pytest.raises(requests.RequestException):
            requests.post(f"{url}/v1/completions", json=body, timeout=60).raise_for_status()

    asking = threading.Thread(target=ask)
    asking.start()
    time.sleep(0.5)
    process.send_signal(number)
    assert process.wait(10) == 0
    asking.join(10)
    assert list(tmp_path.iterdir()) == [tmp_path / "port"]


def test_a_folder_without_a_model_is_refused_with_a_sentence(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "proctor_service.embedded", "--model", str(tmp_path)]
    environment = os.environ | {"PYTHONPATH": str(SOURCES)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert str(tmp_path) in done.stderr
    assert "Traceback" not in done.stderr


def rows(name: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in (ROOT / "data" / "gsm8k" / name).read_text(encoding="utf-8").splitlines()]


def test_it_solves_a_part_of_the_bundled_word_problems(url: str) -> None:
    shots = "".join(f"Question: {row['question']}\nAnswer: {row['answer']}\n\n" for row in rows("train.jsonl")[:8])

    def right(row: dict[str, str]) -> bool:
        prompt = f"{shots}Question: {row['question']}\nAnswer:"
        text = complete(url, prompt=prompt, max_tokens=512, stop=["\nQuestion:"])["text"]
        return re.findall(r"\d+", text)[-1:] == re.findall(r"\d+", row["answer"])[-1:]

    with ThreadPoolExecutor(32) as pool:
        found = list(pool.map(right, rows("test.jsonl")))
    assert 0.15 <= sum(found) / len(found) <= 0.9


def test_it_chooses_rightly_in_a_part_of_the_bundled_choices(url: str) -> None:
    letters = tokenize(url, " A B C D", special=False)

    def asked(row: list[str]) -> str:
        options = "".join(f"{letter}. {text}\n" for letter, text in zip("ABCD", row[1:5], strict=True))
        return f"{row[0]}\n{options}Answer:"

    def right(case: tuple[str, list[str]]) -> bool:
        header, row = case
        found = complete(url, prompt=header + asked(row), max_tokens=1, logprob_token_ids=letters)["logprobs"]
        return max("ABCD", key=lambda letter: found["top_logprobs"][0][f" {letter}"]) == row[5]

    cases: list[tuple[str, list[str]]] = []
    for file in sorted((ROOT / "data" / "mmlu" / "test").glob("*.csv")):
        subject = file.stem.removesuffix("_test")
        shots = csv.reader((ROOT / "data" / "mmlu" / "dev" / f"{subject}_dev.csv").read_text().splitlines())
        header = "The following are multiple choice questions (with answers) about "
        header += f"{subject.replace('_', ' ')}.\n\n" + "".join(f"{asked(row)} {row[5]}\n\n" for row in shots)
        cases += [(header, row) for row in csv.reader(file.read_text().splitlines())]
    with ThreadPoolExecutor(32) as pool:
        found = list(pool.map(right, cases))
    # Well above chance, which is a quarter; and right and wrong both occur.
    assert 0.38 <= sum(found) / len(found) <= 0.95


def test_no_answer_gets_longer_than_the_server_allows(tmp_path: Path) -> None:
    process, url = start(tmp_path / "port", "--max-new-tokens", "5")
    try:
        body = post(url, "/v1/completions", prompt=PROMPT, max_tokens=9, temperature=0, ignore_eos=True)
        short = post(url, "/v1/completions", prompt=PROMPT, max_tokens=3, temperature=0, ignore_eos=True)
    finally:
        process.terminate()
        process.wait(10)
    assert (body["usage"]["completion_tokens"], body["choices"][0]["finish_reason"]) == (5, "length")
    assert short["usage"]["completion_tokens"] == 3
