"""Requests of explorers, over the real app."""

from typing import Any, Protocol

import pytest
from starlette.testclient import TestClient


class Ask(Protocol):
    """Posts to `/course/v1/simulate/{explorer}`: the document that comes back with this status."""

    def __call__(self, explorer: str, *, status: int = 200, **request: Any) -> dict[str, Any]: ...


@pytest.fixture(scope="session")
def ask(client: TestClient) -> Ask:
    def post(explorer: str, *, status: int = 200, **request: Any) -> dict[str, Any]:
        answer = client.post(f"/course/v1/simulate/{explorer}", json=request)
        assert answer.status_code == status, answer.text
        document: dict[str, Any] = answer.json()
        return document

    return post
