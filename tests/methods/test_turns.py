"""Explorers compute a few at a time, and owners take turns."""

import asyncio
from contextlib import suppress

import pytest

from epochal_service.errors import QuotaExceeded
from epochal_service.turns import Turns


class Visitors:
    """Tasks that enter a block and stay until they may leave; `order` lists their entries."""

    def __init__(self, turns: Turns) -> None:
        self.order: list[str] = []
        self.inside = 0
        self._turns = turns
        self._may_leave = asyncio.Semaphore(0)

    async def visit(self, owner: str) -> None:
        async with self._turns.turn(owner):
            self.order.append(owner)
            self.inside += 1
            await self._may_leave.acquire()
            self.inside -= 1

    async def start(self, owner: str) -> "asyncio.Task[None]":
        task = asyncio.create_task(self.visit(owner))
        await settle()
        return task

    async def let_leave(self, count: int = 1) -> None:
        for _ in range(count):
            self._may_leave.release()
            await settle()


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def test_a_few_are_inside_and_the_others_follow_in_order() -> None:
    async def play() -> None:
        visitors = Visitors(Turns(at_once=2))
        tasks = [await visitors.start("a") for _ in range(5)]
        for remaining in (2, 2, 2, 2, 1):
            assert visitors.inside == remaining
            await visitors.let_leave()
        await asyncio.gather(*tasks)
        assert visitors.inside == 0

    asyncio.run(play())


def test_owners_take_turns() -> None:
    async def play() -> list[str]:
        visitors = Visitors(Turns(at_once=1))
        tasks = [await visitors.start(owner) for owner in "aaaabbc"]
        await visitors.let_leave(7)
        await asyncio.gather(*tasks)
        return visitors.order

    assert asyncio.run(play()) == ["a", "a", "b", "c", "a", "b", "a"]


def test_an_owner_with_too_many_waiting_requests_is_refused_alone() -> None:
    async def play() -> None:
        visitors = Visitors(Turns(at_once=1, max_waiting=2))
        tasks = [await visitors.start("a") for _ in range(3)]
        with pytest.raises(QuotaExceeded, match="2 simulations of this owner wait") as refused:
            await visitors.visit("a")
        assert refused.value.retry_after == 1
        tasks.append(await visitors.start("b"))
        await visitors.let_leave(4)
        await asyncio.gather(*tasks)
        assert visitors.order == ["a", "a", "b", "a"]

    asyncio.run(play())


@pytest.mark.parametrize("entered", [False, True], ids=["waiting", "entering"])
def test_a_request_that_is_cancelled_leaves_its_turn_to_the_next(entered: bool) -> None:
    async def play() -> list[str]:
        visitors = Visitors(Turns(at_once=1))
        inside, cancelled, following = [await visitors.start(owner) for owner in "abc"]
        if entered:
            visitors._may_leave.release()
            inside.add_done_callback(lambda _: cancelled.cancel())
            await inside
        else:
            cancelled.cancel()
        with suppress(asyncio.CancelledError):
            await cancelled
        await visitors.let_leave(2)
        await asyncio.gather(inside, following)
        return visitors.order

    assert [owner for owner in asyncio.run(play()) if owner != "b"] == ["a", "c"]


def test_an_error_inside_frees_the_turn() -> None:
    async def play() -> None:
        turns = Turns(at_once=1)
        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                async with turns.turn("a"):
                    raise ZeroDivisionError
        async with asyncio.timeout(60), turns.turn("a"):
            pass

    asyncio.run(play())
