"""The two bodies of `POST /v1/datasets`: JSON, or the CSV file itself.

Beside a CSV file, its name, target and task are in the query.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Body, Query
from pydantic import Discriminator, Tag
from pydantic.json_schema import SkipJsonSchema

from ..errors import FieldError, InvalidArgument
from ..methods.examples import DATASETS
from ..specs.datasets import CreateDatasetRequest, UploadRequest
from ..specs.validation import parse
from .problems import Explained

CSV_BODY = {
    "requestBody": {
        "content": {
            "text/csv": {
                "schema": {"type": "string", "format": "binary"},
                "example": "width,height,kind\n1.5,2,cat\n3,4.5,dog\n",
            }
        }
    }
}

_examples: Any = {name: {"summary": name, "value": body} for name, body in DATASETS.items()}
JsonOrCsv = Annotated[
    Annotated[CreateDatasetRequest, Tag("json")] | Annotated[SkipJsonSchema[bytes], Tag("csv")],
    Discriminator(lambda body: "csv" if isinstance(body, bytes) else "json"),
    Body(openapi_examples=_examples),
    Explained,
]
UploadQuery = Annotated[UploadRequest, Query(), Explained]


def request_of(body: CreateDatasetRequest | bytes, query: UploadRequest) -> CreateDatasetRequest:
    """The request that body and query make. Raises `InvalidArgument` if a JSON body comes with
    parameters in the query, or if the CSV is not UTF-8.
    """
    if isinstance(body, bytes):
        return parse(CreateDatasetRequest, {**query.model_dump(), "csv": _text(body)})
    if query.model_fields_set:
        raise InvalidArgument.of(
            *(
                FieldError(name, "must be in the body, because the body is JSON")
                for name in sorted(query.model_fields_set)
            )
        )
    return body


def _text(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise InvalidArgument.of(
            FieldError("csv", f"must be UTF-8: byte {error.start} is not")
        ) from None
