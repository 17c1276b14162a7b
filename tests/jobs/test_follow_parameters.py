"""The newest weights of a job reach the watchers who want them, and move no cursor."""

import asyncio
import json
from functools import partial
from typing import Any

import numpy as np
import pytest
import sqlalchemy
from tests.jobs.test_follow import (
    EVENTS,
    JOB,
    ME,
    Client,
    append,
    database,
    end,
    epochs,
    hub_of,
    reported_epochs,
    until,
)

from epochal_service.specs.jobs import WATCHED_PARAMETERS
from epochal_service.store import Database, checkpoints, tables
from epochal_service.store.packing import pack
from epochal_service.streams.follow import Frame, Hub
from epochal_service.streams.parameters import ParameterReader

__all__ = ["database"]


def train(database: Database, epoch: int) -> None:
    """Store an epoch with its weights in place of those before, as a worker does."""
    arrays = {"dense_1.weight": np.full((2, 1), epoch), "dense_1.bias": np.full(1, epoch)}
    with database.write() as connection:
        old = checkpoints.stored_epochs(connection, JOB)
        checkpoints.insert(connection, JOB, [(epoch, pack(arrays))])
        checkpoints.delete(connection, JOB, [*old])
    append(database, epochs(epoch, 1))


def finish(database: Database, epoch: int) -> None:
    append(database, *end(epoch), state="succeeded")


def weights(frames: list[Frame]) -> list[int]:
    """The epochs of the weights in the frames."""
    seen = []
    for frame in frames:
        if (parameters := frame.event.parameters) is not None:
            assert [(a.name, a.shape) for a in parameters.arrays] == [
                ("dense_1.weight", [2, 1]),
                ("dense_1.bias", [1]),
            ]
            numbers = np.frombuffer(parameters.data, "<f4")
            assert numbers.tolist() == [parameters.epoch] * 3
            assert json.loads(frame.data)["epoch"] == parameters.epoch
            seen.append(parameters.epoch)
    return seen


def check_cursors(frames: list[Frame]) -> None:
    """Weights have the cursor of the event before them; the others follow each other."""
    cursor = frames[0].after
    for frame in frames:
        assert frame.after == cursor
        assert (frame.seq == cursor) == (frame.type in ("parameters", "heartbeat"))
        cursor = frame.seq


async def collect(hub: Hub, after: int | None) -> list[Frame]:
    async with asyncio.timeout(60):
        watching = await hub.watch(JOB, ME, after, EVENTS, parameters=True)
        return [frame async for frame in watching]


class Watcher(Client):
    """A client that wants the weights."""

    async def follow(self, hub: Hub, after: int | None = 0) -> None:
        watching = await hub.watch(JOB, ME, after, EVENTS, parameters=True)
        watching.write_with(self.write)
        async for frame in watching:
            await until(lambda: self.reads)
            self.frames.append(frame)


def have_weights(watchers: list[Watcher], epoch: int) -> bool:
    return all(weights(watcher.frames)[-1:] == [epoch] for watcher in watchers)


