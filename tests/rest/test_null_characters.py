"""NUL is a character of JSON and of URLs, and PostgreSQL has no text that holds it."""

from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.rest.conftest import XOR

from epochal_service.settings import Settings


@pytest.fixture
def settings(tmp_path: Path, broker_url: str, database_url: str) -> Settings:
    return Settings(
        _env_file=None, data_dir=tmp_path, database_url=database_url, broker_url=broker_url
    )


@pytest.mark.long
@pytest.mark.parametrize(
    ("verb", "path", "body"),
    [
        ("GET", "/v1/jobs/%00", None),
        ("GET", "/v1/networks/%00", None),
        ("GET", "/v1/datasets/%00", None),
        ("GET", "/v1/jobs?label=%00", None),
        ("GET", "/v1/jobs?label=course%3D%00", None),
        ("POST", "/v1/jobs", {**XOR, "labels": {"course": "\0"}}),
        ("POST", "/v1/jobs", {**XOR, "dataset": {"id": "\0"}}),
        ("POST", "/v1/jobs", {**XOR, "network": {"id": "\0"}}),
        ("POST", "/v1/datasets", {"name": "x", "csv": "a,b\0\n1,2\n3,4\n"}),
    ],
)
def test_a_null_character_is_an_error_of_the_caller_at_most(
    client: TestClient, verb: str, path: str, body: dict[str, Any] | None
) -> None:
    assert client.request(verb, path, json=body).status_code < 500
