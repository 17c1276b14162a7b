"""A worker process trains several jobs in slices: in which order, and with the same results."""

import os
import signal
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from itertools import count
from time import perf_counter
from typing import Any, Literal

import numpy as np
import psutil
import pytest
from tests.servers.stack import MakeStack, await_condition
from tests.workers.in_process import (
    AT_ONCE,
    DIGITS,
    LONG_EPOCHS,
    NEVER,
    XOR,
    Service,
    never,
)
from tests.workers.record import check_log, record

import epochal
from epochal_service.admission.memory import PROCESS_BYTES
from epochal_service.jobs import lifecycle
from epochal_service.jobs.queue import Queue
from epochal_service.methods import jobs
from epochal_service.methods.changes import change_training
from epochal_service.settings import Limits
from epochal_service.specs.jobs import ChangeTrainingRequest, CreateJobOptions
from epochal_service.specs.training import TrainingSpec
from epochal_service.store import Access, Database, changes
from epochal_service.store import jobs as stored
from epochal_service.store.jobs import JobRow
from epochal_workers import scheduler
from epochal_workers.context import WorkerContext
from epochal_workers.run import Held
from epochal_workers.scheduler import take_turns

SWEEP = {"job": {**XOR, "epochs": 150}, "variants": [{"seed": 1}, {"learning_rate": 0.01}]}
LONG = {**XOR, "epochs": 2_000, "snapshots": {"weights_every": 0}}


