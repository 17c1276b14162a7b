"""What makes two creating requests the same one, for whoever sends a request again."""

from __future__ import annotations

from hashlib import sha256

from pydantic import BaseModel


def fingerprint(request: BaseModel) -> str:
    """A digest of the kind of request and of all that it asks for, the idempotency key aside."""
    asked = request.model_dump_json(exclude={"request_id"})
    return sha256(f"{type(request).__name__} {asked}".encode()).hexdigest()
