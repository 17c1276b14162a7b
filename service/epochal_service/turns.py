"""Long computations run a few at a time, and owners take turns.

    request ── one of a few free? ──────────────────────────────> computes in a thread
                └── no: behind the requests of its owner ── owners in turn ──┘

Threads that compute share the interpreter lock with the event loop: with sixteen of them it waited
up to 60 ms for its own turn.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from .errors import QuotaExceeded

AT_ONCE = 2
MAX_WAITING = 100
"""Requests of one owner that may wait."""
RETRY_SECONDS = 1


class Turns:
    """Blocks that are entered a few at a time. For one event loop. `what` is for those refused."""

    def __init__(
        self, at_once: int = AT_ONCE, max_waiting: int = MAX_WAITING, what: str = "simulations"
    ) -> None:
        self._what = what
        self._free = at_once
        self._max_waiting = max_waiting
        self._queues: dict[str, deque[asyncio.Future[None]]] = {}

    @asynccontextmanager
    async def turn(self, owner: str) -> AsyncIterator[None]:
        """Enter the block when it is the owner's turn. Raises `QuotaExceeded` if too many of its
        requests wait.
        """
        await self._enter(owner)
        try:
            yield
        finally:
            self._leave()

    async def _enter(self, owner: str) -> None:
        if self._free:
            self._free -= 1
            return
        queue = self._queues.setdefault(owner, deque())
        if len(queue) >= self._max_waiting:
            raise QuotaExceeded(
                f"{len(queue)} {self._what} of this owner wait already: wait for their replies",
                retry_after=RETRY_SECONDS,
            )
        entered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(entered)
        try:
            await entered
        except asyncio.CancelledError:
            if entered.cancelled():
                queue.remove(entered)
            else:
                self._leave()
            raise

    def _leave(self) -> None:
        """Let the first request of the owner that has waited longest for a turn enter."""
        for owner, queue in list(self._queues.items()):
            del self._queues[owner]
            waiting = [entered for entered in queue if not entered.done()]
            if waiting:
                self._queues[owner] = queue
                queue.remove(waiting[0])
                waiting[0].set_result(None)
                return
        self._free += 1
