"""Lookups of many requests in one: requests that come while a lookup runs wait for the next one.

    request ──┐
    request ──┼── a set of keys ── one call in a thread ──> a value for each
    request ──┘

A thread and a transaction for each request would cost more than the lookup itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Batches(Generic[K, V]):
    """Calls `read`, which has a value for every key of a set, in a thread. For one event loop."""

    def __init__(self, read: Callable[[set[K]], Mapping[K, V]]) -> None:
        self._read = read
        # A separate thread: the threads of the event loop may all be reading or reaping.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="lookups")
        self._waiting: dict[K, list[asyncio.Future[V]]] = {}
        self._task: asyncio.Task[None] | None = None

    async def get(self, key: K) -> V:
        """Return the value of the key, read after this call. Raises what `read` raises."""
        future: asyncio.Future[V] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, []).append(future)
        if self._task is None:
            self._task = asyncio.create_task(self._read_all(), name="lookups")
        return await future

    async def close(self) -> None:
        """Wait until no thread reads."""
        if self._task is not None:
            await self._task
        self._thread.shutdown()

    async def _read_all(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            waiting, self._waiting = self._waiting, {}
            try:
                values = await loop.run_in_executor(self._thread, self._read, set(waiting))
            except Exception as error:
                for future in _open(waiting.values()):
                    future.set_exception(error)
            else:
                for key, futures in waiting.items():
                    for future in _open([futures]):
                        future.set_result(values[key])
        self._task = None


def _open(groups: Iterable[list[asyncio.Future[V]]]) -> Iterator[asyncio.Future[V]]:
    """Yield the futures that somebody still waits for."""
    for futures in groups:
        yield from (future for future in futures if not future.done())
