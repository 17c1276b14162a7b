"""A job's events as server-sent events: frames in, bytes out, nothing held for a slow reader.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing, contextmanager
from time import monotonic
from typing import Any

import anyio
import structlog
from fastapi import Request, Response
from starlette.types import Receive, Scope, Send

from ..errors import EpochalError
from ..metrics import Metrics
from ..specs.base import Reply
from ..streams.follow import Frame, Stream
from .heads import WRITE_CHUNK

logger = structlog.get_logger(__name__)

STALLED_SECONDS = 60.0  # a client that takes nothing for this long is let go
LOOK_SECONDS = 15.0  # how often that is looked at
RETRY = b"retry: 1000\n\n"
HEARTBEAT = b": heartbeat\n\n"
HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),  # nginx would keep events back until its buffer is full
]


class EventStreamMedia(Response):
    """Names the media type in the description of the API."""

    media_type = "text/event-stream"


STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Server-sent events: `id` is the event's `seq`, `event` its `type`, and "
        "`data` the JSON of the field that is named like the type",
    },
    204: {"description": "The cursor is past the end: there is nothing more to come"},
}
"""The documented replies of a route that streams, beside the model of an event."""
STREAM_OF_MANY = {
    "description": "Server-sent events: `id` is the event's `cursor`, `event` its `type`, and "
    "`data` JSON with `job`, `seq` and the field that is named like the type",
}
"""The same for a stream of several jobs."""


def content_of(event: type[Reply]) -> dict[str, Any]:
    """The documentation of a stream that a route replies with if the client prefers it."""
    media_type = EventStreamMedia.media_type
    events = {"$ref": f"#/components/schemas/{event.__name__}"}
    schema = {"type": "string", "contentMediaType": media_type, "contentSchema": events}
    return {media_type: {"schema": schema}}


def stream(frames: Stream, request: Request) -> Response:
    """The answer that sends the frames; an empty one where there are no more."""
    if frames.ended:
        frames.close()
        return Response(status_code=204)
    streams: Streams = request.app.state.streams
    return EventStream(frames, streams)


class Streams:
    """The streams of one app that are open, so that a server about to stop can end them."""

    def __init__(self, metrics: Metrics) -> None:
        self.stopping = asyncio.Event()
        self._metrics = metrics
        self._scopes: dict[anyio.CancelScope, EventStream] = {}

    async def end_when_stopping(self) -> None:
        """Waits for `stopping`, then ends every open stream cleanly."""
        await self.stopping.wait()
        for scope in self._scopes:
            scope.cancel()

    async def end_stalled(self) -> None:
        """Ends the streams of stalled clients, for as long as it runs."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            for scope, stream in list(self._scopes.items()):
                stream.end_if_stalled(scope)

    @contextmanager
    def open(self, stream: EventStream, scope: anyio.CancelScope) -> Iterator[None]:
        """Counts a stream as open while the block lasts; to cancel its `scope` ends it."""
        self._scopes[scope] = stream
        if self.stopping.is_set():
            scope.cancel()
        with self._metrics.http_streams.track_inprogress():
            try:
                yield
            finally:
                del self._scopes[scope]


class EventStream(Response):
    """Sends frames until they end, the client goes away or stalls, or the server stops."""

    def __init__(self, frames: Stream, streams: Streams) -> None:
        self.background = None
        self._frames = frames
        self._streams = streams
        self._waiting_since: float | None = None  # for the client to take what is being sent
        self._stalled = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        write_chunk = scope.get("extensions", {}).get(WRITE_CHUNK)
        if write_chunk is not None:
            self._frames.write_with(lambda frame: write_chunk(chunk_of(frame)))
        with closing(self._frames):
            await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
            if await self._follow(receive, send):
                await send({"type": "http.response.body"})

    async def _follow(self, receive: Receive, send: Send) -> bool:
        """False if the client stalls: one more byte would wait behind bytes that nobody takes."""
        # A separate task, not in a group of tasks: a thousand streams are opened at once.
        with anyio.CancelScope() as scope, self._streams.open(self, scope):
            disconnected = asyncio.create_task(_cancel_when_disconnected(receive, scope))
            try:
                await self._send(send, RETRY)
                async for frame in self._frames:
                    await self._send(send, block_of(frame))
            except EpochalError as error:
                # The client connects again with its cursor, and may then receive the reason.
                logger.warning("stream_ended_early", error=str(error))
            finally:
                disconnected.cancel()
        return not self._stalled

    async def _send(self, send: Send, block: bytes) -> None:
        self._waiting_since = monotonic()
        await send({"type": "http.response.body", "body": block, "more_body": True})
        self._waiting_since = None

    def end_if_stalled(self, scope: anyio.CancelScope) -> None:
        """Cancels the scope if the client has taken nothing for too long."""
        since = self._waiting_since
        if since is None or monotonic() - since < STALLED_SECONDS:
            return
        self._stalled = True
        scope.cancel()


async def _cancel_when_disconnected(receive: Receive, scope: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()


def chunk_of(frame: Frame) -> bytes:
    """The same bytes as a chunk of HTTP/1.1, encoded once for all watchers."""
    chunk: bytes | None = frame.encoded.get("chunk")
    if chunk is None:
        block = block_of(frame)
        chunk = frame.encoded["chunk"] = b"%x\r\n%b\r\n" % (len(block), block)
    return chunk


def block_of(frame: Frame) -> bytes:
    """The frame as bytes of the event stream, encoded once for all watchers."""
    if frame.type == "heartbeat":
        return HEARTBEAT
    block: bytes | None = frame.encoded.get("sse")
    if block is None:
        head = f"id: {frame.id}\nevent: {frame.type}\ndata: ".encode()
        block = frame.encoded["sse"] = head + frame.data + b"\n\n"
    return block