def test_a_hundred_watchers_share_the_weights_and_others_get_none(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(database, 1)
    read: list[Any] = []
    newer = ParameterReader.newer

    def counted(*given: Any) -> Any:
        parameters = newer(*given)
        read.extend([] if parameters is None else [parameters.epoch])
        return parameters

    monkeypatch.setattr(ParameterReader, "newer", counted)
    watchers, plain = [Watcher() for _ in range(100)], Client()

    async def watch() -> None:
        hub = hub_of(database)
        following = [asyncio.create_task(client.follow(hub)) for client in (*watchers, plain)]
        for epoch in range(2, 6):
            await until(partial(have_weights, watchers, epoch - 1))
            await asyncio.to_thread(train, database, epoch)
        await until(partial(have_weights, watchers, 5))
        await asyncio.to_thread(finish, database, 5)
        await asyncio.gather(*following)
        assert hub.watchers == 0

    asyncio.run(watch())
    assert read == [1, 2, 3, 4, 5]
    for watcher in watchers:
        assert weights(watcher.frames) == [1, 2, 3, 4, 5]
        assert reported_epochs(watcher.frames) == [1, 2, 3, 4, 5]
        check_cursors(watcher.frames)
    last = [[f for f in w.frames if f.type == "parameters"][-1] for w in watchers]
    assert len({id(frame.data) for frame in last}) == 1
    assert weights(plain.frames) == []
    assert reported_epochs(plain.frames) == [1, 2, 3, 4, 5]


def test_a_slow_watcher_misses_weights_and_nothing_else(database: Database) -> None:
    train(database, 1)
    quick, slow = Watcher(), Watcher()

    async def watch() -> None:
        hub = hub_of(database)
        following = [asyncio.create_task(client.follow(hub)) for client in (quick, slow)]
        for epoch in range(2, 8):
            await until(partial(have_weights, [quick], epoch - 1))
            slow.reads = epoch not in (3, 4, 5)
            await asyncio.to_thread(train, database, epoch)
        await until(partial(have_weights, [quick, slow], 7))
        await asyncio.to_thread(finish, database, 7)
        await asyncio.gather(*following)

    asyncio.run(watch())
    assert weights(quick.frames) == [1, 2, 3, 4, 5, 6, 7]
    assert set(weights(slow.frames)) < {1, 2, 3, 4, 5, 6, 7}
    for client in (quick, slow):
        assert reported_epochs(client.frames) == [1, 2, 3, 4, 5, 6, 7]
        check_cursors(client.frames)


@pytest.mark.parametrize("after", [None, 0, 1, 3])
def test_who_comes_after_the_end_gets_the_last_weights_once(
    database: Database, after: int | None
) -> None:
    train(database, 1)
    train(database, 2)
    finish(database, 2)
    frames = asyncio.run(collect(hub_of(database), after))
    assert weights(frames) == [2]
    assert [frame.type for frame in frames][-2:] == ["parameters", "end"]
    check_cursors(frames)


def test_after_the_end_the_weights_are_those_that_the_job_answers_with(database: Database) -> None:
    append(database, epochs(1, 3))
    arrays = {"dense_1.weight": np.full((2, 1), 2), "dense_1.bias": np.full(1, 2)}
    last = {name: array + 1 for name, array in arrays.items()}
    best = json.dumps({"epoch": 2, "metric": "train_loss", "value": 0.5})
    stopping = {"early_stopping": {"patience": 1, "restore_best": True}}
    with database.write() as connection:
        checkpoints.insert(connection, JOB, [(2, pack(arrays)), (3, pack(last))])
        connection.execute(tables.jobs.update().values(best=best))
        table = tables.job_specs
        spec = json.loads(connection.execute(sqlalchemy.select(table.c.spec)).scalar_one())
        connection.execute(table.update().values(spec=json.dumps(spec | stopping)))

    async def watch() -> list[Frame]:
        watcher = Watcher()
        hub = hub_of(database)
        following = asyncio.create_task(watcher.follow(hub))
        await until(lambda: weights(watcher.frames) == [3])
        await asyncio.to_thread(finish, database, 3)
        await following
        return watcher.frames

    assert weights(asyncio.run(watch())) == [3, 2]


def test_who_comes_while_a_job_pauses_gets_its_weights_once(database: Database) -> None:
    train(database, 1)
    first, second = Watcher(), Watcher()

    async def watch() -> None:
        hub = hub_of(database, heartbeat=0.01)
        tasks = []
        for watcher in (first, second):
            tasks.append(asyncio.create_task(watcher.follow(hub, None)))
            await until(partial(heartbeats, watcher))
        await hub.close()
        await asyncio.gather(*tasks)

    def heartbeats(watcher: Watcher) -> bool:
        return [frame.type for frame in watcher.frames].count("heartbeat") > 2

    asyncio.run(watch())
    for watcher in (first, second):
        assert weights(watcher.frames) == [1]
        assert [frame.type for frame in watcher.frames[:3]] == [
            "snapshot",
            "parameters",
            "heartbeat",
        ]


def test_a_job_without_weights_and_a_large_one_have_no_such_events(database: Database) -> None:
    append(database, epochs(1, 1))
    finish(database, 1)
    assert weights(asyncio.run(collect(hub_of(database), 0))) == []
    with database.write() as connection:
        connection.execute(tables.jobs.update().values(parameters=WATCHED_PARAMETERS + 1))
        checkpoints.insert(connection, JOB, [(1, b"never read")])
    assert weights(asyncio.run(collect(hub_of(database), 0))) == []
