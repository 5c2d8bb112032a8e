"""BLEU and chrF of a corpus, by sacrebleu (Post 2018): a sentence has statistics, the corpus the score of their sum.

The mean of sentence scores is another number. A sentence's statistics are a metric of several columns, which
`bleu` and `chrf` turn into the corpus score: exactly sacrebleu's `corpus_bleu` and `corpus_chrf` in its defaults.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from sacrebleu import BLEU, CHRF

_CHINESE = frozenset({"zh", "zho", "chi", "cmn", "yue", "lzh", "chinese"})
_ORDERS = 4


def bleu_statistics(hypothesis: str | None, references: Sequence[str], target_language: str) -> tuple[int, ...]:
    """Length of hypothesis and of the closest reference, matches of 1- to 4-grams, 1- to 4-grams: 10 numbers.

    Papineni et al. 2002. Tokenizer `zh` where the target is Chinese ("zh", "zh-CN", "zho_simpl"), else `13a`. Nothing
    extracted is an empty hypothesis, which the brevity penalty counts.
    """
    score = _bleu(_is_chinese(target_language)).corpus_score([hypothesis or ""], [[one] for one in references or [""]])
    return (int(score.sys_len), int(score.ref_len), *map(int, score.counts), *map(int, score.totals))


def chrf_statistics(hypothesis: str | None, references: Sequence[str]) -> tuple[int, ...]:
    """For characters' 1- to 6-grams: those of the hypothesis, of the reference, of both: 18 numbers.

    Popović 2015. Of several references the one with the best sentence score, as in sacrebleu.
    """
    metric = _chrf()
    # sacrebleu offers no other way to the numbers; the test against corpus_chrf tells when this one changes.
    found = metric._extract_corpus_statistics([hypothesis or ""], [[one] for one in references or [""]])
    return tuple(map(int, found[0]))


def bleu(values: NDArray[np.float64]) -> float:
    """Corpus BLEU, 0..100, of rows of `bleu_statistics`: smoothing `exp`, as sacrebleu's default."""
    from sacrebleu import BLEU

    if not len(values):
        return math.nan
    sums = [int(one) for one in values.sum(axis=0)]
    correct, total = sums[2 : 2 + _ORDERS], sums[2 + _ORDERS :]
    return float(BLEU.compute_bleu(correct, total, sums[0], sums[1], smooth_method="exp").score)


def chrf(values: NDArray[np.float64]) -> float:
    """Corpus chrF (chrF2), 0..100, of rows of `chrf_statistics`."""
    if not len(values):
        return math.nan
    return float(_chrf()._compute_score_from_stats([int(one) for one in values.sum(axis=0)]).score)


def signature(metric: Literal["bleu", "chrf"], target_language: str, references: int = 1) -> str:
    """sacrebleu's signature, for the report: `nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0`."""
    from sacrebleu import BLEU, CHRF

    made = BLEU(tokenize=_tokenizer(_is_chinese(target_language))) if metric == "bleu" else CHRF()
    # The signature tells the number of references of the corpus scored last.
    made.corpus_score(["x"], [["x"]] * max(references, 1))
    return str(made.get_signature())


def _is_chinese(language: str) -> bool:
    return language.lower().replace("_", "-").partition("-")[0] in _CHINESE


def _tokenizer(chinese: bool) -> str:
    return "zh" if chinese else "13a"


@lru_cache(maxsize=2)
def _bleu(chinese: bool) -> BLEU:
    from sacrebleu import BLEU

    # force: no warning about a hypothesis that looks tokenized.
    return BLEU(tokenize=_tokenizer(chinese), force=True)


@lru_cache(maxsize=1)
def _chrf() -> CHRF:
    from sacrebleu import CHRF

    return CHRF()
