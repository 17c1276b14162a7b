"""The description of each API that HTTP serves: `/openapi.json`, `/course/openapi.json`.

python -m epochal_service.rest.openapi FOLDER
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from threading import Lock
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.routing import BaseRoute, Route

from ..apis import apis
from ..datasets.builtin import CATALOG
from ..methods.method import Api
from ..methods.replies import Content
from ..methods.table import TRAINING
from ..specs.base import REQUEST, Message, Reply, docstrings
from ..specs.base import Request as RequestMessage
from ..specs.describe import described
from ..specs.outcomes import WebhookEvent
from . import files, routes, system
from .accept import JSON
from .body import without_warnings
from .problems import Problem, examples
from .replies import json_reply
from .streams import EventStreamMedia

SERVERS = [{"url": "/", "description": "The service that this document comes from."}]
API_KEY = {
    "type": "http",
    "scheme": "bearer",
    "description": "An API key, ep_…, from `epochald keys create`.",
}
LICENSE = {"name": "MIT", "identifier": "MIT"}

TEXT = {"type": "string"}

HEADERS = {
    "X-Request-Id": "The id of the request, by which the log of the server has more.",
    "ETag": "A digest of the reply, for `If-None-Match`.",
    "Location": "The path of what was created.",
    "Retry-After": "Seconds after which to try again.",
    "RateLimit": "With an API key: how many requests are left, and in how many seconds the "
    "allowance is full again (draft-ietf-httpapi-ratelimit-headers, version 10).",
    "RateLimit-Policy": "With an API key: the allowance of requests.",
}
"""Headers of replies, and their descriptions."""

HELD = "/held/"
"""Begins the paths of requests that replies hold, which no document has."""

NUMBER = {
    "anyOf": [{"type": "number"}, {"type": "string", "enum": ["NaN", "Infinity", "-Infinity"]}],
    "description": "A number. NaN and infinities are strings.",
}


DESCRIBING = Lock()
"""Held while an API is described, which changes its models for a moment."""


def describe(api: Api) -> dict[str, Any]:
    """The OpenAPI document of an API, as its replies really are."""
    for request in _subclasses(RequestMessage):
        # FastAPI reads the descriptions of parameters from the fields.
        for name, text in docstrings(request).items():
            request.model_fields[name].description = text
    of_service = [*files.router.routes, *system.router.routes] if api is TRAINING else []
    with without_warnings():
        document = get_openapi(
            title=api.title,
            version=version("epochal-server"),
            summary=api.summary,
            description=api.description,
            tags=[{"name": part.tag, "description": part.description} for part in api.services],
            routes=[*routes.routes(api), *of_service, *_held_requests()],
            servers=SERVERS,
            license_info=LICENSE,
        )
    document = _name_schemas(document)
    schemas = document["components"]["schemas"]
    schemas |= _other_schemas(api)
    document["paths"] = {
        path: operations
        for path, operations in document["paths"].items()
        if not path.startswith(HELD)
    }
    # A service that only this machine can reach needs no key.
    document["security"] = [{}, {"apiKey": []}]
    for reply in _subclasses(Reply):
        for field in schemas.get(reply.__name__, {}).get("properties", {}).values():
            _widen(field)
    schemas["Number"] = NUMBER
    for name in ("NamedDataset", "NamedDatasetOutput", "GeneratorSpec"):
        if name in schemas:
            schemas[name]["properties"]["name"]["enum"] = list(CATALOG)
    for title, schema in schemas.items():
        schema["title"] = title
        for name, field in schema.get("properties", {}).items():
            if "const" in field:
                field.setdefault("description", f"The type; always `{field['const']}`.")
            elif text := described(field):
                field["description"] = text
            _set_default(field, name in schema.get("required", ()))
            if REQUEST in field:
                # A request body, without defaults.
                body, text = field[REQUEST], field["description"]
                field.clear()
                field |= {"$ref": f"#/components/schemas/{body}", "description": text}
    document["components"] = {
        "schemas": dict(sorted(schemas.items())),
        "examples": examples(),
        "headers": {name: {"description": text, "schema": TEXT} for name, text in HEADERS.items()},
        "securitySchemes": {"apiKey": API_KEY},
    }
    if api is TRAINING:
        document["webhooks"] = {"ended": {"post": _webhook()}}
    for path in document["paths"].values():
        for operation in path.values():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                _unwrap(content)
            for parameter in operation.get("parameters", ()):
                _drop_null(parameter["schema"])
                if "description" in parameter["schema"]:
                    parameter["description"] = parameter["schema"].pop("description")
                _set_default(parameter["schema"], False)
            for status, response in operation["responses"].items():
                response["headers"] = {
                    name: {"$ref": f"#/components/headers/{name}"} for name in _headers(status)
                }
                _name_media_type(response)
                if response["description"] == "Successful Response":
                    response["description"] = _success(response, schemas)
    _drop_unused(document)
    return document


def install(app: FastAPI, api: Api) -> None:
    """Serve the document, encoded once and not in the event loop."""

    @cache
    def content() -> Content:
        return Content(bytes(JSONResponse(describe(api)).body))

    def document(request: Request) -> Response:
        with DESCRIBING:
            described_api = content()
        return json_reply(request.method, request.headers, described_api)

    app.router.routes.insert(0, Route(api.document, document, include_in_schema=False))


def _held_requests() -> Sequence[BaseRoute]:
    """Return a route for each request that a field of a reply holds, so that FastAPI knows it."""
    router = APIRouter()
    # A subclass of a reply has its fields, too.
    held = {
        extra[REQUEST]: field.annotation
        for reply in _subclasses(Reply)
        for field in reply.model_fields.values()
        if isinstance(extra := field.json_schema_extra, dict) and REQUEST in extra
    }
    for name, annotation in held.items():

        def take(body: Any) -> None: ...

        take.__annotations__["body"] = annotation

        router.add_api_route(f"{HELD}{name}", take, methods=["POST"])
    return router.routes


def _other_schemas(api: Api) -> dict[str, Any]:
    """Return the schemas that FastAPI does not know: of problems, of webhooks, and of the events of
    methods that answer with a stream only if it is preferred.
    """
    models: list[type[BaseModel]] = [Problem, WebhookEvent]
    models += [m.event for m in api.methods.values() if m.total is not None and m.event is not None]
    _, document = models_json_schema(
        [(model, "serialization") for model in models],
        ref_template="#/components/schemas/{model}",
    )
    schemas: dict[str, Any] = document["$defs"]
    return schemas


def _headers(status: str) -> Iterator[str]:
    """Yield the names of the headers of a reply with this status."""
    yield "X-Request-Id"
    if status in ("200", "304"):
        yield "ETag"
    if status == "201":
        yield "Location"
    if status in ("429", "503", "default"):
        yield "Retry-After"
    yield "RateLimit"
    yield "RateLimit-Policy"


def _webhook() -> dict[str, Any]:
    """Return the description of the request that receivers get."""
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    return {
        "operationId": "ended",
        "tags": ["jobs"],
        "summary": "A job or sweep ended",
        "description": "The service sends it to the `webhooks` of a job or sweep, until a receiver "
        "replies with a status of 200 to 299, as Standard Webhooks has it. With a secret, it has a "
        "`webhook-signature`.",
        "parameters": [
            {"name": name, "in": "header", "required": name in names[:2], "schema": TEXT}
            for name in names
        ],
        "requestBody": {
            "required": True,
            "content": {JSON: {"schema": {"$ref": "#/components/schemas/WebhookEvent"}}},
        },
        "responses": {"2XX": {"description": "The receiver has it."}},
    }


def _subclasses(model: type[Message]) -> Iterator[type[Message]]:
    for child in model.__subclasses__():
        yield child
        yield from _subclasses(child)


def _drop_unused(document: dict[str, Any]) -> None:
    """Delete schemas that nothing refers to: of replies, for fields that only requests have."""
    schemas = document["components"]["schemas"]
    while True:
        text = json.dumps(document)
        unused = [name for name in schemas if f'"#/components/schemas/{name}"' not in text]
        if not unused:
            return
        for name in unused:
            del schemas[name]


def _name_schemas(document: dict[str, Any]) -> dict[str, Any]:
    """If the schemas of a model differ, the schema of a request has the name of the model, and the
    schema of a reply, where no field is ever absent, ends in `Output`.
    """
    suffixes = {"Input": "", "Output": "Output"}
    text = re.sub(
        r'"(#/components/schemas/)?(\w+)-(Input|Output)"',
        lambda match: f'"{match[1] or ""}{match[2]}{suffixes[match[3]]}"',
        json.dumps(document),
    )
    named: dict[str, Any] = json.loads(text)
    return named


def _set_default(field: dict[str, Any], is_required: bool) -> None:
    """Write the default as `x-default`.

    With `default`, generators require the field, or send the default of their day with every
    request. The description has it for readers.
    """
    if "default" in field:
        default = field.pop("default")
        if not is_required and default is not None:
            field["x-default"] = default


def _unwrap(content: dict[str, Any]) -> None:
    """Replace a choice of one by the one."""
    match content["schema"]:
        case {"oneOf": [schema]}:
            content["schema"] = schema


def _widen(schema: dict[str, Any]) -> None:
    """A float in a reply may be a string."""
    if schema.get("type") == "number":
        del schema["type"]
        schema["$ref"] = "#/components/schemas/Number"
    for part in (schema.get("items"), schema.get("additionalProperties"), *schema.get("anyOf", ())):
        if isinstance(part, dict):
            _widen(part)


def _drop_null(schema: dict[str, Any]) -> None:
    """A parameter may be left out, and there is no way to write `null` in a URL or a header."""
    choices = [choice for choice in schema.get("anyOf", ()) if choice != {"type": "null"}]
    if len(choices) == 1:
        del schema["anyOf"]
        schema |= choices[0]


def _name_media_type(response: dict[str, Any]) -> None:
    """FastAPI describes the events of a stream as if the body were one of them."""
    content = response.get("content", {})
    for media_type, entry in list(content.items()):
        reference = entry["schema"].get("$ref")
        if media_type == EventStreamMedia.media_type and reference is not None:
            # The body is text; its events have this schema.
            entry["schema"] = {
                "type": "string",
                "contentMediaType": media_type,
                "contentSchema": {"$ref": reference},
            }
        elif reference is not None:
            entry["schema"] = {"$ref": reference}


def _success(response: dict[str, Any], schemas: dict[str, Any]) -> str:
    """Return the description of the reply's schema."""
    content = response.get("content", {})
    if not content:
        return "Deleted"
    name: str = content["application/json"]["schema"]["$ref"].rpartition("/")[2]
    description: str = schemas[name]["description"]
    return description


def main() -> None:
    """Write the document of each API into a folder, unless the file is already the same:
    `openapi.json` and `course.openapi.json`.
    """
    (folder,) = map(Path, sys.argv[1:])
    for api in apis():
        path = folder / api.document.removeprefix("/").replace("/", ".")
        text = json.dumps(describe(api), indent=2, ensure_ascii=False) + "\n"
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


if __name__ == "__main__":
    main()
