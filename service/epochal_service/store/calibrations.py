"""How fast workers are: the cost and the duration of short runs, by software and processor."""

from __future__ import annotations

import json
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy import Connection

from .database import now
from .tables import calibrations

Runs = Sequence[tuple[Sequence[float], float]]
"""Pairs of the amounts of a run and its seconds."""


def exists(connection: Connection, kernel: str) -> bool:
    """Return whether workers with this software and processor are calibrated."""
    query = sa.select(calibrations.c.kernel).where(calibrations.c.kernel == kernel)
    return connection.execute(query).first() is not None


def put(connection: Connection, kernel: str, runs: Runs) -> None:
    """Store the runs, in place of earlier ones."""
    connection.execute(sa.delete(calibrations).where(calibrations.c.kernel == kernel))
    connection.execute(
        sa.insert(calibrations).values(kernel=kernel, runs=json.dumps(runs), created_at=now())
    )


def newest(connection: Connection) -> list[tuple[list[float], float]]:
    """Return the runs that were stored last; empty without any."""
    query = sa.select(calibrations.c.runs).order_by(calibrations.c.created_at.desc()).limit(1)
    text = connection.execute(query).scalar_one_or_none()
    return [] if text is None else [(amounts, seconds) for amounts, seconds in json.loads(text)]
