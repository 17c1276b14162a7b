"""Measures how long an event loop cannot run: for a callback, or for a thread with the interpreter
lock.
"""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from threading import get_native_id
from time import monotonic, process_time, sleep

import httpx2
from tests.servers.stack import await_condition

from epochal_service.daemon.server import serve
from epochal_service.rpc.server import serve as serve_grpc
from epochal_service.settings import Settings

TICK = 0.001  # seconds


class LoopMonitor:
    """A companion of an app.

    `longest` is the longest time, in seconds, for which its loop could not run a task that was
    ready. Neither the time in which the process did not run counts, nor that in which the thread of
    the loop waited for a processor: on a busy machine it is no longer than on a quiet one.
    """

    def __init__(self) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._longest = spawn.Value("d", 0.0)
        self._turns = spawn.Value("Q", 0)

    @property
    def longest(self) -> float:
        """A reply may arrive before the loop has noticed the end of the pause before it."""
        self._await_turns()
        seconds: float = self._longest.value
        return seconds

    def restart(self) -> None:
        """Forget the pauses until now."""
        self._await_turns()
        self._longest.value = 0.0

    def pause_of(self, call: Callable[[], object], most: float) -> float:
        """Return the longest pause during a call, in seconds.

        If that is too long, return the pause of the best of three calls: what the call itself takes
        is in each of them, what the machine does beside it is not.
        """
        pauses: list[float] = []
        while len(pauses) < 3 and not (pauses and pauses[-1] < most):
            self.restart()
            call()
            pauses.append(self.longest)
        return min(pauses)

    def _await_turns(self) -> None:
        turns, deadline = self._turns.value + 2, monotonic() + 60
        while self._turns.value < turns:
            assert monotonic() < deadline, "the loop does not turn"
            sleep(TICK)

    @asynccontextmanager
    async def __call__(self, _: object) -> AsyncIterator[None]:
        """Measure while the block lasts."""
        measuring = asyncio.create_task(self._measure())
        try:
            yield
        finally:
            measuring.cancel()

    async def _measure(self) -> None:
        queueing = Path(f"/proc/self/task/{get_native_id()}/schedstat")

        def times() -> tuple[float, float]:
            """Return the processor time of the process, and the time of the thread's own events."""
            waited = int(queueing.read_bytes().split()[1]) / 1e9
            return process_time(), monotonic() - waited

        while True:
            before = times()
            await asyncio.sleep(TICK)
            work, wait = (now - then for now, then in zip(times(), before, strict=True))
            self._longest.value = max(self._longest.value, min(work, wait - TICK))
            self._turns.value += 1


@contextmanager
def monitored_server(settings: Settings) -> Iterator[LoopMonitor]:
    """Serve HTTP and gRPC on the addresses of the settings in a separate process."""
    monitor = LoopMonitor()
    spawn = multiprocessing.get_context("spawn")
    process = spawn.Process(target=serve, args=(settings, (serve_grpc, monitor)))
    process.start()

    def replies() -> bool:
        try:
            url = f"http://{settings.http_address}/healthz"
            return httpx2.get(url, timeout=5, verify=False).is_success
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
