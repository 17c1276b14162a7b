"""Blocking code on an event loop: what it waits for, the loop awaits.

A function runs in a greenlet. Where it would block, `wait_for` switches to the coroutine that
started it, which awaits the reply and switches back. So one text serves `Client` and `AsyncClient`.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from .errors import EpochalError, MissingDependency

T = TypeVar("T")


def wait_for(awaitable: Awaitable[T]) -> T:
    """Return the result of `awaitable`, inside a function that `run` has started."""
    current = greenlet_library().getcurrent()
    if not hasattr(current, "loop"):
        raise EpochalError("This reads from the service: call a method of the client, and await it")
    result: T = current.loop.switch(awaitable)
    return result


def in_thread(function: Callable[..., T], *arguments: Any) -> T:
    """Return the result of a function that blocks: on an event loop, of a thread beside it."""
    library = sys.modules.get("greenlet")
    if library is None or not hasattr(library.getcurrent(), "loop"):
        return function(*arguments)
    from asyncio import to_thread

    return wait_for(to_thread(function, *arguments))


async def run(function: Callable[..., T], *arguments: Any) -> T:
    """Return the result of a function that waits by `wait_for`."""
    library = greenlet_library()
    call = library.greenlet(function)
    call.loop = library.getcurrent()
    call.gr_context = call.loop.gr_context
    result = call.switch(*arguments)
    while not call.dead:
        try:
            value = await result
        except BaseException as error:
            # A cancellation, too, ends the function where it waits.
            result = call.throw(error)
        else:
            result = call.switch(value)
    return result  # type: ignore[no-any-return]


def greenlet_library() -> Any:
    """Return the module greenlet. Raises `MissingDependency`."""
    try:
        import greenlet
    except ImportError as missing:
        raise MissingDependency(
            "AsyncClient needs greenlet, which is not installed. "
            'Install it: pip install "epochal[async]"'
        ) from missing
    return greenlet
