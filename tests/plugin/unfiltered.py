"""A pytest plugin that reads every task, whatever -k and -m say: what pytest alone would select."""

import proctor.session.collect
import pytest


def pytest_configure(config: pytest.Config) -> None:
    original = proctor.session.collect.Collecting._wanted
    proctor.session.collect.Collecting._wanted = lambda *_: True  # type: ignore[method-assign]
    config.add_cleanup(lambda: setattr(proctor.session.collect.Collecting, "_wanted", original))
