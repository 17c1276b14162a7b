"""A body is read up to the limit and no further, and JSON is parsed as strictly as it is defined.

    query -> content type -> length -> bytes, counted as they come -> document -> model

Each step refuses what it can before the next one costs anything; the last one is FastAPI's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic_core import from_json
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope

from ..errors import FieldError, InvalidArgument, TooLarge, UnsupportedMediaType
from .context import context_of

JSON = "application/json"
STALLED_SECONDS = 60.0  # a client that sends nothing of its body for this long is let go


class StrictRoute(APIRoute):
    """A route that refuses what it does not take, in its query as in its body.

    A body is JSON, or one of the media types that the route's `openapi_extra` describes.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        takes_query, takes_body = self.dependant.query_params, self.body_field
        described = (self.openapi_extra or {}).get("requestBody", {}).get("content", {})
        accepted = (JSON, *described)

        async def read_and_handle(request: Request) -> Response:
            if request.query_params and not takes_query:  # a query's model refuses by itself
                raise InvalidArgument.of(
                    *(FieldError(name, "is not a field here") for name in request.query_params)
                )
            return await handle(await _read(request, accepted) if takes_body else request)

        return read_and_handle


class _ReadRequest(Request):
    """A request whose body has been read; `document` is what its JSON says."""

    def __init__(self, scope: Scope, receive: Receive, content: bytes, document: object) -> None:
        super().__init__(scope, receive)
        self._content = content
        self._document = document

    async def body(self) -> bytes:
        return self._content

    async def json(self) -> object:
        return self._document


async def _read(request: Request, accepted: tuple[str, ...]) -> Request:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in accepted:
        raise UnsupportedMediaType(
            f"The body must be {' or '.join(accepted)}: say so in the header Content-Type"
        )
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType("The body must come as it is, without a Content-Encoding")
    context = await context_of(request)
    content = await _read_bytes(request, context.settings.limits.max_body_bytes)
    if not content:
        raise InvalidArgument(f"The request needs a body of {' or '.join(accepted)}")
    document = parse_json(content) if media_type == JSON else None
    return _ReadRequest(request.scope, request.receive, content, document)


async def _read_bytes(request: Request, limit: int) -> bytes:
    """The whole body. Raises `TooLarge` as soon as it is known to have more than `limit` bytes, and
    a 408 when it stops coming.
    """
    too_large = TooLarge(
        f"The body may have {limit} bytes: GET /v1/limits has this server's limits"
    )
    length = request.headers.get("content-length", "0")
    if length.isdecimal() and int(length) > limit:
        raise too_large
    content = bytearray()
    try:
        async with asyncio.timeout(STALLED_SECONDS) as patience:
            async for chunk in request.stream():
                content += chunk
                if len(content) > limit:
                    raise too_large
                patience.reschedule(asyncio.get_running_loop().time() + STALLED_SECONDS)
    except ClientDisconnect:
        raise InvalidArgument("The body ended before its time") from None
    except TimeoutError:
        detail = (
            f"The body has {len(content)} bytes so far, and no more came for {STALLED_SECONDS:g} s"
        )
        raise HTTPException(HTTPStatus.REQUEST_TIMEOUT, detail) from None
    return bytes(content)


def parse_json(content: bytes) -> object:
    """The document that the bytes hold. Raises `InvalidArgument` where they are no JSON.

    NaN, Infinity, invalid UTF-8, lone surrogates, integers of more than 4300 digits and more than
    200 levels of nesting are refused by the parser as it meets them. Of a key that is given twice
    the last one counts, as it does for a field of a proto message.
    """
    try:
        return from_json(content, allow_inf_nan=False)
    except ValueError as error:
        raise InvalidArgument(f"The body is not valid JSON: {error}") from None
