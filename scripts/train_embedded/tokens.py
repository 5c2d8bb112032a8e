"""The tokenizer of the embedded model, and training rows of equal length."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from train_embedded.corpus import document
from train_embedded.plan import EVEN, Phase

END = "<|endoftext|>"
VOCABULARY = 2048

Batch = tuple[NDArray[np.int16], NDArray[np.float16]]
"""Token ids and loss weights of the same shape: (rows, length), or (length,) for one document."""


def train_tokenizer(documents: int = 6000) -> Tokenizer:
    """Byte-level BPE whose digits stand alone; a text gets exactly one `END` in front, as its beginning-of-text."""
    tokenizer = Tokenizer(models.BPE())
    digits = pre_tokenizers.Digits(individual_digits=True)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([digits, pre_tokenizers.ByteLevel(add_prefix_space=False)])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[END],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator((document(index, 4, EVEN).text for index in range(documents)), trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single=f"{END} $A", special_tokens=[(END, 0)])
    return tokenizer


def batches(tokenizer: Tokenizer, phase: Phase) -> Iterator[Batch]:
    """The phase's batches. Rows are filled with whole documents, each behind an `END`, and cut at their end.

    So a row begins with a document, and an answer never refers to what a cut took away.
    """
    stream = _encoded(tokenizer, phase)
    for _ in range(phase.steps):
        ids = np.zeros((phase.rows, phase.length), np.int16)
        weights = np.zeros((phase.rows, phase.length), np.float16)
        for row in range(phase.rows):
            filled = 0
            while filled < phase.length:
                tokens, weight = next(stream)
                fit = min(len(tokens), phase.length - filled)
                ids[row, filled : filled + fit], weights[row, filled : filled + fit] = tokens[:fit], weight[:fit]
                filled += fit
        yield ids, weights


def _encoded(tokenizer: Tokenizer, phase: Phase) -> Iterator[Batch]:
    """The phase's documents over and over, as tokens with a weight each: that of a token's last character."""
    first = 0
    while True:
        numbers = [phase.first + index % phase.documents for index in range(first, first + 256)]
        documents = [document(number, phase.longest, phase.mix) for number in numbers]
        first += len(documents)
        encodings = tokenizer.encode_batch([one.text for one in documents])
        for one, encoding in zip(documents, encodings, strict=True):
            by_character = np.concatenate([np.full(len(text), weight, np.float16) for text, weight in one.pieces])
            ends = np.array([end for _, end in encoding.offsets[1:]])
            weights = np.concatenate([np.ones(1, np.float16), by_character[ends - 1]])
            yield np.array(encoding.ids, np.int16), weights
