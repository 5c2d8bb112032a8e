"""Pages of knowledge, science and medicine: what a row becomes, the prompt byte by byte, and what is scored."""

from __future__ import annotations

import importlib.util
import json
import math
from pathlib import Path
from typing import Any

import pytest
from proctor import Benchmark
from proctor.asks import Ranking
from proctor.data.manifest import sources
from proctor.data.reading import Dataset, load
from proctor.errors import DataError
from proctor.model import Completion, Likelihood, Output, Usage
from proctor.prompts import Prompt

ROOT = Path(__file__).resolve().parents[2]


def page(name: str, attribute: str | None = None) -> Benchmark:
    """The benchmark of a module of evals/, by its name there where it has several."""
    path = ROOT / "evals" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"page_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = {key: value for key, value in vars(module).items() if isinstance(value, Benchmark)}
    return found[attribute] if attribute else next(iter(found.values()))


def loaded(benchmark: Benchmark, root: Path, shots: int = 0, **files: Any) -> Dataset:
    """The dataset of rows (records) or of a file's text, by file names with __ for a slash, _dot_ for a dot."""
    for name, content in files.items():
        path = root / benchmark.name / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, str) else "".join(json.dumps(row) + "\n" for row in content)
        path.write_text(text, encoding="utf-8")
    return load(benchmark, root, shots)


def prompt(benchmark: Benchmark, dataset: Dataset, variant: str, index: int = 0) -> str:
    task = next(task for task in benchmark.tasks if task.variant == variant)
    return Prompt(task.header, task.prompt, task.answer, "page").render(dataset.samples[index], dataset.shots[index])


def scores(benchmark: Benchmark, variant: str, sample: Any, output: Any) -> tuple[Any, dict[str, Any]]:
    task = next(task for task in benchmark.tasks if task.variant == variant)
    given: list[tuple[Any, dict[str, Any]]] = []
    task.judge(sample, output, lambda answer, **metrics: given.append((answer, metrics)))
    assert len(given) == 1
    assert task.main in given[0][1]
    return given[0]


def text(said: str) -> Output:
    return Output([Completion(said, "stop")], Usage(requests=1))


def ranking(labels: list[str], logprobs: list[float]) -> Ranking:
    likelihoods = [Likelihood(label, value, 1, False) for label, value in zip(labels, logprobs, strict=True)]
    return Ranking(labels, likelihoods)


def arc(key: str, labels: str, stem: str = "Which one swims?", name: str = "Mercury_1") -> dict[str, Any]:
    texts = ("a cat", "a trout", "an ox", "a wren", "a bee")
    choices = [{"text": text, "label": label} for text, label in zip(texts, labels, strict=False)]
    return {"id": name, "question": {"stem": stem, "choices": choices}, "answerKey": key}


@pytest.mark.parametrize(("name", "split"), [("arc_c", "ARC-Challenge"), ("arc_e", "ARC-Easy")])
class TestArc:
    def test_prompts(self, name: str, split: str, tmp_path: Path):
        benchmark = page("science/test_arc", name)
        files = {f"{split}-Test_dot_jsonl": [arc("B", "ABCD")], f"{split}-Dev_dot_jsonl": [arc("2", "123")]}
        dataset = loaded(benchmark, tmp_path, 1, **files)
        assert prompt(benchmark, dataset, "ppl") == (
            "Question: Which one swims?\nAnswer: a trout\n\nQuestion: Which one swims?\nAnswer:"
        )
        assert prompt(benchmark, dataset, "gen") == (
            "Question: Which one swims?\nA. a cat\nB. a trout\nC. an ox\nAnswer: B\n\n"
            "Question: Which one swims?\nA. a cat\nB. a trout\nC. an ox\nD. a wren\nAnswer:"
        )

    def test_an_option_is_named_by_its_position(self, name: str, split: str, tmp_path: Path):
        rows = [arc("2", "1234"), arc("A", "ABC"), arc("E", "ABCDE", name="MCAS_2000_4_6"), arc("1", "123")]
        dataset = loaded(page("science/test_arc", name), tmp_path, **{f"{split}-Test_dot_jsonl": rows})
        assert [sample.target for sample in dataset.samples] == ["B", "A", "E", "A"]
        assert [len(sample.choices) for sample in dataset.samples] == [4, 3, 5, 3]
        assert [sample.groups["source"] for sample in dataset.samples] == ["Mercury", "Mercury", "MCAS", "Mercury"]

    def test_a_key_that_is_no_label_is_an_error_with_its_line(self, name: str, split: str, tmp_path: Path):
        with pytest.raises(DataError, match=r"Test.jsonl:2"):
            loaded(
                page("science/test_arc", name),
                tmp_path,
                **{f"{split}-Test_dot_jsonl": [arc("A", "ABC"), arc("2", "ABC")]},
            )

    def test_acc_and_acc_norm_may_differ_and_nothing_likely_is_unparsed(self, name: str, split: str, tmp_path: Path):
        benchmark = page("science/test_arc", name)
        rows = {f"{split}-Test_dot_jsonl": [arc("B", "ABCD"), arc("E", "ABCDE"), arc("C", "ABC")]}
        first, fifth, third = loaded(benchmark, tmp_path, **rows).samples
        answer, metrics = scores(benchmark, "ppl", first, ranking(list(first.choices), [-5.0, -5.5, -9.0, -9.0]))
        assert (answer, metrics["acc"], metrics["acc_norm"]) == ("B", False, True)
        answer, metrics = scores(benchmark, "ppl", first, ranking(list(first.choices), [-math.inf] * 4))
        assert (answer, any(metrics.values())) == (None, False)
        assert scores(benchmark, "gen", fifth, text("The answer is E."))[1] == {"acc": True}
        assert scores(benchmark, "gen", third, text("The answer is E."))[0] is None  # of three options


