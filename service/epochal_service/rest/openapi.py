"""The description of the API that HTTP serves as `/openapi.json`.

python -m epochal_service.rest.openapi PATH
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.routing import Route

from ..datasets.builtin import CATALOG
from ..methods.replies import Content
from ..methods.table import METHODS, SERVICES
from ..specs.base import Message, Reply, docstrings
from ..specs.base import Request as RequestMessage
from ..specs.describe import described
from .body import without_warnings
from .problems import Problem, examples
from .replies import json_reply
from .streams import EventStreamMedia

DESCRIPTION = """
A job trains a network on a data set. The service stores every epoch; watch the job while it trains,
or replay it later.

* The service refuses unknown fields and parameters. If a key occurs twice, the last value counts.

* A number that is not finite is the string `"NaN"`, `"Infinity"` or `"-Infinity"` in a reply.
  Requests must not contain such numbers.

* Every error is an `application/problem+json` document (RFC 9457) with a stable `reason`.

* Lists are paged: send `next_page_token` as `page_token`, and `next_after_epoch` as `after_epoch`.

* gRPC has the same methods under the same names.
""".strip()

TAGS = [{"name": service.tag, "description": service.description} for service in SERVICES]

SERVERS = [{"url": "/", "description": "The service that this document comes from."}]
API_KEY = {
    "type": "http",
    "scheme": "bearer",
    "description": "An API key, ep_…, from `epochald keys create`.",
}
LICENSE = {"name": "MIT", "identifier": "MIT"}

NUMBER = {
    "anyOf": [{"type": "number"}, {"type": "string", "enum": ["NaN", "Infinity", "-Infinity"]}],
    "description": "A number. NaN and infinities are strings.",
}


def describe(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of `app`, as its replies really are; made once."""
    if app.openapi_schema is None:
        for request in _subclasses(RequestMessage):
            # FastAPI reads the descriptions of parameters from the fields.
            for name, text in docstrings(request).items():
                request.model_fields[name].description = text
        with without_warnings():
            document = get_openapi(
                title=app.title,
                version=app.version,
                summary=app.summary,
                description=app.description,
                tags=app.openapi_tags,
                routes=app.routes,
                servers=SERVERS,
                license_info=LICENSE,
            )
        document = _name_schemas(document)
        document["components"]["schemas"] |= _other_schemas()
        # A service that only this machine can reach needs no key.
        document["security"] = [{}, {"apiKey": []}]
        schemas = document["components"]["schemas"]
        for reply in _subclasses(Reply):
            for field in schemas.get(reply.__name__, {}).get("properties", {}).values():
                _widen(field)
        schemas["Number"] = NUMBER
        for name in ("NamedDataset", "NamedDatasetOutput", "GeneratorSpec"):
            schemas[name]["properties"]["name"]["enum"] = list(CATALOG)
        # The spec of a preset is a request body, without defaults.
        for name, spec in (("Preset", "TrainingSpec"), ("PresetExperiment", "ExperimentSpec")):
            preset = schemas[name]["properties"]
            preset["spec"] = {
                "$ref": f"#/components/schemas/{spec}",
                "description": preset["spec"]["description"],
            }
        for title, schema in schemas.items():
            schema["title"] = title
            for name, field in schema.get("properties", {}).items():
                if "const" in field:
                    field.setdefault("description", f"The type; always `{field['const']}`.")
                elif text := described(field):
                    field["description"] = text
                _set_default(field, name in schema.get("required", ()))
        document["components"] = {
            "schemas": dict(sorted(schemas.items())),
            "examples": examples(),
            "securitySchemes": {"apiKey": API_KEY},
        }
        for path in document["paths"].values():
            for operation in path.values():
                for content in operation.get("requestBody", {}).get("content", {}).values():
                    _unwrap(content)
                for parameter in operation.get("parameters", ()):
                    _drop_null(parameter["schema"])
                    if "description" in parameter["schema"]:
                        parameter["description"] = parameter["schema"].pop("description")
                    _set_default(parameter["schema"], False)
                for response in operation["responses"].values():
                    _name_media_type(response)
                    if response["description"] == "Successful Response":
                        response["description"] = _success(response, schemas)
        _drop_unused(document)
        app.openapi_schema = document
    return app.openapi_schema


def install(app: FastAPI) -> None:
    """Serve the document in place of FastAPI, which encodes it in the event loop each time."""
    app.openapi = lambda: describe(app)  # type: ignore[method-assign]

    @cache
    def content() -> Content:
        return Content(bytes(JSONResponse(app.openapi()).body))

    def document(request: Request) -> Response:
        return json_reply(request.method, request.headers, content())

    assert app.openapi_url
    app.router.routes.insert(0, Route(app.openapi_url, document, include_in_schema=False))


def _other_schemas() -> dict[str, Any]:
    """Return the schemas that FastAPI does not know: of problems, and of the events of methods that
    answer with a stream only if it is preferred.
    """
    models: list[type[BaseModel]] = [Problem]
    models += [m.event for m in METHODS.values() if m.total is not None and m.event is not None]
    _, document = models_json_schema(
        [(model, "serialization") for model in models],
        ref_template="#/components/schemas/{model}",
    )
    schemas: dict[str, Any] = document["$defs"]
    return schemas


def _subclasses(model: type[Message]) -> Iterator[type[Message]]:
    for child in model.__subclasses__():
        yield child
        yield from _subclasses(child)


def _drop_unused(document: dict[str, Any]) -> None:
    """Delete schemas that nothing refers to: of replies, for fields that only requests have."""
    text, schemas = json.dumps(document), document["components"]["schemas"]
    for name in list(schemas):
        if f'"#/components/schemas/{name}"' not in text:
            del schemas[name]


def _name_schemas(document: dict[str, Any]) -> dict[str, Any]:
    """Where the schema of a request differs from that of a reply, where no field is ever absent,
    the former has the name of the model, and the latter ends in `Output`.
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
    """Write the description of the API to a file, if it differs from what is there."""
    from ..settings import Settings
    from .app import create_app

    (path,) = map(Path, sys.argv[1:])
    text = json.dumps(describe(create_app(Settings())), indent=2, ensure_ascii=False) + "\n"
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


if __name__ == "__main__":
    main()
