"""An owner has no more than its quotas, also if many requests arrive at once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import pytest

from epochal_service.errors import QuotaExceeded
from epochal_service.jobs import lifecycle
from epochal_service.jobs import quotas as owner_quotas
from epochal_service.jobs.queue import Queue
from epochal_service.settings import Quotas
from epochal_service.store import Access, Database, jobs
from epochal_service.store.database import new_id
from epochal_service.streams.follow import Hub

QUOTAS = Quotas(max_queued_jobs=3)
ROW: dict[str, Any] = {
    "spec": "{}",
    "state": "queued",
    **dict.fromkeys(("parameters", "samples", "flops", "epoch", "attempt"), 0),
    **dict.fromkeys(("fruitless_attempts", "fence", "last_seq"), 0),
}


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url, pool_size=16)
    yield database
    database.close()


def submit(database: Database, owner: str, request_id: str | None = None) -> str:
    sizes = {"parameters": 1, "samples": 1, "flops": 1.0}
    data = {"dataset_id": None, "validation_dataset_id": None}
    row, _ = lifecycle.submit(
        database,
        owner=owner,
        quotas=QUOTAS,
        values={"spec": "{}", **sizes, **data},
        labels={},
        request_id=request_id,
        fingerprint="",
    )
    return row.id


def queued(database: Database, owner: str) -> int:
    with database.read() as connection:
        return jobs.count(connection, owner, ("queued",))


def test_the_quota_of_open_streams_has_the_name_that_usage_has(database: Database) -> None:
    hub = Hub(database, Queue(None), heartbeat_seconds=15, max_streams=1)
    hub.open_stream("many")
    assert "max_open_streams" in Quotas.model_fields
    with pytest.raises(QuotaExceeded, match="quota max_open_streams is used up, 1 of 1"):
        hub.open_stream("many")


def test_a_full_queue_is_refused_until_a_job_leaves_it(database: Database) -> None:
    first, *_ = [submit(database, "many") for _ in range(3)]
    with pytest.raises(QuotaExceeded, match="max_queued_jobs is used up, 3 of 3") as refused:
        submit(database, "many")
    assert refused.value.retry_after
    submit(database, "other")
    lifecycle.pause(database, first, Access("many"))
    submit(database, "many")
    # A paused job is never stuck.
    assert lifecycle.resume(database, first, Access("many")).state == "queued"
    assert queued(database, "many") == 4


def test_a_repeated_request_is_answered_also_if_the_queue_is_full(database: Database) -> None:
    first = submit(database, "many", "a key")
    for _ in range(2):
        submit(database, "many")
    assert submit(database, "many", "a key") == first


def test_a_refused_request_can_be_repeated_with_its_key(database: Database) -> None:
    first, *_ = [submit(database, "many") for _ in range(3)]
    with pytest.raises(QuotaExceeded):
        submit(database, "many", "a key")
    lifecycle.cancel(database, first, Access("many"))
    assert submit(database, "many", "a key")


def test_requests_at_the_same_time_do_not_exceed_a_quota(database: Database) -> None:
    for _ in range(2):
        submit(database, "many")
    with ThreadPoolExecutor(1) as threads:
        with database.write() as connection:
            owner_quotas.reserve(connection, QUOTAS, "many", "max_queued_jobs")
            other = threads.submit(submit, database, "many")
            # It must wait for the end of this transaction; without the lock it is done at once.
            wait([other], timeout=1)
            jobs.insert(connection, {**ROW, "id": new_id("job"), "owner": "many"}, {})
        with pytest.raises(QuotaExceeded):
            other.result()
    assert queued(database, "many") == 3
