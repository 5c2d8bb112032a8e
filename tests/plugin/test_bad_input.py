"""What is wrong is found before anything is asked: one message, exit code 4, earlier reports as they were."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from scripted_server import Script, ScriptedServer
from suites import SUMS, Suite

WORKERS = pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
REAL = ("proctor.plugin", "proctor_service.plugin")
FAKE = ("proctor.plugin", "fake_service")


def refused(suite: Suite, message: str, *args: str, plugins: tuple[str, ...] = FAKE) -> None:
    """A run is refused with this message, told once, and nothing has happened."""
    before = suite.files()
    result = suite.run(*args, plugins=plugins, apart=plugins == REAL)
    said = result.stdout.str() + result.stderr.str()
    assert result.ret == 4, said
    assert "Traceback" not in said
    assert "INTERNALERROR" not in said
    assert said.count(message) - said.count(f"- {message}") == 1, said
    assert suite.asked == []
    assert suite.files() == before
    assert "scores of" not in said


@pytest.fixture
def earlier(sums: Suite) -> Suite:
    """The benchmark `sums`, an ordinary test, and the reports of an earlier run."""
    sums.write(test_ordinary="def test_ordinary():\n    pass\n")
    sums.run()
    sums.forget()
    assert sums.files()
    return sums


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer(Script(model="other-7b")) as scripted:
        yield scripted


def rows(suite: Suite, content: str | bytes) -> None:
    data = content if isinstance(content, bytes) else content.encode()
    (suite.path / "sums.jsonl").write_bytes(data)


def module(suite: Suite, old: str, new: str) -> None:
    assert old in SUMS
    suite.write(test_sums=SUMS.replace(old, new))


GOOD = '{"question": "1 + 1", "answer": "2", "size": "small"}\n'

BROKEN_DATA: dict[str, tuple[Callable[[Suite], None], str]] = {
    "malformed row": (
        lambda suite: rows(suite, GOOD * 2 + '{"question": "1 +\n'),
        "sums.jsonl:3: not JSON: ",
    ),
    "row without a field": (
        lambda suite: rows(suite, GOOD + '{"question": "1 + 1"}\n'),
        "sums.jsonl:2: this row cannot be read: KeyError: 'answer'; it has: question",
    ),
    "not UTF-8": (lambda suite: rows(suite, GOOD.encode() * 3 + b"\xff\n"), "sums.jsonl:4: not UTF-8 (byte 0xff)"),
    "no rows": (lambda suite: rows(suite, ""), "sums.jsonl: no rows"),
    "no file": (lambda suite: (suite.path / "sums.jsonl").unlink(), "sums: no file "),
    "reader that makes no sample": (
        lambda suite: module(suite, "    return Sample(", "    return dict("),
        "sums.jsonl:1: the reader gave dict, not a Sample",
    ),
}

BROKEN_MODULES: dict[str, tuple[Callable[[Suite], None], str]] = {
    "unknown field in a template": (
        lambda suite: module(suite, "{{ question }}", "{{ query }}"),
        "prompt template: 'query' is undefined for sample 0; a sample has: ",
    ),
    "template that is none": (
        lambda suite: module(suite, "{{ question }}", "{{ question }"),
        "prompt template, line 1: ",
    ),
    "test without an ask": (
        lambda suite: module(suite, "@sums.test(generate(max_tokens=8))\n", ""),
        "test_sums judges samples but has no ask: ",
    ),
    "test with an empty ask": (
        lambda suite: module(suite, "@sums.test(generate(max_tokens=8))", "@sums.test()"),
        "a benchmark's test needs an ask: ",
    ),
    "test decorated without a call": (
        lambda suite: module(suite, "@sums.test(generate(max_tokens=8))", "@sums.test"),
        "a benchmark's test needs an ask: ",
    ),
    "test of a variant with a name of its own": (
        lambda suite: module(suite, "generate(max_tokens=8))", "generate(max_tokens=8), variant='all')"),
        "sums: variant='all' means another thing to --variant",
    ),
    "test with a fixture": (
        lambda suite: module(suite, "(sample, output, score):", "(sample, output, score, tmp_path):"),
        "test_sums(sample, output, score, tmp_path) must take (sample, output, score): ",
    ),
    "no reader": (lambda suite: module(suite, "@sums.rows\n", ""), "sums has no reader: "),
    "shots from nowhere": (
        lambda suite: module(suite, 'data="sums.jsonl"', 'data="sums.jsonl", shots=2'),
        "sums: 2 shots, but nothing says where few-shot rows are; --shots=0 asks none",
    ),
    "data from nowhere": (
        lambda suite: module(suite, ', data="sums.jsonl"', ""),
        "nothing says where the data of 'sums' are: ",
    ),
    "two tests of one variant": (
        lambda suite: suite.write(
            test_sums=SUMS + "\n@sums.test(generate())\ndef test_more(sample, output, score):\n    pass\n"
        ),
        "sums: two tests of variant 'gen'; give one another `variant=`",
    ),
}


@pytest.mark.parametrize("case", [*BROKEN_DATA, *BROKEN_MODULES])
def test_broken_data_and_modules_are_refused(earlier: Suite, case: str):
    breaks, message = (BROKEN_DATA | BROKEN_MODULES)[case]
    breaks(earlier)
    refused(earlier, message)


@pytest.mark.parametrize("case", ["row without a field", "unknown field in a template"])
def test_workers_tell_once_what_they_all_find_broken(earlier: Suite, case: str):
    breaks, message = (BROKEN_DATA | BROKEN_MODULES)[case]
    breaks(earlier)
    refused(earlier, message, "-n", "2")


@WORKERS
def test_one_broken_benchmark_keeps_the_others_from_being_asked(earlier: Suite, workers: tuple[str, ...]):
    more = (
        SUMS.replace('"sums"', '"more"').replace("sums.jsonl", "more.jsonl").replace("def test_sums", "def test_more")
    )
    earlier.write(test_more=more, more__jsonl="{\n")
    refused(earlier, "more.jsonl:1: not JSON: ", *workers)


OPTIONS = {
    "--limit=-1": "--limit=-1: a whole number of 1 or more is needed",
    "--limit=many": "--limit=many: a whole number of 1 or more is needed",
    "--shots=-2": "--shots=-2: a whole number of 0 or more is needed",
    "--error-budget=x": "--error-budget=x: a whole number of 0 or more is needed",
    "--variant=": "--variant= is empty (an unset shell variable?): name one, or leave the option out",
    "--model=": "--model= is empty (an unset shell variable?): ",
    "--report-dir=": "--report-dir= is empty: ",
    "--data-dir=nowhere": "--data-dir=nowhere: no such folder; ",
    "--prompt=sums": "--prompt sums: TASK=FILE is needed",
    "--prompt=sums=missing.jinja": "--prompt sums=missing.jinja: no such file",
    "--prompt=other=sums.jsonl": "--set or --prompt names the task 'other', which is not among those collected: sums",
    "--set=sums.max_tokens": "--set sums.max_tokens: TASK.PARAMETER=VALUE is needed",
    "--set=sums.size=3": "--set sums.size: no such parameter; there are: max_tokens, n, ",
    "--set=sums.temperature=.nan": "--set sums.temperature: nan is no value for it; 0.0 is one",
    "--set=sums.top_p=7": "--set sums.top_p: 7 is too large; 1 is the most",
    "--set=sums.n=0": "--set sums.n: 0 is too small; 1 is the least",
    "--set=sums.stop=['']": "--set sums.stop: [''] is no value for it; [] is one",
    "--variant=ppl": "--variant=ppl: no benchmark that was selected has this variant; there are: gen (sums)",
    "--set=other.max_tokens=3": "--set or --prompt names the task 'other', which is not among those collected: sums",
}


@pytest.mark.parametrize("option", OPTIONS)
def test_options_that_make_no_sense_are_refused(earlier: Suite, option: str):
    refused(earlier, OPTIONS[option], option)


@pytest.mark.parametrize("option", ["--limit=-1", "--set=sums.size=3", "--set=other.max_tokens=3", "--variant=ppl"])
def test_options_that_make_no_sense_are_refused_before_workers_run(earlier: Suite, option: str):
    refused(earlier, OPTIONS[option], option, "-n", "2")


def test_a_prompt_file_with_an_unknown_field_is_refused(earlier: Suite):
    (earlier.path / "terse.jinja").write_text("{{ query }}")
    refused(earlier, "terse.jinja: prompt template: 'query' is undefined", "--prompt=sums=terse.jinja")


def test_too_few_rows_for_the_shots_are_refused(checkout: Suite):
    refused(
        checkout,
        "train.jsonl: 8 few-shot rows; gsm8k needs 9 (--shots=8 asks fewer)",
        "evals",
        "--shots=9",
        "-k",
        "gsm8k",
    )


def test_a_missing_file_of_shots_is_refused(checkout: Suite):
    (checkout.path / "data/mmlu/dev/astronomy_dev.csv").unlink()
    refused(checkout, "/dev/astronomy_dev.csv[.gz] is missing", "evals")


def test_a_parameter_of_a_variant_that_does_not_run_is_refused(checkout: Suite):
    message = "--set mmlu.max_tokens is for mmlu_gen, which does not run; -k mmlu_gen runs it"
    refused(checkout, message, "evals", "--set=mmlu.max_tokens=3")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ('{"question": "q", "answer": "a\\n#### xyz"}', "ValueError: 'xyz', after ####, is no number"),
        ('{"question": null, "answer": "a\\n#### 3"}', "the question is no text but None"),
        ('{"question": NaN, "answer": "a\\n#### 3"}', "the question is no text but nan"),
    ],
)
def test_rows_that_make_no_sample_are_refused(checkout: Suite, row: str, message: str):
    with (checkout.path / "data/gsm8k/test.jsonl").open("a") as file:
        file.write(row + "\n")
    refused(checkout, "test.jsonl:13: ", "evals")
    refused(checkout, message, "evals")


def test_more_labels_than_choices_are_refused(checkout: Suite):
    with (checkout.path / "data/mmlu/test/astronomy_test.csv").open("a") as file:
        file.write("Five?,one,two,three,four,five,A\n")
    refused(checkout, "astronomy_test.csv:5: 5 choices for the 4 labels A B C D", "evals")


@WORKERS
def test_reports_below_a_file_are_refused(earlier: Suite, workers: tuple[str, ...]):
    refused(earlier, "cannot write reports to ", "--report-dir=sums.jsonl/run", *workers)


@WORKERS
def test_a_folder_that_holds_a_run_is_refused(earlier: Suite, workers: tuple[str, ...]):
    refused(earlier, " holds a finished run: choose another --report-dir", "--report-dir=reports/latest", *workers)


def test_a_folder_that_a_run_is_writing_to_is_refused(earlier: Suite):
    (earlier.path / "reports/other/parts").mkdir(parents=True)
    refused(earlier, " holds a run that did not finish, or that is under way: ", "--report-dir=reports/other")


@WORKERS
def test_a_service_that_cannot_be_started_is_refused_and_leaves_no_folder(earlier: Suite, workers: tuple[str, ...]):
    earlier.script(start_error="no such weights")
    folders = set((earlier.path / "reports").iterdir())
    refused(earlier, "no such weights", *workers)
    assert set((earlier.path / "reports").iterdir()) == folders


def test_the_first_run_that_is_refused_leaves_no_reports_folder(sums: Suite):
    sums.script(start_error="no such weights")
    refused(sums, "no such weights")
    assert not (sums.path / "reports").exists()


def test_a_folder_that_cannot_be_taken_away_hides_no_message(sums: Suite):
    sums.script(start_error="no such weights", litter=True)
    result = sums.run()
    assert result.ret == 4
    assert "INTERNALERROR" not in result.stdout.str()
    result.stderr.fnmatch_lines(["ERROR: no such weights"])


def test_a_service_that_lacks_an_ability_is_refused_with_the_variant_that_would_work(checkout: Suite):
    checkout.script(capabilities={"likelihood": False, "why": {"likelihood": "it echoes nothing"}})
    message = "mmlu_ppl needs likelihood, which fake cannot do: it echoes nothing; --variant=gen would work"
    refused(checkout, message, "evals")
    assert checkout.run("evals", "--variant=gen").ret == 0


def test_a_model_on_full_data_needs_to_know_where_they_are(checkout: Suite):
    checkout.script(bundled=False)
    path = checkout.path / "data" / "manifest" / "numeracy.yaml"
    path.write_text("gsm8k:\n  files: test.jsonl\n  shots: train.jsonl\n")
    refused(checkout, "gsm8k: this model is scored on the full data: --data-dir=DIR ", "evals", "-k", "gsm8k")
    assert checkout.run("evals", "--data-dir=bundled").ret == 0


@WORKERS
def test_an_unknown_model_is_refused(earlier: Suite, workers: tuple[str, ...]):
    refused(
        earlier,
        "--model=llama2-13: no model has this short name. Did you mean llama2-13b",
        "--model=llama2-13",
        *workers,
        plugins=REAL,
    )


@WORKERS
def test_a_dead_endpoint_is_refused(earlier: Suite, workers: tuple[str, ...]):
    refused(earlier, "http://127.0.0.1:9", "--base-url=http://127.0.0.1:9", *workers, plugins=REAL)


@WORKERS
def test_an_endpoint_that_serves_another_model_is_refused(
    earlier: Suite, server: ScriptedServer, workers: tuple[str, ...]
):
    refused(earlier, "other-7b", "--model=this-7b", f"--base-url={server.url}", *workers, plugins=REAL)
    assert server.bodies() == []


def test_a_malformed_expression_is_pytests_own_error(earlier: Suite):
    result = earlier.run("-k", "sums and (")
    assert result.ret == 4
    assert earlier.log == []


def test_a_module_that_cannot_be_imported_is_pytests_own_error_and_nothing_is_asked(earlier: Suite):
    earlier.write(test_broken="import nothing_of_that_name\n")
    before = earlier.files()
    assert earlier.run().ret == 2
    assert earlier.log == []
    assert earlier.files() == before


HERE = "--base-url=http://127.0.0.1:9"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((HERE, "--model-args=--dtype float32"), "--model-args has no effect on a server that runs already"),
        ((HERE, "--vllm-python=/nope"), "--vllm-python has no effect on a server that runs already"),
        (("--model-args=--foo",), "--model-args has no effect on the embedded model"),
        (("--api-key-env=NOPE",), "--api-key-env has no effect on the embedded model"),
        (("--model=openai/gpt-4o", "--tokenizer=/nonexistent"), "--tokenizer has no effect on a hosted API"),
        (("--model=openai/gpt-4o", "--startup-timeout=1"), "--startup-timeout has no effect on a hosted API"),
        (("--model=openai/gpt-4o", "--replicas=2"), "--replicas starts several vLLMs here"),
        (("--model=proctor:gold", "--replicas=3"), "--replicas has no effect on a self-check model"),
        (("--model=proctor:gold", "--max-cost=1"), "--max-cost has no effect on a self-check model"),
        (("--model=test_sums:load", "--vllm-python=/nope"), "--vllm-python has no effect on what `proctor serve` runs"),
    ],
)
def test_an_option_that_would_have_no_effect_is_refused(sums: Suite, options: tuple[str, ...], message: str):
    refused(sums, message, *options, plugins=REAL)


def test_a_setting_may_be_for_other_runs(sums: Suite):
    sums.pytester.makeini("[pytest]\nproctor_model_args = --dtype float32\nproctor_vllm_python = /nope\n")
    assert sums.run("--model=proctor:gold", plugins=REAL).ret == 0
