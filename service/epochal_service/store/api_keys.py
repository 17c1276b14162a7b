"""API keys, without their secrets."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from .access import Access
from .database import now
from .tables import api_keys, members


@dataclass(frozen=True, slots=True)
class KeyLimits:
    """What a key may do that another key made."""

    actions: tuple[str, ...]
    jobs: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    origins: tuple[str, ...] = ()
    """Origins of the pages that may use it; none: any that the service allows."""
    jobs_per_hour: int | None = None

    @classmethod
    def load(cls, text: str) -> KeyLimits:
        """Return the limits that `dump` wrote."""
        values = json.loads(text)
        lists = {name: tuple(values[name]) for name in ("actions", "jobs", "origins")}
        labels = tuple((key, value) for key, value in values["labels"])
        return cls(**lists, labels=labels, jobs_per_hour=values["jobs_per_hour"])

    def dump(self) -> str:
        """Return the limits as JSON."""
        return json.dumps(asdict(self))


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
    limits: KeyLimits | None = None
    """None for a key that an operator made: its scope says what it may do."""
    made_by: str | None = None
    jobs_at: float | None = None


HOUR = 3600.0
Stored = tuple[KeyRow, Access]
"""A valid key and its access."""


def _lasts(keys: sa.FromClause) -> sa.ColumnElement[bool]:
    expires = keys.c.expires_at
    return sa.and_(keys.c.revoked_at.is_(None), sa.or_(expires.is_(None), expires > now()))


_maker = api_keys.alias("makers")
_is_valid = sa.and_(
    _lasts(api_keys),
    sa.or_(
        api_keys.c.made_by.is_(None),
        sa.exists().where(_maker.c.id == api_keys.c.made_by, _lasts(_maker)),
    ),
)


def _key_row(row: Any) -> KeyRow:
    values = dict(zip(api_keys.c.keys(), row, strict=False))
    limits = values.pop("limits")
    return KeyRow(**values, limits=None if limits is None else KeyLimits.load(limits))


def insert(
    connection: Connection,
    *,
    id: str,
    owner: str,
    name: str,
    scope: str,
    digest: str,
    seconds: float | None,
    limits: KeyLimits | None = None,
    made_by: str | None = None,
) -> None:
    """Insert a key that is valid for some seconds; None: until it is revoked."""
    expires_at = None if seconds is None else now() + seconds
    values: dict[str, Any] = {
        "id": id,
        "owner": owner,
        "name": name,
        "scope": scope,
        "digest": digest,
    }
    if limits is not None:
        values |= {"limits": limits.dump(), "made_by": made_by}
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
        key = _key_row(first)
        reached = () if key.limits is None else (key.limits.jobs, key.limits.labels)
        access = Access(first.owner, tuple(name for name in names if name is not None), *reached)
        keys[key_id] = key, access
    return keys


def all_keys(connection: Connection) -> list[KeyRow]:
    """Return all keys, oldest first, also invalid ones."""
    rows = connection.execute(sa.select(api_keys).order_by(api_keys.c.created_at, api_keys.c.id))
    return [_key_row(row) for row in rows]


def valid_of(connection: Connection, owners: Collection[str]) -> list[KeyRow]:
    """Return the valid keys of the owners, by owner."""
    query = sa.select(api_keys).where(api_keys.c.owner.in_(owners), _is_valid)
    rows = connection.execute(query.order_by(api_keys.c.owner, api_keys.c.created_at))
    return [_key_row(row) for row in rows]


def made(connection: Connection, owner: str) -> list[KeyRow]:
    """Return the valid keys that keys of the owner made, newest first."""
    query = sa.select(api_keys).where(
        api_keys.c.owner == owner, api_keys.c.limits.is_not(None), _is_valid
    )
    rows = connection.execute(query.order_by(api_keys.c.created_at.desc(), api_keys.c.id))
    return [_key_row(row) for row in rows]


def names_origin(connection: Connection, origin: str, key_id: str | None = None) -> bool:
    """Return whether this key, or any, is for pages of the origin, or was while it was valid: the
    pages may read that it has ended.
    """
    query = sa.select(api_keys.c.limits).where(
        api_keys.c.limits.contains(json.dumps(origin), autoescape=True)
    )
    if key_id is not None:
        query = query.where(api_keys.c.id == key_id)
    rows = connection.execute(query).scalars()
    return any(origin in KeyLimits.load(limits).origins for limits in rows)


def take_jobs(connection: Connection, key_id: str, per_hour: int, count: int) -> float:
    """Count new jobs of a key; return 0, or the seconds to wait if these are too many now.

    The row has one number, the time when the key may make `per_hour` jobs at once again.
    """
    row = sa.select(now(), api_keys.c.jobs_at).where(api_keys.c.id == key_id).with_for_update()
    time, full_at = connection.execute(row).one()
    later = max(full_at or time, time) + count * HOUR / per_hour
    wait: float = later - time - HOUR
    if wait > 1e-6:
        return wait
    update = sa.update(api_keys).where(api_keys.c.id == key_id).values(jobs_at=later)
    connection.execute(update)
    return 0.0


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
