"""A page of another site that somebody's browser shows reaches nothing here."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient
from tests.rest.conftest import XOR

from epochal_service.access import keys
from epochal_service.rest.app import create_app
from epochal_service.rest.hosts import KnownHosts
from epochal_service.settings import Settings

Serve = Callable[..., TestClient]


@pytest.fixture
def serve(app: FastAPI, settings: Settings) -> Iterator[Serve]:
    """The app as it is served with further settings."""
    with ExitStack() as open_clients:

        def start(**further: Any) -> TestClient:
            chosen = Settings(_env_file=None, **{**settings.model_dump(), **further})
            hosts = KnownHosts(app, chosen, app.state.metrics)
            return open_clients.enter_context(TestClient(hosts))

        yield start


def answers(client: TestClient, host: str) -> bool:
    answer = client.get("/v1/version", headers={"Host": host})
    if answer.status_code == 200:
        return True
    problem = answer.json()
    assert (answer.status_code, problem["reason"]) == (403, "host_not_allowed")
    assert "EPOCHAL_ALLOWED_HOSTS" in problem["detail"]
    return False


def test_a_service_on_loopback_answers_to_addresses_and_to_localhost_alone(serve: Serve) -> None:
    client = serve()
    for host in ("127.0.0.1:8000", "localhost:9", "LOCALHOST", "[::1]:8000", "192.168.1.5", ""):
        assert answers(client, host), host
    for host in ("evil.example", "evil.example:8000", "localhost.evil.example", "127.0.0.1.nip.io"):
        assert not answers(client, host), host
    assert not answers(client, "[::1")


def test_the_page_and_the_description_are_not_for_other_hosts_either(serve: Serve) -> None:
    client = serve()
    for path in ("/", "/lab", "/docs", "/metrics", "/healthz", "/nothing"):
        assert client.get(path, headers={"Host": "evil.example"}).status_code == 403, path


def test_refused_requests_are_counted(serve: Serve) -> None:
    client = serve()
    client.get("/v1/version", headers={"Host": "evil.example"})
    client.post("/v1/jobs", headers={"Host": "localhost", "Origin": "http://evil.example"})
    text = client.get("/metrics", headers={"Host": "localhost"}).text
    for reason in ("host_not_allowed", "origin_not_allowed"):
        assert f'epochal_refused_requests_total{{reason="{reason}",wire="http"}} 1.0' in text


def test_a_request_with_two_host_headers_is_refused(serve: Serve) -> None:
    headers = [("Host", "localhost"), ("Host", "evil.example")]
    answer = serve().get("/v1/version", headers=headers)
    assert (answer.status_code, answer.json()["reason"]) == (400, "invalid_argument")
    assert "one Host header" in answer.json()["detail"]


def test_names_that_were_allowed_are_answered_to_in_any_case_and_at_any_port(serve: Serve) -> None:
    client = serve(allowed_hosts="epochal.example, Other.Example")
    for host in ("epochal.example", "EPOCHAL.example:443", "other.example.", "localhost"):
        assert answers(client, host), host
    assert not answers(client, "sub.epochal.example")
    assert answers(serve(allowed_hosts="*"), "whatever.example")


def test_a_public_address_answers_to_any_name_until_names_are_given(serve: Serve) -> None:
    public = {"http_address": "0.0.0.0:8000", "allow_public": True}
    assert answers(serve(**public), "epochal.example")
    assert not answers(serve(**public, allowed_hosts="epochal.example"), "evil.example")


def test_the_name_that_it_listens_on_is_its_own(serve: Serve) -> None:
    named = {"http_address": "epochal.internal:8000", "allow_public": True, "allowed_hosts": "x"}
    assert answers(serve(**named), "epochal.internal:8000")


@pytest.mark.parametrize(
    ("verb", "path", "status"),
    [
        ("GET", "/v1/version", 200),
        ("GET", "/v1/jobs", 401),
        ("GET", "/v1/nothing", 404),
        ("PUT", "/v1/jobs", 405),
        ("POST", "/v1/networks/summarize", 415),
    ],
)
def test_an_allowed_page_elsewhere_can_read_why_it_is_refused(
    settings: Settings, verb: str, path: str, status: int
) -> None:
    origin = "https://front.example"
    chosen = settings.model_copy(update={"require_keys": True, "allowed_origins": origin})
    with TestClient(create_app(chosen)) as client:
        database = client.app.state.context.database  # type: ignore[attr-defined]
        key = keys.create(database, "me", owner="me", scope="read", days=None)
        sent = {"Origin": origin} | ({} if status == 401 else {"Authorization": f"Bearer {key}"})
        answer = client.request(verb, path, headers=sent)
    assert answer.status_code == status
    assert answer.headers["access-control-allow-origin"] == origin
    exposed = answer.headers["access-control-expose-headers"].split(", ")
    assert {"Retry-After", "Idempotency-Replayed"} <= {*exposed}


def test_an_allowed_page_of_the_internet_reaches_a_service_on_its_readers_machine(
    settings: Settings,
) -> None:
    origin, allowed = "https://front.example", "access-control-allow-private-network"
    preflight = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Private-Network": "true",
    }
    chosen = settings.model_copy(update={"allowed_origins": origin})
    with TestClient(create_app(chosen)) as client:
        answer = client.options("/v1/jobs", headers=preflight)
        other = client.options("/v1/jobs", headers=preflight | {"Origin": "https://evil.example"})
    assert (answer.status_code, answer.headers[allowed]) == (200, "true")
    assert "access-control-allow-origin" not in other.headers


def test_a_page_elsewhere_may_change_nothing_but_programs_and_own_pages_may(serve: Serve) -> None:
    client = serve(allowed_hosts="front.example")
    made = client.post("/v1/jobs", json=XOR, headers={"Host": "localhost:8000"})
    cancel = f"/v1/jobs/{made.json()['id']}/cancel"
    for origin in ("https://evil.example", "null", "http://6.6.6.6", "http://[", "file://"):
        answer = client.post(cancel, headers={"Host": "localhost:8000", "Origin": origin})
        problem = answer.json()
        assert (answer.status_code, problem["reason"]) == (403, "origin_not_allowed"), origin
        assert "EPOCHAL_ALLOWED_ORIGINS" in problem["detail"]
        read = {"Host": "localhost:8000", "Origin": origin}
        job = client.get(cancel.removesuffix("/cancel"), headers=read)
        assert job.json()["state"] == "queued"
    for host, origin in (
        ("localhost:8000", "http://localhost:8000"),
        ("127.0.0.1:8000", "http://localhost:5173"),  # a front end that is being made
        ("192.168.1.5:8000", "http://192.168.1.5:8000"),
        ("127.0.0.1:8000", "https://front.example"),  # by way of a proxy
    ):
        answer = client.post(cancel, headers={"Host": host, "Origin": origin})
        assert answer.json()["state"] == "cancelled", answer.text
