"""The shipped folder in transformers and here: the same texts, the same log-probabilities."""

from __future__ import annotations

import numpy as np
import pytest
from proctor_service.embedded.engine import chat_prompt, load
from proctor_service.embedded.llama import WEIGHTS
from proctor_service.serving.batching import log_softmax
from proctor_service.serving.engine import Request

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

PROMPTS = (
    "Question: Tom has 12 apples. He gives 5 to Anna. How many apples does Tom have left?\nAnswer:",
    "The following are multiple choice questions (with answers) about astronomy.\n\nWhich planet is red?\n"
    "A. Mars\nB. Venus\nC. Earth\nD. Saturn\nAnswer:",
    "Zürich – 北京 🙂",
)


@pytest.fixture(scope="module")
def engine():
    engine = load(WEIGHTS)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def theirs():
    model = transformers.AutoModelForCausalLM.from_pretrained(WEIGHTS, dtype=torch.float32)
    return model.eval()


@pytest.fixture(scope="module")
def tokenizer():
    return transformers.AutoTokenizer.from_pretrained(WEIGHTS)


@pytest.mark.parametrize("prompt", PROMPTS)
def test_tokens_agree(engine, tokenizer, prompt):
    ids = list(engine.about.vocabulary.encode(prompt, special=True))
    assert tokenizer(prompt)["input_ids"] == ids
    assert tokenizer(prompt, add_special_tokens=False)["input_ids"] == ids[1:]
    assert tokenizer.decode(ids, skip_special_tokens=True) == engine.about.vocabulary.decode(ids) == prompt


@pytest.mark.parametrize("prompt", PROMPTS)
def test_log_probabilities_agree(engine, theirs, prompt):
    ids = list(engine.about.vocabulary.encode(prompt, special=True))
    with torch.no_grad():
        expected = theirs(torch.tensor([ids])).logits[0].log_softmax(-1).numpy()
    found = log_softmax(engine.decoder.prompt(ids, engine.decoder.begin(len(ids)), every=True))
    assert np.abs(found - expected).max() < 1e-4


@pytest.mark.parametrize("prompt", PROMPTS)
def test_greedy_texts_agree(engine, theirs, tokenizer, prompt):
    ids = list(engine.about.vocabulary.encode(prompt, special=True))
    with torch.no_grad():
        expected = theirs.generate(torch.tensor([ids]), max_new_tokens=60, do_sample=False)[0, len(ids) :].tolist()
    found = engine.submit(Request(tuple(ids), max_tokens=60, temperature=0)).result(60)
    assert found.tokens == expected


def test_chat_prompts_agree(tokenizer):
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "What is 2 + 2?"},
        {"role": "assistant", "content": "4"},
        {"role": "user", "content": "And 3 + 3?"},
    ]
    expected = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    assert chat_prompt(messages) == expected
