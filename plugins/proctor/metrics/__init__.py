"""What an answer is worth: pure functions, one module a family.

`answers` compares one answer with the gold one, `equations` two mathematical ones, `theorems` by TheoremQA's types;
`code` has pass@k.
"""

from proctor.metrics.answers import exact_match, same_number
from proctor.metrics.code import pass_at, pass_at_k
from proctor.metrics.equations import equivalent
from proctor.metrics.theorems import same_theorem_answer

__all__ = ["equivalent", "exact_match", "pass_at", "pass_at_k", "same_number", "same_theorem_answer"]
