"""Tell each caller with an API key how many requests are left."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import Receive, Scope, Send

from ..methods.context import Context
from .middleware import HttpMiddleware, changing_headers


class RateLimits(HttpMiddleware):
    """Middleware that adds the quota of requests to every reply to which it applies."""

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        state = scope.setdefault("state", {})

        def add(headers: MutableHeaders) -> None:
            context: Context | None = state.get("context")
            rate = context.rate if context else None
            if rate is not None:
                headers.update(rate.headers)

        await self._app(scope, receive, changing_headers(send, add))
