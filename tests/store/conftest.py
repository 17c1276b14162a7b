"""A migrated database of each kind."""

from collections.abc import Iterator

import pytest
from tests.servers.tables import create_tables

from epochal_service.store import Database


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    create_tables(database_url)
    database = Database(database_url)
    yield database
    database.close()
