"""Where a continuation begins, and BOS exactly once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import sample_tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st
from proctor.errors import ServiceError
from proctor_service.tokenizer import TextTokenizer, load, with_rule
from tokenizers import Tokenizer, normalizers

EOS = {"eos_token": "</s>"}
KINDS = {
    "byte level": with_rule(sample_tokenizers.byte_level(), "byte level", EOS),
    "byte level with BOS": with_rule(sample_tokenizers.byte_level(bos=True), "byte level with BOS"),
    "merging": with_rule(sample_tokenizers.merging(), "merging", EOS),
    "metaspace": with_rule(sample_tokenizers.metaspace(), "metaspace"),
}
TEXT = st.one_of(
    st.text(st.sampled_from([*sample_tokenizers.ALPHABET, *"  "]), max_size=24),
    st.sampled_from(["Question: What is 6 times 7? Answer:", "The quick brown", "Antwort: größer, naïve caf", "北京"]),
)
WIDE = st.text(st.characters(exclude_categories=["Cs"]), max_size=16)


def kinds() -> pytest.MarkDecorator:
    return pytest.mark.parametrize("tokenizer", KINDS.values(), ids=KINDS)


def texts(tokenizer: TextTokenizer, ids: tuple[int, ...]) -> str:
    return str(tokenizer.inner.decode(list(ids), skip_special_tokens=False))


def check_border(tokenizer: TextTokenizer, context: str, continuation: str) -> None:
    """The rule, restated over an encoding of its own."""
    split = tokenizer.border(context, continuation)
    joint = tokenizer.inner.encode(context + continuation, add_special_tokens=False)
    assert split.ids[split.prefix :] == tuple(joint.ids)
    assert 0 < split.first < len(split.ids), "context and continuation both have tokens"
    edge = len(context.rstrip())
    past = [i + split.prefix for i, (_, end) in enumerate(joint.offsets) if end > edge]
    assert set(past) <= set(range(split.first, len(split.ids))), "every token that ends past the border counts"
    if past:
        assert split.first == past[0], "no token before the border counts"
    else:
        assert split.first == len(split.ids) - 1


@kinds()
@settings(max_examples=150, deadline=None)
@given(context=TEXT, continuation=TEXT.filter(bool))
def test_the_border_rule_holds_and_ids_decode_to_the_joint_text(
    tokenizer: TextTokenizer, context: str, continuation: str
):
    check_border(tokenizer, context, continuation)
    split = tokenizer.border(context, continuation)
    assert texts(tokenizer, split.ids[split.prefix :]) == context + continuation


@pytest.mark.parametrize("kind", ["byte level", "byte level with BOS", "metaspace"])
@settings(max_examples=100, deadline=None)
@given(context=WIDE, continuation=WIDE.filter(bool))
def test_the_border_rule_holds_for_any_characters(kind: str, context: str, continuation: str):
    check_border(KINDS[kind], context, continuation)


@kinds()
@settings(max_examples=100, deadline=None)
@given(context=TEXT, continuation=TEXT.filter(bool))
def test_white_space_at_the_end_of_a_context_belongs_to_the_continuation(
    tokenizer: TextTokenizer, context: str, continuation: str
):
    bare = context.rstrip()
    assert tokenizer.border(context, continuation) == tokenizer.border(bare, context[len(bare) :] + continuation)


def test_a_token_that_straddles_the_border_counts():
    tokenizer = KINDS["merging"]
    split = tokenizer.border("The quick br", "own fox")
    assert tokenizer.inner.id_to_token(split.ids[split.first]) == "The quick brow"
    assert tokenizer.inner.id_to_token(split.ids[0]) == "</s>", "nothing else is left to condition it on"


def test_a_continuation_within_one_token_is_not_empty():
    tokenizer = KINDS["merging"]
    split = tokenizer.border("Ans", "wer")
    assert len(split.ids) > split.first
    assert texts(tokenizer, split.ids[split.first :]).endswith("wer")


def test_trimmed_offsets_do_not_hide_a_straddling_token():
    """A token that ends in white space ends past the border, though its trimmed offsets do not say so."""
    trimming = sample_tokenizers.byte_level(trim_offsets=True)
    trimming.pre_tokenizer = None
    trimming.add_tokens(["fox "])
    trimmed = trimming.encode("fox jumps", add_special_tokens=False)
    split = with_rule(trimming, "trimming", EOS).border("fox", " jumps")
    assert trimmed.ids[0] == split.ids[1]
    assert split.first == 1


def test_a_character_split_over_several_tokens_stays_whole():
    tokenizer = KINDS["byte level"]
    assert len(tokenizer.inner.encode("龍").ids) == 3
    after = tokenizer.border("x", "龍")
    assert len(after.ids) - after.first == 3
    before = tokenizer.border("x龍", "y")
    assert len(before.ids) - before.first == 1


def test_a_normalizer_that_joins_across_the_border_leaves_a_token():
    inner = sample_tokenizers.byte_level()
    inner.normalizer = normalizers.NFC()
    split = with_rule(inner, "nfc", EOS).border("cafe", "\u0301")
    assert len(split.ids) > split.first


@pytest.mark.parametrize("kind", ["byte level with BOS", "metaspace"])
@pytest.mark.parametrize("text", ["The fox", "<s>The fox", "<s><s>The fox"])
def test_bos_stands_exactly_once(kind: str, text: str):
    tokenizer = KINDS[kind]
    bos = tokenizer.inner.token_to_id("<s>")
    ids = tokenizer.encode(text)
    assert ids[0] == bos
    assert ids.count(bos) == 1
    assert tokenizer.inner.token_to_id("</s>") not in ids, "what the post-processor appends is left out"
    split = tokenizer.border(text, " jumps")
    assert split.ids.count(bos) == 1
    assert split == tokenizer.border("The fox", " jumps")


def test_a_tokenizer_without_bos_gets_none():
    tokenizer = KINDS["byte level"]
    assert tokenizer.prefix == ()
    assert tokenizer.encode("The fox") == tokenizer.inner.encode("The fox").ids


def test_nothing_before_the_continuation_is_replaced_by_a_start_token():
    tokenizer = KINDS["byte level"]
    split = tokenizer.border("", "The fox")
    assert split.ids[0] == tokenizer.inner.token_to_id("</s>")
    assert split.first == split.prefix == 1
    without = with_rule(sample_tokenizers.byte_level(), "no special tokens")
    with pytest.raises(ValueError, match="BOS"):
        without.border("", "The fox")
    with pytest.raises(ValueError, match="empty"):
        tokenizer.border("", "")


def save(tokenizer: Tokenizer, folder: Path, **config: object) -> str:
    folder.mkdir(exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return str(folder)


def test_the_configuration_decides_about_bos_where_the_post_processor_is_silent(tmp_path: Path):
    for name, bos in (("text", "<s>"), ("serialized", {"content": "<s>", "lstrip": False})):
        asked = load(save(sample_tokenizers.byte_level(), tmp_path / name, add_bos_token=True, bos_token=bos))
        assert asked.prefix == (asked.inner.token_to_id("<s>"),)
        assert asked.prefix_text == "<s>"
    silent = load(save(sample_tokenizers.byte_level(), tmp_path / "silent", bos_token="<s>"))
    assert silent.prefix == ()
    assert silent.start == silent.inner.token_to_id("<s>")


def test_truncation_and_padding_of_the_file_are_switched_off(tmp_path: Path):
    inner = sample_tokenizers.byte_level()
    inner.enable_truncation(4)
    inner.enable_padding(length=64)
    tokenizer = load(save(inner, tmp_path))
    ids = tokenizer.encode(sample_tokenizers.SENTENCES[0])
    assert texts(tokenizer, tuple(ids)) == sample_tokenizers.SENTENCES[0]


def test_folders_and_files_are_read_alike(tmp_path: Path):
    folder = save(sample_tokenizers.metaspace(), tmp_path)
    assert load(folder).encode("a b") == load(f"{folder}/tokenizer.json").encode("a b")


@pytest.mark.parametrize("place", ["folder", "broken.json", "/no/such/place"])
def test_a_tokenizer_that_cannot_be_had_names_the_option(tmp_path: Path, place: str):
    (tmp_path / "folder").mkdir()
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(ServiceError, match="--tokenizer"):
        load(str(tmp_path / place))


def test_a_hub_id_that_cannot_be_had_names_the_option(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://no-such-hub.invalid")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ServiceError, match=r"nobody/nothing .* --tokenizer"):
        load("nobody/nothing")