def test_openbookqa_ranks_options_as_continuations_of_the_bare_question(tmp_path: Path):
    benchmark = page("science/test_openbookqa")
    rows = [arc("B", "ABCD", "A pond is home to")]
    dataset = loaded(benchmark, tmp_path, 1, test_dot_jsonl=rows, dev_dot_jsonl=[arc("D", "ABCD", "In a nest sits")])
    assert prompt(benchmark, dataset, "ppl") == "In a nest sits a wren\n\nA pond is home to"
    assert prompt(benchmark, dataset, "gen").endswith(
        "Question: A pond is home to\nA. a cat\nB. a trout\nC. an ox\nD. a wren\nAnswer:"
    )
    assert dataset.samples[0].target == "B"


CMMLU = ",Question,A,B,C,D,Answer\n0,一加一等于,一,二,三,四,B\n1,二加二等于,一,二,三,四,D\n"
CEVAL = "id,question,A,B,C,D,answer\n0,一加一等于____。,一,二,三,四,B\n1,二加二等于____。,一,二,三,四,D\n"


def test_cmmlu_prompt(tmp_path: Path):
    benchmark = page("knowledge/test_cmmlu")
    files = {"test__agronomy_dot_csv": CMMLU, "dev__agronomy_dot_csv": CMMLU}
    dataset = loaded(benchmark, tmp_path, 1, **files)
    expected = (
        "以下是关于农学的单项选择题，请直接给出正确答案的选项。\n\n"
        "题目：一加一等于\nA. 一\nB. 二\nC. 三\nD. 四\n答案是：B\n\n"
        "题目：二加二等于\nA. 一\nB. 二\nC. 三\nD. 四\n答案是："
    )
    assert prompt(benchmark, dataset, "ppl", 1) == prompt(benchmark, dataset, "gen", 1) == expected
    assert dataset.samples[1].target == "D"
    assert dataset.samples[1].groups == {"subject": "agronomy", "category": "other"}


def test_ceval_takes_other_rows_of_the_split_as_shots(tmp_path: Path):
    benchmark = page("knowledge/test_ceval")
    dataset = loaded(benchmark, tmp_path, 1, val__college_physics_val_dot_csv=CEVAL)
    assert prompt(benchmark, dataset, "ppl") == (
        "以下是中国关于大学物理考试的单项选择题，请选出其中的正确答案。\n\n"
        "二加二等于____。\nA. 一\nB. 二\nC. 三\nD. 四\n答案：D\n\n"
        "一加一等于____。\nA. 一\nB. 二\nC. 三\nD. 四\n答案："
    )
    assert dataset.samples[0].groups == {"subject": "college_physics", "category": "STEM", "difficulty": "hard"}


