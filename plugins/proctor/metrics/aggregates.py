"""Scores that are no mean of samples: corpus metrics, by name.

A judge gives such a metric a value that is a number or several, `score(answer, mcc=(predicted, gold))`, and the
benchmark says what makes a score of all of them: `Benchmark(..., aggregate={"mcc": matthews})`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from proctor.metrics.classes import balanced_accuracy, f1_of_class, gap, macro_f1, matthews, parity, question_em
from proctor.metrics.likelihoods import bits_per_byte, perplexity, word_perplexity
from proctor.metrics.options import scoring_rate
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
    share: bool = True


AGGREGATES: Mapping[str, Aggregate] = MappingProxyType(
    {
        "macro_f1": Aggregate(macro_f1, share=True),
        "balanced_accuracy": Aggregate(balanced_accuracy, share=True),
        "f1_of_class": Aggregate(f1_of_class, share=True),
        "question_em": Aggregate(question_em, share=True),
        "parity": Aggregate(parity, share=True),
        "scoring_rate": Aggregate(scoring_rate, share=True),
        "gap": Aggregate(gap, share=True),
        "matthews": Aggregate(matthews, share=False),
        "perplexity": Aggregate(perplexity, share=False),
        "word_perplexity": Aggregate(word_perplexity, share=False),
        "bits_per_byte": Aggregate(bits_per_byte, share=False),
        "bleu": Aggregate(bleu, share=False),
        "chrf": Aggregate(chrf, share=False),
    }
)
