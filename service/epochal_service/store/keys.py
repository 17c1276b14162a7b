"""Idempotency keys: which request a key stood for, and what that request made."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Connection

from ..errors import IdempotencyMismatch
from .database import insert_into, now
from .tables import creation_keys


def once(
    connection: Connection, owner: str, key: str | None, fingerprint: str, made_id: str
) -> str:
    """`made_id`, and the key is taken for it; or the id that the same request made before.

    On PostgreSQL the statement waits for another transaction that is just taking the same key.
    Raises `IdempotencyMismatch` if the key stands for a request with another fingerprint.
    """
    if key is None:
        return made_id
    values = {
        "owner": owner,
        "key": key,
        "fingerprint": fingerprint,
        "made_id": made_id,
        "created_at": now(),
    }
    taken = insert_into(connection, creation_keys).values(values).on_conflict_do_nothing()
    if connection.execute(taken.returning(creation_keys.c.key)).one_or_none() is not None:
        return made_id
    known = connection.execute(
        sa.select(creation_keys.c.fingerprint, creation_keys.c.made_id).where(
            creation_keys.c.owner == owner, creation_keys.c.key == key
        )
    ).one()
    if known.fingerprint != fingerprint:
        raise IdempotencyMismatch(
            "This key was used for another request: choose a new key for something new"
        )
    return str(known.made_id)
