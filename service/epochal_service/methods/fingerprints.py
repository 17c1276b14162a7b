"""Fingerprints of requests, which tell a retry from another request with the same key."""

from __future__ import annotations

from hashlib import sha256
from typing import BinaryIO

from pydantic import BaseModel


def fingerprint(request: BaseModel, *parts: BaseModel) -> str:
    """Return a digest of the request's type and fields, without its idempotency key.

    `parts` are parts of the request that its JSON lacks. Fields with their default are left out, so
    that the digest stays the same when a later version has more fields.
    """
    fields = " ".join(
        part.model_dump_json(exclude={"request_id"}, exclude_defaults=True)
        for part in (request, *parts)
    )
    return sha256(f"{type(request).__name__} {fields}".encode()).hexdigest()


def file_digest(file: BinaryIO) -> str:
    """Return the SHA-256 of a file in hexadecimal digits, and rewind it."""
    file.seek(0)
    digest = sha256()
    while chunk := file.read(2**20):
        digest.update(chunk)
    file.seek(0)
    return digest.hexdigest()
