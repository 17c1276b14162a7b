"""Job rows: made, read, listed, and changed only where the row is still what the caller believes it
to be.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection

from .database import now
from .tables import job_labels, job_specs, jobs

__all__ = [
    "JobRow",
    "JobWithSpec",
    "advance",
    "claimable",
    "delete",
    "expired",
    "find",
    "find_expired",
    "insert",
    "page",
    "unhinted",
    "uses_dataset",
]


@dataclass(frozen=True, slots=True)
class JobRow:
    """A row of `jobs`, as the table has it."""

    id: str
    owner: str
    state: str
    stop_reason: str | None
    detail: str | None
    divergence: str | None
    words: str
    dataset_id: str | None
    parameters: int
    samples: int
    flops: float
    epoch: int
    latest: str | None
    attempt: int
    fruitless_attempts: int
    fence: int
    lease_expires_at: float | None
    last_seq: int
    created_at: float
    started_at: float | None
    finished_at: float | None
    hinted_at: float | None


@dataclass(frozen=True, slots=True)
class JobWithSpec(JobRow):
    """The same with what was asked for, which may hold its data: read only where it is needed."""

    spec: str


_WITH_SPEC: sa.Select[Any] = sa.select(*jobs.c, job_specs.c.spec).select_from(jobs).join(job_specs)


def insert(connection: Connection, values: Mapping[str, Any], labels: Mapping[str, str]) -> None:
    """A new row; `created_at` is the database's now."""
    row = dict(values)
    spec = row.pop("spec")
    connection.execute(sa.insert(jobs).values(created_at=now(), **row))
    connection.execute(sa.insert(job_specs).values(job_id=row["id"], spec=spec))
    if labels:
        connection.execute(
            sa.insert(job_labels),
            [{"job_id": values["id"], "key": k, "value": v} for k, v in labels.items()],
        )


def find(
    connection: Connection, job_id: str, owner: str | None = None, *, lock: bool = False
) -> JobWithSpec | None:
    """The row; with `owner` only if it is theirs, with `lock` kept from others until the commit."""
    query = _WITH_SPEC.where(jobs.c.id == job_id)
    if owner is not None:
        query = query.where(jobs.c.owner == owner)
    if lock:
        query = query.with_for_update(of=jobs)
    row = connection.execute(query).one_or_none()
    return None if row is None else JobWithSpec(*row)


def page(
    connection: Connection,
    owner: str,
    *,
    size: int,
    before: str | None,
    states: Collection[str] = (),
    label: tuple[str, str | None] | None = None,
    text: str | None = None,
    kind: str = "job",
) -> Generator[JobWithSpec]:
    """At most `size` rows of a kind, newest first, older than the id `before`; in any of `states`
    where some are named, and with `text` among their words. They come a few at a time.
    """
    is_kind = jobs.c.id.startswith(f"{kind}_", autoescape=True)
    query = _WITH_SPEC.where(jobs.c.owner == owner, is_kind).order_by(jobs.c.id.desc()).limit(size)
    if before is not None:
        query = query.where(jobs.c.id < before)
    if states:
        query = query.where(jobs.c.state.in_(states))
    if text:
        query = query.where(jobs.c.words.contains(text.casefold(), autoescape=True))
    if label is not None:
        key, value = label
        match = sa.and_(job_labels.c.job_id == jobs.c.id, job_labels.c.key == key)
        if value is not None:
            match = sa.and_(match, job_labels.c.value == value)
        query = query.where(sa.exists().where(match))
    few = {"stream_results": True, "max_row_buffer": 8}
    with connection.execute(query, execution_options=few) as found:
        for row in found:
            yield JobWithSpec(*row)


def advance(
    connection: Connection,
    job_id: str,
    *,
    states: Collection[str],
    events: int,
    values: Mapping[str, Any],
    owner: str | None = None,
    fence: int | None = None,
) -> JobRow | None:
    """Change the row and take `events` new seqs, if its state (and owner, and fence) are as given;
    else None.

    This one conditional statement is what every race about a job is decided by.
    """
    where = [jobs.c.id == job_id, jobs.c.state.in_(states)]
    if owner is not None:
        where.append(jobs.c.owner == owner)
    if fence is not None:
        where.append(jobs.c.fence == fence)
    changed = connection.execute(
        sa.update(jobs)
        .where(*where)
        .values(last_seq=jobs.c.last_seq + events, **values)
        .returning(*jobs.c)
    )
    row = changed.one_or_none()
    return None if row is None else JobRow(*row)


