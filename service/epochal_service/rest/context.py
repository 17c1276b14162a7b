"""How a route comes by the context: the lifespan has put it where every request finds it."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from ..methods.context import Context


async def context_of(request: Request) -> Context:
    """The process's context; a coroutine, so that FastAPI takes no thread for it."""
    context: Context = request.app.state.context
    return context


Here = Annotated[Context, Depends(context_of)]
