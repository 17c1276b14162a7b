"""Job rows: inserted, read, listed, and updated only in the state that the caller expects."""

from __future__ import annotations

from collections.abc import Collection, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from itertools import product
from typing import Any, NamedTuple

import sqlalchemy as sa
from pydantic_core import from_json, to_json
from sqlalchemy import Connection

from ..large import LARGE_BYTES, LargeRequest, is_limited
from ..specs.filters import Column, Order, Tree
from . import filters
from .access import Access
from .database import byte_length, now
from .tables import (
    checkpoints,
    job_labels,
    job_specs,
    jobs,
    log,
    outlines,
    resume_points,
    reward_weights,
)

__all__ = [
    "HELD",
    "HIDDEN",
    "JobRow",
    "JobWithSpec",
    "Queued",
    "Remainder",
    "Version",
    "advance",
    "any_hidden",
    "columns",
    "count",
    "delete_some",
    "expired",
    "find",
    "find_expired",
    "hide",
    "hide_outlived",
    "insert",
    "matching",
    "newest",
    "next_queued",
    "outlived",
    "page",
    "reaches",
    "record_stored_bytes",
    "rewrite",
    "schema",
    "select",
    "sort_values",
    "stored_bytes",
    "unnotified",
    "user_of_dataset",
    "versions",
]


HELD = ("running", "pausing", "cancelling")
"""The states in which a worker holds the job."""


@dataclass(frozen=True, slots=True)
class JobRow:
    """A row of the table `jobs`."""

    id: str
    owner: str
    state: str
    priority: int
    stop_reason: str | None
    detail: str | None
    divergence: str | None
    search_text: str
    request: str | None
    dataset_id: str | None
    validation_dataset_id: str | None
    parameters: int
    samples: int
    flops: float
    work: str | None
    stored_bytes: int
    memory_bytes: int | None
    epoch: int
    pause_epoch: int | None
    latest: str | None
    baselines: str | None
    best: str | None
    attempt: int
    fruitless_attempts: int
    fence: int
    lease_expires_at: float | None
    worker_id: str | None
    last_seq: int
    revision: int
    created_at: float
    started_at: float | None
    finished_at: float | None
    ttl_seconds: float | None
    expires_at: float | None
    notified_at: float | None
    experiment_id: str | None
    experiment_job: str | None
    experiment_seed: int | None
    measures: str | None


@dataclass(frozen=True, slots=True)
class JobWithSpec(JobRow):
    """A row with its spec, which may hold its data: read only where it is needed."""

    spec: str
    webhooks: str | None = field(default=None, repr=False)
    """With their secrets. None without one, and for a caller who does not see them."""


class Version(NamedTuple):
    """The version of a job, on which its replies depend beside the request. The greater version of
    a job is newer while its owner stays."""

    owner: str
    last_seq: int
    revision: int


_SPEC = job_specs.c.spec
_SMALL_SPEC = sa.case((byte_length(_SPEC) <= LARGE_BYTES, _SPEC)).label("spec")


def _query(limited: bool, basic: bool = False) -> sa.Select[Any]:
    spec = filters.SETTINGS.label("spec") if basic else _SMALL_SPEC if limited else _SPEC
    return sa.select(*jobs.c, spec, job_specs.c.webhooks).select_from(jobs).join(job_specs)


def _with_spec(row: Any, access: Access | None) -> JobWithSpec:
    if row.spec is None:
        raise LargeRequest
    sees_webhooks = access is None or access.sees_webhooks
    return JobWithSpec(*(row if sees_webhooks else row[:-1]))


_INSERT_JOB = sa.insert(jobs).values(created_at=now()).returning(*jobs.c)
_INSERT_SPEC = sa.insert(job_specs)
_INSERT_LABELS = sa.insert(job_labels)


