"""Replies in JSON: unchanged ones are not sent again, and large ones are compressed.

    content ──> ETag ── in If-None-Match? ──> 304
                 └── otherwise ──> gzip, if accepted and large ──> reply

Both take processor time in proportion to the reply: call `json_reply` in a thread. A reply that
the cache has is answered here, before FastAPI routes, validates and authorizes again.
"""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import Response
from starlette.types import Receive, Scope, Send

from ..methods.context import Context
from ..methods.replies import Content
from ..specs.base import Reply
from .accept import JSON
from .context import foreign_origin
from .middleware import HttpMiddleware

NO_CACHE = "no-cache"
MIN_COMPRESSED_BYTES = 1024
"""A smaller reply fits into one packet with its headers."""
ANY_FORMAT = frozenset({"", "*/*", JSON})
"""Values of `Accept` for which every method replies in JSON."""
Headers = Mapping[str, str]
Key = tuple[str, bytes]


def cache_key(scope: Scope) -> Key:
    """Return the key of the reply in JSON to a GET request."""
    return scope["path"], scope["query_string"]


class CachedReplies(HttpMiddleware):
    """Middleware that answers with replies of the cache; `app` computes the others."""

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        context: Context = scope["app"].state.context
        # If a header is given twice, the first one counts, as it does for Starlette.
        pairs = reversed(scope["headers"])
        headers = {name.decode("latin-1"): text.decode("latin-1") for name, text in pairs}
        replies = context.replies
        if replies is None or headers.get("accept", "") not in ANY_FORMAT:
            await self._app(scope, receive, send)
            return
        authorization, origin = headers.get("authorization"), foreign_origin(headers)
        async with replies.turn(cache_key(scope), context, authorization, origin) as current:
            if current is None:
                await self._app(scope, receive, send)
                return
        caller, reply = current
        scope["route"] = reply.method  # its path names the request in metrics
        scope.setdefault("state", {})["context"] = caller
        await json_reply("GET", headers, reply.content)(scope, receive, send)


def json_content(reply: Reply) -> Content:
    """Return the reply in JSON. FastAPI would serialize it in the event loop."""
    return Content(reply.model_dump_json().encode())


def cached_content(reply: Reply) -> Content:
    """Return the reply in JSON; if it is large, also compressed: the cache counts these bytes."""
    content = json_content(reply)
    if content.size >= MIN_COMPRESSED_BYTES:
        _ = content.compressed
    return content


def json_reply(
    verb: str, headers: Headers, content: Content, status: int = 200, location: str | None = None
) -> Response:
    """Return the reply to a request with these headers, named in lower case.

    It is 304 for GET if `If-None-Match` has the ETag of the content.
    """
    all_headers = {"Vary": "Accept, Accept-Encoding"}
    if location is not None:
        all_headers["Location"] = location
    if verb == "GET":
        # Weak: the compressed reply has other bytes.
        all_headers |= {"ETag": f"W/{content.tag}", "Cache-Control": NO_CACHE}
        if content.tag in headers.get("if-none-match", ""):
            return Response(status_code=304, headers=all_headers)
    is_large = len(content.plain) >= MIN_COMPRESSED_BYTES
    if not is_large or "gzip" not in accepted_encodings(headers):
        return Response(content.plain, status, all_headers, JSON)
    all_headers["Content-Encoding"] = "gzip"
    return Response(content.compressed, status, all_headers, JSON)


def accepted_encodings(headers: Headers) -> set[str]:
    """Return the content codings that `Accept-Encoding` names and does not exclude."""
    return {
        coding.partition(";")[0].strip()
        for coding in headers.get("accept-encoding", "").split(",")
        if not coding.replace(" ", "").endswith(";q=0")
    }
