"""The methods that issue stream tokens."""

from __future__ import annotations

from .. import stream_tokens
from ..jobs import lifecycle
from ..jobs.lifecycle import Kind
from ..specs.base import timestamp
from ..specs.stream_tokens import StreamToken
from .context import Context


def issue_stream_token(context: Context, id: str) -> StreamToken:
    """Return a token that opens the events of this job for 60 seconds.

    It is for a browser's `EventSource`, which cannot send an API key: `token` in the query of
    `GET /v1/jobs/{id}/events`. Nothing is stored, and no other method takes the token. It becomes
    invalid with the API key.

    Raises `NotFound`.
    """
    return _issue(context, id, "job")


def issue_sweep_stream_token(context: Context, id: str) -> StreamToken:
    """Return a token that opens the events of this sweep for 60 seconds: `token` in the query of
    `GET /v1/sweeps/{id}/events`.

    Raises `NotFound`.
    """
    return _issue(context, id, "sweep")


def _issue(context: Context, id: str, kind: Kind) -> StreamToken:
    with context.database.read() as connection:
        lifecycle.find(connection, id, context.access, kind)
        token, expires = stream_tokens.issue(connection, context.key_id, id)
    expires_at = timestamp(expires)
    assert expires_at is not None
    return StreamToken(token=token, expires_at=expires_at)
