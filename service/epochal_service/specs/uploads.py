"""Requests and reply of uploads: files that arrive in pieces."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from .base import Cursor, Int64, Matches, Reply, Request, RequestId, Spec


class CreateUploadRequest(Spec):
    """The size of the file, and its digest."""

    size_bytes: Int64 = Field(ge=1, lt=2**63)
    """Size of the file in bytes."""
    sha256: Annotated[str, Matches("[0-9a-f]{64}", "must be 64 digits from 0 to f")] | None = None
    """SHA-256 of the file in lower-case hexadecimal digits, checked when a data set is created from
    it. Not checked by default.
    """
    request_id: RequestId | None = None
    """Idempotency key: the same key and the same request return the same upload."""


class AppendUploadRequest(Request):
    """The position of a piece."""

    offset: Cursor
    """Offset of the first byte of the piece in the file: the `offset` of the upload."""


class Upload(Reply):
    """A file that arrives in pieces."""

    id: str
    """Id of the upload."""
    size_bytes: Int64
    """Size of the file in bytes."""
    offset: Int64
    """Number of bytes received, which is the offset of the next piece."""
    dataset: str | None = None
    """Id of the data set that was created from the file; absent before."""
    created_at: datetime
    """Time of creation."""
    expires_at: datetime
    """Time at which the upload is deleted, unless a piece arrives before."""
