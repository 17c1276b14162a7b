"""Files that arrive in pieces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

import sqlalchemy as sa
from sqlalchemy import Connection

from .access import Access
from .database import now
from .tables import upload_pieces, uploads


@dataclass(frozen=True, slots=True)
class UploadRow:
    """An upload; `offset` is the number of bytes received."""

    id: str
    owner: str
    size_bytes: int
    sha256: str | None
    offset: int
    dataset_id: str | None
    created_at: float
    appended_at: float


_COLUMNS = (
    uploads.c.id,
    uploads.c.owner,
    uploads.c.size_bytes,
    uploads.c.sha256,
    uploads.c.offset,
    uploads.c.dataset_id,
    uploads.c.created_at,
    uploads.c.appended_at,
)


def insert(
    connection: Connection, *, id: str, owner: str, size_bytes: int, sha256: str | None
) -> UploadRow:
    """Insert an upload without pieces."""
    row = connection.execute(
        sa.insert(uploads)
        .values(
            id=id,
            owner=owner,
            size_bytes=size_bytes,
            sha256=sha256,
            offset=0,
            created_at=now(),
            appended_at=now(),
        )
        .returning(*_COLUMNS)
    ).one()
    return UploadRow(*row)


def count(connection: Connection, owner: str) -> int:
    """Return the number of the owner's uploads that are not yet a data set."""
    query = sa.select(sa.func.count()).select_from(uploads)
    query = query.where(uploads.c.owner == owner, uploads.c.dataset_id.is_(None))
    return connection.execute(query).scalar_one()


def find(
    connection: Connection, upload_id: str, access: Access, *, lock: bool = False
) -> UploadRow | None:
    """Return the upload; None if it does not exist, or the caller may not read it.

    With `lock` the row is locked until the commit.
    """
    query = sa.select(*_COLUMNS).where(
        uploads.c.id == upload_id, uploads.c.owner.in_(access.readable)
    )
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else UploadRow(*row)


def find_same(connection: Connection, owner: str, size_bytes: int, sha256: str) -> UploadRow | None:
    """Return the owner's upload of the same file that is not yet a data set; None without one."""
    query = sa.select(*_COLUMNS).where(
        uploads.c.owner == owner,
        uploads.c.sha256 == sha256,
        uploads.c.size_bytes == size_bytes,
        uploads.c.dataset_id.is_(None),
    )
    row = connection.execute(query.limit(1)).one_or_none()
    return None if row is None else UploadRow(*row)


def append(connection: Connection, row: UploadRow, content: bytes) -> UploadRow:
    """Append a piece to the upload, which must be locked."""
    connection.execute(
        sa.insert(upload_pieces).values(upload_id=row.id, offset=row.offset, content=content)
    )
    appended = connection.execute(
        sa.update(uploads)
        .where(uploads.c.id == row.id)
        .values(offset=row.offset + len(content), appended_at=now())
        .returning(*_COLUMNS)
    ).one()
    return UploadRow(*appended)


def piece(connection: Connection, upload_id: str, offset: int) -> bytes | None:
    """Return the piece that begins at the offset; None if no piece does."""
    return connection.execute(
        sa.select(upload_pieces.c.content).where(
            upload_pieces.c.upload_id == upload_id, upload_pieces.c.offset == offset
        )
    ).scalar_one_or_none()


def copy(connection: Connection, upload_id: str, file: BinaryIO) -> None:
    """Write the pieces to a file in order, with one of them in memory at a time."""
    offset = 0
    while content := piece(connection, upload_id, offset):
        file.write(content)
        offset += len(content)


def consume(connection: Connection, upload_id: str, dataset_id: str, sha256: str) -> None:
    """Delete the pieces of the upload, and record the data set that was created from them."""
    connection.execute(sa.delete(upload_pieces).where(upload_pieces.c.upload_id == upload_id))
    connection.execute(
        sa.update(uploads)
        .where(uploads.c.id == upload_id)
        .values(dataset_id=dataset_id, sha256=sha256, appended_at=now())
    )


def delete(connection: Connection, upload_id: str) -> None:
    """Delete the upload and its pieces."""
    connection.execute(sa.delete(uploads).where(uploads.c.id == upload_id))


def abandoned(connection: Connection, seconds: float) -> list[str]:
    """Return the ids of uploads to which nothing was appended for some seconds."""
    query = sa.select(uploads.c.id).where(uploads.c.appended_at < now() - seconds)
    return list(connection.execute(query).scalars())


def delete_abandoned(connection: Connection, upload_id: str, seconds: float) -> None:
    """Delete the upload if nothing was appended to it for some seconds."""
    is_abandoned = uploads.c.appended_at < now() - seconds
    connection.execute(sa.delete(uploads).where(uploads.c.id == upload_id, is_abandoned))
