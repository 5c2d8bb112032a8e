"""Cores for the vLLMs of each worker."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

pytest.register_assert_rewrite("exact_likelihoods")

ALL = os.sched_getaffinity(0)


@pytest.fixture(scope="module", autouse=True)
def own_cores() -> Iterator[None]:
    """Each of several workers has cores of its own: threads of two vLLMs on the same ones wait for each other."""
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    os.sched_setaffinity(0, set(sorted(ALL)[number::workers]) or ALL)
    yield
    os.sched_setaffinity(0, ALL)


@pytest.fixture
def all_cores() -> Iterator[None]:
    """Processes that are started meanwhile run on any core."""
    own = os.sched_getaffinity(0)
    os.sched_setaffinity(0, ALL)
    yield
    os.sched_setaffinity(0, own)
