"""Beside other plugins, in suites without a benchmark, and the model as a fixture."""

from __future__ import annotations

import re

import pytest
from scripted_server import Script, ScriptedServer
from suites import Suite

FLAKY = """
from pathlib import Path


def test_flaky():
    marker = Path(__file__).with_name("tried")
    if not marker.exists():
        marker.touch()
        assert False
"""


@pytest.fixture
def crowd(sums: Suite, monkeypatch: pytest.MonkeyPatch) -> Suite:
    """`sums`, with every plugin of the environment loaded."""
    for name in ("pytest_base_url", "pytest_timeout", "pytest_rerunfailures", "pytest_randomly", "pytest_cov"):
        pytest.importorskip(name)
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    return sums


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
def test_samples_run_beside_the_plugins_that_people_use(crowd: Suite, workers: tuple[str, ...]):
    crowd.write(test_flaky=FLAKY)
    crowd.script(fails=[["3 + 3", "timeout"]])
    args = ("--timeout=60", "--reruns=2", "--cov=.", "--cov-report=term", "--error-budget=1", *workers)
    result = crowd.run(*args, apart=True)
    assert result.ret == 0, result.stdout.str()
    assert re.search(r"12 passed.* 1 error, 1 rerun", result.stdout.str())
    assert [line["sample"] for line in crowd.samples()] == [str(number) for number in range(12)]
    assert sorted(crowd.asked) == sorted(f"{number} + {number} =" for number in range(12))
    result.stdout.fnmatch_lines(
        [
            "proctor: pytest-rerunfailures has no effect on samples: *",
            "proctor: pytest-randomly has no effect on samples: *",
        ]
    )
    result.stdout.fnmatch_lines(["test_sums.py *100%"])


def test_samples_keep_their_order_while_other_tests_are_shuffled(crowd: Suite):
    crowd.run("-p", "randomly", "--randomly-seed=5", apart=True)
    assert crowd.asked == [f"{number} + {number} =" for number in range(12)]


def test_base_url_is_shared_with_pytest_base_url(crowd: Suite):
    crowd.write(test_url="def test_url(base_url):\n    assert base_url.startswith('http://127.0.0.1')\n")
    with ScriptedServer(Script(answer=" 2")) as server:
        result = crowd.served(f"--base-url={server.url}", "--limit=3")
        assert result.ret == 0, result.stdout.str()
        assert crowd.report()["model"]["base_urls"] == [server.url]
    result.assert_outcomes(passed=4)


PLAIN = """
import pytest


def test_passes(tmp_path):
    pass


@pytest.mark.parametrize("sample", [1, 2])
def test_takes_a_sample(sample):
    assert sample == 1


@pytest.mark.skip(reason="not now")
def test_skipped():
    pass


class TestClass:
    def test_method(self):
        pass
"""


def without_times(lines: list[str]) -> list[str]:
    return [re.sub(r"\d+\.\d\ds", "", line) for line in lines if not line.startswith("plugins:")]


@pytest.mark.parametrize("args", [(), ("-v",), ("-k", "passes"), ("--collect-only",), ("-n", "2"), ("--fixtures",)])
def test_a_suite_without_benchmarks_does_not_notice_the_plugin(suite: Suite, args: tuple[str, ...]):
    suite.write(test_plain=PLAIN)
    plain = suite.run(*args, apart=True, plugins=())
    loaded = suite.run(*args, apart=True, plugins=("proctor.plugin", "fake_service"))
    assert loaded.ret == plain.ret
    if args == ("--fixtures",):
        assert set(without_times(plain.outlines)) <= set(without_times(loaded.outlines))
    elif args == ("-n", "2"):
        assert without_times(loaded.outlines)[-4:] == without_times(plain.outlines)[-4:]
    else:
        assert without_times(loaded.outlines) == without_times(plain.outlines)
    assert suite.log == []
    assert not (suite.path / "reports").exists()


POLITE = """
def test_adds(model):
    assert model.generate("2 + 3 =").text == " 5"
    assert model.loglikelihood("1 + 1 =", [" 2", " 3"]).choices[0].logprob == -1


def test_adds_more(model):
    assert model.generate("4 + 3 =", max_tokens=5).text == " 7"
"""


@pytest.mark.parametrize("args", [(), ("-n", "2"), ("-k", "more")])
def test_the_model_is_a_fixture_for_ordinary_tests(suite: Suite, args: tuple[str, ...]):
    suite.write(test_polite=POLITE)
    result = suite.run(*args)
    result.assert_outcomes(passed=1 if "-k" in args else 2, deselected=1 if "-k" in args else 0)
    assert (suite.events("start"), suite.events("stop")) == (1, 1)
    assert not (suite.path / "reports").exists()
    assert "scores of" not in result.stdout.str()


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
def test_the_model_serves_samples_and_ordinary_tests_in_one_run(sums: Suite, workers: tuple[str, ...]):
    sums.write(test_polite=POLITE)
    sums.run(*workers).assert_outcomes(passed=14)
    assert (sums.events("start"), sums.events("stop")) == (1, 1)
    assert sums.report()["tasks"][0]["samples"]["scored"] == 12


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
def test_a_model_fixture_of_ones_own_wins_and_starts_nothing(suite: Suite, workers: tuple[str, ...]):
    suite.write(
        conftest="import pytest\n\n\n@pytest.fixture\ndef model():\n    return 'mine'\n",
        test_mine="def test_mine(model):\n    assert model == 'mine'\n",
    )
    suite.run(*workers).assert_outcomes(passed=1)
    assert suite.log == []
    assert not (suite.path / "reports").exists()


def test_a_failing_ask_of_the_model_fails_the_ordinary_test(suite: Suite):
    suite.write(test_polite=POLITE)
    suite.script(fails=[["2 + 3", "timeout"]])
    result = suite.run()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["E*AskError: ordered timeout"])
