"""A service on each of the two databases, with a worker in the process of the test."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from tests.servers.postgres import PostgresServer
from tests.workers.in_process import Service, service_at


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def service(
    request: pytest.FixtureRequest, valkey_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """The tests of a module share one on SQLite, and then one on PostgreSQL; jobs are their own."""
    folder = tmp_path_factory.mktemp("service")
    with ExitStack() as scope:
        if request.param == "sqlite":
            url = f"sqlite:///{folder}/epochal.db"
        else:
            server: PostgresServer = request.getfixturevalue("postgres_server")
            url = scope.enter_context(server.database())
        yield scope.enter_context(service_at(url, valkey_server, folder))
