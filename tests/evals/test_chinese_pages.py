"""The Chinese pages: prompts byte by byte as they are published, what the rows mean, how texts are judged."""

from __future__ import annotations

import asyncio
import importlib.util
import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from proctor import Benchmark
from proctor.benchmark import Task
from proctor.data.reading import Dataset, load
from proctor.errors import DataError
from proctor.model import Completion, Likelihood, Likelihoods, Output
from proctor.prompts import Prompt
from proctor.sample import Sample

CHECKOUT = Path(__file__).resolve().parents[2]
FOLDERS = {
    "entailment_zh": ["cmnli", "ocnli", "ocnli-fc"],
    "sentences_zh": ["afqmc", "bustm", "eprstmt", "tnews", "cluewsc"],
    "passages_zh": ["c3", "chid", "drcd"],
}
NAMES = {name: folder for folder, names in FOLDERS.items() for name in names}

INFERENCE = {"sentence1": "他买了两张票", "sentence2": "他买了票", "label": "entailment"}
OCNLI = INFERENCE | {"level": "hard", "genre": "tv", "prem_id": "tv_7", "id": 0}
PAIR = {"sentence1": "怎么还款", "sentence2": "哪里还款", "label": "1"}
NEWS = {"label": 103, "label_desc": "news_sports", "sentence": "主队赢了", "keywords": "主队", "id": 5}
PRONOUN = {
    "target": {"span2_index": 6, "span1_index": 0, "span1_text": "猫", "span2_text": "它"},
    "idx": 3,
    "label": "true",
    "text": "猫追着线团，它累了。",
}
DIALOGUE = [
    ["男：下雨了。", "女：我带了伞。"],
    [
        {"question": "女的带了什么？", "choice": ["伞", "书"], "answer": "伞"},
        {"question": "天气怎么样？", "choice": ["晴", "雨", "雪", "风"], "answer": "雨"},
    ],
    "1-2",
]
IDIOM = {
    "id": 1,
    "candidates": ["一见如故", "画龙点睛", "水落石出", "亡羊补牢", "井井有条", "异口同声", "守株待兔"],
    "content": "真相终于#idiom#了。",
    "answer": 2,
}
ARTICLE = {
    "title": "橋",
    "id": "9",
    "paragraphs": [
        {
            "context": "鐵橋建於1955年，長兩百公尺。",
            "id": "9-1",
            "qas": [
                {
                    "id": "9-1-1",
                    "question": "鐵橋多長？",
                    "answers": [
                        {"id": "1", "text": "兩百公尺", "answer_start": 11},
                        {"id": "2", "text": "長兩百公尺", "answer_start": 10},
                        {"id": "3", "text": "兩百公尺", "answer_start": 11},
                    ],
                }
            ],
        }
    ],
}


