"""Idempotency keys: the request that used a key, and the id of the created object."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import sqlalchemy as sa
from sqlalchemy import Connection

from ..errors import IdempotencyMismatch
from .database import insert_into, now
from .tables import creation_keys

KEPT_SECONDS = 30 * 86_400.0
"""A key is known for so long: a request is repeated within minutes, or within days by a person."""
DELETED_AT_ONCE = 1_000
REPLAYED = "Idempotency-Replayed"
"""The header, in lower case the metadata of gRPC, of a reply about what the key created before."""

_replays: ContextVar[list[str] | None] = ContextVar("replays", default=None)


@contextmanager
def noted_replays() -> Iterator[list[str]]:
    """Collect the ids that used keys stand for and that `find` returns to this thread."""
    ids: list[str] = []
    token = _replays.set(ids)
    try:
        yield ids
    finally:
        _replays.reset(token)


def claim(
    connection: Connection, owner: str, key: str | None, fingerprint: str, new_id: str
) -> str:
    """Record `new_id` under the key and return it; or return the id that the same request created.

    On PostgreSQL the statement waits for another transaction that inserts the same key.
    Raises `IdempotencyMismatch` if a request with another fingerprint used the key.
    """
    if key is None:
        return new_id
    values = {
        "owner": owner,
        "key": key,
        "fingerprint": fingerprint,
        "made_id": new_id,
        "created_at": now(),
    }
    statement = (
        insert_into(connection.dialect.name, creation_keys).values(values).on_conflict_do_nothing()
    )
    if connection.execute(statement.returning(creation_keys.c.key)).one_or_none() is not None:
        return new_id
    used = find(connection, owner, key, fingerprint)
    assert used is not None
    return used


def delete_old(connection: Connection) -> None:
    """Delete keys that are old, a limited number of them."""
    chosen = (
        sa.select(creation_keys.c.owner, creation_keys.c.key)
        .where(creation_keys.c.created_at < now() - KEPT_SECONDS)
        .limit(DELETED_AT_ONCE)
    )
    names = sa.tuple_(creation_keys.c.owner, creation_keys.c.key)
    connection.execute(sa.delete(creation_keys).where(names.in_(chosen)))


def find(connection: Connection, owner: str, key: str | None, fingerprint: str) -> str | None:
    """Return the id that the same request created under the key; None if the key is not used.

    Raises `IdempotencyMismatch` if a request with another fingerprint used the key.
    """
    if key is None:
        return None
    used = connection.execute(
        sa.select(creation_keys.c.fingerprint, creation_keys.c.made_id).where(
            creation_keys.c.owner == owner, creation_keys.c.key == key
        )
    ).one_or_none()
    if used is None:
        return None
    if used.fingerprint != fingerprint:
        raise IdempotencyMismatch(
            "This idempotency key was used for another request: choose a new key"
        )
    if (ids := _replays.get()) is not None:
        ids.append(used.made_id)
    return str(used.made_id)
