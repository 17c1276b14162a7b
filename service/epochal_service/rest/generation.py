"""Generation: a stream of events, or all of them in one reply."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from anyio import to_thread
from fastapi import Request, Response

from ..methods.generation import Generated, Total
from ..methods.method import Method
from ..methods.replies import Content
from .accept import accepted, prefers
from .replies import json_reply
from .streams import EventStreamMedia, stream

EVENTS = EventStreamMedia.media_type


async def answer(
    method: Method, *, context: Any, request: Request, body: Any, **path: Any
) -> Response:
    """Return the reply in the media type that the client prefers; JSON where it has no choice."""
    frames: Generated = await method.function(context, *path.values(), body)
    if prefers(EVENTS, accepted(request.headers)):
        return stream(frames, request)
    total = Total()
    with closing(frames):
        async for frame in frames:
            if await request.is_disconnected():
                return Response(status_code=204)  # nobody reads it
            if frame.type == "sample":  # which is serialized here
                await to_thread.run_sync(total.add, frame.event)
            else:
                total.add(frame.event)
    return await to_thread.run_sync(_reply, request, total)


def _reply(request: Request, total: Total) -> Response:
    return json_reply(request.method, request.headers, Content(total.content()))
