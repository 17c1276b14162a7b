"""The context of a request: that of the process, for the owner of the caller's API key."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool

from ..keys import Scope
from ..methods.context import Context


async def context_of(request: Request) -> Context:
    """Return what `authorize` found; a coroutine, so that FastAPI takes no thread for it."""
    context: Context = request.state.context
    return context


async def authorize(request: Request, scope: Scope | None) -> None:
    """Find the caller of a method that needs the scope; None: it needs no key.

    Raises `Unauthenticated`, `Forbidden`.
    """
    context: Context = request.app.state.context
    authorization = request.headers.get("authorization")
    if scope is not None and (authorization is not None or context.settings.needs_keys):
        context = await run_in_threadpool(context.authorized, authorization, scope)
    request.state.context = context


Here = Annotated[Context, Depends(context_of)]
