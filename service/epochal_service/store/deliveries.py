"""Deliveries: what is sent to the receivers of a job's end.

The end of a job inserts them in its transaction. A claim moves `due_at` beyond the time that one
attempt takes: if the process is killed in the attempt, the delivery is due again. The result of an
attempt is stored only if no other one was claimed in the meantime.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from .database import new_id, now
from .jobs import JobRow
from .tables import deliveries, job_labels, job_specs, jobs

PENDING = "pending"


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """A row of the table `deliveries`."""

    id: str
    job_id: str
    position: int
    event: str
    state: str
    attempt: int
    log: str
    due_at: float | None
    created_at: float


@dataclass(frozen=True, slots=True)
class EndedJob:
    """The content of a delivery about a job, and its receiver."""

    row: JobRow
    name: str | None
    labels: dict[str, str]
    webhooks: list[dict[str, Any]] = field(repr=False)
    """With their secrets."""


def insert(connection: Connection, job_id: str, event: str, webhooks: str | None) -> None:
    """Insert a delivery, due now, for each of the job's webhooks that the event is for."""
    rows = [
        {"id": new_id("msg"), "job_id": job_id, "position": position, "event": event}
        for position, webhook in enumerate(json.loads(webhooks or "[]"))
        if event in webhook["on"]
    ]
    if rows:
        times = {"due_at": now(), "created_at": now()}
        fresh = sa.insert(deliveries).values(state=PENDING, attempt=0, log="[]", **times)
        connection.execute(fresh, rows)


def of_job(connection: Connection, job_id: str) -> list[DeliveryRow]:
    """Return the deliveries of a job in the order of its webhooks."""
    query = sa.select(deliveries).where(deliveries.c.job_id == job_id)
    return [DeliveryRow(*row) for row in connection.execute(query.order_by(deliveries.c.position))]


def due(connection: Connection, limit: int) -> list[str]:
    """Return the ids of deliveries to attempt now, the owners in turn.

    A job that was deleted has another state.
    """
    turn = sa.func.row_number().over(partition_by=jobs.c.owner, order_by=deliveries.c.due_at)
    query = (
        sa.select(deliveries.c.id)
        .join(jobs, jobs.c.id == deliveries.c.job_id)
        .where(deliveries.c.due_at <= now(), jobs.c.state == deliveries.c.event)
        .order_by(turn, deliveries.c.due_at)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def claim(connection: Connection, ids: Sequence[str], seconds: float) -> list[DeliveryRow]:
    """Begin an attempt of the deliveries that are still due; without a result they are due again
    after some seconds.
    """
    # Rows that another process is claiming are skipped: to wait for them could end in a deadlock.
    query = sa.select(deliveries.c.id).where(deliveries.c.id.in_(ids), deliveries.c.due_at <= now())
    unclaimed = list(connection.execute(query.with_for_update(skip_locked=True)).scalars())
    claimed = connection.execute(
        sa.update(deliveries)
        .where(deliveries.c.id.in_(unclaimed))
        .values(attempt=deliveries.c.attempt + 1, due_at=now() + seconds)
        .returning(*deliveries.c)
    )
    return [DeliveryRow(*row) for row in claimed]


def ended_job(connection: Connection, job_id: str) -> EndedJob | None:
    """Return what a delivery tells of the job; None if it was deleted.

    The database reads the name in the spec: a spec may have megabytes, which Python would parse
    while all other threads wait.
    """
    sqlite = connection.dialect.name == "sqlite"
    spec = (sa.type_coerce if sqlite else sa.cast)(job_specs.c.spec, sa.JSON)
    name = sa.func.coalesce(spec["name"].as_string(), spec["job", "name"].as_string())
    ended = connection.execute(
        sa.select(*jobs.c, name, job_specs.c.webhooks)
        .join(job_specs)
        .where(jobs.c.id == job_id, jobs.c.owner != "")
    ).one_or_none()
    if ended is None:
        return None
    *values, display_name, webhooks = ended
    labels = sa.select(job_labels.c.key, job_labels.c.value).where(job_labels.c.job_id == job_id)
    return EndedJob(
        row=JobRow(*values),
        name=display_name,
        labels={row.key: row.value for row in connection.execute(labels)},
        webhooks=json.loads(webhooks or "[]"),
    )


def record(
    connection: Connection, row: DeliveryRow, *, state: str, log: str, retry_after: float | None
) -> None:
    """Store the result of an attempt, and when the next one is due: None if there is none."""
    values: dict[str, Any] = {"state": state, "log": log}
    values["due_at"] = None if retry_after is None else now() + retry_after
    same = (deliveries.c.id == row.id, deliveries.c.attempt == row.attempt)
    connection.execute(sa.update(deliveries).where(*same).values(**values))
