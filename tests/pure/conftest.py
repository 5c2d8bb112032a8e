"""What the tests of several families share."""

from __future__ import annotations

import time

import pytest


@pytest.fixture(scope="session")
def seconds():
    """The processor time of a call in seconds, the best of five: another process on the machine takes none of it."""

    def measure(call, *arguments):
        taken = []
        for _ in range(5):
            start = time.thread_time()
            call(*arguments)
            taken.append(time.thread_time() - start)
            if taken[-1] < 0.02:
                break
        return min(taken)

    return measure
