"""Which samples run: -k, -m, node ids, variants, limits, and the runs that ask nothing."""

from __future__ import annotations

from collections import Counter

import pytest
from suites import SUMS, Suite

MMLU, GSM8K = "evals/knowledge/test_mmlu.py", "evals/numeracy/test_gsm8k.py"
EVERYTHING = 24
"""Samples in `checkout` under the default variants."""


@pytest.mark.parametrize(
    ("args", "count"),
    [
        ((), EVERYTHING),
        (("-k", "gsm8k"), 12),
        (("-m", "gsm8k"), 12),
        (("-k", "mmlu"), 12),
        (("-m", "mmlu"), 12),
        (("-m", "knowledge"), 12),
        (("-m", "en and not numeracy"), 12),
        (("-k", "astronomy"), 4),
        (("-k", "astronomy-3"), 1),
        (("-k", "mmlu and not astronomy"), 8),
        (("-k", "nothing"), 0),
        (("-m", "nothing"), 0),
    ],
)
def test_words_select_samples_as_in_any_suite(checkout: Suite, args: tuple[str, ...], count: int):
    assert len(checkout.nodeids("evals", *args)) == count


EXPRESSIONS = (
    "gsm8k",
    "not gsm8k",
    "mmlu or gsm8k",
    "mmlu and gsm8k",
    "mmlu and not astronomy",
    "astronomy or 11",
    "not (astronomy or gsm8k)",
    "1",
    "[1",
    "1]",
    "astronomy-1",
    "astronomy-1]",
    "y-2]",
    "not 1",
    "not astronomy-1",
    "gsm8k and not 1",
    "knowledge",
    "numeracy and 10",
    "evals",
    "not evals",
    "test_mmlu_gen",
    "mmlu_ppl and world",
    "ppl",
    "gen and not mmlu",
    "GSM8K",
    "en",
    "py",
    "mmlu and 99",
    "(gsm8k or anatomy) and (0 or 3)",
    "m[anatomy",
    "7 and not gsm8k",
    "not mmlu and not gsm8k",
    "not task",
    "proctor",
    "not folder",
)


def test_tasks_that_are_not_read_change_no_selection(checkout: Suite):
    fake = ("proctor.plugin", "fake_service")
    selected = {}
    for number, expression in enumerate(EXPRESSIONS):
        args = ("evals", f"--variant={'default' if number % 3 == 0 else 'all'}", "-k", expression)
        read = checkout.nodeids(*args, plugins=fake)
        assert read == checkout.nodeids(*args, plugins=(*fake, "unfiltered")), expression
        selected[expression] = len(read)
    assert selected["mmlu and 99"] == selected["proctor"] == 0
    assert selected["not task"] > 0


@pytest.mark.parametrize("expression", ["gsm8k", "not knowledge", "en and gen", "ppl or numeracy", "not (gen or ppl)"])
def test_tasks_that_are_not_read_change_no_selection_by_marks(checkout: Suite, expression: str):
    args = ("evals", "--variant=all", "-m", expression)
    assert checkout.nodeids(*args) == checkout.nodeids(*args, plugins=("proctor.plugin", "fake_service", "unfiltered"))


def test_a_task_that_no_word_can_mean_is_not_read(checkout: Suite):
    (checkout.path / "data/mmlu/test/anatomy_test.csv").write_bytes(b"\xff\n")
    assert checkout.run("evals", "-k", "gsm8k").ret == 0
    assert checkout.run("evals", "-m", "gsm8k").ret == 0
    assert checkout.run("evals", "-k", "mmlu").ret == 4


def test_samples_of_two_variants_run_where_both_are_named(checkout: Suite):
    ids = [f"{MMLU}::test_mmlu_ppl[astronomy-1]", f"{MMLU}::test_mmlu_gen[astronomy-2]"]
    assert checkout.nodeids(*ids) == ids
    both = checkout.nodeids(f"{MMLU}::test_mmlu_ppl", f"{MMLU}::test_mmlu_gen")
    assert variants(both) == {"test_mmlu_ppl": 12, "test_mmlu_gen": 12}


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
def test_what_failed_runs_again_whatever_its_variant(checkout: Suite, workers: tuple[str, ...]):
    wrong = ("evals", "-m", "mmlu", "--strict-samples", "--model=proctor:empty", "--data-dir=bundled", *workers)
    checkout.run(*wrong, "--variant=all").assert_outcomes(failed=36)
    checkout.run(*wrong, "--lf").assert_outcomes(failed=36)


