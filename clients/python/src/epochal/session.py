"""One transport and the patience to use it with: what every part of the client speaks through."""

from __future__ import annotations

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
