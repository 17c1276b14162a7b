"""A deleted or expired job vanishes at once; its rows follow a few at a time, and none remain."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
import sqlalchemy as sa
from benchmarks.scale import Timed
from tests.workers.in_process import AT_ONCE, XOR, Killed, MortalDatabase, Service

from epochal_service.errors import Conflict, InvalidArgument, NotFound
from epochal_service.jobs import deletion
from epochal_service.jobs.deletion import delete_expired, purge
from epochal_service.methods import jobs, sweeps
from epochal_service.methods.datasets import delete_dataset
from epochal_service.specs.jobs import (
    GetCheckpointRequest,
    GetCurveRequest,
    ListCheckpointsRequest,
    ListEpochsRequest,
    ListGradientsRequest,
    ListJobsRequest,
)
from epochal_service.specs.sweeps import ListSweepsRequest
from epochal_service.store import Connection, Database, checkpoints, datasets, log, tables

# A log of 31 rows with epochs, and 31 checkpoints.
SPEC = {**XOR, "epochs": 30, "snapshots": {"weights_every": 1}, "labels": {"course": "week-3"}}
SWEEP = {"job": {**XOR, "epochs": 5}, "variants": [{"seed": 1}, {"seed": 2}]}
CHILDREN = [table for table in tables.metadata.tables.values() if "job_id" in table.c]


def ended(service: Service, **changes: object) -> str:
    job_id = service.create(SPEC, **changes)
    assert service.run(job_id, flush_seconds=AT_ONCE) == "succeeded"
    return job_id


def rows_of(database: Database, job_id: str) -> dict[str, int]:
    """The number of rows of each table that belong to the job."""
    columns = [tables.jobs.c.id, *(table.c.job_id for table in CHILDREN)]
    with database.read() as connection:
        counts = {
            column.table.name: connection.execute(
                sa.select(sa.func.count()).where(column == job_id)
            ).scalar_one()
            for column in columns
        }
    return {name: count for name, count in counts.items() if count}


def purge_all(service: Service) -> None:
    purge(service.database, 60)


READS: dict[str, Callable[[Service, str], object]] = {
    "get": lambda service, job: jobs.get_job(service.context, job),
    "epochs": lambda service, job: jobs.list_epochs(service.context, job, ListEpochsRequest()),
    "curve": lambda service, job: jobs.get_curve(service.context, job, GetCurveRequest()),
    "gradients": lambda service, job: jobs.list_gradients(
        service.context, job, ListGradientsRequest()
    ),
    "checkpoints": lambda service, job: jobs.list_checkpoints(
        service.context, job, ListCheckpointsRequest()
    ),
    "checkpoint": lambda service, job: jobs.get_checkpoint(
        service.context, job, 3, GetCheckpointRequest()
    ),
    "cancel": lambda service, job: jobs.cancel_job(service.context, job),
    "delete": lambda service, job: jobs.delete_job(service.context, job),
}


def test_a_deleted_job_vanishes_from_every_read_at_once(service: Service) -> None:
    job_id = ended(service)
    jobs.delete_job(service.context, job_id)
    assert rows_of(service.database, job_id)["log"] > 30  # they are still there
    for read in READS.values():
        with pytest.raises(NotFound):
            read(service, job_id)
    for request in (
        ListJobsRequest(),
        ListJobsRequest(states=["succeeded"]),
        ListJobsRequest(label="course=week-3"),
        ListJobsRequest(query=job_id),
    ):
        listed = jobs.list_jobs(service.context, request).jobs
        assert job_id not in [job.id for job in listed]
    with pytest.raises(InvalidArgument, match="There is no job"):
        service.create(SPEC, initial_weights={"job": job_id, "epoch": 3})


def test_the_rows_of_deleted_jobs_are_deleted_and_no_others(service: Service) -> None:
    deleted, other = ended(service), ended(service)
    sweep_id = service.create(SWEEP)
    assert service.run(sweep_id) == "succeeded"
    before = rows_of(service.database, other)
    assert before.keys() >= {"jobs", "job_specs", "job_labels", "log", "checkpoints"}
    jobs.delete_job(service.context, deleted)
    sweeps.delete_sweep(service.context, sweep_id)
    assert sweep_id not in [
        sweep.id for sweep in sweeps.list_sweeps(service.context, ListSweepsRequest()).sweeps
    ]
    purge_all(service)
    assert rows_of(service.database, deleted) == rows_of(service.database, sweep_id) == {}
    assert rows_of(service.database, other) == before


class Observed(Database):
    """Calls `after_write` after each transaction that writes."""

    def __init__(self, url: str, after_write: Callable[[], object]) -> None:
        super().__init__(url)
        self._after_write = after_write

    @contextmanager
    def write(self) -> Iterator[Connection]:
        with super().write() as connection:
            yield connection
        self._after_write()


def test_a_large_job_is_deleted_in_several_transactions_from_its_end(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = ended(service)
    seqs: list[list[int]] = []

    def look() -> None:
        # Others can write between two transactions.
        service.create(SPEC)
        with service.database.read() as connection:
            seqs.append([row.seq for row in log.after(connection, job_id, 0, 10**6)])

    purge_all(service)
    jobs.delete_job(service.context, job_id)
    monkeypatch.setattr(deletion, "HELD_SECONDS", 0.0)  # the smallest transactions
    observed = Observed(service.settings.database_url, look)
    purge(observed, 60)
    observed.close()
    assert len(seqs) > 30  # one for each checkpoint, and more
    assert len({len(left) for left in seqs}) > 3
    for left in seqs:
        assert left == list(range(1, len(left) + 1))
    assert rows_of(service.database, job_id) == {}


LONGEST_LOCK = 0.05
"""Seconds of the thread's processor time: the rest of a lock is the load of the machine."""


