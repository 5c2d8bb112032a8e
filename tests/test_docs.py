"""What the documentation points at is there: files by their links, modules and what is in them by their names."""

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [*sorted((ROOT / "docs").glob("*.md")), *sorted(ROOT.glob("*.md")), ROOT / "benchmarks" / "README.md"]
LINK = re.compile(r"\]\((?!\w+://|#|%)([^)#\s]+)(?:#[^)]*)?\)")
DOTTED = re.compile(r"`(proctor(?:_service)?(?:\.\w+)+)`")
NAMES = {"proctor.report"}
"""Written so, and no module: the schema of report.json."""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page: Path):
    missing = [link for link in LINK.findall(page.read_text(encoding="utf-8")) if not (page.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_modules_that_are_named_exist(page: Path):
    assert [name for name in DOTTED.findall(page.read_text(encoding="utf-8")) if not exists(name)] == []


def exists(name: str) -> bool:
    """Whether a dotted name is that of a module, or of something in one."""
    if name in NAMES:
        return True
    try:
        importlib.import_module(name)
        return True
    except ModuleNotFoundError:
        module, _, attribute = name.rpartition(".")
        return hasattr(importlib.import_module(module), attribute)
