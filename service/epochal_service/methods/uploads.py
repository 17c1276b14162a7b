"""The methods of uploads: files that arrive in pieces."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

from ..errors import Conflict, FieldError, InvalidArgument, NotFound, TooLarge
from ..jobs import quotas
from ..large import FILE_BYTES, require_small
from ..specs.base import timestamp
from ..specs.uploads import AppendUploadRequest, CreateUploadRequest, Upload
from ..store import Access, Connection, keys, uploads
from ..store.database import new_id
from ..store.uploads import UploadRow
from .context import Context
from .fingerprints import file_digest, fingerprint

# Larger files are on the disk while they are read.
MEMORY_BYTES = 2**20


def create_upload(context: Context, request: CreateUploadRequest) -> Upload:
    """Announce a file, which `POST /v1/uploads/{id}/append` then sends in pieces.

    Its pieces are deleted when a data set is made of them, or an hour after the last one arrived.

    If an upload with the same `sha256` is under way, it is returned, with the offset to continue
    from. The same `request_id` and request return the upload created before.

    Raises `TooLarge` for more bytes than the limit; `IdempotencyMismatch`; `QuotaExceeded` if
    there are too many uploads.
    """
    limits = context.settings.limits
    if request.size_bytes > limits.max_upload_bytes:
        raise TooLarge(
            f"A file may have {limits.max_upload_bytes} bytes; got size_bytes "
            f"{request.size_bytes}: GET /v1/limits has this server's limits"
        )
    with context.database.write() as connection:
        same = None
        if request.sha256 is not None:
            same = uploads.find_same(connection, context.owner, request.size_bytes, request.sha256)
        new = new_id("upload") if same is None else same.id
        upload_id = keys.claim(
            connection, context.owner, request.request_id, fingerprint(request), new
        )
        if same is not None or upload_id != new:
            return _reply(context, _existing(uploads.find(connection, upload_id, context.access)))
        quotas.reserve(connection, context.settings.quotas, context.owner, "max_uploads")
        row = uploads.insert(
            connection,
            id=new,
            owner=context.owner,
            size_bytes=request.size_bytes,
            sha256=request.sha256,
        )
    return _reply(context, row)


def append_upload(context: Context, id: str, data: bytes, request: AppendUploadRequest) -> Upload:
    """Append a piece to an upload. On HTTP, the body is the piece.

    `offset` must be the number of bytes received so far. The same piece at the same offset may be
    sent again and changes nothing.

    Raises `NotFound`; `Conflict` for another offset; `InvalidArgument` for a piece that exceeds the
    size of the file.
    """
    with context.database.write() as connection:
        row = _locked(connection, context, id)
        if request.offset == row.offset and row.offset + len(data) > row.size_bytes:
            raise InvalidArgument.of(
                FieldError(
                    "data",
                    f"must have at most {row.size_bytes - row.offset} bytes, the rest of the file; "
                    f"got {len(data)}",
                )
            )
        if request.offset == row.offset:
            row = uploads.append(connection, row, data)
        elif uploads.piece(connection, id, request.offset) != data:
            raise Conflict(
                f"The next offset is {row.offset}; got {request.offset}", reason="wrong_offset"
            )
    return _reply(context, row)


def get_upload(context: Context, id: str) -> Upload:
    """Return an upload, with the offset of its next piece. Raises `NotFound`."""
    with context.database.read() as connection:
        row = uploads.find(connection, id, context.access)
    return _reply(context, _existing(row))


def delete_upload(context: Context, id: str) -> None:
    """Delete an upload and its pieces. Raises `NotFound`."""
    with context.database.write() as connection:
        _locked(connection, context, id)
        uploads.delete(connection, id)


@contextmanager
def complete_file(context: Context, upload_id: str) -> Iterator[tuple[BinaryIO | None, str]]:
    """Yield the file of a complete upload and its SHA-256; no file if a data set was made of it.

    Raises `InvalidArgument` on `upload` if it does not exist or has another digest; `Conflict` if
    pieces are missing.
    """
    with tempfile.SpooledTemporaryFile(MEMORY_BYTES) as spooled:
        file = cast(BinaryIO, spooled)
        with context.database.read() as connection:
            row = uploads.find(connection, upload_id, Access(context.owner))
            if row is None:
                raise InvalidArgument.of(
                    FieldError("upload", f"There is no upload {upload_id}: it may have expired")
                )
            if row.offset < row.size_bytes:
                raise Conflict(
                    f"The upload has {row.offset} of {row.size_bytes} bytes: append the others "
                    "first",
                    reason="upload_incomplete",
                )
            if row.dataset_id is None:
                require_small(row.size_bytes, FILE_BYTES)
                uploads.copy(connection, upload_id, file)
        if row.dataset_id is not None:
            yield None, row.sha256 or ""
            return
        digest = file_digest(file)
        if row.sha256 not in (None, digest):
            raise InvalidArgument.of(
                FieldError(
                    "upload",
                    f"has the SHA-256 {digest}, not {row.sha256}: delete it, and upload the file "
                    "again",
                )
            )
        yield file, digest


def _locked(connection: Connection, context: Context, id: str) -> UploadRow:
    """Return the caller's own upload, locked until the commit. Raises `NotFound`, `Forbidden`."""
    row = _existing(uploads.find(connection, id, context.access, lock=True))
    context.access.require_owner(row.owner)
    return row


def _existing(row: UploadRow | None) -> UploadRow:
    if row is None:
        raise NotFound("There is no such upload: it may have expired")
    return row


def _reply(context: Context, row: UploadRow) -> Upload:
    created, expires = (
        timestamp(row.created_at),
        timestamp(row.appended_at + context.settings.upload_seconds),
    )
    assert created is not None
    assert expires is not None
    return Upload(
        id=row.id,
        size_bytes=row.size_bytes,
        offset=row.offset,
        dataset=row.dataset_id,
        created_at=created,
        expires_at=expires,
    )
