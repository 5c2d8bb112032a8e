"""Runs that ask a chat model: what decides it, what is sent, and what is told and kept of it."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from scripted_server import Script, ScriptedServer
from suites import CHECKOUT, SUMS, Suite

WORKERS = pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
KNOWN = {"chat_model": {"is": True, "why": "its name says instruct"}}
FEWSHOT = SUMS.replace(
    'prompt="{{ question }} =", data="sums.jsonl"',
    'header="Add.\\n\\n", prompt="{{ question }} =", answer=" {{ target }}\\n", shots=2, data="sums.jsonl", '
    'shots_data="shots.jsonl"',
).replace("generate(max_tokens=8)", 'generate(max_tokens=8, stop=["\\n\\n", "\\nAdd"])')
RANKED = (
    SUMS.replace("import Benchmark, Sample, generate", "import Benchmark, Sample, generate, rank")
    + """

@sums.test(rank(lambda sample: [sample.target, "none"]))
def test_sums_ppl(sample, output, score):
    score(output.choice, right=output.choice == sample.target)
"""
)
CODE = """
from proctor import Benchmark, Program, Sample, generate

tasks = Benchmark("tasks", main="right", prompt="{{ question }} =", data="sums.jsonl")


@tasks.rows
def read(row):
    return Sample(question=row["question"], target=row["answer"])


@tasks.test(generate(max_tokens=8), default=True)
def test_tasks(sample, output, score):
    score(output.text, right=True)


@tasks.test(generate(max_tokens=8), variant="chat", prompt="What is {{ question }}?")
def test_tasks_chat(sample, output, score):
    score(output.text, right=True)