def insert(
    connection: Connection, values: Mapping[str, Any], labels: Mapping[str, str]
) -> JobWithSpec:
    """Insert a row with its labels, and return it; `created_at` is the current time of the
    database.
    """
    row = dict(values)
    of_spec = {name: row.pop(name, None) for name in ("spec", "schema", "webhooks")}
    of_spec["settings"] = _settings(of_spec["spec"])
    columns: tuple[Any, ...] = tuple(connection.execute(_INSERT_JOB, row).one())
    connection.execute(_INSERT_SPEC, {"job_id": row["id"], **of_spec})
    _insert_labels(connection, row["id"], labels)
    return JobWithSpec(*columns, *(of_spec[name] for name in ("spec", "webhooks")))


_DATASETS = ("dataset", "validation_dataset")
_NO_ROWS: dict[str, list[Any]] = {"inputs": [], "targets": [], "weights": []}


def _settings(spec: str) -> str | None:
    """Return the spec of a job without the rows of inline data sets; None if it has none."""
    if '"inputs":' not in spec:
        return None
    values = from_json(spec)
    inline = [part for part in _DATASETS if (values.get(part) or {}).get("inputs")]
    less = {part: values[part] | _NO_ROWS for part in inline}
    changed = [change["training"] for change in values.get("changes") or ()]
    changed = [training for training in changed if "inputs" in (training.get("dataset") or ())]
    for training in changed:
        training["dataset"] |= _NO_ROWS
    return to_json(values | less).decode() if inline or changed else None


def _insert_labels(connection: Connection, job_id: str, labels: Mapping[str, str]) -> None:
    if labels:
        rows = [{"job_id": job_id, "key": k, "value": v} for k, v in labels.items()]
        connection.execute(_INSERT_LABELS, rows)


def rewrite(
    connection: Connection,
    row: JobWithSpec,
    *,
    spec: str,
    labels: Mapping[str, str],
    search_text: str,
) -> bool:
    """Replace the spec of a job, its labels and the text that a search reads.

    Return False if the row has another spec by now.
    """
    of_job = jobs.c.id == row.id
    connection.execute(sa.select(jobs.c.id).where(of_job).with_for_update())
    # A second statement: with the lock, PostgreSQL returns columns of another table as they were
    # before it waited.
    unchanged = (job_specs.c.job_id == row.id, job_specs.c.spec == row.spec)
    values = {"spec": spec, "settings": _settings(spec)}
    replaced = connection.execute(sa.update(job_specs).where(*unchanged).values(values))
    if replaced.rowcount == 0:
        return False
    connection.execute(sa.delete(job_labels).where(job_labels.c.job_id == row.id))
    _insert_labels(connection, row.id, labels)
    connection.execute(
        sa.update(jobs).where(of_job).values(search_text=search_text, revision=jobs.c.revision + 1)
    )
    return True


def replace_spec(connection: Connection, job_id: str, spec: str) -> None:
    """Replace the spec of a locked job."""
    of_job = job_specs.c.job_id == job_id
    values = {"spec": spec, "settings": _settings(spec)}
    connection.execute(sa.update(job_specs).where(of_job).values(values))
    revision = {"revision": jobs.c.revision + 1}
    connection.execute(sa.update(jobs).where(jobs.c.id == job_id).values(revision))


def schema(connection: Connection, job_id: str) -> str | None:
    """Return the stored schema of the job's data set; None without one."""
    return connection.execute(
        sa.select(job_specs.c.schema).where(job_specs.c.job_id == job_id)
    ).scalar_one_or_none()


def find(
    connection: Connection, job_id: str, access: Access | None = None, *, lock: bool = False
) -> JobWithSpec | None:
    """Return the row; None if it does not exist, or the caller may not read it.

    With `lock` the row is locked until the commit.
    """
    query = _query_of_job(is_limited(), access is not None, lock)
    values = {"job_id": job_id} if access is None else {"job_id": job_id, "owners": access.owners}
    if reached := _reached(access):
        query = query.where(*reached)
    row = connection.execute(query, values).one_or_none()
    return None if row is None else _with_spec(row, access)


@cache
def _query_of_job(limited: bool, of_owners: bool, lock: bool) -> sa.Select[Any]:
    query = _query(limited).where(jobs.c.id == sa.bindparam("job_id"))
    if of_owners:
        query = query.where(jobs.c.owner.in_(sa.bindparam("owners", expanding=True)))
    return query.with_for_update(of=jobs) if lock else query


