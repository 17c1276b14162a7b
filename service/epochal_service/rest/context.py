"""The context of a request: the process's context, for the owner of the caller's API key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated
from urllib.parse import unquote

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool

from ..access.keys import Need
from ..methods.context import Context

TOKEN = b"token="


async def context_of(request: Request) -> Context:
    """Return what `authorize` found; a coroutine, so that FastAPI takes no thread for it."""
    context: Context = request.state.context
    return context


def foreign_origin(headers: Mapping[str, str]) -> str | None:
    """Return the origin of the page that sent a request; None for one of the service, or none."""
    origin = headers.get("origin")
    if origin is None or origin.partition("://")[2] == headers.get("host"):
        return None
    return origin


async def authorize(request: Request, need: Need | None, *, takes_token: bool = False) -> None:
    """Find the caller of a method with this need; None: it needs no key.

    A method that `takes_token` accepts, instead of a key, a stream token for the `id` in its path.
    Raises `Unauthenticated`, `Forbidden`, `QuotaExceeded`.
    """
    context: Context = request.app.state.context
    authorization = request.headers.get("authorization")
    if takes_token and (token := _take_token(request)):
        subject = request.path_params["id"]
        context = await run_in_threadpool(context.authorized_by_token, token, subject)
    elif need is not None and (authorization is not None or context.settings.needs_keys):
        origin = foreign_origin(request.headers)
        context = await run_in_threadpool(context.authorized, authorization, need, origin)
    request.state.context = context
    context.count_request()


def _take_token(request: Request) -> str:
    """Remove `token` from the query and return it: the models of the contract do not have it."""
    pairs = request.scope["query_string"].split(b"&")
    tokens = [pair for pair in pairs if pair.startswith(TOKEN)]
    request.scope["query_string"] = b"&".join(pair for pair in pairs if pair not in tokens)
    return unquote(tokens[-1][len(TOKEN) :].decode("latin-1")) if tokens else ""


Here = Annotated[Context, Depends(context_of)]