"""


@pytest.fixture
def fewshot(suite: Suite) -> Suite:
    suite.sums(module=FEWSHOT)
    shots = ({"question": f"{i} + {i}", "answer": str(2 * i), "size": "small"} for i in (20, 30))
    suite.write(shots__jsonl="".join(json.dumps(row) + "\n" for row in shots))
    return suite


def turns(suite: Suite) -> list[list[list[str]]]:
    """The conversations that were asked, in their order."""
    return [entry["messages"] for entry in suite.log if "messages" in entry]


def parameters(suite: Suite) -> dict[str, Any]:
    asked = [entry for entry in suite.log if entry["event"] == "generate"]
    return {name: asked[0][name] for name in ("max_tokens", "stop")}


@WORKERS
def test_a_model_that_is_known_to_be_one_is_asked_by_turns(fewshot: Suite, workers: tuple[str, ...]):
    fewshot.script(**KNOWN)
    result = fewshot.run(*workers)
    assert result.ret == 0, result.stdout.str()
    result.stdout.fnmatch_lines(
        ["proctor: fake is asked as a chat model (its name says instruct); --chat=off sends prompts as they are"]
    )
    assert len(turns(fewshot)) == 12
    assert next(asked[:4] for asked in turns(fewshot) if asked[4] == ["user", "7 + 7 ="]) == [
        ["user", "Add.\n\n20 + 20 ="],
        ["assistant", "40"],
        ["user", "30 + 30 ="],
        ["assistant", "60"],
    ]
    (task,) = fewshot.report()["tasks"]
    assert task["chat"] == {"fewshot_as": "turns", "system": None}
    assert (task["parameters"]["max_tokens"], task["parameters"]["stop"]) == (1024, ["\nAdd"])
    assert parameters(fewshot) == {"max_tokens": 1024, "stop": ["\nAdd"]}
    assert fewshot.report()["run"]["chat"]["why"] == "its name says instruct"
    jsonschema.validate(fewshot.report(), json.loads((CHECKOUT / "docs" / "report.schema.json").read_text()))
    summary = (fewshot.path / "reports/latest/summary.md").read_text()
    assert "asked as a chat model with few-shots as turns, max_tokens `1024`" in summary


def test_what_was_sent_is_in_the_records(fewshot: Suite):
    fewshot.run("--chat=on", "--fewshot-as=text", "--system=Be brief.")
    line = next(line for line in fewshot.samples() if line["sample"] == "7")
    assert line["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Add.\n\n20 + 20 = 40\n30 + 30 = 60\n7 + 7 ="},
    ]
    assert "prompt" not in line
    assert line["outputs"][0]["text"] == " 14"
    (task,) = fewshot.report()["tasks"]
    assert task["chat"] == {"fewshot_as": "text", "system": "Be brief."}


def test_nothing_changes_for_other_models(fewshot: Suite):
    result = fewshot.run()
    assert "chat" not in result.stdout.str()
    assert turns(fewshot) == []
    assert parameters(fewshot) == {"max_tokens": 8, "stop": ["\n\n", "\nAdd"]}
    (task,) = fewshot.report()["tasks"]
    assert not {"chat", "raw_prompt"} & set(task)


def test_one_that_may_be_a_chat_model_is_said_to_be_asked_otherwise(fewshot: Suite):
    fewshot.script(capabilities={"chat": True})
    result = fewshot.run()
    result.stdout.fnmatch_lines(
        ["proctor: fake is asked to continue prompts (nothing says that it is a chat model); --chat=on asks it as one"]
    )
    assert turns(fewshot) == []


def test_a_chat_model_can_be_asked_by_raw_prompts(fewshot: Suite):
    fewshot.script(**KNOWN)
    result = fewshot.run("--chat=off")
    result.stdout.fnmatch_lines(["proctor: fake is a chat model, and is asked by raw prompts (--chat=off)"])
    result.stdout.fnmatch_lines(["sums gen*raw prompt to a chat model"])
    assert turns(fewshot) == []
    assert fewshot.report()["tasks"][0]["raw_prompt"] is True


def test_likelihoods_of_a_chat_model_are_of_the_raw_prompt_and_say_so(suite: Suite):
    suite.sums(module=RANKED)
    suite.script(**KNOWN)
    result = suite.run("--variant=all")
    assert result.ret == 0, result.stdout.str()
    result.stdout.fnmatch_lines(
        [
            "proctor: sums ppl: likelihoods are of the raw prompt, without the chat template of fake",
            "sums ppl*raw prompt to a chat model",
        ]
    )
    assert {entry["prompt"] for entry in suite.log if entry["event"] == "loglikelihood"} >= {"7 + 7 ="}
    assert not any("messages" in entry for entry in suite.log if entry["event"] == "loglikelihood")
    labels = {task["variant"]: ("chat" in task, task.get("raw_prompt")) for task in suite.report()["tasks"]}
    assert labels == {"gen": (True, None), "ppl": (False, True)}
    assert "raw prompt to a chat model" in (suite.path / "reports/latest/summary.md").read_text()


def test_limits_and_stops_that_are_chosen_stay(fewshot: Suite):
    fewshot.run("--chat=on", "--set=sums.max_tokens=5", '--set=sums.stop="\\n"')
    assert parameters(fewshot) == {"max_tokens": 5, "stop": ["\n"]}
    fewshot.forget()
    fewshot.run("--chat=on", "--max-tokens=3")
    assert parameters(fewshot) == {"max_tokens": 3, "stop": ["\nAdd"]}


def test_max_tokens_is_for_all_models_and_set_wins(fewshot: Suite):
    fewshot.run("--max-tokens=300")
    assert parameters(fewshot) == {"max_tokens": 300, "stop": ["\n\n", "\nAdd"]}
    assert fewshot.report()["tasks"][0]["parameters"]["max_tokens"] == 300
    fewshot.forget()
    fewshot.run("--max-tokens=300", "--set=sums.max_tokens=7")
    assert parameters(fewshot)["max_tokens"] == 7


def test_settings_stand_in_the_ini_file(fewshot: Suite):
    (fewshot.path / "voice.txt").write_text("Be brief.\n")
    fewshot.pytester.makeini(
        "[pytest]\nproctor_chat = on\nproctor_fewshot_as = text\nproctor_system = @voice.txt\nproctor_max_tokens = 9\n"
    )
    assert fewshot.run().ret == 0
    assert turns(fewshot)[0][0] == ["system", "Be brief."]
    assert parameters(fewshot)["max_tokens"] == 9


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--chat=yes",), "--chat=yes: auto, on or off is needed"),
        (("--fewshot-as=shots",), "--fewshot-as=shots: turns or text is needed"),
        (("--max-tokens=0",), "--max-tokens=0: a whole number of 1 or more is needed"),
        (("--system= ",), "--system is empty*"),
        (("--system=@nowhere.txt",), "--system=@nowhere.txt: cannot read *nowhere.txt*"),
        (("--system=x", "--chat=off"), "--system is a turn of a conversation, and --chat=off has none*"),
        (("--system=x",), "*--system is a turn of a conversation, and fake is not asked as a chat model*--chat=on*"),
        (("--rescore=first", "--chat=on"), "--rescore asks no model*leave --chat out"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_asked(sums: Suite, args: tuple[str, ...], message: str):
    result = sums.run(*args)
    assert result.ret == 4
    result.stderr.fnmatch_lines([f"ERROR: {message}"])
    assert sums.asked == []


@pytest.mark.parametrize("args", [("--chat=on",), ("--chat=on", "-n", "2")])
def test_an_endpoint_without_a_template_is_refused_with_the_next_step(sums: Suite, args: tuple[str, ...]):
    lacking = {"chat": False, "why": {"chat": "status 400: no chat template"}}
    sums.script(capabilities=lacking, engine="vllm")
    result = sums.run(*args)
    assert result.ret == 4
    result.stderr.fnmatch_lines(["ERROR: --chat=on: fake cannot be asked*no chat template*--chat-template FILE*"])
    assert (sums.asked, "Traceback" in result.stderr.str()) == ([], False)
    sums.script(capabilities=lacking)
    assert "--chat-template" not in sums.run(*args).stderr.str()  # which other servers do not have


def test_a_system_turn_that_the_template_refuses_is_found_out_beforehand(sums: Suite):
    sums.script(capabilities={"chat_system": False, "why": {"chat_system": "System role not supported"}})
    result = sums.run("--chat=on", "--system=x")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["ERROR: --system: fake takes no system turn (System role not supported)*"])


@WORKERS
def test_a_run_goes_on_in_the_form_in_which_it_was_begun(fewshot: Suite, workers: tuple[str, ...]):
    fewshot.script(fails=[["7 + 7", "timeout"]])
    assert fewshot.run("--chat=on", "--report-dir=run", *workers).ret == 12
    fewshot.script()
    for other in (("--chat=off",), ("--chat=on", "--fewshot-as=text"), ("--chat=on", "--system=x")):
        fewshot.forget()
        result = fewshot.run("--resume=run", *other, *workers)
        assert result.ret == 4
        result.stderr.fnmatch_lines(["*sums gen: chat was*"])
        assert (fewshot.asked, fewshot.events("start")) == ([], 0)
    assert fewshot.run("--resume=run", "--chat=on", *workers).ret == 0
    assert [asked[-1] for asked in turns(fewshot)] == [["user", "7 + 7 ="]]


def test_one_known_to_be_a_chat_model_goes_on_however_that_is_said(fewshot: Suite):
    fewshot.script(**KNOWN, fails=[["7 + 7", "timeout"]])
    assert fewshot.run("--report-dir=run").ret == 12
    fewshot.script(**KNOWN)
    assert fewshot.run("--resume=run", "--chat=on").ret == 0


@WORKERS
def test_its_outputs_are_judged_again_in_the_same_form(fewshot: Suite, workers: tuple[str, ...]):
    fewshot.run("--chat=on", "--fewshot-as=text", "--system=Be brief.", "--report-dir=first", "--max-tokens=9")
    fewshot.forget()
    result = fewshot.run("--rescore=first", "--report-dir=second", *workers)
    assert result.ret == 0, result.stdout.str()
    assert fewshot.asked == []
    assert fewshot.report("second")["tasks"] == fewshot.report("first")["tasks"]
    assert fewshot.samples("second") == fewshot.samples("first")


GATES = """
gates:
  - benchmarks: sums
    max_drop: 0.5
