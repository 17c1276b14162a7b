"""API keys, without their secrets."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from itertools import groupby

import sqlalchemy as sa
from sqlalchemy import Connection

from .access import Access
from .database import now
from .tables import api_keys, members


@dataclass(frozen=True, slots=True)
class KeyRow:
    id: str
    owner: str
    name: str
    scope: str
    digest: str
    created_at: float
    expires_at: float | None
    revoked_at: float | None


Stored = tuple[KeyRow, Access]
"""A valid key and its access."""

_is_valid = sa.and_(
    api_keys.c.revoked_at.is_(None),
    sa.or_(api_keys.c.expires_at.is_(None), api_keys.c.expires_at > now()),
)


def insert(
    connection: Connection,
    *,
    id: str,
    owner: str,
    name: str,
    scope: str,
    digest: str,
    seconds: float | None,
) -> None:
    """Insert a key that is valid for some seconds; None: until it is revoked."""
    expires_at = None if seconds is None else now() + seconds
    values = {"id": id, "owner": owner, "name": name, "scope": scope, "digest": digest}
    connection.execute(
        sa.insert(api_keys).values(**values, created_at=now(), expires_at=expires_at)
    )


def find_valid(connection: Connection, key_id: str) -> Stored | None:
    """Return the key and its access; None if it does not exist, has expired or was revoked."""
    return _valid(connection, api_keys.c.id == key_id).get(key_id)


def find_all_valid(connection: Connection, key_ids: Collection[str]) -> dict[str, Stored]:
    """Return the valid keys with their access, by id."""
    return _valid(connection, api_keys.c.id.in_(key_ids))


def _valid(connection: Connection, condition: sa.ColumnElement[bool]) -> dict[str, Stored]:
    """One statement, since every request needs it."""
    rows = connection.execute(
        sa.select(api_keys, members.c.member)
        .outerjoin(members, members.c.owner == api_keys.c.owner)
        .where(condition, _is_valid)
        .order_by(api_keys.c.id, members.c.member)
    )
    keys = {}
    for key_id, group in groupby(rows, key=lambda row: row.id):
        first, *others = group
        names = (row.member for row in (first, *others))
        access = Access(first.owner, tuple(name for name in names if name is not None))
        keys[key_id] = KeyRow(*first[:-1]), access
    return keys


def all_keys(connection: Connection) -> list[KeyRow]:
    """Return all keys, oldest first, also invalid ones."""
    rows = connection.execute(sa.select(api_keys).order_by(api_keys.c.created_at, api_keys.c.id))
    return [KeyRow(*row) for row in rows]


def valid_of(connection: Connection, owners: Collection[str]) -> list[KeyRow]:
    """Return the valid keys of the owners, by owner."""
    query = sa.select(api_keys).where(api_keys.c.owner.in_(owners), _is_valid)
    rows = connection.execute(query.order_by(api_keys.c.owner, api_keys.c.created_at))
    return [KeyRow(*row) for row in rows]


def any_of(connection: Connection, owner: str) -> bool:
    """Return whether the owner has a key, valid or not."""
    query = sa.select(api_keys.c.id).where(api_keys.c.owner == owner).limit(1)
    return connection.execute(query).first() is not None


def any_valid(connection: Connection) -> bool:
    """Return whether there is a key that is valid."""
    return (
        connection.execute(sa.select(api_keys.c.id).where(_is_valid).limit(1)).first() is not None
    )


def replace_digest(connection: Connection, key_id: str, digest: str) -> bool:
    """Give a valid key another secret; return whether there is such a key."""
    update = sa.update(api_keys).where(api_keys.c.id == key_id, _is_valid).values(digest=digest)
    return connection.execute(update).rowcount == 1


def revoke(connection: Connection, key_id: str) -> bool:
    """Revoke a key; return whether there is one that was not revoked."""
    update = (
        sa.update(api_keys)
        .where(api_keys.c.id == key_id, api_keys.c.revoked_at.is_(None))
        .values(revoked_at=now())
    )
    return connection.execute(update).rowcount == 1
