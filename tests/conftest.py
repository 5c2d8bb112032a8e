"""Settings of all tests."""

from __future__ import annotations

import gc

from hypothesis import settings

# A busy machine is no failure: nothing here is measured by the clock.
settings.register_profile("proctor", deadline=None)
settings.load_profile("proctor")


def pytest_collection_finish() -> None:
    """Thousands of tests need not be gone through each time that garbage is collected, as pytester's runs do often."""
    gc.collect()
    gc.freeze()
