"""Saved networks."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import Connection

from .access import Access
from .database import now
from .tables import networks


@dataclass(frozen=True, slots=True)
class NetworkRow:
    id: str
    owner: str
    name: str | None
    network: str
    created_at: float


def count(connection: Connection, owner: str) -> int:
    """Return the number of the owner's networks."""
    query = sa.select(sa.func.count()).select_from(networks).where(networks.c.owner == owner)
    return connection.execute(query).scalar_one()


def insert(
    connection: Connection, *, id: str, owner: str, name: str | None, network: str
) -> NetworkRow:
    """Insert a network; `network` is JSON."""
    row = connection.execute(
        sa.insert(networks)
        .values(id=id, owner=owner, name=name, network=network, created_at=now())
        .returning(*networks.c)
    ).one()
    return NetworkRow(*row)


def find(connection: Connection, network_id: str, access: Access) -> NetworkRow | None:
    """Return the network; None if it does not exist, or the caller may not read it."""
    row = connection.execute(
        sa.select(networks).where(
            networks.c.id == network_id, networks.c.owner.in_(access.readable)
        )
    ).one_or_none()
    return None if row is None else NetworkRow(*row)


def page(connection: Connection, owner: str, *, size: int, before: str | None) -> list[NetworkRow]:
    """Return at most `size` networks older than the id `before`, newest first."""
    query = sa.select(networks).where(networks.c.owner == owner)
    if before is not None:
        query = query.where(networks.c.id < before)
    rows = connection.execute(query.order_by(networks.c.id.desc()).limit(size))
    return [NetworkRow(*row) for row in rows]


def delete(connection: Connection, network_id: str) -> None:
    """Delete the network."""
    connection.execute(sa.delete(networks).where(networks.c.id == network_id))
