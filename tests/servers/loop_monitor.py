"""Measures how long an event loop cannot run: for a callback, or for a thread with the interpreter
lock.
"""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from time import process_time

import httpx2
from tests.servers.stack import await_condition

from epochal_service.rpc.server import serve as serve_grpc
from epochal_service.server import serve
from epochal_service.settings import Settings


class LoopMonitor:
    """A companion of an app.

    `longest` is the most CPU time, in seconds, that the process used while its loop could not run a
    task that was ready. On a busy machine it is no longer than on a quiet one.
    """

    def __init__(self) -> None:
        self._longest = multiprocessing.get_context("spawn").Value("d", 0.0)

    @property
    def longest(self) -> float:
        seconds: float = self._longest.value
        return seconds

    @longest.setter
    def longest(self, seconds: float) -> None:
        self._longest.value = seconds

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


@contextmanager
def monitored_server(settings: Settings) -> Iterator[LoopMonitor]:
    """Serve HTTP and gRPC on the addresses of the settings in a process of its own."""
    monitor = LoopMonitor()
    spawn = multiprocessing.get_context("spawn")
    process = spawn.Process(target=serve, args=(settings, (serve_grpc, monitor)))
    process.start()

    def replies() -> bool:
        try:
            return httpx2.get(f"http://{settings.http_address}/healthz", timeout=5).is_success
        except httpx2.TransportError:
            assert process.is_alive(), "the server died"
            return False

    try:
        await_condition(replies, 120, "the server replies")
        yield monitor
    finally:
        process.terminate()
        process.join(30)
        process.kill()
