"""Downsampled metrics of long runs, in chunks of epochs that are complete and never change."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy import Connection

from .tables import outlines

_READ = (
    sa.select(outlines.c.last_epoch, outlines.c.points)
    .where(
        outlines.c.job_id == sa.bindparam("job_id"),
        outlines.c.width == sa.bindparam("width"),
        outlines.c.last_epoch > sa.bindparam("after"),
        outlines.c.last_epoch <= sa.bindparam("up_to"),
    )
    .order_by(outlines.c.last_epoch)
)


def append(
    connection: Connection, job_id: str, width: int, chunks: Iterable[tuple[int, bytes]]
) -> None:
    """Append (last epoch, packed points) of chunks in buckets of `width` epochs."""
    rows = [
        {"job_id": job_id, "width": width, "last_epoch": last_epoch, "points": points}
        for last_epoch, points in chunks
    ]
    connection.execute(sa.insert(outlines), rows)


def read(
    connection: Connection, job_id: str, width: int, after_epoch: int, up_to_epoch: int
) -> list[tuple[int, bytes]]:
    """Return (last epoch, packed points), in order, of chunks that end after `after_epoch` and not
    after `up_to_epoch`.
    """
    values = {"job_id": job_id, "width": width, "after": after_epoch, "up_to": up_to_epoch}
    return [tuple(row) for row in connection.execute(_READ, values)]
