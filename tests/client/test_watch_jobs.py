"""Many jobs over one connection: on both wires, with labels, keys and cuts."""

from collections import defaultdict
from collections.abc import Iterable

import pytest
from tests.client.conftest import Proxy
from tests.client.material import MOONS
from tests.servers.stack import Stack

import epochal

LONG_MOONS = {**MOONS, "epochs": 2000, "snapshots": {"weights_every": 500}}


def epochs_of(
    events: Iterable[tuple[epochal.Job, epochal.Event | epochal.LeftEvent]],
) -> dict[str, list[int]]:
    """Return the epochs of each job: those of the snapshot, then each batch's first and last."""
    bounds: dict[str, list[int]] = defaultdict(list)
    for job, event in events:
        if isinstance(event, epochal.SnapshotEvent):
            bounds[job.id] += [1, event.job.epoch] if event.job.epoch else []
        elif isinstance(event, epochal.EpochsEvent):
            bounds[job.id] += [event.first_epoch, event.last_epoch]
    return bounds


def is_whole(bounds: list[int], epochs: int) -> bool:
    starts, ends = bounds[::2], bounds[1::2]
    return starts == [1, *(end + 1 for end in ends[:-1])] and ends[-1] == epochs


def test_thirty_jobs_come_over_one_connection(client: epochal.Client) -> None:
    jobs = [client.jobs.create(LONG_MOONS, epochs=60, seed=seed) for seed in range(30)]
    bounds = epochs_of(client.jobs.watch(*jobs))
    assert all(is_whole(bounds[job.id], 60) for job in jobs)
    assert {job.state for job in jobs} == {"succeeded"}


def test_jobs_with_a_label_join_until_the_time_is_over(client: epochal.Client) -> None:
    label = f"watched-{client.base_url.partition(':')[0]}"
    first = client.jobs.create(LONG_MOONS, epochs=100_000, pace=20, labels={label: ""})
    later: epochal.Job | None = None
    kinds: dict[str, set[str]] = defaultdict(set)
    for job, event in client.jobs.watch(label=label, timeout=60):
        kinds[job.id].add(event.type)
        if later is None and event.type == "epochs":
            later = client.jobs.create(LONG_MOONS, epochs=5, labels={label: ""})
        if later is not None and "end" in kinds[later.id]:
            first.cancel()
        if "end" in kinds[first.id]:
            break
    assert later is not None
    assert kinds[later.id] >= {"snapshot", "end"}
    with pytest.raises(epochal.TimedOut):
        list(client.jobs.watch(label=label, timeout=0.2))


def test_wrong_requests_are_refused(client: epochal.Client) -> None:
    job = client.jobs.create(MOONS, epochs=1)
    with pytest.raises(epochal.NotFound):
        list(client.jobs.watch(job, "job_1"))
    with pytest.raises(epochal.InvalidArgument, match="label"):
        list(client.jobs.watch(job, label="a"))
    with pytest.raises(epochal.InvalidArgument, match="100"):
        list(client.jobs.watch(*["job_1"] * 101))


@pytest.mark.parametrize("wire", ["http", "grpc"])
def test_cuts_lose_and_repeat_nothing(stack: Stack, wire: str) -> None:
    host, _, port = (
        stack.http.removeprefix("http://") if wire == "http" else stack.grpc
    ).partition(":")
    proxy = Proxy((host, int(port)))
    proxy.cut_after = [1_000, 30_000, 60_000, 90_000, 40_000, 70_000]
    try:
        with (
            epochal.Client(stack.http) as direct,
            epochal.Client(f"{wire}://{proxy.address}") as client,
        ):
            jobs = [direct.jobs.create(LONG_MOONS, seed=seed) for seed in range(3)]
            bounds = epochs_of(client.jobs.watch(*(job.id for job in jobs)))
            assert all(is_whole(bounds[job.id], 2000) for job in jobs)
            assert proxy.connections > 3
    finally:
        proxy.close()
