import asyncio
import math
from pathlib import Path

import pytest
from proctor.errors import AskError, ServiceError
from proctor.extract import choice_letter, final_number, option_list, option_set
from proctor.sample import Sample
from proctor.selfcheck import NAMES, PHRASINGS, UNLIKELY, SelfCheckModel, phrase, selfcheck_service

CITIES = ("Rome", "Paris", "Oslo", "Bonn")


def letters(targets):
    return [Sample(id=str(i), choices=CITIES, target=target) for i, target in enumerate(targets)]


def texts(targets):
    return [Sample(id=str(i), target=target) for i, target in enumerate(targets)]


def written(name, sample, peers, **options):
    model = SelfCheckModel(name).about(sample, peers)
    return asyncio.run(model.generate("prompt", max_tokens=16, **options))


def logprobs(name, sample, peers, continuations):
    model = SelfCheckModel(name).about(sample, peers)
    return [one.logprob for one in asyncio.run(model.loglikelihood("context", continuations)).choices]


def test_service_is_a_model_without_a_server(tmp_path):
    service = selfcheck_service("proctor:gold")
    connection = service.start(tmp_path / "log", print)
    assert (service.name, service.bundled, service.concurrency) == ("proctor:gold", True, 64)
    assert connection.model["engine"] == "proctor-selfcheck"
    assert connection.model["base_urls"] == []
    assert connection.model["capabilities"] == {"generate": True, "likelihood": True}

    async def connect():
        async with service.connect(connection, 8) as model:
            return await model.about(texts(["x"])[0], []).generate("", max_tokens=1)

    assert asyncio.run(connect()).text == "x"
    service.stop()
    service.stop()


def test_unknown_name_lists_the_three():
    with pytest.raises(ServiceError, match="proctor:gold, proctor:empty, proctor:neighbour"):
        selfcheck_service("proctor:silver")


@pytest.mark.parametrize("name", NAMES)
def test_unbound_model_says_what_is_missing(name):
    with pytest.raises(AskError, match="about"):
        asyncio.run(SelfCheckModel(name).generate("", max_tokens=1))
    with pytest.raises(AskError, match="about"):
        asyncio.run(SelfCheckModel(name).loglikelihood("", ["a"]))


def test_gold_phrases_letters_in_every_way_but_chinese():
    said = {phrase(sample) for sample in letters("B" * 400)}
    assert len(said) == len(PHRASINGS["letter"]) - 2
    assert {" B", "(B)", "**B**", "The answer is B.", "B. Paris", "\\boxed{B}"} <= said


def test_chinese_phrasings_are_for_chinese_options():
    said = {phrase(Sample(id=str(i), choices=["罗马", "巴黎"], target="B")) for i in range(400)}
    assert {"答案是B", "B. 巴黎"} <= said
    assert len(said) == len(PHRASINGS["letter"])


def test_gold_phrases_numbers_with_and_without_a_worked_answer():
    bare = {phrase(Sample(id=str(i), target="18")) for i in range(200)}
    assert {"The answer is 18.", "**18**", "#### 18"} <= bare
    worked = {phrase(Sample(id=str(i), target="18", reference="9 + 9 = 18\n#### 18")) for i in range(200)}
    assert worked - bare == {"9 + 9 = 18\n#### 18"}


def test_what_a_worked_answer_boxes_is_a_formula():
    worked = r"So it is $\boxed{\frac{1}{2}}$."
    said = {phrase(Sample(id=str(i), target=r"\frac{1}{2}", reference=worked)) for i in range(100)}
    assert said == {
        worked,
        r"So the result is $\boxed{\frac{1}{2}}$.",
        r"Final Answer: The final answer is $\frac{1}{2}$. I hope it is correct.",
        r"Therefore, the answer is $\frac{1}{2}$.",
    }
    assert len({phrase(Sample(id=str(i), target="5", reference=r"$\boxed{5}$")) for i in range(100)}) == 4


def test_phrasing_depends_on_the_id_alone():
    assert phrase(letters("BB")[1]) == phrase(Sample(id="1", question="another", choices=CITIES, target="B"))


@pytest.mark.parametrize(
    ("sample", "text"),
    [
        (Sample(id="0", target="an {odd} text"), "an {odd} text"),
        (Sample(id="0", targets=["1066", "in 1066"]), "1066"),
        (Sample(id="0", passage="It was 1066.", target="1066"), "1066"),
        (Sample(id="0", choices=CITIES, target="CA"), "CA"),
        (Sample(id="0"), ""),
    ],
)
def test_other_answers_are_written_as_they_stand(sample, text):
    assert phrase(sample) == text


def test_sets_of_options_are_phrased_so_that_they_can_be_read():
    said = {phrase(Sample(id=str(i), choices=CITIES, target="ACD")) for i in range(400)}
    assert {" ACD", "A, C, D", "The correct options are A, C and D."} <= said
    assert {option_set(text) for text in said} == {"ACD"}
    chinese = {phrase(Sample(id=str(i), question="哪些正确？", target=["ACD"])) for i in range(400)}
    assert {"故选A、C、D。", "【答案】 ACD <eoa>"} <= chinese
    assert {option_set(text) for text in chinese} == {"ACD"}


