"""A route for every row of the table of methods: parameters in, the method, a response out.

path, query, Idempotency-Key, body ──> method ──> JSON, file, events, or 204
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Sequence
from functools import cache, partial
from http import HTTPStatus
from inspect import Parameter, Signature
from typing import Annotated, Any, BinaryIO

from fastapi import APIRouter, Body, Header, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute
from pydantic import BaseModel, BeforeValidator
from starlette.datastructures import Headers
from starlette.routing import BaseRoute

from ..large import limited
from ..methods.context import Context
from ..methods.method import Api, Method
from ..methods.replies import call_and_keep, of_body
from ..specs.base import FileReply
from ..store.keys import REPLAYED
from . import datasets, epochs, generation, ranges
from .accept import accepted, prefers
from .body import OCTETS, StrictRoute
from .context import Here
from .problems import Explained, problem, problems
from .query import list_fields, split_commas
from .replies import NO_CACHE, cache_key, cached_content, json_content, json_reply
from .streams import STREAM, STREAM_OF_MANY, EventStreamMedia, content_of, stream

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        description="Makes a retry safe: the same key with the same request creates one thing.",
    ),
]
LAST_EVENT_ID = (
    "The last event that arrived. A browser sends it when it reconnects; it takes precedence over "
    "`after`."
)
LastEventId = Annotated[
    int | None, Header(alias="Last-Event-ID", ge=0, lt=2**63, description=LAST_EVENT_ID)
]
LastCursor = Annotated[
    str | None, Header(alias="Last-Event-ID", max_length=16_000, description=LAST_EVENT_ID)
]
TOKEN = {
    "name": "token",
    "in": "query",
    "required": False,
    "schema": {"type": "string"},
    "description": "A stream token, in place of an API key: see `POST …/stream-token`.",
}
"""The parameter of streams that `authorize` takes."""
REPLAY_HEADER = {
    REPLAYED: {
        "description": "`true` if an earlier request with the same `Idempotency-Key` created it",
        "schema": {"type": "string", "const": "true"},
    }
}
NOT_MODIFIED = {"description": "The reply is the one that `If-None-Match` names"}


class Octets(Response):
    """A file."""

    media_type = OCTETS


def operation_id(route: APIRoute) -> str:
    """The name of a route, by which clients that are generated call its method."""
    return route.name


@cache
def routes(api: Api) -> Sequence[BaseRoute]:
    """The routes of all methods of an API, which every app of a process can have.

    Not a router to include: FastAPI would make each of its routes a second time.
    """
    made = APIRouter(route_class=StrictRoute, generate_unique_id_function=operation_id)
    for method in api.methods.values():
        _add(made, method, api)
    return made.routes


def _add(router: APIRouter, method: Method, api: Api) -> None:
    reply = method.reply
    is_file = reply is not None and issubclass(reply, FileReply)
    options: dict[str, Any] = {
        "methods": [method.verb],
        "name": method.name,
        "tags": [method.tag],
        "summary": method.summary,
        "description": method.description,
        "responses": _responses(method, is_file, api),
        "response_model": None if is_file or method.event else reply,
    }
    if method.creates:
        options["status_code"] = 201
    if reply is None:
        options |= {"status_code": 204, "response_class": Response}
    if is_file:
        options["response_class"] = Octets
    if method.total:
        options["response_model"] = method.total
    elif method.event:
        options["response_class"] = EventStreamMedia
        if method.path_fields:
            options["openapi_extra"] = {"parameters": [TOKEN]}
    if method.reads_file:
        options["openapi_extra"] = datasets.FILE_BODY
    router.add_api_route(method.path, _endpoint(method), **options)


def _responses(method: Method, is_file: bool, api: Api) -> dict[int | str, dict[str, Any]]:
    responses: dict[int | str, dict[str, Any]] = {}
    if method.total and method.event:
        responses = {200: {"content": content_of(method.event)}}
    elif method.event:
        described = STREAM[200] if method.path_fields else STREAM_OF_MANY
        responses = {200: {"model": method.event, **described}, 204: STREAM[204]}
    elif is_file:
        content = {OCTETS: {"schema": {"type": "string", "format": "binary"}}}
        responses = {
            200: {"description": "The file", "content": content},
            206: {"description": "The bytes that `Range` names", "content": content},
        }
    elif method.rpc in epochs.FORMATS:
        media_type, _ = epochs.FORMATS[method.rpc]
        text = {"type": "string"} | ({} if media_type == epochs.CSV else {"format": "binary"})
        responses = {200: {"content": {media_type: {"schema": text}}}}
    if method.verb == "GET" and not method.event:
        responses[304] = NOT_MODIFIED
    if method.creates:
        responses[201] = {"links": _links(method, api)}
    if method.has_key:
        responses.setdefault(201 if method.creates else 200, {})["headers"] = REPLAY_HEADER
    return responses | problems(*method.statuses)


def _links(creating: Method, api: Api) -> dict[str, dict[str, Any]]:
    """The methods that take the id of the object that this one creates."""
    return {
        method.rpc: {
            "operationId": method.name,
            "parameters": {"id": "$response.body#/id"},
        }
        for method in api.methods.values()
        if method.path.startswith(f"{creating.path}/{{id}}") and list(method.path_fields) == ["id"]
    }


def _endpoint(method: Method) -> Callable[..., Any]:
    """A function with the parameters of the method, from which FastAPI reads what to validate."""
    parameters = {"context": Here, "request": Request} | {
        name: _path(method, name) for name in method.path_fields
    }
    if method.reads_file:
        parameters |= datasets.PARAMETERS
    elif method.body is not None:
        examples: Any = {
            name: {"summary": name, "value": body} for name, body in method.examples.items()
        }
        parameters["body"] = Annotated[method.body, Body(openapi_examples=examples), Explained]
    if method.has_data:
        parameters["data"] = Annotated[bytes, Body(media_type=OCTETS)]
    if method.query is not None and not method.has_key:
        commas = BeforeValidator(partial(split_commas, list_fields(method.query)))
        parameters["query"] = Annotated[method.query, Query(), commas, Explained]
    defaults: dict[str, Any] = {}
    if method.default_body is not None:
        defaults["body"] = method.default_body
    if method.has_key:
        parameters["key"], defaults["key"] = IdempotencyKey, None
    is_watched = method.event is not None and method.total is None
    if is_watched:
        parameters["last_event_id"] = LastEventId if method.path_fields else LastCursor
        defaults["last_event_id"] = None

    async def generate(**values: Any) -> Any:
        return await generation.answer(method, **values)

    async def watch(**values: Any) -> Any:
        return await _watch(method, **values)

    def answer(*, context: Context, **values: Any) -> Any:
        with limited(active=context.second_process is not None):
            return _answer(method, context=context, **values)

    def read_file(*, body: Any, query: Any, **values: Any) -> Any:
        body, file = datasets.request_of(body, query)
        return answer(body=body, data=file, **values)

    async def explore(*, context: Context, request: Request, body: BaseModel) -> Any:
        known = context.replies and context.replies.find(_cache_key(request, body))
        if known:
            return json_reply(request.method, request.headers, known)
        async with context.pure_turn():
            return await run_in_threadpool(answer, context=context, request=request, body=body)

    endpoint: Callable[..., Any] = answer
    if is_watched:
        endpoint = watch
    elif method.total:
        endpoint = generate
    elif method.reads_file:
        endpoint = read_file
    elif method.is_pure:
        endpoint = explore
    endpoint.__name__ = method.name
    endpoint.need = method.need  # type: ignore[attr-defined]
    endpoint.takes_token = is_watched and bool(method.path_fields)  # type: ignore[attr-defined]
    endpoint.takes_long = method.takes_long  # type: ignore[attr-defined]
    endpoint.__signature__ = Signature(  # type: ignore[attr-defined]
        [
            Parameter(
                name,
                Parameter.KEYWORD_ONLY,
                annotation=annotation,
                default=defaults.get(name, Parameter.empty),
            )
            for name, annotation in parameters.items()
        ]
    )
    return endpoint


def _path(method: Method, name: str) -> Any:
    if name == "epoch":
        return Annotated[int, Path(ge=0, lt=2**31, description=method.path_description(name))]
    example = method.id and method.id.example
    examples = [example] if example else None
    return Annotated[str, Path(description=method.path_description(name), examples=examples)]


def _answer(
    method: Method,
    *,
    context: Any,
    request: Request,
    body: Any = None,
    data: bytes | BinaryIO | None = None,
    query: Any = None,
    key: str | None = None,
    **path: Any,
) -> Any:
    if method.has_key and method.query is not None:
        query = method.query.model_validate({"request_id": key})
    elif key is not None:
        body = body.model_copy(update={"request_id": key})
    rest = (argument for argument in (body, data, query) if argument is not None)
    arguments = [*path.values(), *rest]
    if method.rpc in epochs.FORMATS:
        media_type, respond = epochs.FORMATS[method.rpc]
        if prefers(media_type, accepted(request.headers)):
            return respond(context, *arguments)
    if method.basis is not None:
        of_request = _cache_key(request, body)
        content = call_and_keep(method, context, of_request, arguments, cached_content)
        return json_reply(request.method, request.headers, content)
    reply, is_replay = method.call_once(context, *arguments)
    method.audit(context, str(path.get("id") or getattr(reply, "id", "")))
    if reply is None:
        return None
    if isinstance(reply, FileReply):
        return _file(reply, path["id"], request.headers)
    content = json_content(reply)
    status, location = (201, f"{method.path}/{reply.id}") if method.creates else (200, None)
    response = json_reply(request.method, request.headers, content, status, location)
    if is_replay:
        response.headers[REPLAYED] = "true"
    return response


def _cache_key(request: Request, body: BaseModel | None) -> Hashable:
    """Return the key of the reply. Defaults are in it, so that leaving them out changes nothing."""
    if body is None:
        return cache_key(request.scope)
    return of_body(request.url.path, body.model_dump_json().encode())


async def _watch(
    method: Method,
    *,
    context: Any,
    request: Request,
    query: Any,
    last_event_id: int | str | None,
    **path: Any,
) -> Response:
    if last_event_id is not None:
        query = query.model_copy(update={"after": last_event_id})
    return stream(await method.function(context, *path.values(), query), request)


def _file(reply: FileReply, job_id: str, headers_in: Headers) -> Response:
    """The file, or a range of it, with the SHA-256 of its content as the ETag."""
    digest = f'"{hashlib.sha256(reply.content).hexdigest()}"'
    headers = {"ETag": digest, "Cache-Control": NO_CACHE, "Accept-Ranges": "bytes"}
    if digest in headers_in.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    size = len(reply.content)
    part = ranges.requested(headers_in, digest, size)
    if part is not None:
        headers["Content-Range"] = ranges.content_range(part, size)
    if part is not None and part.start == part.stop:
        status = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
        detail = f"The file has {size} bytes: Range begins behind them"
        return problem(status, "No such range", "range_not_satisfiable", detail, headers=headers)
    headers["Content-Disposition"] = f'attachment; filename="{job_id}-{reply.filename}"'
    if part is None:
        return Octets(reply.content, headers=headers)
    return Octets(reply.content[part], HTTPStatus.PARTIAL_CONTENT, headers)
