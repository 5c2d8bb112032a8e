"""Reading the answer out of what a model wrote: pure functions that never raise, in time linear in the text.

One module a family: numbers, letters, options, labels, code; what they share stands in `texts`.
"""

from proctor.extract.code import function_body
from proctor.extract.labels import boolean, label
from proctor.extract.letters import choice_letter
from proctor.extract.numbers import final_number, number
from proctor.extract.options import option_list, option_set
from proctor.extract.texts import after, split_thinking

__all__ = [
    "after",
    "boolean",
    "choice_letter",
    "final_number",
    "function_body",
    "label",
    "number",
    "option_list",
    "option_set",
    "split_thinking",
]
