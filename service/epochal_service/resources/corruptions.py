"""The data set of a job that corrupts its samples, as the network is trained on it.

data set, spec ──→ data set with its own tokens as targets, or the noise in its samples
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

import epochal_engine as engine

from ..datasets import Dataset
from ..datasets.columns import Column
from ..datasets.dataset import IGNORED
from ..errors import FieldError, InvalidArgument
from ..specs.build import build_corruption, build_loss
from ..specs.networks import NetworkSpec, input_embeddings
from ..specs.training import CorruptionSpec, TrainingSpec

Array = NDArray[Any]


def corrupted_dataset(dataset: Dataset, spec: TrainingSpec) -> Dataset:
    """Return the data set with the targets that the corruption of the spec makes.

    The data set itself without a corruption. Raises `InvalidArgument` if it does not fit.
    """
    if spec.corruption is None:
        return dataset
    return _DATASETS[spec.corruption.type](dataset, spec)


def _masked(dataset: Dataset, spec: TrainingSpec) -> Dataset:
    """Return a sequence with its tokens as targets, `IGNORED` where rows are filled up."""
    assert spec.corruption is not None
    tokens = dataset.inputs
    if not dataset.token_names or (tokens % 1).any() or tokens.max() >= len(dataset.token_names):
        raise InvalidArgument.of(
            FieldError(
                "corruption.type",
                f"mask needs rows of tokens, which {dataset.name} does not have: use a text, or a "
                "built-in data set such as topics or sonnets",
            )
        )
    if dataset.weights is not None:
        text = "must have no weights with the corruption mask: positions that count are drawn"
        raise InvalidArgument.of(FieldError("dataset", text))
    targets = tokens.astype(np.int64)
    if dataset.task == "sequence" and dataset.targets.shape == targets.shape:
        # A row that is filled up has no targets behind its end, which is the last token of text.
        is_filled = np.cumprod(dataset.targets[:, ::-1] == IGNORED, axis=1)[:, ::-1] == 1
        targets[:, 1:][is_filled[:, :-1]] = IGNORED
    return replace(
        dataset,
        task="sequence",
        targets=targets,
        class_names=dataset.token_names,
        target_names=dataset.feature_names,
        token_names=_names_with_mask(dataset.token_names, spec.corruption.token),
    )


def _names_with_mask(names: tuple[str, ...], mask: int) -> tuple[str, ...]:
    """Return the names of all tokens up to the mask, which has one of `MASKS` if it is new.

    Tokens between the data's tokens and the mask, which no sample has, are named by their numbers.
    """
    if mask < len(names):
        return names
    between = map(str, range(len(names), mask))
    return (*names, *between, next((name for name in MASKS if name not in names), str(mask)))


def _diffused(dataset: Dataset, spec: TrainingSpec) -> Dataset:
    """Return a regression of the noise of each feature. The inputs include the time, and the class
    if the network takes it.
    """
    assert isinstance(spec.network, NetworkSpec)
    features, labels = dataset.features, dataset.targets
    classes = len(dataset.class_names) if labels.ndim == 1 and labels.dtype.kind == "i" else 0
    given = math.prod(spec.network.input_shape)
    if given not in (features + 1, features + 1 + classes):
        text = f"must be [{features + 1}] with the corruption diffuse: {features} features of "
        text += f"{dataset.name} and the time"
        if classes:
            text += f"; or [{features + 1 + classes}] to generate samples of a chosen class"
        raise InvalidArgument.of(FieldError("network.input_shape", text))
    added, columns = [np.zeros((dataset.samples, 1))], [Column.of_number(TIME)]
    if given > features + 1:
        names = [f"{CLASS}_{name}" for name in dataset.class_names]
        added.append(np.asarray(labels[:, None] == np.arange(classes), np.float64))
        columns.append(Column(CLASS, "category", names, [*dataset.class_names], scaled=False))
    return replace(
        dataset,
        task="regression",
        inputs=np.concatenate([dataset.inputs, *added], axis=1),
        targets=np.zeros((dataset.samples, features)),
        feature_names=(*dataset.feature_names, *(f for c in columns for f in c.features)),
        class_names=(),
        target_names=tuple(f"noise_{name}" for name in dataset.feature_names),
        columns=(*(dataset.columns or map(Column.of_number, dataset.feature_names)), *columns),
    )


MASKS = ("_", "□")
"""Names of the mask: the first that no token of the data has. A character, as tokens may be."""
TIME, CLASS = "diffusion_time", "diffusion_class"
"""Features that follow the features of a diffused data set: the time, and the class."""
_DATASETS: dict[str, Callable[[Dataset, TrainingSpec], Dataset]] = {
    "mask": _masked,
    "diffuse": _diffused,
}


def corruption_errors(spec: TrainingSpec, network: engine.Network, _: Dataset) -> list[FieldError]:
    """Return what is wrong with the corruption of the spec, and with fields that it excludes."""
    corruption = spec.corruption
    if corruption is None:
        return []
    errors = []
    assert isinstance(spec.network, NetworkSpec)
    try:
        build_corruption(corruption).check(
            network.input_shape, network.output_shape, build_loss(spec)
        )
    except ValueError as error:
        errors.append(FieldError("corruption", str(error)))
    if spec.target_scaling == "standardize":
        errors.append(FieldError("target_scaling", "must be none with a corruption"))
    if corruption.type == "mask":
        errors += _mask_errors(spec, spec.network, corruption)
    return errors


def _mask_errors(
    spec: TrainingSpec, network: NetworkSpec, corruption: CorruptionSpec
) -> list[FieldError]:
    errors = [
        FieldError(
            "corruption.token",
            f"must be less than {layer.vocabulary}, the vocabulary of network.layers[{index}]; "
            f"got {corruption.token}",
        )
        for index, layer in input_embeddings(network)
        if corruption.token >= layer.vocabulary
    ]
    if spec.class_weights is not None:
        errors.append(FieldError("class_weights", "must be absent with the corruption mask"))
    if spec.dataset.scaling != "none":
        errors.append(FieldError("dataset.scaling", "must be none: the inputs are tokens"))
    return errors
