"""Log-probabilities of real rows by a vLLM that --model started, beside those that transformers computes.

Runs where PROCTOR_VLLM_PYTHON names a Python with vLLM and transformers in it, and the published data lie beside the
checkout. The weights are the embedded model's; those of a real one have a file of their own, for another worker.
"""

import json
import shutil
from pathlib import Path

from exact_likelihoods import DATA, NEEDED, ROOT, WEIGHTS, compare
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

pytestmark = NEEDED


def merging(folder: Path) -> Path:
    """The embedded weights with a tokenizer whose tokens run across words, and so across the border."""
    shutil.copytree(WEIGHTS, folder)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=2000, initial_alphabet=alphabet, show_progress=False)
    rows = (DATA / "mmlu").glob("dev/*.csv*"), (ROOT / "data").glob("*/*.jsonl"), (ROOT / "docs").glob("*.md")
    texts = [path.read_bytes().decode(errors="ignore") for paths in rows for path in paths if path.suffix != ".gz"]
    # Pieces of the length of a prompt: pairs that stand across their borders are among those that are merged.
    pieces = [
        text[at : at + 300]
        for text in [*texts, *(f"Answer: {one}\n" for one in "ABCD" * 200)]
        for at in range(0, len(text), 300)
    ]
    tokenizer.train_from_iterator(pieces, trainer)
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    for key in ("bos_token", "eos_token"):
        settings.pop(key, None)
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return folder


def test_with_tokens_across_words(tmp_path: Path):
    compare(merging(tmp_path / "merging"), tmp_path, straddles=True)


def test_with_a_token_that_begins_a_text(tmp_path: Path):
    compare(Path(shutil.copytree(WEIGHTS, tmp_path / "bos")), tmp_path, straddles=False)