def _reached(access: Access | None) -> list[sa.ColumnElement[bool]]:
    """Return the conditions for the jobs of its owners that an access reaches."""
    if access is None or not access.is_narrow:
        return []
    has_labels = [
        sa.exists().where(
            job_labels.c.job_id == jobs.c.id, job_labels.c.key == key, job_labels.c.value == value
        )
        for key, value in access.labels
    ]
    is_named = jobs.c.id.in_(access.jobs)
    return [sa.or_(is_named, sa.and_(*has_labels)) if has_labels else is_named]


def reaches(connection: Connection, access: Access, job_id: str, owner: str) -> bool:
    """Return whether the caller may still read the job or sweep."""
    if not access.labels or access.may_read(job_id, owner):
        return access.may_read(job_id, owner)
    of_job = jobs.c.id == job_id, jobs.c.owner.in_(access.owners)
    query = sa.select(jobs.c.id).where(*of_job, *_reached(access))
    return connection.execute(query).first() is not None


def versions(connection: Connection, ids: Collection[str]) -> dict[str, Version]:
    """Return the versions of those jobs that are there, by id."""
    rows = connection.execute(_VERSIONS, {"ids": list(ids)})
    return {job_id: Version(*version) for job_id, *version in rows}


_VERSIONS = sa.select(jobs.c.id, jobs.c.owner, jobs.c.last_seq, jobs.c.revision).where(
    jobs.c.id.in_(sa.bindparam("ids", expanding=True))
)


def page(
    connection: Connection,
    owners: tuple[str, ...],
    *,
    basic: bool = False,
    **selected: Any,
) -> Generator[JobWithSpec]:
    """Yield the rows that `select` returns, a few at a time, since a spec may hold its data;
    `basic` leaves its rows out.
    """
    query = select(_query(is_limited(), basic), owners, **selected)
    options = {"stream_results": True, "max_row_buffer": 8}
    with connection.execute(query, execution_options=options) as rows:
        for row in rows:
            yield _with_spec(row, selected.get("only"))


def columns(
    connection: Connection,
    owners: tuple[str, ...],
    fields: Sequence[Column],
    **selected: Any,
) -> list[Any]:
    """Return the `id` of each row that `select` returns, and the values of the fields."""
    values = (
        filters.expression(field.path, field.kind).label(f"field{i}")
        for i, field in enumerate(fields)
    )
    query = select(sa.select(jobs.c.id, *values), owners, **selected)
    return list(connection.execute(query))


def select(
    rows: sa.Select[Any],
    owners: tuple[str, ...],
    *,
    size: int,
    before: str | None,
    only: Access | None = None,
    states: Collection[str] = (),
    label: tuple[str, str | None] | None = None,
    text: str | None = None,
    kind: str = "job",
    filter: Tree | None = None,
    orders: Sequence[Order] = (),
    after: Sequence[Any] = (),
) -> sa.Select[Any]:
    """Select at most `size` of the rows, of the owners and a kind, older than the id `before`,
    newest first; only rows that a caller with the access `only` reaches.

    `states`, `label` (key and value, or key alone) and `filter` filter; `text` is searched in
    `search_text`. With `orders`, rows are sorted by them, and begin after the job with the sort
    values `after` and the id `before`.
    """
    # A range and no pattern, so that the index ends the search: ids begin with their kind.
    last = kind[:-1] + chr(ord(kind[-1]) + 1)
    end = last if orders else before or last
    where = [jobs.c.id > kind, jobs.c.id < end, *_reached(only)]
    if text:
        where.append(jobs.c.search_text.contains(text.casefold(), autoescape=True))
    if filter is not None:
        where.append(filters.condition(filter))
    labels: list[sa.ColumnElement[bool]] = []
    if label is not None:
        key, value = label
        if value is None:
            has_key = job_labels.c.job_id == jobs.c.id, job_labels.c.key == key
            where.append(sa.exists().where(*has_key))
        else:
            labels = [job_labels.c.key == key, job_labels.c.value == value]
            labels += [job_labels.c.job_id > kind, job_labels.c.job_id < end]
    if orders:
        if states:
            where.append(jobs.c.state.in_(states))
        if labels:
            where.append(sa.exists().where(job_labels.c.job_id == jobs.c.id, *labels))
        return _sorted(rows, owners, where, size, orders, before, after)
    return newest(rows, owners, where, size, states, labels)


