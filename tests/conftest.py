"""Fixtures for every room: real servers, started lazily, on this machine alone."""

import gc
import os
import signal
from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from tests.servers.explorers import computed_neurons
from tests.servers.postgres import (
    database_url,
    empty_database_url,
    module_database_url,
    postgres_server,
    postgres_url,
)
from tests.servers.stack import attach_logs, make_stack, module_stack, session_stack, stack
from tests.servers.valkey import broker_url, valkey_server

__all__ = [
    "broker_url",
    "computed_neurons",
    "database_url",
    "empty_database_url",
    "make_stack",
    "module_database_url",
    "module_stack",
    "postgres_server",
    "postgres_url",
    "session_stack",
    "stack",
    "valkey_server",
]

VARIANTS = ("postgresql", "grpc", "float64")

# No example is too slow on a busy machine. Examples are the same each time; others are looked for
# with `--hypothesis-profile=any --hypothesis-seed=N`.
settings.register_profile(
    "any", deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("same", settings.get_profile("any"), derandomize=True)
settings.load_profile("same")


def pytest_configure() -> None:
    # As under `epochald`: threads only wait for each other in matrices of this size. NumPy has not
    # been imported yet, and looks at this when it is.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # A proxy of the developer's own is not asked for the servers that the tests start.
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"
    # In the background of a script Ctrl-C is ignored, by all that the tests start as well.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_sessionstart() -> None:
    # `EPOCHAL_ENGINE=python make test` tests the other engine.
    from epochal_engine import choose_engine

    chosen: Any = os.environ.get("EPOCHAL_ENGINE")
    assert chosen in (None, "compiled", "python")
    choose_engine(chosen)


@pytest.hookimpl(tryfirst=True)  # before the tests are selected by their marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # `make test` opens a browser for the main journeys alone. It runs a test on one database, over
    # one wire and in one precision if another test has its kinds of statements, messages and
    # operations in the others.
    for item in items:
        in_browser = item.path.parent.name == "browser" and not item.get_closest_marker("journey")
        params = item.callspec.params.values() if hasattr(item, "callspec") else ()
        is_variant = any(value in VARIANTS for value in params if isinstance(value, str))
        if in_browser or (is_variant and not item.get_closest_marker("every_variant")):
            item.add_marker("long")


def pytest_collection_finish() -> None:
    # Modules and tests stay to the end: to look for garbage in them, again and again, takes a tenth
    # of the time.
    gc.freeze()
    gc.set_threshold(10_000)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    attach_logs(item, report)
    return report
