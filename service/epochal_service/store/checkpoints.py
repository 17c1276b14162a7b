"""Checkpoints (weights that users read), resume points (the state a worker continues from), and
the weights of reward models.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from .database import insert_into, now
from .tables import checkpoints, resume_points
from .tables import reward_weights as reward_table


@dataclass(frozen=True, slots=True)
class CheckpointRow:
    epoch: int
    size_bytes: int
    sha256: str
    created_at: float


_JOB_ID: sa.BindParameter[str] = sa.bindparam("job_id")
_OF_JOB = checkpoints.c.job_id == _JOB_ID


_OF_EPOCHS = checkpoints.c.epoch.in_(sa.bindparam("epochs", expanding=True))
_DELETE = sa.delete(checkpoints).where(_OF_JOB, _OF_EPOCHS)


@cache
def _insert(dialect: str) -> Any:
    return insert_into(dialect, checkpoints).values(created_at=now()).on_conflict_do_nothing()


def insert(connection: Connection, job_id: str, weights: Sequence[tuple[int, bytes]]) -> None:
    """Store (epoch, packed weights) pairs; an epoch that is stored already stays unchanged."""
    if not weights:
        return
    connection.execute(
        _insert(connection.dialect.name),
        [
            {
                "job_id": job_id,
                "epoch": epoch,
                "size_bytes": len(blob),
                "sha256": sha256(blob).hexdigest(),
                "weights": blob,
            }
            for epoch, blob in weights
        ],
    )


def delete(connection: Connection, job_id: str, epochs: Sequence[int]) -> None:
    """Delete the checkpoints of these epochs."""
    if epochs:
        connection.execute(_DELETE, {"job_id": job_id, "epochs": list(epochs)})


def page(connection: Connection, job_id: str, after_epoch: int, size: int) -> list[CheckpointRow]:
    """Return at most `size` checkpoints after the epoch, in order, without their weights."""
    query = (
        sa.select(
            checkpoints.c.epoch,
            checkpoints.c.size_bytes,
            checkpoints.c.sha256,
            checkpoints.c.created_at,
        )
        .where(checkpoints.c.job_id == job_id, checkpoints.c.epoch > after_epoch)
        .order_by(checkpoints.c.epoch)
        .limit(size)
    )
    return [CheckpointRow(*row) for row in connection.execute(query)]


_WEIGHTS = sa.select(checkpoints.c.epoch, checkpoints.c.weights).where(_OF_JOB)
_LATEST = _WEIGHTS.order_by(checkpoints.c.epoch.desc()).limit(1)
_OF_EPOCH = _WEIGHTS.where(checkpoints.c.epoch == sa.bindparam("epoch"))


def find(connection: Connection, job_id: str, epoch: int | None = None) -> tuple[int, bytes] | None:
    """Return (epoch, packed weights) of that epoch, by default of the latest; None without one."""
    values: dict[str, str | int] = {"job_id": job_id}
    query = _LATEST
    if epoch is not None:
        values["epoch"], query = epoch, _OF_EPOCH
    row = connection.execute(query, values).one_or_none()
    return None if row is None else (row.epoch, row.weights)


_NEWER = _LATEST.where(checkpoints.c.epoch > sa.bindparam("epoch"))


def newer(connection: Connection, job_id: str, epoch: int) -> tuple[int, bytes] | None:
    """Return (epoch, packed weights) of the latest checkpoint after the epoch; None without one."""
    row = connection.execute(_NEWER, {"job_id": job_id, "epoch": epoch}).one_or_none()
    return None if row is None else (row.epoch, row.weights)


def sizes(connection: Connection, job_id: str) -> dict[int, int]:
    """Return the bytes of each checkpoint of a job by epoch, in order."""
    query = sa.select(checkpoints.c.epoch, checkpoints.c.size_bytes).where(_OF_JOB)
    rows = connection.execute(query.order_by(checkpoints.c.epoch), {"job_id": job_id})
    return {row.epoch: row.size_bytes for row in rows}


def nearest(
    connection: Connection, job_id: str, epoch: int | None = None
) -> tuple[int, bytes] | None:
    """Return (epoch, packed weights) of the last checkpoint at or before the epoch.

    By default of the latest checkpoint; None without one.
    """
    query = sa.select(checkpoints.c.epoch, checkpoints.c.weights).where(
        checkpoints.c.job_id == job_id
    )
    if epoch is not None:
        query = query.where(checkpoints.c.epoch <= epoch)
    row = connection.execute(query.order_by(checkpoints.c.epoch.desc()).limit(1)).one_or_none()
    return None if row is None else (row.epoch, row.weights)


def around(connection: Connection, job_id: str, epoch: int) -> list[int]:
    """Return the nearest epochs before and after that have a checkpoint: at most two."""
    of_job = checkpoints.c.job_id == job_id
    before = sa.select(sa.func.max(checkpoints.c.epoch)).where(of_job, checkpoints.c.epoch < epoch)
    after = sa.select(sa.func.min(checkpoints.c.epoch)).where(of_job, checkpoints.c.epoch > epoch)
    epochs = (connection.execute(query).scalar_one() for query in (before, after))
    return [nearest for nearest in epochs if nearest is not None]


_STORED_EPOCHS = sa.select(checkpoints.c.epoch).where(_OF_JOB)


def stored_epochs(connection: Connection, job_id: str) -> frozenset[int]:
    """Return the epochs that have a checkpoint."""
    return frozenset(connection.execute(_STORED_EPOCHS, {"job_id": job_id}).scalars())


def put_resume_point(connection: Connection, job_id: str, epoch: int, state: bytes) -> None:
    """Replace the state that the job continues from."""
    values = {"job_id": job_id, "epoch": epoch, "state": state}
    connection.execute(_put_resume_point(connection.dialect.name), values)


@cache
def _put_resume_point(dialect: str) -> Any:
    statement = insert_into(dialect, resume_points)
    return statement.on_conflict_do_update(
        index_elements=["job_id"],
        set_={"epoch": statement.excluded.epoch, "state": statement.excluded.state},
    )


_RESUME_POINT = sa.select(resume_points.c.epoch, resume_points.c.state).where(
    resume_points.c.job_id == _JOB_ID
)
_DROP_RESUME_POINT = sa.delete(resume_points).where(resume_points.c.job_id == _JOB_ID)


def resume_point(connection: Connection, job_id: str) -> tuple[int, bytes] | None:
    """Return (epoch, packed state); None without a resume point."""
    row = connection.execute(_RESUME_POINT, {"job_id": job_id}).one_or_none()
    return None if row is None else (row.epoch, row.state)


def drop_resume_point(connection: Connection, job_id: str) -> None:
    """Delete the resume point of a job that has ended."""
    connection.execute(_DROP_RESUME_POINT, {"job_id": job_id})


def put_reward_weights(connection: Connection, job_id: str, weights: bytes) -> None:
    """Store the packed weights of the job's reward model."""
    values = {"job_id": job_id, "weights": weights}
    connection.execute(sa.insert(reward_table), values)


