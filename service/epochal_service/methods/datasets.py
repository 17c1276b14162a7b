"""Data sets: what is built in, what was uploaded, and a look at either."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from ..datasets import CATALOG, DatasetError, parse_csv
from ..datasets import Dataset as Table
from ..errors import Conflict, FieldError, InvalidArgument, NotFound
from ..jobs.datasets import generate, invalid_argument, read_uploaded
from ..specs.base import timestamp
from ..specs.datasets import (
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
    """The built-in ones on the first page, whatever its size; then uploaded ones, newest first."""
    size = page_size(request.page_size)
    with context.database.read() as connection:
        rows = datasets.page(
            connection, context.owner, size=size + 1, before=before(request.page_token, "data")
        )
    page, token = cut(rows, size)
    builtin = [] if request.page_token else [_builtin(name) for name in CATALOG]
    return DatasetPage(datasets=[*builtin, *(_reply(row) for row in page)], next_page_token=token)


def get_dataset(context: Context, id: str) -> Dataset:
    """What is known of a data set, by id or built-in name. Raises `NotFound`."""
    if id in CATALOG:
        return _builtin(id)
    with context.database.read() as connection:
        row = datasets.find(connection, id, context.owner)
    if row is None:
        raise NotFound(f"There is no data set {id}: GET /v1/datasets has all")
    return _reply(row)


def preview_dataset(context: Context, id: str, request: PreviewDatasetRequest) -> DatasetPreview:
    """The first rows. Raises `NotFound`, `InvalidArgument` where a choice has no meaning."""
    about = get_dataset(context, id)
    choices = request.model_dump(exclude={"rows"}, exclude_none=True, exclude_unset=True)
    if not about.generated and choices:
        raise InvalidArgument.of(
            *(FieldError(key, f"has no meaning for {about.name}") for key in choices)
        )
    if about.builtin:
        try:
            table = generate(GeneratorSpec(name=id, **choices))
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
        dataset=about.model_copy(update=_sizes(table)),
        inputs=table.inputs[rows].tolist(),
        targets=(targets if targets.ndim == 2 else targets[:, None]).astype(float).tolist(),
    )


def create_dataset(context: Context, request: CreateDatasetRequest) -> Dataset:
    """Keep a CSV or generated points; the same `request_id` gives what it made before.

    Raises `InvalidArgument` that names rows and columns, `IdempotencyMismatch`, `Conflict`.
    """
    limits = context.settings.limits
    if (request.csv is None) == (request.generator is None):
        raise InvalidArgument.of(FieldError("csv", "give either csv or generator, and not both"))
    prefix = "" if request.generator is None else "generator"
    try:
        if request.csv is not None:
            table = parse_csv(
                request.csv,
                target=request.target,
                task=request.task,
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
    content = pack_state({"inputs": table.inputs, "targets": table.targets}, about)
    new = new_id("data")
    with context.database.write() as connection:
        dataset_id = keys.once(
            connection, context.owner, request.request_id, fingerprint(request), new
        )
        if dataset_id != new:
            known = datasets.find(connection, dataset_id, context.owner)
            if known is None:
                raise NotFound(f"The data set that this key made, {dataset_id}, was deleted")
            return _reply(known)
        if datasets.count(connection, context.owner) >= limits.max_datasets:
            raise Conflict(
                f"There are {limits.max_datasets} data sets already: delete one first",
                reason="limit_exceeded",
            )
        row = datasets.insert(
            connection,
            id=new,
            owner=context.owner,
            name=request.name,
            about=json.dumps(about | _sizes(table)),
            content=content,
        )
    return _reply(row)


def delete_dataset(context: Context, id: str) -> None:
    """Forget an uploaded data set. Raises `NotFound`, `Conflict` while a job needs it."""
    if id in CATALOG:
        raise Conflict(f"{id} is built in and stays", reason="dataset_builtin")
    with context.database.write() as connection:
        if datasets.find(connection, id, context.owner, lock=True) is None:
            raise NotFound(f"There is no data set {id}")
        user = jobs.uses_dataset(connection, id)
        if user is not None:
            raise Conflict(
                f"Job {user} trains on it: cancel the job, or wait for its end",
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


@cache  # what is told of a generator is told of the points that it makes by default
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
                whole=parameter.whole,
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
