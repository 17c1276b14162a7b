"""A migrated database of each kind."""

from collections.abc import Iterator

import pytest

from epochal_service.store import Database, migrate


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    migrate.upgrade(database_url)
    database = Database(database_url)
    yield database
    database.close()
