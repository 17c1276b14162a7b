"""The data set of a job: load it, name its classes, lock it while a job is created."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from numpy.typing import NDArray

from ..datasets import CATALOG, Dataset, DatasetError, from_rows
from ..datasets import load as load_builtin
from ..datasets.columns import Column
from ..errors import FieldError, InvalidArgument, NotFound
from ..large import require_small
from ..specs.build import network_of
from ..specs.datasets import (
    DatasetSpec,
    GeneratorSpec,
    InlineDataset,
    NamedDataset,
    UploadedDataset,
)
from ..specs.networks import NetworkSpec
from ..specs.training import TrainingSpec
from ..store import Access, Connection, jobs
from ..store import datasets as stored_datasets
from ..store.datasets import DatasetRow
from ..store.packing import unpack_state
from .corruptions import corrupted_dataset

GENERATED_NUMBERS = 2**19
"""The number of samples that a generator draws in at most 0.6 s; by default it draws fewer."""

# Arrays of an uploaded table beside its inputs and targets.
_GROUP, _WEIGHTS = "group.", "weights"


def load(connection: Connection, spec: TrainingSpec, access: Access | None) -> Dataset:
    """Return the data set that the spec names, with its validation data set behind it, and with
    the targets that its corruption makes.

    Raises `InvalidArgument` on the fields of both, unless with `access` the caller may read them.
    """
    dataset = _load(connection, spec, spec.dataset, access, "dataset")
    if spec.validation_dataset is not None:
        field = "validation_dataset"
        validation = _load(connection, spec, spec.validation_dataset, access, field)
        try:
            dataset = dataset.with_validation(validation)
        except DatasetError as error:
            raise invalid_argument(error, field) from None
    return corrupted_dataset(dataset, spec)


def load_inline_or_builtin(spec: TrainingSpec, field: str) -> Dataset:
    """Return the data set of the spec, which is not an uploaded one.

    Raises `InvalidArgument` on that field.
    """
    try:
        return _read(spec, spec.dataset)
    except DatasetError as error:
        raise invalid_argument(error, field) from None


def _load(
    connection: Connection,
    spec: TrainingSpec,
    dataset: DatasetSpec,
    access: Access | None,
    field: str,
) -> Dataset:
    try:
        if isinstance(dataset, UploadedDataset):
            return read_uploaded(connection, dataset.id, access)
        return _read(spec, dataset)
    except DatasetError as error:
        raise invalid_argument(error, field) from None


def _read(spec: TrainingSpec, dataset: DatasetSpec) -> Dataset:
    if isinstance(dataset, NamedDataset):
        return generate(dataset)
    assert isinstance(dataset, InlineDataset)
    scalar = all(len(row) == 1 for row in dataset.targets)
    targets: Sequence[Any] = [row[0] for row in dataset.targets] if scalar else dataset.targets
    return from_rows(
        dataset.inputs,
        targets,
        loss=spec.loss,
        sequence_classes=_sequence_classes(spec),
        feature_names=dataset.feature_names,
        class_names=dataset.class_names,
        weights=dataset.weights,
    )


def load_for_stored_job(connection: Connection, spec: TrainingSpec) -> Dataset:
    """Return the data set of a job that is in the store. Its owner could read it when the job was
    created; an exercise that shared it may have been deleted since.

    Raises `NotFound` if the data set was deleted after the job had ended.
    """
    try:
        return load(connection, spec, None)
    except InvalidArgument:
        ids = " or ".join(filter(None, map(uploaded_id, (spec.dataset, spec.validation_dataset))))
        if not ids:
            raise
        raise NotFound(
            f"The data set that the job was trained on, {ids}, was deleted",
            reason="dataset_not_found",
        ) from None


@dataclass(frozen=True)
class Schema:
    """The rows that a network takes, and the names of its outputs."""

    columns: tuple[Column, ...]
    class_names: tuple[str, ...]
    target_names: tuple[str, ...]
    is_table: bool = True
    """Whether the columns come from an uploaded table."""

    @classmethod
    def of(cls, dataset: Dataset) -> Schema:
        """Return the schema of a data set; without columns, each feature is a number."""
        columns = dataset.columns or tuple(map(Column.of_number, dataset.feature_names))
        return cls(
            columns, dataset.class_names, dataset.target_names, is_table=bool(dataset.columns)
        )

    def to_json(self) -> str:
        """Return the schema as JSON."""
        return json.dumps(
            {
                "columns": [column.to_json() for column in self.columns],
                "class_names": self.class_names,
                "target_names": self.target_names,
                "is_table": self.is_table,
            }
        )

    @classmethod
    def from_json(cls, text: str) -> Schema:
        """Return the schema that `to_json` wrote."""
        values = json.loads(text)
        return cls(
            tuple(map(Column.from_json, values["columns"])),
            tuple(values["class_names"]),
            tuple(values["target_names"]),
            values["is_table"],
        )


def schema_of_job(connection: Connection, job_id: str, spec: TrainingSpec) -> Schema | None:
    """Return the schema that is stored with the job, or with its data set.

    None if the job is older than stored schemas, and its data set was deleted.
    """
    text = jobs.schema(connection, job_id)
    if text is not None:
        return Schema.from_json(text)
    try:
        return Schema.of(load_for_stored_job(connection, spec))
    except NotFound:
        return None


def uploaded_id(dataset: DatasetSpec | None) -> str | None:
    """Return the id of an uploaded data set; None for others."""
    return dataset.id if isinstance(dataset, UploadedDataset) else None


def generate(spec: GeneratorSpec) -> Dataset:
    """Return a built-in data set. Raises `DatasetError`."""
    parameters = CATALOG[spec.name].parameters if spec.name in CATALOG else {}
    sizes = [
        min(getattr(spec, name) or parameter.default or 1, parameter.maximum)
        for name, parameter in parameters.items()
        if name in ("samples", "length", "features")
    ]
    require_small(int(prod(sizes)), GENERATED_NUMBERS)
    return load_builtin(**{name: getattr(spec, name) for name in GeneratorSpec.model_fields})


def read_uploaded(connection: Connection, dataset_id: str, access: Access | None) -> Dataset:
    """Return a data set of the store, of any owner for None.

    Raises `DatasetError` on `id` if it does not exist, or the caller may not read it.
    """
    row = stored_datasets.find(connection, dataset_id, access)
    content = stored_datasets.content(connection, dataset_id) if row else None
    if content is None:
        raise _unknown(dataset_id)
    arrays, about = unpack_state(content)
    names: dict[str, Any] = {
        key: tuple(about.get(key, ()))  # data sets of early versions have no token names
        for key in ("feature_names", "class_names", "target_names", "token_names")
    }
    return Dataset(
        name=about["name"],
        description=about["description"],
        task=about["task"],
        inputs=arrays["inputs"],
        targets=arrays["targets"],
        source=about["source"],
        license=about["license"],
        columns=tuple(map(Column.from_json, about.get("columns", ()))),
        groups={
            name.removeprefix(_GROUP): array
            for name, array in arrays.items()
            if name.startswith(_GROUP)
        },
        weights=arrays.get(_WEIGHTS),
        **names,
    )


def arrays_of(dataset: Dataset) -> dict[str, NDArray[Any]]:
    """Return the arrays of a data set by the names that `read_uploaded` expects."""
    arrays = {"inputs": dataset.inputs, "targets": dataset.targets}
    arrays |= {f"{_GROUP}{name}": codes for name, codes in dataset.groups.items()}
    return arrays if dataset.weights is None else arrays | {_WEIGHTS: dataset.weights}


def lock(connection: Connection, dataset_id: str, owner: str, field: str) -> DatasetRow:
    """Prevent the deletion of a stored data set until the commit, and return its row.

    Raises `InvalidArgument` on the field if it does not exist.
    """
    row = stored_datasets.find(connection, dataset_id, Access(owner), lock=True)
    if row is None:
        raise invalid_argument(_unknown(dataset_id), field)
    return row


def invalid_argument(error: DatasetError, prefix: str) -> InvalidArgument:
    """Return the error with its fields under `prefix`; `loss` stays at the top level."""
    return InvalidArgument.of(
        *(
            FieldError(
                field if field == "loss" or not prefix else f"{prefix}.{field}".rstrip("."), text
            )
            for field, text in error.errors
        )
    )


def _unknown(dataset_id: str) -> DatasetError:
    return DatasetError(("id", f"There is no data set {dataset_id}: GET /v1/datasets lists all."))


def _sequence_classes(spec: TrainingSpec) -> int:
    """Return the number of classes at each time step; 0 if the network has a single output."""
    if spec.loss not in ("cross_entropy", "preference") or not isinstance(
        spec.network, NetworkSpec
    ):
        return 0
    try:
        shape = network_of(spec).output_shape
    except ValueError:  # reported when the network is checked
        return 0
    return shape[1] if len(shape) == 2 else 0
