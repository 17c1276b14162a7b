"""Measures how long an event loop cannot run: for a callback, or for a thread with the interpreter
lock.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import process_time


class LoopMonitor:
    """A companion of an app.

    `longest` is the most CPU time, in seconds, that the process used while its loop could not run a
    task that was ready. On a busy machine it is no longer than on a quiet one.
    """

    def __init__(self) -> None:
        self.longest = 0.0

    @asynccontextmanager
    async def __call__(self, _: object) -> AsyncIterator[None]:
        """Measure while the block lasts."""
        measuring = asyncio.create_task(self._measure())
        try:
            yield
        finally:
            measuring.cancel()

    async def _measure(self) -> None:
        while True:
            before = process_time()
            await asyncio.sleep(0.001)
            self.longest = max(self.longest, process_time() - before)
