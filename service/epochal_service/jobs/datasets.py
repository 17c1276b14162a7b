"""The data set of a job: load it, name its classes, lock it while a job is created."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from ..datasets import Dataset, DatasetError, from_rows
from ..datasets import load as load_builtin
from ..datasets.columns import Column
from ..errors import FieldError, InvalidArgument, NotFound
from ..specs.build import build_network
from ..specs.datasets import GeneratorSpec, InlineDataset, NamedDataset, UploadedDataset
from ..specs.networks import NetworkSpec
from ..specs.training import TrainingSpec
from ..store import Connection
from ..store import datasets as stored_datasets
from ..store.packing import unpack_state

# Arrays of an uploaded table beside its inputs and targets.
_GROUP, _WEIGHTS = "group.", "weights"


def load(connection: Connection, spec: TrainingSpec, owner: str) -> Dataset:
    """Return the data set that the spec names. Raises `InvalidArgument` on its fields."""
    dataset = spec.dataset
    try:
        match dataset:
            case NamedDataset():
                return generate(dataset)
            case InlineDataset():
                scalar = all(len(row) == 1 for row in dataset.targets)
                targets: Sequence[Any] = (
                    [row[0] for row in dataset.targets] if scalar else dataset.targets
                )
                return from_rows(
                    dataset.inputs,
                    targets,
                    loss=spec.loss,
                    sequence_classes=_sequence_classes(spec),
                    feature_names=dataset.feature_names,
                    class_names=dataset.class_names,
                )
            case UploadedDataset():
                return read_uploaded(connection, dataset.id, owner)
    except DatasetError as error:
        raise invalid_argument(error, "dataset") from None


def load_for_stored_job(connection: Connection, spec: TrainingSpec, owner: str) -> Dataset:
    """Return the data set of a job that is in the store.

    Raises `NotFound` if the data set was deleted after the job had ended.
    """
    try:
        return load(connection, spec, owner)
    except InvalidArgument:
        if not isinstance(spec.dataset, UploadedDataset):
            raise
        raise NotFound(
            f"The data set that the job was trained on, {spec.dataset.id}, was deleted",
            reason="dataset_not_found",
        ) from None


def class_names(connection: Connection, spec: TrainingSpec, owner: str) -> Sequence[str]:
    """Return the class names of the job's data set; empty for regression, or if it was deleted."""
    if isinstance(spec.dataset, UploadedDataset):
        row = stored_datasets.find(connection, spec.dataset.id, owner)
        return [] if row is None else json.loads(row.about)["class_names"]
    return load(connection, spec, owner).class_names


def generate(spec: GeneratorSpec) -> Dataset:
    """Return a built-in data set. Raises `DatasetError`."""
    return load_builtin(
        spec.name,
        samples=spec.samples,
        noise=spec.noise,
        seed=spec.seed,
        classes=spec.classes,
        features=spec.features,
        length=spec.length,
    )


def read_uploaded(connection: Connection, dataset_id: str, owner: str) -> Dataset:
    """Return a data set of the store. Raises `DatasetError` on `id` if it does not exist."""
    row = stored_datasets.find(connection, dataset_id, owner)
    content = stored_datasets.content(connection, dataset_id) if row else None
    if content is None:
        raise _unknown(dataset_id)
    arrays, about = unpack_state(content)
    names = {
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


def lock(connection: Connection, dataset_id: str, owner: str) -> None:
    """Prevent the deletion of a stored data set until the commit.

    Raises `InvalidArgument` if it does not exist.
    """
    if stored_datasets.find(connection, dataset_id, owner, lock=True) is None:
        raise invalid_argument(_unknown(dataset_id), "dataset")


def invalid_argument(error: DatasetError, prefix: str) -> InvalidArgument:
    """Return the error with its fields under `prefix`; `loss` stays at the top level."""
    return InvalidArgument.of(
        *(
            FieldError(field if field == "loss" or not prefix else f"{prefix}.{field}", text)
            for field, text in error.errors
        )
    )


def _unknown(dataset_id: str) -> DatasetError:
    return DatasetError(("id", f"There is no data set {dataset_id}: GET /v1/datasets lists all."))


def _sequence_classes(spec: TrainingSpec) -> int:
    """Return the number of classes at each time step; 0 if the network has a single output."""
    if spec.loss != "cross_entropy" or not isinstance(spec.network, NetworkSpec):
        return 0
    try:
        shape = build_network(spec.network).output_shape
    except ValueError:  # reported when the network is checked
        return 0
    return shape[1] if len(shape) == 2 else 0
