"""A folder, a scripted model and what to test with them."""

from __future__ import annotations

import importlib
import os
import pkgutil
import shutil
import sys

import proctor
import pytest
from suites import CHECKOUT, SOURCES, Suite, small_data

sys.path += [str(source) for source in SOURCES if str(source) not in sys.path]

# A run within this process forgets what it has imported; compiled modules do not bear to be imported twice.
for needed in ("aiohttp", "jinja2", "numpy", "requests", "scipy.optimize", "scipy.stats", "xdist.scheduler", "yaml"):
    importlib.import_module(needed)
for module in pkgutil.iter_modules(proctor.__path__, "proctor."):
    importlib.import_module(module.name)


@pytest.fixture
def suite(
    pytester: pytest.Pytester, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Suite:
    """An empty folder, and a scripted model to be asked."""
    fake = tmp_path_factory.mktemp("fake")
    monkeypatch.setenv("PROCTOR_FAKE", str(fake))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, SOURCES)))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("PROCTOR_CACHE", str(fake / "cache"))
    # CI is among them: there pytest repeats each message in full in its summary.
    for name in (
        "CI",
        "BUILD_NUMBER",
        "PROCTOR_API_KEY",
        "OPENAI_API_KEY",
        "PYTEST_ADDOPTS",
        "PYTEST_XDIST_WORKER",
        "COLUMNS",
    ):
        monkeypatch.delenv(name, raising=False)
    return Suite(pytester, fake)


@pytest.fixture
def sums(suite: Suite) -> Suite:
    """A folder with the benchmark `sums` of twelve samples."""
    suite.sums()
    return suite


@pytest.fixture
def checkout(suite: Suite) -> Suite:
    """A folder with the two benchmarks of the project, and a few rows of their data: 3 subjects of 4, and 12."""
    for name in ("knowledge/test_mmlu.py", "numeracy/test_gsm8k.py"):
        module = suite.path / "evals" / name
        module.parent.mkdir(parents=True)
        (module.parent / "__init__.py").touch()
        shutil.copy(CHECKOUT / "evals" / name, module)
    (suite.path / "evals" / "__init__.py").touch()
    (suite.path / "data").mkdir()
    shutil.copytree(CHECKOUT / "data" / "manifest", suite.path / "data" / "manifest")
    small_data(suite.path / "data")
    return suite
