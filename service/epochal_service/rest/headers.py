"""Headers that keep a browser from guessing types, framing replies, and loading foreign content."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

NOSNIFF = {"x-content-type-options": "nosniff", "referrer-policy": "same-origin"}
_OF_DATA = "default-src 'none'; frame-ancestors 'none'"
# The pages of FastAPI have one inline script, and styles that their scripts set.
_OF_DOCS = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; worker-src blob:; object-src 'none'; base-uri 'none'; "
    "frame-ancestors 'self'"
)
DOCS = ("/docs", "/redoc")


class SafeHeaders:
    """Middleware that adds these headers to replies that do not have their own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        policy = _OF_DOCS if scope["path"].startswith(DOCS) else _OF_DATA

        async def send_safe(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message["headers"])
                for name, value in {**NOSNIFF, "content-security-policy": policy}.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_safe)
