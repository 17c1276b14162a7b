"""A stream has the log rows after its cursor, without gaps or duplicates, and ends."""

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest

from epochal_engine import Block
from epochal_service.curves.epochs import entry_of
from epochal_service.errors import InvalidArgument, NotFound, Unavailable
from epochal_service.jobs.lifecycle import state_entry
from epochal_service.jobs.queue import Queue
from epochal_service.methods.jobs import reply
from epochal_service.store import Access, Database, jobs, log
from epochal_service.store.log import Entry
from epochal_service.streams import follow
from epochal_service.streams.follow import Frame, Frames, Hub, frames_of, job_events

JOB = "job_0000000000000_0000000000000000"
ME = Access("me")
EVENTS = job_events(reply)
SPEC = {
    "network": {"input_shape": [2], "layers": [{"type": "dense", "units": 1}]},
    "dataset": {"name": "xor"},
    "loss": "mse",
    "epochs": 100,
}


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    with database.write() as connection:
        values: dict[str, Any] = {"id": JOB, "owner": "me", "state": "running"}
        values |= {"spec": json.dumps(SPEC)}
        values |= {"samples": 4, "flops": 1.0, "epoch": 0, "attempt": 1, "fruitless_attempts": 0}
        jobs.insert(connection, {**values, "parameters": 3, "fence": 1, "last_seq": 0}, {})
    yield database
    database.close()


def append(database: Database, *entries: Entry, state: str = "running") -> None:
    with database.write() as connection:
        row = jobs.advance(
            connection,
            JOB,
            states=("running",),
            events=len(entries),
            values={"state": state, "epoch": entries[-1].last_epoch},
        )
        assert row is not None
        log.append(connection, JOB, row.last_seq, entries)


def epochs(first: int, count: int) -> Entry:
    losses = np.arange(first, first + count, dtype=float)
    columns = {"train_loss": losses, "learning_rate": losses, "gradient_norm": losses}
    entry = entry_of(Block(first, columns, None), np.ones(count))
    assert entry is not None
    return entry


def end(epoch: int) -> tuple[Entry, Entry]:
    note = json.dumps({"state": "succeeded", "stop_reason": "completed"})
    return state_entry("succeeded", epoch), Entry("end", epoch, epoch, note=note)


def reported_epochs(frames: list[Frame]) -> list[int]:
    return [e for f in frames if f.event.epochs is not None for e in f.event.epochs.epochs]


async def collect(hub: Hub, after: int | None) -> list[Frame]:
    async with asyncio.timeout(60):
        watching = await hub.watch(JOB, ME, after, EVENTS)
        return [frame async for frame in watching]


def hub_of(database: Database, heartbeat: float = 15.0) -> Hub:
    return Hub(database, Queue(None), heartbeat_seconds=heartbeat)


def test_consecutive_rows_of_one_kind_become_one_frame(database: Database) -> None:
    append(database, state_entry("running", 0), epochs(1, 2), epochs(3, 1))
    append(database, Entry("checkpoint", 3, 3, note='{"epochs": [3]}'), epochs(4, 1))
    with database.read() as connection:
        frames = list(frames_of(log.after(connection, JOB, 0, 100), 0, EVENTS))
    assert [(f.after, f.seq, f.type) for f in frames] == [
        (0, 1, "state"),
        (1, 3, "epochs"),
        (3, 4, "checkpoint"),
        (4, 5, "epochs"),
    ]
    assert reported_epochs(frames) == [1, 2, 3, 4]
    assert json.loads(frames[1].data)["columns"]["train_loss"] == [1, 2, 3]


def test_many_epochs_are_downsampled_and_name_the_range_they_cover(database: Database) -> None:
    append(database, epochs(1, 1000), epochs(1001, 1000))
    with database.read() as connection:
        (frame,) = frames_of(log.after(connection, JOB, 0, 100), 0, EVENTS)
    batch = frame.event.epochs
    assert batch is not None
    assert batch.downsampled
    assert (batch.first_epoch, batch.last_epoch) == (1, 2000)
    assert len(batch.epochs) <= 500
    assert {1, 2000} <= set(batch.epochs)
    assert batch.columns["train_loss"] == [float(e) for e in batch.epochs]


