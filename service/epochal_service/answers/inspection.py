"""The network of a stored epoch and the samples of its job, for inspection."""

from __future__ import annotations

import re
from contextlib import nullcontext
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

import epochal_engine as engine
from epochal_engine.model import ELEMENTS_AT_ONCE, INPUT, Binary, as_rows

from ..datasets import Dataset
from ..errors import FieldError, InvalidArgument, NotFound
from ..jobs import lifecycle
from ..jobs.endings import restored_epoch
from ..preparation.prepared import (
    Prepared,
    corrupted_once,
    scaled,
    scaled_targets,
    unscaled_outputs,
)
from ..settings import Limits
from ..specs.build import network_of
from ..specs.changes import spec_at
from ..specs.inspection import EvaluationSplit, Split
from ..specs.jobs import TERMINAL
from ..specs.training import TrainingSpec
from ..store import Access, Connection, checkpoints
from ..store.packing import unpack

Array = NDArray[Any]

# Even a single sample may take gigabytes: one such pass at a time.
_one_large_pass = Lock()

MAP_DIGITS = 4
"""Digits of the range of a map that its values have."""
NO_CLASS = -1
"""The class of an output that is not a number, and of a time step that does not count."""

_PIXEL = re.compile(r"pixel_(\d+)_(\d+)(?:_(\d+))?")


@dataclass(frozen=True)
class Trained:
    """A job's network with the weights of an epoch."""

    owner: str
    """The owner of the job."""
    spec: TrainingSpec
    network: engine.Network
    epoch: int
    weights: dict[str, Array]

    def outputs(self, inputs: Array, layer: str | None = None) -> Array:
        """Return the outputs `(n, *shape)` of the network, or of a layer.

        The inputs `(n, features)` and the outputs of the network are in the data's own units.
        """
        network_inputs = scaled(inputs.reshape(-1, *self.network.input_shape), self.weights)
        if layer == INPUT:
            return np.asarray(network_inputs)
        with np.errstate(
            all="ignore"
        ):  # inputs beyond the range of the weights' type become infinite
            is_large = self.network.largest_array > ELEMENTS_AT_ONCE
            with _one_large_pass if is_large else nullcontext():
                outputs = engine.predict(self.network, self.weights, network_inputs, layer)
            if layer in (None, self.network.names[-1]):
                return unscaled_outputs(outputs, self.weights)
            return outputs

    def losses(self, loss: engine.Loss, outputs: Array, targets: Array) -> NDArray[np.float64]:
        """Return the loss of each sample `(n,)` as trained; outputs and targets are in the data's
        own units.
        """
        with np.errstate(all="ignore"):
            return losses_of(
                loss,
                scaled_targets(outputs, self.weights),
                scaled_targets(targets, self.weights),
            )

    def checked_layer(self, layer: str, *others: str) -> str:
        """Return the layer's name.

        Raises `InvalidArgument` unless the network has the layer, or it is one of `others`.
        """
        names = (*others, *self.network.names)
        if layer not in names:
            raise InvalidArgument.of(FieldError("layer", f"must be one of {', '.join(names)}"))
        return layer


def trained(connection: Connection, job_id: str, access: Access, epoch: int | None) -> Trained:
    """Return the network of the last checkpoint at or before `epoch`.

    By default of the restored or the latest one. Raises `NotFound`.
    """
    return trained_by(connection, job_id, access, epoch)[0]


def trained_by(
    connection: Connection, job_id: str, access: Access, epoch: int | None
) -> tuple[Trained, TrainingSpec]:
    """Return the same, and the spec of the job with all of its changes."""
    row = lifecycle.find(connection, job_id, access)
    spec = TrainingSpec.model_validate_json(row.spec)
    if epoch is None:
        epoch = restored_epoch(row, spec)
    checkpoint = checkpoints.nearest(connection, job_id, epoch)
    if checkpoint is None:
        raise without_weights(row.state)
    epoch, blob = checkpoint
    now = spec_at(spec, epoch)
    return Trained(row.owner, now, network_of(now), epoch, unpack(blob)), spec


def without_weights(state: str) -> NotFound:
    """Return the error for a job without any checkpoint, with a remedy."""
    advice = (
        "it ended before any were stored. Create the job again to train it."
        if state in TERMINAL
        else "wait for its first epoch."
    )
    return NotFound(
        f"The job is {state} and has no stored weights: {advice}", reason="checkpoint_not_found"
    )


@dataclass(frozen=True)
class Samples:
    """Samples of a job, in the order of its data set; corrupted as its validation samples are.

    indices        `(n,)`: their rows in the data set
    is_validation  `(n,)`: whether a sample belongs to the validation part
    inputs         `(n, features)` in the data's own units
    targets        `(n, *output_shape)`; labels are rows of 0 and 1
    """

    indices: NDArray[np.int64]
    is_validation: NDArray[np.bool_]
    inputs: Array
    targets: Array

    def __len__(self) -> int:
        return len(self.indices)

    def select(self, positions: NDArray[np.intp]) -> Samples:
        """Return the samples at the positions, in their order."""
        return Samples(*(array[positions] for array in vars(self).values()))