def variants(nodeids: list[str]) -> dict[str, int]:
    return dict(Counter(nodeid.partition("::")[2].partition("[")[0] for nodeid in nodeids))


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ((MMLU,), {"test_mmlu_ppl": 12}),
        ((MMLU, "-k", "mmlu_gen"), {"test_mmlu_gen": 12}),
        ((MMLU, "-m", "gen"), {"test_mmlu_gen": 12}),
        ((MMLU + "::test_mmlu_gen",), {"test_mmlu_gen": 12}),
        ((MMLU + "::test_mmlu_gen[anatomy-2]",), {"test_mmlu_gen": 1}),
        (("evals", "--variant=gen"), {"test_mmlu_gen": 12, "test_gsm8k": 12}),
        (("evals", "--variant=ppl"), {"test_mmlu_ppl": 12}),
        (
            ("evals", "--variant=all"),
            {"test_mmlu_ppl": 12, "test_mmlu_gen": 12, "test_mmlu_cloze": 12, "test_gsm8k": 12},
        ),
        (("evals", "-m", "gen"), {"test_mmlu_gen": 12, "test_gsm8k": 12}),
        (("evals",), {"test_mmlu_ppl": 12, "test_gsm8k": 12}),
    ],
)
def test_the_default_variant_runs_unless_the_other_is_named(checkout: Suite, args: tuple[str, ...], expected: dict):
    assert variants(checkout.nodeids(*args)) == expected


FORMS = SUMS.replace(
    "@sums.test(generate(max_tokens=8))\n",
    "def judge(sample, output, score):\n    score(output.text, right=True)\n\n\n"
    '@sums.test(generate(max_tokens=9), variant="chat")\n'
    "def test_sums_chat(sample, output, score):\n    judge(sample, output, score)\n\n\n"
    "@sums.test(generate(max_tokens=8), default=True)\n",
)
"""Of the variants gen, which is the default, and chat."""


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
@pytest.mark.parametrize("args", [("--variant=chat",), ("-m", "chat"), ("-k", "chat"), ("-o", "proctor_variant=chat")])
def test_any_variant_that_a_page_has_can_be_named(suite: Suite, args: tuple[str, ...], workers: tuple[str, ...]):
    suite.sums(2, FORMS)
    suite.write(test_other=SUMS.replace('"sums"', '"other"').replace("test_sums", "test_other"))
    suite.run(*args, *workers).assert_outcomes(passed=2)
    assert {(line["task"], line["variant"]) for line in suite.samples()} == {("sums", "chat")}


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
@pytest.mark.parametrize(
    ("args", "message"),
    [
        (
            ("--variant=cloze",),
            "--variant=cloze: no benchmark that was selected has this variant; there are: chat (sums), gen (other",
        ),
        (("--variant=chat", "-m", "gen"), "--variant=chat: -k, -m and node ids leave nothing of this variant"),
        (("--variant=chat", "-k", "other"), "there are: gen (other)"),
    ],
)
def test_a_variant_that_nothing_has_is_refused(suite: Suite, args: tuple, message: str, workers: tuple[str, ...]):
    suite.sums(2, FORMS)
    suite.write(test_other=SUMS.replace('"sums"', '"other"').replace("test_sums", "test_other"))
    result = suite.run(*args, *workers)
    assert result.ret == 4
    assert message in result.stdout.str() + result.stderr.str()
    assert suite.log == []


def test_what_lacks_the_variant_is_not_even_read(suite: Suite):
    suite.sums(2, FORMS)
    suite.write(test_other=SUMS.replace('"sums"', '"other"').replace("sums.jsonl", "missing.jsonl"))
    suite.run("--variant=chat").assert_outcomes(passed=2)
    assert suite.run("--variant=gen").ret == 4


def test_a_limit_is_balanced_over_groups_and_the_smaller_lies_within_the_larger(checkout: Suite):
    smaller: set[str] = set()
    for limit in (3, 4, 6, 11):
        chosen = checkout.nodeids(MMLU, f"--limit={limit}")
        assert len(chosen) == limit
        assert smaller < set(chosen)
        subjects = Counter(nodeid.partition("[")[2].rpartition("-")[0] for nodeid in chosen)
        assert len(subjects) == 3
        assert max(subjects.values()) - min(subjects.values()) <= 1
        smaller = set(chosen)


def test_a_limit_takes_its_number_of_each_task_in_the_order_of_the_rows(checkout: Suite):
    chosen = checkout.nodeids("evals", "--limit=3")
    assert variants(chosen) == {"test_mmlu_ppl": 3, "test_gsm8k": 3}
    everything = checkout.nodeids("evals")
    assert chosen == [nodeid for nodeid in everything if nodeid in chosen]


def test_a_limit_larger_than_the_data_takes_all(checkout: Suite):
    assert len(checkout.nodeids("evals", "--limit=1000")) == EVERYTHING


def test_a_limit_takes_the_same_samples_whatever_else_is_selected(checkout: Suite):
    among_all = [nodeid for nodeid in checkout.nodeids("evals", "--limit=6") if "gsm8k" in nodeid]
    assert checkout.nodeids("evals", "--limit=6", "-k", "gsm8k") == among_all
    assert checkout.nodeids(GSM8K, "--limit=6") == among_all


def test_a_limited_run_is_labelled_partial_wherever_its_score_is_shown(sums: Suite):
    result = sums.run("--limit=5")
    result.stdout.fnmatch_lines(["proctor: fake on * data: sums gen 5 of 12 samples", "sums gen*partial: 5 of 12"])
    report = sums.report()
    assert report["run"]["partial"]
    assert (report["tasks"][0]["samples"]["selected"], report["tasks"][0]["samples"]["total"]) == (5, 12)
    assert "partial: 5 of 12" in (sums.path / "reports/latest/summary.md").read_text()
    sums.run()
    assert not sums.report()["run"]["partial"]


