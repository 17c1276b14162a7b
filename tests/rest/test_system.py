"""Health, limits, version, metrics, and the pages for people."""

import gc
import re
from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient
from tests.rest.conftest import served

from epochal_service.methods.table import METHODS
from epochal_service.rest.app import create_app
from epochal_service.settings import Limits, Quotas, Settings

EXTERNAL = re.compile(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//|url\(\s*["']?https?://""")


def test_the_process_is_alive_whatever_else_is_not(client: TestClient) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")


def test_with_all_its_parts_the_service_is_ready(client: TestClient) -> None:
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")


def test_without_a_broker_the_service_is_degraded_and_still_ready(settings: Settings) -> None:
    alone = settings.model_copy(update={"broker_url": f"unix://{settings.data_dir}/nobody"})
    with TestClient(create_app(alone)) as client:
        answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    states = {part["name"]: part["status"] for part in answer.json()["components"]}
    assert states == {"database": "ok", "broker": "degraded"}


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
    assert {limit["name"] for limit in limits} == {*Limits.model_fields, *Quotas.model_fields}
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
        assert client.get("/v1/limits").status_code == 500
    text = client.get("/metrics").text
    assert 'route="/v1/limits",status="500"} 1.0' in text


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_the_docs_need_no_other_host(client: TestClient, path: str) -> None:
    page = client.get(path)
    assert page.status_code == 200
    assert not EXTERNAL.search(page.text)
    parts = re.findall(r"""(?:src|href)=["'](/[^"']+)["']""", page.text)
    assert parts
    for part in parts:
        assert client.get(part).status_code == 200


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

    monkeypatch.setitem(vars(METHODS["GetLimits"]), "function", defect)
    with served(app) as (url, _):
        answer = httpx2.get(f"{url}/v1/limits", timeout=60)
    assert (answer.status_code, answer.json()["reason"]) == (500, "internal")
    assert "secret" not in answer.text
    [logged] = [record for record in caplog.records if record.levelname == "ERROR"]
    assert logged.exc_info is not None
    assert logged.exc_info[0] is ZeroDivisionError
