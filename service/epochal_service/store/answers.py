"""The answers of the pupils of a class in the course."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import Connection

from .database import insert_into, now
from .tables import answers


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """A row of the table `answers`."""

    owner: str
    part: str
    item: str
    first: int | None
    last: int | None
    created_at: float
    updated_at: float


def put(
    connection: Connection, *, owner: str, part: str, item: str, choice: int | None = None
) -> None:
    """Store a choice as the last one, and as the first one if there is none. None: the question
    was only seen.
    """
    statement = insert_into(connection.dialect.name, answers).values(
        owner=owner,
        part=part,
        item=item,
        first=choice,
        last=choice,
        created_at=now(),
        updated_at=now(),
    )
    new = statement.excluded
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["owner", "part", "item"],
            set_={
                "first": sa.func.coalesce(answers.c.first, new.first),
                "last": sa.func.coalesce(new.last, answers.c.last),
                "updated_at": now(),
            },
        )
    )


def of(connection: Connection, owners: Collection[str]) -> list[AnswerRow]:
    """Return the answers of the owners, by owner, the newest last."""
    query = sa.select(answers).where(answers.c.owner.in_(owners))
    rows = connection.execute(query.order_by(answers.c.owner, answers.c.updated_at))
    return [AnswerRow(*row) for row in rows]
