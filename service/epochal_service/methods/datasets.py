"""The methods of data sets: built-in ones and uploaded ones."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import cache
from hashlib import sha256
from typing import Any, BinaryIO

import numpy as np

from ..datasets import (
    CATALOG,
    DatasetError,
    Format,
    format_of,
    parse_arrays,
    parse_csv,
    parse_images,
    parse_text,
)
from ..datasets import Dataset as Table
from ..datasets.columns import Choice
from ..datasets.text_rows import Vocabulary
from ..errors import Conflict, FieldError, InvalidArgument, NotFound
from ..jobs import quotas
from ..large import NUMBER_BYTES, require_small
from ..processes.heap import give_memory_back
from ..resources.datasets import arrays_of, generate, invalid_argument, read_uploaded
from ..resources.language import language_of
from ..specs.base import timestamp
from ..specs.datasets import (
    ColumnSpec,
    CreateDatasetRequest,
    Dataset,
    DatasetPage,
    DatasetParameter,
    DatasetPreview,
    GeneratorParameters,
    GeneratorSpec,
    ListDatasetsRequest,
    PreviewDatasetRequest,
    Thumbnail,
)
from ..store import Connection, datasets, jobs, keys
from ..store import uploads as uploaded
from ..store.database import new_id
from ..store.datasets import DatasetRow
from ..store.packing import pack_state
from . import uploads
from .context import Context
from .fingerprints import file_digest, fingerprint
from .pages import before, cut, page_size

THUMBNAIL_ROWS = 120
THUMBNAIL_NUMBERS = 2048
"""Numbers in a thumbnail: of the widest built-in rows, as many as a small picture shows."""


def list_datasets(context: Context, request: ListDatasetsRequest) -> DatasetPage:
    """List uploaded data sets, newest first; the first page also has all built-in ones."""
    size = page_size(request.page_size)
    with context.database.read() as connection:
        rows = datasets.page(
            connection, context.owner, size=size + 1, before=before(request.page_token, "data")
        )
    page, token = cut(rows, size, lambda row: len(row.about))
    names = [] if request.page_token else list(CATALOG)
    return DatasetPage(
        datasets=[*map(_builtin, names), *(_reply(row) for row in page)],
        next_page_token=token,
        thumbnails=list(map(_thumbnail, names)) if request.thumbnails else [],
    )


def get_dataset(context: Context, id: str) -> Dataset:
    """Return the metadata of a data set by id or built-in name. Raises `NotFound`."""
    if id in CATALOG:
        return _builtin(id)
    with context.database.read() as connection:
        row = datasets.find(connection, id, context.access)
    if row is None:
        raise NotFound(f"There is no data set {id}: GET /v1/datasets lists all")
    return _reply(row)


def preview_dataset(context: Context, id: str, request: PreviewDatasetRequest) -> DatasetPreview:
    """Return the first rows.

    Raises `NotFound`; `InvalidArgument` for a parameter that the data set does not have.
    """
    metadata = get_dataset(context, id)
    table = read(context, metadata, parameters_of(request))
    rows = slice(0, request.rows)
    targets = table.targets[rows]
    require_small((table.inputs[rows].size + targets.size) * NUMBER_BYTES)
    return DatasetPreview(
        dataset=metadata.model_copy(update=_sizes(table)),
        inputs=table.inputs[rows].tolist(),
        targets=_in_rows(targets).tolist(),
    )


def _in_rows(targets: np.ndarray) -> np.ndarray:
    """Return targets as rows of numbers."""
    return (targets if targets.ndim == 2 else targets[:, None]).astype(float)


def parameters_of(request: GeneratorParameters) -> dict[str, Any]:
    """Return the parameters that the request sets."""
    fields = set(GeneratorParameters.model_fields)
    return request.model_dump(include=fields, exclude_none=True, exclude_unset=True)


def read(context: Context, metadata: Dataset, parameters: dict[str, Any]) -> Table:
    """Return the rows of a data set.

    Raises `NotFound`; `InvalidArgument` for a parameter that the data set does not have.
    """
    if not metadata.generated and parameters:
        raise InvalidArgument.of(
            *(FieldError(key, f"is not a parameter of {metadata.name}") for key in parameters)
        )
    if metadata.builtin:
        try:
            return generate(GeneratorSpec(name=metadata.id, **parameters))
        except DatasetError as error:
            raise invalid_argument(error, "") from None
    with context.database.read() as connection:
        try:
            return read_uploaded(connection, metadata.id, context.access)
        except DatasetError as error:
            raise NotFound(str(error)) from None


def create_dataset(
    context: Context, request: CreateDatasetRequest, file: BinaryIO | None = None
) -> Dataset:
    """Store a CSV text, an uploaded file or generated samples.

    On HTTP, the body may also be the file itself. The format of a file is recognized by its
    content: a CSV, a zip archive of PNG and JPEG pictures with one folder per class, an .npz
    archive with the arrays `inputs` and `targets` (or `x` and `y`), or JSON Lines of prompts and
    answers. Other text is read as a CSV, unless `text` says what its rows are.

    The same `request_id` and request return the data set created before.

    Raises `InvalidArgument` that names rows, columns and members; `IdempotencyMismatch`; `Conflict`
    if the number of data sets has reached the limit, or the upload is incomplete.
    """
    if file is not None:
        return _create_of_file(context, request, file, file_digest(file))
    if [request.csv, request.generator, request.upload].count(None) != 2:
        raise InvalidArgument.of(
            FieldError("csv", "must be given, or generator, or upload: exactly one of the three")
        )
    if request.upload is not None:
        with uploads.complete_file(context, request.upload) as (file, digest):
            return _create_of_file(context, request, file, digest)
    prefix = "" if request.generator is None else "generator"
    try:
        if request.csv is not None:
            table = _table_of_csv(context, request, request.csv)
        else:
            assert request.generator is not None
            table = generate(request.generator)
    except DatasetError as error:
        raise invalid_argument(error, prefix) from None
    return _store(context, request, table, fingerprint(request))


def _create_of_file(
    context: Context, request: CreateDatasetRequest, file: BinaryIO | None, digest: str
) -> Dataset:
    """Store a file. Its digest stands for it in the fingerprint of the request."""
    options = fingerprint(request.model_copy(update={"upload": None}))
    combined = sha256(f"{options} {digest}".encode()).hexdigest()
    with context.database.read() as connection:
        dataset_id = keys.find(connection, context.owner, request.request_id, combined)
        if dataset_id is not None:
            return _created(context, connection, dataset_id)
    if file is None:
        raise InvalidArgument.of(
            FieldError("upload", "is a data set already: `GET /v1/uploads/{id}` names it")
        )
    table = _table_of_file(context, request, file)
    if context.second_process is None:  # as in the second process, where no thread waits for it
        give_memory_back()  # before the data set is copied on its way to the database
    return _store(context, request, table, combined, digest)


def _table_of_csv(context: Context, request: CreateDatasetRequest, text: str | BinaryIO) -> Table:
    _check_options(request, "csv", "a table")
    limits = context.settings.limits
    return parse_csv(
        text,
        target=request.target,
        task=request.task,
        choices=_choices(request.columns),
        fills=request.missing == "auto",
        name=request.name,
        max_rows=limits.max_samples,
        max_columns=limits.max_features,
        max_bytes=limits.max_upload_bytes,
    )


def _table_of_file(context: Context, request: CreateDatasetRequest, file: BinaryIO) -> Table:
    limits = context.settings.limits
    sizes = {"max_rows": limits.max_samples, "max_columns": limits.max_features}
    try:
        known = format_of(file)
        match "text" if known == "csv" and request.text is not None else known:
            case "text":
                _check_options(request, "text", "a text")
                return parse_text(
                    file,
                    request.text,
                    length=request.length,
                    merges=request.merges,
                    vocabulary=_vocabulary(context, request),
                    name=request.name,
                    max_rows=limits.max_samples,
                )
            case "csv":
                return _table_of_csv(context, request, file)
            case "images":
                _check_options(request, "images", "an archive of pictures")
                return parse_images(
                    file,
                    image_size=request.image_size,
                    color=request.color,
                    name=request.name,
                    **sizes,
                )
            case "arrays":
                _check_options(request, "arrays", "an archive of arrays")
                return parse_arrays(file, task=request.task, name=request.name, **sizes)
    except DatasetError as error:
        raise invalid_argument(error, "") from None


def _vocabulary(context: Context, request: CreateDatasetRequest) -> Vocabulary | None:
    """Return the vocabulary of the data set that the request names; None if it names none.

    Raises `InvalidArgument` if there is none, or it has no text.
    """
    name = request.vocabulary
    if name is None:
        return None
    try:
        if name in CATALOG:
            dataset = generate(GeneratorSpec(name=name))
        else:
            with context.database.read() as connection:
                dataset = read_uploaded(connection, name, context.access)
    except DatasetError as error:
        raise InvalidArgument.of(FieldError("vocabulary", str(error))) from None
    language = language_of(dataset)
    if language is None or language.to_read:
        raise InvalidArgument.of(
            FieldError("vocabulary", f"must be a data set of text alone; {name} is none")
        )
    return Vocabulary(
        language.names,
        language.written,
        language.start,
        language.ask,
        language.end,
        None if request.text == "windows" else language.window,
    )


_OPTIONS: dict[Format, set[str]] = {
    "csv": {"target", "task", "columns", "missing"},
    "images": {"image_size", "color"},
    "arrays": {"task"},
    "text": {"text", "length", "merges", "vocabulary"},
}
"""The options of each format."""


def _check_options(request: CreateDatasetRequest, format_: Format, noun: str) -> None:
    """Raise `InvalidArgument` for options of other formats that differ from their defaults."""
    fields = type(request).model_fields
    others = sorted(set[str]().union(*_OPTIONS.values()) - _OPTIONS[format_])
    errors = [
        FieldError(name, f"is not an option of {noun}")
        for name in others
        if getattr(request, name) != fields[name].get_default(call_default_factory=True)
    ]
    if errors:
        raise InvalidArgument.of(*errors)


def _created(context: Context, connection: Connection, dataset_id: str) -> Dataset:
    stored = datasets.find(connection, dataset_id, context.access)
    if stored is None:
        raise NotFound(f"The data set that this idempotency key created, {dataset_id}, was deleted")
    return _reply(stored)


def _store(
    context: Context,
    request: CreateDatasetRequest,
    table: Table,
    request_digest: str,
    file_digest: str = "",
) -> Dataset:
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
        dataset_id = keys.claim(connection, context.owner, request.request_id, request_digest, new)
        if dataset_id != new:
            return _created(context, connection, dataset_id)
        limits, owner = context.settings.quotas, context.owner
        quotas.reserve(connection, limits, owner, "max_datasets")
        quotas.reserve(connection, limits, owner, "max_dataset_bytes_per_owner", len(content))
        row = datasets.insert(
            connection,
            id=new,
            owner=context.owner,
            name=request.name,
            about=json.dumps(about | columns | _sizes(table)),
            content=content,
        )
        if request.upload is not None:
            uploaded.consume(connection, request.upload, new, file_digest)
    return _reply(row)


def _choices(specs: list[ColumnSpec]) -> dict[str, Choice]:
    """Return the choices by the names of their columns."""
    return {
        spec.name: Choice(spec.kind, spec.missing, spec.unknown, spec.parts, spec.day_first)
        for spec in specs
    }


def delete_dataset(context: Context, id: str) -> None:
    """Delete an uploaded data set.

    Raises `NotFound`; `Forbidden` for one of another owner; `Conflict` for a built-in one, and
    while an exercise or a job of its owner needs it.
    """
    if id in CATALOG:
        raise Conflict(
            f"{id} is a built-in data set and cannot be deleted", reason="dataset_builtin"
        )
    with context.database.write() as connection:
        row = datasets.find(connection, id, context.access, lock=True)
        if row is None:
            raise NotFound(f"There is no data set {id}")
        context.access.require_owner(row.owner)
        exercise_id = datasets.exercise_with(connection, id)
        if exercise_id is not None:
            raise Conflict(
                f"{exercise_id} shares it: delete the exercise first", reason="dataset_in_use"
            )
        # A paused job of somebody else, who attempted an exercise, would prevent it for ever.
        job_id = jobs.user_of_dataset(connection, id, row.owner)
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


@cache
def _thumbnail(name: str) -> Thumbnail:
    table = generate(GeneratorSpec(name=name))
    targets = _in_rows(table.targets)
    width = table.inputs.shape[1] + targets.shape[1]
    count = min(table.samples, THUMBNAIL_ROWS, max(THUMBNAIL_NUMBERS // width, 4))
    # Rows at equal distances could be of every second class of alternating ones.
    rows = np.sort(np.random.default_rng(0).choice(table.samples, count, replace=False))

    def rounded(matrix: np.ndarray) -> list[list[float]]:
        return [[float(f"{number:.3g}") for number in row] for row in matrix.tolist()]

    inputs = table.inputs[rows]
    return Thumbnail(dataset=name, inputs=rounded(inputs), targets=rounded(targets[rows]))


@cache  # the sizes of a generator follow from its default parameters
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
        vocabularies=[*entry.vocabularies],
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
