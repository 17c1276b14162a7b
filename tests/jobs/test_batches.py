"""Lookups that come while one runs are made together by the next one."""

import asyncio
from threading import Event

import pytest

from epochal_service.streams.batches import Batches


def test_requests_that_come_together_are_one_call() -> None:
    calls: list[set[int]] = []

    def read(keys: set[int]) -> dict[int, int]:
        calls.append(keys)
        return {key: key**2 for key in keys}

    async def requests() -> list[int]:
        batches = Batches(read)
        return await asyncio.gather(*(batches.get(key) for key in (1, 2, 3, 2)))

    assert asyncio.run(requests()) == [1, 4, 9, 4]
    assert calls == [{1, 2, 3}]


def test_a_value_is_read_after_its_request() -> None:
    values, may_end, began = {"a": 1}, Event(), Event()

    def read(keys: set[str]) -> dict[str, int]:
        read_values = {key: values[key] for key in keys}
        began.set()
        assert may_end.wait(10)
        return read_values

    async def requests() -> tuple[int, int]:
        batches = Batches(read)
        first = asyncio.create_task(batches.get("a"))
        await asyncio.to_thread(began.wait)
        values["a"] = 2
        second = asyncio.create_task(batches.get("a"))
        await asyncio.sleep(0)
        may_end.set()
        return await first, await second

    assert asyncio.run(requests()) == (1, 2)


def test_an_error_reaches_everyone_who_waits_and_nobody_after() -> None:
    errors = [LookupError("away")]

    def read(keys: set[int]) -> dict[int, int]:
        if errors:
            raise errors.pop()
        return dict.fromkeys(keys, 0)

    async def requests() -> None:
        batches = Batches(read)
        both = await asyncio.gather(batches.get(1), batches.get(2), return_exceptions=True)
        assert [str(error) for error in both] == ["away", "away"]
        assert await batches.get(1) == 0

    asyncio.run(requests())


def test_a_request_that_is_cancelled_leaves_the_others_their_values() -> None:
    may_read = Event()

    def read(keys: set[int]) -> dict[int, int]:
        assert may_read.wait(10)
        return {key: key for key in keys}

    async def requests() -> None:
        batches = Batches(read)
        cancelled, waiting = (asyncio.create_task(batches.get(1)) for _ in range(2))
        await asyncio.sleep(0)
        cancelled.cancel()
        may_read.set()
        assert await waiting == 1
        with pytest.raises(asyncio.CancelledError):
            await cancelled

    asyncio.run(requests())