def claimable(lease_seconds: float) -> dict[str, Any]:
    """The values by which a worker takes a queued job."""
    return {
        "state": "running",
        "attempt": jobs.c.attempt + 1,
        "fruitless_attempts": jobs.c.fruitless_attempts + 1,
        "fence": jobs.c.fence + 1,
        "lease_expires_at": now() + lease_seconds,
        "started_at": sa.func.coalesce(jobs.c.started_at, now()),
    }


def lease(lease_seconds: float) -> dict[str, Any]:
    """The values by which a worker keeps its job."""
    return {"lease_expires_at": now() + lease_seconds}


def taken_away() -> dict[str, Any]:
    """The values by which a job leaves its worker: whatever that one still writes, it writes in
    vain.
    """
    return {"fence": jobs.c.fence + 1, "lease_expires_at": None}


def given_back() -> dict[str, Any]:
    """The values by which a worker leaves its job to others, or to the rest that a user wished."""
    rests = sa.case((jobs.c.state == "pausing", "paused"), else_="queued")
    return {"state": rests, **taken_away()}


def running_seconds(connection: Connection, job_id: str) -> float:
    """How long ago the job was first taken up, by the database's clock; 0 if it never was."""
    since = sa.select(sa.func.coalesce(now() - jobs.c.started_at, 0.0)).where(jobs.c.id == job_id)
    return float(connection.execute(since).scalar_one_or_none() or 0.0)


def finished() -> dict[str, Any]:
    """The values that every ended job has."""
    return {"finished_at": now(), "lease_expires_at": None}


_SILENT = (
    jobs.c.state.in_(("running", "pausing", "cancelling")),
    jobs.c.lease_expires_at < now(),
)


def expired(connection: Connection, limit: int = 100) -> list[JobRow]:
    """Jobs whose worker has been silent for longer than its lease."""
    query = sa.select(jobs).where(*_SILENT)
    return [JobRow(*row) for row in connection.execute(query.limit(limit))]


def find_expired(connection: Connection, job_id: str) -> JobRow | None:
    """The row of such a job, kept from others until the commit; None if its worker came back, or
    is just writing.
    """
    query = sa.select(jobs).where(jobs.c.id == job_id, *_SILENT)
    row = connection.execute(query.with_for_update(skip_locked=True)).one_or_none()
    return None if row is None else JobRow(*row)


def unhinted(connection: Connection, older_than: float, limit: int = 100) -> list[str]:
    """Ids of queued jobs that no worker was told of for `older_than` seconds, oldest first."""
    query = (
        sa.select(jobs.c.id)
        .where(
            jobs.c.state == "queued",
            sa.func.coalesce(jobs.c.hinted_at, jobs.c.created_at) < now() - older_than,
        )
        .order_by(jobs.c.id)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def hinted(connection: Connection, ids: Sequence[str]) -> None:
    """Note that workers have been told of these just now."""
    connection.execute(sa.update(jobs).where(jobs.c.id.in_(ids)).values(hinted_at=now()))


def uses_dataset(connection: Connection, dataset_id: str) -> str | None:
    """The id of an unfinished job that trains on the data set, if there is one."""
    return connection.execute(
        sa.select(jobs.c.id)
        .where(jobs.c.dataset_id == dataset_id, jobs.c.finished_at.is_(None))
        .limit(1)
    ).scalar_one_or_none()


def delete(connection: Connection, job_id: str, owner: str, states: Collection[str]) -> bool:
    """Remove the row and all that belongs to it, if its state is one of these."""
    gone = connection.execute(
        sa.delete(jobs).where(jobs.c.id == job_id, jobs.c.owner == owner, jobs.c.state.in_(states))
    )
    return gone.rowcount == 1
