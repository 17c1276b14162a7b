"""A second process beside one with an event loop. It answers what would hold the loop up.

    event loop --(function, arguments)--> process: one call at a time --(result or error)--> loop

It starts with its first call, has a limit of memory, and dies with its parent.
"""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import resource
import signal
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from functools import partial
from typing import ParamSpec, TypeVar

from .errors import Unavailable
from .memory import give_memory_back
from .parent_death import die_with_parent

P = ParamSpec("P")
R = TypeVar("R")

MEMORY_BYTES = 2 * 2**30


class SecondProcess:
    """A process that calls functions; `prepare()` is the first one. `close` ends it."""

    def __init__(self, prepare: Callable[[], None]) -> None:
        self._prepare = prepare
        self._pool: ProcessPoolExecutor | None = None

    async def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Return `function(*args)`, called in the process. Function, arguments, result and errors
        are pickled.

        Raises `Unavailable` if the process dies.
        """
        called = partial(_call, function, *args, **kwargs)
        try:
            call = self._started().submit(called)
        except BrokenProcessPool:  # it died since its last call
            self._pool = None
            call = self._started().submit(called)
        try:
            return await asyncio.wrap_future(call)
        except (BrokenProcessPool, MemoryError):
            raise Unavailable(
                "The process for large requests ran out of memory or was killed: send less data, "
                "or try again"
            ) from None

    def _started(self) -> ProcessPoolExecutor:
        if self._pool is None:
            spawn = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(1, spawn, _start, (os.getpid(), self._prepare))
        return self._pool

    def close(self) -> None:
        """End the process after its current call."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)


def _start(parent: int, prepare: Callable[[], None]) -> None:
    die_with_parent(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent
    with suppress(ValueError):  # the system has a lower limit
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    prepare()
    # A document of millions of objects would be searched for garbage again and again.
    gc.disable()
    gc.freeze()


def _call(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    try:
        return function(*args, **kwargs)
    finally:
        gc.collect()
        give_memory_back()
