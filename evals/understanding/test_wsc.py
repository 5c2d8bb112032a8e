"""WSC (Levesque et al. 2012), SuperGLUE's validation split (arXiv:1905.00537): does a pronoun refer to a noun?

ppl: the protocol whose numbers are quoted (lm-evaluation-harness, 0-shot): the pronoun between asterisks, no spaces
around quotation marks and before punctuation, and the likelier of " no" and " yes". gen: the same prompt, and what is
written is read as yes or no. accuracy: share of right answers; always "no" gets 63.5.
Where SuperGLUE's file is off by one in saying which word is the pronoun, that is mended, as in "wsc.fixed".
"""

import re

from proctor import Benchmark, Sample, generate, rank
from proctor.extract import boolean

SPACED = {" n't": "n't", " )": ")", "( ": "(", '" ': '"', ' "': '"', " '": "'", " .": ".", " ,": ","}

wsc = Benchmark(
    "wsc",
    main="accuracy",
    version=2,
    prompt=(
        "Passage: {{ passage }}\nQuestion: In the passage above, does the pronoun "
        '"*{{ pronoun }}*" refer to "*{{ noun }}*"?\nAnswer:'
    ),
    answer=" {{ target }}\n\n",
)


@wsc.rows
def read(row):
    noun, pronoun = row["target"]["span1_text"], row["target"]["span2_text"]
    passage = marked(row["text"], pronoun, row["target"]["span2_index"])
    for spaced, close in SPACED.items():
        passage = passage.replace(spaced, close)
    return Sample(
        passage=passage,
        choices=["no", "yes"],
        target={False: "no", True: "yes"}[row["label"]],
        cluster=row["text"],
        metadata={"noun": noun, "pronoun": pronoun},
    )


def marked(text, pronoun, index):
    """The text with the pronoun that is word `index`, from 0, or one beside it, between asterisks."""
    for place in (index, index + 1, max(index - 1, 0)):
        found = re.match(rf"((?:\S+\s+){{{place}}}){re.escape(pronoun)}(?!\w)", text)
        if found:
            return f"{found[1]}*{pronoun}*{text[found.end() :]}"
    raise ValueError(f"span2_index: {pronoun!r} is not word {index} of the text")


@wsc.test(rank(), default=True)
def test_wsc_ppl(sample, output, score):
    score(output.choice, accuracy=output.choice == sample.target)


@wsc.test(generate(max_tokens=32, stop=["\n\n"]))
def test_wsc_gen(sample, output, score):
    answer = {True: "yes", False: "no"}.get(boolean(output.text))
    score(answer, accuracy=answer == sample.target)