"""


@WORKERS
def test_gates_compare_runs_of_one_form(fewshot: Suite, workers: tuple[str, ...]):
    fewshot.script(**KNOWN)
    fewshot.run("--report-dir=base")
    fewshot.write(gates__yaml=GATES)
    judged = ("--gate=gates.yaml", "--baseline=base", "--model=fake", *workers)
    fewshot.forget()
    result = fewshot.run(*judged)
    assert result.ret == 0, result.stdout.str() + result.stderr.str()
    assert len(turns(fewshot)) == 12
    for other in ("--fewshot-as=text", "--chat=off"):
        fewshot.forget()
        result = fewshot.run(*judged, other)
        assert result.ret == 4
        result.stderr.fnmatch_lines(["*asked sums gen otherwise*"])
        assert fewshot.asked == []
        assert fewshot.events("start") == fewshot.events("stop")


def test_prompts_are_shown_turn_by_turn(fewshot: Suite):
    fewshot.script(**KNOWN)
    result = fewshot.run("--show-prompts=1", "--system=Be brief.")
    result.stdout.fnmatch_lines(
        [
            "proctor: prompts for a chat model (its name says instruct)",
            "[[]system[]]",
            "Be brief.",
            "[[]user[]]",
            "Add.",
            "",
            "20 + 20 =",
            "[[]assistant[]]",
            "40",
            "*",
            "[[]user[]]",
            "0 + 0 =",
        ]
    )
    assert fewshot.log == []


def test_a_chat_model_gets_the_variant_that_is_made_for_one(suite: Suite):
    suite.sums()
    suite.write(test_tasks=CODE)

    def chosen(*args: str) -> list[str]:
        return [nodeid.partition("[")[0] for nodeid in suite.nodeids("--limit=1", *args)]

    gen, chat = ["test_tasks.py::test_tasks"], ["test_tasks.py::test_tasks_chat"]
    assert chosen("test_tasks.py") == gen
    suite.script(**KNOWN)
    assert chosen("test_tasks.py") == chat
    assert chosen("test_tasks.py", "--variant=gen") == gen
    assert chosen("test_tasks.py", "--chat=off") == gen
    assert chosen("test_tasks.py::test_tasks") == gen


def test_of_an_endpoint_the_name_that_it_serves_decides_the_variant(suite: Suite):
    suite.sums()
    suite.write(test_tasks=CODE)
    with ScriptedServer(Script(model="org/llama-instruct")) as server:
        result = suite.served("test_tasks.py", f"--base-url={server.url}", "--data-dir=bundled", "--limit=2")
        assert result.ret == 0, result.stdout.str()
        assert all(body["messages"][0]["content"].startswith("What is") for body in server.bodies(CHAT)[-2:])
    assert [task["variant"] for task in suite.report()["tasks"]] == ["chat"]
    assert "is made for models that continue" not in result.stdout.str()


CHAT = "/v1/chat/completions"


def test_where_only_the_start_shows_that_it_is_one_the_other_variant_is_named(suite: Suite):
    suite.sums()
    suite.write(test_tasks=CODE)
    # An endpoint's model is known by name once it was asked for it.
    suite.write(conftest=LATE)
    result = suite.run("test_tasks.py", "--limit=2")
    assert result.ret == 0, result.stdout.str()
    result.stdout.fnmatch_lines(["proctor: tasks gen is made for models that continue; --variant=chat suits fake"])


LATE = """
import fake_service

