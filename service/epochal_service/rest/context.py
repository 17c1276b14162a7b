"""How a route comes by the context: the lifespan has put it where every request finds it."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Header, Request

from ..methods.context import Context


async def context_of(request: Request) -> Context:
    """The process's context; a coroutine, so that FastAPI takes no thread for it."""
    context: Context = request.app.state.context
    return context


Here = Annotated[Context, Depends(context_of)]

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        description="Makes it safe to try again: the same key and request make one thing.",
    ),
]
