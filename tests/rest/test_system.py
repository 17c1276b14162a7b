"""Health, limits, version, metrics, and the pages for people."""

import gc
import re
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient
from tests.rest.conftest import served
from tests.servers.stack import await_condition

from epochal_service.apis import methods
from epochal_service.jobs.health import HealthCheck
from epochal_service.jobs.queue import Queue
from epochal_service.rest.app import create_app
from epochal_service.settings import Limits, Quotas, Settings
from epochal_service.store import Database, workers

EXTERNAL = re.compile(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//|url\(\s*["']?https?://""")


def test_the_process_is_alive_whatever_else_is_not(client: TestClient) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")


def components(client: TestClient) -> dict[str, str]:
    """The status of each component, and of the whole."""
    answer = client.get("/readyz")
    health = answer.json()
    assert answer.status_code == (503 if health["status"] == "down" else 200)
    assert all(part["detail"] for part in health["components"] if part["status"] != "ok")
    return {part["name"]: part["status"] for part in health["components"]} | {
        "service": health["status"]
    }


@pytest.fixture
def worker(settings: Settings) -> Iterator[Database]:
    """A worker that was seen just now; its database."""
    database = Database(settings.database_url)
    with database.write() as connection:
        workers.put(connection, id="worker_1", host="here", pid=7, version="1")
    yield database
    database.close()


@pytest.mark.usefixtures("worker")
def test_with_all_its_parts_the_service_is_ready(client: TestClient) -> None:
    parts = dict.fromkeys(("database", "disk", "workers", "broker", "service"), "ok")
    assert components(client) == parts


@pytest.mark.usefixtures("worker")
def test_without_a_broker_the_service_is_degraded_and_still_ready(settings: Settings) -> None:
    alone = settings.model_copy(update={"broker_url": f"unix://{settings.data_dir}/nobody"})
    with TestClient(create_app(alone)) as client:
        states = components(client)
    assert (states["broker"], states["database"], states["service"]) == (
        "degraded",
        "ok",
        "degraded",
    )


def test_without_a_worker_the_service_is_degraded(client: TestClient) -> None:
    states = components(client)
    assert (states["workers"], states["service"]) == ("degraded", "degraded")


@pytest.mark.parametrize("seconds", [61, -600])
def test_a_worker_that_was_not_seen_for_a_minute_does_not_count(
    app: FastAPI, worker: Database, seconds: int
) -> None:
    # A clock that was set back leaves times of the future, which come nearer while the test runs.
    with worker.write() as connection:
        connection.exec_driver_sql(f"UPDATE workers SET seen_at = seen_at - {seconds}")
    with TestClient(app) as client:
        assert components(client)["workers"] == "degraded"
        [listed] = client.get("/v1/workers").json()["workers"]
    assert listed["state"] == "lost"


@pytest.mark.usefixtures("worker")
def test_with_little_room_on_the_disk_the_service_is_degraded(settings: Settings) -> None:
    full = settings.model_copy(update={"min_free_bytes": 10**18})
    with TestClient(create_app(full)) as client:
        states = components(client)
    assert (states["disk"], states["service"]) == ("degraded", "degraded")


def test_a_database_that_can_only_be_read_is_down(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_only = f"sqlite:///file:{settings.database_path}?mode=ro&uri=true"
    database = Database(read_only)
    # Even the switch to write-ahead logging, which each connection asks for, needs no write.
    try:
        health = HealthCheck(database, Queue(None), 1).check()
    finally:
        database.close()
    assert health.status == "down"
    [part] = [part for part in health.components if part.name == "database"]
    assert part.detail == "The database can only be read"


def test_readiness_looks_at_the_database_once_a_second(worker: Database) -> None:
    readiness = HealthCheck(worker, Queue(None), 1)
    assert readiness.check().components[0].status == "ok"
    with worker.write() as connection:
        connection.exec_driver_sql("DELETE FROM workers")
    statuses = [readiness.check().components[2].status for _ in range(2)]
    assert statuses[0] == "ok"
    await_condition(
        lambda: readiness.check().components[2].status == "degraded", 10, "a check that is new"
    )


# From Python 3.13 on, sqlite3 complains of a connection that it could not even open.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_without_its_database_the_service_is_not_ready(
    client: TestClient, app: FastAPI, settings: Settings
) -> None:
    path = settings.database_path
    assert path is not None
    path.rename(path.with_suffix(".away"))
    path.mkdir()  # where a file should be: SQLite cannot open it
    app.state.context.database.close()  # the next connection is a new one
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (503, "down")
    assert answer.headers["retry-after"] == "1"
    listed = client.get("/v1/jobs")
    assert (listed.status_code, listed.json()["reason"]) == (503, "unavailable")
    assert listed.headers["retry-after"] == "1"
    gc.collect()  # the complaint comes when the connection is collected: here, not in a later test


def test_every_limit_is_published_with_what_it_counts(client: TestClient) -> None:
    limits = client.get("/v1/limits").json()["limits"]
    unlimited = {"max_running_jobs", "max_bytes_per_class"}
    names = {*Limits.model_fields, *Quotas.model_fields}
    assert {limit["name"] for limit in limits} == names - unlimited
    assert all(limit["description"] for limit in limits)


def test_the_version_names_what_the_numbers_depend_on(client: TestClient) -> None:
    version = client.get("/v1/version").json()
    assert version["api"] == "v1"
    assert version["numpy"].startswith("2.")


def test_requests_are_counted_by_the_template_of_their_route(client: TestClient) -> None:
    client.get("/v1/jobs/job_secret")
    client.get("/v1/jobs/job_secret")
    client.get("/v1/wander/job_secret")
    client.request("HAVOC_SECRET", "/v1/jobs")
    text = client.get("/metrics").text
    counted = 'epochal_http_requests_total{method="GET",route="/v1/jobs/{id}",status="404"} 2.0'
    assert counted in text
    assert 'epochal_http_requests_total{method="GET",route="other",status="404"} 1.0' in text
    assert 'method="other"' in text
    assert 'epochal_http_request_seconds_count{method="GET",route="/v1/jobs/{id}"} 2.0' in text
    assert "epochal_http_open_streams 0.0" in text
    assert "secret" not in text.lower()


def test_a_defect_is_counted_as_such(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, app: FastAPI
) -> None:
    with monkeypatch.context() as patch:
        patch.delattr(app.state, "context")
        assert client.delete("/v1/datasets/iris").status_code == 500
    text = client.get("/metrics").text
    assert 'route="/v1/datasets/{id}",status="500"} 1.0' in text


def test_no_module_of_this_room_names_another_host() -> None:
    from epochal_service import rest

    for module in Path(next(iter(rest.__path__))).glob("*.py"):
        for url in re.findall(r"https?://[^\s\"')]+", module.read_text()):
            assert url.startswith(("https://www.rfc-editor.org/", "https://html.spec.whatwg.org/"))


def test_the_trace_of_a_defect_is_in_the_log_alone(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def defect(context: object) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setitem(vars(methods()["GetLimits"]), "function", defect)
    with served(app) as (url, _):
        answer = httpx2.get(f"{url}/v1/limits", timeout=60)
    assert (answer.status_code, answer.json()["reason"]) == (500, "internal")
    assert "secret" not in answer.text
    [logged] = [record for record in caplog.records if record.levelname == "ERROR"]
    assert logged.exc_info is not None
    assert logged.exc_info[0] is ZeroDivisionError
