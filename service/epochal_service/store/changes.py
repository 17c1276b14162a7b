"""Requests of users to change a job that a worker holds."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import sqlalchemy as sa
from sqlalchemy import Connection

from .tables import change_requests as requests

_JOB_ID: sa.BindParameter[str] = sa.bindparam("job_id")
_OPEN = (
    sa.select(requests.c.id, requests.c.training)
    .where(requests.c.job_id == _JOB_ID, requests.c.epoch.is_(None))
    .order_by(requests.c.id)
)

_WAITING = (
    sa.select(requests.c.job_id)
    .distinct()
    .where(requests.c.job_id.in_(sa.bindparam("job_ids", expanding=True)))
    .where(requests.c.epoch.is_(None))
)


def insert(connection: Connection, job_id: str, training: str) -> int:
    """Insert the changed fields, as JSON, for a locked job, and return the id of the request."""
    values = {"job_id": job_id, "training": training}
    added = connection.execute(sa.insert(requests).values(values).returning(requests.c.id))
    return int(added.scalar_one())


def open_requests(connection: Connection, job_id: str) -> Mapping[int, str]:
    """Return the requests that have not taken effect, by id and in order."""
    return {row.id: row.training for row in connection.execute(_OPEN, {"job_id": job_id})}


def waiting(connection: Connection, job_ids: Collection[str]) -> frozenset[str]:
    """Return those of the jobs with requests that have not taken effect."""
    return frozenset(connection.execute(_WAITING, {"job_ids": [*job_ids]}).scalars())


def close(connection: Connection, ids: Collection[int], epoch: int, step: int) -> None:
    """Record the epoch that the requests take effect after, and the steps of the next one."""
    made = sa.update(requests).where(requests.c.id.in_(ids))
    connection.execute(made.values(epoch=epoch, step=step))


def moment_of(connection: Connection, id: int) -> tuple[int, int] | None:
    """Return the epoch that the request has taken effect after, and the steps of the next one; None
    before.
    """
    query = sa.select(requests.c.epoch, requests.c.step).where(requests.c.id == id)
    row = connection.execute(query).one_or_none()
    return None if row is None or row.epoch is None else (row.epoch, row.step or 0)