@cache
def page(name: str) -> Benchmark:
    path = CHECKOUT / "evals" / NAMES[name] / f"test_{name.replace('-', '_')}.py"
    spec = importlib.util.spec_from_file_location(f"page_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, name.replace("-", "_"))


def read(root: Path, name: str, *rows: Any, file: str = "") -> Dataset:
    """The samples of rows that are written where the manifest has a benchmark's file."""
    files = {"c3": "c3-d-dev.json", "drcd": "DRCD_dev.json"} | dict.fromkeys(["cmnli", "ocnli", "afqmc"], "dev.json")
    path = root / name / (file or files.get(name, "test_public.json"))
    path.parent.mkdir(exist_ok=True)
    if name in ("c3", "drcd"):
        path.write_text(json.dumps({"version": "1.3", "data": rows} if name == "drcd" else rows), encoding="utf-8")
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return load(page(name), root, 0)


def task(name: str, variant: str) -> Task:
    return next(task for task in page(name).tasks if task.variant == variant)


def prompt(name: str, variant: str, sample: Sample, *shots: Sample) -> str:
    one = task(name, variant)
    return Prompt(one.header, one.prompt, one.answer, name).render(sample, shots)


class Listening:
    """A model that hears which texts are ranked; the one at `best` is the likeliest."""

    def __init__(self, best: int, tokens: int = 1) -> None:
        self.best, self.tokens = best, tokens
        self.heard: list[str] = []

    async def loglikelihood(self, context: str, continuations: list[str]) -> Likelihoods:
        self.heard += continuations
        return Likelihoods([Likelihood(t, -float(i != self.best), self.tokens) for i, t in enumerate(continuations)])


def ranked(name: str, sample: Sample, best: int = 0) -> tuple[list[str], Any, Mapping[str, Any]]:
    """What is ranked for a sample; answer and metrics where the text at `best` is the likeliest."""
    model = Listening(best)
    output = asyncio.run(task(name, "ppl").ask(sample, "", model, 0))  # type: ignore[arg-type]
    return model.heard, *judged(name, "ppl", sample, output)


def written(name: str, sample: Sample, text: str) -> tuple[Any, Mapping[str, Any]]:
    return judged(name, "gen", sample, Output([Completion(text, "stop")]))


def judged(name: str, variant: str, sample: Sample, output: Any) -> tuple[Any, Mapping[str, Any]]:
    scored = []
    task(name, variant).judge(sample, output, lambda answer, **metrics: scored.append((answer, metrics)))
    (found,) = scored
    return found


CMNLI = "语句一：“他买了两张票”\n语句二：“他买了票”\n请问这两句话是什么关系？\n"
ANT = "语句一与语句二是关于蚂蚁金融产品的疑问，两者所询问的内容是否完全一致？\n"
AFQMC = f"语句一：“怎么还款”\n语句二：“哪里还款”\n{ANT}"
BUSTM = "语句一：“怎么还款”\n语句二：“哪里还款”\n请判断语句一和语句二说的是否是一个意思？\n"
TOPICS = [
    "农业新闻",
    "旅游新闻",
    "游戏新闻",
    "科技类别公司新闻",
    "体育类别新闻",
    "初升高教育新闻",
    "娱乐圈新闻",
    "投资资讯",
    "军事类别常识",
    "车辆新闻",
    "楼市新闻",
    "环球不含中国类别新闻",
    "书籍文化历史类别新闻",
    "故事类别新闻",
    "股票市场类别新闻",
]
LISTED = "".join(f"{letter}. {topic}\n" for letter, topic in zip("ABCDEFGHIJKLMNO", TOPICS, strict=True))
PROMPTS = {
    ("cmnli", "ppl"): (INFERENCE, CMNLI),
    ("cmnli", "gen"): (INFERENCE, CMNLI + "A. 蕴含\nB. 矛盾\nC. 无关\n请从“A”，“B”，“C”中进行选择。\n答："),
    ("ocnli", "ppl"): (OCNLI, CMNLI),
    ("ocnli", "gen"): (OCNLI, CMNLI + "A. 蕴含\n B. 矛盾\n C. 无关\n请从“A”，“B”，“C”中进行选择。\n答："),
    ("ocnli-fc", "ppl"): (
        OCNLI,
        "阅读文章：他买了两张票\n根据上文，回答如下问题：他买了票\n请从“无关”，“蕴含”，“矛盾”中进行选择。\n答：",
    ),
    ("ocnli-fc", "gen"): (
        OCNLI,
        "阅读文章：他买了两张票\n根据上文，回答如下问题：他买了票\nA. 对\nB. 错\nC. 可能\n"
        "请从“A”，“B”，“C”中进行选择。\n答：",
    ),
    ("afqmc", "ppl"): (PAIR, AFQMC),
    ("afqmc", "gen"): (PAIR, AFQMC + "A. 不完全一致\nB. 完全一致\n请从“A”，“B”中进行选择。\n答："),
    ("bustm", "ppl"): (PAIR, BUSTM),
    ("bustm", "gen"): (PAIR, BUSTM + "A. 无关\nB. 相关\n请从“A”，“B”中进行选择。\n答："),
    ("eprstmt", "ppl"): ({"sentence": "很好用", "label": "Positive"}, '内容： "很好用"。情绪分类：\n'),
    ("eprstmt", "gen"): (
        {"sentence": "很好用", "label": "Positive"},
        '内容： "很好用"。请对上述内容进行情绪分类。\nA. 积极\nB. 消极\n请从”A“，”B“中进行选择。\n答：',
    ),
    ("tnews", "ppl"): (NEWS, "主队赢了\n上述内容属于什么新闻？\n"),
    ("tnews", "gen"): (
        NEWS,
        f"主队赢了\n请判断上述内容属于什么新闻？\n{LISTED}"
        "请从“A”，“B”，“C”，“D”，“E”，“F”，“G”，“H”，“I”，“J”，“K”，“L”，“M”，“N”，“O”中进行选择。\n答：",
    ),
    ("cluewsc", "ppl"): (PRONOUN, "猫追着线团，它累了。\n此处，代词“它“被用于指代“猫“吗?\n"),
    ("cluewsc", "gen"): (
        PRONOUN,
        "猫追着线团，它累了。\n此处，“它”是否指代“猫“？\nA. 是\nB. 否\n请从”A“，”B“中进行选择。\n答：",
    ),
    ("c3", "ppl"): (DIALOGUE, "文章：男：下雨了。 女：我带了伞。\n问题：女的带了什么？\n答案："),
    ("c3", "gen"): (
        DIALOGUE,
        "男：下雨了。女：我带了伞。\n问：女的带了什么？\nA. 伞\nB. 书\nC. [NULL]\nD. [NULL]\n"
        "请从“A”，“B”，“C”，“D”中进行选择。\n答：",
    ),
    ("chid", "ppl"): (IDIOM, "以下句子是否通顺？\n"),
    ("chid", "gen"): (
        IDIOM,
        "真相终于______了。\n请选择______处所填的词\nA. 一见如故\nB. 画龙点睛\nC. 水落石出\nD. 亡羊补牢\nE. 井井有条\n"
        "F. 异口同声\nG. 守株待兔\n请从”A“，”B“，”C“，”D“，”E“，”F“，”G“中进行选择。答：",
    ),
    ("drcd", "gen"): (
        ARTICLE,
        "根据文章回答问题。你的答案应该尽可能简练，请以 ‘答案是’ 开头的句式作答。\n文章：鐵橋建於1955年，長兩百公尺。\n"
        "问：鐵橋多長？\n答：",
    ),
}


def test_every_variant_has_its_prompt_below():
    assert set(PROMPTS) == {(name, task.variant) for name in NAMES for task in page(name).tasks}


@pytest.mark.parametrize(("name", "variant"), PROMPTS)
def test_prompts_are_the_published_ones(tmp_path, name, variant):
    row, expected = PROMPTS[name, variant]
    assert prompt(name, variant, read(tmp_path, name, row).samples[0]) == expected


@pytest.mark.parametrize(
    ("name", "row", "texts", "right"),
    [
        ("cmnli", INFERENCE | {"label": "neutral"}, ["蕴含", "矛盾", "无关"], 2),
        ("ocnli", OCNLI | {"label": "contradiction"}, ["蕴含", "矛盾", "无关"], 1),
        ("ocnli-fc", OCNLI, ["蕴含", "矛盾", "无关"], 0),
        ("afqmc", PAIR, ["不完全一致", "完全一致"], 1),
        ("bustm", PAIR | {"label": "0"}, ["两句话说的毫不相关。", "两句话说是的一个意思。"], 0),
        ("eprstmt", {"sentence": "差", "label": "Negative"}, ["积极。", "消极。"], 1),
        ("tnews", NEWS, TOPICS, 4),
        ("cluewsc", PRONOUN, ["是", "否"], 0),
        ("cluewsc", PRONOUN | {"label": "false"}, ["是", "否"], 1),
        ("c3", DIALOGUE, ["伞", "书"], 0),
        ("chid", IDIOM, [f"真相终于{idiom}了。\n这个句子是通顺的。" for idiom in IDIOM["candidates"]], 2),
    ],
)
def test_what_is_ranked_and_which_is_right(tmp_path, name, row, texts, right):
    sample = read(tmp_path, name, row).samples[0]
    for best in range(len(texts)):
        heard, answer, metrics = ranked(name, sample, best)
        assert heard == texts  # no space before them: Chinese has none
        assert answer == "ABCDEFGHIJKLMNO"[best]
        assert set(metrics.values()) == {best == right}


@pytest.mark.parametrize(
    ("name", "row", "right", "wrong"),
    [
        ("cmnli", INFERENCE, "答案是A", "B. 矛盾"),
        ("ocnli", OCNLI | {"label": "neutral"}, "C. 无关", "A"),
        ("ocnli-fc", OCNLI | {"label": "contradiction"}, "B", "“A”"),
        ("afqmc", PAIR, "B. 完全一致", "A. 不完全一致"),
        ("bustm", PAIR, "“B”", "A"),
        ("eprstmt", {"sentence": "好", "label": "Positive"}, "选A。", "答案：B"),
        ("tnews", NEWS, "E. 体育类别新闻", "I"),
        ("cluewsc", PRONOUN, "A. 是", "B"),
        ("c3", DIALOGUE, "A", "B. 书"),
        ("chid", IDIOM, "C. 水落石出", "G"),
    ],
)
def test_letters_that_are_written(tmp_path, name, row, right, wrong):
    sample = read(tmp_path, name, row).samples[0]
    assert written(name, sample, right)[1] == {"accuracy": True}
    answer, metrics = written(name, sample, wrong)
    assert answer is not None
    assert metrics == {"accuracy": False}
    assert written(name, sample, "") == (None, {"accuracy": False})


@pytest.mark.parametrize("name", ["cmnli", "ocnli", "ocnli-fc"])
def test_rows_without_an_agreed_label_are_left_out_and_counted(tmp_path, name):
    found = read(tmp_path, name, OCNLI, OCNLI | {"label": "-"}, OCNLI | {"label": "neutral"}, OCNLI | {"label": "-"})
    assert [sample.target for sample in found.samples] == ["A", "C"]
    assert (found.rows, found.excluded) == (4, {"the annotators agreed on no label": 2})


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("cmnli", INFERENCE | {"label": "entails"}),
        ("afqmc", PAIR | {"label": "2"}),
        ("bustm", PAIR | {"label": ""}),
        ("eprstmt", {"sentence": "好", "label": "Neutral"}),
        ("tnews", NEWS | {"label_desc": "news_weather"}),
        ("cluewsc", PRONOUN | {"label": "maybe"}),
        ("c3", [["一"], [{"question": "几？", "choice": ["一", "二"], "answer": "三"}], "1"]),
        ("chid", IDIOM | {"answer": 7}),
        ("chid", IDIOM | {"content": "没有空。"}),
    ],
)
def test_a_row_that_is_none_of_the_benchmarks_is_an_error_with_its_file(tmp_path, name, row):
    with pytest.raises(DataError, match=r"\.json:1: this row cannot be read"):
        read(tmp_path, name, row)


