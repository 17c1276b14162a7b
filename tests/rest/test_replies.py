"""A reply that the caller has already is not sent again, and a large one is compressed."""

import gzip
import json
from collections.abc import Callable

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient
from tests.rest.conftest import XOR, served
from tests.rest.test_heads import connected, received

from epochal_course.explorers.table import path_of

PLAIN = {"Accept-Encoding": "identity"}


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/curve?max_points=50",
        "/epochs",
        "/gradients?max_points=4",
        "/checkpoints",
        "/evaluation",
    ],
)
def test_an_unchanged_reply_is_not_sent_again(client: TestClient, trained: str, path: str) -> None:
    path = f"/v1/jobs/{trained}{path}"
    first = client.get(path)
    assert first.headers["cache-control"] == "no-cache"
    again = client.get(path, headers={"If-None-Match": f'"other", {first.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert again.headers["vary"] == first.headers["vary"]
    other = client.get(path, headers={"If-None-Match": '"other"'})
    assert other.json() == first.json()


@pytest.mark.parametrize(
    "path", ["/v1/datasets", "/course/v1/sections", "/v1/limits", "/openapi.json"]
)
def test_what_belongs_to_no_job_is_not_sent_again_either(client: TestClient, path: str) -> None:
    tag = client.get(path).headers["etag"]
    assert client.get(path, headers={"If-None-Match": tag}).status_code == 304
    assert client.head(path, headers={"If-None-Match": tag}).status_code == 304


def test_a_changed_job_is_sent_with_another_tag(client: TestClient) -> None:
    job = client.post("/v1/jobs", json=XOR)
    path = f"/v1/jobs/{job.json()['id']}"
    assert "etag" not in job.headers
    tag = client.get(path).headers["etag"]
    client.patch(path, json={"name": "another"})
    changed = client.get(path, headers={"If-None-Match": tag})
    assert changed.json()["spec"]["name"] == "another"
    assert changed.headers["etag"] != tag


def test_an_explorer_computes_a_reply_once(
    client: TestClient, computed_neurons: list[object]
) -> None:
    path, body = path_of("SimulateNeuron"), {"inputs": [1.0, 2.0], "weights": [0.5, 0.25]}
    first = client.post(path, json=body)
    again = client.post(path, json=body | {"bias": 0.0})  # the default
    assert first.status_code == 200
    assert again.json() == first.json()
    assert len(computed_neurons) == 1
    other = client.post(path, json=body | {"bias": 1.0})
    assert other.json() != first.json()
    assert len(computed_neurons) == 2
    assert client.post(path, json=body | {"bias": "none"}).status_code == 400


def test_an_error_is_no_reply_to_keep(client: TestClient) -> None:
    missing = client.get("/v1/jobs/job_1")
    assert missing.status_code == 404
    assert "etag" not in missing.headers


@pytest.mark.parametrize(
    ("accepted", "sent"),
    [
        ("gzip", "gzip"),
        ("br, gzip;q=0.5", "gzip"),
        ("gzip;q=0", None),
        ("br", None),
        ("identity", None),
        ("", None),
    ],
)
def test_a_large_reply_is_compressed_for_a_client_that_accepts_it(
    client: TestClient, accepted: str, sent: str | None
) -> None:
    plain = client.get("/v1/datasets", headers=PLAIN)
    reply = client.get("/v1/datasets", headers={"Accept-Encoding": accepted})
    assert reply.headers.get("content-encoding") == sent
    assert "Accept-Encoding" in reply.headers["vary"]
    assert reply.json() == plain.json()
    assert reply.headers["etag"] == plain.headers["etag"]


def test_a_small_reply_is_not_compressed(client: TestClient) -> None:
    assert "content-encoding" not in client.get("/v1/version").headers


def test_a_reply_to_post_is_compressed_too(client: TestClient) -> None:
    reply = client.post("/v1/jobs/validate", json=XOR)
    assert reply.headers["content-encoding"] == "gzip"
    assert reply.json() == client.post("/v1/jobs/validate", json=XOR, headers=PLAIN).json()


def test_the_length_is_that_of_the_bytes_on_the_wire(app: FastAPI) -> None:
    with served(app) as (url, _), connected(url) as connection:
        for verb, ending in (("HEAD", ""), ("GET", "Connection: close\r\n")):
            connection.sendall(
                f"{verb} /v1/datasets HTTP/1.1\r\nHost: localhost\r\n"
                f"Accept-Encoding: gzip\r\n{ending}\r\n".encode()
            )
        head, _, rest = received(connection).partition(b"\r\n\r\n")
    header, _, body = rest.partition(b"\r\n\r\n")
    length = f"content-length: {len(body)}".encode()
    assert length in head
    assert length in header
    assert json.loads(gzip.decompress(body))["datasets"]


def test_the_epochs_of_a_job_are_read_again_when_there_are_more(
    client: TestClient, train: Callable[[str], str | None]
) -> None:
    job = client.post("/v1/jobs", json=XOR).json()["id"]
    paths = [f"/v1/jobs/{job}/{name}" for name in ("curve", "epochs", "gradients")]
    before = [client.get(path) for path in paths]
    assert [client.get(path).json() for path in paths] == [reply.json() for reply in before]
    train(job)
    for path, old in zip(paths, before, strict=True):
        new = client.get(path, headers={"If-None-Match": old.headers["etag"]})
        assert new.status_code == 200
        assert new.json() != old.json()
        assert client.get(path).json() == new.json()
        query = "max_points=5" if path.endswith("curve") else "after_epoch=3"
        assert client.get(f"{path}?{query}").json() != new.json()
    client.delete(f"/v1/jobs/{job}")
    assert [client.get(path).status_code for path in paths] == [404] * 3
