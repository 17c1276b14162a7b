"""Headers that keep a browser from guessing types, framing replies, and loading foreign content."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import Receive, Scope, Send

from .middleware import HttpMiddleware, changing_headers

HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}


class SafeHeaders(HttpMiddleware):
    """Middleware that adds these headers to replies that do not have their own."""

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        def add(headers: MutableHeaders) -> None:
            for name, value in HEADERS.items():
                headers.setdefault(name, value)

        await self._app(scope, receive, changing_headers(send, add))
