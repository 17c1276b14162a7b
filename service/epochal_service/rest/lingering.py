"""A reply that comes before the end of the body is read by clients that send all of it first.

reply -> the rest of the body, unread -> the connection closes

A connection that closes while its client sends is reset, and the reply with it. Connections that
stay open read the rest anyway.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope, Send

from .middleware import HttpMiddleware

LINGER_SECONDS = 30.0


class LingeringClose(HttpMiddleware):
    """Middleware that reads the rest of a body before a connection closes, as nginx does."""

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        # A client that expects a 100 sends its body only after that.
        if headers.get("connection", "").lower() != "close" or "expect" in headers:
            await self._app(scope, receive, send)
            return
        is_read = False

        async def receive_some() -> Message:
            nonlocal is_read
            message = await receive()
            is_read = not message.get("more_body", False)
            return message

        async def send_and_linger(message: Message) -> None:
            is_last = message["type"] == "http.response.body" and not message.get("more_body")
            if not is_last or is_read:
                await send(message)
                return
            await send({**message, "more_body": True})
            with suppress(TimeoutError):
                async with asyncio.timeout(LINGER_SECONDS):
                    while not is_read:
                        await receive_some()
            await send({"type": "http.response.body"})

        await self._app(scope, receive_some, send_and_linger)
