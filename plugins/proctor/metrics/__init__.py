"""What an answer is worth: pure functions, one module a family.

`answers` compares one answer with the gold one, `options` sets of options and lists of answers, `code` has pass@k.
"""

from proctor.metrics.answers import exact_match, same_number
from proctor.metrics.code import pass_at, pass_at_k
from proctor.metrics.options import half_marks, share_right

__all__ = ["exact_match", "half_marks", "pass_at", "pass_at_k", "same_number", "share_right"]
