"""Fixtures for every room: real servers, started lazily, on this machine alone."""

import os
import signal
from collections.abc import Generator

import pytest
from tests.servers.postgres import database_url, postgres_server, postgres_url
from tests.servers.stack import attach_logs, make_stack, module_stack, stack
from tests.servers.valkey import broker_url, valkey_server

__all__ = [
    "broker_url",
    "database_url",
    "make_stack",
    "module_stack",
    "postgres_server",
    "postgres_url",
    "stack",
    "valkey_server",
]


def pytest_configure() -> None:
    # As under `epochald`: threads only wait for each other in matrices of this size. NumPy has not
    # been imported yet, and looks at this when it is.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # In the background of a script Ctrl-C is ignored, by all that the tests start as well.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    attach_logs(item, report)
    return report
