"""Rows that belong to nothing, and jobs that miss a part.

Foreign keys and the transactions of this package do not let any come about. A tool that changes the
database without them does, and so does a repaired file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sqlalchemy as sa
from sqlalchemy import Connection

from .tables import job_specs, jobs, metadata, resume_points, reward_weights

_Condition = sa.ColumnElement[bool]


def _conditions(ended: Sequence[str]) -> Iterator[tuple[str, sa.Table, _Condition]]:
    """Yield what is wrong with the rows of a table, and the condition for it."""
    for table in metadata.sorted_tables:
        for key in table.foreign_keys:
            parent = key.column
            missing = ~sa.exists().where(parent == key.parent)
            text = f"rows of {table.name} without their row of {parent.table.name}"
            yield text, table, sa.and_(key.parent.is_not(None), missing)
    without_spec = ~sa.exists().where(job_specs.c.job_id == jobs.c.id)
    yield "jobs without their spec", jobs, without_spec
    for name, table in (("resume points", resume_points), ("reward weights", reward_weights)):
        is_over = sa.exists().where(jobs.c.id == table.c.job_id, jobs.c.state.in_(ended))
        yield f"{name} of jobs that have ended", table, is_over


def find(connection: Connection, ended: Sequence[str]) -> dict[str, int]:
    """Return the number of orphans by their fault; `ended` are the states of an end."""
    counts = {
        text: connection.execute(
            sa.select(sa.func.count()).select_from(table).where(condition)
        ).scalar_one()
        for text, table, condition in _conditions(ended)
    }
    return {text: count for text, count in counts.items() if count}


def delete_some(connection: Connection, ended: Sequence[str], limit: int) -> bool:
    """Delete at most `limit` orphans; return whether there were any."""
    for _, table, condition in _conditions(ended):
        key = list(table.primary_key)
        some = sa.select(*key).where(condition).limit(limit)
        delete = sa.delete(table).where(sa.tuple_(*key).in_(some))
        if connection.execute(delete).rowcount > 0:
            return True
    return False