def start(self, log, progress, started=fake_service.FakeService.start):
    connection = started(self, log, progress)
    return type(connection)({**connection.model, "chat_model": {"is": True, "why": "its name says it"}})

def pytest_configure(monkeypatch=__import__("pytest").MonkeyPatch()):
    monkeypatch.setattr(fake_service.FakeService, "start", start)

def pytest_unconfigure():
    __import__("importlib").reload(fake_service)
"""


def test_an_ask_of_several_turns_goes_on_as_a_conversation(suite: Suite):
    suite.sums(
        module=SUMS.replace("generate(max_tokens=8)", "twice")
        .replace("import Benchmark, Sample, generate", "import Benchmark, Sample, follow_up")
        .replace("@sums.test", TWICE + "\n\n@sums.test")
    )
    result = suite.run("--chat=on", "--limit=1", "--system=Be brief.")
    assert result.ret == 0, result.stdout.str()
    asked = turns(suite)
    question = asked[0][1][1]
    answer = asked[1][2][1]
    assert asked[0] == [["system", "Be brief."], ["user", question]]
    assert asked[1] == [*asked[0], ["assistant", answer], ["user", "Sure?"]]
    assert asked[2] == [["system", "Be brief."], ["user", f"{question} So?"]]
    assert {entry["max_tokens"] for entry in suite.log if entry["event"] == "generate"} == {1024}


TWICE = """async def twice(prompt, model):
    first = await model.generate(prompt, max_tokens=8)
    second = await model.generate(follow_up(prompt, first.text, "Sure?"), max_tokens=8)
    await model.generate(prompt + " So?", max_tokens=8)
    return second.after(first)
