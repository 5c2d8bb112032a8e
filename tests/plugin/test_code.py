"""Benchmarks whose outputs are run: what is recorded, several outputs, several processes, and refusal."""

import json

import pytest

CODE = """
from proctor import Benchmark, Program, Sample, generate_code
from proctor.metrics import pass_at

squares = Benchmark("squares", main="pass@1", prompt="{{ question }}", data="squares.jsonl")


@squares.rows
def read(row):
    return Sample(question=row["prompt"], target=row["solution"])


def program(sample, text):
    check = "def check(candidate): assert candidate(3) == 9"
    return Program(program=sample.question + text, entry_point="f", setup="", check=check)


@squares.test(generate_code(program, max_tokens=16))
def test_squares(sample, output, score):
    score(output.text, **pass_at(len(output.runs), output.passed))
"""
ROWS = [
    {"prompt": "def f(x):\n", "solution": f"    return {text}"} for text in ("x * x", "x ** 2", "x + 6", "x", "9 +")
]


@pytest.fixture
def squares(suite):
    suite.write(test_squares=CODE, squares__jsonl="".join(json.dumps(row) + "\n" for row in ROWS))
    return suite


@pytest.mark.parametrize("workers", [(), ("-n2",)])
def test_programs_are_run_and_what_became_of_them_is_kept(squares, workers):
    assert squares.served("--model=proctor:gold", "--set=squares.n=10", "--set=squares.timeout=5.0", *workers).ret == 0
    (task,) = squares.report()["tasks"]
    assert {name: metric["value"] for name, metric in task["metrics"].items()} == {"pass@1": 0.6, "pass@10": 0.6}
    assert task["parameters"]["timeout"] == 5.0
    assert task["samples"]["errors"] == {}
    lines = sorted(squares.samples(), key=lambda line: line["sample"])
    runs = [[output["run"]["status"] for output in line["outputs"]] for line in lines]
    assert sorted(map(tuple, runs)) == sorted([("passed",) * 10] * 3 + [("failed",) * 10] * 2)
    assert all(line["sandbox"]["limits"]["timeout"] == 5.0 and line["sandbox"]["isolation"] for line in lines)


def test_refusal_comes_before_anything_is_asked(squares):
    squares.write(
        conftest="""
import pytest
from proctor.errors import ServiceError

@pytest.hookimpl(tryfirst=True)
def pytest_proctor_sandbox(config):
    raise ServiceError("no isolation; allow it by --allow-unsafe-code")
"""
    )
    result = squares.served("--model=proctor:gold")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*no isolation; allow it by --allow-unsafe-code"])
    assert not (squares.path / "reports").exists()


def test_without_a_plugin_that_runs_code_there_is_a_message(squares):
    result = squares.run()
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*no plugin runs code*"])


def test_what_could_not_be_run_is_an_error(squares):
    squares.write(
        conftest="""
import pytest
from proctor.errors import AskError

class Broken:
    async def run(self, program, limits): raise AskError("sandbox", "out of order")
    def about(self, limits): return {}
    def close(self): pass

@pytest.hookimpl(tryfirst=True)
def pytest_proctor_sandbox(config): return Broken()
"""
    )
    assert squares.served("--model=proctor:gold").ret == 12
    assert squares.report()["tasks"][0]["samples"]["errors"] == {"sandbox": 5}