MAX_QUERIES = 400
"""Most queries that are joined; SQLite takes 500."""


def newest(
    rows: sa.Select[Any],
    owners: tuple[str, ...],
    where: Sequence[sa.ColumnElement[bool]],
    size: int,
    states: Collection[str] = (),
    labels: Sequence[sa.ColumnElement[bool]] = (),
) -> sa.Select[Any]:
    """Select the newest `size` of the rows of the owners in one of the states, newest first.

    The indexes (owner, id) and (state, owner, id) have the rows of one owner and one state in this
    order, but not of several: the newest of each are read, and the newest of these chosen. Specs
    are read for these only. With `labels`, conditions for one label, the index (key, value, job_id)
    has the jobs in order.
    """
    if len(owners) * len(states) > MAX_QUERIES:
        where, states = [*where, jobs.c.state.in_(states)], ()
    choices = [[jobs.c.state == state, *where] for state in sorted({*states})] or [[*where]]
    newest = []
    for owner, conditions in product(owners, choices):
        of_owner = jobs.c.owner == owner, *conditions
        query = sa.select(jobs.c.id).where(*of_owner).order_by(jobs.c.id.desc())
        if labels:
            is_job = sa.exists().where(jobs.c.id == job_labels.c.job_id, *of_owner)
            label_ids = sa.select(job_labels.c.job_id.label("id")).where(*labels, is_job)
            query = label_ids.order_by(job_labels.c.job_id.desc())
        newest.append(query.limit(size))
    if not newest:
        return rows.where(sa.false())
    of_all = sa.union_all(*(sa.select(ids.subquery().c.id) for ids in newest)).subquery()
    ids = sa.select(of_all.c.id).order_by(of_all.c.id.desc()).limit(size)
    chosen = ids if len(newest) > 1 else newest[0]
    return rows.where(jobs.c.id.in_(chosen)).order_by(jobs.c.id.desc())


def _sorted(
    rows: sa.Select[Any],
    owners: tuple[str, ...],
    where: Sequence[sa.ColumnElement[bool]],
    size: int,
    orders: Sequence[Order],
    before: str | None,
    after: Sequence[Any],
) -> sa.Select[Any]:
    """Select the first `size` of the rows in another order. Specs are read for these only."""
    keys = filters.sort_keys(orders)
    where = [jobs.c.owner.in_(owners), *where]
    if before is not None:
        where.append(filters.after(orders, keys, after, before))
    named = [key.label(f"key{number}") for number, key in enumerate(keys)]
    first = sa.select(jobs.c.id, *named).where(*where)
    first = first.order_by(*filters.sorted_by(orders, named, jobs.c.id)).limit(size)
    chosen = first.subquery()
    columns = [chosen.c[key.name] for key in named]
    rows = rows.join(chosen, chosen.c.id == jobs.c.id)
    return rows.order_by(*filters.sorted_by(orders, columns, chosen.c.id))


def matching(
    connection: Connection,
    owner: str,
    filter: Tree,
    without: Collection[str],
    limit: int,
    only: Access | None = None,
) -> list[str]:
    """Return ids of the owner's newest jobs that a filter matches, in other states than these;
    only jobs that a caller with the access `only` reaches.
    """
    where = [jobs.c.owner == owner, jobs.c.id > "job", jobs.c.id < "joc", *_reached(only)]
    where += [jobs.c.state.not_in(without), filters.condition(filter)]
    query = sa.select(jobs.c.id).where(*where).order_by(jobs.c.id.desc()).limit(limit)
    return list(connection.execute(query).scalars())


