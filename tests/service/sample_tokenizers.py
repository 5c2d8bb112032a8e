"""Small tokenizers of the kinds that models have, built from a few sentences."""

from __future__ import annotations

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

SENTENCES = [
    "The quick brown fox jumps over the lazy dog.",
    "Question: What is the capital of France? Answer: Paris",
    "Question: What is 6 times 7? Answer: 42",
    "one, two, three, four, five; A B C D E",
    "Antwort: größer, naïve café, 北京 大学, Ответ: да",
] * 4
ALPHABET = sorted({character for sentence in SENTENCES for character in sentence} | {"\n"})


def byte_level(bos: bool = False, trim_offsets: bool = True) -> Tokenizer:
    """Byte-level BPE, as in GPT-2 and Llama 3. `bos`: `<s>` stands before every text."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<s>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(SENTENCES, trainer)
    steps = [processors.ByteLevel(trim_offsets=trim_offsets)]
    if bos:
        steps.append(_template(tokenizer))
    tokenizer.post_processor = processors.Sequence(steps)
    return tokenizer


def merging() -> Tokenizer:
    """BPE without pre-tokenization: tokens run across spaces and borders, and a text may begin with no BOS."""
    tokenizer = Tokenizer(models.BPE(byte_fallback=False, unk_token="<unk>"))
    tokenizer.decoder = decoders.Fuse()
    trainer = trainers.BpeTrainer(
        vocab_size=300, special_tokens=["<unk>", "</s>"], initial_alphabet=ALPHABET, show_progress=False
    )
    tokenizer.train_from_iterator(SENTENCES, trainer)
    return tokenizer


def metaspace(bos: bool = True) -> Tokenizer:
    """BPE in SentencePiece's manner with byte fallback, as in Llama 2: spaces are `▁`, one is put in front."""
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=600,
        special_tokens=["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))],
        initial_alphabet=[chr(code) for code in range(33, 127)],
        show_progress=False,
    )
    tokenizer.train_from_iterator(SENTENCES, trainer)
    if bos:
        tokenizer.post_processor = _template(tokenizer)
    return tokenizer


def _template(tokenizer: Tokenizer) -> processors.TemplateProcessing:
    names = [(name, tokenizer.token_to_id(name)) for name in ("<s>", "</s>")]
    return processors.TemplateProcessing(single="<s> $A </s>", pair="<s> $A </s> $B </s>", special_tokens=names)