def test_groups_and_clusters(tmp_path):
    ocnli = read(tmp_path, "ocnli", OCNLI).samples[0]
    assert (ocnli.groups, ocnli.cluster) == ({"genre": "tv", "level": "hard"}, "tv_7")
    assert read(tmp_path, "cmnli", INFERENCE).samples[0].cluster == "他买了两张票"
    assert read(tmp_path, "tnews", NEWS).samples[0].groups == {"topic": "体育"}
    assert read(tmp_path, "cluewsc", PRONOUN).samples[0].cluster == PRONOUN["text"]
    assert read(tmp_path, "drcd", ARTICLE).samples[0].cluster == "9-1"


def test_c3_has_a_sample_for_each_question_and_both_parts(tmp_path):
    read(tmp_path, "c3", DIALOGUE)
    samples = read(tmp_path, "c3", DIALOGUE, file="c3-m-dev.json").samples
    assert [(sample.id, sample.target, len(sample.choices)) for sample in samples] == [
        ("d-0.0", "A", 2), ("d-0.1", "B", 4), ("m-0.0", "A", 2), ("m-0.1", "B", 4),
    ]  # fmt: skip
    assert [sample.groups["part"] for sample in samples] == ["c3-d", "c3-d", "c3-m", "c3-m"]
    # The two files number their passages by themselves.
    assert [sample.cluster for sample in samples] == ["c3-d 1-2", "c3-d 1-2", "c3-m 1-2", "c3-m 1-2"]


