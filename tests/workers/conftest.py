"""A service on each of the two databases, with a worker in the test's own process."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.workers.workshop import Service, service_at


@pytest.fixture
def service(database_url: str, broker_url: str, tmp_path: Path) -> Iterator[Service]:
    """The test runs once on SQLite and once on PostgreSQL."""
    with service_at(database_url, broker_url, tmp_path) as service:
        yield service