def test_node_ids_select_samples_and_only_these_are_asked(sums: Suite):
    result = sums.run("test_sums.py::test_sums[4]", "test_sums.py::test_sums[11]")
    result.assert_outcomes(passed=2)
    assert sums.asked == ["4 + 4 =", "11 + 11 ="]


def test_a_node_id_of_no_sample_is_a_usage_error(sums: Suite):
    assert sums.run("test_sums.py::test_sums[99]").ret == 4
    assert sums.asked == []


def test_deselected_samples_are_not_asked(sums: Suite):
    sums.run("--deselect", "test_sums.py::test_sums[3]")
    assert "3 + 3 =" not in sums.asked
    assert len(sums.asked) == 11


def test_last_failed_runs_what_ended_in_an_error(sums: Suite):
    sums.script(fails=[["3 + 3", "timeout"], ["5 + 5", "timeout"]])
    sums.run()
    sums.script()
    sums.forget()
    result = sums.run("--lf")
    result.assert_outcomes(passed=2)
    assert sums.asked == ["3 + 3 =", "5 + 5 ="]
    assert sums.report()["run"]["partial"]


def test_exitfirst_stops_at_the_first_error_and_cancels_what_is_under_way(suite: Suite):
    suite.sums(300)
    suite.script(fails=[["3 + 3", "timeout"]], concurrency=2)
    result = suite.run("-x")
    result.assert_outcomes(passed=3, errors=1)
    assert len(suite.asked) < 100
    assert suite.events("stop") == 1
    report = suite.report()
    assert report["run"]["partial"]
    assert report["tasks"][0]["samples"]["scored"] == 3
    assert len(suite.samples()) == 4


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
@pytest.mark.parametrize("args", [("--collect-only",), ("--show-prompts=2",)])
def test_looking_asks_nothing_and_starts_nothing(sums: Suite, args: tuple[str, ...], workers: tuple[str, ...]):
    result = sums.run(*args, *workers)
    assert result.ret == 0
    assert sums.log == []
    assert not (sums.path / "reports").exists()
    assert "scores of" not in result.stdout.str()


def test_shown_prompts_are_what_is_asked(checkout: Suite):
    result = checkout.run("evals", "--show-prompts=2", "--variant=all")
    assert result.ret == 0
    shown = result.stdout.str()
    checkout.run("evals", "--variant=all")
    for kind in ("mmlu ppl", "mmlu gen", "gsm8k gen"):
        prompts = [line["prompt"] for line in checkout.samples() if f"{line['task']} {line['variant']}" == kind]
        assert all(prompt in shown for prompt in prompts[:2])
        assert prompts[2] not in shown
    result.stdout.fnmatch_lines(["-*test_mmlu_ppl?anatomy-0? -*", "-*test_mmlu_ppl?anatomy-1? -*"])


def test_set_changes_a_parameter_of_one_task(checkout: Suite):
    checkout.run("evals", "--variant=gen", "--set", "gsm8k.max_tokens=7", "--set", "mmlu_gen.stop=[x, y]")
    parameters = {task["task"]: task["parameters"] for task in checkout.report()["tasks"]}
    assert parameters["gsm8k"]["max_tokens"] == 7
    assert parameters["mmlu"]["max_tokens"] == 16
    assert parameters["mmlu"]["stop"] == ["x", "y"]


def test_a_parameter_of_no_declared_name_reaches_an_ask_of_ones_own(suite: Suite):
    ask = "async def ask(sample, model, times=1):\n    return [sample.target] * times\n\n\n@sums.test(ask)\n"
    module = SUMS.replace("@sums.test(generate(max_tokens=8))\n", ask).replace("output.text.strip()", "output[-1]")
    suite.sums(2, module)
    suite.run("--set", "sums.times=3")
    assert [line["output"] for line in suite.samples()] == [["0"] * 3, ["2"] * 3]


@pytest.mark.parametrize("shots", [0, 2])
def test_shots_changes_the_number_of_examples(checkout: Suite, shots: int):
    checkout.run(GSM8K, f"--shots={shots}", "--limit=1")
    (prompt,) = checkout.asked
    assert prompt.count("Question: train") == shots
    assert checkout.report()["tasks"][0]["shots"] == shots


def test_settings_can_live_in_the_ini_file_and_the_command_line_comes_first(sums: Suite):
    sums.write(pytest__ini="[pytest]\nproctor_limit = 5\nproctor_report_dir = here\n")
    sums.run().assert_outcomes(passed=5)
    assert (sums.path / "here" / "report.json").exists()
    sums.run("--limit=2", "--report-dir=there").assert_outcomes(passed=2)


def test_a_skip_mark_on_a_module_skips_its_samples_and_no_others(suite: Suite):
    mark = "import pytest\npytestmark = pytest.mark.skipif(True, reason='not now')\n"
    suite.sums(4, mark + SUMS)
    suite.write(test_more=SUMS.replace('"sums"', '"more"').replace("test_sums", "test_more"))
    suite.run().assert_outcomes(skipped=4, passed=4)
