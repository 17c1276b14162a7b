"""The log of a job: appended to in the transaction that it tells of, read from a cursor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from .database import now
from .tables import log


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be appended: a `note` (JSON), or epochs with their packed columns."""

    kind: str
    first_epoch: int
    last_epoch: int
    note: str | None = None
    summary: bytes | None = None
    body: bytes | None = None
    gradients: bytes | None = None


@dataclass(frozen=True, slots=True)
class LogRow:
    seq: int
    kind: str
    first_epoch: int
    last_epoch: int
    note: str | None
    body: bytes | None
    gradients: bytes | None


@dataclass(frozen=True, slots=True)
class Sample:
    """One stretch of epochs out of a job's; `body` only where the job has few."""

    first_epoch: int
    last_epoch: int
    summary: bytes
    body: bytes | None


def append(connection: Connection, job_id: str, last_seq: int, entries: Sequence[Entry]) -> None:
    """The entries, with the seqs that end in `last_seq`: the ones that `jobs.advance` took for
    them.
    """
    if not entries:
        return
    first = last_seq - len(entries) + 1
    connection.execute(
        sa.insert(log).values(created_at=now()),
        [
            {
                "job_id": job_id,
                "seq": first + index,
                "kind": entry.kind,
                "first_epoch": entry.first_epoch,
                "last_epoch": entry.last_epoch,
                "note": entry.note,
                "summary": entry.summary,
                "body": entry.body,
                "gradients": entry.gradients,
            }
            for index, entry in enumerate(entries)
        ],
    )


def after(connection: Connection, job_id: str, seq: int, limit: int) -> list[LogRow]:
    """At most `limit` rows after the cursor, in order."""
    query = (
        sa.select(
            log.c.seq,
            log.c.kind,
            log.c.first_epoch,
            log.c.last_epoch,
            log.c.note,
            log.c.body,
            log.c.gradients,
        )
        .where(log.c.job_id == job_id, log.c.seq > seq)
        .order_by(log.c.seq)
        .limit(limit)
    )
    return [LogRow(*row) for row in connection.execute(query)]


def bodies(
    connection: Connection, job_id: str, after_epoch: int = 0, up_to_epoch: int | None = None
) -> list[tuple[int, int, bytes]]:
    """(first epoch, last epoch, packed metrics) of the stretches that reach into the epochs beyond
    `after_epoch` and up to `up_to_epoch`, in order."""
    return _stretches(connection, job_id, log.c.body, after_epoch, up_to_epoch)


def gradients(
    connection: Connection, job_id: str, after_epoch: int = 0, up_to_epoch: int | None = None
) -> list[tuple[int, int, bytes]]:
    """The same for gradient statistics; stretches without any are left out."""
    return _stretches(connection, job_id, log.c.gradients, after_epoch, up_to_epoch)


def summaries(connection: Connection, job_id: str) -> list[tuple[int, int, bytes]]:
    """(first epoch, last epoch, extremes) of every stretch, in order."""
    return _stretches(connection, job_id, log.c.summary, 0, None)


def _stretches(
    connection: Connection,
    job_id: str,
    column: sa.Column[Any],
    after_epoch: int,
    up_to_epoch: int | None,
) -> list[tuple[int, int, bytes]]:
    query = (
        sa.select(log.c.first_epoch, log.c.last_epoch, column)
        .where(
            log.c.job_id == job_id,
            log.c.kind == "epochs",
            log.c.last_epoch > after_epoch,
            column.is_not(None),
        )
        .order_by(log.c.last_epoch)
    )
    if up_to_epoch is not None:
        query = query.where(log.c.first_epoch <= up_to_epoch)
    return [tuple(row) for row in connection.execute(query)]


def samples(connection: Connection, job_ids: Sequence[str], count: int) -> list[tuple[str, Sample]]:
    """Of each job about `count` stretches at equal distances, the first and the last one among
    them, in order.

    Those of a job that has at most a quarter of that many come with their bodies.
    """
    place = sa.func.row_number().over(partition_by=log.c.job_id, order_by=log.c.last_epoch)
    total = sa.func.count().over(partition_by=log.c.job_id)
    placed = (
        sa.select(log.c.job_id, log.c.seq, place.label("place"), total.label("total"))
        .where(log.c.job_id.in_(job_ids), log.c.kind == "epochs", log.c.summary.is_not(None))
        .subquery()
    )
    few = placed.c.total * 4 <= count
    # The whole number of count · place / total moves on at so many places, and at the last one.
    reached = (placed.c.place * count) // placed.c.total
    before = ((placed.c.place - 1) * count) // placed.c.total
    query = (
        sa.select(
            log.c.job_id,
            log.c.first_epoch,
            log.c.last_epoch,
            log.c.summary,
            sa.case((few, log.c.body), else_=None),
        )
        .join(placed, sa.and_(log.c.job_id == placed.c.job_id, log.c.seq == placed.c.seq))
        .where(sa.or_(reached > before, placed.c.place == 1))
        .order_by(log.c.job_id, log.c.last_epoch)
    )
    return [(job_id, Sample(*rest)) for job_id, *rest in connection.execute(query)]
