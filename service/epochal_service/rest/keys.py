"""API keys of pages: in the URL of a link, and named for the origins that may use them.

?key=ep_…  ──>  Authorization: Link ep_…  ──>  PresentedKey.check
Origin     ──>  the operator's, or of the presented key  ──>  Access-Control-Allow-Origin
"""

from __future__ import annotations

from urllib.parse import unquote

from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from ..access.keys import LINK, PresentedKey
from ..errors import EpochalError
from ..methods.context import Context
from ..settings import Settings
from ..store import api_keys
from ..store.keys import REPLAYED
from .context import foreign_origin
from .middleware import HttpMiddleware

KEY = b"key="

# Methods and headers that pages of allowed origins may use, beside the ones for every page.
ALLOWED_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
ALLOWED_HEADERS = (
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-None-Match",
    "If-Range",
    "Last-Event-ID",
    "Range",
    "X-Request-Id",
)
EXPOSED_HEADERS = (
    "Content-Disposition",
    "Content-Range",
    "ETag",
    REPLAYED,
    "Location",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "WWW-Authenticate",
    "X-Request-Id",
)
PREFLIGHT_SECONDS = 600


class KeysInUrls(HttpMiddleware):
    """Middleware that moves `key` from the query of a request that reads to its headers, so that
    the rest of the service finds a key in one place.
    """

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        pairs = scope["query_string"].split(b"&")
        keys = [pair[len(KEY) :] for pair in pairs if pair.startswith(KEY)]
        if keys and scope["method"] in ("GET", "HEAD") and scope["path"].startswith("/v1/"):
            rest = b"&".join(pair for pair in pairs if not pair.startswith(KEY))
            scope = {**scope, "query_string": rest}
            if "authorization" not in Headers(scope=scope):
                value = f"{LINK} {unquote(keys[-1].decode('latin-1'))}"
                header = (b"authorization", value.encode("latin-1", "replace"))
                scope["headers"] = [*scope["headers"], header]
        await self._app(scope, receive, send)


class AllowedOrigins(HttpMiddleware):
    """Middleware that lets pages of other origins read replies: of the origins that the operator
    has named, and of those that the presented key is for.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        super().__init__(app)
        self._origins = tuple(settings.origins)

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers, allowed = Headers(scope=scope), self._origins
        origin = foreign_origin(headers)
        if origin is not None and origin not in allowed and "*" not in allowed:
            context: Context = scope["app"].state.context
            if await run_in_threadpool(_is_named, context, origin, scope["method"], headers):
                allowed = (*allowed, origin)
        if not allowed:
            await self._app(scope, receive, send)
            return
        serve = CORSMiddleware(
            self._app,
            allow_origins=allowed,
            allow_methods=ALLOWED_METHODS,
            allow_headers=ALLOWED_HEADERS,
            allow_private_network=True,  # a page of the Internet, a service on the reader's machine
            expose_headers=EXPOSED_HEADERS,
            max_age=PREFLIGHT_SECONDS,
        )
        await serve(scope, receive, send)


def _is_named(context: Context, origin: str, verb: str, headers: Headers) -> bool:
    """Return whether the presented key is for pages of the origin. A browser asks without the key
    before it sends it: then, whether any key is.
    """
    key_id = None
    if verb != "OPTIONS" and "authorization" not in headers:
        return False
    try:
        if verb != "OPTIONS":
            key_id = PresentedKey.of(headers["authorization"]).id
        with context.database.read() as connection:
            return api_keys.names_origin(connection, origin.lower(), key_id)
    except EpochalError:
        return False  # the method raises the same
