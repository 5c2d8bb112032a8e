"""Causal models of transformers as engines, beside what transformers computes by itself.

Needs torch and transformers: .ci/vllm runs it in the environment that has them.
"""

from __future__ import annotations

import re
import shutil
import time
from pathlib import Path

import pytest
from proctor_service.embedded.llama import WEIGHTS
from proctor_service.serving.engine import ModelFailed, Request

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from proctor.errors import ServiceError  # noqa: E402
from proctor_service.serving import causal  # noqa: E402

# On a busy machine, threads that wait for each other take ten times as long.
torch.set_num_threads(1)

COUNT = 24
CLOSE = 2e-4
SMALL = {
    "vocab_size": 2048,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "bos_token_id": 0,
    "eos_token_id": 0,
    "initializer_range": 0.3,
}


def sliding():
    return transformers.MistralForCausalLM(transformers.MistralConfig(**SMALL, sliding_window=6))


def alternating():
    config = transformers.Gemma2Config(**SMALL, head_dim=16, sliding_window=6, query_pre_attn_scalar=16)
    return transformers.Gemma2ForCausalLM(config)


def absolute():
    return transformers.GPT2LMHeadModel(
        transformers.GPT2Config(
            vocab_size=2048, n_positions=256, n_embd=64, n_layer=2, n_head=4, bos_token_id=0, eos_token_id=0,
            initializer_range=0.3,
        )
    )  # fmt: skip


def recurrent():
    config = transformers.MambaConfig(
        vocab_size=2048, hidden_size=64, state_size=8, num_hidden_layers=2, bos_token_id=0, eos_token_id=0,
        initializer_range=0.5,
    )  # fmt: skip
    return transformers.MambaForCausalLM(config)


KINDS = {"llama": None, "sliding": sliding, "alternating": alternating, "absolute": absolute, "recurrent": recurrent}