def test_mmlu_pro_leaves_as_much_room_to_think_as_the_authors():
    (task,) = page("knowledge/test_mmlu_pro").tasks
    assert task.ask.parameters["max_tokens"] == 2048


@pytest.mark.parametrize("name", ["ceval", "cmmlu", "mmlu"])
def test_no_bundled_shot_is_the_sample_itself(name: str):
    dataset = load(page(f"knowledge/test_{name}"), None, 5)
    for sample, shots in zip(dataset.samples, dataset.shots, strict=True):
        assert len(shots) == 5
        assert sample.question not in {shot.question for shot in shots}


@pytest.mark.parametrize(("name", "subjects"), [("ceval", 52), ("cmmlu", 67)])
def test_every_subject_has_a_chinese_name_and_a_category(name: str, subjects: int, tmp_path: Path):
    benchmark = page(f"knowledge/test_{name}")
    listed = [one for ones in sources(ROOT / "data")[name].groups["category"]["subject"].values() for one in ones]
    assert len(listed) == len(set(listed)) == subjects
    pattern, rows = ("val__{}_val_dot_csv", CEVAL) if name == "ceval" else ("test__{}_dot_csv", CMMLU)
    dataset = loaded(benchmark, tmp_path, **{pattern.format(subject): rows for subject in listed})
    assert len({sample.metadata["name"] for sample in dataset.samples}) == subjects


@pytest.mark.parametrize("name", ["knowledge/test_cmmlu", "knowledge/test_ceval", "medicine/test_medqa_mcmle"])
def test_the_letter_follows_a_chinese_colon_without_a_space(name: str):
    ask = next(task.ask for task in page(name).tasks if task.variant == "ppl")
    assert ask.parameters["prefix"] == ""


MEDMCQA = {"question": "Which gas do lungs take in?", "exp": None, "cop": 3, "opa": "Argon", "opb": "Neon"}
MEDMCQA |= {"opc": "Oxygen", "opd": "Radon", "subject_name": "Physiology", "topic_name": None, "id": "1"}


def test_medmcqa_prompt_and_option_counted_from_one(tmp_path: Path):
    benchmark = page("medicine/test_medmcqa")
    dataset = loaded(benchmark, tmp_path, dev_dot_json=[MEDMCQA, MEDMCQA | {"cop": 1}, MEDMCQA | {"cop": 4}])
    assert prompt(benchmark, dataset, "ppl") == (
        "Question: Which gas do lungs take in?\nChoices:\nA. Argon\nB. Neon\nC. Oxygen\nD. Radon\nAnswer:"
    )
    assert [sample.target for sample in dataset.samples] == ["C", "A", "D"]
    with pytest.raises(DataError, match=r"dev.json:2.*cop is 0.*from 0"):
        loaded(benchmark, tmp_path, dev_dot_json=[MEDMCQA, MEDMCQA | {"cop": 0}])


def medqa(answer: str, letter: str, **more: str) -> dict[str, Any]:
    options = dict(zip("ABCD", ("心", "肝", "肺", "肾"), strict=True))
    return {"question": "呼吸的器官是（　　）。", "options": options, "answer": answer, "answer_idx": letter, **more}


def test_medqa_prompts(tmp_path: Path):
    mcmle, usmle = page("medicine/test_medqa_mcmle"), page("medicine/test_medqa_usmle")
    row = medqa("肺", "C", meta_info="生理学")
    dataset = loaded(mcmle, tmp_path, test_dot_jsonl=[row])
    expected = "问题：呼吸的器官是（　　）。\n选项：A. 心\nB. 肝\nC. 肺\nD. 肾\n答案："
    assert prompt(mcmle, dataset, "ppl") == prompt(mcmle, dataset, "gen") == expected
    assert dataset.samples[0].groups == {"chapter": "生理学"}
    dataset = loaded(usmle, tmp_path, phrases_no_exclude_test_dot_jsonl=[row | {"meta_info": "step1"}])
    assert prompt(usmle, dataset, "ppl") == ("Question: 呼吸的器官是（　　）。\nA. 心\nB. 肝\nC. 肺\nD. 肾\nAnswer:")
    assert dataset.samples[0].target == "C"
    with pytest.raises(DataError, match=r"test.jsonl:1"):
        loaded(usmle, tmp_path, phrases_no_exclude_test_dot_jsonl=[medqa("肝", "C", meta_info="step1")])
