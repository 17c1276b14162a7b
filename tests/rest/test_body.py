"""A body that is too large, no JSON or of another kind is refused before it costs anything."""

import asyncio
import json
import tracemalloc
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from epochal_service.errors import InvalidArgument
from epochal_service.large import LARGE_BYTES
from epochal_service.rest.body import _read_content, parse_json
from epochal_service.settings import Limits, Settings

JSON = {"Content-Type": "application/json"}
NETWORK = {"network": {"input_shape": [2], "layers": [{"type": "dense", "units": 1}]}}
LIMIT = 4096


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"limits": Limits(max_body_bytes=LIMIT)})


def summarize(client: TestClient, content: Any, headers: dict[str, str] = JSON) -> Any:
    return client.post("/v1/networks/summarize", content=content, headers=headers)


def test_a_body_at_the_limit_is_read_and_one_byte_more_is_not(client: TestClient) -> None:
    body = json.dumps(NETWORK).encode()
    assert summarize(client, body.ljust(LIMIT)).status_code == 200
    answer = summarize(client, body.ljust(LIMIT + 1))
    assert (answer.status_code, answer.json()["reason"]) == (413, "too_large")
    assert str(LIMIT) in answer.json()["detail"]


def test_a_body_of_unknown_length_is_read_no_further_than_the_limit(
    client: TestClient, app: FastAPI
) -> None:
    taken = 0
    answered = []

    async def receive() -> dict[str, Any]:
        nonlocal taken
        taken += 1
        return {"type": "http.request", "body": b" " * 1024, "more_body": True}

    async def send(message: Any) -> None:
        answered.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/networks/summarize",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
    }
    asyncio.run(app(scope, receive, send))
    assert answered[0]["status"] == 413
    assert taken == LIMIT // 1024 + 1


def test_a_body_that_says_it_is_too_large_is_not_read_at_all(
    client: TestClient, app: FastAPI
) -> None:
    answered = []

    async def receive() -> dict[str, Any]:
        raise AssertionError("the body was asked for")

    async def send(message: Any) -> None:
        answered.append(message)

    length = str(50 * 2**20).encode()
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/jobs",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json"), (b"content-length", length)],
    }
    asyncio.run(app(scope, receive, send))
    assert answered[0]["status"] == 413


def test_a_large_body_for_a_path_that_reads_none_is_no_error(client: TestClient) -> None:
    answer = client.request("GET", "/v1/networks", content=b" " * (LIMIT + 1))
    assert answer.status_code == 200


@pytest.mark.parametrize("media_type", ["text/plain", "application/xml", "application/jsonp", ""])
def test_another_media_type_is_refused(client: TestClient, media_type: str) -> None:
    answer = summarize(client, json.dumps(NETWORK), {"Content-Type": media_type})
    assert (answer.status_code, answer.json()["reason"]) == (415, "unsupported_media_type")
    assert "application/json" in answer.json()["detail"]


def test_a_media_type_may_have_capitals_and_parameters(client: TestClient) -> None:
    headers = {"Content-Type": "Application/JSON; charset=utf-8"}
    assert summarize(client, json.dumps(NETWORK), headers).status_code == 200


def test_a_compressed_body_is_refused(client: TestClient) -> None:
    answer = summarize(client, b"\x1f\x8b", {**JSON, "Content-Encoding": "gzip"})
    assert answer.status_code == 415


def test_an_empty_body_is_named_as_missing(client: TestClient) -> None:
    answer = summarize(client, b"")
    assert answer.status_code == 400
    assert answer.json()["detail"] == "The request needs a body of application/json"


@pytest.mark.parametrize(
    "content",
    [
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": "\xff"}',
        b'{"a": "\\ud800"}',
        b'{"a": 1} {"b": 2}',
        b"{'a': 1}",
        b'{"a": 01}',
        b"9" * 5000,
        b"\xef\xbb\xbf{}",
        b'{"a": ',
    ],
)
def test_what_is_not_json_says_where(content: bytes) -> None:
    with pytest.raises(InvalidArgument, match=r"not valid JSON.*at line 1 column \d"):
        parse_json(content)


@pytest.mark.parametrize("depth", [10_000, 1_000_000])
def test_deep_nesting_is_refused_at_the_two_hundredth_level(depth: int) -> None:
    with pytest.raises(InvalidArgument, match="recursion limit exceeded at line 1 column 202"):
        parse_json(b"[" * depth + b"]" * depth)


def test_of_a_key_given_twice_the_last_one_counts() -> None:
    assert parse_json(b'{"units": 1, "units": 2}') == {"units": 2}


def test_a_number_beyond_the_range_of_floats_is_named_by_its_field(client: TestClient) -> None:
    body = '{"network": {"input_shape": [2], "layers": [{"type": "dropout", "rate": 1e999}]}}'
    answer = summarize(client, body)
    assert answer.status_code == 400
    assert answer.json()["errors"] == [
        {"field": "network.layers[0].rate", "description": "must be a finite number"}
    ]


@pytest.mark.parametrize("document", [[], "network", 3, None, True])
def test_json_that_is_no_object_is_refused(client: TestClient, document: object) -> None:
    answer = summarize(client, json.dumps(document))
    assert answer.status_code == 400
    assert answer.json()["errors"] == [{"field": "", "description": "must be an object"}]


def test_an_unknown_field_is_refused_by_its_path(client: TestClient) -> None:
    layer = {"type": "dense", "units": 1, "unit": 2}
    body = {"network": {"input_shape": [2], "layers": [layer]}}
    answer = summarize(client, json.dumps(body))
    assert answer.json()["errors"] == [
        {"field": "network.layers[0].unit", "description": "is not a field here"}
    ]


def test_a_large_body_that_does_not_end_takes_no_memory() -> None:
    piece, held = 2**16, []

    async def chunks() -> AsyncGenerator[bytes]:
        tracemalloc.start()
        for _ in range(LARGE_BYTES // piece + 1):
            yield bytes(piece)
        held.append(tracemalloc.get_traced_memory()[0])  # while the client sends nothing
        tracemalloc.stop()

    async def read() -> None:
        async with AsyncExitStack() as files_open:
            content = await _read_content(chunks(), files_open, LARGE_BYTES)
            assert isinstance(content, Path)
            assert content.stat().st_size == LARGE_BYTES + piece

    asyncio.run(read())
    assert held[0] < LARGE_BYTES / 2
