"""How much is trained on what. A test regenerates all documents named here and compares them with the samples."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Phase:
    """Steps of `rows` rows of `length` tokens, from documents 0 to `documents` of up to `longest` problems.

    Where the documents are used up, they begin again.
    """

    longest: int
    documents: int
    length: int
    rows: int
    steps: int


PHASES = (
    # Short texts first: attention costs little, and every token has its answer near.
    Phase(longest=4, documents=24_000, length=256, rows=10, steps=2000),
    # Then as long as few-shot prompts are, so that all their positions are seen.
    Phase(longest=14, documents=2_200, length=2048, rows=2, steps=350),
)
