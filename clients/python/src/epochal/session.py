"""A transport with retries: the connection that all parts of the client share."""

from __future__ import annotations

import uuid
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from .errors import EpochalError
from .transport import Transport, call


@dataclass
class Session:
    """A `transport`, and the number of `retries` of a request."""

    transport: Transport
    retries: int
    closed: bool = False

    def close(self) -> None:
        """Close the connections."""
        self.closed = True
        self.transport.close()

    def call(self, method: str, fields: dict[str, Any]) -> dict[str, Any]:
        """Return the reply of `method`. Raises `EpochalError` if the session is closed."""
        self._require_open()
        return call(self.transport, method, fields, self.retries)

    def stream(self, method: str, fields: dict[str, Any]) -> Generator[dict[str, Any]]:
        """Yield the events of `method`, with `seq`, `type` and data.

        Raises `EpochalError` if the session is closed.
        """
        self._require_open()
        return self.transport.stream(method, fields)

    def _require_open(self) -> None:
        if self.closed:
            raise EpochalError("The client is closed. Create a new epochal.Client.")

    def create(self, method: str, fields: dict[str, Any], request_id: str | None) -> dict[str, Any]:
        """Return the reply of a `method` that creates a resource.

        The `request_id` makes retries safe: the service creates one resource for it. A random one
        is used by default.
        """
        return self.call(method, {**fields, "request_id": request_id or uuid.uuid4().hex})


class Part:
    """A part of a client, such as `client.jobs`, which shares its session."""

    def __init__(self, session: Session) -> None:
        self._session = session
