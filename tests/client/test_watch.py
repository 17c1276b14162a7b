"""Watching a job yields every event once, whatever happens to the connection."""

import threading
import time
from collections.abc import Iterable

import numpy as np
import pytest
from tests.client.conftest import Proxy
from tests.client.material import MOONS
from tests.servers.replies import Reply, ReplyServer
from tests.servers.stack import Stack

import epochal

LONG_MOONS = {**MOONS, "epochs": 3000, "snapshots": {"weights_every": 500}}


def epoch_bounds(events: Iterable[epochal.Event]) -> list[int]:
    """First and last epoch of every batch of epochs, in order."""
    bounds = []
    for event in events:
        if isinstance(event, epochal.EpochsEvent):
            bounds += [event.first_epoch, event.last_epoch]
    return bounds


def is_whole(bounds: list[int], epochs: int) -> bool:
    """Whether the batches follow each other without a gap and without a double."""
    starts, ends = bounds[::2], bounds[1::2]
    return starts == [1, *(end + 1 for end in ends[:-1])] and ends[-1] == epochs


def test_a_stream_opens_with_a_snapshot_and_closes_with_the_end(client: epochal.Client) -> None:
    job = client.jobs.create(LONG_MOONS, epochs=200)
    events = list(job.watch())
    assert isinstance(events[0], epochal.SnapshotEvent)
    assert events[0].job.id == job.id
    assert isinstance(events[-1], epochal.EndEvent)
    assert (events[-1].state, events[-1].stop_reason) == ("succeeded", "completed")
    seqs = [event.seq for event in events]
    assert seqs == sorted(set(seqs))


