"""The metrics for Prometheus: requests, jobs, queues, workers, and the counters of workers."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient
from tests.rest.conftest import XOR

from epochal_service.jobs import figures, lifecycle, reaper
from epochal_service.jobs.queue import Queue
from epochal_service.settings import Settings
from epochal_service.store import Database, counters, jobs
from epochal_workers import attempt
from epochal_workers.context import WorkerContext
from epochal_workers.presence import Presence
from epochal_workers.run import run
from epochal_workers.tally import Tally


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    database = Database(settings.database_url)
    yield database
    database.close()


def scrape(client: TestClient) -> Callable[..., float | None]:
    """The value of a sample by its name and its labels; None without it."""
    text = client.get("/metrics").text
    samples = {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    return lambda name, **labels: samples.get((f"epochal_{name}", frozenset(labels.items())))


def create(client: TestClient, **changes: Any) -> str:
    job_id: str = client.post("/v1/jobs", json={**XOR, **changes}).json()["id"]
    return job_id


def test_jobs_and_queues_are_counted_without_names(client: TestClient, database: Database) -> None:
    ids = [create(client, name="secret", labels={"course": "secret"}) for _ in range(11)]
    with database.write() as connection:
        for number, job_id in enumerate(ids[:3]):
            # Nine of one owner stay, which is a long queue together with the two of the same name.
            owner = "secret-owner" if number else "local"
            connection.exec_driver_sql(
                f"UPDATE jobs SET owner = '{owner}', created_at = created_at - {100 * number + 50} "
                f"WHERE id = '{job_id}'"
            )
    value = scrape(client)
    assert value("jobs", state="queued") == 11
    assert value("jobs", state="running") == 0
    # Nine jobs of `local` and two of the other owner: both queues are short.
    assert value("queue_jobs", owner_class="small") == 11
    assert value("queue_jobs", owner_class="large") == 0
    assert 250 <= (value("queue_oldest_seconds", owner_class="small") or 0) < 300
    for _ in range(2):
        create(client)
    value = scrape(client)
    assert value("queue_jobs", owner_class="small") == 2
    assert value("queue_jobs", owner_class="large") == 11
    assert 50 <= (value("queue_oldest_seconds", owner_class="large") or 0) < 100
    assert "secret" not in client.get("/metrics").text


def test_a_job_that_has_run_does_not_age_in_the_queue(
    client: TestClient, database: Database
) -> None:
    job_id = create(client)
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE jobs SET created_at = created_at - 500, started_at = 1")
    value = scrape(client)
    assert value("queue_jobs", owner_class="small") == 1
    assert value("queue_oldest_seconds", owner_class="small") == 0
    assert client.get(f"/v1/jobs/{job_id}").json()["state"] == "queued"


def test_what_a_worker_counts_reaches_the_scraper(
    client: TestClient, settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A job that ends before its first flush has none.
    monkeypatch.setattr(attempt, "FIRST_FLUSH_SECONDS", 0.0)
    before = scrape(client)
    assert before("epochs_total") == 0
    assert before("flush_seconds_count") == 0
    tally, queue = Tally(), Queue(settings.broker_url)
    presence = Presence(database, tally)
    context = WorkerContext(settings, database, queue, lambda: False, presence.worker_id, tally)
    try:
        assert run(context, create(client)) == "succeeded"
        assert run(context, create(client, epochs=5)) == "succeeded"
    finally:
        presence.end()
        queue.close()
    value = scrape(client)
    assert value("epochs_total") == 25
    assert value("attempts_total", outcome="succeeded") == 2
    assert value("attempts_total", outcome="failed") == 0
    assert value("first_epoch_seconds_count") == 2
    assert value("first_epoch_seconds_bucket", le="+Inf") == 2
    assert (value("flush_seconds_count") or 0) >= 2
    assert (value("flush_seconds_sum") or 0) > 0


def test_counts_of_several_workers_are_added(client: TestClient, database: Database) -> None:
    for _ in range(3):
        with database.write() as connection:
            counters.add(connection, {"epochs": 2, **figures.FLUSH.observed(0.3)})
    value = scrape(client)
    assert value("epochs_total") == 6
    assert value("flush_seconds_bucket", le="0.25") == 0
    assert value("flush_seconds_bucket", le="0.5") == 3
    assert value("flush_seconds_sum") == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("seconds", "bound"), [(0.0, "0.0025"), (0.0025, "0.0025"), (0.3, "0.5"), (99.0, "+Inf")]
)
def test_an_observation_is_in_the_bucket_of_its_bound(seconds: float, bound: str) -> None:
    buckets, total = figures.FLUSH.buckets(figures.FLUSH.observed(seconds))
    assert total == seconds
    assert next(name for name, count in buckets if count) == bound
    assert buckets[-1] == ("+Inf", 1.0)


def test_counts_that_could_not_be_stored_are_kept(
    settings: Settings, database: Database, tmp_path: Any
) -> None:
    tally = Tally()
    tally.add("epochs", 3)
    away = Database(f"sqlite:///{tmp_path}/nowhere/epochal.db")
    Presence(away, tally).end()
    away.close()
    assert tally.take() == {"epochs": 3}


def test_a_lease_that_expires_is_counted(
    client: TestClient, settings: Settings, database: Database
) -> None:
    job_id = create(client)
    assert lifecycle.claim(database, job_id, lease_seconds=9, worker="w", kernel="k")
    with database.write() as connection:
        row = jobs.find(connection, job_id)
        assert row is not None
        values = {"lease_expires_at": 0.0}
        jobs.advance(connection, job_id, states=(row.state,), events=0, values=values)
    queue = Queue(None)
    reaper.reap(database, queue, max_attempts=3)
    queue.close()
    assert scrape(client)("leases_expired_total") == 1


def test_refused_requests_are_counted_by_their_reason(client: TestClient) -> None:
    client.get("/v1/jobs/secret")
    client.get("/v1/jobs/secret")
    client.post("/v1/jobs", json={**XOR, "epochs": 0})
    value = scrape(client)
    assert value("refused_requests_total", wire="http", reason="not_found") == 2
    assert value("refused_requests_total", wire="http", reason="invalid_argument") == 1


def test_messages_that_the_broker_does_not_take_are_counted(settings: Settings) -> None:
    from epochal_service.rest.app import create_app

    alone = settings.model_copy(update={"broker_url": f"unix://{settings.data_dir}/nobody"})
    app = create_app(alone)
    with TestClient(app) as client:
        create(client)
        app.state.context.queue.close()  # waits for the message
        assert (scrape(client)("api_wakeups_lost_total") or 0) >= 1


def test_components_are_reported(client: TestClient) -> None:
    value = scrape(client)
    assert value("component_ok", component="database") == 1
    assert value("component_ok", component="workers") == 0
    assert (value("database_room_bytes") or 0) > 0


# From Python 3.13 on, sqlite3 complains of a connection that it could not even open.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_without_its_database_the_process_still_reports_itself(
    client: TestClient, app: FastAPI, settings: Settings
) -> None:
    path = settings.database_path
    assert path is not None
    # The reaper opens the database at any time. The whole folder goes in one step, so that nobody
    # can create the file again; connections opened before that are closed afterwards.
    away = path.parent.rename(path.parent.with_suffix(".away"))
    app.state.context.database.close()
    value = scrape(client)
    away.rename(path.parent)
    assert value("component_ok", component="database") == 0
    assert value("jobs", state="queued") is None
    assert value("http_open_streams") == 0
