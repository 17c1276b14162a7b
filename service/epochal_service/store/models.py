"""Named models: versions of a name, each of a job and an epoch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import Connection

from .database import now
from .tables import models


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One version."""

    owner: str
    name: str
    version: int
    job_id: str
    epoch: int
    share: float
    """The share of predictions that it makes. In [0, 1]."""
    created_at: float


def count(connection: Connection, owner: str) -> int:
    """Return the number of the owner's names."""
    query = sa.select(sa.func.count(models.c.name.distinct())).where(models.c.owner == owner)
    return connection.execute(query).scalar_one()


def insert(
    connection: Connection, *, owner: str, name: str, version: int, job_id: str, epoch: int
) -> None:
    """Insert a version, which makes no predictions yet."""
    connection.execute(
        sa.insert(models).values(
            owner=owner,
            name=name,
            version=version,
            job_id=job_id,
            epoch=epoch,
            share=0.0,
            created_at=now(),
        )
    )


def set_shares(connection: Connection, owner: str, name: str, shares: Mapping[int, float]) -> None:
    """Let these versions make predictions, and no others."""
    share = sa.case(dict(shares), value=models.c.version, else_=0.0)
    connection.execute(sa.update(models).where(*_of(owner, name)).values(share=share))


def versions(connection: Connection, owner: str, name: str) -> list[ModelRow]:
    """Return all versions, newest first; none if there is no such name."""
    query = sa.select(models).where(*_of(owner, name)).order_by(models.c.version.desc())
    return [ModelRow(*row) for row in connection.execute(query)]


def current(connection: Connection, owner: str) -> list[ModelRow]:
    """Return the versions of all names that make predictions, by name, newest first."""
    query = sa.select(models).where(models.c.owner == owner, models.c.share > 0.0)
    rows = connection.execute(query.order_by(models.c.name, models.c.version.desc()))
    return [ModelRow(*row) for row in rows]


def delete(connection: Connection, owner: str, name: str) -> bool:
    """Delete a name with all versions; return whether there was one."""
    return connection.execute(sa.delete(models).where(*_of(owner, name))).rowcount > 0


def _of(owner: str, name: str) -> tuple[sa.ColumnElement[bool], ...]:
    return models.c.owner == owner, models.c.name == name