def samples_of(prepared: Prepared, limits: Limits, split: Split | EvaluationSplit) -> Samples:
    """Return the job's samples of that part, in the order of the data set.

    Raises `InvalidArgument` if the job has no validation part, or the part exceeds the limit.
    """
    rows = prepared.rows
    parts = {
        "all": np.concatenate([rows.train, rows.validation]),
        "train": rows.train,
        "validation": rows.validation,
        "test": rows.test,
    }
    indices = np.sort(parts[split])
    if len(indices) == 0:
        present = " or ".join(n for n, part in parts.items() if len(part) > 0 and n != "all")
        raise InvalidArgument.of(
            FieldError("split", f"must be {present}: this job has no {split} samples")
        )
    if len(indices) > limits.max_predict_rows:
        raise InvalidArgument.of(
            FieldError(
                "split",
                f"has {len(indices)} samples; the limit of one request is "
                f"{limits.max_predict_rows}: choose a smaller part",
            ),
            reason="limit_exceeded",
        )
    classes = prepared.network.output_shape[-1]
    inputs, targets = corrupted_once(prepared)
    return Samples(
        indices,
        np.isin(indices, rows.validation),
        inputs[indices],
        as_rows(targets[indices], classes),
    )


def classes_of(outputs: Array, threshold: float = 0.5) -> NDArray[np.int64]:
    """Return the predicted class for each of the outputs `(..., n)`.

    It is the index of the largest output; a single output predicts class 1 at or above the
    threshold. `NO_CLASS` where an output is NaN.
    """
    single = outputs.shape[-1] == 1
    predicted = outputs[..., 0] >= threshold if single else outputs.argmax(-1)
    return np.where(np.isnan(outputs).any(-1), NO_CLASS, predicted)


def predicted_classes(loss: engine.Loss, outputs: Array) -> NDArray[np.int64]:
    """Return the predicted classes: one for each of the outputs `(..., n)`, or for all n together.

    With a binary loss, each output is a prediction by itself, 0 or 1.
    """
    separate = outputs[..., None] if isinstance(loss, Binary) else outputs
    return classes_of(separate, threshold_of(loss))


def true_classes(targets: Array) -> NDArray[np.int64]:
    """Return the class of each target `(..., n)`; `NO_CLASS` for time steps that do not count."""
    classes = classes_of(targets)
    return classes if targets.shape[-1] == 1 else np.where(targets.any(-1), classes, NO_CLASS)


def threshold_of(loss: engine.Loss) -> float:
    """Return the threshold of class 1: 0.5 for a probability, 0 for a score without activation."""
    return 0.0 if loss.has_accuracy and loss.output_activation is None else 0.5


def losses_of(loss: engine.Loss, outputs: Array, targets: Array) -> NDArray[np.float64]:
    """Return the loss of each sample `(n,)`: the mean over the time steps that count."""
    expected = targets.astype(np.float64)
    with np.errstate(all="ignore"):
        values = loss.values(outputs.astype(np.float64), expected).reshape(len(expected), -1)
    counted = loss.counted(expected)
    counts = None if counted is None else counted.reshape(values.shape) > 0
    return np.asarray(values.mean(1, where=True if counts is None else counts))


def image_shape_of(dataset: Dataset, network: engine.Network) -> list[int]:
    """Return height, width (and channels) of inputs that are an image; else an empty list.

    They follow from the network's input shape, or from feature names such as `pixel_0_1`, and
    `pixel_0_1_2` for a channel.
    """
    if len(network.input_shape) == 3:
        return list(network.input_shape)
    pixels = [_PIXEL.fullmatch(name) for name in dataset.feature_names]
    if not all(pixels):
        return []
    indices = [[part for part in match.groups() if part] for match in pixels if match]
    if len({len(index) for index in indices}) != 1:
        return []
    return [int(side) for side in np.array(indices, dtype=int).max(0) + 1]


def rounded(values: Array) -> NDArray[np.float64]:
    """Return the values rounded to six significant digits, which halves their JSON."""
    exact = values.astype(np.float64)
    with np.errstate(all="ignore"):
        digits = np.floor(np.log10(np.abs(exact)))
        scale = np.power(10.0, 5 - digits)
        short = np.round(exact * scale) / scale
    return np.where(np.isfinite(short), short, exact)  # 0 and non-finite values have no digits


def rounded_map(values: Array) -> NDArray[np.float64]:
    """Return the values of a map rounded to a decimal at or below a thousandth of their range, of
    which a screen shows 256 shades."""
    exact = values.astype(np.float64)
    finite = exact[np.isfinite(exact)]
    with np.errstate(all="ignore"):
        extent = np.ptp(finite) if finite.size > 0 else 0.0
        scale = np.power(10.0, MAP_DIGITS - 1 - np.floor(np.log10(extent)))
        short = np.round(exact * scale) / scale
    return np.where(np.isfinite(short), short, rounded(values))


def principal_components(
    values: Array, count: int = 2
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Project `values` `(n, width)` onto their first principal components (Pearson 1901).

    Return the coordinates `(n, count)` and the explained variance ratios `(count,)`. The largest
    component of each direction is positive, so that equal values give equal coordinates. Ratios are
    0 for values without variance, and for values that are not finite.
    """
    with np.errstate(invalid="ignore"):  # infinity minus infinity
        centered = values.astype(np.float64) - values.mean(0, dtype=np.float64)
    if not np.isfinite(centered).all():
        return np.full((len(values), count), np.nan), np.zeros(count)
    left, sizes, directions = np.linalg.svd(centered, full_matrices=False)
    count = min(count, len(sizes))
    axes = directions[:count]
    largest = np.take_along_axis(axes, np.abs(axes).argmax(1)[:, None], 1)[:, 0]
    signs = np.where(largest < 0, -1.0, 1.0)
    total = np.square(sizes).sum()
    ratios = np.square(sizes[:count]) / total if total > 0 else np.zeros(count)
    return left[:, :count] * sizes[:count] * signs, ratios
