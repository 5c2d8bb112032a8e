"""What an answer is worth: pure functions, one module a family.

`answers` compares one answer with the gold one, `code` has pass@k; `aggregates` are scores that are no mean of samples.
`answers` compares one answer with the gold one, `options` sets of options and lists of answers, `code` has pass@k.
`answers` compares one answer with the gold one, `equations` two mathematical ones, `theorems` by TheoremQA's types;
`code` has pass@k.
"""

from proctor.metrics.aggregates import AGGREGATES, Aggregate
from proctor.metrics.answers import exact_match, same_number
from proctor.metrics.code import pass_at, pass_at_k
__all__ = [
    "AGGREGATES",
    "Aggregate",
    "equivalent",
    "exact_match",
    "half_marks",
    "pass_at",
    "pass_at_k",
    "same_number",
    "same_theorem_answer",
    "share_right",
]
