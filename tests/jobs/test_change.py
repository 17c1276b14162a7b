"""Many tasks wait for one change, and leave others their turns."""

import asyncio
from itertools import pairwise

from epochal_service.streams.follow import WOKEN_TOGETHER, Change

WATCHERS = 10 * WOKEN_TOGETHER


def test_watchers_are_woken_some_at_a_time() -> None:
    async def wait_for_all() -> list[int]:
        change, woken = Change(), 0

        async def watch() -> None:
            nonlocal woken
            await change.wait()
            woken += 1

        watchers = [asyncio.create_task(watch()) for _ in range(WATCHERS)]
        await asyncio.sleep(0)
        change.announce()
        seen = [0]
        while seen[-1] < WATCHERS:
            await asyncio.sleep(0)
            seen.append(woken)
        await asyncio.gather(*watchers)
        return seen

    seen = asyncio.run(wait_for_all())
    assert max(b - a for a, b in pairwise(seen)) <= 2 * WOKEN_TOGETHER


def test_who_comes_after_a_change_waits_for_the_next_one() -> None:
    async def wait_twice() -> None:
        change = Change()
        change.announce()
        waiting = asyncio.create_task(change.wait())
        await asyncio.sleep(0)
        assert not waiting.done()
        change.announce()
        await waiting

    asyncio.run(wait_twice())