def newer_than(
    connection: Connection,
    owners: tuple[str, ...],
    after: str,
    size: int,
    *,
    only: Access,
    label: tuple[str, str | None] | None = None,
) -> list[str]:
    """Return the ids of at most `size` jobs of the owners that are newer than the id `after`, the
    oldest first; only jobs that a caller with the access `only` reaches.
    """
    where = [jobs.c.owner.in_(owners), jobs.c.id > after, jobs.c.id < "joc", *_reached(only)]
    if label is not None:
        key, value = label
        has_label = [job_labels.c.job_id == jobs.c.id, job_labels.c.key == key]
        if value is not None:
            has_label.append(job_labels.c.value == value)
        where.append(sa.exists().where(*has_label))
    query = sa.select(jobs.c.id).where(*where).order_by(jobs.c.id).limit(size)
    return list(connection.execute(query).scalars())


def sort_values(connection: Connection, job_id: str, orders: Sequence[Order]) -> list[Any]:
    """Return the values of a job that a list is sorted by."""
    keys = sa.select(*filters.sort_keys(orders)).where(jobs.c.id == job_id)
    return list(connection.execute(keys).one())


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
    """Update the row and reserve `events` new seqs; None unless state, owner and fence match.

    Every race about a job is decided by this one conditional statement.
    """
    constants = {k: v for k, v in values.items() if not isinstance(v, sa.ClauseElement)}
    expressions = tuple((k, v) for k, v in values.items() if k not in constants)
    expected = {"owner": owner, "fence": fence}
    where = {column: value for column, value in expected.items() if value is not None}
    update = _update(frozenset(states), tuple(where), tuple(constants), expressions)
    parameters = {
        "job_id": job_id,
        "events": events,
        **{f"old_{column}": value for column, value in where.items()},
        **{f"new_{column}": value for column, value in constants.items()},
    }
    row = connection.execute(update, parameters).one_or_none()
    return None if row is None else JobRow(*row)


@lru_cache(maxsize=256)
def _update(
    states: frozenset[str],
    expected: tuple[str, ...],
    changed: tuple[str, ...],
    expressions: tuple[tuple[str, sa.ClauseElement], ...],
) -> Any:
    """Return the statement of `advance`. To build one takes ten times as long as to execute it."""
    where = [jobs.c[column] == sa.bindparam(f"old_{column}") for column in expected]
    where += [jobs.c.id == sa.bindparam("job_id"), jobs.c.state.in_(sorted(states))]
    values = {name: sa.bindparam(f"new_{name}", type_=jobs.c[name].type) for name in changed}
    return (
        sa.update(jobs)
        .where(*where)
        .values(
            last_seq=jobs.c.last_seq + sa.bindparam("events"),
            revision=jobs.c.revision + 1,
            **values,
            **dict(expressions),
        )
        .returning(*jobs.c)
    )


class Queued(NamedTuple):
    """A job that waits for a worker."""

    id: str
    owner: str
    memory_bytes: int | None
    fruitless_attempts: int
    age_seconds: float


def next_queued(connection: Connection, max_running: int | None = None) -> Queued | None:
    """Return the job that a worker should claim next; None if there is none.

    The owner with the fewest running jobs comes first, among several the owner that was served
    longest ago. An owner with `max_running` running jobs waits; None: no owner does. Within an
    owner, the highest priority comes first, then the oldest job. So an owner waits for one running
    job, however many jobs another owner has in the queue, and whatever their priority.
    """
    row = connection.execute(_next_queued(max_running)).one_or_none()
    return None if row is None else Queued(*row)


@cache
def _next_queued(max_running: int | None) -> sa.Select[Any]:
    queue = (
        sa.select(jobs.c.owner, sa.func.min(jobs.c.id).label("oldest"))
        .where(jobs.c.state == "queued")
        .group_by(jobs.c.owner)
        .subquery()
    )
    other = jobs.alias()
    of_owner = other.c.owner == queue.c.owner
    running = (
        sa.select(sa.func.count())
        .select_from(other)
        .where(of_owner, other.c.state.in_(HELD))
        .scalar_subquery()
    )
    served_at = sa.select(sa.func.max(other.c.started_at)).where(of_owner).scalar_subquery()
    chosen = sa.select(queue.c.owner).order_by(
        running, sa.func.coalesce(served_at, 0.0), queue.c.oldest
    )
    if max_running is not None:
        chosen = chosen.where(running < max_running)
    first = (
        sa.select(
            jobs.c.id,
            jobs.c.owner,
            jobs.c.memory_bytes,
            jobs.c.fruitless_attempts,
            now() - jobs.c.created_at,
        )
        .where(jobs.c.state == "queued", jobs.c.owner == chosen.limit(1).scalar_subquery())
        .order_by(jobs.c.priority.desc(), jobs.c.id)
    )
    return first.limit(1)


