"""The log of a job: appended to in the transaction that it records, read from a cursor."""

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
    """A row to append: a `note` (JSON), or epochs with their packed columns."""

    kind: str
    first_epoch: int
    last_epoch: int
    note: str | None = None
    summary: bytes | None = None
    body: bytes | None = None
    gradients: bytes | None = None


@dataclass(frozen=True, slots=True)
class LogRow:
    """A row of the log; `seq` is the cursor."""

    seq: int
    kind: str
    first_epoch: int
    last_epoch: int
    note: str | None
    body: bytes | None
    gradients: bytes | None


@dataclass(frozen=True, slots=True)
class Sample:
    """One segment of a job's epochs; `body` is present only if the job has few segments."""

    first_epoch: int
    last_epoch: int
    summary: bytes
    body: bytes | None


_INSERT = sa.insert(log).values(created_at=now())


def append(connection: Connection, job_id: str, last_seq: int, entries: Sequence[Entry]) -> None:
    """Append the entries with consecutive seqs up to `last_seq`, reserved by `jobs.advance`."""
    if not entries:
        return
    first = last_seq - len(entries) + 1
    connection.execute(
        _INSERT,
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
    """Return at most `limit` rows after the cursor, in order."""
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
    """Return (first epoch, last epoch, packed metrics) of segments, in order.

    They overlap the epochs after `after_epoch` and up to `up_to_epoch`.
    """
    return _segments(connection, job_id, log.c.body, after_epoch, up_to_epoch)


def gradients(
    connection: Connection, job_id: str, after_epoch: int = 0, up_to_epoch: int | None = None
) -> list[tuple[int, int, bytes]]:
    """Return the same for gradient statistics, without the segments that have none."""
    return _segments(connection, job_id, log.c.gradients, after_epoch, up_to_epoch)


def notes(connection: Connection, job_id: str, kind: str) -> list[str]:
    """Return the notes of the entries of a kind, in order."""
    query = sa.select(log.c.note).where(log.c.job_id == job_id, log.c.kind == kind)
    return list(connection.execute(query.order_by(log.c.seq)).scalars())


def last_epoch(connection: Connection, job_id: str) -> int:
    """Return the last epoch in the log; 0 before the first."""
    query = sa.select(sa.func.max(log.c.last_epoch))
    query = query.where(log.c.job_id == job_id, log.c.kind == "epochs")
    return int(connection.execute(query).scalar_one() or 0)


def summaries(connection: Connection, job_id: str) -> list[tuple[int, int, bytes]]:
    """Return (first epoch, last epoch, summary) of every segment, in order."""
    return _segments(connection, job_id, log.c.summary, 0, None)


def _segments(
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
    """Return about `count` evenly spaced segments of each job, always with the first and the last.

    They are in order. A job that has at most `count / 4` segments gets them with their bodies.
    """
    position = sa.func.row_number().over(partition_by=log.c.job_id, order_by=log.c.last_epoch)
    total = sa.func.count().over(partition_by=log.c.job_id)
    numbered = (
        sa.select(log.c.job_id, log.c.seq, position.label("position"), total.label("total"))
        .where(log.c.job_id.in_(job_ids), log.c.kind == "epochs", log.c.summary.is_not(None))
        .subquery()
    )
    few = numbered.c.total * 4 <= count
    # floor(count · position / total) increases at `count` positions, the last one among them.
    reached = (numbered.c.position * count) // numbered.c.total
    before = ((numbered.c.position - 1) * count) // numbered.c.total
    query = (
        sa.select(
            log.c.job_id,
            log.c.first_epoch,
            log.c.last_epoch,
            log.c.summary,
            sa.case((few, log.c.body), else_=None),
        )
        .join(numbered, sa.and_(log.c.job_id == numbered.c.job_id, log.c.seq == numbered.c.seq))
        .where(sa.or_(reached > before, numbered.c.position == 1))
        .order_by(log.c.job_id, log.c.last_epoch)
    )
    return [(job_id, Sample(*rest)) for job_id, *rest in connection.execute(query)]
