"""Answer a request in the second process: the same app without its middleware, and a body that has
been read.

    request --(method, path, query, headers, body)--> app --(status, headers, body)--> response
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from functools import cache
from io import BytesIO
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, BinaryIO, NamedTuple

from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from starlette.types import ASGIApp, Message

from ..large import LARGE_BYTES
from ..methods.context import Context
from ..processes.large_files import prefix
from ..settings import Settings

PIECE_BYTES = 2**16
CLIENT_GONE = 499
"""As nginx logs it: nobody receives it."""
SCOPE = (
    "type",
    "http_version",
    "method",
    "scheme",
    "path",
    "raw_path",
    "query_string",
    "headers",
    "client",
    "server",
)
"""The parts of a request's scope that the app reads and that can be pickled."""


class Reply(NamedTuple):
    """A response in pieces that can be pickled."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes | Path
    """The content, or the file that has it and is to be deleted."""

    def discard(self) -> None:
        if isinstance(self.body, Path):
            self.body.unlink()


async def answer_elsewhere(context: Context, request: Request, body: bytes | Path) -> Response:
    """Return the response of the second process to a request with this body, or with the content of
    this file; none to a client that has gone. Raises what the app does not handle.
    """
    scope = {name: request.scope[name] for name in SCOPE if name in request.scope}
    call = asyncio.create_task(context.call_elsewhere(_answer, scope, body))
    disconnected = asyncio.create_task(_disconnection(request))
    try:
        await asyncio.wait((call, disconnected), return_when=asyncio.FIRST_COMPLETED)
        if not call.done():
            return Response(status_code=CLIENT_GONE)
        reply = call.result()
    finally:
        call.cancel()
        disconnected.cancel()
    response: Response
    if isinstance(reply.body, Path):
        file = reply.body.open("rb")
        reply.body.unlink()
        response = StreamingResponse(_pieces(file), reply.status)
    else:
        response = Response(reply.body, reply.status)
    response.raw_headers = reply.headers
    return response


async def _disconnection(request: Request) -> None:
    """Return when the client has gone. Its body has been read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _pieces(file: BinaryIO) -> AsyncIterator[bytes]:
    """Yield the content as fast as the client takes it: many replies must not fill the memory."""
    with file:
        while piece := file.read(PIECE_BYTES):
            yield piece


def _answer(context: Context, scope: dict[str, Any], body: bytes | Path) -> Reply:
    messages: list[Message] = []
    content = body.open("rb") if isinstance(body, Path) else BytesIO(body)

    async def receive() -> Message:
        piece = content.read(PIECE_BYTES)
        return {"type": "http.request", "body": piece, "more_body": bool(piece)}

    async def send(message: Message) -> None:
        messages.append(message)

    app = _app(context.settings)

    async def serve() -> None:
        await app({**scope, "state": {"context": context}}, receive, send)

    with content:
        asyncio.run(serve())
    start, *parts = messages
    reply = b"".join(part.get("body", b"") for part in parts)
    return Reply(start["status"], list(start["headers"]), _stored(reply))


def _stored(content: bytes) -> bytes | Path:
    if len(content) <= LARGE_BYTES:
        return content
    with NamedTemporaryFile(prefix=prefix(os.getppid()), delete=False) as file:
        file.write(content)
    return Path(file.name)


@cache
def _app(settings: Settings) -> ASGIApp:
    from .app import create_app  # which imports this module

    app = create_app(settings)
    app.user_middleware.clear()
    return app
