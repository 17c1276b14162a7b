"""The bodies of `POST /v1/datasets`: JSON, the file itself, or a form with the file.

Beside a file, its name and options are in the query; in a form, they are fields of it.
"""

from __future__ import annotations

from functools import partial
from pathlib import PurePath
from typing import Annotated, Any, BinaryIO

from fastapi import Body, Query
from pydantic import BeforeValidator, Discriminator, InstanceOf, Tag
from pydantic.json_schema import SkipJsonSchema

from ..errors import FieldError, InvalidArgument
from ..methods.examples import DATASETS
from ..specs.datasets import CreateDatasetRequest, UploadRequest
from ..specs.describe import field_descriptions
from ..specs.validation import parse
from .body import FileBody
from .problems import Explained
from .query import list_fields, split_commas

_BINARY = {"type": "string", "format": "binary"}


def _form() -> dict[str, Any]:
    """The schema of a form: the file, and the options as fields."""
    texts = field_descriptions(UploadRequest)
    options = {}
    for name, schema in UploadRequest.model_json_schema()["properties"].items():
        (kind,) = [arm for arm in schema.get("anyOf", [schema]) if arm.get("type") != "null"]
        rest = {key: part for key, part in kind.items() if key not in ("default", "title")}
        options[name] = {**rest, "description": texts[name]}
    file = {
        **_BINARY,
        "description": "The file: a CSV, a text, or an archive of pictures or arrays.",
    }
    return {"type": "object", "required": ["file"], "properties": {"file": file, **options}}


FILE_BODY = {
    "requestBody": {
        "content": {
            "text/csv": {
                "schema": _BINARY,
                "example": "width,height,kind\n1.5,2,cat\n3,4.5,dog\n",
            },
            "application/zip": {"schema": _BINARY},
            "application/x-npz": {"schema": _BINARY},
            "text/plain": {"schema": _BINARY},
            "multipart/form-data": {"schema": _form()},
        }
    }
}
"""Bodies that may be sent instead of JSON. The format is recognized by the content."""

_examples: Any = {name: {"summary": name, "value": body} for name, body in DATASETS.items()}
JsonOrFile = Annotated[
    Annotated[CreateDatasetRequest, Tag("json")]
    | Annotated[SkipJsonSchema[InstanceOf[FileBody]], Tag("file")],
    Discriminator(lambda body: "file" if isinstance(body, FileBody) else "json"),
    Body(openapi_examples=_examples),
    Explained,
]
_commas = partial(split_commas, list_fields(UploadRequest))
UploadQuery = Annotated[UploadRequest, Query(), BeforeValidator(_commas), Explained]


PARAMETERS = {"body": JsonOrFile, "query": UploadQuery}
"""Parameters of the route beside the context and the key."""


def request_of(
    body: CreateDatasetRequest | FileBody, query: UploadRequest
) -> tuple[CreateDatasetRequest, BinaryIO | None]:
    """Return the request that body and query describe, and the file if the body has one.

    A file that is called a text, by its media type or its name, has windows as rows by default.
    Raises `InvalidArgument` for parameters in the query beside a body that has them itself.
    """
    if query.model_fields_set and not (isinstance(body, FileBody) and body.form is None):
        kind = "a form" if isinstance(body, FileBody) else "JSON"
        raise InvalidArgument.of(
            *(
                FieldError(name, f"must be in the body, because the body is {kind}")
                for name in sorted(query.model_fields_set)
            )
        )
    if not isinstance(body, FileBody):
        return body, None
    options = query
    if body.form is not None:
        _check_name(body)
        fields = {"name": [PurePath(body.filename).stem[:100]], **body.form}
        if not fields["name"][0]:
            del fields["name"]
        lists = list_fields(UploadRequest)
        options = parse(
            UploadRequest,
            {n: v if n in lists else v[-1] for n, v in _commas(dict(fields)).items()},  # type: ignore[index]
        )
    is_text = body.media_type == "text/plain" or body.filename.lower().endswith(".txt")
    if is_text and options.text is None:
        options = options.model_copy(update={"text": "windows"})
    return parse(CreateDatasetRequest, options.model_dump()), body.file


def _check_name(body: FileBody) -> None:
    """Raise `InvalidArgument` for an archive by its name only; errors of a CSV would mislead."""
    suffix, start = PurePath(body.filename).suffix.lower(), body.file.read(2)
    body.file.seek(0)
    if suffix in (".zip", ".npz") and start != b"PK":
        raise InvalidArgument.of(
            FieldError("file", f"is not a {suffix} file: it is damaged, or its name is wrong")
        )
