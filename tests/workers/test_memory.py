"""A job's memory is priced before it is created, and limited while it runs."""

import os
import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchmarks.prices import CASES, measure
from tests.servers.stack import MakeStack, Stack, await_condition
from tests.workers.in_process import DIGITS, XOR, Service, service_at

import epochal
from epochal_service.errors import InvalidArgument
from epochal_service.methods import jobs, sweeps
from epochal_service.settings import Limits, Settings
from epochal_service.specs.jobs import CreateJobOptions
from epochal_service.specs.sweeps import SweepSpec
from epochal_service.specs.training import TrainingSpec
from epochal_service.store import Database
from epochal_service.store import jobs as stored_jobs
from epochal_workers.memory import MARGIN_BYTES, MemoryLimit, allowed_bytes, is_exhausted

pytestmark = pytest.mark.long

GIGABYTE = 10**9


@pytest.fixture
def local(valkey_server: str, tmp_path: Path) -> Iterator[Service]:
    """A service on an empty SQLite file, with a limit of one gigabyte."""
    with service_at(f"sqlite:///{tmp_path}/epochal.db", valkey_server, tmp_path) as service:
        limits = Limits(max_memory_bytes=GIGABYTE)
        settings = service.settings.model_copy(update={"limits": limits})
        object.__setattr__(service.context, "settings", settings)
        yield service


def moons(units: int, batch: int) -> dict[str, Any]:
    """A job with two arrays `(batch, units)` of activations."""
    hidden = {"type": "dense", "units": units, "activation": "relu"}
    output = {"type": "dense", "units": 1, "activation": "sigmoid"}
    return {
        **XOR,
        "network": {"input_shape": [2], "layers": [hidden, hidden, output]},
        "dataset": {"name": "two_moons", "samples": max(batch, 4)},
        "batch_size": batch,
        "epochs": 2,
    }


@pytest.mark.parametrize(
    "name",
    [
        "batch of 20,000",
        "CNN, batch of 1,400",
        "LSTM",
        "sweep of 8, 0.3 M",
        pytest.param("sweep of 32, 0.3 M", marks=pytest.mark.training),
    ],
)
def test_a_job_takes_about_the_memory_that_was_predicted(name: str) -> None:
    result = measure(CASES[name])
    assert result.state == "succeeded"
    # Copies of a resume point wait for the database: four to six, as quick as it is.
    assert 0.75 < result.memory / result.peak < 1.75


def test_a_batch_that_needs_too_much_memory_is_refused(local: Service) -> None:
    spec = TrainingSpec.model_validate(moons(1024, 100_000))
    with pytest.raises(InvalidArgument) as caught:
        jobs.create_job(local.context, spec, CreateJobOptions())
    assert caught.value.reason == "limit_exceeded"
    ((field, description),) = caught.value.errors
    assert field == "batch_size"
    assert "GB of memory in batches of 100,000 samples: use a smaller batch_size" in description
    assert "the limit of one job is 1 GB" in description
    with pytest.raises(InvalidArgument, match="batch_size"):
        jobs.validate_job(local.context, spec)
    smaller = TrainingSpec.model_validate({**moons(1024, 100_000), "batch_size": 100})
    assert jobs.validate_job(local.context, smaller).memory_bytes < GIGABYTE


def test_a_job_at_the_limit_is_accepted_and_beyond_it_refused(local: Service) -> None:
    spec = TrainingSpec.model_validate(moons(512, 10_000))
    needed = jobs.validate_job(local.context, spec).memory_bytes
    for limit, accepted in ((needed, True), (needed - 1, False)):
        limits = Limits(max_memory_bytes=limit)
        settings = local.settings.model_copy(update={"limits": limits})
        object.__setattr__(local.context, "settings", settings)
        if accepted:
            jobs.validate_job(local.context, spec)
        else:
            with pytest.raises(InvalidArgument, match="limit of one job"):
                jobs.validate_job(local.context, spec)


def test_a_sweep_whose_members_need_too_much_together_is_refused(local: Service) -> None:
    job = {**moons(1024, 32), "epochs": 2}
    spec = {"job": job, "variants": [{"seed": seed} for seed in range(64)]}
    with pytest.raises(InvalidArgument) as caught:
        sweeps.validate_sweep(local.context, SweepSpec.model_validate(spec))
    ((field, description),) = caught.value.errors
    assert field == "variants"
    assert "for 64 members at once: use fewer" in description


def test_pricing_takes_no_memory_itself(local: Service) -> None:
    def resident() -> int:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))

    if sys.platform != "linux":
        pytest.skip("needs /proc")
    Path("/proc/self/clear_refs").write_text("5")
    before = resident()
    with pytest.raises(InvalidArgument):
        jobs.validate_job(local.context, TrainingSpec.model_validate(moons(1024, 100_000)))
    assert resident() - before < 100_000_000


