"""Named models, on each kind of database."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from epochal_service.store import Database, models
from epochal_service.store.database import lock_owner

pytestmark = pytest.mark.every_variant


def add(database: Database, owner: str, name: str) -> None:
    with database.write() as connection:
        lock_owner(connection, owner)
        version = 1 + len(models.versions(connection, owner, name))
        models.insert(
            connection, owner=owner, name=name, version=version, job_id="job_1", epoch=version
        )
        models.set_shares(connection, owner, name, {version: 1.0})


def test_each_owner_has_names_with_versions_and_shares(database: Database) -> None:
    for owner, name in (("me", "b"), ("me", "a"), ("me", "b"), ("other", "b")):
        add(database, owner, name)
    with database.write() as connection:
        models.set_shares(connection, "me", "b", {1: 0.75, 2: 0.25})
        shares = [(m.version, m.share) for m in models.versions(connection, "me", "b")]
        assert shares == [(2, 0.25), (1, 0.75)]
        assert [m.share for m in models.versions(connection, "other", "b")] == [1.0]
        assert models.count(connection, "me") == 2
        models.set_shares(connection, "me", "b", {2: 1.0})
        assert [(m.name, m.version) for m in models.current(connection, "me")] == [
            ("a", 1),
            ("b", 2),
        ]
        assert models.delete(connection, "me", "b")
        assert not models.delete(connection, "me", "b")
        assert models.versions(connection, "me", "b") == []
        assert len(models.versions(connection, "other", "b")) == 1


def test_versions_that_are_added_at_once_have_numbers_of_their_own(database: Database) -> None:
    with ThreadPoolExecutor(8) as pool:
        for future in [pool.submit(add, database, "me", "a") for _ in range(16)]:
            future.result()
    with database.read() as connection:
        rows = models.versions(connection, "me", "a")
    assert [row.version for row in rows] == [*range(16, 0, -1)]
    assert sum(row.share for row in rows) == 1.0
