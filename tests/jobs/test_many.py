"""One stream for several jobs: each job's events once and in order, from any cursor on."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.jobs.test_follow import ME, SPEC, end, epochs, hub_of

from epochal_service.errors import InvalidArgument, NotFound, QuotaExceeded
from epochal_service.jobs import lifecycle
from epochal_service.jobs.lifecycle import state_entry
from epochal_service.jobs.queue import Queue
from epochal_service.methods import events
from epochal_service.methods.context import Context
from epochal_service.methods.events import watch_jobs
from epochal_service.settings import Settings
from epochal_service.specs.jobs import WatchJobsRequest
from epochal_service.store import Database, jobs, log
from epochal_service.store.database import new_id
from epochal_service.store.log import Entry
from epochal_service.streams import many
from epochal_service.streams.follow import Hub
from epochal_service.streams.many import LEFT, Cursor, JobsFrame

ids = st.builds(
    "job_{:013x}_{:016x}".format, st.integers(0, 16**13 - 1), st.integers(0, 16**16 - 1)
)
seqs = st.one_of(st.none(), st.integers(LEFT, 2**63 - 1))


@given(st.dictionaries(ids, seqs, max_size=100), st.integers(0, 16**13 - 1))
def test_a_cursor_is_read_as_it_was_written(positions: dict[str, int | None], time: int) -> None:
    given_jobs = Cursor("", positions)
    others = Cursor(f"{time:013x}", positions)
    assert Cursor.parse(str(given_jobs), [*positions] or ["another"]) == given_jobs
    assert Cursor.parse(str(others), []) == others
    assert len(str(others)) < 16_000
    for cursor, jobs_ in ((given_jobs, []), (others, ["another"])):
        with pytest.raises(InvalidArgument, match="cursor"):
            Cursor.parse(str(cursor), jobs_)


@given(st.text(alphabet="0123456789abcdef~.-_ABz =%\n\u0660", max_size=60))
def test_another_text_is_no_cursor_or_is_written_as_it_was_read(text: str) -> None:
    for jobs_ in ([], ["job"]):
        try:
            cursor = Cursor.parse(text, jobs_)
        except InvalidArgument:
            continue
        assert Cursor.parse(str(cursor), jobs_) == cursor


class World:
    """Jobs in a database, and streams of them."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.settings = Settings(data_dir="/nowhere")

    def create(self, *labels: str) -> str:
        job_id = new_id("job")
        values: dict[str, Any] = {"id": job_id, "owner": "me", "state": "running"}
        values |= {"spec": json.dumps(SPEC), "samples": 4, "flops": 1.0, "epoch": 0, "attempt": 1}
        values |= {"fruitless_attempts": 0, "parameters": 3, "fence": 1, "last_seq": 0}
        with self.database.write() as connection:
            jobs.insert(connection, values, dict.fromkeys(labels, ""))
        return job_id

    def append(self, job_id: str, *entries: Entry, state: str = "running") -> None:
        values = {"state": state, "epoch": entries[-1].last_epoch}
        with self.database.write() as connection:
            row = jobs.advance(
                connection, job_id, states=("running",), events=len(entries), values=values
            )
            assert row is not None
            log.append(connection, job_id, row.last_seq, entries)

    def finish(self, job_id: str, epoch: int) -> None:
        self.append(job_id, *end(epoch), state="succeeded")

    def context(self, hub: Hub) -> Context:
        return replace(Context(self.settings, self.database, Queue(None), hub), access=ME)

    async def frames(
        self, most: int = 1000, *, hub: Hub | None = None, **request: Any
    ) -> list[JobsFrame]:
        """Return the frames of a stream to its end, or the first `most`."""
        hub = hub or hub_of(self.database)
        collected: list[JobsFrame] = []
        async with asyncio.timeout(60):
            stream = await watch_jobs(self.context(hub), WatchJobsRequest(**request))
            frames = aiter(stream)
            async for new in frames:
                collected.append(new)
                if len(collected) == most:
                    break
            await frames.aclose()  # type: ignore[attr-defined]
        assert hub.watchers == hub.streams("me") == 0
        await hub.close()
        return collected


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    database = Database(database_url)
    yield World(database)
    database.close()


def epochs_of(frames: list[JobsFrame]) -> dict[str, list[int]]:
    """Return the epochs of each job, in the order of their events."""
    reported: dict[str, list[int]] = defaultdict(list)
    for new in frames:
        if new.event.snapshot is not None:
            series = new.event.snapshot.curve.series
            reported[new.job] += series[0].epochs if series else []
        elif new.event.epochs is not None:
            reported[new.job] += new.event.epochs.epochs
    return reported


def test_a_stream_that_is_cut_anywhere_goes_on_without_a_gap_or_a_repetition(world: World) -> None:
    job_ids = [world.create() for _ in range(4)]
    for job_id in job_ids:
        world.append(job_id, state_entry("running", 0), epochs(1, 2))
        world.append(job_id, Entry("checkpoint", 2, 2, note='{"epochs": [2]}'), epochs(3, 1))
        world.finish(job_id, 3)
    whole = asyncio.run(world.frames(jobs=job_ids))
    ends = [new.job for new in whole if new.type == "end"]
    assert sorted(ends) == job_ids
    for cut in range(1, len(whole) + 1):
        first = asyncio.run(world.frames(cut, jobs=job_ids))
        rest = asyncio.run(world.frames(jobs=job_ids, after=first[-1].id))
        assert epochs_of([*first, *rest]) == {job_id: [1, 2, 3] for job_id in job_ids}
        assert sorted(new.job for new in [*first, *rest] if new.type == "end") == job_ids
        assert [
            new for new in rest if new.type == "snapshot" and new.job in {old.job for old in first}
        ] == []