def test_each_worker_has_an_equal_share_of_the_memory() -> None:
    alone, four = (Settings(_env_file=None, workers=workers) for workers in (1, 4))
    assert alone.limits.max_memory_bytes // 4 == four.limits.max_memory_bytes
    chosen = Settings(_env_file=None, workers=4, limits=Limits(max_memory_bytes=5))
    assert chosen.limits.max_memory_bytes == 5


# ------------------------------------------------------------------------------- while it runs

linux = pytest.mark.skipif(sys.platform != "linux", reason="the limit needs Linux")


@linux
def test_the_limit_ends_with_the_job() -> None:
    beyond = allowed_bytes(0) + 100_000_000
    assert beyond > MARGIN_BYTES
    with MemoryLimit(0).applied(), pytest.raises(MemoryError) as caught:
        np.empty(beyond, np.uint8)
    assert is_exhausted(caught.value)
    assert np.empty(beyond, np.uint8).nbytes == beyond


@linux
def test_each_of_several_jobs_has_a_limit() -> None:
    first, second = MemoryLimit(0), MemoryLimit(0)
    half = MARGIN_BYTES * 2 // 3
    with first.applied():
        held = [np.empty(half, np.uint8)]
    with second.applied():
        held.append(np.empty(half, np.uint8))
    with first.applied(), pytest.raises(MemoryError):
        np.empty(half, np.uint8)
    with second.applied():
        del held[1]
        held.append(np.empty(half, np.uint8))


@linux
def test_blocks_that_overlap_leave_no_limit() -> None:
    with MemoryLimit(GIGABYTE).applied():
        pass
    before = resource.getrlimit(resource.RLIMIT_DATA)
    with ExitStack() as first:
        first.enter_context(MemoryLimit(GIGABYTE).applied())
        with MemoryLimit(GIGABYTE).applied():
            assert resource.getrlimit(resource.RLIMIT_DATA) != before
            first.close()
        assert resource.getrlimit(resource.RLIMIT_DATA) == before


@pytest.fixture(scope="module")
def one_worker(module_stack: MakeStack) -> Stack:
    """An Epochal with one process that trains, and a lease of a minute."""
    # Celery reports the death of a child some seconds later; the lease must not expire before.
    return module_stack(workers=1, lease_seconds=60)


@linux
def test_a_job_beyond_its_price_fails_at_once_and_the_next_ones_succeed(one_worker: Stack) -> None:
    database = Database(one_worker.database_url)
    with epochal.Client(one_worker.http) as client:
        large = client.jobs.create({**moons(1024, 40_000), "epochs": 1_000})
        large.pause()
        await_condition(lambda: client.jobs.get(large.id).state == "paused", 60, "it pauses")
        with database.write() as connection:
            row = stored_jobs.advance(
                connection, large.id, states=("paused",), events=0, values={"memory_bytes": 1_000}
            )
            assert row is not None
        large.resume()
        ended = client.jobs.get(large.id).wait(timeout=120)
        assert (ended.state, ended.stop_reason) == ("failed", "out_of_memory")
        assert ended.detail is not None
        assert "more than the estimated 1 kB, and may allocate 256 MB" in ended.detail
        # It was paused in the first attempt, or before it: it ran out in the next one.
        assert ended.attempt <= 2
        for spec in (XOR, DIGITS):
            assert client.jobs.create(spec).wait(timeout=60).state == "succeeded"
    database.close()


@linux
def test_a_child_that_aborts_ends_its_job(one_worker: Stack) -> None:
    """A killed child's job continues, unlike this one: see test_jobs_survive_every_fault."""
    with epochal.Client(one_worker.http) as client:
        job = client.jobs.create({**XOR, "epochs": 60_000})
        await_condition(lambda: client.jobs.get(job.id).epoch > 0, 60, "it trains")
        (worker,) = [worker for worker in client.workers() if worker.job == job.id]
        os.kill(worker.pid, signal.SIGABRT)
        ended = client.jobs.get(job.id).wait(timeout=120)
        assert (ended.state, ended.stop_reason) == ("failed", "out_of_memory")
        assert ended.attempt == 1
        assert ended.detail is not None
        assert "aborted the worker process: the job needs more than" in ended.detail
        assert client.jobs.create(XOR).wait(timeout=60).state == "succeeded"


@linux
def test_the_jobs_of_a_child_that_aborts_are_trained_alone_from_then_on(one_worker: Stack) -> None:
    database = Database(one_worker.database_url)
    with epochal.Client(one_worker.http) as client:
        jobs_ = [client.jobs.create({**XOR, "epochs": 1_000_000}) for _ in range(2)]

        def fruitless() -> list[int]:
            with database.read() as connection:
                rows = [stored_jobs.find(connection, job.id) for job in jobs_]
            return [row.fruitless_attempts for row in rows if row is not None and row.epoch > 0]

        await_condition(lambda: fruitless() == [0, 0], 60, "both train")
        (worker,) = [worker for worker in client.workers() if len(worker.jobs) == 2]
        os.kill(worker.pid, signal.SIGABRT)
        await_condition(lambda: fruitless() == [1, 1], 120, "both are suspects")
        assert [job.refresh().state for job in jobs_] == ["running", "running"]
    database.close()
