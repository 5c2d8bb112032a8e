"""IFEval's rules: what follows each instruction and what does not, sentences, loose forms, wild text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proctor.metrics import follows, follows_loosely, instructions_of
from proctor.metrics.instructions import FAMILIES, RULES, Instruction, loose_forms
from proctor.metrics.sentences import count_sentences

EXIST = {"keywords": ["tea", "milk"]}
OFTEN = {"keyword": "tea", "frequency": 2, "relation": "at least"}
RARE = {"keyword": "tea", "frequency": 2, "relation": "less than"}
THREE = {"num_sentences": 3, "relation": "at least"}
FEWER = {"num_sentences": 3, "relation": "less than"}
SECOND = {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "Well"}
CAPITALS = {"capital_frequency": 3, "capital_relation": "at least"}
TABLE = [
    ("keywords:existence", EXIST, "Milk first, then TEA.", True),
    ("keywords:existence", EXIST, "The team drinks milk.", True),  # within a longer word
    ("keywords:existence", EXIST, "Only tea.", False),
    ("keywords:existence", {"keywords": ["a.c"]}, "abc", True),  # a regular expression
    ("keywords:frequency", OFTEN, "Tea and tea.", True),
    ("keywords:frequency", OFTEN, "Tea, a steak.", True),
    ("keywords:frequency", OFTEN, "Tea.", False),
    ("keywords:frequency", RARE, "Tea.", True),
    ("keywords:frequency", RARE, "Tea and tea.", False),
    ("keywords:forbidden_words", {"forbidden_words": ["tea"]}, "The team drinks.", True),  # whole words
    ("keywords:forbidden_words", {"forbidden_words": ["tea"]}, "No Tea!", False),
    ("keywords:letter_frequency", {"letter": "A", "let_frequency": 3, "let_relation": "at least"}, "Banana", True),
    ("keywords:letter_frequency", {"letter": "A", "let_frequency": 4, "let_relation": "at least"}, "Banana", False),
    ("keywords:letter_frequency", {"letter": "#", "let_frequency": 2, "let_relation": "less than"}, "#a", True),
    ("keywords:letter_frequency", {"letter": "#", "let_frequency": 2, "let_relation": "less than"}, "#a #b", False),
    ("language:response_language", {"language": "de"}, "Heute regnet es den ganzen Tag in der Stadt.", True),
    ("language:response_language", {"language": "de"}, "It rains in the city all day long today.", False),
    ("language:response_language", {"language": "hi"}, "आज पूरे दिन शहर में बारिश हो रही है।", True),
    ("language:response_language", {"language": "de"}, "123 456", True),  # no language: counts as followed
    ("length_constraints:number_sentences", THREE, "One. Two! Three?", True),
    ("length_constraints:number_sentences", THREE, "Dr. Lee met Mr. Day at 5 p.m. in Bonn.", False),
    ("length_constraints:number_sentences", FEWER, "It cost $3.5 on Jan. 5 in St. Louis. So what?", True),
    ("length_constraints:number_sentences", FEWER, "One. Two. Three.", False),
    ("length_constraints:number_paragraphs", {"num_paragraphs": 2}, "One\n***\nTwo", True),
    ("length_constraints:number_paragraphs", {"num_paragraphs": 2}, "***\nOne\n***\nTwo\n***", True),
    ("length_constraints:number_paragraphs", {"num_paragraphs": 2}, "One\n***\n***\nTwo", False),
    ("length_constraints:number_paragraphs", {"num_paragraphs": 0}, "One\n***\n***\nTwo", False),
    ("length_constraints:number_paragraphs", {"num_paragraphs": 2}, "One\n\nTwo", False),
    ("length_constraints:number_words", {"num_words": 3, "relation": "at least"}, "It's me", True),  # It, s, me
    ("length_constraints:number_words", {"num_words": 3, "relation": "at least"}, "So what", False),
    ("length_constraints:number_words", {"num_words": 3, "relation": "less than"}, "So what", True),
    ("length_constraints:number_words", {"num_words": 3, "relation": "less than"}, "So what now", False),
    ("length_constraints:nth_paragraph_first_word", SECOND, 'One.\n\n"Well," she said.', True),
    ("length_constraints:nth_paragraph_first_word", SECOND, "One.\n\nWELL! Two.", True),
    ("length_constraints:nth_paragraph_first_word", SECOND, "One.\n\nTwo.", False),
    ("length_constraints:nth_paragraph_first_word", SECOND, "One.\n\nWell, two.\n\nThree.", False),
    ("length_constraints:nth_paragraph_first_word", SECOND, "One.\n\n\n\nWell, two.", False),  # the second is empty
    ("length_constraints:nth_paragraph_first_word", SECOND, "Well.", False),
    ("detectable_content:number_placeholders", {"num_placeholders": 2}, "[a] and []", True),
    ("detectable_content:number_placeholders", {"num_placeholders": 2}, "[[a] [b\n]", False),
    ("detectable_content:postscript", {"postscript_marker": "P.S."}, "Bye.\n\np. s. One more.", True),
    ("detectable_content:postscript", {"postscript_marker": "P.S."}, "Bye. PS: one more.", False),
    ("detectable_content:postscript", {"postscript_marker": "P.P.S"}, "P. P. S One more.", True),
    ("detectable_content:postscript", {"postscript_marker": "P.P.S"}, "P.S. One more.", False),
    ("detectable_content:postscript", {"postscript_marker": "Also:"}, "Bye. ALSO: one more.", True),
    ("detectable_format:number_bullet_lists", {"num_bullets": 2}, "Two:\n* one\n  - two", True),
    ("detectable_format:number_bullet_lists", {"num_bullets": 2}, "* one\n\n\n* two\n**three**", True),
    ("detectable_format:number_bullet_lists", {"num_bullets": 2}, "* one\n* two\n---", False),  # a line is a bullet
    ("detectable_format:number_bullet_lists", {"num_bullets": 2}, "1. one\n2. two", False),
    ("detectable_format:constrained_response", {}, "Well: My answer is no. So it is.", True),
    ("detectable_format:constrained_response", {}, "My answer is No.", False),
    ("detectable_format:number_highlighted_sections", {"num_highlights": 2}, "*a* and *b*", True),
    ("detectable_format:number_highlighted_sections", {"num_highlights": 2}, "**a**", False),
    ("detectable_format:number_highlighted_sections", {"num_highlights": 2}, "*a* * * **", False),
    ("detectable_format:multiple_sections", {"section_spliter": "PART", "num_sections": 2}, "PART 1\na\nPART 2", True),
    ("detectable_format:multiple_sections", {"section_spliter": "PART", "num_sections": 2}, "Part 1\na\nPart 2", False),
    (
        "detectable_format:multiple_sections",
        {"section_spliter": "PART", "num_sections": 2},
        "PART I\na\nPART II",
        False,
    ),
    ("detectable_format:json_format", {}, '```json\n{"a": [1]}\n```', True),
    ("detectable_format:json_format", {}, ' {"a": null} ', True),
    ("detectable_format:json_format", {}, 'Here it is: {"a": 1}', False),
    ("detectable_format:json_format", {}, "[" * 100_000, False),
    ("detectable_format:title", {}, "<<A Song>>\nLa la", True),
    ("detectable_format:title", {}, "<< >>\nLa la", False),
    ("detectable_format:title", {}, "<<A\nSong>>", False),
    ("detectable_format:title", {}, "<A Song>", False),
    ("combination:two_responses", {}, "One.\n******\nTwo.", True),
    ("combination:two_responses", {}, "One.\n******\nOne.", False),
    ("combination:two_responses", {}, "One.\n******\nTwo.\n******\nThree.", False),
    ("combination:repeat_prompt", {"prompt_to_repeat": "How are you? "}, "\nhow are you? Fine.", True),
    ("combination:repeat_prompt", {"prompt_to_repeat": "How are you?"}, "You ask: How are you?", False),
    ("startend:end_checker", {"end_phrase": "The end."}, '"So it was. the end."\n', True),
    ("startend:end_checker", {"end_phrase": "The end."}, "The end. Bye.", False),
    ("startend:quotation", {}, ' "Yes" ', True),
    ("startend:quotation", {}, "“Yes”", False),
    ("startend:quotation", {}, '"', False),
    ("change_case:capital_word_frequency", CAPITALS, "IT'S I.", True),  # IT, 'S and I
    ("change_case:capital_word_frequency", CAPITALS, "I CANNOT go", True),
    ("change_case:capital_word_frequency", CAPITALS, "A WELL-KNOWN fact", False),  # a hyphen joins
    ("change_case:english_capital", {}, "THE BOOK IS ON THE TABLE NEAR THE DOOR", True),
    ("change_case:english_capital", {}, "The book is on the table near the door", False),
    ("change_case:english_capital", {}, "DAS BUCH LIEGT AUF DEM TISCH NEBEN DER TÜR", False),
    ("change_case:english_lowercase", {}, "the book is on the table near the door.", True),
    ("change_case:english_lowercase", {}, "The book is on the table near the door.", False),
    ("punctuation:no_comma", {}, "One; two， three", True),
    ("punctuation:no_comma", {}, "1,000", False),
]


@pytest.mark.parametrize(("name", "arguments", "response", "followed"), TABLE)
def test_a_rule(name, arguments, response, followed):
    (one,) = instructions_of([name], [arguments])
    assert follows(response, one) is followed


@pytest.mark.parametrize("name", RULES)
def test_an_empty_response_follows_nothing(name):
    (arguments,) = [own for one, own, *_ in TABLE if one == name][:1]
    (one,) = instructions_of([name], [arguments])
    assert not follows(" \n", one)
    assert not follows_loosely(" \n", one)
    assert {followed for other, _, _, followed in TABLE if other == name} == {True, False}


def test_the_families_are_those_of_the_rules():
    assert len(RULES) == 25
    assert sorted({name.partition(":")[0] for name in RULES}) == sorted(FAMILIES)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("No mark", 1),
        ("One. Two", 2),
        ("He said “Yes.” Then he left.", 1),  # as nltk 3.8 does: no sentence ends before a curly quote
        ('He said "Yes." Then he left.', 2),
        ("Wow!!!", 2),  # as nltk does
        ("Mr. and Mrs. Day live in the U.S. They like it.", 2),
        ("See fig. 3. It is old.", 3),  # as nltk does
        ("(One.) Two.", 2),
        ("Wait ... what?", 1),
    ],
)
def test_sentences_are_those_of_nltk(text, count):
    assert count_sentences(text, 99) == count
    assert count_sentences(text, 1) == min(count, 1)


# --- loose ------------------------------------------------------------------------------------------------------------


def test_the_eight_loose_forms():
    assert loose_forms("Sure:\n*a*\n*b*\nBye.") == [
        "Sure:\n*a*\n*b*\nBye.",
        "*a*\n*b*\nBye.",
        "Sure:\n*a*\n*b*",
        "*a*\n*b*",
        "Sure:\na\nb\nBye.",
        "a\nb\nBye.",
        "Sure:\na\nb",
        "a\nb",
    ]


@pytest.mark.parametrize(
    ("name", "arguments", "response"),
    [
        ("startend:quotation", {}, 'Sure, here it is:\n"Yes"'),
        ("startend:end_checker", {"end_phrase": "The end."}, "**The end.**"),
        ("detectable_format:json_format", {}, "Here:\n{}\nBye."),
        ("punctuation:no_comma", {}, "Here, as you wished:\nNo comma"),
        ("combination:repeat_prompt", {"prompt_to_repeat": "Why?"}, "**Why?** So."),
    ],
)
def test_what_is_followed_loosely_alone(name, arguments, response):
    (one,) = instructions_of([name], [arguments])
    assert not follows(response, one)
    assert follows_loosely(response, one)


# --- wild text --------------------------------------------------------------------------------------------------------

ONES = [instructions_of([name], [next(own for one, own, *_ in TABLE if one == name)])[0] for name in RULES]
PIECES = [
    "a",
    "B.",
    "Dr. ",
    "!",
    "?! ",
    "\n",
    "\n\n",
    "*",
    "**",
    "***",
    "<<",
    ">>",
    "[",
    "]",
    '"',
    "“",
    "'S ",
    "P.S.",
    "{",
]
PIECES += ["-", " ", "\x00", "\u2028", "，", "ﬀ", "Ⅷ", "مرحبا", "\ud800", "0", "Section 1", "e.g. "]
WILD = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=8)), max_size=40).map("".join)


@given(WILD)
@settings(deadline=None, max_examples=150)
def test_rules_never_raise_and_what_is_followed_is_followed_loosely(text):
    for one in ONES:
        assert isinstance(follows(text, one), bool)
        assert follows_loosely(text, one) or not follows(text, one)


LONG = [piece * (100_000 // len(piece)) for piece in (*PIECES, "[ ", "p. ", "-\n", "<<a>", "A.\n\n", "1,", "a b. ")]
# langdetect has its own pace: up to 40 ms for 100 kB, of which it reads 10,000 characters; 0.3 s once, to load.
LANGUAGE = {"language:response_language", "change_case:english_capital", "change_case:english_lowercase"}


@pytest.mark.parametrize("one", [one for one in ONES if one.name not in LANGUAGE], ids=lambda one: one.name)
def test_100_kb_within_50_ms(one: Instruction, seconds):
    follows("Warm up. Now.", one)
    for text in LONG:
        assert seconds(follows, text, one) < 0.05, text[:20]
