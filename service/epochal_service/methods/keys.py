"""The methods that make, list and revoke API keys which do less than the key that makes them."""

from __future__ import annotations

from datetime import datetime
from typing import cast

from ..access import keys
from ..errors import FieldError, InvalidArgument, NotFound, QuotaExceeded
from ..jobs import lifecycle
from ..jobs.lifecycle import Kind
from ..specs.base import timestamp
from ..specs.keys import CreateKeyRequest, Key, KeyAction, Keys
from ..store import Connection, api_keys
from ..store.api_keys import KeyLimits, KeyRow
from .context import Context

MAX_KEYS = 1000
"""Valid keys of an owner that other keys made."""


def create_key(context: Context, request: CreateKeyRequest) -> Key:
    """Make an API key that does less than yours: some actions, on some jobs, until a time.

    It has the owner of your key and ends with it. The reply has the key, which cannot be read
    again. A key that may only `read`, `watch` and `predict` may also stand in a URL, as `?key=…`.

    Raises `InvalidArgument`; `QuotaExceeded` if there are too many.
    """
    if "train" in request.actions and request.jobs and not request.labels:
        text = "must not have train beside jobs: new jobs are not among them. Give labels instead"
        raise InvalidArgument.of(FieldError("actions", text))
    limits = KeyLimits(
        actions=tuple(dict.fromkeys(request.actions)),
        jobs=tuple(dict.fromkeys(request.jobs)),
        labels=tuple(request.labels.items()),
        origins=tuple(dict.fromkeys(request.origins)),
        jobs_per_hour=request.jobs_per_hour,
    )
    with context.database.write() as connection:
        _check_jobs(connection, context, limits.jobs)
        if len(api_keys.made(connection, context.owner)) >= MAX_KEYS:
            raise QuotaExceeded(f"There are {MAX_KEYS} valid keys already: delete one")
        key = keys.insert(
            connection,
            request.name or "key",
            owner=context.owner,
            scope="read" if {*limits.actions} <= {*keys.LOOKING} else "train",
            days=request.expires_in_seconds / keys.DAY_SECONDS,
            limits=limits,
            made_by=context.key_id,
        )
        stored = api_keys.find_valid(connection, key.split("_")[1])
    assert stored is not None
    return _reply(stored[0], key)


def _check_jobs(connection: Connection, context: Context, ids: tuple[str, ...]) -> None:
    """Raise `InvalidArgument` for jobs that the caller does not reach."""
    errors = []
    for index, job_id in enumerate(ids):
        kind: Kind = "sweep" if lifecycle.kind_of(job_id) == "sweep" else "job"
        try:
            lifecycle.find(connection, job_id, context.access, kind)
        except NotFound as error:
            errors.append(FieldError(f"jobs[{index}]", error.detail))
    if errors:
        raise InvalidArgument.of(*errors)


def list_keys(context: Context) -> Keys:
    """List the valid keys that keys of your owner made, newest first, without their secrets."""
    with context.database.read() as connection:
        rows = api_keys.made(connection, context.owner)
    return Keys(keys=[_reply(row) for row in rows])


def delete_key(context: Context, id: str) -> None:
    """Revoke a key that a key of your owner made. Jobs that it created stay. Raises `NotFound`."""
    with context.database.write() as connection:
        if id not in {row.id for row in api_keys.made(connection, context.owner)}:
            raise NotFound(f"There is no valid key {id} that a key of {context.owner} made")
        api_keys.revoke(connection, id)


def _reply(row: KeyRow, key: str | None = None) -> Key:
    assert row.limits is not None
    return Key(
        id=row.id,
        key=key,
        name=row.name,
        actions=cast(list[KeyAction], [*row.limits.actions]),
        jobs=[*row.limits.jobs],
        labels=dict(row.limits.labels),
        origins=[*row.limits.origins],
        jobs_per_hour=row.limits.jobs_per_hour,
        made_by=row.made_by,
        created_at=cast(datetime, timestamp(row.created_at)),
        expires_at=cast(datetime, timestamp(row.expires_at)),
    )
