"""Every error of the tree, every HTTP error and every defect becomes a problem document."""

import ast
import pathlib
from collections.abc import Iterator

import pytest
from fastapi import FastAPI, Path
from starlette.testclient import TestClient

from epochal_service import errors
from epochal_service.errors import (
    Conflict,
    EpochalError,
    FieldError,
    Forbidden,
    IdempotencyMismatch,
    InvalidArgument,
    NotFound,
    NotInstalled,
    QuotaExceeded,
    TooLarge,
    Unauthenticated,
    Unavailable,
    UnsupportedMediaType,
)
from epochal_service.metrics import Metrics
from epochal_service.rest import problems

ERRORS = [
    (InvalidArgument("wrong"), 400, "invalid_argument"),
    (Unauthenticated("who?"), 401, "unauthenticated"),
    (Forbidden("not you"), 403, "forbidden"),
    (NotFound("no"), 404, "not_found"),
    (Conflict("not now", reason="job_running"), 409, "job_running"),
    (IdempotencyMismatch("another"), 422, "idempotency_mismatch"),
    (TooLarge("big"), 413, "too_large"),
    (UnsupportedMediaType("xml"), 415, "unsupported_media_type"),
    (QuotaExceeded("no more"), 429, "quota_exceeded"),
    (NotInstalled("what to install"), 501, "not_installed"),
    (Unavailable("busy", retry_after=7), 503, "unavailable"),
    (EpochalError("odd"), 500, "internal"),
]


@pytest.fixture
def raising() -> Iterator[tuple[FastAPI, TestClient]]:
    """An app with a `/raise` that raises `app.state.error`, and its client."""
    app = FastAPI()
    app.state.metrics = Metrics()
    problems.install(app)

    @app.get("/raise")
    def give() -> None:
        raise app.state.error

    @app.post("/raise")
    def take() -> None: ...

    @app.get("/rows/{row}")
    def row(row: int = Path(ge=1)) -> int:
        return row

    with TestClient(app, raise_server_exceptions=False) as client:
        yield app, client


def test_the_table_above_holds_every_class_of_error() -> None:
    assert {type(error) for error, _, _ in ERRORS} == {
        EpochalError,
        *EpochalError.__subclasses__(),
    }


def test_every_reason_in_the_sources_is_one_of_its_class() -> None:
    services = pathlib.Path(errors.__file__).parent
    calls = [
        node
        for folder in (services, services.parents[1] / "workers")
        for path in folder.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
    ]
    raised = {
        (ast.unparse(call.func).removesuffix(".of"), keyword.value.value)
        for call in calls
        for keyword in call.keywords
        if keyword.arg == "reason" and isinstance(keyword.value, ast.Constant)
    }
    declared = {
        (kind.__name__, reason)
        for kind in EpochalError.__subclasses__()
        for reason in kind.more_reasons
    }
    assert raised == declared


@pytest.mark.parametrize(("error", "status", "reason"), ERRORS, ids=lambda e: type(e).__name__)
def test_an_error_keeps_its_status_reason_and_words(
    raising: tuple[FastAPI, TestClient], error: EpochalError, status: int, reason: str
) -> None:
    app, client = raising
    app.state.error = error
    answer = client.get("/raise")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": f"urn:epochal:problem:{reason}",
        "title": error.title,
        "status": status,
        "detail": error.detail,
        "reason": reason,
        "errors": [],
    }


def test_only_an_unavailable_service_says_when_to_come_again(
    raising: tuple[FastAPI, TestClient],
) -> None:
    app, client = raising
    app.state.error = Unavailable("busy", retry_after=7)
    assert client.get("/raise").headers["retry-after"] == "7"
    app.state.error = Conflict("not now")
    assert "retry-after" not in client.get("/raise").headers


def test_each_field_comes_with_its_path_and_a_sentence(
    raising: tuple[FastAPI, TestClient],
) -> None:
    app, client = raising
    app.state.error = InvalidArgument.of(
        FieldError("network.layers[0].units", "must be at least 1"),
        FieldError("epochs", "is required"),
    )
    body = client.get("/raise").json()
    assert body["detail"] == "network.layers[0].units: must be at least 1 (and 1 more)"
    assert body["errors"] == [
        {"field": "network.layers[0].units", "description": "must be at least 1"},
        {"field": "epochs", "description": "is required"},
    ]


def test_the_answer_to_a_defect_hides_its_details(raising: tuple[FastAPI, TestClient]) -> None:
    app, client = raising
    app.state.error = RuntimeError("password=hunter2")
    answer = client.get("/raise")
    assert answer.status_code == 500
    assert answer.json()["reason"] == "internal"
    assert "hunter2" not in answer.text


def test_an_unknown_path_is_a_problem_too(raising: tuple[FastAPI, TestClient]) -> None:
    answer = raising[1].get("/nowhere")
    assert (answer.status_code, answer.json()["reason"]) == (404, "not_found")
    assert answer.headers["content-type"] == "application/problem+json"


def test_the_answer_to_a_wrong_verb_names_all_right_ones(
    raising: tuple[FastAPI, TestClient],
) -> None:
    answer = raising[1].delete("/raise")
    assert (answer.status_code, answer.json()["reason"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, HEAD, POST"


def test_a_wrong_part_of_the_path_is_named(raising: tuple[FastAPI, TestClient]) -> None:
    answer = raising[1].get("/rows/0")
    assert answer.status_code == 400
    assert answer.json()["errors"] == [{"field": "row", "description": "must be at least 1"}]
    assert raising[1].get("/rows/x").json()["errors"] == [
        {"field": "row", "description": "must be a whole number"}
    ]