def owner_of(connection: Connection, job_id: str) -> str | None:
    """Return the owner of the job; None if it does not exist."""
    query = sa.select(jobs.c.owner).where(jobs.c.id == job_id)
    return connection.execute(query).scalar_one_or_none()


_OF_OWNER = jobs.c.owner == sa.bindparam("owner")
_COUNT = sa.select(sa.func.count()).where(
    _OF_OWNER, jobs.c.state.in_(sa.bindparam("states", expanding=True))
)
_STORED_BYTES = sa.select(sa.func.coalesce(sa.func.sum(jobs.c.stored_bytes), 0)).where(_OF_OWNER)


def count(connection: Connection, owner: str, states: Collection[str]) -> int:
    """Return the number of the owner's jobs and sweeps in these states."""
    return connection.execute(_COUNT, {"owner": owner, "states": list(states)}).scalar_one()


def stored_bytes(connection: Connection, owner: str) -> int:
    """Return the sum of the bytes that the owner's jobs and sweeps store, or will by their ends."""
    return int(connection.execute(_STORED_BYTES, {"owner": owner}).scalar_one())


class Remainder(NamedTuple):
    """The rows of an ended job beside its results."""

    webhooks: str | None
    has_resume_point: bool
    has_reward_weights: bool


def record_stored_bytes(
    connection: Connection, job_id: str, *, job_bytes: int, row_bytes: int, page_bytes: int
) -> Remainder:
    """Replace the bytes that a job was expected to store by the bytes of its results, and return
    its other rows.

    The bytes are `job_bytes`, its data, and its epochs and checkpoints with `row_bytes` for each
    row, and `page_bytes` for each row with more bytes in its blobs.
    """
    recorded = _recorded(job_bytes, row_bytes, page_bytes)
    return Remainder(*connection.execute(recorded, {"ended_id": job_id}).one())


@cache
def _recorded(job_bytes: int, row_bytes: int, page_bytes: int) -> Any:
    job_id: sa.BindParameter[str] = sa.bindparam("ended_id")

    def sum_of(table: sa.Table, blobs: Sequence[sa.ColumnElement[int]]) -> Any:
        size = sum((sa.func.coalesce(blob, 0) for blob in blobs), sa.literal(row_bytes))
        padded = size + sa.case((size > page_bytes, page_bytes), else_=0)
        query = sa.select(sa.func.sum(padded)).where(table.c.job_id == job_id)
        return sa.func.coalesce(query.scalar_subquery(), 0)

    of_log = [byte_length(blob) for blob in (log.c.summary, log.c.body, log.c.gradients)]
    spec = byte_length(job_specs.c.spec)
    data = sa.select(sa.case((spec > job_bytes, spec), else_=0)).where(job_specs.c.job_id == job_id)
    total = job_bytes + sa.func.coalesce(data.scalar_subquery(), 0)
    total += sum_of(log, of_log) + sum_of(checkpoints, [checkpoints.c.size_bytes])
    total += sum_of(outlines, [byte_length(outlines.c.points)])
    webhooks = sa.select(job_specs.c.webhooks).where(job_specs.c.job_id == job_id)
    unfinished = [sa.exists().where(t.c.job_id == job_id) for t in (resume_points, reward_weights)]
    recorded = sa.update(jobs).where(jobs.c.id == job_id).values(stored_bytes=total)
    return recorded.returning(webhooks.scalar_subquery(), *unfinished)