def test_a_new_stream_starts_with_a_snapshot_and_follows_to_the_end(database: Database) -> None:
    append(database, state_entry("running", 0), epochs(1, 2))

    async def watch() -> list[Frame]:
        hub = hub_of(database)
        watching = asyncio.create_task(collect(hub, None))
        while hub.watchers == 0:
            await asyncio.sleep(0)
        await asyncio.to_thread(append, database, epochs(3, 2))
        await asyncio.to_thread(append, database, *end(4), state="succeeded")
        frames = await watching
        await hub.close()
        return frames

    frames = asyncio.run(watch())
    assert frames[0].type == "snapshot"
    assert frames[0].seq == 2
    assert frames[0].event.snapshot is not None
    assert frames[0].event.snapshot.curve.series[0].values == [1, 2]
    assert reported_epochs(frames) == [3, 4]
    assert [f.type for f in frames][-2:] == ["state", "end"]


def test_rows_that_a_user_waits_for_end_the_pause_between_frames(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "FRAME_SECONDS", 3600)
    client = Client()

    async def watch() -> None:
        hub = hub_of(database)
        following = asyncio.create_task(client.follow(hub))
        await until(lambda: hub.watchers)
        for epoch in (1, 2):
            await asyncio.to_thread(append, database, epochs(epoch, 1))
            hub._channels[JOB].notify(at_once=True)
            await until(partial(has_epochs, client, epoch))
        await hub.close()
        await following

    asyncio.run(watch())


@pytest.mark.parametrize("after", range(7))
def test_a_stream_from_any_cursor_has_the_later_events_once_and_in_order(
    database: Database, after: int
) -> None:
    append(database, epochs(1, 1), epochs(2, 1), state_entry("running", 2), epochs(3, 1))
    append(database, *end(3), state="succeeded")

    async def watch() -> tuple[bool, list[Frame]]:
        hub = hub_of(database)
        watching = await hub.watch(JOB, ME, after, EVENTS)
        return watching.ended, [frame async for frame in watching]

    ended, frames = asyncio.run(watch())
    assert ended == (after == 6)
    assert [f.after for f in frames] == [after, *(f.seq for f in frames[:-1])][: len(frames)]
    assert reported_epochs(frames) == [1, 2, 3][min(after, 2) if after < 4 else 3 :]
    assert (frames[-1].type == "end") if frames else after == 6


def test_the_stream_of_an_ended_job_is_its_snapshot_and_its_end(database: Database) -> None:
    append(database, epochs(1, 3), *end(3), state="succeeded")

    async def watch() -> list[Frame]:
        return await collect(hub_of(database), None)

    assert [f.type for f in asyncio.run(watch())] == ["snapshot", "end"]


def test_a_hundred_watchers_share_every_frame(database: Database) -> None:
    append(database, epochs(1, 1))

    async def watch() -> list[list[Frame]]:
        hub = hub_of(database)
        watching = [asyncio.create_task(collect(hub, 0)) for _ in range(100)]
        while hub.watchers < 100:
            await asyncio.sleep(0)
        for epoch in range(2, 6):
            await asyncio.to_thread(append, database, epochs(epoch, 1))
        await asyncio.to_thread(append, database, *end(5), state="succeeded")
        everything = await asyncio.gather(*watching)
        assert hub.watchers == 0
        return list(everything)

    everything = asyncio.run(watch())
    assert all(reported_epochs(frames) == [1, 2, 3, 4, 5] for frames in everything)
    assert len({id(frames[-1]) for frames in everything}) == 1


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.001)


