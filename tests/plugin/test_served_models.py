"""--model=package.module:attribute, and weights where transformers is installed and vLLM is not."""

from __future__ import annotations

import re
import shutil
import signal
from pathlib import Path

import pytest
from proctor_service.embedded.llama import WEIGHTS
from suites import CHECKOUT, Suite
from test_interrupts import alive, begin, descendants, wait_for

REAL = ("proctor.plugin", "proctor_service.plugin")
PAGE = (CHECKOUT / "docs" / "serving.md").read_text(encoding="utf-8")
BUNDLED = ("--data-dir=bundled", "--limit=3", "--set", "gsm8k.max_tokens=8")
BROKEN = """
import os, signal, time

class Raising:
    def generate(self, requests):
        if any("a" in request.text and request.max_tokens == 9 for request in requests):
            raise RuntimeError("the words have run out")
        return [" 42" for _ in requests]

class Waiting:
    def generate(self, requests):
        if any(request.max_tokens == 9 for request in requests):
            time.sleep(600)
        return [" 42" for _ in requests]

class Broken:
    def generate(self, requests):
        raise RuntimeError("it never works")

class Killed:
    def generate(self, requests):
        os.kill(os.getpid(), signal.SIGKILL)

class KilledLater:
    def generate(self, requests):
        if any(request.max_tokens == 9 for request in requests):
            os._exit(3)
        return [" 42" for _ in requests]

class Blurred:
    tokenizer = "tokenizer.json"
    def logits(self, batch):
        import numpy
        return [numpy.full((len(ids), 2048), numpy.nan if len(ids) > 80 else 0.0) for ids in batch]

def unloadable():
    raise OSError("no weights at /models/mine")

def leaving():
    raise SystemExit("I have better things to do")

def killed():
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def example(checkout: Suite) -> Suite:
    """The model of docs/serving.md, as it stands there."""
    (code,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    checkout.write(mymodel=code)
    shutil.copy(WEIGHTS / "tokenizer.json", checkout.path)
    (checkout.path / "corpus.txt").write_text("Answer: A\nAnswer: B\nThe answer is 42.\n#### 42\n" * 5)
    return checkout


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
def test_the_model_of_the_page_writes_and_ranks(example: Suite, workers: tuple[str, ...]):
    (command,) = re.findall(r"pytest (evals/ .*--model=mymodel:Bigrams)$", PAGE, re.MULTILINE)
    *_, model = command.split()
    chosen = re.search(r'-k "(.*?)"', command)[1]
    result = example.run("evals", "-k", chosen, model, *BUNDLED, *workers, apart=True, plugins=REAL)
    assert result.ret == 0, result.stdout.str() + result.stderr.str()
    result.stdout.fnmatch_lines(["proctor: starting `proctor serve` with mymodel:Bigrams; its log is */service.log"])
    report = example.report()
    assert {(task["task"], task["variant"]): task["samples"]["scored"] for task in report["tasks"]} == {
        ("gsm8k", "gen"): 3,
        ("mmlu", "ppl"): 3,
    }
    model = report["model"]
    assert (model["name"], model["id"], model["engine"]) == ("mymodel:Bigrams", "mymodel:Bigrams", "proctor-own")
    assert model["revision"].startswith("sha256:")
    assert [name for name, able in model["capabilities"].items() if able is False] == [
        "chat",
        "chat_system",
        "chat_template",
    ]
    code = (example.path / "mymodel.py").read_text()
    assert len([line for line in code.splitlines() if line.strip()]) <= 15


def test_an_object_that_only_writes_is_not_asked_to_rank(checkout: Suite):
    checkout.write(mine=BROKEN)
    result = checkout.run("evals", "-k", "mmlu", "--model=mine:Raising", "--data-dir=bundled", apart=True, plugins=REAL)
    said = result.stdout.str() + result.stderr.str()
    assert result.ret == 4, said
    assert "mmlu_ppl needs likelihood, which mine:Raising cannot do" in said
    assert "the object only writes; one that has `tokenizer` and `logits` can rank, too" in said
    assert "--variant=gen would work" in said


def test_what_the_object_raises_is_an_error_and_not_a_wrong_answer(checkout: Suite):
    checkout.write(mine=BROKEN)
    asked = ("--data-dir=bundled", "--limit=3", "--set", "gsm8k.max_tokens=9", "--request-retries=0")
    result = checkout.run("evals", "-k", "gsm8k", "--model=mine:Raising", *asked, apart=True, plugins=REAL)
    assert result.ret == 12, result.stdout.str() + result.stderr.str()
    (task,) = checkout.report()["tasks"]
    assert task["samples"]["errors"] == {"http_500": 3}
    assert "the model failed: RuntimeError: the words have run out" in result.stdout.str()


def test_an_object_that_raises_at_the_first_question_is_told_with_its_log(checkout: Suite):
    checkout.write(mine=BROKEN)
    result = checkout.run(
        "evals", "-k", "gsm8k", "--model=mine:Broken", "--request-retries=0", *BUNDLED, apart=True, plugins=REAL
    )
    assert result.ret == 4
    said = result.stderr.str()
    assert "the model failed: RuntimeError: it never works" in said
    log = re.search(r"what the server said of it is in (\S+)", said)
    assert log is not None
    assert "mine.py" in Path(log[1]).read_text()


def test_a_worker_that_is_killed_at_the_first_question_is_told(checkout: Suite):
    checkout.write(mine=BROKEN)
    result = checkout.run(
        "evals", "-k", "gsm8k", "--model=mine:Killed", "--request-retries=1", *BUNDLED, apart=True, plugins=REAL
    )
    assert result.ret == 4
    result.stderr.fnmatch_lines(
        [
            "*the endpoint cannot complete a text: *; what the server said of it is in */service.log",
            "of the model server at *, worker 0 (process *) was killed by signal 9 (SIGKILL, perhaps out of memory), "
            "and is replaced; so were * before it (*/service.log)",
        ]
    )


def test_workers_that_end_under_way_are_told_at_the_end(checkout: Suite):
    checkout.write(mine=BROKEN)
    asked = ("--data-dir=bundled", "--limit=2", "--set", "gsm8k.max_tokens=9", "--request-retries=0")
    result = checkout.run("evals", "-k", "gsm8k", "--model=mine:KilledLater", *asked, apart=True, plugins=REAL)
    assert result.ret == 12, result.stdout.str() + result.stderr.str()
    result.stdout.fnmatch_lines(["of the model server at *, worker 0 (process *) ended with exit code 3, and is repl*"])


def test_logits_that_are_not_finite_are_errors_and_no_scores(checkout: Suite):
    checkout.write(mine=BROKEN)
    shutil.copy(WEIGHTS / "tokenizer.json", checkout.path)
    asked = (*BUNDLED, "--request-retries=0")
    result = checkout.run("evals", "-k", "gsm8k or mmlu", "--model=mine:Blurred", *asked, apart=True, plugins=REAL)
    assert result.ret == 12, result.stdout.str() + result.stderr.str()
    assert [task["samples"]["errors"] for task in checkout.report()["tasks"]] == [{"http_500": 3}] * 2
    assert "the model gave logits that are not finite (NaN)" in result.stdout.str()


def test_an_object_without_turns_is_told_what_it_lacks(checkout: Suite):
    checkout.write(mine=BROKEN)
    result = checkout.run(
        "evals", "-k", "gsm8k", "--model=mine:Raising", "--chat=on", *BUNDLED, apart=True, plugins=REAL
    )
    assert result.ret == 4
    assert "this object has no method `chat`, which makes a prompt of a conversation" in result.stderr.str()
    assert "vLLM" not in result.stderr.str()


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("mine:unloadable", "mine:unloadable could not be loaded: OSError: no weights at /models/mine"),
        ("mine:leaving", "mine:leaving could not be loaded: SystemExit: I have better things to do"),
        ("mine:killed", "was killed by signal 9 (SIGKILL, perhaps out of memory) while it loaded the model"),
        ("mine:nothing", "mine:nothing: mine has no attribute nothing"),
        ("yours:load", "yours:load: there is no module yours in"),
    ],
)
def test_an_object_that_cannot_be_had_is_told_before_anything_is_asked(checkout: Suite, model: str, message: str):
    checkout.write(mine=BROKEN)
    result = checkout.run("evals", "-k", "gsm8k", f"--model={model}", *BUNDLED, apart=True, plugins=REAL)
    assert result.ret == 4, result.stdout.str()
    assert message in result.stdout.str() + result.stderr.str()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are found in /proc")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_no_worker_outlives_the_run(checkout: Suite, number: signal.Signals):
    checkout.write(mine=BROKEN)
    asked = ("--data-dir=bundled", "--set", "gsm8k.max_tokens=9", "--model-args=--workers 2")
    run = begin(checkout, "evals", "-k", "gsm8k", "--model=mine:Waiting", *asked, plugins=REAL)
    try:
        wait_for(lambda: any(checkout.path.glob("reports/*/parts")), "the run has not begun")
        wait_for(lambda: len(descendants(run.pid)) >= 4, "supervisor, command and two workers are not there")
        started = descendants(run.pid)
        run.send_signal(number)
        run.communicate(timeout=60)
        wait_for(lambda: not any(map(alive, started)), "a process has stayed")
    finally:
        run.kill()


@pytest.fixture
def only_transformers(checkout: Suite, monkeypatch: pytest.MonkeyPatch) -> Suite:
    """An environment in which transformers and torch lie, in a state in which neither can be imported."""
    for name in ("torch", "transformers"):
        (checkout.path / "site" / name).mkdir(parents=True)
        (checkout.path / "site" / name / "__init__.py").write_text(f"raise ImportError('{name} is broken here')\n")
    about = checkout.path / "site" / "transformers-9.8.7.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: transformers\nVersion: 9.8.7\n")
    monkeypatch.syspath_prepend(str(checkout.path / "site"))
    monkeypatch.setenv("PYTHONPATH", str(checkout.path / "site"), prepend=":")
    shutil.copytree(WEIGHTS, checkout.path / "checkpoint")
    return checkout


def test_weights_are_served_by_transformers_where_there_is_no_vllm(only_transformers: Suite):
    result = only_transformers.run("evals", "-k", "gsm8k", "--model=checkpoint", *BUNDLED, apart=True, plugins=REAL)
    said = result.stdout.str() + result.stderr.str()
    assert "proctor: vLLM is not installed here; starting `proctor serve` with" in said
    assert "on transformers 9.8.7" in said
    assert result.ret == 4, said
    assert "could not be loaded: ImportError: torch is broken here" in said


def test_an_entry_s_arguments_that_vllm_alone_has_are_left_out_and_told(only_transformers: Suite):
    entry = "{id: ./checkpoint, arguments: [--dtype=float32, --max_model_len, '99', --tensor-parallel-size, '2']}"
    (only_transformers.path / "models.yaml").write_text(f"small: {entry}\n")
    result = only_transformers.run(
        "evals", "-k", "gsm8k", "--model=small", "--models=models.yaml", *BUNDLED, apart=True, plugins=REAL
    )
    said = result.stdout.str() + result.stderr.str()
    assert "which is slower, without --tensor-parallel-size 2 of models.yaml, which vLLM alone has; its log" in said
    assert "could not be loaded: ImportError: torch is broken here" in said  # and not a flag that is unknown


def test_where_a_python_with_vllm_is_named_it_is_looked_for_there(only_transformers: Suite):
    named = ("--model=checkpoint", "--vllm-python=/no/such")
    result = only_transformers.run("evals", "-k", "gsm8k", *named, *BUNDLED, apart=True, plugins=REAL)
    assert result.ret == 4
    assert "--vllm-python=/no/such cannot be run" in result.stderr.str()


def test_arguments_that_a_run_sets_itself_are_refused(checkout: Suite):
    checkout.write(mine=BROKEN)
    result = checkout.run(
        "evals", "-k", "gsm8k", "--model=mine:Raising", "--model-args=--port 1", *BUNDLED, apart=True, plugins=REAL
    )
    assert result.ret == 4
    assert "--model-args: --port is set by proctor itself" in result.stdout.str() + result.stderr.str()