"""


def test_prompts_that_are_shown_say_what_they_are_for(fewshot: Suite):
    line = (
        "proctor: prompts for a model that continues them (nothing says that it is a chat model); --chat=on shows turns"
    )
    assert line in fewshot.run("--show-prompts=1").outlines
    fewshot.script(chat_model={"is": False, "why": "models.yaml says so"})
    assert not any("prompts for" in line for line in fewshot.run("--show-prompts=1").outlines)


def test_answers_that_were_cut_are_told_with_what_gives_them_room(fewshot: Suite):
    fewshot.script(finish=[["7 + 7", "length"]])
    result = fewshot.run("--chat=on")
    result.stdout.fnmatch_lines(["sums gen: 1 answer was cut at 1024 tokens; --max-tokens=N gives more room"])
    assert "cut at" not in fewshot.run().stdout.str()


def test_an_ordinary_test_talks_to_the_model(suite: Suite):
    suite.write(
        test_talk="""
def test_talk(model):
    assert model.chat("1 + 2 =").text == " 3"
    said = [{"role": "system", "content": "Add."}, {"role": "user", "content": "2 + 2 ="}]
    assert model.chat(said, max_tokens=4).text == " 4"
    assert model.generate("3 + 3 =").text == " 6"
"""
    )
    assert suite.run().ret == 0
    assert turns(suite) == [[["user", "1 + 2 ="]], [["system", "Add."], ["user", "2 + 2 ="]]]
    assert [entry["max_tokens"] for entry in suite.log if entry["event"] == "generate"] == [512, 4, 512]


@pytest.mark.parametrize("message", [{"role": "wizard", "content": "Hi"}, {"role": "user"}, "Hi"])
def test_a_message_that_is_none_fails_with_what_one_is(suite: Suite, message: Any):
    suite.write(test_talk=f"def test_talk(model):\n    model.chat([{message!r}])\n")
    result = suite.run()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*ValueError: a message has a role (system, user, assistant) and a content; got*"])


def test_the_self_checks_hold_for_chat_as_well(checkout: Suite):
    result = checkout.run("evals", "--variant=gen", "--model=proctor:gold", "--chat=on")
    assert result.ret == 0, result.stdout.str()
    mains = {task["task"]: task["metrics"][task["main"]]["value"] for task in checkout.report()["tasks"]}
    assert mains == {"gsm8k": 1, "mmlu": 1}


@pytest.mark.parametrize("form", ["turns", "text"])
def test_the_embedded_model_is_asked_through_its_template(checkout: Suite, form: str):
    result = checkout.served("evals/numeracy", "--limit=2", "--chat=on", f"--fewshot-as={form}", "--max-tokens=40")
    assert result.ret == 0, result.stdout.str()
    for line in checkout.samples():
        assert len(line["messages"]) == (17 if form == "turns" else 1)
        assert line["rendered"].startswith("<|endoftext|>Question: Question: train 0 + 0\nAnswer:")
        assert line["rendered"].count("\nAnswer:") == 9 * (2 if form == "turns" else 1) + (form == "text")
        assert line["outputs"][0]["tokens"] <= 40
    assert checkout.report()["model"]["capabilities"]["chat_template"] is True
