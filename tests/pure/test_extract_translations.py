"""Translations as models write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from proctor.extract import translation

HE = "他来了。"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (HE, HE),
        (f" {HE}\n", HE),
        (f"\n\n{HE}", HE),
        (f"{HE}\n\nSource: She left.\nTarget: 她走了。", HE),
        (f"{HE}\n请将下面这段内容从英文翻译为中文：", HE),
        (f"译文：{HE}", HE),
        (f"译文：\n{HE}", HE),
        (f"翻译：{HE}", HE),
        (f"翻译结果：\n\n{HE}", HE),
        (f"**译文：** {HE}", HE),
        (f"Translation: {HE}", HE),
        (f"**Translation:** {HE}", HE),
        (f"Chinese translation: {HE}", HE),
        (f"The translation: {HE}", HE),
        (f"Target: {HE}", HE),
        (f"Here is the translation:\n\n{HE}", HE),
        (f"Here is the Chinese translation:\n\n“{HE}”", HE),
        (f'Sure! Here is the translation:\n"{HE}"\n\nLet me know if you need more.', HE),
        (f"Sure, here's the sentence in Chinese:\n\n**{HE}**", HE),
        (f"Certainly! Below is the translation:\n> \n{HE}", HE),
        (f"好的，以下是翻译：\n{HE}", HE),
        (f"以下是译文：\n\n{HE}\n\n希望对你有帮助。", HE),
        (f"这是翻译：\n「{HE}」", HE),
        (f"Here is the translation:\n```\n{HE}\n```", HE),
        (f"```text\n{HE}\n```", HE),
        (f"---\n{HE}", HE),
        (f"<think>He came. 他来了?</think>\n\n{HE}", HE),
        (f"<think>\nLong\n\nthoughts\n</think>译文：{HE}", HE),
        ("<think>He came, so", None),
        # What nothing announces stays as it is: it may be the translation's own.
        ("“他来了。”", "“他来了。”"),
        ('"He came," she said. "At last."', '"He came," she said. "At last."'),
        ('Translation: "He came," she said. "At last."', '"He came," she said. "At last."'),
        ("The list is as follows:", "The list is as follows:"),
        ("The translation bureau: a visit", "The translation bureau: a visit"),
        ("Here the road ends.", "Here the road ends."),
        ("He said: come.", "He said: come."),
        ("Okay, here it goes:", "Okay, here it goes:"),
        ("The target: three goals", "The target: three goals"),
        ("他来了。 (He came.)", "他来了。 (He came.)"),
        ("1. 他来了。", "1. 他来了。"),
        ("“他来了。”她说，“走吧。”", "“他来了。”她说，“走吧。”"),
        ("译文：", None),
        ("Translation:\n\n", None),
        ("", None),
        (" \n\n", None),
        (None, None),
    ],
)
def test_the_line_that_translates(text, found):
    assert translation(text) == found


@given(st.text(alphabet=st.sampled_from('译文：:\n "“”*`-Translation他')) | st.text())
def test_any_text_is_read(text):
    found = translation(text)
    assert found is None or (found == found.strip() and "\n" not in found)


def test_a_long_text_takes_no_time():
    for text in ("译文：\n" * 20_000, "Here is it:\n" * 10_000, "*_# " * 25_000, "a" * 100_000):
        translation(text)
