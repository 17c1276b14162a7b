"""Give every request an id."""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import Receive, Scope, Send
from structlog.contextvars import bound_contextvars

from ..request_ids import HEADER, VARIABLE, accepted
from .middleware import HttpMiddleware, changing_headers


class RequestIds(HttpMiddleware):
    """Middleware that takes the id of a request from its header, or makes one, and returns it."""

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = accepted(Headers(scope=scope).get(HEADER))

        def add(headers: MutableHeaders) -> None:
            headers[HEADER] = request_id

        with bound_contextvars(**{VARIABLE: request_id}):
            await self._app(scope, receive, changing_headers(send, add))
