"""What log-likelihoods of choices and of texts are worth."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Ranked(Protocol):
    """Choices ranked by log-likelihood, as an ask gives them."""

    def letter(self, per: Literal["none", "bytes", "characters"] = "none") -> str | None:
        """The letter of the likeliest choice, its log-likelihood divided by its length."""


def accuracies(ranking: Ranked, target: str) -> dict[str, bool]:
    """Whether the choice of the letter `target` is the likeliest, by three lengths.

    acc: not divided by any; acc_norm: per byte of the choice, as Gao 2021 ("Multiple Choice Normalization in LM
    Evaluation") argues for; acc_norm_chars: per character, which lm-evaluation-harness calls acc_norm.
    """
    return {
        "acc": ranking.letter() == target,
        "acc_norm": ranking.letter("bytes") == target,
        "acc_norm_chars": ranking.letter("characters") == target,
    }


def mc1(likelihoods: Sequence[float], labels: Sequence[bool]) -> bool:
    """Whether the likeliest choice is true; false where a false one is as likely.

    TruthfulQA (Lin et al. 2022, arXiv:2109.07958, section 2; `MC_calcs` in truthfulqa/models.py): the best answer
    is strictly above every false one. `likelihoods` are natural logarithms, in any order; `labels` say which are true.
    """
    true, false = _sides(likelihoods, labels)
    return bool(true) and max(true) > max(false, default=-math.inf)


def mc2(likelihoods: Sequence[float], labels: Sequence[bool]) -> float:
    """Probability mass on the true choices, normalized over all: Σ true p / Σ p.

    TruthfulQA, as `mc1`. Computed by log-sum-exp, so that it neither underflows nor depends on the order. The official
    code halves the logarithms of one side until it no longer underflows, which changes the value; we do not.
    0 where every choice is impossible.
    """
    true, false = _sides(likelihoods, labels)
    top = max(true + false, default=-math.inf)
    if top == -math.inf:
        return 0.0
    mass, rest = (math.fsum(math.exp(one - top) for one in side) for side in (true, false))
    return mass / (mass + rest)


def _sides(likelihoods: Sequence[float], labels: Sequence[bool]) -> tuple[list[float], list[float]]:
    """Those of true and of false choices. No number, or a positive logarithm without end, is an impossible choice."""
    plain = [one if one < math.inf else -math.inf for one in likelihoods]
    pairs = list(zip(plain, labels, strict=False))
    return [one for one, label in pairs if label], [one for one, label in pairs if not label]


def perplexity(values: NDArray[np.float64]) -> float:
    """exp(- mean log-likelihood); one column: log-likelihood of a sample in nats.

    LAMBADA's: the sample is the last word (Radford et al. 2019), whatever its tokens.
    """
    first = values if values.ndim == 1 else values[:, 0]
    return _exp(-float(first.sum()), len(first))


def word_perplexity(values: NDArray[np.float64]) -> float:
    """exp(- Σ log-likelihood / Σ words); columns: log-likelihood of a sample in nats, its words."""
    return _exp(-float(values[:, 0].sum()), float(values[:, 1].sum()))


def bits_per_byte(values: NDArray[np.float64]) -> float:
    """- Σ log-likelihood / (ln 2 · Σ bytes); columns: log-likelihood of a sample in nats, its bytes in UTF-8.

    Gao et al. 2020 (The Pile, arXiv:2101.00027), section 3.1.
    """
    size = float(values[:, 1].sum())
    return -float(values[:, 0].sum()) / (math.log(2) * size) if size else math.nan


def _exp(surprise: float, count: float) -> float:
    if not count:
        return math.nan
    try:
        return math.exp(surprise / count)
    except OverflowError:
        return math.inf
