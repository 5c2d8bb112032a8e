"""TNEWS: which of 15 topics has a headline? FewCLUE's form of it (Xu et al. 2021, arXiv:2107.07498; CLUE, Xu et al.
2020, arXiv:2004.05986). The public test split, 0-shot.

Both prompts and the wording of the topics are OpenCompass's, whose numbers are quoted. ppl (FewCLUE_tnews_ppl_d10e8a):
which topic is the likeliest next line; OpenCompass divides by the tokens of the whole text, here the topic alone is
scored. gen (FewCLUE_tnews_gen_b90e4a): a letter, A to O. The report's groups are the topics by the names of the
authors' label_index2en2zh.json: what a score there says is recall.
"""

from proctor import Benchmark, Sample, generate, rank
from proctor.extract import choice_letter

# label_desc: the authors' Chinese name, and OpenCompass's wording, in its order.
TOPICS = {
    "news_agriculture": ("农业", "农业新闻"),
    "news_travel": ("旅游", "旅游新闻"),
    "news_game": ("游戏", "游戏新闻"),
    "news_tech": ("科技", "科技类别公司新闻"),
    "news_sports": ("体育", "体育类别新闻"),
    "news_edu": ("教育", "初升高教育新闻"),
    "news_entertainment": ("娱乐", "娱乐圈新闻"),
    "news_finance": ("财经", "投资资讯"),
    "news_military": ("军事", "军事类别常识"),
    "news_car": ("汽车", "车辆新闻"),
    "news_house": ("房产", "楼市新闻"),
    "news_world": ("国际", "环球不含中国类别新闻"),
    "news_culture": ("文化", "书籍文化历史类别新闻"),
    "news_story": ("故事", "故事类别新闻"),
    "news_stock": ("股票", "股票市场类别新闻"),
}
LETTERS = "ABCDEFGHIJKLMNO"

tnews = Benchmark(
    "tnews",
    main="accuracy",
    version=2,
    prompt="{{ question }}\n上述内容属于什么新闻？\n",
    answer="{{ choices['ABCDEFGHIJKLMNO'.index(target)] }}\n\n",
)


@tnews.rows
def read(row):
    return Sample(
        question=row["sentence"],
        choices=[wording for _, wording in TOPICS.values()],
        target=LETTERS[list(TOPICS).index(row["label_desc"])],
        groups={"topic": TOPICS[row["label_desc"]][0]},
    )


@tnews.test(rank(prefix=""), default=True)
def test_tnews_ppl(sample, output, score):
    score(output.letter(), accuracy=output.letter() == sample.target)


@tnews.test(
    generate(max_tokens=64, stop=["\n\n"]),
    prompt="{{ question }}\n请判断上述内容属于什么新闻？\n"
    "{% for c in choices %}{{ 'ABCDEFGHIJKLMNO'[loop.index0] }}. {{ c }}\n{% endfor %}"
    "请从{% for letter in 'ABCDEFGHIJKLMNO' %}“{{ letter }}”{{ '，' if not loop.last }}{% endfor %}中进行选择。\n答：",
    answer="{{ target }}\n\n",
)
def test_tnews_gen(sample, output, score):
    answer = choice_letter(output.text, LETTERS)
    score(answer, accuracy=answer == sample.target)
