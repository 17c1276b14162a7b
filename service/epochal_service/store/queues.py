"""The number of jobs and how long they wait, without their owners."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import Connection

from .database import now
from .tables import jobs


@dataclass(frozen=True, slots=True)
class QueueRow:
    """The queue of an owner."""

    jobs: int
    oldest_seconds: float
    """The age of the oldest job that never started; 0 without one."""


def count_by_state(connection: Connection) -> dict[str, int]:
    """Return the number of all jobs and sweeps in each state that one is in."""
    query = sa.select(jobs.c.state, sa.func.count().label("number")).group_by(jobs.c.state)
    return {row.state: row.number for row in connection.execute(query)}


def all_queues(connection: Connection) -> list[QueueRow]:
    """Return the queues of all owners that have one, without their names."""
    waiting_since = sa.func.min(sa.case((jobs.c.started_at.is_(None), jobs.c.created_at)))
    query = (
        sa.select(sa.func.count(), sa.func.coalesce(now() - waiting_since, 0.0))
        .where(jobs.c.state == "queued")
        .group_by(jobs.c.owner)
    )
    return [QueueRow(*row) for row in connection.execute(query)]
