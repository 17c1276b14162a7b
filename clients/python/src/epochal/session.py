"""A transport with retries: the connection that all parts of the client share."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from .errors import ConnectionFailed, EpochalError, NotFound, QuotaExceeded, Unavailable
from .transport import LONGEST_PAUSE_SECONDS, Transport, pauses

log = logging.getLogger("epochal")


@dataclass
class Session:
    """A `transport`, the seconds to wait for one reply, and the number of `retries` of a
    request.
    """

    transport: Transport
    timeout: float
    retries: int

    def call(self, method: str, fields: dict[str, Any]) -> dict[str, Any]:
        """Return the reply of `method`. Raises `EpochalError` if the session is closed.

        A request is repeated if the connection fails, the service is unavailable, or a quota is
        used up that is free again after a while. The pause is at least the `retry_after` of the
        service, up to 5 seconds. Requests that create a resource have a `request_id`, so that a
        retry does not create another one.
        """
        self._require_open()
        pause = pauses()
        for attempt in range(self.retries + 1):
            try:
                return self.transport.call(method, fields, self.timeout)
            except (ConnectionFailed, Unavailable, QuotaExceeded) as failure:
                retry_after = 0.0 if isinstance(failure, ConnectionFailed) else failure.retry_after
                if attempt == self.retries or retry_after is None:
                    raise
                seconds = min(max(next(pause), retry_after), LONGEST_PAUSE_SECONDS)
                if isinstance(failure, QuotaExceeded):
                    log.warning("%s Trying again in %.1f seconds.", failure.detail, seconds)
                self.transport.sleep(seconds)
            except NotFound:
                # The reply to an earlier attempt, which deleted it, may have been lost.
                if attempt and method.startswith("Delete"):
                    return {}
                raise
        raise AssertionError("range(retries + 1) is never empty")

    def stream(self, method: str, fields: dict[str, Any]) -> Generator[dict[str, Any]]:
        """Yield the events of `method`, with `seq`, `type` and data.

        Raises `EpochalError` if the session is closed.
        """
        self._require_open()
        return self.transport.stream(method, fields, self.timeout)

    def _require_open(self) -> None:
        if self.transport.is_closed:
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
