"""HEAD says what GET would, and sends none of it."""

import httpx2
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient
from tests.rest.conftest import XOR, served
from tests.rest.test_heads import connected, received


@pytest.mark.parametrize("path", ["/healthz", "/v1/limits", "/v1/datasets", "/v1/jobs/job_1", "/x"])
def test_head_has_the_status_and_the_headers_of_get(client: TestClient, path: str) -> None:
    headers = {"X-Request-Id": "the-same"}
    by_get, by_head = client.get(path, headers=headers), client.head(path, headers=headers)
    assert by_head.status_code == by_get.status_code
    assert by_head.headers == by_get.headers
    assert by_get.content
    assert not by_head.content


def test_what_only_takes_post_says_so(client: TestClient) -> None:
    answer = client.head("/v1/jobs/job_1/predict")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert client.put("/v1/limits").headers["allow"] == "GET, HEAD"


def test_a_path_allows_the_methods_of_its_own_and_not_of_an_id(client: TestClient) -> None:
    assert client.put("/v1/networks/summarize").headers["allow"] == "POST"
    assert client.put("/v1/jobs/validate").headers["allow"] == "POST"
    assert client.put("/v1/jobs/job_1").headers["allow"] == "DELETE, GET, HEAD, PATCH"


def test_the_head_of_a_stream_ends_though_its_job_does_not(app: FastAPI) -> None:
    with served(app) as (url, _):
        job = httpx2.post(f"{url}/v1/jobs", json=XOR, timeout=60).json()["id"]
        with connected(url) as connection:
            path = f"/v1/jobs/{job}/events"
            connection.sendall(f"HEAD {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            # The connection is free for the next request.
            connection.sendall(b"GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n")
            stream, _, rest = received(connection).partition(b"\r\n\r\n")
    assert stream.startswith(b"HTTP/1.1 200 OK")
    assert b"text/event-stream" in stream
    assert rest.startswith(b"HTTP/1.1 200 OK")