def test_what_happened_is_replayed_from_a_cursor(client: epochal.Client) -> None:
    job = client.jobs.create(LONG_MOONS, epochs=200).wait(60)
    log = list(job.watch(after=0))
    assert is_whole(epoch_bounds(log), 200)
    assert {event.type for event in log} == {"state", "epochs", "checkpoint", "end"}
    middle = log[len(log) // 2].seq
    assert [event.seq for event in job.watch(after=middle)] == [
        event.seq for event in log if event.seq > middle
    ]
    assert list(job.watch(after=log[-1].seq)) == []


def test_epochs_come_by_column_with_their_gradients(client: epochal.Client) -> None:
    job = client.jobs.create(LONG_MOONS, epochs=40).wait(60)
    batches = [e for e in job.watch(after=0) if isinstance(e, epochal.EpochsEvent)]
    losses = np.concatenate([batch.columns["validation_loss"] for batch in batches])
    epochs = np.concatenate([batch.epochs for batch in batches])
    np.testing.assert_array_equal(epochs, range(1, 41))
    np.testing.assert_array_equal(losses, [row.validation_loss for row in job.epochs()])
    gradients = batches[-1].gradients
    assert gradients is not None
    assert [layer.name for layer in gradients.layers] == ["dense_1", "dense_2", "dense_3"]
    assert gradients.layers[0].norm.shape == gradients.epochs.shape


def test_the_handle_follows_the_events(client: epochal.Client) -> None:
    job = client.jobs.create(LONG_MOONS, epochs=300)
    for event in job.watch():
        assert job.seq == event.seq
        if isinstance(event, epochal.EpochsEvent):
            assert job.epoch == event.last_epoch
            assert job.latest is not None
            assert job.latest.train_loss == event.columns["train_loss"][-1]
    assert (job.state, job.epoch) == ("succeeded", 300)
    followed = job.data
    job.refresh()
    assert (followed.epoch, followed.latest, followed.seq) == (job.epoch, job.latest, job.seq)


@pytest.mark.parametrize("cuts", [[900, 1500, 6000, 20_000], [40, 2500]])
def test_nothing_is_lost_or_doubled_when_connections_break_in_the_middle_of_a_frame(
    url: str, proxy: Proxy, cuts: list[int]
) -> None:
    with epochal.Client(url) as direct:
        job_id = direct.jobs.create(LONG_MOONS).id
        proxy.cut_after = list(cuts)
        with epochal.Client(f"{url.partition('://')[0]}://{proxy.address}") as client:
            seen = list(client.jobs.get(job_id).watch(after=0))
        assert proxy.cut_after == []
        assert proxy.connections > len(cuts)
        log = list(direct.jobs.get(job_id).watch(after=0))
    assert is_whole(epoch_bounds(seen), 3000)
    assert isinstance(seen[-1], epochal.EndEvent)
    others = [e.seq for e in log if not isinstance(e, epochal.EpochsEvent)]
    assert [e.seq for e in seen if not isinstance(e, epochal.EpochsEvent)] == others


def test_nothing_is_lost_or_doubled_when_the_service_is_killed_and_comes_back(
    client: epochal.Client, stack: Stack
) -> None:
    job = client.jobs.create(LONG_MOONS, epochs=15_000)
    seen, killed = [], False
    for event in job.watch(after=0):
        seen.append(event)
        if isinstance(event, epochal.EpochsEvent) and not killed:
            killed = True
            stack.restart_api()
    assert killed
    assert is_whole(epoch_bounds(seen), 15_000)
    assert (job.state, job.refresh().state) == ("succeeded", "succeeded")


def test_a_cut_while_nothing_happens_is_taken_up_again(url: str, proxy: Proxy) -> None:
    with (
        epochal.Client(f"{url.partition('://')[0]}://{proxy.address}") as client,
        epochal.Client(url) as direct,
    ):
        job = client.jobs.create(LONG_MOONS, epochs=1_000_000, batch_size=1)
        paused = False
        for event in job.watch():
            if isinstance(event, epochal.EpochsEvent) and not paused:
                paused = True
                direct.jobs.get(job.id).pause()
            if isinstance(event, epochal.StateEvent) and event.state == "paused":
                proxy.cut()
                direct.jobs.get(job.id).cancel()
        assert job.state == "cancelled"


@pytest.mark.long
def test_a_service_that_stays_away_is_given_up(url: str, proxy: Proxy) -> None:
    with (
        epochal.Client(f"{url.partition('://')[0]}://{proxy.address}") as client,
        epochal.Client(url) as direct,
    ):
        job = client.jobs.create(LONG_MOONS, epochs=1_000_000, batch_size=1)
        try:
            events = job.watch(give_up_after=1)
            next(events)
            proxy.refuse = True
            proxy.cut()
            started = time.monotonic()
            with pytest.raises(epochal.ConnectionFailed):
                list(events)
            assert time.monotonic() - started >= 1
        finally:
            direct.jobs.get(job.id).cancel()


def test_watching_and_waiting_end_in_time_although_nothing_happens(client: epochal.Client) -> None:
    job = client.jobs.create(LONG_MOONS, epochs=1_000_000, batch_size=1)
    try:
        for event in job.watch():
            if isinstance(event, epochal.EpochsEvent):
                break
        job.pause()
        for event in job.watch(after=job.seq):
            if isinstance(event, epochal.StateEvent) and event.state == "paused":
                break
        started = time.monotonic()
        with pytest.raises(epochal.TimedOut):
            job.wait(0.7)
        assert time.monotonic() - started >= 0.7
    finally:
        job.cancel()


def test_a_job_deleted_under_its_watcher_is_not_found(canned: ReplyServer) -> None:
    state = b'id: 1\nevent: state\ndata: {"state": "running"}\n\n'
    not_found: Reply = (404, {}, {"reason": "not_found", "detail": "gone"})
    canned.replies = [
        (200, {}, {"id": "job_1", "state": "queued", "spec": {"epochs": 3}}),
        (200, {"Content-Type": "text/event-stream"}, state),
        not_found,
    ]
    with epochal.Client(canned.url) as client:
        events = client.jobs.get("job_1").watch()
        assert next(events).seq == 1
        with pytest.raises(epochal.NotFound):
            next(events)


def test_leaving_the_loop_gives_the_connection_back(client: epochal.Client, url: str) -> None:
    job = client.jobs.create(LONG_MOONS, epochs=1_000_000, batch_size=1)
    try:
        # More streams than a pool has connections: each must be closed before the next opens.
        for _ in range(120):
            for _event in job.watch():
                break
        assert threading.active_count() < 50
    finally:
        job.cancel()
