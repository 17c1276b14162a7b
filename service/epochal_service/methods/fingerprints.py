"""Fingerprints of requests, which tell a retry from another request with the same key."""

from __future__ import annotations

from hashlib import sha256

from pydantic import BaseModel


def fingerprint(request: BaseModel) -> str:
    """Return a digest of the request's type and fields, without its idempotency key."""
    fields = request.model_dump_json(exclude={"request_id"})
    return sha256(f"{type(request).__name__} {fields}".encode()).hexdigest()