# The expressions of an update are the same objects each time, so that `advance` builds it once.
@cache
def claimed(lease_seconds: float) -> dict[str, Any]:
    """Return the values of a queued job that a worker claims.

    The new fence takes the job from every worker that had it before: their writes match no row.
    """
    return {
        "state": "running",
        "attempt": jobs.c.attempt + 1,
        "fruitless_attempts": jobs.c.fruitless_attempts + 1,
        "fence": jobs.c.fence + 1,
        "lease_expires_at": now() + lease_seconds,
        "started_at": sa.func.coalesce(jobs.c.started_at, now()),
    }


@cache
def lease_renewed(lease_seconds: float) -> dict[str, Any]:
    """Return the value that renews the lease."""
    return {"lease_expires_at": now() + lease_seconds}


@cache
def released(*, at_pause: bool) -> dict[str, Any]:
    """Return the values of a job that its worker releases: queued again, or paused on request, also
    on a request that it pauses after the present epoch.
    """
    pauses = jobs.c.state == "pausing"
    if at_pause:
        pauses |= jobs.c.pause_epoch.is_not(None)
    return {"state": sa.case((pauses, "paused"), else_="queued"), "lease_expires_at": None}


def pause_after(connection: Connection, job_id: str, epoch: int | None) -> None:
    """Let the worker of a locked job pause it after an epoch; with None, train it to the end."""
    connection.execute(_PAUSE_AFTER, {"id_of_job": job_id, "last": epoch})


_PAUSE_AFTER = (
    sa.update(jobs)
    .where(jobs.c.id == sa.bindparam("id_of_job"))
    .values(pause_epoch=sa.bindparam("last"))
)


def running_seconds(connection: Connection, job_id: str) -> float:
    """Return the seconds since the job's first start, by the database's clock; 0 before it."""
    since = sa.select(sa.func.coalesce(now() - jobs.c.started_at, 0.0)).where(jobs.c.id == job_id)
    return float(connection.execute(since).scalar_one_or_none() or 0.0)


@cache
def finished() -> dict[str, Any]:
    """Return the values of a job that has ended."""
    return {
        "finished_at": now(),
        "lease_expires_at": None,
        "expires_at": now() + jobs.c.ttl_seconds,
    }


_EXPIRED = (
    jobs.c.state.in_(HELD),
    jobs.c.lease_expires_at < now(),
)


def expired(connection: Connection, limit: int = 100) -> list[JobRow]:
    """Return jobs with an expired lease."""
    query = sa.select(jobs).where(*_EXPIRED)
    return [JobRow(*row) for row in connection.execute(query.limit(limit))]


def leases(connection: Connection) -> dict[str, float]:
    """Return when the leases of all jobs with a worker expire, by the id of the job."""
    query = sa.select(jobs.c.id, jobs.c.lease_expires_at).where(jobs.c.state.in_(HELD))
    return {row.id: row.lease_expires_at for row in connection.execute(query)}


def find_expired(
    connection: Connection, job_id: str, unrenewed: float | None = None
) -> JobRow | None:
    """Return the locked row of a job with a lease that has expired, or expires at `unrenewed`.

    None if the lease was renewed, or another transaction holds the row.
    """
    is_held, has_expired = _EXPIRED
    if unrenewed is not None:
        has_expired = sa.or_(has_expired, jobs.c.lease_expires_at == unrenewed)
    query = sa.select(jobs).where(jobs.c.id == job_id, is_held, has_expired)
    row = connection.execute(query.with_for_update(skip_locked=True)).one_or_none()
    return None if row is None else JobRow(*row)


def unnotified(connection: Connection, older_than: float, limit: int = 100) -> list[str]:
    """Return ids of queued jobs without a notification for `older_than` seconds, oldest first."""
    query = (
        sa.select(jobs.c.id)
        .where(
            jobs.c.state == "queued",
            # The absolute value: after a clock was set back, these times are in the future.
            sa.func.abs(now() - sa.func.coalesce(jobs.c.notified_at, jobs.c.created_at))
            > older_than,
        )
        .order_by(jobs.c.id)
        .limit(limit)
    )
    return list(connection.execute(query).scalars())


def mark_notified(connection: Connection, ids: Sequence[str]) -> None:
    """Record that workers were notified of these jobs now."""
    connection.execute(sa.update(jobs).where(jobs.c.id.in_(ids)).values(notified_at=now()))


