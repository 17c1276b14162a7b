"""The members of owners: the pupils of a class."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy import Connection

from .database import lock_owner
from .jobs import HIDDEN
from .tables import (
    answers,
    api_keys,
    attempts,
    creation_keys,
    datasets,
    exercises,
    experiments,
    jobs,
    members,
    models,
    networks,
    uploads,
)


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


_OTHER = (exercises, datasets, networks, models, uploads)
"""What else a member may own, in an order in which nothing refers to a deleted row."""


def count_rows(connection: Connection, owner: str) -> dict[str, int]:
    """Return the numbers of jobs, attempts, answers and other rows of the members."""
    names = sa.select(members.c.member).where(members.c.owner == owner)

    def count(*tables: sa.Table) -> int:
        queries = (
            sa.select(sa.func.count()).select_from(table).where(table.c.owner.in_(names))
            for table in tables
        )
        return sum(connection.execute(query).scalar_one() for query in queries)

    counts = {"jobs": count(jobs), "attempts": count(attempts), "answers": count(answers)}
    return {**counts, "other": count(*_OTHER)}


def delete_with_rows(connection: Connection, owner: str) -> None:
    """Delete the members of an owner with all of their rows. Jobs are hidden from all readers and
    from their workers; the rows of these are deleted later.
    """
    names = of(connection, owner)
    for name in names:
        lock_owner(connection, name)  # nothing of theirs is being stored
    connection.execute(sa.update(jobs).where(jobs.c.owner.in_(names)).values(HIDDEN))
    for table in (api_keys, creation_keys, answers, attempts, experiments, *_OTHER):
        connection.execute(sa.delete(table).where(table.c.owner.in_(names)))
    connection.execute(sa.delete(members).where(members.c.owner == owner))
