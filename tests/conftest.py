"""Settings of all tests."""

from __future__ import annotations

import gc

import pytest
from hypothesis import settings

# A busy machine is no failure: nothing here is measured by the clock.
settings.register_profile("proctor", deadline=None)
settings.load_profile("proctor")

LONGEST = (
    "test_ci_docs.py",
    "test_reproducing_docs.py",
    "test_wheel.py",
    "test_published_figures.py",
    "test_fetch.py",
    "test_benchdata.py",
)
"""Files of few tests that take the longest, each in one of the workers: begun last, they leave the others idle."""


def pytest_configure(config: pytest.Config) -> None:
    config.option.loadscopereorder = False  # by which xdist hands out the files of the fewest tests last


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.name, len(LONGEST)))


def pytest_collection_finish() -> None:
    """Thousands of tests need not be gone through each time that garbage is collected, as pytester's runs do often."""
    gc.collect()
    gc.freeze()
