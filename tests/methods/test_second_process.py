"""The process that answers what would hold the event loop up."""

import asyncio
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any

import psutil
import pytest
from tests.methods.called import (
    allocate,
    die,
    nothing,
    refuse,
    rings_left,
    slow_result,
    spin,
    use_200_mb,
)
from tests.rpc import serving

from epochal_service.errors import NotFound, TooLarge, Unavailable
from epochal_service.methods.context import Context, open_context
from epochal_service.processes.second_process import (
    CALLS_UNTIL_ALL_IS_SEARCHED,
    MEMORY_BYTES,
    SecondProcess,
)
from epochal_service.store import Access
from epochal_service.store.migrate import upgrade

CLASS = Access("10b", ("10b.01", "10b.02"))


def run(function: Callable[..., Any], *args: Any) -> Any:
    """Call the function in its own second process."""

    async def call() -> Any:
        process = SecondProcess(nothing)
        try:
            return await process.run("", function, *args)
        finally:
            process.close()

    return asyncio.run(call())


def test_a_function_is_called_in_another_process() -> None:
    assert run(os.getpid) != os.getpid()


def test_an_error_comes_back_with_its_reason() -> None:
    with pytest.raises(NotFound, match="There is no checkpoint") as raised:
        run(refuse, "checkpoint")
    assert raised.value.reason == "checkpoint_not_found"


@pytest.mark.long
def test_memory_has_a_limit() -> None:
    assert run(allocate, MEMORY_BYTES // 2) == MEMORY_BYTES // 2
    with pytest.raises(Unavailable, match="ran out of memory"):
        run(allocate, MEMORY_BYTES)


@pytest.mark.long
def test_a_process_that_dies_during_a_call_is_started_again() -> None:
    async def call() -> None:
        process = SecondProcess(nothing)
        with pytest.raises(Unavailable, match="was killed"):
            await process.run("", die)
        assert await process.run("", os.getpid) != os.getpid()
        process.close()

    asyncio.run(call())


def test_a_call_leaves_no_garbage_and_does_not_search_the_whole_program_for_it() -> None:
    async def calls(count: int) -> list[tuple[int, int]]:
        process = SecondProcess(nothing)
        try:
            return [await process.run("", rings_left) for _ in range(count)]
        finally:
            process.close()

    rows = asyncio.run(calls(CALLS_UNTIL_ALL_IS_SEARCHED + 1))
    assert {left for left, _ in rows} == {0}
    searches = [number for _, number in rows]
    assert searches[0] == searches[-2] == searches[-1] - 1


async def together(process: SecondProcess, owners: str) -> list[str]:
    """The owners in the order in which their calls, made at once, are called."""
    order: list[str] = []

    async def call(owner: str) -> None:
        await process.run(owner, nothing)
        order.append(owner)

    await asyncio.gather(*map(call, owners))
    return order


@pytest.mark.long
def test_owners_take_turns() -> None:
    async def call() -> list[str]:
        process = SecondProcess(nothing)
        order = await together(process, "aaaabb")
        process.close()
        return order

    assert asyncio.run(call()) == ["a", "a", "b", "a", "b", "a"]


@pytest.mark.long
def test_nothing_is_called_for_who_has_gone() -> None:
    async def call() -> None:
        process = SecondProcess(nothing)
        pid = await process.run("a", os.getpid)
        first = asyncio.create_task(process.run("a", spin, 0.5))
        await asyncio.sleep(0)
        waiting = asyncio.create_task(process.run("a", die))
        await asyncio.sleep(0)
        for task in (first, waiting):
            task.cancel()
        done = await asyncio.gather(first, waiting, return_exceptions=True)
        assert [type(error) for error in done] == [asyncio.CancelledError] * 2
        # The first call ends before the next one begins, although nobody waits for it.
        begun = monotonic()
        assert await process.run("b", os.getpid) == pid
        assert monotonic() - begun > 0.4
        process.close()

    asyncio.run(call())


@pytest.mark.long
def test_who_goes_during_a_call_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "result"

    async def call() -> None:
        process = SecondProcess(nothing)
        await process.run("", nothing)
        leaving = asyncio.create_task(process.run("", slow_result, path))
        while not path.exists():
            await asyncio.sleep(0.001)
        leaving.cancel()
        await process.run("", nothing)  # its turn comes after that
        process.close()

    asyncio.run(call())
    assert not path.exists()


@pytest.mark.long
def test_a_call_may_not_take_for_ever() -> None:
    async def call() -> None:
        process = SecondProcess(nothing, processor_seconds=0.5)
        await process.run("", spin, 0.3)
        await process.run("", spin, 0.3)  # each has its own limit
        with pytest.raises(TooLarge, match=r"more than 0\.5 s"):
            await process.run("", spin, 3.0)
        assert await process.run("", os.getpid) != os.getpid()
        process.close()

    asyncio.run(call())


@pytest.mark.long
def test_it_ends_with_the_service() -> None:
    async def call() -> int:
        process = SecondProcess(nothing)
        pid = await process.run("", os.getpid)
        process.close()
        return pid

    assert not psutil.pid_exists(asyncio.run(call()))


@pytest.mark.long
def test_it_gives_back_the_memory_that_a_call_used() -> None:
    async def call() -> tuple[int, int]:
        process = SecondProcess(nothing)
        try:
            memory = psutil.Process(await process.run("", os.getpid)).memory_info
            before = memory().rss
            await process.run("", use_200_mb)
            return before, memory().rss
        finally:
            process.close()

    before, after = asyncio.run(call())
    assert after - before < 50_000_000


def caller(context: Context, field: str) -> tuple[Any, ...]:
    return getattr(context, field), context.settings, context.second_process


@pytest.mark.long
def test_a_function_is_called_for_the_same_caller(tmp_path: Path, broker_url: str) -> None:
    settings = serving.settings(tmp_path, broker_url=broker_url)
    upgrade(settings.database_url)

    async def call() -> Any:
        async with open_context(settings) as context:
            return await replace(context, access=CLASS).call_elsewhere(caller, "access")

    assert asyncio.run(call()) == (CLASS, settings, None)