def test_c3_knows_no_letter_that_the_question_does_not_have(tmp_path):
    two, four = read(tmp_path, "c3", DIALOGUE).samples
    assert written("c3", two, "C")[0] is None
    assert written("c3", four, "C")[0] == "C"


def test_topics_of_tnews_are_those_of_the_authors():
    names = ["农业", "旅游", "游戏", "科技", "体育", "教育", "娱乐", "财经", "军事", "汽车", "房产", "国际"]
    names += ["文化", "故事", "股票"]
    rows = [json.loads(line) for line in (CHECKOUT / "data/tnews/test_public.json").read_text("utf-8").splitlines()]
    samples = load(page("tnews"), None, 0).samples
    assert {sample.groups["topic"] for sample in samples} == set(names)
    assert len({row["label"] for row in rows}) == 15
    for row, sample in zip(rows, samples, strict=True):
        assert names.index(sample.groups["topic"]) == "ABCDEFGHIJKLMNO".index(sample.target), row["label_desc"]


def test_chid_ranks_per_token(tmp_path):
    sample = read(tmp_path, "chid", IDIOM).samples[0]
    ranking = asyncio.run(task("chid", "ppl").ask(sample, "", Listening(2), 0))  # type: ignore[arg-type]
    # The first has a lower sum than the third, and so many tokens that each is likelier.
    ranking.choices[:3] = [Likelihood("", -4.0, 8), Likelihood("", -9.0, 4), Likelihood("", -3.0, 4)]
    ranking.choices[3:] = [Likelihood("", -9.0, 4)] * 4
    assert judged("chid", "ppl", sample, ranking) == ("A", {"accuracy": False, "accuracy_sum": True})