def test_live_jobs_are_cut_a_hundred_times(world: World) -> None:
    job_ids = [world.create("class") for _ in range(3)]
    frames: list[JobsFrame] = []
    for epoch in range(1, 101):
        for job_id in job_ids:
            world.append(job_id, epochs(epoch, 1))
        cursor = frames[-1].id if frames else None
        frames += asyncio.run(world.frames(1 + epoch % 3, jobs=job_ids, after=cursor))
    for job_id in job_ids:
        world.finish(job_id, 100)
    frames += asyncio.run(world.frames(jobs=job_ids, after=frames[-1].id))
    assert epochs_of(frames) == {job_id: [*range(1, 101)] for job_id in job_ids}
    assert sorted(new.job for new in frames if new.type == "end") == job_ids


def test_jobs_with_the_label_join_and_leave(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(many, "LOOK_SECONDS", 0.01)
    ended, running, other = world.create("class"), world.create("class"), world.create()
    world.finish(ended, 0)

    async def watch() -> list[tuple[str, str]]:
        hub = hub_of(world.database)
        watching = asyncio.create_task(world.frames(6, hub=hub, label="class"))
        while hub.watchers == 0:
            await asyncio.sleep(0)
        later = await asyncio.to_thread(world.create, "class")
        await asyncio.to_thread(world.create)
        while hub.watchers < 2:
            await asyncio.sleep(0.01)
        await asyncio.to_thread(world.finish, later, 0)
        await asyncio.to_thread(world.finish, running, 0)
        return [(new.job, new.type) for new in await watching]

    events = asyncio.run(watch())
    assert [kind for job_id, kind in events if job_id == running] == ["snapshot", "state", "end"]
    joined = [kind for job_id, kind in events if job_id not in (running, ended, other)]
    assert joined == ["snapshot", "state", "end"]
    assert not {ended, other} & {job_id for job_id, _ in events}


def test_a_deleted_job_leaves_and_the_others_go_on(world: World) -> None:
    job_ids = [world.create() for _ in range(2)]
    opening = asyncio.run(world.frames(2, jobs=job_ids))
    for job_id in job_ids:
        world.finish(job_id, 0)
    lifecycle.delete(world.database, job_ids[0], ME)
    rest = asyncio.run(world.frames(jobs=job_ids, after=opening[-1].id))
    kinds = {job_id: [new.type for new in rest if new.job == job_id] for job_id in job_ids}
    assert kinds == {job_ids[0]: ["left"], job_ids[1]: ["state", "end"]}
    [left] = [new for new in rest if new.type == "left"]
    assert "deleted" in json.loads(left.data)["left"]["detail"]


def test_a_job_that_came_and_went_while_the_connection_was_lost_is_reported(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(many, "LOOK_SECONDS", 0.01)
    first = world.create("class")
    [opening] = asyncio.run(world.frames(1, label="class"))
    missed = world.create("class")
    world.append(missed, epochs(1, 2))
    world.finish(missed, 2)
    rest = asyncio.run(world.frames(2, label="class", after=opening.id))
    assert {new.job for new in rest} == {missed}
    assert epochs_of(rest) == {missed: [1, 2]}
    # The end of the job is not forgotten, although the job is younger than what has settled.
    world.append(first, epochs(1, 1))
    [new] = asyncio.run(world.frames(1, label="class", after=rest[-1].id))
    assert (new.job, new.type) == (first, "epochs")


def test_more_jobs_than_a_stream_follows_at_once_are_reported_after_a_cut(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(many, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(many, "MAX_WATCHED", 3)
    monkeypatch.setattr(events, "MAX_WATCHED", 3)
    world.create("class")
    [opening] = asyncio.run(world.frames(1, label="class"))
    missed = [world.create("class") for _ in range(7)]
    for job_id in missed:
        world.finish(job_id, 0)
    new = asyncio.run(world.frames(7, label="class", after=opening.id))
    # Cut again: those that have not joined yet are not forgotten.
    new += asyncio.run(world.frames(7, label="class", after=new[-1].id))
    assert sorted(frame.job for frame in new if frame.type == "end") == missed


def test_a_stream_of_many_counts_as_one(world: World) -> None:
    hub = Hub(world.database, Queue(None), heartbeat_seconds=15.0, max_streams=1)
    job_ids = [world.create() for _ in range(3)]

    async def watch() -> None:
        context = world.context(hub)
        stream = await watch_jobs(context, WatchJobsRequest(jobs=job_ids))
        with pytest.raises(QuotaExceeded):
            await watch_jobs(context, WatchJobsRequest(jobs=job_ids))
        stream.close()
        again = await watch_jobs(context, WatchJobsRequest(jobs=job_ids))
        again.close()
        with pytest.raises(NotFound):
            await watch_jobs(context, WatchJobsRequest(jobs=[*job_ids, "job_x"]))
        assert hub.streams("me") == 0
        await hub.close()

    asyncio.run(watch())


def test_without_news_there_are_heartbeats_with_the_cursor(world: World) -> None:
    job_id = world.create()

    async def watch() -> list[JobsFrame]:
        return await world.frames(20, hub=hub_of(world.database, heartbeat=0.05), jobs=[job_id])

    frames = asyncio.run(watch())
    kinds = [new.type for new in frames]
    after = frames[kinds.index("snapshot") :]  # a busy machine may send heartbeats before
    assert set(kinds) == {"snapshot", "heartbeat"}
    assert {new.id for new in after} == {after[0].id}
    assert len(after) > 1


def test_a_stream_that_cannot_go_on_ends(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    job_ids = [world.create() for _ in range(2)]

    async def attach(*_: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(Hub, "attach", attach)
    assert asyncio.run(world.frames(jobs=job_ids)) == []
