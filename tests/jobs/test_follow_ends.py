"""A stream that cannot continue ends."""

import asyncio
import threading
from dataclasses import replace
from typing import Any

import pytest
from tests.jobs.test_follow import EVENTS, JOB, ME, append, database, epochs, hub_of

from epochal_service.errors import Unavailable
from epochal_service.store import Database

__all__ = ["database"]


def test_a_log_that_cannot_be_converted_ends_all_its_streams(database: Database) -> None:
    def broken(rows: object) -> Any:
        raise ValueError("these columns do not belong together")

    async def watch() -> tuple[list[str], int]:
        hub = hub_of(database)
        watching = await hub.watch(JOB, ME, None, replace(EVENTS, batch=broken))
        await asyncio.to_thread(append, database, epochs(1, 1))
        async with asyncio.timeout(60):
            kinds: list[str] = [frame.type async for frame in watching]
        await hub.close()
        return kinds, hub.watchers

    assert asyncio.run(watch()) == (["snapshot"], 0)


def test_a_stream_that_opens_during_the_shutdown_is_refused(database: Database) -> None:
    begun, closed = threading.Event(), threading.Event()

    def slow(*given: Any) -> Any:
        begun.set()
        assert closed.wait(60)
        return EVENTS.snapshot(*given)

    async def watch() -> None:
        hub = hub_of(database)
        opening = asyncio.create_task(hub.watch(JOB, ME, None, replace(EVENTS, snapshot=slow)))
        assert await asyncio.to_thread(begun.wait, 60)
        closing = asyncio.create_task(hub.close())
        await asyncio.sleep(0)
        closed.set()
        with pytest.raises(Unavailable, match="shutting down"):
            await opening
        await closing
        assert hub.watchers == 0

    asyncio.run(watch())
