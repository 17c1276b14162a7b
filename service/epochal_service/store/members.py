"""The members of owners: the pupils of a class."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy import Connection

from .tables import datasets, jobs, members


def insert(connection: Connection, owner: str, names: Iterable[str]) -> None:
    """Make owners members of another, which may then read what belongs to them."""
    connection.execute(sa.insert(members), [{"owner": owner, "member": name} for name in names])


def of(connection: Connection, owner: str) -> tuple[str, ...]:
    """Return the members of the owner, in order."""
    query = sa.select(members.c.member).where(members.c.owner == owner)
    return tuple(connection.execute(query.order_by(members.c.member)).scalars())


def group_of(connection: Connection, owner: str) -> str | None:
    """Return the owner that has this one as a member, or has members itself; None without any."""
    has = (members.c.member == owner) | (members.c.owner == owner)
    query = sa.select(members.c.owner).where(has).limit(1)
    return connection.execute(query).scalar_one_or_none()


def stored_bytes(connection: Connection, group: str) -> int:
    """Return the bytes of all jobs and data sets of an owner and its members."""
    names = sa.select(members.c.member).where(members.c.owner == group)
    sizes = (
        (jobs, sa.func.sum(jobs.c.stored_bytes)),
        (datasets, sa.func.sum(sa.func.length(datasets.c.content))),
    )
    queries = (
        sa.select(size).where((table.c.owner == group) | table.c.owner.in_(names))
        for table, size in sizes
    )
    return sum(int(connection.execute(query).scalar_one() or 0) for query in queries)
