"""The borders between the rooms, read from their imports."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PURE = ("extract", "metrics", "statistics", "reporting", "comparing", "chat", "yamlfile")
PURE += ("gating/gatefile", "gating/gatecheck", "gating/gates", "gating/noise", "gating/verdicts")
PURE += ("judge/asks", "judge/opinions", "judge/labels")
PURE += ("data/manifest", "data/reading", "data/rows", "data/hub", "data/ultraeval")
NOT_PURE = {"pytest", "_pytest", "xdist", "aiohttp", "requests", "httpx", "openai"}
BORDER = {"proctor.model", "proctor.errors", "proctor.sample"}


def imported(path: Path) -> set[str]:
    """Names of the modules that a file imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert not node.level, f"{path}: relative import"
            found.add(node.module)
    return found


def top(names: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


def files(folder: str) -> list[Path]:
    found = sorted((ROOT / folder).rglob("*.py"))
    assert found
    return found


@pytest.mark.parametrize("path", files("evals"), ids=lambda path: path.stem)
def test_a_benchmark_imports_proctor_alone(path):
    # Of the standard library, what a row's text may need: it opens no file and reaches no server.
    assert top(imported(path)) <= {"proctor", "re"}


@pytest.mark.parametrize("path", files("plugins/proctor"), ids=lambda path: path.stem)
def test_the_measuring_side_never_imports_the_serving_side(path):
    assert "proctor_service" not in top(imported(path))


@pytest.mark.parametrize("name", PURE)
def test_pure_rooms_import_neither_pytest_nor_an_http_library(name):
    room = ROOT / "plugins/proctor" / name
    paths = sorted(room.rglob("*.py")) if room.is_dir() else [room.with_suffix(".py")]
    assert not any(top(imported(path)) & NOT_PURE for path in paths)


@pytest.mark.parametrize("path", files("fixtures/proctor_service"), ids=lambda path: path.stem)
def test_the_serving_side_imports_only_the_border(path):
    assert {name for name in imported(path) if name.partition(".")[0] == "proctor"} <= BORDER


def test_what_a_service_may_have_besides_stands_in_one_place():
    """`proctor.model.Service` tells of every member that is looked for by name."""
    from proctor.model import Service

    read = {
        (path.name, node.args[1].value)
        for path in files("plugins/proctor") + files("fixtures/proctor_service")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "getattr"
        and ast.unparse(node.args[0]).rpartition(".")[2] == "service"
        and isinstance(node.args[1], ast.Constant)
    }
    assert len(read) > 10
    told = (Service.__doc__ or "") + " ".join(vars(Service))
    assert [(path, name) for path, name in sorted(read) if not re.search(rf"\b{name}\b", told)] == []


def test_no_folder_of_evals_bears_a_benchmark_name():
    benchmarks = {path.stem.removeprefix("test_") for path in (ROOT / "evals").rglob("test_*.py")}
    folders = {path.name for path in (ROOT / "evals").rglob("*") if path.is_dir() and path.name != "__pycache__"}
    assert benchmarks
    assert folders
    for folder in folders:
        assert not [name for name in benchmarks if name in folder or folder in name], folder


def test_versions_agree():
    import tomllib

    import proctor

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    evals = ast.parse((ROOT / "evals/__init__.py").read_text(encoding="utf-8"))
    marked = [node.value.value for node in evals.body if isinstance(node, ast.Assign)]
    assert project["version"] == proctor.__version__
    assert marked == [proctor.__version__]
