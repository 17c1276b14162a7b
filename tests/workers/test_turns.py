"""Owners take turns: none waits for the whole queue of another."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from functools import partial
from itertools import count

import pytest
import redis
from tests.servers.stack import await_condition
from tests.workers.in_process import XOR, Service, at_call
from tests.workers.record import record

import epochal_workers.scheduler
from epochal_service.jobs import lifecycle
from epochal_service.jobs.queue import QUEUE, Queue
from epochal_service.methods import jobs, sweeps
from epochal_service.specs.jobs import CreateJobOptions
from epochal_service.specs.sweeps import CreateSweepOptions, SweepSpec
from epochal_service.specs.training import TrainingSpec
from epochal_service.store import Access
from epochal_service.store import jobs as stored
from epochal_service.store.jobs import JobRow
from epochal_workers.context import WorkerContext
from epochal_workers.run import run
from epochal_workers.scheduler import take_turns


def create(service: Service, owner: str, epochs: int = 3, priority: int = 0) -> str:
    context = replace(service.context, access=Access(owner))
    spec = TrainingSpec.model_validate({**XOR, "epochs": epochs, "priority": priority})
    return jobs.create_job(context, spec, CreateJobOptions()).id


def rows_of(service: Service, *job_ids: str) -> list[JobRow]:
    """Return the rows of jobs of any owners."""
    with service.database.read() as connection:
        rows = [stored.find(connection, job_id) for job_id in job_ids]
    return [row for row in rows if row is not None]


def next_queued(service: Service, max_running: int | None = None) -> str | None:
    with service.database.read() as connection:
        queued = stored.next_queued(connection, max_running)
    return None if queued is None else queued.id


def train_next(service: Service) -> str | None:
    """Train the next job; return its id."""
    job_id = next_queued(service)
    worker = WorkerContext(service.settings, service.database, service.queue, lambda: False)
    state = run(worker)
    assert (state is None) == (job_id is None)
    return job_id


@pytest.fixture(autouse=True)
def empty(service: Service) -> None:
    while train_next(service) is not None:
        pass


def test_owners_take_turns_and_the_jobs_of_an_owner_keep_their_order(service: Service) -> None:
    many = [create(service, "many") for _ in range(5)]
    few = [create(service, "few") for _ in range(2)]
    order = [train_next(service) for _ in range(7)]
    assert order == [many[0], few[0], many[1], few[1], *many[2:]]
    assert train_next(service) is None


def test_one_message_is_enough_for_all_queued_jobs(service: Service) -> None:
    many = [create(service, "class") for _ in range(3)]
    few = create(service, "teacher")
    worker = WorkerContext(service.settings, service.database, service.queue, lambda: False)
    take_turns(worker, many[0])
    rows = sorted(rows_of(service, *many, few), key=lambda row: row.started_at or 0.0)
    assert [row.id for row in rows] == [many[0], few, *many[1:]]
    assert {row.state for row in rows} == {"succeeded"}


def test_a_worker_whose_turn_is_over_wakes_another_one(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The first slice takes longer than the turn.
    first, second = create(service, "student", epochs=20_000), create(service, "student")
    monkeypatch.setattr(epochal_workers.scheduler, "TURN_SECONDS", 0.03)
    # A database of the broker that nobody else uses: messages of the two jobs may still be on
    # their way.
    url = f"{service.settings.broker_url}?db=1"
    with redis.Redis.from_url(url) as broker, closing(Queue(url)) as queue:
        broker.flushdb()
        take_turns(WorkerContext(service.settings, service.database, queue, lambda: False), first)
        await_condition(lambda: broker.llen(QUEUE) == 1, 60, "another message")
    states = [row.state for row in rows_of(service, first, second)]
    assert states == ["succeeded", "queued"]


def test_a_worker_that_stops_leaves_the_other_jobs_in_the_queue(service: Service) -> None:
    first, second = create(service, "student"), create(service, "student")
    # It asks before a job and after each of three epochs: 0 to 3 are of the first job.
    requested = count()
    worker = WorkerContext(
        service.settings, service.database, service.queue, lambda: next(requested) >= 4
    )
    take_turns(worker, first)
    states = [row.state for row in rows_of(service, first, second)]
    assert states == ["succeeded", "queued"]


def test_an_owner_without_a_running_job_comes_first(service: Service) -> None:
    running, waiting = create(service, "busy", epochs=50), create(service, "busy")
    order = []

    def add_another() -> None:
        other = create(service, "idle")
        order.extend([next_queued(service), other])

    assert next_queued(service) == running
    service.run(running, at_call(5, add_another))
    assert order[0] == order[1]
    assert train_next(service) == order[1]
    assert train_next(service) == waiting


def test_the_job_with_the_highest_priority_of_its_owner_starts_first(service: Service) -> None:
    low, first, high, second, other = (
        create(service, owner, priority=priority)
        for owner, priority in (("me", -1), ("me", 0), ("me", 10), ("me", 0), ("you", -10))
    )
    assert [train_next(service) for _ in range(5)] == [high, other, first, second, low]


def test_a_sweep_has_the_priority_of_its_job(service: Service) -> None:
    create(service, "me")
    spec = SweepSpec.model_validate(
        {"job": {**XOR, "epochs": 3, "priority": 1}, "variants": [{"seed": 1}]}
    )
    context = replace(service.context, access=Access("me"))
    sweep = sweeps.create_sweep(context, spec, CreateSweepOptions())
    assert train_next(service) == sweep.id


def test_priority_changes_no_result(service: Service) -> None:
    low, high = (service.create(XOR, epochs=30, priority=priority) for priority in (-10, 10))
    for _ in range(2):
        train_next(service)
    assert record(service.database, low) == record(service.database, high)


def test_an_owner_at_its_quota_of_running_jobs_waits_and_no_other_does(service: Service) -> None:
    running = create(service, "busy", epochs=50)
    waiting = create(service, "busy", priority=10)
    claimed = []

    def look() -> None:
        assert next_queued(service, max_running=1) is None
        assert next_queued(service, max_running=2) == waiting
        # The claim decides: another worker may have chosen the job before.
        claim = partial(lifecycle.claim, service.database, waiting, worker="w", kernel="")
        assert claim(lease_seconds=1, max_running=1) is None
        other = create(service, "idle")
        claimed.extend([next_queued(service, max_running=1), other])

    service.run(running, at_call(5, look))
    assert claimed[0] == claimed[1]
    assert {train_next(service), train_next(service)} == {waiting, claimed[0]}


def test_workers_that_claim_at_once_do_not_exceed_the_quota(service: Service) -> None:
    queued = [create(service, "busy") for _ in range(12)]

    def claim(job_id: str) -> bool:
        return (
            lifecycle.claim(
                service.database, job_id, lease_seconds=60, worker="w", kernel="", max_running=3
            )
            is not None
        )

    with ThreadPoolExecutor(12) as threads:
        claims = dict(zip(queued, threads.map(claim, queued), strict=True))
    assert sum(claims.values()) == 3
    for job_id, claimed in claims.items():
        if claimed:
            service.lose_worker(job_id)
