"""Data sets over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Path, Query, Response
from pydantic import Discriminator, Tag
from pydantic.json_schema import SkipJsonSchema

from ..errors import FieldError, InvalidArgument
from ..methods import datasets
from ..specs.datasets import (
    CreateDatasetRequest,
    Dataset,
    DatasetPage,
    DatasetPreview,
    ListDatasetsRequest,
    PreviewDatasetRequest,
    UploadRequest,
)
from ..specs.validation import parse
from . import examples
from .body import StrictRoute
from .context import Here, IdempotencyKey
from .problems import Explained, problems

router = APIRouter(prefix="/v1/datasets", tags=["datasets"], route_class=StrictRoute)

CSV_BODY = {
    "requestBody": {
        "content": {
            "text/csv": {
                "schema": {"type": "string"},
                "example": "width,height,kind\n1.5,2,cat\n3,4.5,dog\n",
            }
        }
    }
}

JsonOrCsv = Annotated[
    Annotated[CreateDatasetRequest, Tag("json")] | Annotated[SkipJsonSchema[bytes], Tag("csv")],
    Discriminator(lambda body: "csv" if isinstance(body, bytes) else "json"),
    Body(openapi_examples=examples.DATASETS),
    Explained,
]

DatasetId = Annotated[
    str,
    Path(
        alias="id", description="A built-in data set has its name as its id.", examples=["digits"]
    ),
]


@router.post(
    "",
    status_code=201,
    summary="Create a data set",
    responses=problems(400, 409, 413, 415, 422),
    openapi_extra=CSV_BODY,
)
def create_dataset(
    context: Here,
    body: JsonOrCsv,
    query: Annotated[UploadRequest, Query(), Explained],
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> Dataset:
    """Keeps a CSV text, or the points of a generator.

    As JSON, the body says everything. As `text/csv`, the body is the file itself, and its name,
    target and task stand in the query.
    """
    if isinstance(body, bytes):
        request = parse(CreateDatasetRequest, {**query.model_dump(), "csv": _text(body)})
    elif query.model_fields_set:
        raise InvalidArgument.of(
            *(
                FieldError(name, "goes into the body, since the body is JSON")
                for name in sorted(query.model_fields_set)
            )
        )
    else:
        request = body
    if idempotency_key is not None:
        request = request.model_copy(update={"request_id": idempotency_key})
    dataset = datasets.create_dataset(context, request)
    response.headers["Location"] = f"{router.prefix}/{dataset.id}"
    return dataset


@router.get("", summary="List data sets", responses=problems(400))
def list_datasets(
    context: Here, query: Annotated[ListDatasetsRequest, Query(), Explained]
) -> DatasetPage:
    """The built-in ones first, then yours, newest first."""
    return datasets.list_datasets(context, query)


@router.get("/{id}", summary="Get a data set", responses=problems(400, 404))
def get_dataset(context: Here, dataset_id: DatasetId) -> Dataset:
    """What is known of a data set."""
    return datasets.get_dataset(context, dataset_id)


@router.get("/{id}/preview", summary="Preview a data set", responses=problems(400, 404))
def preview_dataset(
    context: Here,
    dataset_id: DatasetId,
    query: Annotated[PreviewDatasetRequest, Query(), Explained],
) -> DatasetPreview:
    """The first rows of a data set; of a generator, what it makes of these parameters."""
    return datasets.preview_dataset(context, dataset_id, query)


@router.delete(
    "/{id}",
    status_code=204,
    response_class=Response,
    summary="Delete a data set",
    responses=problems(400, 404, 409),
)
def delete_dataset(context: Here, dataset_id: DatasetId) -> None:
    """Forgets an uploaded or generated data set; built-in ones stay."""
    datasets.delete_dataset(context, dataset_id)


def _text(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise InvalidArgument.of(
            FieldError("csv", f"must be UTF-8: byte {error.start} is not")
        ) from None
