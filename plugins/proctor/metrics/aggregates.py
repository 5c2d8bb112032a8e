"""Metrics that are not the mean of the samples' values, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from proctor.metrics.classes import balanced_accuracy, f1_of_class, macro_f1, matthews, parity, question_em
from proctor.metrics.likelihoods import bits_per_byte, perplexity, word_perplexity
from proctor.metrics.translation import bleu, chrf

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Aggregate:
    """A metric of all samples' values.

    function: of an array of shape (samples, width), one number. share: whether that number is a share, 0..1, which
    may be shown as a percentage; else it is on its own scale (BLEU 0..100, perplexity from 1, correlation -1..1).
    """

    function: Callable[[NDArray[np.float64]], float]
    share: bool


AGGREGATES: Mapping[str, Aggregate] = MappingProxyType(
    {
        "macro_f1": Aggregate(macro_f1, share=True),
        "balanced_accuracy": Aggregate(balanced_accuracy, share=True),
        "f1_of_class": Aggregate(f1_of_class, share=True),
        "question_em": Aggregate(question_em, share=True),
        "parity": Aggregate(parity, share=True),
        "matthews": Aggregate(matthews, share=False),
        "perplexity": Aggregate(perplexity, share=False),
        "word_perplexity": Aggregate(word_perplexity, share=False),
        "bits_per_byte": Aggregate(bits_per_byte, share=False),
        "bleu": Aggregate(bleu, share=False),
        "chrf": Aggregate(chrf, share=False),
    }
)
