"""Methods that answer with a stream: frames as messages, each encoded once for all watchers.

A watcher is a cursor and one frame on its way out. One that does not read is let go after a while;
when the server stops, it asks all watchers to connect again.
"""

from __future__ import annotations

import asyncio
from contextlib import closing

import grpc
from anyio import to_thread
from google.protobuf.descriptor import MethodDescriptor

from .._proto import message
from ..apis import find
from ..errors import Unavailable
from ..large import LARGE_BYTES
from ..methods.context import Context
from ..streams.follow import Frame
from .convert import from_dict
from .services import Call, admit, arguments, check_length, reporting_errors

STALLED_SECONDS = 60.0


class Streams:
    """The open streams of one server; `close` ends them all, and any that would follow."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._open: set[asyncio.Timeout] = set()
        self._closed = False

    def handler(self, descriptor: MethodDescriptor) -> grpc.RpcMethodHandler[bytes, bytes]:
        """The handler of a method that answers with a stream of frames."""
        method = find(descriptor.name)

        async def handle(raw: bytes, call: Call) -> None:
            patience = asyncio.timeout(0 if self._closed else None)
            try:
                check_length(raw, LARGE_BYTES)  # its arguments are read in the event loop
                async with patience:
                    self._open.add(patience)
                    context = await to_thread.run_sync(admit, self._context, call, method.need)
                    frames = await method.function(context, *arguments(context, descriptor, raw))
                    with closing(frames), self._context.metrics.grpc_streams.track_inprogress():
                        if frames.ended:
                            return
                        async for frame in frames:
                            self._allow(patience, STALLED_SECONDS)
                            await call.write(encoded(frame))
                            self._allow(patience, None)
            except TimeoutError:
                if not patience.expired():
                    raise
                raise Unavailable(
                    "The server is stopping; watch on from the last seq."
                    if self._closed
                    else "Nothing was read for too long; watch on from the last seq."
                ) from None
            finally:
                self._open.discard(patience)

        reporting = reporting_errors(self._context.metrics, method, handle)
        return grpc.unary_stream_rpc_method_handler(reporting)

    def close(self) -> None:
        """End every stream where it waits."""
        self._closed = True
        for patience in self._open:
            if not patience.expired():
                self._allow(patience, None)

    def _allow(self, patience: asyncio.Timeout, seconds: float | None) -> None:
        """Allow the next event this number of seconds (None: no limit); none once closed."""
        now = asyncio.get_running_loop().time()
        patience.reschedule(now if self._closed else seconds and now + seconds)


def encoded(frame: Frame) -> bytes:
    """The frame as a serialized event, made when the first watcher asks for it."""
    if "grpc" not in frame.encoded:
        kind = message(type(frame.event).__name__)
        frame.encoded["grpc"] = from_dict(frame.event.model_dump(), kind).SerializeToString()
    event: bytes = frame.encoded["grpc"]
    return event
