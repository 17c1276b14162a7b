"""The methods of data sets: built-in ones and uploaded ones."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import cache
from typing import Any

from ..datasets import CATALOG, DatasetError, parse_csv
from ..datasets import Dataset as Table
from ..datasets.columns import Choice
from ..errors import Conflict, FieldError, InvalidArgument, NotFound
from ..jobs.datasets import arrays_of, generate, invalid_argument, read_uploaded
from ..specs.base import timestamp
from ..specs.datasets import (
    ColumnSpec,
    CreateDatasetRequest,
    Dataset,
    DatasetPage,
    DatasetParameter,
    DatasetPreview,
    GeneratorSpec,
    ListDatasetsRequest,
    PreviewDatasetRequest,
)
from ..store import datasets, jobs, keys
from ..store.database import new_id
from ..store.datasets import DatasetRow
from ..store.packing import pack_state
from .context import Context
from .fingerprints import fingerprint
from .pages import before, cut, page_size


def list_datasets(context: Context, request: ListDatasetsRequest) -> DatasetPage:
    """List uploaded data sets, newest first; the first page also has all built-in ones."""
    size = page_size(request.page_size)
    with context.database.read() as connection:
        rows = datasets.page(
            connection, context.owner, size=size + 1, before=before(request.page_token, "data")
        )
    page, token = cut(rows, size, lambda row: len(row.about))
    builtin = [] if request.page_token else [_builtin(name) for name in CATALOG]
    return DatasetPage(datasets=[*builtin, *(_reply(row) for row in page)], next_page_token=token)


def get_dataset(context: Context, id: str) -> Dataset:
    """Return the metadata of a data set by id or built-in name. Raises `NotFound`."""
    if id in CATALOG:
        return _builtin(id)
    with context.database.read() as connection:
        row = datasets.find(connection, id, context.owner)
    if row is None:
        raise NotFound(f"There is no data set {id}: GET /v1/datasets lists all")
    return _reply(row)


def preview_dataset(context: Context, id: str, request: PreviewDatasetRequest) -> DatasetPreview:
    """Return the first rows.

    Raises `NotFound`; `InvalidArgument` for a parameter that the data set does not have.
    """
    metadata = get_dataset(context, id)
    parameters = request.model_dump(exclude={"rows"}, exclude_none=True, exclude_unset=True)
    if not metadata.generated and parameters:
        raise InvalidArgument.of(
            *(FieldError(key, f"is not a parameter of {metadata.name}") for key in parameters)
        )
    if metadata.builtin:
        try:
            table = generate(GeneratorSpec(name=id, **parameters))
        except DatasetError as error:
            raise invalid_argument(error, "") from None
    else:
        with context.database.read() as connection:
            try:
                table = read_uploaded(connection, id, context.owner)
            except DatasetError as error:
                raise NotFound(str(error)) from None
    rows = slice(0, request.rows)
    targets = table.targets[rows]
    return DatasetPreview(
        dataset=metadata.model_copy(update=_sizes(table)),
        inputs=table.inputs[rows].tolist(),
        targets=(targets if targets.ndim == 2 else targets[:, None]).astype(float).tolist(),
    )


def create_dataset(context: Context, request: CreateDatasetRequest) -> Dataset:
    """Store a CSV file or generated samples.

    The same `request_id` and request return the data set created before.

    Raises `InvalidArgument` that names rows and columns; `IdempotencyMismatch`; `Conflict` if the
    number of data sets has reached the limit.
    """
    limits = context.settings.limits
    if (request.csv is None) == (request.generator is None):
        raise InvalidArgument.of(
            FieldError("csv", "must be given, or generator instead: exactly one of the two")
        )
    prefix = "" if request.generator is None else "generator"
    try:
        if request.csv is not None:
            table = parse_csv(
                request.csv,
                target=request.target,
                task=request.task,
                choices=_choices(request.columns),
                fills=request.missing == "auto",
                name=request.name,
                max_rows=limits.max_samples,
                max_columns=limits.max_features,
                max_bytes=limits.max_upload_bytes,
            )
        else:
            assert request.generator is not None
            table = generate(request.generator)
    except DatasetError as error:
        raise invalid_argument(error, prefix) from None
    about = {
        "name": request.name,
        "description": table.description,
        "task": table.task,
        "feature_names": list(table.feature_names),
        "class_names": list(table.class_names),
        "target_names": list(table.target_names),
        "token_names": list(table.token_names),
        "source": table.source,
        "license": table.license,
    }
    columns = {
        "columns": [column.to_json() for column in table.columns],
        "warnings": [asdict(warning) for warning in table.warnings],
    }
    content = pack_state(arrays_of(table), about | columns)
    new = new_id("data")
    with context.database.write() as connection:
        dataset_id = keys.claim(
            connection, context.owner, request.request_id, fingerprint(request), new
        )
        if dataset_id != new:
            stored = datasets.find(connection, dataset_id, context.owner)
            if stored is None:
                raise NotFound(
                    f"The data set that this idempotency key created, {dataset_id}, was deleted"
                )
            return _reply(stored)
        if datasets.count(connection, context.owner) >= limits.max_datasets:
            raise Conflict(
                f"The limit of {limits.max_datasets} data sets is reached: delete one first",
                reason="limit_exceeded",
            )
        row = datasets.insert(
            connection,
            id=new,
            owner=context.owner,
            name=request.name,
            about=json.dumps(about | columns | _sizes(table)),
            content=content,
        )
    return _reply(row)


def _choices(specs: list[ColumnSpec]) -> dict[str, Choice]:
    """Return the choices by the names of their columns."""
    return {
        spec.name: Choice(spec.kind, spec.missing, spec.unknown, spec.parts, spec.day_first)
        for spec in specs
    }


def delete_dataset(context: Context, id: str) -> None:
    """Delete an uploaded data set.

    Raises `NotFound`; `Conflict` for a built-in one, and while a job needs it.
    """
    if id in CATALOG:
        raise Conflict(
            f"{id} is a built-in data set and cannot be deleted", reason="dataset_builtin"
        )
    with context.database.write() as connection:
        if datasets.find(connection, id, context.owner, lock=True) is None:
            raise NotFound(f"There is no data set {id}")
        job_id = jobs.user_of_dataset(connection, id)
        if job_id is not None:
            raise Conflict(
                f"{job_id} trains on it: cancel it, or wait for its end",
                reason="dataset_in_use",
            )
        datasets.delete(connection, id)


def _sizes(table: Table) -> dict[str, Any]:
    return {
        "samples": table.samples,
        "features": table.features,
        "feature_names": list(table.feature_names),
        "class_names": list(table.class_names),
        "target_names": list(table.target_names),
        "token_names": list(table.token_names),
    }


@cache  # the sizes of a generator are those of its default parameters
def _builtin(name: str) -> Dataset:
    entry, table = CATALOG[name], generate(GeneratorSpec(name=name))
    return Dataset(
        id=entry.name,
        name=entry.name,
        description=entry.description,
        task=entry.task,
        builtin=True,
        generated=bool(entry.parameters),
        source=entry.source,
        license=entry.license,
        parameters=[
            DatasetParameter(
                name=name,
                default=parameter.default,
                minimum=parameter.minimum,
                maximum=parameter.maximum,
                integer=parameter.integer,
                description=parameter.description,
            )
            for name, parameter in entry.parameters.items()
        ],
        **_sizes(table),
    )


def _reply(row: DatasetRow) -> Dataset:
    return Dataset(
        id=row.id,
        builtin=False,
        generated=False,
        created_at=timestamp(row.created_at),
        **json.loads(row.about),
    )
