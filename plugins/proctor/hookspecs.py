"""Hooks by which the measuring side meets whoever serves models."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from proctor.model import Service


@pytest.hookspec(firstresult=True)
def pytest_proctor_service(config: pytest.Config) -> Service | None:
    """Return the service that the options name, not yet started, or None to leave it to another plugin.

    Called once in every process, before collection; raises `proctor.errors.SetupError` for bad options.
    """
