"""The numpy Llama against a plain reference, and its caches."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from proctor_service.embedded.llama import WEIGHTS, KVCache, Llama, LlamaConfig, UnsupportedModel, read_tensors
from proctor_service.serving.batching import PrefixCache
from safetensors.numpy import save, save_file

SIZES: dict[str, Any] = {
    "model_type": "llama",
    "vocab_size": 40,
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "intermediate_size": 32,
    "max_position_embeddings": 64,
    "rms_norm_eps": 1e-5,
    "hidden_act": "silu",
    "eos_token_id": [0, 3],
}


def tensors(sizes: dict[str, Any], tied: bool) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    hidden, inner, dim = sizes["hidden_size"], sizes["intermediate_size"], sizes["head_dim"]
    heads, kv_heads = sizes["num_attention_heads"] * dim, sizes["num_key_value_heads"] * dim
    shapes = {"model.embed_tokens": (sizes["vocab_size"], hidden), "model.norm": (hidden,)}
    for i in range(sizes["num_hidden_layers"]):
        shapes |= {
            f"model.layers.{i}.input_layernorm": (hidden,),
            f"model.layers.{i}.post_attention_layernorm": (hidden,),
            f"model.layers.{i}.self_attn.q_proj": (heads, hidden),
            f"model.layers.{i}.self_attn.k_proj": (kv_heads, hidden),
            f"model.layers.{i}.self_attn.v_proj": (kv_heads, hidden),
            f"model.layers.{i}.self_attn.o_proj": (hidden, heads),
            f"model.layers.{i}.mlp.gate_proj": (inner, hidden),
            f"model.layers.{i}.mlp.up_proj": (inner, hidden),
            f"model.layers.{i}.mlp.down_proj": (hidden, inner),
        }
    if not tied:
        shapes["lm_head"] = (sizes["vocab_size"], hidden)
    return {f"{name}.weight": rng.normal(0, 0.4, shape).astype(np.float32) for name, shape in shapes.items()}


def folder(path: Path, tied: bool = True, **changes: Any) -> Path:
    (path / "config.json").write_text(json.dumps(SIZES | changes))
    save_file(tensors(SIZES, tied), path / "model.safetensors")
    return path


def reference(w: dict[str, np.ndarray], tokens: list[int]) -> np.ndarray:
    """Logits (positions, vocab), written position by position and head by head from the papers' formulas."""
    dim, group = SIZES["head_dim"], SIZES["num_attention_heads"] // SIZES["num_key_value_heads"]

    def norm(x: np.ndarray, name: str) -> np.ndarray:
        return x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-5) * w[f"{name}.weight"]

    def rope(x: np.ndarray, position: int) -> np.ndarray:
        turned = np.empty_like(x)
        for i in range(dim // 2):
            angle = position * 10000.0 ** (-2 * i / dim)
            a, b = x[i], x[i + dim // 2]
            turned[i] = a * np.cos(angle) - b * np.sin(angle)
            turned[i + dim // 2] = b * np.cos(angle) + a * np.sin(angle)
        return turned

    x = w["model.embed_tokens.weight"][tokens].astype(np.float64)
    for layer in range(SIZES["num_hidden_layers"]):
        p = f"model.layers.{layer}."
        y = norm(x, f"{p}input_layernorm")
        q, k, v = (y @ w[f"{p}self_attn.{name}_proj.weight"].T for name in "qkv")
        out = np.zeros_like(q)
        for t in range(len(tokens)):
            for head in range(SIZES["num_attention_heads"]):
                shared = slice(head // group * dim, (head // group + 1) * dim)
                mine = slice(head * dim, (head + 1) * dim)
                scores = [rope(q[t, mine], t) @ rope(k[s, shared], s) / dim**0.5 for s in range(t + 1)]
                chances = np.exp(scores - np.max(scores))
                out[t, mine] = chances / chances.sum() @ v[: t + 1, shared]
        x = x + out @ w[f"{p}self_attn.o_proj.weight"].T
        y = norm(x, f"{p}post_attention_layernorm")
        gate = y @ w[f"{p}mlp.gate_proj.weight"].T
        x = x + (gate / (1 + np.exp(-gate)) * (y @ w[f"{p}mlp.up_proj.weight"].T)) @ w[f"{p}mlp.down_proj.weight"].T
    head_weight = w.get("lm_head.weight", w["model.embed_tokens.weight"])
    return norm(x, "model.norm") @ head_weight.T


def logits(model: Llama, tokens: list[int], parts: tuple[int, ...] = ()) -> np.ndarray:
    """Logits of all positions, the tokens given in parts that end at the given places."""
    cache = KVCache(model.config, len(tokens))
    borders = [0, *parts, len(tokens)]
    found = [model.logits(model.hidden([(tokens[start:end], cache)])) for start, end in pairwise(borders)]
    return np.concatenate(found)


TOKENS = [5, 1, 39, 7, 7, 0, 12, 30, 2, 18]


@pytest.mark.parametrize("tied", [True, False])
def test_logits_agree_with_the_formulas(tmp_path: Path, tied: bool) -> None:
    model = Llama.load(folder(tmp_path, tied))
    assert np.allclose(logits(model, TOKENS), reference(tensors(SIZES, tied), TOKENS), atol=1e-3)


@pytest.mark.parametrize("parts", [(1,), (9,), (3, 4, 8), tuple(range(1, 10))])
def test_a_cache_filled_in_parts_gives_the_same_logits(tmp_path: Path, parts: tuple[int, ...]) -> None:
    model = Llama.load(folder(tmp_path))
    assert np.allclose(logits(model, TOKENS, parts), logits(model, TOKENS), atol=1e-4)


def test_a_sequence_does_not_feel_its_neighbours(tmp_path: Path) -> None:
    model = Llama.load(folder(tmp_path))
    caches = [KVCache(model.config, 10) for _ in range(3)]
    together = model.hidden([(TOKENS, caches[0]), ([4, 4], caches[1]), (TOKENS[:5], caches[2])])
    assert np.allclose(model.logits(together[:10]), logits(model, TOKENS), atol=1e-4)
    assert np.allclose(model.logits(together[12:]), logits(model, TOKENS[:5]), atol=1e-4)
    assert [cache.length for cache in caches] == [10, 2, 5]


def test_a_copied_prefix_continues_like_the_original(tmp_path: Path) -> None:
    model = Llama.load(folder(tmp_path))
    first, second = KVCache(model.config, 10), KVCache(model.config, 10)
    model.hidden([(TOKENS, first)])
    second.copy_from(first, 6)
    rest = model.logits(model.hidden([(TOKENS[6:], second)]))
    assert np.allclose(rest, logits(model, TOKENS)[6:], atol=1e-4)


def test_end_tokens_may_be_one_or_several(tmp_path: Path) -> None:
    assert LlamaConfig.read(folder(tmp_path)).eos == (0, 3)
    assert LlamaConfig.read(folder(tmp_path, eos_token_id=7)).eos == (7,)


def test_rotary_base_is_read_where_either_version_of_transformers_writes_it(tmp_path: Path) -> None:
    assert LlamaConfig.read(folder(tmp_path, rope_theta=500.0)).rope_theta == 500.0
    newer = {"rope_type": "default", "rope_theta": 700.0}
    assert LlamaConfig.read(folder(tmp_path, rope_parameters=newer)).rope_theta == 700.0


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"model_type": "mistral"}, "mistral"),
        ({"hidden_act": "gelu"}, "gelu"),
        ({"attention_bias": True}, "attention_bias"),
        ({"rope_scaling": {"rope_type": "llama3"}}, "rotary"),
    ],
)
def test_what_is_not_computed_is_refused_by_name(tmp_path: Path, change: dict[str, Any], word: str) -> None:
    with pytest.raises(UnsupportedModel, match=word):
        Llama.load(folder(tmp_path, **change))


