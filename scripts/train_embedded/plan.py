"""How much is trained on what. A test regenerates all documents named here and compares them with the samples.

The shipped weights were made in parts: most phases began from saved float16 weights (``--skip``) with
fresh momentum. A run in one go follows the same plan and ends close by, not in the same bits.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mix:
    """Shares of the kinds of document; what is left are plain statements of facts."""

    problems: float
    choices: float
    recall: float = 0.0
    """Questions about facts that are answered in words, without options."""
    keys: float = 0.0
    """Lists of options, after which each is named with its letter."""
    told: float = 0.0
    """The share of the multiple-choice questions whose answer stands in the question."""
    letter: float = 4.0
    """The weight of an answer's letter in the loss; it is one token of fifty."""


@dataclass(frozen=True)
class Phase:
    """Steps of `rows` rows of `length` tokens, from `documents` documents of up to `longest` problems.

    The documents are numbered from `first` on; where they are used up, they begin again.
    """

    mix: Mix
    longest: int
    first: int
    documents: int
    length: int
    rows: int
    steps: int
    rates: tuple[float, float]
    """Learning rates at the phase's first and last step, in parts of the peak; in between a straight line."""


EVEN = Mix(problems=0.48, choices=0.46)
# With options alone the letters stay at chance for long. To know the answer in words, and to find the letter of a
# word that was just told, are learnt sooner, and together they make the skill.
LETTERS = Mix(problems=0.38, choices=0.48, recall=0.1, told=0.35, letter=8.0)
CALM = Mix(problems=0.38, choices=0.48, recall=0.1, told=0.35)
KEYS = Mix(problems=0.3, choices=0.48, recall=0.05, keys=0.14, told=0.5)
SUMS = Mix(problems=0.75, choices=0.22)

PHASES = (
    # Short texts first: attention costs little, and every token has its answer near.
    Phase(EVEN, longest=4, first=0, documents=24_000, length=256, rows=10, steps=800, rates=(1.0, 1.0)),
    Phase(LETTERS, longest=4, first=100_000, documents=4_000, length=256, rows=10, steps=200, rates=(1.0, 1.0)),
    Phase(CALM, longest=4, first=200_000, documents=2_000, length=256, rows=10, steps=100, rates=(0.35, 0.31)),
    # Then as long as few-shot prompts are: a position that was never seen gives nonsense.
    Phase(KEYS, longest=9, first=0, documents=500, length=1024, rows=2, steps=50, rates=(0.35, 0.31)),
    Phase(KEYS, longest=9, first=10_000, documents=1_000, length=1024, rows=2, steps=120, rates=(0.3, 0.0)),
    Phase(KEYS, longest=9, first=20_000, documents=4_000, length=1024, rows=2, steps=380, rates=(0.3, 0.0)),
    Phase(SUMS, longest=9, first=30_000, documents=4_000, length=1024, rows=2, steps=300, rates=(0.35, 0.0)),
)
