"""Experiments, and the jobs that belong to them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import Connection

from .access import Access
from .database import now
from .jobs import JobRow
from .tables import experiments, jobs


@dataclass(frozen=True, slots=True)
class ExperimentRow:
    """A row of the table `experiments`."""

    id: str
    owner: str
    plan: str
    created_at: float


def insert(connection: Connection, *, id: str, owner: str, plan: str) -> ExperimentRow:
    """Insert an experiment; `plan` is JSON."""
    row = connection.execute(
        sa.insert(experiments)
        .values(id=id, owner=owner, plan=plan, created_at=now())
        .returning(*experiments.c)
    ).one()
    return ExperimentRow(*row)


def find(
    connection: Connection, experiment_id: str, access: Access, *, lock: bool = False
) -> ExperimentRow | None:
    """Return the experiment; None if it does not exist, or the caller may not read it.

    With `lock` the row is locked until the commit.
    """
    query = sa.select(experiments).where(
        experiments.c.id == experiment_id, experiments.c.owner.in_(access.readable)
    )
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else ExperimentRow(*row)


def read(connection: Connection, experiment_id: str) -> ExperimentRow | None:
    """Return the experiment of any owner; None if it does not exist."""
    query = sa.select(experiments).where(experiments.c.id == experiment_id)
    row = connection.execute(query).one_or_none()
    return None if row is None else ExperimentRow(*row)


def page(
    connection: Connection, owners: Sequence[str], *, size: int, before: str | None
) -> list[ExperimentRow]:
    """Return at most `size` experiments older than the id `before`, newest first."""
    query = sa.select(experiments).where(experiments.c.owner.in_(owners))
    if before is not None:
        query = query.where(experiments.c.id < before)
    rows = connection.execute(query.order_by(experiments.c.id.desc()).limit(size))
    return [ExperimentRow(*row) for row in rows]


def jobs_of(connection: Connection, experiment_id: str) -> list[JobRow]:
    """Return the jobs of the experiment that were not deleted, oldest first."""
    query = sa.select(jobs).where(jobs.c.experiment_id == experiment_id).order_by(jobs.c.id)
    return [JobRow(*row) for row in connection.execute(query)]


def first_jobs(connection: Connection, experiment_ids: Collection[str]) -> dict[str, str]:
    """Return the oldest job of each experiment that has one."""
    query = (
        sa.select(jobs.c.experiment_id, sa.func.min(jobs.c.id))
        .where(jobs.c.experiment_id.in_(experiment_ids))
        .group_by(jobs.c.experiment_id)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def count_states(
    connection: Connection, experiment_ids: Collection[str]
) -> dict[str, dict[str, int]]:
    """Return how many jobs of each experiment are in each state."""
    query = (
        sa.select(jobs.c.experiment_id, jobs.c.state, sa.func.count())
        .where(jobs.c.experiment_id.in_(experiment_ids))
        .group_by(jobs.c.experiment_id, jobs.c.state)
    )
    counts: dict[str, dict[str, int]] = {experiment_id: {} for experiment_id in experiment_ids}
    for experiment_id, state, number in connection.execute(query):
        counts[experiment_id][state] = number
    return counts


def last_seq(connection: Connection, experiment_id: str) -> int:
    """Return the sum of the last numbers of the logs of its jobs, which changes whenever one of
    them does.
    """
    query = sa.select(sa.func.coalesce(sa.func.sum(jobs.c.last_seq), 0))
    return int(connection.execute(query.where(jobs.c.experiment_id == experiment_id)).scalar_one())


def delete(connection: Connection, experiment_id: str) -> None:
    """Delete the experiment, but not its jobs."""
    connection.execute(sa.delete(experiments).where(experiments.c.id == experiment_id))


def delete_empty(connection: Connection) -> None:
    """Delete the experiments without remaining jobs."""
    has_jobs = sa.exists().where(jobs.c.experiment_id == experiments.c.id)
    connection.execute(sa.delete(experiments).where(~has_jobs))
