"""Exercises, and the attempts at them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import Connection

from .access import Access
from .database import now
from .tables import attempts, exercises, jobs, members
from .tables import proofs as proofs_table


@dataclass(frozen=True, slots=True)
class ExerciseRow:
    """A row of the table `exercises`."""

    id: str
    owner: str
    spec: str
    created_at: float


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """A row of the table `attempts`. Its id is the id of the experiment."""

    id: str
    exercise_id: str
    owner: str
    outcomes: str | None
    settled_at: float | None
    created_at: float


@dataclass(frozen=True, slots=True)
class ProofRow:
    """A row of the table `proofs`, and the first other owner with the same curve."""

    attempt_id: str
    proof: str | None
    result: str | None
    same_as: str | None


def insert(connection: Connection, *, id: str, owner: str, spec: str) -> ExerciseRow:
    """Insert an exercise; `spec` is JSON."""
    row = connection.execute(
        sa.insert(exercises)
        .values(id=id, owner=owner, spec=spec, created_at=now())
        .returning(*exercises.c)
    ).one()
    return ExerciseRow(*row)


def count(connection: Connection, owner: str) -> int:
    """Return the number of the owner's exercises."""
    query = sa.select(sa.func.count()).select_from(exercises).where(exercises.c.owner == owner)
    return connection.execute(query).scalar_one()


def find(connection: Connection, exercise_id: str) -> ExerciseRow | None:
    """Return the exercise, for everybody who knows its id; None if it does not exist."""
    query = sa.select(exercises).where(exercises.c.id == exercise_id)
    row = connection.execute(query).one_or_none()
    return None if row is None else ExerciseRow(*row)


def page(
    connection: Connection, access: Access, *, size: int, before: str | None
) -> list[ExerciseRow]:
    """Return at most `size` exercises older than the id `before`, newest first: exercises that the
    caller may read, and exercises of classes with the caller as a member.
    """
    classes = sa.select(members.c.owner).where(members.c.member == access.owner)
    query = sa.select(exercises).where(
        exercises.c.owner.in_(access.readable) | exercises.c.owner.in_(classes)
    )
    if before is not None:
        query = query.where(exercises.c.id < before)
    rows = connection.execute(query.order_by(exercises.c.id.desc()).limit(size))
    return [ExerciseRow(*row) for row in rows]


def delete(connection: Connection, exercise_id: str) -> None:
    """Delete the exercise and its rows of attempts, but not their experiments."""
    connection.execute(sa.delete(exercises).where(exercises.c.id == exercise_id))


# ------------------------------------------------------------------------------------- attempts


def insert_attempt(connection: Connection, *, id: str, exercise_id: str, owner: str) -> None:
    """Insert the attempt that the experiment `id` is."""
    values = {"id": id, "exercise_id": exercise_id, "owner": owner, "created_at": now()}
    connection.execute(sa.insert(attempts).values(values))


def count_attempts(connection: Connection, exercise_id: str, owner: str) -> int:
    """Return the number of the owner's attempts at the exercise."""
    query = sa.select(sa.func.count()).select_from(attempts)
    query = query.where(attempts.c.exercise_id == exercise_id, attempts.c.owner == owner)
    return connection.execute(query).scalar_one()


def find_attempt(connection: Connection, experiment_id: str) -> AttemptRow | None:
    """Return the attempt that the experiment is; None if it is none."""
    row = connection.execute(
        sa.select(attempts).where(attempts.c.id == experiment_id)
    ).one_or_none()
    return None if row is None else AttemptRow(*row)


def attempts_at(
    connection: Connection,
    exercise_id: str,
    owners: Sequence[str] | None,
    *,
    size: int | None = None,
    before: str | None = None,
) -> list[AttemptRow]:
    """Return attempts older than the id `before`, newest first; of all owners for None."""
    query = sa.select(attempts).where(attempts.c.exercise_id == exercise_id)
    if owners is not None:
        query = query.where(attempts.c.owner.in_(owners))
    if before is not None:
        query = query.where(attempts.c.id < before)
    rows = connection.execute(query.order_by(attempts.c.id.desc()).limit(size))
    return [AttemptRow(*row) for row in rows]


def unsettled(connection: Connection, ended: Collection[str], limit: int) -> list[AttemptRow]:
    """Return attempts without outcomes that have all jobs in a state of `ended`, or deleted."""
    runs = sa.exists().where(jobs.c.experiment_id == attempts.c.id, jobs.c.state.not_in(ended))
    query = sa.select(attempts).where(attempts.c.settled_at.is_(None), ~runs)
    rows = connection.execute(query.order_by(attempts.c.id).limit(limit))
    return [AttemptRow(*row) for row in rows]


def settle(connection: Connection, attempt_id: str, outcomes: str) -> None:
    """Store the outcomes of an attempt, as JSON, unless they are stored."""
    connection.execute(
        sa.update(attempts)
        .where(attempts.c.id == attempt_id, attempts.c.settled_at.is_(None))
        .values(outcomes=outcomes, settled_at=now())
    )


# --------------------------------------------------------------------------------------- proofs


def insert_proof(connection: Connection, attempt_id: str, *, curve_sha256: str, proof: str) -> None:
    """Store the proof of the run that an attempt repeats, as JSON."""
    values = {"attempt_id": attempt_id, "curve_sha256": curve_sha256, "proof": proof}
    connection.execute(sa.insert(proofs_table).values(values))


def proofs(connection: Connection, attempt_ids: Sequence[str]) -> list[ProofRow]:
    """Return the proofs of those attempts that have one."""
    other, others = proofs_table.alias(), attempts.alias()
    same_as = (
        sa.select(others.c.owner)
        .join(other, other.c.attempt_id == others.c.id)
        .where(
            other.c.curve_sha256 == proofs_table.c.curve_sha256,
            others.c.exercise_id == attempts.c.exercise_id,
            others.c.owner != attempts.c.owner,
        )
        .order_by(others.c.id)
        .limit(1)
        .scalar_subquery()
    )
    query = (
        sa.select(proofs_table.c.attempt_id, proofs_table.c.proof, proofs_table.c.result, same_as)
        .join(attempts, attempts.c.id == proofs_table.c.attempt_id)
        .where(proofs_table.c.attempt_id.in_(attempt_ids))
    )
    return [ProofRow(*row) for row in connection.execute(query)]


def settle_proof(connection: Connection, attempt_id: str, result: str) -> None:
    """Store the result of a proof, as JSON, instead of the proof, unless it is stored."""
    connection.execute(
        sa.update(proofs_table)
        .where(proofs_table.c.attempt_id == attempt_id, proofs_table.c.result.is_(None))
        .values(result=result, proof=None)
    )
