"""What the documentation points at is there: files by their links, modules and what is in them by their names."""

import ast
import importlib
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [*sorted((ROOT / "docs").glob("*.md")), *sorted(ROOT.glob("*.md")), ROOT / "benchmarks" / "README.md"]
LINK = re.compile(r"\]\((?!\w+://|#|%)([^)#\s]+)(?:#[^)]*)?\)")
DOTTED = re.compile(r"`(proctor(?:_service)?(?:\.\w+)+)`")
SAID = re.compile(r"(?<![\w./@-])(proctor(?:_service)?(?:\.[A-Za-z_]\w*)+)(?![\w/])")
"""The same in docstrings, comments and messages, where it needs no quotes."""
NAMES = {"proctor.report"}
"""Written so, and no module: the schema of report.json."""
SOURCES = [
    path
    for folder in ("plugins", "fixtures", "benchmarks")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in (".py", ".yaml")
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page: Path):
    missing = [link for link in LINK.findall(page.read_text(encoding="utf-8")) if not (page.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_modules_that_are_named_exist(page: Path):
    assert [name for name in DOTTED.findall(page.read_text(encoding="utf-8")) if not exists(name)] == []


def test_modules_that_docstrings_and_comments_name_exist():
    assert SOURCES
    named = {(path.relative_to(ROOT), name) for path in SOURCES for text in said(path) for name in SAID.findall(text)}
    assert len(named) > 10
    assert [f"{path}: {name}" for path, name in sorted(named) if not exists(name)] == []


def said(path: Path) -> Iterator[str]:
    """The comments of a file, and in Python its docstrings and all other texts."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        yield from (line for line in text.splitlines() if line.lstrip().startswith("#"))
        return
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    yield from (token.string for token in tokens if token.type == tokenize.COMMENT)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def exists(name: str) -> bool:
    """Whether a dotted name is that of a module, or of something in one."""
    if name in NAMES:
        return True
    try:
        importlib.import_module(name)
        return True
    except ModuleNotFoundError:
        owner, _, attribute = name.rpartition(".")
        return bool(owner) and exists(owner) and hasattr(found(owner), attribute)


def found(name: str) -> Any:
    """What a dotted name that exists is the name of."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        owner, _, attribute = name.rpartition(".")
        return getattr(found(owner), attribute)
