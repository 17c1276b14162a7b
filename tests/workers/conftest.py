"""A service on each of the two databases, with a worker in the process of the test."""

from collections.abc import Iterator

import pytest
from tests.workers.in_process import Service, service_at


@pytest.fixture(scope="module")
def service(
    module_database_url: str, valkey_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """The tests of a module share one on SQLite, and then one on PostgreSQL; jobs are their own."""
    folder = tmp_path_factory.mktemp("service")
    with service_at(module_database_url, valkey_server, folder) as service:
        yield service
