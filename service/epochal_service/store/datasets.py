"""Uploaded data sets: their metadata and their arrays."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import Connection

from .access import Access
from .database import now
from .tables import datasets, shared_datasets


@dataclass(frozen=True, slots=True)
class DatasetRow:
    """The metadata of a data set; `about` is JSON."""

    id: str
    owner: str
    name: str
    about: str
    created_at: float


_METADATA = (
    datasets.c.id,
    datasets.c.owner,
    datasets.c.name,
    datasets.c.about,
    datasets.c.created_at,
)


def insert(
    connection: Connection, *, id: str, owner: str, name: str, about: str, content: bytes
) -> DatasetRow:
    """Insert a data set; `content` holds its packed arrays."""
    row = connection.execute(
        sa.insert(datasets)
        .values(id=id, owner=owner, name=name, about=about, content=content, created_at=now())
        .returning(*_METADATA)
    ).one()
    return DatasetRow(*row)


def count(connection: Connection, owner: str) -> int:
    """Return the number of the owner's data sets."""
    return connection.execute(
        sa.select(sa.func.count()).select_from(datasets).where(datasets.c.owner == owner)
    ).scalar_one()


def stored_bytes(connection: Connection, owner: str) -> int:
    """Return the bytes of the owner's data sets."""
    size = sa.func.coalesce(sa.func.sum(sa.func.length(datasets.c.content)), 0)
    query = sa.select(size).where(datasets.c.owner == owner)
    return int(connection.execute(query).scalar_one())


def find(
    connection: Connection, dataset_id: str, access: Access | None, *, lock: bool = False
) -> DatasetRow | None:
    """Return the metadata; None if the data set does not exist, or the caller may not read it.

    Everybody may read a data set of an exercise. With `lock` the row is locked until the commit.
    """
    query = sa.select(*_METADATA).where(datasets.c.id == dataset_id)
    if access is not None:
        is_shared = sa.exists().where(shared_datasets.c.dataset_id == datasets.c.id)
        query = query.where(datasets.c.owner.in_(access.readable) | is_shared)
    if lock:
        query = query.with_for_update()
    row = connection.execute(query).one_or_none()
    return None if row is None else DatasetRow(*row)


def content(connection: Connection, dataset_id: str) -> bytes | None:
    """Return the packed arrays; None if the data set does not exist."""
    return connection.execute(
        sa.select(datasets.c.content).where(datasets.c.id == dataset_id)
    ).scalar_one_or_none()


def page(connection: Connection, owner: str, *, size: int, before: str | None) -> list[DatasetRow]:
    """Return at most `size` data sets older than the id `before`, newest first."""
    query = sa.select(*_METADATA).where(datasets.c.owner == owner)
    if before is not None:
        query = query.where(datasets.c.id < before)
    rows = connection.execute(query.order_by(datasets.c.id.desc()).limit(size))
    return [DatasetRow(*row) for row in rows]


def share(connection: Connection, dataset_id: str, exercise_id: str) -> None:
    """Let everybody read the data set as long as the exercise exists."""
    values = {"dataset_id": dataset_id, "exercise_id": exercise_id}
    connection.execute(sa.insert(shared_datasets).values(values))


def exercise_with(connection: Connection, dataset_id: str) -> str | None:
    """Return the id of an exercise that shares the data set; None without one."""
    query = sa.select(shared_datasets.c.exercise_id)
    query = query.where(shared_datasets.c.dataset_id == dataset_id).limit(1)
    return connection.execute(query).scalar_one_or_none()


def delete(connection: Connection, dataset_id: str) -> None:
    """Delete the data set."""
    connection.execute(sa.delete(datasets).where(datasets.c.id == dataset_id))
