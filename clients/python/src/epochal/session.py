"""One transport and the patience to use it with: what every part of the client speaks through."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from .transport import Transport, call


@dataclass(frozen=True)
class Session:
    """A `transport`, and how often a call that may be repeated is repeated."""

    transport: Transport
    retries: int

    def call(self, method: str, fields: dict[str, Any]) -> dict[str, Any]:
        """The answer of `method`."""
        return call(self.transport, method, fields, self.retries)

    def create(self, method: str, fields: dict[str, Any], request_id: str | None) -> dict[str, Any]:
        """The answer of a `method` that makes something: one thing, however often it is sent.

        The key that sees to that is made up where the caller brings none.
        """
        return self.call(method, {**fields, "request_id": request_id or uuid.uuid4().hex})