class Client:
    """A connection that takes frames at once, or not; `frames` are all that it received."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.written = 0
        self.reads = True

    def write(self, frame: Frame) -> bool:
        if self.reads:
            self.frames.append(frame)
            self.written += 1
        return self.reads

    async def follow(self, hub: Hub, after: int | None = 0) -> None:
        watching = await hub.watch(JOB, ME, after, EVENTS)
        watching.write_with(self.write)
        async for frame in watching:
            await until(lambda: self.reads)
            self.frames.append(frame)


def has_epochs(client: Client, last: int) -> bool:
    return reported_epochs(client.frames) == [*range(1, last + 1)]


def test_frames_are_written_to_all_who_wait_and_others_read_the_log(database: Database) -> None:
    append(database, epochs(1, 1))
    quick, slow = Client(), Client()

    async def watch() -> None:
        hub = hub_of(database)
        following = [asyncio.create_task(client.follow(hub)) for client in (quick, slow)]
        for epoch in range(2, 8):
            await until(partial(has_epochs, quick, epoch - 1))
            slow.reads = epoch not in (4, 5)
            await asyncio.to_thread(append, database, epochs(epoch, 1))
        await asyncio.to_thread(append, database, *end(7), state="succeeded")
        await asyncio.gather(*following)
        assert hub.watchers == 0

    asyncio.run(watch())
    for client in (quick, slow):
        assert reported_epochs(client.frames) == [*range(1, 8)]
        assert [f.after for f in client.frames] == [0, *(f.seq for f in client.frames[:-1])]
        assert client.frames[-1].type == "end"
    assert quick.written >= 6
    assert 0 < slow.written < quick.written


def test_a_stream_that_is_written_to_has_heartbeats(database: Database) -> None:
    append(database, epochs(1, 1))
    client = Client()

    async def watch() -> None:
        hub = hub_of(database, heartbeat=0.01)
        following = asyncio.create_task(client.follow(hub))
        await until(lambda: client.written >= 2)
        await hub.close()
        await following

    asyncio.run(watch())
    assert [frame.type for frame in client.frames[:3]] == ["epochs", "heartbeat", "heartbeat"]


def test_callers_that_open_a_stream_together_share_its_first_frame(database: Database) -> None:
    append(database, epochs(1, 3))
    computed = 0

    def counted(*given: Any) -> Any:
        nonlocal computed
        computed += 1
        return EVENTS.snapshot(*given)

    async def watch() -> list[Frames | BaseException]:
        hub, events = hub_of(database), replace(EVENTS, snapshot=counted)
        opened = await asyncio.gather(
            *(hub.watch(JOB, ME, None, events) for _ in range(100)),
            hub.watch(JOB, Access("somebody else"), None, events),
            return_exceptions=True,
        )
        await hub.close()
        return opened

    *opened, refused = asyncio.run(watch())
    assert all(isinstance(frames, Frames) for frames in opened)
    assert isinstance(refused, NotFound)
    assert computed == 1


def test_an_idle_stream_has_heartbeats(database: Database) -> None:
    async def watch() -> list[str]:
        hub = hub_of(database, heartbeat=0.01)
        kinds: list[str] = []
        watching = await hub.watch(JOB, ME, None, EVENTS)
        async with asyncio.timeout(60):
            async for frame in watching:
                kinds.append(frame.type)
                if kinds.count("heartbeat") == 2:
                    break
        watching.close()
        await hub.close()
        return kinds

    assert asyncio.run(watch()) == ["snapshot", "heartbeat", "heartbeat"]


def test_closing_ends_every_stream_and_refuses_new_ones(database: Database) -> None:
    async def watch() -> list[Any]:
        hub = hub_of(database)
        watching = [asyncio.create_task(collect(hub, after)) for after in (None, 0)]
        while hub.watchers < 2:
            await asyncio.sleep(0)
        await hub.close()
        with pytest.raises(Unavailable):
            await hub.watch(JOB, ME, None, EVENTS)
        return list(await asyncio.gather(*watching))

    first, second = asyncio.run(watch())
    assert [f.type for f in first] == ["snapshot"]
    assert second == []


def test_unknown_jobs_jobs_of_others_and_cursors_beyond_the_end_are_refused(
    database: Database,
) -> None:
    append(database, epochs(1, 1))

    async def watch() -> None:
        hub = hub_of(database)
        with pytest.raises(NotFound):
            await hub.watch("job_x", ME, None, EVENTS)
        with pytest.raises(NotFound):
            await hub.watch(JOB, Access("somebody else"), None, EVENTS)
        with pytest.raises(InvalidArgument, match="at most the last event's seq, 1"):
            await hub.watch(JOB, ME, 2, EVENTS)

    asyncio.run(watch())
