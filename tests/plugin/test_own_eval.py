"""Benchmarks of one's own, data beside the module, with asks of several turns."""

from __future__ import annotations

import pytest
from suites import Suite

CAPITALS = '''
"""Capitals, asked twice: the second turn sees the first answer."""

from proctor import Benchmark, Sample

capitals = Benchmark("capitals", shots=1, main="named", prompt="Capital of {{ question }}?", answer=" {{ target }}\\n",
                     data="capitals.jsonl", shots_data="examples.jsonl")


@capitals.rows
def read(row):
    if row["capital"] is None:
        return "no capital"
    return Sample(question=row["country"], target=row["capital"], metadata={"hint": row.get("hint", "")})


async def ask(sample, prompt, model, seed, turns=2):
    said = []
    for _ in range(turns):
        output = await model.generate(prompt + "".join(said), max_tokens=8)
        said.append(output.text)
    return {"said": said, "seed": seed}


@capitals.test(ask)
def test_capitals(sample, output, score):
    score(output["said"][-1].strip(), named=sample.target in output["said"][-1], turns=len(output["said"]))
'''
ROWS = (
    '{"country": "France", "capital": "Paris"}\n'
    '{"country": "Nauru", "capital": null}\n'
    '{"country": "Peru", "capital": "Lima"}\n'
)


@pytest.fixture
def third(suite: Suite) -> Suite:
    folder = suite.path / "their"
    folder.mkdir()
    (folder / "test_capitals.py").write_text(CAPITALS)
    (folder / "capitals.jsonl").write_text(ROWS)
    (folder / "examples.jsonl").write_text('{"country": "Italy", "capital": "Rome"}\n')
    suite.script(answers=[["France", " Paris"], ["Peru", " Cusco"]])
    return suite


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
def test_a_benchmark_with_data_beside_it_runs_from_its_own_folder(third: Suite, workers: tuple[str, ...]):
    result = third.run("their", *workers)
    assert result.ret == 0
    result.assert_outcomes(passed=2)
    (task,) = third.report()["tasks"]
    assert (task["task"], task["shots"]) == ("capitals", 1)
    assert task["metrics"]["named"]["value"] == 0.5
    assert task["metrics"]["turns"]["value"] == 2
    assert (task["data"]["rows"], task["data"]["excluded"]) == (3, {"no capital": 1})


def test_an_ask_of_several_turns_sees_the_prompt_and_keeps_its_output(third: Suite):
    third.run("their")
    assert sorted(third.asked)[:2] == [
        "Capital of Italy? Rome\nCapital of France?",
        "Capital of Italy? Rome\nCapital of France? Paris",
    ]
    line = third.samples()[0]
    assert line["output"]["said"] == [" Paris", " Paris"]
    assert (line["sample"], line["extracted"], line["scores"]) == ("0", "Paris", {"named": 1, "turns": 2})


def test_its_words_select_it_and_its_parameters_can_be_set(third: Suite):
    assert third.run("their", "-m", "capitals", "--set", "capitals.turns=3").ret == 0
    assert third.report()["tasks"][0]["metrics"]["turns"]["value"] == 3
    assert third.report()["tasks"][0]["parameters"] == {"turns": 3}
    assert third.nodeids("their", "-k", "capitals and 2") == ["their/test_capitals.py::test_capitals[2]"]


def test_seeds_depend_on_the_sample_and_the_seed_of_the_run_alone(third: Suite):
    def seeds(*args: str) -> list[int]:
        third.run("their", *args)
        return [line["output"]["seed"] for line in third.samples()]

    both = seeds()
    assert len(set(both)) == 2
    assert seeds("-k", "2") == both[1:]
    assert seeds("--seed=1") != both


def test_a_benchmark_may_stand_in_a_module_with_ordinary_tests(third: Suite):
    module = third.path / "their/test_capitals.py"
    module.write_text(module.read_text() + "\n\ndef test_ordinary(tmp_path):\n    assert tmp_path.exists()\n")
    third.run("their").assert_outcomes(passed=3)


def test_a_variant_leaves_samples_out_for_a_reason_that_is_counted(suite: Suite):
    further = """

@capitals.test(ask, variant="short", leave_out=lambda sample: "long" if len(sample.target) > 4 else None)
def test_capitals_short(sample, output, score):
    test_capitals(sample, output, score)
"""
    suite.write(test_capitals=CAPITALS + further, capitals__jsonl=ROWS, examples__jsonl=ROWS)
    result = suite.run("--variant=all")
    assert result.ret == 0, result.stdout.str()
    tasks = {task["variant"]: task for task in suite.report()["tasks"]}
    assert {name: task["samples"]["total"] for name, task in tasks.items()} == {"gen": 2, "short": 1}
    assert tasks["gen"]["data"]["excluded"] == {"no capital": 1}
    assert tasks["short"]["data"]["excluded"] == {"no capital": 1, "long": 1}
    assert suite.nodeids("-k", "capitals_short") == ["test_capitals.py::test_capitals_short[2]"]
    # Where every sample is left out, the others run all the same.
    suite.write(test_capitals=CAPITALS + further.replace("> 4", "> 0"))
    assert suite.run("--variant=all").ret == 0
    assert [task["variant"] for task in suite.report()["tasks"]] == ["gen"]
