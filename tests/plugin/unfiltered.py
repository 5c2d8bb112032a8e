"""A pytest plugin that reads every task, whatever -k and -m say: what pytest alone would select."""

import proctor.collect
import pytest


def pytest_configure(config: pytest.Config) -> None:
    original = proctor.collect.Collecting._wanted
    proctor.collect.Collecting._wanted = lambda *_: True  # type: ignore[method-assign]
    config.add_cleanup(lambda: setattr(proctor.collect.Collecting, "_wanted", original))