@pytest.fixture(scope="module", params=KINDS)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped weights, and small ones of other kinds with the same tokenizer."""
    if KINDS[request.param] is None:
        return WEIGHTS
    torch.manual_seed(5)
    place = tmp_path_factory.mktemp(request.param)
    KINDS[request.param]().save_pretrained(place)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(WEIGHTS / name, place)
    return place


@pytest.fixture(scope="module")
def engine(folder: Path):
    made = causal.load(causal.Loading(str(folder), dtype="float32", device="cpu"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def theirs(folder: Path):
    return transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


def logprobs(model, ids):
    with torch.no_grad():
        return model(torch.tensor([ids])).logits[0].log_softmax(-1)


def prompts(engine):
    texts = [f"Question: Tom has {n} apples and buys {n + 3}. {'How many? ' * (n % 5)}Answer:" for n in range(COUNT)]
    return [engine.about.vocabulary.encode(text, special=True) for text in texts]


def test_keys_and_values_are_kept_where_a_batch_can_have_them(folder: Path, engine):
    kept = isinstance(engine.decoder, causal.CausalDecoder)
    assert kept == (transformers.AutoConfig.from_pretrained(folder).model_type != "mamba")


def test_what_joins_and_leaves_a_batch_is_written_as_alone(engine, theirs):
    """Answers of 3 to 26 tokens, which arrive one after the other while others run."""
    futures = []
    for index, ids in enumerate(prompts(engine)):
        futures.append(engine.submit(Request(ids, max_tokens=3 + index, temperature=0, ignore_eos=True)))
        time.sleep(0.003 * (index % 3))
    for index, (ids, future) in enumerate(zip(prompts(engine), futures, strict=True)):
        written = future.result(120).tokens
        assert len(written) == 3 + index
        rows = logprobs(theirs, [*ids, *written])[len(ids) - 1 : -1]
        # Each is the likeliest after what stands before it; rounding may decide between two that are as likely.
        chosen = rows.gather(1, torch.tensor(written)[:, None])[:, 0]
        assert float((rows.max(dim=1).values - chosen).max()) < CLOSE


def test_log_probabilities_are_those_of_the_whole_text(engine, theirs):
    for ids in prompts(engine)[:4]:
        expected = logprobs(theirs, ids)
        asked = Request(ids, max_tokens=1, temperature=0, prompt_logprobs=3, logprob_token_ids=(7, 1999))
        done = engine.submit(asked).result(120)
        told = [position[0] for position in done.prompt_positions[1:]]
        assert [scored.token for scored in told] == list(ids[1:])
        assert [s.logprob for s in told] == pytest.approx(
            [float(expected[at, token]) for at, token in enumerate(ids[1:])], abs=CLOSE
        )
        by_id = {scored.token: scored.logprob for scored in done.positions[0]}
        assert by_id[7] == pytest.approx(float(expected[-1, 7]), abs=CLOSE)
        assert by_id[1999] == pytest.approx(float(expected[-1, 1999]), abs=CLOSE)


def test_a_prompt_behind_a_known_beginning_scores_as_one_that_is_new(engine, theirs):
    first, second = ((*range(10, 60), last) for last in (70, 71))
    engine.submit(Request(first, max_tokens=1)).result(120)
    done = engine.submit(Request(second, max_tokens=1, logprob_token_ids=(9,))).result(120)
    assert done.cached_tokens == (50 if isinstance(engine.decoder, causal.CausalDecoder) else 0)
    told = {scored.token: scored.logprob for scored in done.positions[0]}
    assert told[9] == pytest.approx(float(logprobs(theirs, second)[-1, 9]), abs=CLOSE)


def test_a_prompt_longer_than_a_chunk_is_computed_in_parts(theirs, engine):
    ids = tuple(5 + (at * at) % 2000 for at in range(700))
    if engine.about.max_model_len is not None and engine.about.max_model_len < 702:
        ids = ids[: engine.about.max_model_len - 2]
    done = engine.submit(Request(ids, max_tokens=1, prompt_logprobs=0)).result(120)
    expected = logprobs(theirs, ids)
    found = [position[0].logprob for position in done.prompt_positions[1:]]
    assert found == pytest.approx([float(expected[at, token]) for at, token in enumerate(ids[1:])], abs=1e-3)


def test_equal_seeds_agree_and_others_do_not(engine):
    ids = prompts(engine)[3]
    texts = [
        engine.submit(Request(ids, max_tokens=12, temperature=1.0, seed=seed)).result(120).tokens for seed in (1, 1, 2)
    ]
    assert texts[0] == texts[1] != texts[2]


def test_a_conversation_is_worded_by_the_models_template():
    tokenizer = transformers.AutoTokenizer.from_pretrained(WEIGHTS)
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What is 2 + 2?"}]
    expected = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    assert causal._chat(tokenizer)(messages, True) == expected
    tokenizer.chat_template = None
    assert causal._chat(tokenizer) is None
    tokenizer.chat_template = "{{ raise_exception('roles must alternate') }}"
    with pytest.raises(ValueError, match="roles must alternate"):
        causal._chat(tokenizer)(messages, True)


def test_weights_that_cannot_be_loaded_are_told(tmp_path: Path):
    (tmp_path / "config.json").write_text('{"model_type": "no-such-kind"}')
    with pytest.raises(ServiceError, match="transformers cannot load"):
        causal.load(causal.Loading(str(tmp_path)))
    shutil.copytree(WEIGHTS, tmp_path / "weightless", ignore=shutil.ignore_patterns("*.safetensors"))
    with pytest.raises(ServiceError, match="transformers cannot load .*weightless"):
        causal.load(causal.Loading(str(tmp_path / "weightless")))


def test_a_decoder_that_mixes_up_its_batch_is_found_out(capsys: pytest.CaptureFixture[str]):
    model = transformers.AutoModelForCausalLM.from_pretrained(WEIGHTS, dtype=torch.float32).eval()

    class Mixed(causal.CausalDecoder):
        def step(self, tokens, states):
            return super().step(tokens, states)[::-1]

    assert causal._batches(causal.CausalDecoder(model, frozenset()), "good")
    assert not causal._batches(Mixed(model, frozenset()), "bad")
    assert "no keys and values are kept for bad: a padded batch gives other logits" in capsys.readouterr().err


def test_a_step_that_fails_leaves_nothing_of_it_behind():
    """As where memory runs out in a layer: those that ran are told, and the next ones are computed rightly."""
    engine = causal.load(causal.Loading(str(WEIGHTS), dtype="float32", device="cpu"))
    layer = engine.decoder.model.model.layers[1]
    whole, failures = layer.forward, [True]

    def failing(*given, **named):
        if failures and given[0].shape[1] == 1:
            failures.pop()
            raise torch.OutOfMemoryError("no room")
        return whole(*given, **named)

    try:
        ids = prompts(engine)
        expected = engine.submit(Request(ids[0], max_tokens=9, temperature=0, ignore_eos=True)).result(120).tokens
        layer.forward = failing
        lost = [engine.submit(Request(one, max_tokens=9, temperature=0, ignore_eos=True)) for one in ids[:3]]
        assert [type(future.exception(120)) for future in lost].count(torch.OutOfMemoryError) >= 1
        again = [engine.submit(Request(one, max_tokens=9, temperature=0, ignore_eos=True)) for one in ids[:3]]
        assert again[0].result(120).tokens == expected
    finally:
        engine.close()


def test_a_text_that_joins_takes_the_row_of_one_that_ended(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(causal, "ROOM", 8)
    theirs = transformers.AutoModelForCausalLM.from_pretrained(WEIGHTS, dtype=torch.float32).eval()
    decoder = causal.CausalDecoder(theirs, frozenset())
    texts = {name: list(range(9, 9 + length)) for name, length in (("a", 12), ("b", 20), ("c", 7), ("d", 90))}
    states = {name: decoder.begin(0) for name in texts}

    def begin(name):
        decoder.prompt(texts[name], states[name], False)

    def step(names, token):
        found = decoder.step([token] * len(names), [states[name] for name in names])
        for name, row in zip(names, found, strict=True):
            texts[name].append(token)
            expected = logprobs(theirs, texts[name])[-1].numpy()
            assert abs(torch.tensor(row).log_softmax(-1).numpy() - expected).max() < CLOSE, name
        return [next((n for n in texts if states[n] is state), None) for state in decoder._rows]

    begin("a"), begin("b")
    assert step(["a", "b"], 5) == ["a", "b"]
    begin("c")
    assert step(["b", "c"], 6) == ["c", "b"]  # in the row of "a"
    begin("d")
    assert step(["b", "c", "d"], 7) == ["b", "c", "d"]  # which fits into no row: the batch is made anew
    for token in range(10, 10 + causal.ROOM + 5):  # and grows beyond its room
        assert step(["c", "d"], token) == [None, "c", "d"]
    assert step(["c"], 8) == ["c"]  # too few are left of it: made anew


@pytest.mark.parametrize(
    ("dtype", "advice"),
    [
        ("float16", "(NaN), as float16 overflows do: try --dtype=float32 or --dtype=bfloat16"),
        ("bfloat16", "(NaN): try --dtype=float32"),
        ("float32", "(NaN): are all files of its weights whole?"),
    ],
)
def test_logits_that_are_not_finite_are_told_with_what_helps(tmp_path: Path, dtype: str, advice: str):
    model = transformers.AutoModelForCausalLM.from_pretrained(WEIGHTS)
    with torch.no_grad():
        model.model.layers[0].mlp.down_proj.weight.fill_(float("nan"))
    model.save_pretrained(tmp_path)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(WEIGHTS / name, tmp_path)
    engine = causal.load(causal.Loading(str(tmp_path), dtype=dtype, device="cpu"))
    try:
        with pytest.raises(ModelFailed, match=re.escape(advice)):
            engine.submit(Request((0, 9, 5), max_tokens=3, temperature=0)).result(60)
    finally:
        engine.close()