@dataclass(frozen=True, slots=True)
class EndedJob:
    """A job that ran to its end in one attempt."""

    work: str
    epoch: int
    seconds: float
    """From its start to its end."""


def ended(connection: Connection, limit: int) -> list[EndedJob]:
    """Return the newest jobs and sweeps that succeeded in one attempt."""
    query = (
        sa.select(jobs.c.work, jobs.c.epoch, jobs.c.finished_at - jobs.c.started_at)
        .where(jobs.c.state == "succeeded", jobs.c.attempt == 1, jobs.c.work.is_not(None))
        .order_by(jobs.c.id.desc())
        .limit(limit)
    )
    return [EndedJob(*row) for row in connection.execute(query)]


def user_of_dataset(connection: Connection, dataset_id: str, owner: str) -> str | None:
    """Return the id of an unfinished job of the owner that trains on the data set; None without
    one.
    """
    return connection.execute(
        sa.select(jobs.c.id)
        .where(
            jobs.c.owner == owner,
            sa.or_(jobs.c.dataset_id == dataset_id, jobs.c.validation_dataset_id == dataset_id),
            jobs.c.finished_at.is_(None),
        )
        .limit(1)
    ).scalar_one_or_none()


# The values of a deleted job: no query for an owner or for a state of jobs matches it. Its rows are
# deleted later, a few at a time.
HIDDEN = {"owner": "", "state": "deleted", "expires_at": None, "experiment_id": None}
"""The columns of a deleted job, which no reader and no worker finds."""


def hide(connection: Connection, job_id: str, owner: str, states: Collection[str]) -> bool:
    """Delete the job for all readers if its state is one of `states`; its rows remain."""
    update = sa.update(jobs).where(
        jobs.c.id == job_id, jobs.c.owner == owner, jobs.c.state.in_(states)
    )
    return connection.execute(update.values(HIDDEN)).rowcount == 1


def outlived(connection: Connection, limit: int) -> list[str]:
    """Return ids of jobs that have reached `expires_at`, the oldest expiry first."""
    # A subquery is computed once. PostgreSQL's clock, which moves, cannot be looked up in an index.
    is_over = jobs.c.expires_at < sa.select(now()).scalar_subquery()
    query = sa.select(jobs.c.id).where(is_over).order_by(jobs.c.expires_at).limit(limit)
    return list(connection.execute(query).scalars())


def hide_outlived(connection: Connection, ids: Collection[str]) -> None:
    """Delete the jobs that have reached `expires_at`, for all readers."""
    update = sa.update(jobs).where(jobs.c.id.in_(ids), jobs.c.expires_at < now())
    connection.execute(update.values(HIDDEN))


def any_hidden(connection: Connection) -> bool:
    """Return whether rows of deleted jobs remain."""
    query = sa.select(jobs.c.id).where(jobs.c.owner == "").limit(1)
    return connection.execute(query).first() is not None


# Rows that one statement deletes. A checkpoint may have 40 MB.
_BATCHES = (
    (log, log.c.seq, 16),
    (checkpoints, checkpoints.c.epoch, 1),
    (outlines, outlines.c.last_epoch, 64),
)


def delete_some(connection: Connection) -> bool:
    """Delete some rows of a hidden job; return False if there is none.

    The log is deleted from its end, so that a reader of it never sees a gap. Transactions at the
    same time take different jobs.
    """
    query = sa.select(jobs.c.id).where(jobs.c.owner == "").order_by(jobs.c.id).limit(1)
    job_id = connection.execute(query.with_for_update(skip_locked=True)).scalar_one_or_none()
    if job_id is None:
        return False
    for table, key, size in _BATCHES:
        of_job = table.c.job_id == job_id
        last = sa.select(key).where(of_job).order_by(key.desc()).limit(size)
        delete = sa.delete(table).where(of_job, key.in_(last.scalar_subquery()))
        if connection.execute(delete).rowcount > 0:
            return True
    connection.execute(sa.delete(jobs).where(jobs.c.id == job_id))
    return True
