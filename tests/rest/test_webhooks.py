"""Webhooks over HTTP: refused receivers, and the fields of a reply."""

from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.rest.conftest import XOR

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
URL = "https://host.example/hook?token=1"


@pytest.mark.parametrize(
    ("webhooks", "field"),
    [
        ([{}], "webhooks[0].url"),
        ([{"url": ""}], "webhooks[0].url"),
        ([{"url": "host.example"}], "webhooks[0].url"),
        ([{"url": "ftp://host.example/"}], "webhooks[0].url"),
        ([{"url": "https:///path"}], "webhooks[0].url"),
        ([{"url": "https://host.example:0/"}], "webhooks[0].url"),
        ([{"url": "https://host.example:99999/"}], "webhooks[0].url"),
        ([{"url": "https://[::1/"}], "webhooks[0].url"),
        ([{"url": "https://me:secret@host.example/"}], "webhooks[0].url"),
        ([{"url": "https://host.example/#part"}], "webhooks[0].url"),
        ([{"url": "https://host.example/\r\nHost: other"}], "webhooks[0].url"),
        ([{"url": "https://host.example/a b"}], "webhooks[0].url"),
        ([{"url": "https://höst.example/"}], "webhooks[0].url"),
        ([{"url": f"https://host.example/{'x' * 2000}"}], "webhooks[0].url"),
        ([{"url": "http://host.example/"}], "webhooks[0].url"),
        ([{"url": "https://127.0.0.1/"}], "webhooks[0].url"),
        ([{"url": "https://169.254.169.254/"}], "webhooks[0].url"),
        ([{"url": URL, "on": ["running"]}], "webhooks[0].on[0]"),
        ([{"url": URL, "on": []}], "webhooks[0].on"),
        ([{"url": URL, "secret": "secret"}], "webhooks[0].secret"),
        ([{"url": URL, "secret": "whsec_AAAA"}], "webhooks[0].secret"),
        ([{"url": URL, "secret": "whsec_%%%%"}], "webhooks[0].secret"),
        ([{"url": URL, "secret": "whsec_" + "A" * 88 + "AAAA"}], "webhooks[0].secret"),
        ([{"url": URL, "retries": 4}], "webhooks[0].retries"),
        ([{"url": URL}] * 5, "webhooks"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/jobs/validate"])
def test_a_wrong_webhook_is_named(
    client: TestClient, path: str, webhooks: list[dict[str, Any]], field: str
) -> None:
    answer = client.post(path, json={**XOR, "webhooks": webhooks})
    assert (answer.status_code, answer.json()["reason"]) == (400, "invalid_argument")
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert client.get("/v1/jobs").json()["jobs"] == []


def test_a_reply_has_the_webhooks_without_their_secrets(client: TestClient) -> None:
    hooks = [{"url": URL, "secret": SECRET, "on": ["failed"]}, {"url": URL}]
    made = client.post("/v1/jobs", json={**XOR, "webhooks": hooks})
    assert made.status_code == 201
    assert made.json()["webhooks"] == [
        {"url": URL, "on": ["failed"], "is_signed": True},
        {"url": URL, "on": ["succeeded", "failed", "cancelled"], "is_signed": False},
    ]
    path = made.headers["location"]
    for reply in (made, client.get(path), client.get("/v1/jobs"), client.get(f"{path}/deliveries")):
        assert SECRET not in reply.text
        assert reply.is_success
    assert "webhooks" not in made.json()["spec"]
    # A spec from a reply makes another job that sends nothing.
    assert client.post("/v1/jobs", json=made.json()["spec"]).json()["webhooks"] == []
    assert client.get(f"{path}/deliveries").json() == {"deliveries": []}


def test_the_same_key_with_another_webhook_is_another_request(client: TestClient) -> None:
    key = {"Idempotency-Key": "lesson-3"}
    spec = {**XOR, "webhooks": [{"url": URL}]}
    first = client.post("/v1/jobs", json=spec, headers=key)
    assert client.post("/v1/jobs", json=spec, headers=key).json() == first.json()
    for other in ([], [{"url": URL, "secret": SECRET}], [{"url": URL, "on": ["failed"]}]):
        answer = client.post("/v1/jobs", json={**XOR, "webhooks": other}, headers=key)
        assert (answer.status_code, answer.json()["reason"]) == (422, "idempotency_mismatch")


def test_a_sweep_has_the_webhooks_of_its_job_without_secrets(client: TestClient) -> None:
    sweep = {"job": {**XOR, "webhooks": [{"url": URL}]}, "variants": [{"seed": 1}]}
    created = client.post("/v1/sweeps", json=sweep).json()
    assert [hook["url"] for hook in created["webhooks"]] == [URL]
    assert "webhooks" not in created["spec"]["job"]
    listed = client.get(f"/v1/sweeps/{created['id']}/deliveries").json()
    assert listed == {"deliveries": []}


@pytest.mark.long
def test_a_large_job_has_webhooks_and_another_name_too(client: TestClient) -> None:
    rows = [[row / 7, row / 11] for row in range(12_000)]
    data = {"inputs": rows, "targets": [[row % 2] for row in range(len(rows))]}
    spec = {**XOR, "dataset": data, "webhooks": [{"url": URL, "secret": SECRET}], "name": "First"}
    made = client.post("/v1/jobs", json=spec)
    assert made.status_code == 201, made.text
    assert len(made.content) > 2**18
    path = made.headers["location"]
    changed = client.patch(path, json={"name": "Second", "labels": {"course": "3"}})
    assert changed.status_code == 200
    reply = client.get(path).json()
    assert reply == changed.json()
    assert reply["webhooks"] == made.json()["webhooks"] != []
    assert (reply["spec"]["name"], reply["spec"]["labels"]) == ("Second", {"course": "3"})
    assert reply["spec"]["dataset"] == made.json()["spec"]["dataset"]
    assert client.get(f"{path}/deliveries").json() == {"deliveries": []}
