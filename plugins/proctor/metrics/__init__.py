"""What an answer is worth: pure functions, one module a family.

`answers` compares one answer with the gold one, `code` has pass@k; `aggregates` are scores that are no mean of samples.
`answers` compares one answer with the gold one, `options` sets of options and lists of answers, `code` has pass@k.
`answers` compares one answer with the gold one, `equations` two mathematical ones, `theorems` by TheoremQA's types;
`code` has pass@k.
`answers` compares one answer with the gold one, `spans` its words with several gold answers as the official scorers
do, `code` has pass@k. `classes`, `likelihoods` and `translation` have metrics of all samples at once, which
`aggregates` lists by name.
"""

from proctor.metrics.aggregates import AGGREGATES, Aggregate
from proctor.metrics.answers import exact_match, same_number
from proctor.metrics.classes import balanced_accuracy, f1_of_class, macro_f1, matthews, parity, question_em
from proctor.metrics.code import pass_at, pass_at_k
__all__ = [
    "AGGREGATES",
    "Aggregate",
    "CANNOT_ANSWER",
    "QUAC_LEAST_HUMAN_F1",
    "balanced_accuracy",
    "bits_per_byte",
    "bleu",
    "bleu_statistics",
    "character_exact",
    "character_f1",
    "chrf",
    "chrf_statistics",
    "equivalent",
    "exact",
    "exact_match",
    "f1_of_class",
    "half_marks",
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
    "share_right",
    "signature",
    "token_f1",
    "trivia_exact",
    "trivia_f1",
    "trivia_normalized",
    "word_perplexity",
]
]