_DROP_REWARD_WEIGHTS = sa.delete(reward_table).where(reward_table.c.job_id == _JOB_ID)


def drop_reward_weights(connection: Connection, job_id: str) -> None:
    """Delete the weights of the reward model of a job that has ended."""
    connection.execute(_DROP_REWARD_WEIGHTS, {"job_id": job_id})


class Start(NamedTuple):
    """The initial state of a job for its worker: the packed state of its resume point, or else the
    weights of epoch 0 if there are any, and the packed weights of its reward model."""

    state: bytes | None = None
    initial_weights: bytes | None = None
    reward_weights: bytes | None = None


_HAS_RESUME_POINT = sa.exists().where(resume_points.c.job_id == _JOB_ID)
_START = sa.select(
    sa.select(resume_points.c.state).where(resume_points.c.job_id == _JOB_ID).scalar_subquery(),
    sa.select(checkpoints.c.weights)
    .where(_OF_JOB, checkpoints.c.epoch == 0, ~_HAS_RESUME_POINT)
    .scalar_subquery(),
    sa.select(reward_table.c.weights).where(reward_table.c.job_id == _JOB_ID).scalar_subquery(),
)


def start(connection: Connection, job_id: str) -> Start:
    """Return what a worker starts the job from."""
    return Start(*connection.execute(_START, {"job_id": job_id}).one())
