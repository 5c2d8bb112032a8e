"""The pytest plugin: options, and which part plays in which process.

One process: `Owner` begins the run, `Asking` asks and judges in the same process. Under xdist the
controller is the owner and each worker asks and judges its block. Nothing is imported, created or
written in a suite that has no benchmark in it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from proctor import hookspecs
from proctor.errors import SetupError
from proctor.options import STOOD_BACK, add_options, chosen, forget_what_is_not_ours, read_settings, restore, withdraw

if TYPE_CHECKING:
    from proctor.model import Service
    from proctor.options import Settings


def pytest_addoption(parser: pytest.Parser) -> None:
    add_options(parser)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    pluginmanager.add_hookspecs(hookspecs)


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config, parser: pytest.Parser) -> Any:
    """A suite may have options that are called as ours are (--seed, --model): its own ones win."""
    taken = withdraw(parser)
    result = yield
    early_config.stash[STOOD_BACK] = restore(parser, taken)
    return result


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    # Prompts are shown by one process, in order.
    if config.getoption("proctor_show_prompts", None) is not None:
        for name, value in (("numprocesses", 0), ("dist", "no"), ("tx", [])):
            if hasattr(config.option, name):
                setattr(config.option, name, value)


def pytest_configure(config: pytest.Config) -> None:
    from proctor.session.parts import play

    forget_what_is_not_ours(config)
    try:
        settings = read_settings(config)
        service, judge = _service(config, settings), _judge(config, settings)
        if settings.rescore is not None and settings.data_dir is None:
            form = settings.data_format or getattr(service, "data_format", None)
            settings = replace(settings, data_dir=getattr(service, "data_dir", None), data_format=form)
        play(config, settings, service, judge)
    except SetupError as error:
        raise pytest.UsageError(str(error)) from None


def _service(config: pytest.Config, settings: Settings) -> Service | None:
    if settings.rescore is not None:
        from proctor.session.rescore import StoredService

        return StoredService(settings.rescore)
    service: Service | None = config.hook.pytest_proctor_service(config=config)
    return service


def _judge(config: pytest.Config, settings: Settings) -> Service | None:
    """The judge model's service; None where outputs are judged again and their opinions stay as they are."""
    if settings.rescore is not None and not settings.judge_anew:
        return None
    service: Service | None = config.hook.pytest_proctor_judge(config=config)
    return service


@pytest.hookimpl(tryfirst=True)
def pytest_proctor_judge(config: pytest.Config) -> Service | None:
    name = chosen(config, "judge")
    if name is None or not name.startswith("proctor:"):
        return None
    from proctor.selfcheck import selfcheck_judge

    service: Service = selfcheck_judge(name)
    return service


@pytest.hookimpl(tryfirst=True)
def pytest_proctor_service(config: pytest.Config) -> Service | None:
    name = chosen(config, "model")
    if name is None or not name.startswith("proctor:"):
        return None
    from proctor.selfcheck import selfcheck_service

    service: Service = selfcheck_service(name)
    return service


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Any:
    """A setup error is told by its message alone, and makes the exit code 4."""
    report: Any = yield
    call = getattr(report, "call", None)
    excinfo = None if call is None else call.excinfo
    if excinfo is not None and isinstance(excinfo.value, SetupError):
        report.longrepr = str(excinfo.value)
        report.proctor_setup_error = True
    return report


@pytest.fixture(scope="session")
def model(request: pytest.FixtureRequest) -> Any:
    """The model that the options name, for ordinary tests: `model.generate("...").text`."""
    from proctor.session.model_fixture import model_for_tests

    return model_for_tests(request.config)
