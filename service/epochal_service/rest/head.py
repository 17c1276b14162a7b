"""Answer a HEAD request like a GET request, without the body."""

from __future__ import annotations

import asyncio

from starlette.types import Message, Receive, Scope, Send

from .middleware import HttpMiddleware


class HeadAsGet(HttpMiddleware):
    """Middleware that lets `app` answer GET, and ends the answer where its body would begin."""

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        answered = asyncio.Event()

        async def send_head(message: Message) -> None:
            if message["type"] == "http.response.start":
                await send(message)
                await send({"type": "http.response.body"})
                answered.set()

        async def disconnect() -> Message:
            # A stream of events goes on until its client has left.
            await answered.wait()
            return {"type": "http.disconnect"}

        # Ranges are for GET alone.
        headers = [pair for pair in scope["headers"] if pair[0] != b"range"]
        get = {**scope, "method": "GET", "headers": headers}
        await self._app(get, disconnect, send_head)
