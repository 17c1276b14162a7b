"""Headers that keep a browser from guessing types, framing replies, and loading foreign content."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import Receive, Scope, Send

from .middleware import HttpMiddleware, changing_headers

NOSNIFF = {"x-content-type-options": "nosniff", "referrer-policy": "same-origin"}
_OF_DATA = "default-src 'none'; frame-ancestors 'none'"
# The pages of FastAPI have one inline script, and styles that their scripts set.
_OF_DOCS = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; worker-src blob:; object-src 'none'; base-uri 'none'; "
    "frame-ancestors 'self'"
)
DOCS = ("/docs", "/redoc")


class SafeHeaders(HttpMiddleware):
    """Middleware that adds these headers to replies that do not have their own."""

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        policy = _OF_DOCS if scope["path"].startswith(DOCS) else _OF_DATA

        def add(headers: MutableHeaders) -> None:
            for name, value in {**NOSNIFF, "content-security-policy": policy}.items():
                headers.setdefault(name, value)

        await self._app(scope, receive, changing_headers(send, add))