@pytest.mark.long
def test_no_transaction_that_deletes_a_large_job_holds_its_lock_for_long(service: Service) -> None:
    job_id = ended(service)
    # As large as the weights of two layers of 2,048 units.
    weights = np.random.default_rng(0).bytes(17 * 2**20)
    with service.database.write() as connection:
        checkpoints.insert(connection, job_id, [(epoch, weights) for epoch in (31, 32, 33)])
    timed = Timed(service.settings.database_url)
    jobs.delete_job(replace(service.context, database=timed), job_id)
    purge(timed, 60)
    timed.close()
    assert rows_of(service.database, job_id) == {}
    assert len(timed.seconds) > 2
    assert max(worked for _, worked in timed.seconds) < LONGEST_LOCK


def test_the_deletion_of_the_largest_data_set_holds_its_lock_shorter_than_its_insertion(
    service: Service,
) -> None:
    timed = Timed(service.settings.database_url)
    content = bytes(service.settings.limits.max_upload_bytes)
    with timed.write() as connection:
        datasets.insert(
            connection, id="data_1", owner="local", name="large", about="{}", content=content
        )
    inserting = max(worked for _, worked in timed.seconds)
    timed.seconds.clear()
    delete_dataset(replace(service.context, database=timed), "data_1")
    timed.close()
    assert max(worked for _, worked in timed.seconds) < inserting / 3


@pytest.mark.parametrize("number", [1, 2, 7])
@pytest.mark.parametrize("before_commit", [True, False])
def test_a_deletion_that_was_interrupted_is_completed_by_the_next_reaper(
    service: Service, number: int, before_commit: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = ended(service)
    purge_all(service)
    jobs.delete_job(service.context, job_id)
    monkeypatch.setattr(deletion, "HELD_SECONDS", 0.0)

    def die() -> None:
        raise Killed

    url = service.settings.database_url
    mortal = MortalDatabase(url, number, before_commit=before_commit, die=die)
    with pytest.raises(Killed):
        purge(mortal, 60)
    mortal.close()
    assert rows_of(service.database, job_id)["jobs"] == 1
    with pytest.raises(NotFound):
        jobs.get_job(service.context, job_id)
    purge_all(service)
    assert rows_of(service.database, job_id) == {}


def test_a_running_job_cannot_be_deleted(service: Service) -> None:
    job_id = service.create(SPEC)
    with pytest.raises(Conflict):
        jobs.delete_job(service.context, job_id)
    purge_all(service)
    assert jobs.get_job(service.context, job_id).state == "queued"


def expire(service: Service, job_id: str) -> None:
    """Let the time of the job's expiry come."""
    with service.database.write() as connection:
        connection.execute(
            sa.update(tables.jobs).where(tables.jobs.c.id == job_id).values(expires_at=1.0)
        )


def test_a_job_is_deleted_when_its_time_has_come(service: Service) -> None:
    job_id = ended(service, ttl_seconds=3600)
    forever = ended(service)
    job = jobs.get_job(service.context, job_id)
    assert job.expires_at is not None
    assert job.finished_at is not None
    assert (job.expires_at - job.finished_at).total_seconds() == pytest.approx(3600, abs=0.01)
    assert jobs.get_job(service.context, forever).expires_at is None
    delete_expired(service.database)
    assert jobs.get_job(service.context, job_id) == job  # not yet
    expire(service, job_id)
    delete_expired(service.database)
    with pytest.raises(NotFound):
        jobs.get_job(service.context, job_id)
    purge_all(service)
    assert rows_of(service.database, job_id) == {}
    assert jobs.get_job(service.context, forever).state == "succeeded"


def test_a_job_expires_however_it_ends(service: Service) -> None:
    cancelled = service.create(SPEC, ttl_seconds=60)
    assert jobs.get_job(service.context, cancelled).expires_at is None
    service.cancel(cancelled)
    failed = service.create(SPEC, ttl_seconds=60, optimizer={"type": "sgd", "learning_rate": 1e12})
    assert service.run(failed) == "failed"
    sweep_id = service.create({**SWEEP, "job": {**SWEEP["job"], "ttl_seconds": 60}})  # type: ignore[dict-item]
    assert service.run(sweep_id) == "succeeded"
    assert jobs.get_job(service.context, cancelled).expires_at is not None
    assert jobs.get_job(service.context, failed).expires_at is not None
    assert sweeps.get_sweep(service.context, sweep_id).expires_at is not None


@pytest.mark.parametrize(
    ("requested", "default", "seconds"),
    [(None, None, None), (None, 60.0, 60.0), (5, 60.0, 5), (0, 60.0, None), (0, None, None)],
)
def test_the_service_has_a_default_that_a_job_overrides(
    requested: int | None, default: float | None, seconds: float | None
) -> None:
    assert deletion.expiry(requested, default) == seconds


def test_jobs_take_the_default_of_the_service(service: Service) -> None:
    settings = service.settings.model_copy(update={"job_ttl_seconds": 60.0})
    service.context, usual = (
        type(service.context)(settings, service.database, service.queue, service.context.hub),
        service.context,
    )
    try:
        job_id, sweep_id = ended(service), service.create(SWEEP)
        service.run(sweep_id)
        assert jobs.get_job(service.context, job_id).expires_at is not None
        assert sweeps.get_sweep(service.context, sweep_id).expires_at is not None
        assert jobs.get_job(service.context, ended(service, ttl_seconds=0)).expires_at is None
    finally:
        service.context = usual
