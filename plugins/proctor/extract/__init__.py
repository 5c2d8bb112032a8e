"""Reading the answer out of what a model wrote: pure functions that never raise, in time linear in the text.

One module a family: numbers, letters, options, labels, latex, theorems, spans, translations, code; what they share
stands in `texts`.
"""

from proctor.extract.code import code_block, function_body
from proctor.extract.labels import boolean, label
from proctor.extract.latex import boxed, final_answer
from proctor.extract.letters import choice_letter
from proctor.extract.numbers import final_number, number
from proctor.extract.options import option_list, option_set
from proctor.extract.spans import no_answer, span
from proctor.extract.texts import after, own_answer, split_thinking
from proctor.extract.theorems import theorem_answer
from proctor.extract.translations import translation

__all__ = [
    "after",
    "boolean",
    "boxed",
    "choice_letter",
    "code_block",
    "final_answer",
    "final_number",
    "function_body",
    "label",
    "no_answer",
    "number",
    "option_list",
    "option_set",
    "own_answer",
    "span",
    "split_thinking",
    "theorem_answer",
    "translation",
]
