"""The explorers over the real app."""

from collections.abc import Iterator
from typing import Any, Protocol

import pytest
from starlette.testclient import TestClient
from tests.rpc.serving import settings

from epochal_service.rest.app import create_app
from epochal_service.store import migrate


class Ask(Protocol):
    """Posts to `/course/v1/simulate/{explorer}`: the document that comes back with this status."""

    def __call__(self, explorer: str, *, status: int = 200, **request: Any) -> dict[str, Any]: ...


@pytest.fixture(scope="session")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    chosen = settings(tmp_path_factory.mktemp("simulate"))
    migrate.upgrade(chosen.database_url)
    with TestClient(create_app(chosen)) as client:

        def post(explorer: str, *, status: int = 200, **request: Any) -> dict[str, Any]:
            answer = client.post(f"/course/v1/simulate/{explorer}", json=request)
            assert answer.status_code == status, answer.text
            document: dict[str, Any] = answer.json()
            return document

        yield post
