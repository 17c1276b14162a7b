"""The methods that issue stream tokens."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ..access import stream_tokens
from ..experiments import experiments
from ..jobs import lifecycle
from ..specs.base import timestamp
from ..specs.stream_tokens import StreamToken
from ..store import Access, Connection
from .context import Context


def issue_stream_token(context: Context, id: str) -> StreamToken:
    """Return a token that opens the events of this job for 60 seconds.

    It is for a browser's `EventSource`, which cannot send an API key: `token` in the query of
    `GET /v1/jobs/{id}/events`. Nothing is stored, and no other method takes the token. It becomes
    invalid with the API key.

    Raises `NotFound`.
    """
    return _issue(context, id, lifecycle.find)


def issue_sweep_stream_token(context: Context, id: str) -> StreamToken:
    """Return a token that opens the events of this sweep for 60 seconds: `token` in the query of
    `GET /v1/sweeps/{id}/events`.

    Raises `NotFound`.
    """
    return _issue(context, id, partial(lifecycle.find, kind="sweep"))


def issue_experiment_stream_token(context: Context, id: str) -> StreamToken:
    """Return a token that opens the events of this experiment for 60 seconds: `token` in the query
    of `GET /v1/experiments/{id}/events`.

    Raises `NotFound`.
    """
    return _issue(context, id, experiments.find)


def _issue(
    context: Context, id: str, find: Callable[[Connection, str, Access], object]
) -> StreamToken:
    with context.database.read() as connection:
        find(connection, id, context.access)
        token, expires = stream_tokens.issue(connection, context.key_id, id)
    expires_at = timestamp(expires)
    assert expires_at is not None
    return StreamToken(token=token, expires_at=expires_at)
