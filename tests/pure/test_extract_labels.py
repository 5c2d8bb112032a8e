"""Labels in words and yes or no, as models write them. The id of a failure is the text itself."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proctor.extract import boolean, label

BOOLEANS = [
    ("Yes", True),
    ("no", False),
    ("No.", False),
    ("**No**", False),
    ("ＹＥＳ", True),
    ("True", True),
    ("Right.", True),
    ("yes yes yes", True),
    ("Not true", False),
    ("not false", True),
    ("That is not correct.", False),
    ("It is incorrect.", False),
    ("This isn't true.", False),
    ("I don't think this is true.", False),
    ("It's not wrong", True),
    ("The statement is false.", False),
    ("The answer is no.", False),
    ("The answer is no because cats cannot fly", False),
    ("The answer is: No, it would not.", False),
    ("Answer: yes", True),
    ("Final answer: **False**", False),
    ("\\boxed{\\text{No}}", False),
    ("\\boxed{True}", True),
    ("Plausible: yes", True),
    ("So the answer is yes.", True),
    ("Therefore, the statement is true.", True),
    ("Hence, no.", False),
    ("I'd say yes", True),
    ("是", True),
    ("否。", False),
    ("对", True),
    ("错", False),
    ("正确", True),
    ("不正确。", False),
    ("不对", False),
    ("没错", True),
    ("不是。", False),
    ("是的，因为鸟会飞。", True),
    ("答案：是。", True),
    ("答案是否。", False),
    ("答案：错", False),
    ("答案是否定的。", False),
    ("答案是肯定的", True),
    ("判断：对", True),
    ("【答案】正确", True),
    ("肯定是错误的", False),
    ("这个说法是正确的", True),
    ("该说法不正确。", False),
    ("该陈述是错误的。", False),
    ("The passage says that the bridge opened in 1990, so yes.", True),
    ("Answer: No\n\nExplanation: it is true that it is old.", False),
    ("我认为正确答案是“错误”。", False),
    ("不是的", False),
    ("这句话是对的。", True),
    # Several candidates, a change of mind, thinking, the prompt repeated.
    ("It is true that birds fly, but the answer is no.", False),
    ("No, that's wrong; it is false.", False),
    ("First I thought yes. Thinking again, the answer is no.", False),
    ("Is it correct? Yes.", True),
    ("Answer yes or no: no", False),
    ("True or False: True", True),
    ("Question: Do fish swim? Answer yes or no.\nAnswer: yes", True),
    ("<think>yes</think>No", False),
    ("Yes. No-fly zones exist as well.", True),
    # Unsettled.
    ("The answer is neither yes nor no", None),
    ("不一定正确", None),
    ("Yes and no.", None),
    ("Yes or no?", None),
    ("There is no evidence either way.", None),
    ("I cannot determine whether it is true.", None),
    ("是否正确，难以判断", None),
    ("答案：[是/否]", None),
    ("The answer is [yes/no].", None),
    ("The right side is bigger", None),
    ("Nobody knows", None),
    ("Yesterday it rained", None),
    ("The answer is", None),
    ("<think>yes", None),
    ("", None),
    (None, None),
]


@pytest.mark.parametrize(("text", "expected"), BOOLEANS, ids=repr)
def test_boolean(text, expected):
    assert boolean(text) is expected


INFERENCE = {
    "entailment": ["entailment", "entails", "yes", "true", "蕴含"],
    "neutral": ["neutral", "maybe", "undetermined", "中立"],
    "contradiction": ["contradiction", "contradicts", "no", "false", "矛盾"],
}
TWO_WAY = {"entailment": ["entailment", "yes"], "not_entailment": ["not_entailment", "does not entail", "no"]}
SENTIMENT = {"Positive": ["positive", "正面", "积极"], "Negative": ["negative", "负面", "消极"]}
NEWS = {
    "100": ["故事"],
    "101": ["文化"],
    "102": ["娱乐"],
    "103": ["体育"],
    "104": ["财经"],
    "106": ["房产"],
    "107": ["汽车"],
    "108": ["教育"],
    "109": ["科技"],
    "110": ["军事"],
    "112": ["旅游"],
    "113": ["国际"],
    "114": ["股票"],
    "115": ["农业"],
    "116": ["电竞", "游戏"],
}

LABELS = [
    ("entailment", INFERENCE, "entailment"),
    ("**Contradiction**", INFERENCE, "contradiction"),
    ("Yes.", INFERENCE, "entailment"),
    ("No", INFERENCE, "contradiction"),
    ("The relationship is neutral.", INFERENCE, "neutral"),
    ("I would classify this as neutral", INFERENCE, "neutral"),
    ("The premise entails the hypothesis.", INFERENCE, "entailment"),
    ("This contradicts the claim, so the label is contradiction", INFERENCE, "contradiction"),
    ("There is no proof, so it's neutral.", INFERENCE, "neutral"),
    ("Neutral. The premise does not say, so there is no contradiction.", INFERENCE, "neutral"),
    ("It is neither entailment nor contradiction.", INFERENCE, "neutral"),
    ("This is not entailment, it is neutral.", INFERENCE, "neutral"),
    ("Options: entailment, neutral, contradiction\nAnswer: neutral", INFERENCE, "neutral"),
    ("The answer is entailment. Wait, no: the answer is neutral.", INFERENCE, "neutral"),
    ("Some think it is entailment.\nOthers contradiction.\n\nNeutral", INFERENCE, "neutral"),
    ('It might look like entailment or contradiction; I label it "neutral".', INFERENCE, "neutral"),
    ("The label is: $\\text{neutral}$", INFERENCE, "neutral"),
    ("<think>entailment?</think>\nneutral", INFERENCE, "neutral"),
    ("蕴含", INFERENCE, "entailment"),
    ("两句话的关系是矛盾。", INFERENCE, "contradiction"),
    ("不矛盾，也不蕴含，所以是中立", INFERENCE, "neutral"),
    ("前提与假设并不矛盾，是蕴含关系", INFERENCE, "entailment"),
    ("not entailment", TWO_WAY, "not_entailment"),
    ("not_entailment", TWO_WAY, "not_entailment"),
    ("Not-entailment.", TWO_WAY, "not_entailment"),
    ("The label is: not\\_entailment", TWO_WAY, "not_entailment"),
    ("The answer is **not entailment**.", TWO_WAY, "not_entailment"),
    ("This is clearly not an entailment.", TWO_WAY, "not_entailment"),
    ("The premise does not entail the hypothesis.", TWO_WAY, "not_entailment"),
    ("Entailment, not a contradiction", TWO_WAY, "entailment"),
    ("Positive", SENTIMENT, "Positive"),
    ("This is not positive.", SENTIMENT, "Negative"),
    ("The sentiment of this review is **positive**.", SENTIMENT, "Positive"),
    ("positive or negative: positive", SENTIMENT, "Positive"),
    ("It has positive and negative aspects, but overall it is negative.", SENTIMENT, "Negative"),
    ("正面", SENTIMENT, "Positive"),
    ("情感：负面", SENTIMENT, "Negative"),
    ("这条评论的情感倾向是消极的。", SENTIMENT, "Negative"),
    ("不是正面的，而是负面的", SENTIMENT, "Negative"),
    ("这条评论不积极", SENTIMENT, "Negative"),
    ("体育", NEWS, "103"),
    ("类别：科技", NEWS, "109"),
    ("国际新闻", NEWS, "113"),
    ("这条新闻属于体育类。", NEWS, "103"),
    ("这是一条关于教育的新闻", NEWS, "108"),
    ("答案是财经，不是股票。", NEWS, "104"),
    ("该新闻涉及汽车和科技，但应归类为汽车。", NEWS, "107"),
    ("选项：故事、文化、娱乐\n答案：【娱乐】", NEWS, "102"),
    ("这是一条负面评论，没有任何积极的内容", SENTIMENT, "Negative"),
    ("这句话的情感是正面的还是负面的？答：负面", SENTIMENT, "Negative"),
    ("(c) contradiction", INFERENCE, "contradiction"),
    ("The answer is: neutral, since neither entailment nor contradiction holds", INFERENCE, "neutral"),
    # Unsettled.
    ("entailment, neutral or contradiction?", INFERENCE, None),
    ("entailment/neutral/contradiction", INFERENCE, None),
    ("Is this entailment? Hard to say.", INFERENCE, None),
    ("The sentences are consistent, entail", INFERENCE, None),
    ("The answer is", INFERENCE, None),
    ("<think>neutral", INFERENCE, None),
    ("积极还是消极？", SENTIMENT, None),
    ("It has both positive and negative aspects.", SENTIMENT, None),
    ("It is hard to say whether it is positive.", SENTIMENT, None),
    ("Not only positive but", SENTIMENT, None),
    ("故事、文化、娱乐、体育", NEWS, None),
    ("positive and negative, " * 600 + "\nAnswer: negative", SENTIMENT, "Negative"),  # a model that loops
    ("x", {}, None),
    ("x", {"a": []}, None),
    ("", INFERENCE, None),
    (None, INFERENCE, None),
]


@pytest.mark.parametrize(("text", "names", "expected"), LABELS, ids=repr)
def test_label(text, names, expected):
    assert label(text, names) == expected


def test_the_longest_way_counts():
    names = {"dog": ["dog"], "hot": ["hot dog"], "red": ["red hot dog"]}
    assert [label(f"It is a {text}", names) for text in ("dog", "hot dog", "red hot dog")] == ["dog", "hot", "red"]
    assert label("A dogma", names) is None


def test_the_ends_of_a_long_text_are_read():
    filler = "and so on " * 10_000
    assert label(filler + "\nAnswer: neutral", INFERENCE) == label("Neutral.\n" + filler, INFERENCE) == "neutral"


WORDS = (
    "yes|no|true|not |isn't |neutral|entailment|positive|negative|正面|是|否|不|不是|正确|答案|：|。| |\n|, | or |/"
    '|**|(|)|"'
    "|answer is |Answer: |so |whether |?|<think>|</think>|\\boxed{|}|neither |nor |体育|、|，|right|_"
)
PIECES = st.lists(st.sampled_from(WORDS.split("|"))).map("".join)
ALL = {"inference": INFERENCE, "two": TWO_WAY, "sentiment": SENTIMENT, "news": NEWS}


@given(st.text() | PIECES, st.sampled_from(sorted(ALL)))
def test_nothing_raises_and_what_is_read_is_valid(text, kind):
    assert label(text, ALL[kind]) in {*ALL[kind], None}
    assert boolean(text) in {True, False, None}


@given(st.dictionaries(st.text(), st.lists(st.text(), max_size=3), max_size=4), st.text())
def test_any_names_will_do(names, text):
    assert label(text, names) in {*names, None}


@given(st.sampled_from(sorted(ALL)), st.data())
def test_a_label_is_read_however_it_is_said(kind, data):
    name = data.draw(st.sampled_from(sorted(ALL[kind])))
    way = data.draw(st.sampled_from(ALL[kind][name]))
    for phrasing in (
        "{}",
        "{}.",
        "**{}**",
        "The answer is {}.",
        "Answer: {}",
        "\\boxed{{{}}}",
        "答案是{}",
        "答案：{}。",
    ):
        assert label(phrasing.format(way), ALL[kind]) == name


WORST = (
    "A|not |答案|答案是|answer |answer is |yes |no, |是|positive or |**|**yes**|(|\n|so |if |不|不是|is it yes? |体育、"
    "|\"a|entailment, |not entailment|n't |neither |<think>|属于|\\boxed{|[yes"
)


@pytest.mark.parametrize("piece", WORST.split("|"), ids=repr)
def test_a_long_text_is_read_in_time(piece, seconds):
    text = piece * (100_000 // len(piece))
    assert seconds(boolean, text) < 0.05
    for names in ALL.values():
        assert seconds(label, text, names) < 0.05


@settings(max_examples=30)
@given(piece=st.text(min_size=1, max_size=40) | PIECES.filter(bool))
def test_any_text_is_read_in_time(piece, seconds):
    text = (piece * (100_000 // len(piece) + 1))[:100_000]
    assert seconds(boolean, text) < 0.05
    assert seconds(label, text, NEWS) < 0.05