def test_a_missing_tensor_or_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="safetensors"):
        Llama.load(tmp_path)
    folder(tmp_path)
    incomplete = tensors(SIZES, True)
    del incomplete["model.layers.1.mlp.up_proj.weight"]
    save_file(incomplete, tmp_path / "model.safetensors")
    with pytest.raises(UnsupportedModel, match=r"layers\.1\.mlp\.up_proj"):
        Llama.load(tmp_path)


def test_bfloat16_tensors_are_read(tmp_path: Path) -> None:
    exact = np.array([[1.0, -2.5], [0.0, 3.0e38]], np.float32)
    upper = (exact.view(np.uint32) >> 16).astype(np.uint16)
    stored = save({"w": upper}).replace(b'"U16"', b'"BF16"')
    # The header got a byte longer: its length stands in front, and one space of padding makes room.
    size = int.from_bytes(stored[:8], "little") + 1
    (tmp_path / "w.safetensors").write_bytes(size.to_bytes(8, "little") + stored[8:])
    assert np.allclose(read_tensors(tmp_path / "w.safetensors")["w"], exact, rtol=1e-2)


def test_prefixes_are_found_and_old_ones_give_way() -> None:
    config = LlamaConfig.read(WEIGHTS)
    prefixes = PrefixCache(entries=2)
    caches = {name: KVCache(config, 4) for name in "abc"}
    prefixes.add(np.array([1, 2, 3, 4]), caches["a"])
    assert prefixes.longest(np.array([1, 2, 9])) == (2, caches["a"])
    assert prefixes.longest(np.array([9])) == (0, None)
    prefixes.add(np.array([7, 7, 7, 7]), caches["b"])
    prefixes.add(np.array([1, 2, 3, 5]), caches["c"])
    # The first entry went, though it was used last: the third holds most of it.
    assert prefixes.longest(np.array([1, 2, 3, 4])) == (3, caches["c"])
    assert prefixes.longest(np.array([7, 7])) == (2, caches["b"])


def test_the_shipped_model_is_small_and_has_vllms_head_size() -> None:
    config = LlamaConfig.read(WEIGHTS)
    assert config.max_positions >= 2048
    assert config.head_dim in {32, 64, 128}
    assert sum(file.stat().st_size for file in WEIGHTS.iterdir()) <= 8_000_000
