"""A request's head is read up to a limit and for a while, as its body is: uvicorn has neither.

first byte of a head -> at most MAX_HEAD_BYTES, within HEAD_SECONDS -> uvicorn and the app

A head that has not ended by then is refused, and so is a longer one that has ended: a single read
of the socket may bring more. If too many connections wait for a request, its body included, the
oldest of them gives way to the next: a silent client takes no connection from an active one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Any, ClassVar

import structlog
from starlette.responses import Response
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from .problems import problem

WRITE_CHUNK = "epochal.write_chunk"
"""An extension of the scope: a function that writes a chunk of the body, encoded for HTTP/1.1.

It returns False, and writes nothing, unless the body has begun and the client reads.
A thousand streams of the same bytes take half the time without the work of ASGI for each message.
"""
MAX_HEAD_BYTES = 64 * 2**10
HEAD_SECONDS = 60.0
LOG_SECONDS = 10.0

logger = structlog.get_logger(__name__)

TOO_LARGE = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE


def _refusal() -> Response:
    return problem(
        TOO_LARGE,
        TOO_LARGE.phrase,
        TOO_LARGE.name.lower(),
        f"The address and the headers of a request may have {MAX_HEAD_BYTES} bytes",
        headers={"Connection": "close"},
    )


class BoundedHeads(HttpToolsProtocol):
    """uvicorn's connection; it closes when a client sends a head without an end."""

    most_waiting: ClassVar[int] = 256
    """How many connections of this process may wait for more of a request at once."""
    count_dropped: ClassVar[Callable[[], object]] = staticmethod(lambda: None)
    """Called for each connection that gives way."""

    _waiting: ClassVar[dict[BoundedHeads, None]] = {}
    _silent_until: ClassVar[float] = 0.0
    _patience: asyncio.TimerHandle | None = None
    _unfinished = 0  # bytes since the last head, piece of a body, or end of one

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_is_here()
        self._waiting.pop(self, None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._unfinished += len(data)
        super().data_received(data)
        if self._unfinished > MAX_HEAD_BYTES:
            self._refuse()
        elif self._patience is None and (self.cycle is None or self.cycle.response_complete):
            self._await_head()
        elif self in self._waiting:
            self._wait()

    def on_headers_complete(self) -> None:
        self._head_is_here()
        app = self.app
        if self._head_bytes() > MAX_HEAD_BYTES:
            self.app = _refusal()  # answered in its turn, behind what was asked before it
        super().on_headers_complete()
        self.app = app
        # The app begins in a later turn of the loop.
        extensions: dict[str, Any] = {WRITE_CHUNK: partial(self._write_chunk, self.cycle)}
        self.scope["extensions"] = extensions

    def _write_chunk(self, cycle: RequestResponseCycle, chunk: bytes) -> bool:
        if (
            not cycle.chunked_encoding
            or cycle.response_complete
            or cycle.disconnected
            or self.flow.write_paused
        ):
            return False
        self.transport.write(chunk)
        return True

    def _head_bytes(self) -> int:
        """The bytes of the head on the wire, without needless space."""
        first = len(self.parser.get_method()) + len(self.url) + len("  HTTP/1.1\r\n")
        fields = sum(len(name) + len(value) + len(": \r\n") for name, value in self.headers)
        return first + fields + len("\r\n")

    def on_body(self, body: bytes) -> None:
        self._unfinished = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._unfinished = 0
        self._waiting.pop(self, None)
        super().on_message_complete()

    def _await_head(self) -> None:
        self._patience = self.loop.call_later(HEAD_SECONDS, self.transport.close)
        self._wait()

    def _wait(self) -> None:
        """Move behind all waiting connections: it has just sent something, or been opened."""
        self._waiting.pop(self, None)
        self._waiting[self] = None
        if len(self._waiting) > self.most_waiting:
            next(iter(self._waiting))._give_way()

    def _give_way(self) -> None:
        self._waiting.pop(self)
        self.transport.abort()
        BoundedHeads.count_dropped()
        if self.loop.time() >= self._silent_until:
            BoundedHeads._silent_until = self.loop.time() + LOG_SECONDS
            logger.warning("connection_dropped", client=str(self.client), waiting=self.most_waiting)

    def _head_is_here(self) -> None:
        self._unfinished = 0
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _refuse(self) -> None:
        if self.transport.is_closing():
            return
        answer = _refusal()
        lines = [f"HTTP/1.1 {TOO_LARGE.value} {TOO_LARGE.phrase}".encode()]
        lines += [name + b": " + value for name, value in answer.raw_headers]
        self.transport.write(b"\r\n".join([*lines, b"", bytes(answer.body)]))
        self.transport.close()
