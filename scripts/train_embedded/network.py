"""The network in torch, for training only, with the parameter names of Hugging Face's Llama."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class Sizes:
    """The sizes of a Llama; they become its ``config.json``."""

    vocab_size: int
    hidden_size: int = 192
    num_hidden_layers: int = 6
    num_attention_heads: int = 6
    num_key_value_heads: int = 3
    intermediate_size: int = 576
    head_dim: int = 32
    max_position_embeddings: int = 8192
    rope_theta: float = 500000.0
    rms_norm_eps: float = 1e-5


CONSTANT = 0.4
"""What all embeddings have in their first channel, at first: a state to attend from and to without regard to words."""
FAST = 4
"""Rotary frequencies that turn fast enough to tell neighbours apart."""


class Attention(nn.Module):
    """Causal grouped-query attention with rotary positions."""

    def __init__(self, s: Sizes) -> None:
        super().__init__()
        self.heads, self.kv_heads, self.head_dim = s.num_attention_heads, s.num_key_value_heads, s.head_dim
        self.q_proj = nn.Linear(s.hidden_size, self.heads * s.head_dim, bias=False)
        self.k_proj = nn.Linear(s.hidden_size, self.kv_heads * s.head_dim, bias=False)
        self.v_proj = nn.Linear(s.hidden_size, self.kv_heads * s.head_dim, bias=False)
        self.o_proj = nn.Linear(self.heads * s.head_dim, s.hidden_size, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """x (batch, length, hidden) -> the same shape."""
        batch, length, _ = x.shape
        q = _rotate(self.q_proj(x).view(batch, length, self.heads, self.head_dim).transpose(1, 2), cos, sin)
        k = _rotate(self.k_proj(x).view(batch, length, self.kv_heads, self.head_dim).transpose(1, 2), cos, sin)
        v = self.v_proj(x).view(batch, length, self.kv_heads, self.head_dim).transpose(1, 2)
        group = self.heads // self.kv_heads
        k, v = k.repeat_interleave(group, 1), v.repeat_interleave(group, 1)
        mixed = F.scaled_dot_product_attention(q, k, v.to(q.dtype), is_causal=True)
        out: Tensor = self.o_proj(mixed.transpose(1, 2).reshape(batch, length, -1))
        return out


class MLP(nn.Module):
    """SwiGLU."""

    def __init__(self, s: Sizes) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(s.hidden_size, s.intermediate_size, bias=False)
        self.up_proj = nn.Linear(s.hidden_size, s.intermediate_size, bias=False)
        self.down_proj = nn.Linear(s.intermediate_size, s.hidden_size, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """x (..., hidden) -> the same shape."""
        out: Tensor = self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))
        return out


class Block(nn.Module):
    """One decoder layer."""

    def __init__(self, s: Sizes) -> None:
        super().__init__()
        self.input_layernorm = nn.RMSNorm(s.hidden_size, eps=s.rms_norm_eps)
        self.self_attn = Attention(s)
        self.post_attention_layernorm = nn.RMSNorm(s.hidden_size, eps=s.rms_norm_eps)
        self.mlp = MLP(s)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """x (batch, length, hidden) -> the same shape."""
        x = x + self.self_attn(self.input_layernorm(x), cos, sin)
        out: Tensor = x + self.mlp(self.post_attention_layernorm(x))
        return out


class Network(nn.Module):
    """The decoder with a head tied to the embedding."""

    def __init__(self, s: Sizes) -> None:
        super().__init__()
        self.sizes = s
        self.embed_tokens = nn.Embedding(s.vocab_size, s.hidden_size)
        self.layers = nn.ModuleList(Block(s) for _ in range(s.num_hidden_layers))
        self.norm = nn.RMSNorm(s.hidden_size, eps=s.rms_norm_eps)
        nn.init.normal_(self.embed_tokens.weight, std=0.05)
        nn.init.constant_(self.embed_tokens.weight[:, 0].detach(), CONSTANT)
        for index, block in enumerate(self.layers):
            attention: Attention = block.self_attn  # type: ignore[assignment]
            nn.init.zeros_(attention.o_proj.weight)
            nn.init.zeros_(block.mlp.down_proj.weight)  # type: ignore[union-attr, arg-type]
            _prepare(attention, s, looking_back=2 if index == 0 else 1)

    def forward(self, tokens: Tensor) -> Tensor:
        """Token ids (batch, length) -> final states (batch, length, hidden)."""
        half = torch.arange(0, self.sizes.head_dim, 2) / self.sizes.head_dim
        angles = torch.outer(torch.arange(tokens.shape[1]).float(), self.sizes.rope_theta**-half)
        x = self.embed_tokens(tokens)
        for block in self.layers:
            x = block(x, angles.cos(), angles.sin())
        out: Tensor = self.norm(x)
        return out

    def losses(self, tokens: Tensor, asked: Tensor) -> Tensor:
        """Cross-entropies in nats (count,) of those tokens (batch, length) that are `asked`, given those before."""
        states = self(tokens[:, :-1])[asked[:, 1:]]
        logits = F.linear(states, self.embed_tokens.weight).float()
        return F.cross_entropy(logits, tokens[:, 1:][asked[:, 1:]], reduction="none")


@torch.no_grad()
def _prepare(attention: Attention, s: Sizes, looking_back: int) -> None:
    """Begin with heads that look at the last few tokens, and heads that look for the same: training only keeps them.

    The letter of an option is found in two moves: the option takes up the letter two places before it, then a state
    with the option's word finds it. From random weights neither move pays without the other, and none is learnt.

    The first `looking_back` groups of heads attend 1, 2, 3, ... places back, whatever stands there: query and key
    are made of the constant channel alone, so only the rotation by position decides, and the query starts d turned
    back. In the other groups the first head's query and key are one projection, in the slowly turning channels.
    """
    half, group = s.head_dim // 2, s.num_attention_heads // s.num_key_value_heads
    turns = s.rope_theta ** -(torch.arange(FAST) / half)
    q = attention.q_proj.weight.view(s.num_key_value_heads, group, 2, half, -1)
    k = attention.k_proj.weight.view(s.num_key_value_heads, 2, half, -1)
    q[:looking_back] = 0
    k[:looking_back] = 0
    k[:looking_back, 0, :FAST, 0] = 0.9
    for back in range(group * looking_back):
        angles = (back + 1) * turns
        q[back // group, back % group, :, :FAST, 0] = 0.9 * torch.stack([angles.cos(), -angles.sin()])
    same = k[looking_back:, :, half // 2 :]
    same.normal_(std=0.13)
    same[..., 0] = 0
    q[looking_back:, 0, :, half // 2 :] = same


def _rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    first, second = x.chunk(2, -1)
    cos, sin = cos.to(x.dtype), sin.to(x.dtype)
    return torch.cat([first * cos - second * sin, second * cos + first * sin], -1)
