"""The members of owners: the pupils of a class."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy import Connection

from .tables import members


def insert(connection: Connection, owner: str, names: Iterable[str]) -> None:
    """Make owners members of another, which may then read what belongs to them."""
    connection.execute(sa.insert(members), [{"owner": owner, "member": name} for name in names])


def of(connection: Connection, owner: str) -> tuple[str, ...]:
    """Return the members of the owner, in order."""
    query = sa.select(members.c.member).where(members.c.owner == owner)
    return tuple(connection.execute(query.order_by(members.c.member)).scalars())
