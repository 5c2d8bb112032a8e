"""What an answer is worth: pure functions, one module a family.

`answers` compares one answer with the gold one, `code` has pass@k.
"""

from proctor.metrics.answers import exact_match, same_number
from proctor.metrics.code import pass_at, pass_at_k

__all__ = ["exact_match", "pass_at", "pass_at_k", "same_number"]
