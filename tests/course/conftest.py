"""A client of the real app, which serves explorers and content."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient
from tests.rpc.serving import settings

from epochal_service.rest.app import create_app
from epochal_service.store import migrate


@pytest.fixture(scope="session")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    chosen = settings(tmp_path_factory.mktemp("course"))
    migrate.upgrade(chosen.database_url)
    with TestClient(create_app(chosen)) as client:
        yield client
