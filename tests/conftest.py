"""Settings of all tests."""

from __future__ import annotations

from hypothesis import settings

# A busy machine is no failure: nothing here is measured by the clock.
settings.register_profile("proctor", deadline=None)
settings.load_profile("proctor")
