"""How much is trained on what. A test regenerates all documents named here and compares them with the samples.

The shipped weights were made in parts: all phases but the first of FACTS began from saved float16 weights
(``--skip``) with fresh momentum, that one without a warm-up, and in KEYS letters weighed half as much. A run in one
go follows the same plan and ends close by, not in the same bits.
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
    before: float = 0.0
    """The share of those lists before which one option is told, to be answered as a question is."""
    told: float = 0.0
    """The share of the multiple-choice questions whose answer stands in the question."""


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
    """Learning rates at the phase's first and last step, in parts of the peak; in between a straight line,
    after a short warm-up."""


EVEN = Mix(problems=0.48, choices=0.46)
KEYS = Mix(problems=0.0, choices=0.0, keys=1.0)
ASKED = Mix(problems=0.0, choices=0.0, keys=1.0, before=0.85)
SOFT = Mix(problems=0.25, choices=0.25, recall=0.12, keys=0.35, before=0.8, told=0.6)
FACTS = Mix(problems=0.36, choices=0.4, recall=0.12, keys=0.1, before=0.8, told=0.35)
ALL = Mix(problems=0.5, choices=0.37, recall=0.05, keys=0.06, before=0.8, told=0.25)

PHASES = (
    # To find a letter comes first and alone.
    Phase(KEYS, longest=3, first=0, documents=6_000, length=96, rows=32, steps=200, rates=(1.0, 1.0)),
    Phase(ASKED, longest=3, first=10_000, documents=8_000, length=96, rows=32, steps=100, rates=(1.0, 1.0)),
    # Then language softly, or its far larger losses wash the letters away.
    Phase(SOFT, longest=4, first=20_000, documents=4_000, length=256, rows=12, steps=250, rates=(0.3, 1.0)),
    # Short texts: attention costs little, and every token has its answer near.
    Phase(FACTS, longest=4, first=30_000, documents=9_000, length=256, rows=12, steps=600, rates=(1.0, 0.6)),
    Phase(FACTS, longest=4, first=40_000, documents=8_000, length=256, rows=12, steps=500, rates=(0.6, 0.3)),
    # Then as long as few-shot prompts are: a position that was never seen gives nonsense.
    Phase(ALL, longest=9, first=60_000, documents=2_200, length=1024, rows=3, steps=200, rates=(0.4, 0.0)),
)
