"""Whatever goes wrong leaves as one kind of document: `application/problem+json` (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.routing import iter_route_contexts
from pydantic import ConfigDict, Field, WrapValidator
from pydantic_core.core_schema import ValidatorFunctionWrapHandler
from starlette.exceptions import HTTPException

from ..errors import EpochalError, FieldError, InvalidArgument, Unauthenticated
from ..request_ids import current
from ..specs.base import Message
from ..specs.validation import describe, validate

MEDIA_TYPE = "application/problem+json"

_KINDS = {kind.status: kind for kind in EpochalError.__subclasses__()}


class FieldProblem(Message):
    """An error in one field of the request."""

    field: str
    """Path into the body, e.g. `network.layers[0].units`, or the name of a parameter or header."""
    description: str
    """The error, or the values that are allowed."""


class Problem(Message):
    """An error (RFC 9457)."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    type: str
    """The reason as a URN."""
    title: str
    """The kind of error; the same text for every error of this kind."""
    status: int
    """The HTTP status code."""
    detail: str
    """The explanation of this error."""
    reason: str
    """A stable identifier for programs, the same as on gRPC."""
    errors: list[FieldProblem] = Field(default_factory=list)
    """The fields that are invalid, with their errors."""
    request_id: str | None = None
    """The `X-Request-Id` of the request, by which the log of the server has more."""


def problem(
    status: int,
    title: str,
    reason: str,
    detail: str,
    errors: Sequence[FieldError] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return the response for an error."""
    document = _document(status, title, reason, detail, errors)
    document.request_id = current()
    content = document.model_dump_json(exclude_none=True)
    return Response(content, status, headers, MEDIA_TYPE)


def examples() -> dict[str, dict[str, Any]]:
    """Return an example of each status for the description of the API."""
    return {
        str(error.status): {
            "summary": error.title,
            "value": _document(
                error.status, error.title, error.reason, error.detail, error.errors
            ).model_dump(),
        }
        for error in (kind.sample() for kind in EpochalError.__subclasses__())
    }


def _document(
    status: int, title: str, reason: str, detail: str, errors: Sequence[FieldError]
) -> Problem:
    return Problem(
        type=f"urn:epochal:problem:{reason}",
        title=title,
        status=status,
        detail=detail,
        reason=reason,
        errors=[FieldProblem(field=field, description=text) for field, text in errors],
    )


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the errors that a route documents; `default` stands for errors of every route."""
    named: dict[int | str, dict[str, Any]] = {
        status: _response(_title(status), status) for status in statuses
    }
    return named | {"default": _response("Any other error", 503)}


def _response(description: str, example: int) -> dict[str, Any]:
    """An error in the description of a route. With `Problem` as its model, FastAPI would build a
    validator for each of the hundreds of errors.
    """
    content = {
        "schema": {"$ref": f"#/components/schemas/{Problem.__name__}"},
        "examples": {"problem": {"$ref": f"#/components/examples/{example}"}},
    }
    return {"description": description, "content": {MEDIA_TYPE: content}}


def install(app: FastAPI) -> None:
    """Make every error of `app`, expected or not, a problem document."""
    app.add_exception_handler(EpochalError, _error_problem)
    app.add_exception_handler(RequestValidationError, _parameter_problem)
    app.add_exception_handler(HTTPException, _http_problem)
    app.add_exception_handler(Exception, _internal_problem)


def _explain(value: object, handler: ValidatorFunctionWrapHandler) -> object:
    return validate(handler, value)


Explained = WrapValidator(_explain)
"""On a body or a query model: its errors are `InvalidArgument`, in the words of both wires."""


async def _error_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, EpochalError)
    request.app.state.metrics.refused.labels("http", error.reason).inc()
    return reply_to(error)


def reply_to(error: EpochalError) -> Response:
    """Return the response for an error of the service's own."""
    headers = {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    return problem(error.status, error.title, error.reason, error.detail, error.errors, headers)


async def _parameter_problem(request: Request, error: Exception) -> Response:
    """Reply to FastAPI's own errors, in paths and headers; the location begins with the part."""
    assert isinstance(error, RequestValidationError)
    details = [{**detail, "loc": detail["loc"][1:]} for detail in error.errors()]
    return await _error_problem(request, InvalidArgument.of(*describe(details, None)))


async def _http_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    detail = error.detail
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(sorted(_methods(request)))
        detail = f"{request.url.path} allows {headers['Allow']}"
    elif error.status_code == HTTPStatus.NOT_FOUND:
        detail = "No method has this path. /docs lists all methods."
    status = error.status_code
    reason = _KINDS[status].reason if status in _KINDS else HTTPStatus(status).name.lower()
    return problem(status, _title(status), reason, detail, headers=headers)


async def _internal_problem(_: Request, __: Exception) -> Response:
    """Hide the traceback from the caller. The server logs it, as Starlette raises it again."""
    return problem(
        EpochalError.status,
        EpochalError.title,
        EpochalError.reason,
        "Internal error. The log of the server has the details.",
    )


def _methods(request: Request) -> set[str]:
    """Return the methods of the request's path; Starlette's own list is for one route.

    If several paths match, such as `/v1/jobs/validate` and `/v1/jobs/{id}`, the path with the
    fewest parameters counts.
    """
    routes = [
        route
        for route in iter_route_contexts(request.app.routes)
        if route.methods and route.path_regex.match(request.url.path)
    ]
    fewest = min(route.path_regex.groups for route in routes)
    methods = {
        method
        for route in routes
        if route.path_regex.groups == fewest
        for method in route.methods or ()
    }
    return methods | {"HEAD"} if "GET" in methods else methods


def _title(status: int) -> str:
    return _KINDS[status].title if status in _KINDS else HTTPStatus(status).phrase
