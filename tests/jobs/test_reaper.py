"""A job with a dead worker finds another one, also if somebody sets the database's clock back."""

from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import pytest
import redis
from tests.servers.stack import await_condition
from tests.workers.in_process import XOR, Service, service_at

from epochal_service.jobs import lifecycle, reaper
from epochal_service.jobs.leases import Leases
from epochal_service.jobs.lifecycle import Claim
from epochal_service.store import jobs

LEASE_SECONDS = 0.3
HOUR = 3600.0


@pytest.fixture
def service(valkey_server: str, tmp_path: Path) -> Iterator[Service]:
    with service_at(f"sqlite:///{tmp_path}/epochal.db", valkey_server, tmp_path) as service:
        yield service


def claim(service: Service, job_id: str) -> Claim:
    claimed = lifecycle.claim(
        service.database, job_id, lease_seconds=LEASE_SECONDS, worker="w", kernel="k"
    )
    assert claimed is not None
    return claimed


def set_clock_back(service: Service, column: str, seconds: float = HOUR) -> None:
    """Move the times of a column into the future, which is where they are after that."""
    with service.database.write() as connection:
        connection.exec_driver_sql(f"UPDATE jobs SET {column} = {column} + {seconds}")


def reap(service: Service, leases: Leases) -> None:
    reaper.reap(service.database, service.queue, max_attempts=3)
    leases.reclaim(service.database, service.queue, max_attempts=3)


def test_a_clock_that_was_set_back_does_not_keep_the_job_of_a_dead_worker(service: Service) -> None:
    job_id = service.create(XOR)
    claim(service, job_id)
    set_clock_back(service, "lease_expires_at")
    leases = Leases(LEASE_SECONDS)
    reap(service, leases)
    assert service.row(job_id).state == "running"

    def reclaimed() -> bool:
        reap(service, leases)
        return service.row(job_id).state == "queued"

    await_condition(reclaimed, 10, "the job is reclaimed")


def test_a_worker_that_renews_its_lease_keeps_its_job_whatever_the_clock_does(
    service: Service,
) -> None:
    job_id = service.create(XOR)
    claimed = claim(service, job_id)
    leases = Leases(LEASE_SECONDS)
    set_clock_back(service, "lease_expires_at")
    until = monotonic() + 5 * LEASE_SECONDS

    def still_held() -> bool:
        assert lifecycle.renew(service.database, claimed, HOUR)
        reap(service, leases)
        assert service.row(job_id).state == "running"
        return monotonic() > until

    await_condition(still_held, 60, "several leases have passed")


def test_a_lease_that_is_renewed_at_the_last_moment_is_not_taken(service: Service) -> None:
    job_id = service.create(XOR)
    claimed = claim(service, job_id)
    before = service.row(job_id).lease_expires_at
    assert lifecycle.renew(service.database, claimed, HOUR)
    state = lifecycle.reclaim(service.database, job_id, max_attempts=3, unrenewed=before)
    assert (state, service.row(job_id).state) == (None, "running")


def test_workers_are_notified_again_also_after_the_clock_was_set_back(service: Service) -> None:
    job_id = service.create(XOR)
    set_clock_back(service, "created_at")
    with service.database.read() as connection:
        assert jobs.unnotified(connection, reaper.NOTIFY_AFTER_SECONDS) == [job_id]


def test_a_message_that_the_broker_lost_is_sent_again(service: Service, broker_url: str) -> None:
    service.create(XOR)
    await_condition(lambda: service.queue.pending() == 1, 60, "the message is sent")
    with redis.Redis.from_url(broker_url) as broker:
        broker.flushall()  # as after a restart
    reap(service, Leases(LEASE_SECONDS))
    assert service.queue.pending() == 0  # a message may take its time
    set_clock_back(service, "created_at", -HOUR)
    for _ in range(2):  # what waits in the broker is not sent twice
        reap(service, Leases(LEASE_SECONDS))
        assert service.queue.pending() == 1
