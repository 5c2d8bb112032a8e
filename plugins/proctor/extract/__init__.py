"""Reading the answer out of what a model wrote: pure functions that never raise, in time linear in the text.

One module a family: numbers, letters, spans, code; what they share stands in `texts`.
"""

from proctor.extract.code import function_body
from proctor.extract.letters import choice_letter
from proctor.extract.numbers import final_number, number
from proctor.extract.spans import no_answer, span
from proctor.extract.texts import after, split_thinking

__all__ = [
    "after",
    "choice_letter",
    "final_number",
    "function_body",
    "no_answer",
    "number",
    "span",
    "split_thinking",
]
