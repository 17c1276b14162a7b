"""Every request gets an answer that the description of the API contains, and never a 5xx. None of
them holds up the event loop.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from http import HTTPStatus
from typing import Any

import httpx2
import pytest
import schemathesis
from fastapi.routing import APIRoute
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky
from schemathesis import Case, GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance
from schemathesis.specs.openapi.schemas import OpenApiSchema
from tests.documents import openapi_document
from tests.examples import examples
from tests.rest.conftest import XOR
from tests.rpc import serving
from tests.servers.loop_monitor import LoopMonitor, monitored_server
from tests.servers.postgres import free_port

from epochal_service.apis import apis, methods
from epochal_service.jobs.queue import Queue
from epochal_service.methods.examples import EXERCISES
from epochal_service.rest import files, system
from epochal_service.settings import Address, Settings
from epochal_service.store import Database
from epochal_service.store.migrate import upgrade
from epochal_workers.run import WorkerContext, run

pytestmark = pytest.mark.long

# A stream of events has no end that a test could wait for; its own tests are in test_streams.
OPERATIONS = {
    method.name: (method.path, method.verb.lower())
    for method in methods().values()
    if not method.path.endswith("/events")
} | {
    route.name: (route.path, "get")
    for route in (*files.router.routes, *system.router.routes)
    if isinstance(route, APIRoute) and route.include_in_schema
}

CREATED: dict[str, Any] = {
    "/v1/jobs": XOR,
    "/v1/sweeps": {"job": XOR, "variants": [{"seed": 1}, {"seed": 2}]},
    "/v1/experiments": {
        "jobs": {"one": XOR, "two": {**XOR, "initial_weights": {"job": "one"}}},
        "claims": [{"job": "two", "metric": "train_loss", "below": 1}],
    },
    "/v1/exercises": EXERCISES["XOR without a hidden layer"],
    "/v1/networks": {"network": XOR["network"]},
    "/v1/datasets": {"name": "moons", "generator": {"name": "two_moons", "samples": 20}},
}
PAUSE = 0.2
"""Seconds for which no request may hold up the event loop."""


@pytest.fixture(scope="module")
def chosen(tmp_path_factory: pytest.TempPathFactory, valkey_server: str) -> Settings:
    folder = tmp_path_factory.mktemp("conformance")
    address = Address(f"127.0.0.1:{free_port()}")
    chosen = serving.settings(folder, broker_url=valkey_server, http_address=address)
    upgrade(chosen.database_url)
    return chosen


@pytest.fixture(scope="module")
def monitor(chosen: Settings) -> Iterator[LoopMonitor]:
    """The monitor of a server in another process, as this one computes the requests."""
    with monitored_server(chosen) as monitor:
        yield monitor


@pytest.fixture(scope="module")
def url(chosen: Settings, monitor: LoopMonitor) -> str:
    return f"http://{chosen.http_address}"


@pytest.fixture(scope="module")
def worker(chosen: Settings) -> Iterator[WorkerContext]:
    database, queue = Database(chosen.database_url), Queue(chosen.broker_url)
    yield WorkerContext(chosen, database, queue, stopping=lambda: False)
    queue.close()
    database.close()


@pytest.fixture(scope="module")
def descriptions() -> list[dict[str, Any]]:
    """Every process that runs tests imports this module; only one of them needs these."""
    return [openapi_document(api) for api in apis()]


@pytest.fixture(scope="module")
def schemas(descriptions: list[dict[str, Any]]) -> list[OpenApiSchema]:
    return [schemathesis.openapi.from_dict(description) for description in descriptions]


def make_known(worker: WorkerContext, url: str, path: str) -> str:
    """The id of something that is there, of the kind that `path` is about."""
    if path.startswith("/v1/networks"):
        made = httpx2.post(f"{url}/v1/networks", json={"network": XOR["network"]}, timeout=60)
    elif path.startswith("/v1/datasets"):
        body = {"name": "moons", "generator": {"name": "two_moons", "samples": 20}}
        made = httpx2.post(f"{url}/v1/datasets", json=body, timeout=60)
    else:
        made = httpx2.post(f"{url}/v1/jobs", json=XOR, timeout=60)
        run(worker, made.json()["id"])
    known: str = made.json()["id"]
    return known


def modes(operation: dict[str, Any]) -> list[GenerationMode]:
    """Valid requests, and invalid ones where there is more to get wrong than an id."""
    names = {parameter["name"] for parameter in operation.get("parameters", ())}
    if "requestBody" in operation or names - {"id"}:
        return [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
    return [GenerationMode.POSITIVE]


def test_every_described_operation_is_called(descriptions: list[dict[str, Any]]) -> None:
    described = {
        operation["operationId"]: (path, verb)
        for description in descriptions
        for path, item in description["paths"].items()
        for verb, operation in item.items()
        if not path.endswith("/events")
    }
    assert described == OPERATIONS


@pytest.mark.parametrize(("path", "verb"), OPERATIONS.values(), ids=OPERATIONS)
def test_every_answer_is_one_that_was_described(
    worker: WorkerContext,
    url: str,
    monitor: LoopMonitor,
    descriptions: list[dict[str, Any]],
    schemas: list[OpenApiSchema],
    path: str,
    verb: str,
) -> None:
    (of_api,) = (i for i, document in enumerate(descriptions) if path in document["paths"])
    described = schemas[of_api][path][verb]
    known_id = make_known(worker, url, path) if "{id}" in path else ""
    for mode in modes(descriptions[of_api]["paths"][path][verb]):

        @given(case=described.as_strategy(generation_mode=mode), known=st.booleans())
        @settings(max_examples=examples(), suppress_health_check=list(HealthCheck))
        def call(case: Case[Any], known: bool) -> None:
            if known and known_id:
                case.path_parameters["id"] = known_id
            monitor.restart()
            # A value that fits the schema may still break a limit, or name a missing object.
            case.call_and_validate(
                base_url=url, timeout=60, excluded_checks=[positive_data_acceptance]
            )
            assert monitor.longest < PAUSE

        call()


def test_every_answer_in_a_row_of_linked_requests_is_one_that_was_described(
    url: str, monitor: LoopMonitor, schemas: list[OpenApiSchema]
) -> None:
    schema = schemas[0]
    schema.config.update(base_url=url)
    stored = schema.include(
        path_regex="^/v1/(jobs|sweeps|experiments|exercises|networks|datasets|uploads)"
    )
    followable = stored.exclude(path_regex="/events$")
    answers: Counter[str] = Counter()
    failures: list[Exception] = []

    class Linked(followable.as_state_machine()):  # type: ignore[misc]
        """Things are created, with bodies that are known to be valid, and then used."""

        def before_call(self, case: Case[Any]) -> None:
            if case.method == "POST" and case.path in CREATED:
                case.body = CREATED[case.path]
            monitor.restart()

        def validate_response(self, response: Any, case: Case[Any], *_: Any, **__: Any) -> None:
            answers[case.operation.label] += response.status_code < HTTPStatus.BAD_REQUEST
            try:
                assert monitor.longest < PAUSE
                case.validate_response(response, excluded_checks=[positive_data_acceptance])
            except Exception as error:
                failures.append(error)
                raise

    # The next request depends on the stored objects of the server, and may differ in a replay.
    with suppress(Flaky):
        Linked.run(
            settings=settings(
                max_examples=examples(180),  # of few rows, none may reach a job
                stateful_step_count=10,
                suppress_health_check=list(HealthCheck),
            )
        )
    assert not failures, failures[0]
    # Links were followed to things that were there.
    assert sum(answers[label] for label in answers if "/jobs/{id}" in label) > 0