@pytest.fixture(autouse=True)
def no_others(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """No job is left from another test, and none waits for other processes."""
    take_turns(worker(service), "")
    monkeypatch.setattr(scheduler, "STEP_SECONDS", 0.0)
    monkeypatch.setattr(scheduler, "ASK_SECONDS", 0.0)
    monkeypatch.setattr(scheduler, "TURN_SECONDS", NEVER)


def worker(
    service: Service, stopping: Callable[[], bool] = never, **settings: Any
) -> WorkerContext:
    changed = service.settings.model_copy(update=settings)
    # Nobody takes messages here.
    return WorkerContext(changed, service.database, Queue(None), stopping)


def create(service: Service, owner: str, spec: dict[str, Any]) -> str:
    context = replace(service.context, access=Access(owner))
    requested = TrainingSpec.model_validate(spec)
    return jobs.create_job(context, requested, CreateJobOptions()).id


def row(service: Service, job_id: str) -> JobRow:
    with service.database.read() as connection:
        job = stored.find(connection, job_id)
    assert job is not None
    return job


def most_at_once(service: Service, job_ids: list[str]) -> int:
    """Return the largest number of the jobs that were held at a moment."""
    rows = [row(service, job_id) for job_id in job_ids]
    starts = [(r.started_at or 0.0, 1) for r in rows]
    ends = [(r.finished_at or 0.0, -1) for r in rows]
    return int(np.cumsum([change for _, change in sorted(starts + ends)]).max())


class Slices:
    """The slices of a process. After the slice of a number, counted from 0, an action is done."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.jobs: list[JobRow] = []
        self.actions: dict[int, Callable[[], object]] = {}
        train = Held.train

        def spied(held: Held, seconds: float) -> bool:
            goes_on = train(held, seconds)
            self.jobs.append(held.job)
            self.actions.pop(len(self.jobs) - 1, lambda: None)()
            return goes_on

        monkeypatch.setattr(Held, "train", spied)


@pytest.fixture
def slices(monkeypatch: pytest.MonkeyPatch) -> Slices:
    """Slices that end after each epoch."""
    monkeypatch.setattr(scheduler, "SLICE_SECONDS", 0.0)
    return Slices(monkeypatch)


# ------------------------------------------------------------------------------------- the order


def test_jobs_in_turns_have_the_bits_of_jobs_alone(service: Service, slices: Slices) -> None:
    specs = [DIGITS, {**XOR, "epochs": 150}, SWEEP, LONG_EPOCHS, {**DIGITS, "seed": 8}]
    alone = [service.undisturbed(spec) for spec in specs]
    job_ids = [service.create(spec) for spec in specs]
    take_turns(worker(service, flush_seconds=AT_ONCE), "")
    assert most_at_once(service, job_ids) == len(specs)
    turns = sum(a.id != b.id for a, b in zip(slices.jobs, slices.jobs[1:], strict=False))
    assert turns > 100
    assert [record(service.database, job_id) for job_id in job_ids] == alone


def test_owners_have_equal_numbers_of_slices_and_so_have_the_jobs_of_an_owner(
    service: Service, slices: Slices
) -> None:
    spec = {**DIGITS, "epochs": 200, "early_stopping": None}
    class_jobs = [create(service, "class", spec) for _ in range(3)]
    teacher_job = create(service, "teacher", spec)
    # Each has been admitted by then.
    slices.actions[300] = lambda: [
        lifecycle.cancel(service.database, job_id, Access(owner))
        for owner, job_id in [
            ("teacher", teacher_job),
            *(("class", job_id) for job_id in class_jobs),
        ]
    ]
    take_turns(worker(service, flush_seconds=NEVER), "")
    counts = Counter(job.id for job in slices.jobs[20:300])
    assert counts[teacher_job] == pytest.approx(140, abs=3)
    assert [counts[job_id] for job_id in class_jobs] == pytest.approx([280 / 6] * 3, abs=3)


def test_a_small_job_does_not_wait_for_a_long_one(service: Service, slices: Slices) -> None:
    long = service.create(LONG, epochs=500)
    small: list[str] = []
    slices.actions[50] = lambda: small.append(service.create(XOR, epochs=5))
    take_turns(worker(service, flush_seconds=NEVER), "")
    before, after = row(service, small[0]), row(service, long)
    assert (before.finished_at or NEVER) < (after.finished_at or 0.0)
    assert [job.id for job in slices.jobs].index(small[0]) < 55


def test_a_new_job_is_first_of_all_for_processes_with_fewer_jobs(
    service: Service, slices: Slices, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler, "STEP_SECONDS", NEVER)
    job_ids = [service.create(XOR, epochs=50) for _ in range(3)]
    take_turns(worker(service), "")
    assert most_at_once(service, job_ids) == 1


def test_a_process_holds_so_many_jobs_of_an_owner_and_some_of_others(
    service: Service, slices: Slices, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler, "MOST_OF_OWNER", 2)
    monkeypatch.setattr(scheduler, "MOST_HELD", 3)
    spec = {**XOR, "epochs": 50}
    many = [create(service, "many", spec) for _ in range(4)]
    few = [create(service, owner, spec) for owner in ("one", "two")]
    take_turns(worker(service), "")
    assert most_at_once(service, many) == 2
    assert most_at_once(service, [*many, *few]) == 3
    assert {row(service, job_id).state for job_id in [*many, *few]} == {"succeeded"}


def test_after_its_turn_a_process_takes_no_jobs_but_beside_a_long_one(
    service: Service, slices: Slices, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A slice takes ten seconds, so that no pause of the machine counts.
    begun_at = perf_counter()
    monkeypatch.setattr(scheduler, "perf_counter", lambda: begun_at + 10 * len(slices.jobs))
    monkeypatch.setattr(scheduler, "TURN_SECONDS", 1_000)
    monkeypatch.setattr(scheduler, "LONG_SECONDS", 2_000)
    long = service.create(LONG, epochs=1_000)
    slices.actions = {at: lambda: service.create(XOR, epochs=5) for at in range(10, 300, 10)}
    take_turns(worker(service, lambda: len(slices.jobs) > 350), "")
    ids = [job.id for job in slices.jobs]
    assert ids[0] == long
    starts = {ids.index(job_id) for job_id in ids[1:]}
    assert min(starts) < 100 < 200 <= max(starts)
    assert not [start for start in starts if 110 < start < 200]


def test_a_change_does_not_wait_for_the_next_epoch_of_a_slow_run(service: Service) -> None:
    job_id = create(service, "me", {**XOR, "epochs": 3, "pace": 0.001})
    context = replace(service.context, access=Access("me"))
    unpaced = iter([ChangeTrainingRequest(pace=0.0)])
    ends_at = perf_counter() + 30

    def stopping() -> bool:
        """After the first epoch, ask for the others at once; stop if that has no effect."""
        if row(service, job_id).epoch == 1:
            for request in unpaced:
                change_training(context, job_id, request)
        return perf_counter() > ends_at

    take_turns(worker(service, stopping, flush_seconds=NEVER), job_id)
    assert row(service, job_id).state == "succeeded"


def test_one_query_asks_for_the_changes_of_all_jobs(service: Service) -> None:
    jobs_of = {who: create(service, who, {**XOR, "epochs": 1}) for who in ("us", "them", "she")}
    requests = worker(service).requests
    with requests.followed(jobs_of["us"]), requests.followed(jobs_of["them"]):
        with service.database.write() as connection:
            for job_id in jobs_of.values():
                changes.insert(connection, job_id, "{}")
        assert requests.waiting(NEVER) == set()  # as it was when the first job began
        assert requests.waiting(0.0) == {jobs_of["us"], jobs_of["them"]}
    assert requests.waiting(0.0) == set()


# ----------------------------------------------------------------------------------- the memory


def test_the_prices_of_all_jobs_together_are_within_the_limit(
    service: Service, slices: Slices
) -> None:
    job_ids = [service.create(DIGITS) for _ in range(4)]
    price = row(service, job_ids[0]).memory_bytes
    assert price is not None
    limits = Limits(max_memory_bytes=int(PROCESS_BYTES + 2.5 * (price - PROCESS_BYTES)))
    take_turns(worker(service, limits=limits), "")
    assert most_at_once(service, job_ids) == 2
    assert {row(service, job_id).state for job_id in job_ids} == {"succeeded"}


@pytest.mark.parametrize("suspect", [0, 1], ids=["the first", "a later one"])
def test_a_job_whose_worker_was_lost_is_trained_alone(
    service: Service, slices: Slices, suspect: int
) -> None:
    job_ids = [service.create(XOR, epochs=50, priority=-n) for n in range(3)]
    with service.database.write() as connection:
        assert stored.advance(
            connection,
            job_ids[suspect],
            states=("queued",),
            events=0,
            values={"fruitless_attempts": 1},
        )
    take_turns(worker(service), "")
    alone = [job_ids[suspect]]
    for other in job_ids:
        assert other in alone or most_at_once(service, [*alone, other]) == 1
    assert {row(service, job_id).state for job_id in job_ids} == {"succeeded"}


# ------------------------------------------------------------------------------ the end of a job


def test_a_lost_job_ends_only_its_own_attempt(service: Service, slices: Slices) -> None:
    specs = [DIGITS, {**DIGITS, "seed": 8}, {**XOR, "epochs": 100}]
    alone = [service.undisturbed(spec) for spec in specs]
    job_ids = [service.create(spec) for spec in specs]
    slices.actions[40] = lambda: service.lose_worker(job_ids[1])
    take_turns(worker(service, flush_seconds=AT_ONCE), "")
    assert [record(service.database, job_id) for job_id in job_ids] == alone
    assert [row(service, job_id).attempt for job_id in job_ids] == [1, 2, 1]


@pytest.mark.parametrize(
    ("request_", "state"), [(Service.cancel, "cancelled"), (Service.pause, "paused")]
)
def test_a_request_concerns_one_of_several_jobs(
    service: Service, slices: Slices, request_: Callable[[Service, str], None], state: str
) -> None:
    job_ids = [service.create(XOR, epochs=60) for _ in range(3)]
    slices.actions[60] = lambda: request_(service, job_ids[1])
    take_turns(worker(service, flush_seconds=AT_ONCE), "")
    ends = [row(service, job_id).state for job_id in job_ids]
    assert ends == ["succeeded", state, "succeeded"]
    check_log(service.database, job_ids[1])


@pytest.mark.skipif(sys.platform != "linux", reason="the limit needs Linux")
def test_a_job_that_needs_too_much_memory_fails_alone(service: Service, slices: Slices) -> None:
    layer = {"type": "dense", "units": 1024, "activation": "relu"}
    large = {
        **XOR,
        "network": {"input_shape": [2], "layers": [layer, layer, {"type": "dense", "units": 1}]},
        "loss": "mse",
        "dataset": {"name": "two_moons", "samples": 40_000},
        "batch_size": 40_000,
    }
    job_ids = [service.create(spec) for spec in (DIGITS, large, DIGITS)]
    with service.database.write() as connection:
        values = {"memory_bytes": 1_000}
        assert stored.advance(connection, job_ids[1], states=("queued",), events=0, values=values)
    take_turns(worker(service, flush_seconds=NEVER), "")
    reasons = [row(service, job_id).stop_reason for job_id in job_ids]
    assert reasons == ["completed", "out_of_memory", "completed"]
    assert row(service, job_ids[0]).attempt == row(service, job_ids[2]).attempt == 1


def test_a_worker_that_stops_releases_each_job_at_its_state(
    service: Service, slices: Slices
) -> None:
    specs = [DIGITS, {**DIGITS, "seed": 8}, {**XOR, "epochs": 150}, SWEEP]
    alone = [service.undisturbed(spec) for spec in specs]
    job_ids = [service.create(spec) for spec in specs]
    leaves = worker(
        service, lambda: len(slices.jobs) > 50, flush_seconds=NEVER, checkpoint_seconds=NEVER
    )
    take_turns(leaves, "")
    trained = Counter(job.id for job in slices.jobs)
    for job_id in job_ids:
        released = row(service, job_id)
        assert (released.state, released.fruitless_attempts) == ("queued", 0)
        assert released.lease_expires_at is None
        # Each had a slice more, in which it only released.
        assert 1 <= released.epoch <= trained[job_id]
    take_turns(worker(service), "")
    assert [record(service.database, job_id) for job_id in job_ids] == alone


def test_a_process_with_several_jobs_releases_one_to_an_idle_process(
    service: Service, slices: Slices, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler, "LOOK_SECONDS", 0.05)
    calls = count()

    def idle_once(*_: object) -> bool:
        return next(calls) == 0

    monkeypatch.setattr("epochal_workers.scheduler.workers.any_idle", idle_once)
    alone = service.undisturbed(DIGITS)
    job_ids = [service.create(DIGITS) for _ in range(2)]
    take_turns(worker(service, flush_seconds=AT_ONCE), "")
    assert [record(service.database, job_id) for job_id in job_ids] == [alone, alone]
    assert sorted(row(service, job_id).attempt for job_id in job_ids) == [1, 2]


# ------------------------------------------------------------------------------ real processes


def database_of(service: Service) -> Literal["sqlite", "postgresql"]:
    return "sqlite" if service.settings.sqlite else "postgresql"


@pytest.mark.long
def test_all_jobs_of_a_process_continue_after_it_ends(
    make_stack: MakeStack, service: Service
) -> None:
    """A worker is stopped on one database, and its process killed on the other."""
    spec = {**DIGITS, "epochs": 400, "early_stopping": None}
    alone = service.undisturbed(spec)
    stack = make_stack(
        database=database_of(service),
        workers=1,
        lease_seconds=1.5,
        reaper_seconds=0.2,
        checkpoint_seconds=0.2,
    )
    with epochal.Client(stack.http) as client:
        created = [client.jobs.create(spec) for _ in range(4)]

        def all_train() -> bool:
            (shown,) = client.workers()
            return len(shown.jobs) == 4 and all(job.refresh().epoch > 5 for job in created)

        await_condition(all_train, 60, "all train at once")
        if service.settings.sqlite:
            psutil.Process(stack.pid("worker")).terminate()
        else:
            os.kill(client.workers()[0].pid, signal.SIGKILL)
        for job in created:
            assert job.wait(timeout=120).state == "succeeded"
    with closing(Database(stack.database_url)) as database:
        for job in created:
            assert record(database, job.id) == alone


@pytest.mark.long
def test_a_process_that_was_late_gets_a_job_of_its_neighbor(
    make_stack: MakeStack, service: Service
) -> None:
    stack = make_stack(database=database_of(service), workers=2)
    with epochal.Client(stack.http) as client:
        await_condition(lambda: len(client.workers()) == 2, 60, "two processes")
        late, _ = client.workers()
        os.kill(late.pid, signal.SIGSTOP)
        try:
            spec = {**DIGITS, "epochs": 100_000, "early_stopping": None}
            created = [client.jobs.create(spec) for _ in range(2)]
            await_condition(lambda: all(job.refresh().epoch > 0 for job in created), 60, "training")
            assert len(max(client.workers(), key=lambda worker: len(worker.jobs)).jobs) == 2
        finally:
            os.kill(late.pid, signal.SIGCONT)
        await_condition(
            lambda: [len(worker.jobs) for worker in client.workers()] == [1, 1], 60, "they share"
        )
        for job in created:
            job.cancel()
