"""Idempotency keys: known for a month, then deleted."""

import pytest
import sqlalchemy as sa

from epochal_service.errors import IdempotencyMismatch
from epochal_service.store import Database, keys
from epochal_service.store.tables import creation_keys

pytestmark = pytest.mark.every_variant


def test_old_keys_are_deleted_a_few_at_a_time(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys, "DELETED_AT_ONCE", 2)
    with database.write() as connection:
        for name in ("a", "b", "c", "new"):
            assert keys.claim(connection, "me", name, "fingerprint", f"job_{name}") == f"job_{name}"
        old = creation_keys.c.created_at - keys.KEPT_SECONDS - 1
        is_old = creation_keys.c.key != "new"
        connection.execute(sa.update(creation_keys).where(is_old).values(created_at=old))
    left = []
    for _ in range(3):
        with database.write() as connection:
            keys.delete_old(connection)
            query = sa.select(creation_keys.c.key).order_by(creation_keys.c.key)
            left.append(len(connection.execute(query).all()))
    assert left == [2, 1, 1]
    with database.write() as connection:
        assert keys.find(connection, "me", "a", "fingerprint") is None
        # A job created under a deleted key stays: a new request creates another one.
        assert keys.claim(connection, "me", "a", "another", "job_again") == "job_again"
        assert keys.find(connection, "me", "new", "fingerprint") == "job_new"
        with pytest.raises(IdempotencyMismatch):
            keys.find(connection, "me", "new", "another")