def test_letters_of_several_questions_are_phrased_in_order():
    said = {phrase(Sample(id=str(i), question="完形填空", target=["C", "F", "A"])) for i in range(400)}
    assert {"1. C\n2. F\n3. A", "C F A", "【答案】 C F A <eoa>"} <= said
    assert {tuple(option_list(text, 3, "ABCDEFG")) for text in said} == {("C", "F", "A")}
    assert {choice_letter(phrase(Sample(id=str(i), question="选择", target=["B"]))) for i in range(400)} == {"B"}


def test_option_given_by_position_is_written_as_a_letter():
    assert "B" in phrase(Sample(id="0", choices=CITIES, target=1))


def test_empty_writes_nothing_and_finds_nothing_likely():
    samples = letters("AB")
    output = written("proctor:empty", samples[0], samples, n=2)
    assert [(one.text, one.finish_reason) for one in output.completions] == [("", "stop")] * 2
    assert logprobs("proctor:empty", samples[0], samples, [" A", " B"]) == [-math.inf] * 2


def test_stop_strings_end_the_text():
    sample = Sample(id="0", target="one\n\ntwo")
    assert written("proctor:gold", sample, [sample], stop=["\n\n", ""]).text == "one"


@pytest.mark.parametrize(
    ("targets", "neighbours"),
    [
        (["a", "b", "c"], ["b", "c", "a"]),
        (["a", "a", "b", "a"], ["b", "b", "a", "b"]),
        (["18", "18.0", "1,000", 18], ["1,000", "1,000", "18", "1,000"]),
        (["a", "a", "a"], ["a", "a", "a"]),
        (["a"], ["a"]),
    ],
)
def test_neighbour_is_the_next_sample_with_another_answer(targets, neighbours):
    peers = texts(targets)
    model = SelfCheckModel("proctor:neighbour")
    assert [str(model.about(sample, peers).answering.target) for sample in peers] == neighbours


def test_neighbour_says_none_of_the_accepted_answers():
    peers = [Sample(id="0", targets=["a", "b"]), *texts(["b", "b", "a", "c"])]
    assert SelfCheckModel("proctor:neighbour").about(peers[0], peers).answering.target == "c"


def test_neighbour_names_an_option_that_the_sample_has_where_one_can():
    three = [Sample(id="three", choices=CITIES[:3], target="A")]
    model = SelfCheckModel("proctor:neighbour")
    for others, gold in ("DDC", "C"), ("DA", "D"):
        peers = three + letters(others)
        assert model.about(three[0], peers).answering.target == gold


def test_neighbour_needs_its_peers():
    with pytest.raises(AskError, match="not among the peers"):
        SelfCheckModel("proctor:neighbour").about(texts("a")[0], texts("bc"))


def test_neighbours_of_many_equal_answers_are_found():
    peers = texts(["a"] * 20_000 + ["b"])
    model = SelfCheckModel("proctor:neighbour")
    assert {model.about(sample, peers).answering.target for sample in peers[:-1]} == {"b"}


@pytest.mark.parametrize(
    ("sample", "continuations", "right"),
    [
        (Sample(choices=CITIES, target="B"), [" A", " B", " C", " D"], [1]),
        (Sample(choices=CITIES, target="B"), [" Rome", " Paris", " Oslo", " Bonn"], [1]),
        (Sample(choices=CITIES, target=1), [" Rome", " Paris", " Oslo", " Bonn"], [1]),
        (Sample(choices=CITIES, target=1), ["A", "B", "C", "D"], [1]),
        (Sample(choices=CITIES, target=1), [f"It is {city}." for city in CITIES], [1]),
        (Sample(choices=["B", "A"], target="A"), [" B", " A"], [0]),
        (Sample(choices=["x", "y", "x"], target="A"), [" x", " y", " x"], [0, 2]),
        (Sample(target="yes"), [" yes", " no"], [0]),
        (Sample(targets=["yes", "aye"]), [" no", " aye"], [1]),
        (Sample(target="maybe"), [" yes", " no"], []),
    ],
)
def test_gold_finds_the_answer_likeliest(sample, continuations, right):
    unlikely = UNLIKELY if right else -math.inf  # an answer that is none of the choices makes none of them likeliest
    expected = [0.0 if i in right else unlikely for i in range(len(continuations))]
    assert logprobs("proctor:gold", sample, [sample], continuations) == expected


def test_neighbour_finds_the_answer_of_the_other_likeliest():
    peers = letters("AC")
    assert logprobs("proctor:neighbour", peers[0], peers, [" A", " B", " C", " D"]) == [UNLIKELY, UNLIKELY, 0, UNLIKELY]
    assert logprobs("proctor:neighbour", peers[0], peers, CITIES) == [UNLIKELY, UNLIKELY, 0, UNLIKELY]


def test_phrasings_owe_nothing_to_the_extractors():
    import proctor.selfcheck

    assert "extract" not in {name.rpartition(".")[2] for name in vars(proctor.selfcheck)}
    assert "import proctor.extract" not in Path(proctor.selfcheck.__file__).read_text()
    assert "from proctor.extract" not in Path(proctor.selfcheck.__file__).read_text()


def test_every_phrasing_is_understood_by_the_extractors():
    options = ["A cat", "Both B and C", "$5", "巴黎是"]
    for i in range(400):
        sample = Sample(id=str(i), choices=options, target="ABCD"[i % 4])
        assert choice_letter(phrase(sample)) == sample.target, phrase(sample)
        sample = Sample(id=str(i), target="1,234", reference="3 * 4 = <<3*4=12>>12\n#### 1,234")
        assert final_number(phrase(sample)) == "1234", phrase(sample)
