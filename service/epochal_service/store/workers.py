"""Workers: each writes now and then that it lives, and deletes its row when it exits."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from .database import insert_into, now
from .jobs import HELD
from .tables import jobs, workers

LOST_SECONDS = 60.0
"""A worker that was not seen for so long is lost."""
IDLE_SECONDS = 15.0
"""A worker that was not seen for so long is not sent jobs of others."""
FORGOTTEN_SECONDS = 3600.0
"""A worker that was not seen for so long is deleted."""


class HeldJob(NamedTuple):
    """A job that a worker holds."""

    id: str
    owner: str


@dataclass(frozen=True, slots=True)
class WorkerRow:
    id: str
    host: str
    pid: int
    version: str
    started_at: float
    seen_at: float
    lost: bool
    jobs: tuple[HeldJob, ...]
    """The jobs that it holds, the last created first."""

    @property
    def state(self) -> Literal["idle", "busy", "lost"]:
        if self.lost:
            return "lost"
        return "busy" if self.jobs else "idle"


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
    query = (
        sa.select(jobs.c.worker_id, jobs.c.id, jobs.c.owner)
        .where(jobs.c.state.in_(HELD))
        .order_by(jobs.c.id.desc())
    )
    held: dict[str, list[HeldJob]] = defaultdict(list)
    for worker_id, *job in connection.execute(query):
        held[worker_id].append(HeldJob(*job))
    lost = sa.not_(_seen_within(LOST_SECONDS)).label("lost")
    rows = sa.select(workers, lost).order_by(workers.c.started_at.desc(), workers.c.id)
    return [
        WorkerRow(**row._asdict(), jobs=tuple(held[row.id])) for row in connection.execute(rows)
    ]


def any_idle(connection: Connection, host: str) -> bool:
    """Return whether a worker of a host holds no job, and has just been seen."""
    busy = sa.exists().where(jobs.c.worker_id == workers.c.id, jobs.c.state.in_(HELD))
    seen = _seen_within(IDLE_SECONDS)
    query = sa.select(workers.c.id).where(workers.c.host == host, seen, ~busy).limit(1)
    return connection.execute(query).first() is not None


def any_alive(connection: Connection) -> bool:
    """Return whether a worker was seen within the last minute."""
    query = sa.select(workers.c.id).where(_seen_within(LOST_SECONDS)).limit(1)
    return connection.execute(query).first() is not None