@pytest.mark.parametrize(
    ("text", "exact", "f1"),
    [
        ("答案是兩百公尺。", True, 1.0),
        ("答案是「長兩百公尺」", True, 1.0),
        ("兩百公尺\n问：鐵橋在哪？", True, 1.0),
        ("答案是百公尺", False, 6 / 7),
        ("答案是1955年", False, 0.0),
        ("", False, 0.0),
    ],
)
def test_drcd_takes_the_best_over_the_answers(tmp_path, text, exact, f1):
    sample = read(tmp_path, "drcd", ARTICLE).samples[0]
    assert sample.targets == ["兩百公尺", "長兩百公尺"]  # each once
    metrics = written("drcd", sample, text)[1]
    assert metrics["exact_match"] is exact
    assert metrics["f1"] == pytest.approx(f1)


@pytest.mark.parametrize("name", sorted(NAMES))
def test_bundled_rows_and_shots(name):
    benchmark = page(name)
    found = load(benchmark, None, 0)
    assert len(found.samples) >= 8
    assert len({str(sample.target) for sample in found.samples}) > 1
    if not found.source.shots:
        return
    found = load(benchmark, None, 2)
    for one in benchmark.tasks:
        for sample, shots in zip(found.samples, found.shots, strict=True):
            text = prompt(name, one.variant, sample, *shots)
            assert text.count("\n\n") == 2
            assert text.endswith(prompt(name, one.variant, sample))
            assert not {(shot.question, shot.passage, str(shot.metadata)) for shot in shots} & {
                (sample.question, sample.passage, str(sample.metadata))
            }


def test_examples_end_as_the_benchmark_answers():
    ends = {"bustm": "两句话说是的一个意思。", "eprstmt": "消极。", "tnews": "农业新闻", "cluewsc": "是"}
    ends |= {"ocnli": "矛盾", "ocnli-fc": "蕴含", "chid": "这个句子是通顺的。"}
    for name, end in ends.items():
        found = load(page(name), None, 1)
        first = prompt(name, "ppl", found.samples[0], *found.shots[0]).partition("\n\n")[0]
        assert first.endswith(end), name
        gen = prompt(name, "gen", found.samples[0], *found.shots[0]).partition("\n\n")[0]
        assert gen.endswith(f"答：{found.shots[0][0].target}"), name
