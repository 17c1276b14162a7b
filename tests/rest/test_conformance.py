"""Every request gets an answer that the description of the API contains, and never a 5xx."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance
from schemathesis.specs.openapi.schemas import OpenApiSchema
from tests.rest.conftest import XOR, served
from tests.rpc import serving
from tests.rpc.training import train

from epochal_service.rest.app import create_app
from epochal_service.settings import Settings
from epochal_service.store.migrate import upgrade

DESCRIPTION = create_app(Settings(_env_file=None)).openapi()

# A stream of events has no end that a test could wait for; its own tests are in test_streams.
OPERATIONS = [
    pytest.param(path, verb, operation, id=operation["operationId"])
    for path, item in DESCRIPTION["paths"].items()
    for verb, operation in item.items()
    if not path.endswith("/events")
]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory, valkey_server: str) -> FastAPI:
    chosen = serving.settings(tmp_path_factory.mktemp("conformance"), broker_url=valkey_server)
    upgrade(chosen.database_url)
    return create_app(chosen)


@pytest.fixture(scope="module")
def url(app: FastAPI) -> Iterator[str]:
    with served(app) as (url, _):
        yield url


@pytest.fixture(scope="module")
def schema() -> OpenApiSchema:
    return schemathesis.openapi.from_dict(DESCRIPTION)


def make_known(app: FastAPI, url: str, path: str) -> str:
    """The id of something that is there, of the kind that `path` is about."""
    if path.startswith("/v1/networks"):
        made = httpx2.post(f"{url}/v1/networks", json={"network": XOR["network"]}, timeout=60)
    elif path.startswith("/v1/datasets"):
        body = {"name": "moons", "generator": {"name": "two_moons", "samples": 20}}
        made = httpx2.post(f"{url}/v1/datasets", json=body, timeout=60)
    else:
        made = httpx2.post(f"{url}/v1/jobs", json=XOR, timeout=60)
        train(app.state.context, made.json()["id"])
    known: str = made.json()["id"]
    return known


def modes(operation: dict[str, Any]) -> list[GenerationMode]:
    """Valid requests, and invalid ones where there is more to get wrong than an id."""
    names = {parameter["name"] for parameter in operation.get("parameters", ())}
    if "requestBody" in operation or names - {"id"}:
        return [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
    return [GenerationMode.POSITIVE]


@pytest.mark.parametrize(("path", "verb", "operation"), OPERATIONS)
def test_every_answer_is_one_that_was_described(
    app: FastAPI,
    url: str,
    schema: OpenApiSchema,
    path: str,
    verb: str,
    operation: dict[str, Any],
) -> None:
    described = schema[path][verb]
    known_id = make_known(app, url, path)
    for mode in modes(operation):

        @given(case=described.as_strategy(generation_mode=mode), known=st.booleans())
        @settings(max_examples=25, suppress_health_check=list(HealthCheck))
        def call(case: Case[Any], known: bool) -> None:
            if known and "{id}" in path:
                case.path_parameters["id"] = known_id
            # What a schema allows may still break a limit, or name what is not there.
            case.call_and_validate(
                base_url=url, timeout=60, excluded_checks=[positive_data_acceptance]
            )

        call()
