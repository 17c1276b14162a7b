"""Workers: each writes now and then that it lives, and deletes its row when it exits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy import Connection

from .database import insert_into, now
from .tables import jobs, workers

LOST_SECONDS = 60.0
"""A worker that was not seen for so long is lost."""
FORGOTTEN_SECONDS = 3600.0
"""A worker that was not seen for so long is deleted."""


@dataclass(frozen=True, slots=True)
class WorkerRow:
    id: str
    host: str
    pid: int
    version: str
    started_at: float
    seen_at: float
    job_id: str | None
    """The job that it trains."""
    job_owner: str | None
    lost: bool

    @property
    def state(self) -> Literal["idle", "busy", "lost"]:
        if self.lost:
            return "lost"
        return "idle" if self.job_id is None else "busy"


def _seen_within(seconds: float) -> sa.ColumnElement[bool]:
    # The absolute value: a clock that was set back makes no lost worker live on.
    return sa.func.abs(now() - workers.c.seen_at) < seconds


def put(connection: Connection, *, id: str, host: str, pid: int, version: str) -> None:
    """Record that the worker lives now; insert its row if there is none."""
    values: dict[str, Any] = {"id": id, "host": host, "pid": pid, "version": version}
    statement = insert_into(connection.dialect.name, workers).values(
        **values, started_at=now(), seen_at=now()
    )
    connection.execute(
        statement.on_conflict_do_update(index_elements=["id"], set_={"seen_at": now()})
    )


def delete(connection: Connection, worker_id: str) -> None:
    """Delete the row of a worker that exits."""
    connection.execute(sa.delete(workers).where(workers.c.id == worker_id))


def delete_forgotten(connection: Connection) -> None:
    """Delete the rows of workers that were lost long ago."""
    connection.execute(sa.delete(workers).where(sa.not_(_seen_within(FORGOTTEN_SECONDS))))


def all_workers(connection: Connection) -> list[WorkerRow]:
    """Return all workers, the last started first."""
    held = jobs.c.state.in_(("running", "pausing", "cancelling"))
    job_id = (
        sa.select(sa.func.max(jobs.c.id))
        .where(jobs.c.worker_id == workers.c.id, held)
        .correlate(workers)
        .scalar_subquery()
    )
    owner = sa.select(jobs.c.owner).where(jobs.c.id == job_id).correlate(workers).scalar_subquery()
    query = sa.select(workers, job_id, owner, sa.not_(_seen_within(LOST_SECONDS))).order_by(
        workers.c.started_at.desc(), workers.c.id
    )
    return [WorkerRow(*row) for row in connection.execute(query)]


def any_alive(connection: Connection) -> bool:
    """Return whether a worker was seen within the last minute."""
    query = sa.select(workers.c.id).where(_seen_within(LOST_SECONDS)).limit(1)
    return connection.execute(query).first() is not None
