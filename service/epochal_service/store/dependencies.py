"""Which jobs wait for which others."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import Connection

from .database import now
from .jobs import JobRow
from .tables import dependencies, jobs

STOPPED = ("waiting", "paused")
"""The states of a job that needs another one."""


@dataclass(frozen=True, slots=True)
class Dependent:
    """A job that needs another one, and the packed scaling of its data."""

    job: JobRow
    scaling: bytes


def insert(connection: Connection, job_id: str, needed_id: str, scaling: bytes) -> None:
    """Let a job wait for another one."""
    values = {"job_id": job_id, "needed_id": needed_id, "scaling": scaling}
    connection.execute(sa.insert(dependencies).values(values))


def dependents(connection: Connection, needed_id: str) -> list[Dependent]:
    """Return the jobs that wait for a job, locked until the commit, oldest first."""
    rows = connection.execute(_DEPENDENTS, {"needed_id": needed_id})
    return [Dependent(JobRow(*row[:-1]), row[-1]) for row in rows]


_DEPENDENTS = (
    sa.select(*jobs.c, dependencies.c.scaling)
    .join(dependencies, dependencies.c.job_id == jobs.c.id)
    .where(
        dependencies.c.needed_id == sa.bindparam("needed_id"),
        dependencies.c.met_at.is_(None),
        jobs.c.state.in_(STOPPED),
    )
    .order_by(jobs.c.id)
    .with_for_update(of=jobs)
)


def first_dependent(connection: Connection, needed_id: str) -> str | None:
    """Return the id of a job that waits for a job; None without one."""
    query = (
        sa.select(jobs.c.id)
        .join(dependencies, dependencies.c.job_id == jobs.c.id)
        .where(
            dependencies.c.needed_id == needed_id,
            dependencies.c.met_at.is_(None),
            jobs.c.state.in_(STOPPED),
        )
        .limit(1)
    )
    return connection.execute(query).scalar_one_or_none()


def released_by(connection: Connection, needed_id: str) -> list[str]:
    """Return the ids of the queued jobs that needed a job."""
    query = (
        sa.select(jobs.c.id)
        .join(dependencies, dependencies.c.job_id == jobs.c.id)
        .where(dependencies.c.needed_id == needed_id, jobs.c.state == "queued")
        .order_by(jobs.c.id)
    )
    return list(connection.execute(query).scalars())


def mark_met(connection: Connection, job_id: str, needed_id: str) -> None:
    """Record that a needed job has succeeded."""
    connection.execute(
        sa.update(dependencies)
        .where(dependencies.c.job_id == job_id, dependencies.c.needed_id == needed_id)
        .values(met_at=now())
    )


def has_unmet(connection: Connection, job_id: str) -> bool:
    """Return whether the job still needs another one."""
    query = sa.select(dependencies.c.needed_id).where(
        dependencies.c.job_id == job_id, dependencies.c.met_at.is_(None)
    )
    return connection.execute(query.limit(1)).first() is not None
