"""Callers with a key learn from each reply how many requests are left."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from epochal_service.access import keys
from epochal_service.rest.app import create_app
from epochal_service.settings import Quotas, Settings


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    """A service that allows three requests per minute."""
    limited = settings.model_copy(update={"quotas": Quotas(max_requests_per_minute=3)})
    with TestClient(create_app(limited), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def key(client: TestClient) -> dict[str, str]:
    database = client.app.state.context.database  # type: ignore[attr-defined]
    key = keys.create(database, "key", owner="me", scope="read", days=None)
    return {"Authorization": f"Bearer {key}"}


def test_every_reply_says_how_many_requests_are_left(
    client: TestClient, key: dict[str, str]
) -> None:
    # Successful ones, errors, and requests that the scope of the key does not allow.
    expected = [("/v1/version", 200, 2, 20), ("/v1/jobs/job_1", 404, 1, 40)]
    for path, status, remaining, seconds in [*expected, ("/v1/jobs?page_size=x", 400, 0, 60)]:
        reply = client.get(path, headers=key)
        assert reply.status_code == status
        assert reply.headers["RateLimit-Policy"] == '"requests";q=3;w=60'
        quota, left, full = reply.headers["RateLimit"].split(";")
        assert (quota, left) == ('"requests"', f"r={remaining}")
        # Some of it may have refilled since the first request.
        assert seconds - 20 < int(full.removeprefix("t=")) <= seconds
    refused = client.get("/v1/version", headers=key)
    assert refused.status_code == 429
    assert refused.json()["reason"] == "quota_exceeded"
    assert 1 <= int(refused.headers["Retry-After"]) <= 20
    assert refused.headers["RateLimit"].startswith('"requests";r=0;t=')


def test_replies_without_a_quota_do_not_name_one(client: TestClient) -> None:
    for _ in range(5):
        reply = client.get("/v1/version")
        assert reply.status_code == 200
        assert "RateLimit" not in reply.headers
        assert "RateLimit-Policy" not in reply.headers


def test_health_is_not_counted(client: TestClient, key: dict[str, str]) -> None:
    for _ in range(5):
        assert client.get("/healthz", headers=key).status_code == 200
    assert client.get("/v1/version", headers=key).status_code == 200


def test_the_client_waits_for_the_quota(client: TestClient, key: dict[str, str]) -> None:
    usage = client.get("/v1/usage", headers=key).json()
    assert usage["owner"] == "me"
    used = {quota["name"]: (quota["used"], quota["limit"]) for quota in usage["quotas"]}
    assert used["max_requests_per_minute"] == (1, 3)
    assert used["max_running_jobs"] == (0, None)
    without = client.get("/v1/usage").json()
    assert without["owner"] == "local"
    used = {quota["name"]: (quota["used"], quota["limit"]) for quota in without["quotas"]}
    assert used["max_requests_per_minute"] == (0, None)
