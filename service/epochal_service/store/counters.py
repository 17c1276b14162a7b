"""Counters of all workers, for metrics."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy import Connection

from .database import insert_into
from .tables import counters


def add(connection: Connection, amounts: Mapping[str, float]) -> None:
    """Add to counters by their names; a new one begins at 0."""
    statement = insert_into(connection.dialect.name, counters)
    statement = statement.on_conflict_do_update(
        index_elements=["name"], set_={"value": counters.c.value + statement.excluded.value}
    )
    # In the same order everywhere: two workers could otherwise wait for each other's rows.
    rows = [{"name": name, "value": amount} for name, amount in sorted(amounts.items())]
    if rows:
        connection.execute(statement, rows)


def values(connection: Connection) -> dict[str, float]:
    """Return all counters by their names."""
    rows = connection.execute(sa.select(counters.c.name, counters.c.value))
    return {row.name: row.value for row in rows}
