"""What an answer is worth: pure functions, one module a family.

`answers` compares one answer with the gold one; `options` sets of options and lists of answers; `equations` two
mathematical ones; `theorems` by TheoremQA's types; `spans` words with several gold answers, as the official scorers do,
and `drop` DROP's numbers and lists of spans; `code` has pass@k; `instructions` says whether a response follows some,
with `sentences` as nltk counts them. `classes`, `likelihoods` and `translation` have metrics of all samples at once,
which `aggregates` lists by name.
"""

from proctor.metrics.aggregates import AGGREGATES, Aggregate
from proctor.metrics.answers import exact_match, same_number
from proctor.metrics.classes import balanced_accuracy, f1_of_class, gap, macro_f1, matthews, parity, question_em
from proctor.metrics.code import pass_at, pass_at_k
from proctor.metrics.drop import drop_scores
from proctor.metrics.equations import equivalent
from proctor.metrics.instructions import follows, follows_loosely, instructions_of
from proctor.metrics.likelihoods import accuracies, bits_per_byte, mc1, mc2, perplexity, word_perplexity
from proctor.metrics.options import half_marks, scoring_rate, share_right
from proctor.metrics.spans import (
    CANNOT_ANSWER,
    QUAC_LEAST_HUMAN_F1,
    character_exact,
    character_f1,
    exact,
    normalized,
    open_exact,
    open_f1,
    quac_f1,
    quac_human_f1,
    quac_references,
    token_f1,
    trivia_exact,
    trivia_f1,
    trivia_normalized,
)
from proctor.metrics.theorems import same_theorem_answer
from proctor.metrics.translation import bleu, bleu_statistics, chrf, chrf_statistics, signature

__all__ = [
    "AGGREGATES",
    "CANNOT_ANSWER",
    "QUAC_LEAST_HUMAN_F1",
    "Aggregate",
    "accuracies",
    "balanced_accuracy",
    "bits_per_byte",
    "bleu",
    "bleu_statistics",
    "character_exact",
    "character_f1",
    "chrf",
    "chrf_statistics",
    "drop_scores",
    "equivalent",
    "exact",
    "exact_match",
    "f1_of_class",
    "follows",
    "follows_loosely",
    "gap",
    "half_marks",
    "instructions_of",
    "macro_f1",
    "matthews",
    "mc1",
    "mc2",
    "normalized",
    "open_exact",
    "open_f1",
    "parity",
    "pass_at",
    "pass_at_k",
    "perplexity",
    "quac_f1",
    "quac_human_f1",
    "quac_references",
    "question_em",
    "same_number",
    "same_theorem_answer",
    "scoring_rate",
    "share_right",
    "signature",
    "token_f1",
    "trivia_exact",
    "trivia_f1",
    "trivia_normalized",
    "word_perplexity",
]
