"""Hooks by which the measuring side meets whoever serves models."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from proctor.model import Sandbox, Service


@pytest.hookspec(firstresult=True)
def pytest_proctor_service(config: pytest.Config) -> Service | None:
    """Return the service that the options name, not yet started, or None to leave it to another plugin.

    Called once in every process, before collection; raises `proctor.errors.SetupError` for bad options.
    """


@pytest.hookspec(firstresult=True)
def pytest_proctor_judge(config: pytest.Config) -> Service | None:
    """Return the service of the judge model that the options name, not yet started, or None where they name none.

    Called once in every process, before collection; raises `proctor.errors.SetupError` for bad options. It is started
    where a task is selected that needs a judge, before the model.
    """


@pytest.hookspec(firstresult=True)
def pytest_proctor_sandbox(config: pytest.Config) -> Sandbox | None:
    """Return what runs code that a model wrote, or None to leave it to another plugin.

    Called where an ask takes `sandbox`: once by the process that owns the run, before anything is asked, and once by
    each process that asks. Raises `proctor.errors.SetupError` where code cannot be run safely and that was not allowed.
    """
