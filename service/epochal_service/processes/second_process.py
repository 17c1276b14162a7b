"""A second process beside one with an event loop. It answers what would hold the loop up.

    event loop --(function, arguments)--> process: one call at a time --(result or error)--> loop

Owners take turns. The process starts with its first call, has a limit of memory and, for each call,
of processor time, and dies with its parent.
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
from itertools import count
from time import monotonic
from typing import ParamSpec, TypeVar

from ..errors import TooLarge, Unavailable
from ..turns import Turns
from .heap import give_memory_back
from .parent_death import die_with_parent

P = ParamSpec("P")
R = TypeVar("R")

MEMORY_BYTES = 2 * 2**30
PROCESSOR_SECONDS = 60.0
"""The time limit of one call. The longest known one, a generated data set at its limits, takes
12."""


CALLS_UNTIL_ALL_IS_SEARCHED = 64
"""Calls after which garbage is looked for among all objects: this takes 60 ms."""
_calls = count(1)


class SecondProcess:
    """A process that calls functions; `prepare()` is the first one. `close` ends it."""

    def __init__(
        self, prepare: Callable[[], None], processor_seconds: float = PROCESSOR_SECONDS
    ) -> None:
        self._prepare = prepare
        self._seconds = processor_seconds
        self._turns = Turns(at_once=1, what="large requests")
        self._pool: ProcessPoolExecutor | None = None

    async def run(
        self, owner: str, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Return `function(*args)`, called in the process when it is the owner's turn. Function,
        arguments, result and errors are pickled. A caller that has gone before is skipped. If a
        caller goes during the call, `discard()` of its result is called, if it has that method.

        Raises `QuotaExceeded` if too many calls of the owner wait, `TooLarge` if the call takes too
        long, and `Unavailable` if the process dies.
        """
        begun = False

        async def call() -> R:
            nonlocal begun
            async with self._turns.turn(owner):
                begun = True
                return await self._call(partial(_call, self._seconds, function, *args, **kwargs))

        calling = asyncio.create_task(call())
        try:
            return await asyncio.shield(calling)
        except asyncio.CancelledError:
            if begun:  # the process is not free yet, and it is nobody else's turn
                calling.add_done_callback(_discard)
            else:
                calling.cancel()
            raise

    async def _call(self, called: Callable[[], R]) -> R:
        begun = monotonic()
        try:
            call = self._started().submit(called)
        except BrokenProcessPool:  # it died since its last call
            self._pool = None
            call = self._started().submit(called)
        try:
            return await asyncio.wrap_future(call)
        except (BrokenProcessPool, MemoryError):
            if monotonic() - begun >= self._seconds:
                raise TooLarge(
                    f"The request takes more than {self._seconds:g} s to answer: send less data"
                ) from None
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


def _discard(ended: asyncio.Task[object]) -> None:
    if not ended.cancelled() and ended.exception() is None:
        getattr(ended.result(), "discard", bool)()


def _start(parent: int, prepare: Callable[[], None]) -> None:
    die_with_parent(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent
    with suppress(ValueError):  # the system has a lower limit
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    prepare()
    # A document of millions of objects would be searched for garbage again and again.
    gc.disable()
    gc.freeze()


def _call(seconds: float, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    signal.setitimer(signal.ITIMER_PROF, seconds)  # its signal ends the process
    try:
        return function(*args, **kwargs)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        # Of what is not new since the last call, nearly all is the program itself.
        gc.collect(1 if next(_calls) % CALLS_UNTIL_ALL_IS_SEARCHED else 2)
        give_memory_back()
