"""One transport and the patience to use it with: what every part of the client speaks through."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from .errors import EpochalError
from .transport import Transport, call


@dataclass
class Session:
    """A `transport`, and how often a call that may be repeated is repeated."""

    transport: Transport
    retries: int
    closed: bool = False

    def close(self) -> None:
        """Give back the connections."""
        self.closed = True
        self.transport.close()

    def call(self, method: str, fields: dict[str, Any]) -> dict[str, Any]:
        """The answer of `method`. Raises `EpochalError` once the session is closed."""
        if self.closed:
            raise EpochalError("The client is closed: make another one to ask the service again")
        return call(self.transport, method, fields, self.retries)

    def create(self, method: str, fields: dict[str, Any], request_id: str | None) -> dict[str, Any]:
        """The answer of a `method` that makes something: one thing, however often it is sent.

        The key that sees to that is made up where the caller brings none.
        """
        return self.call(method, {**fields, "request_id": request_id or uuid.uuid4().hex})
