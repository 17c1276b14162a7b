"""A network at one of its stored epochs, and the samples of its job, ready to be looked at."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import epochal_engine as engine

from ..datasets import Dataset
from ..errors import FieldError, InvalidArgument, NotFound
from ..settings import Limits
from ..specs.build import build_network
from ..specs.inspection import Split
from ..specs.networks import NetworkSpec
from ..specs.training import TrainingSpec
from ..store import Connection, checkpoints
from ..store.packing import unpack
from . import lifecycle
from .preparation import Prepared, scaled

Array = NDArray[Any]

NO_CLASS = -1
"""Where there is a class for each of several answers, and one answer has none."""

_PIXEL = re.compile(r"pixel_(\d+)_(\d+)")


@dataclass(frozen=True)
class Trained:
    """A job's network with the weights of an epoch."""

    spec: TrainingSpec
    network: engine.Network
    epoch: int
    weights: dict[str, Array]

    def outputs(self, inputs: Array, layer: str | None = None) -> Array:
        """What the network, or a layer of it, makes of `(n, features)` in the data's own units:
        `(n, *shape)`.
        """
        given = scaled(inputs.reshape(-1, *self.network.input_shape), self.weights)
        if layer == engine.network.INPUT:
            return np.asarray(given)
        with np.errstate(all="ignore"):  # what is too large for the weights' type is infinite
            return engine.predict(self.network, self.weights, given, layer)

    def named(self, layer: str, *others: str) -> str:
        """The layer's name. Raises `InvalidArgument` unless there is such a layer, or it is one of
        the `others`.
        """
        known = (*others, *self.network.names)
        if layer not in known:
            raise InvalidArgument.of(FieldError("layer", f"must be one of {', '.join(known)}"))
        return layer


def trained(connection: Connection, job_id: str, owner: str, epoch: int | None) -> Trained:
    """The network at the last stored epoch that is not after `epoch`. Raises `NotFound`."""
    row = lifecycle.find(connection, job_id, owner)
    found = checkpoints.nearest(connection, job_id, epoch)
    if found is None:
        which = "no checkpoint yet"
        if epoch is not None and (later := checkpoints.around(connection, job_id, epoch)):
            which = f"no checkpoint of epoch {epoch} or before: the first is of epoch {later[0]}"
        raise NotFound(
            f"The job is {row.state} and has {which}: GET /v1/jobs/{job_id}/checkpoints has all",
            reason="checkpoint_not_found",
        )
    spec = TrainingSpec.model_validate_json(row.spec)
    assert isinstance(spec.network, NetworkSpec)
    return Trained(spec, build_network(spec.network), found[0], unpack(found[1]))


@dataclass(frozen=True)
class Samples:
    """Samples of a job in the order of its data set: `n` of them.

    `indices` `(n,)` are their places in it, `held_out` `(n,)` says which of them are never trained
    on, `inputs` `(n, features)` are in the data's own units, `targets` `(n, *output_shape)` as the
    loss takes them.
    """

    indices: NDArray[np.int64]
    held_out: NDArray[np.bool_]
    inputs: Array
    targets: Array

    def __len__(self) -> int:
        return len(self.indices)

    def chosen(self, places: NDArray[np.intp]) -> Samples:
        """Those at the places, in their order."""
        return Samples(*(each[places] for each in vars(self).values()))


def samples_of(prepared: Prepared, limits: Limits, split: Split) -> Samples:
    """Return the job's samples of that part, in the order of the data set.

    Raises `InvalidArgument` if the job has no validation part, or the part exceeds the limit.
    """
    data = prepared.data
    indices, targets = prepared.train_rows, data.train_targets
    held_out = np.zeros(len(indices), bool)
    if prepared.validation_rows is not None and data.validation_targets is not None:
        indices = np.concatenate([indices, prepared.validation_rows])
        targets = np.concatenate([targets, data.validation_targets])
        held_out = np.arange(len(indices)) >= len(held_out)
    elif split == "validation":
        raise InvalidArgument.of(
            FieldError("split", "must be train or all: this job has no validation samples")
        )
    every = Samples(indices, held_out, prepared.dataset.inputs[indices], targets)
    order = np.argsort(indices)
    if split != "all":
        order = order[held_out[order] == (split == "validation")]
    if len(order) > limits.max_predict_rows:
        raise InvalidArgument.of(
            FieldError(
                "split",
                f"has {len(order)} samples, and one look may take {limits.max_predict_rows}: "
                "ask for a smaller part",
            ),
            reason="limit_exceeded",
        )
    return every.chosen(order)


def classes_of(answers: Array, yes: float = 0.5) -> NDArray[np.int64]:
    """The class that each answer `(..., outputs)` is: its largest output; a single one says 1 from
    `yes` on. `NO_CLASS` where one of the outputs is no number.
    """
    largest = answers[..., 0] >= yes if answers.shape[-1] == 1 else answers.argmax(-1)
    return np.where(np.isnan(answers).any(-1), NO_CLASS, largest)


def true_classes(targets: Array) -> NDArray[np.int64]:
    """The class of each target `(..., outputs)`; `NO_CLASS` where a place does not count."""
    classes = classes_of(targets)
    return classes if targets.shape[-1] == 1 else np.where(targets.any(-1), classes, NO_CLASS)


def says_yes_from(loss: engine.Loss) -> float:
    """A probability says yes from a half on, a bare score from 0 on."""
    return 0.0 if loss.has_accuracy and loss.output_activation is None else 0.5


def losses_of(loss: engine.Loss, outputs: Array, targets: Array) -> NDArray[np.float64]:
    """The loss of each sample `(n,)`: the mean over its answers that count."""
    wanted = targets.astype(np.float64)
    with np.errstate(all="ignore"):
        values = loss.values(outputs.astype(np.float64), wanted).reshape(len(wanted), -1)
    counted = loss.counted(wanted)
    counts = None if counted is None else counted.reshape(values.shape) > 0
    return np.asarray(values.mean(1, where=True if counts is None else counts))


def image_shape_of(dataset: Dataset, network: engine.Network) -> list[int]:
    """Height, width and channels of inputs that are a picture, as the data's names or the network
    tell; else nothing.
    """
    if len(network.input_shape) == 3:
        return list(network.input_shape)
    pixels = [_PIXEL.fullmatch(name) for name in dataset.feature_names]
    if not all(pixels):
        return []
    sides = np.array([match.groups() for match in pixels if match], dtype=int).max(0) + 1
    return [int(side) for side in sides]


def rounded(values: Array) -> NDArray[np.float64]:
    """The values to six significant digits: half the text, and more than a picture can show."""
    exact = values.astype(np.float64)
    with np.errstate(all="ignore"):
        digits = np.floor(np.log10(np.abs(exact)))
        scale = np.power(10.0, 5 - digits)
        short = np.round(exact * scale) / scale
    return np.where(np.isfinite(short), short, exact)  # 0, and what has no digits


def principal_components(
    values: Array, count: int = 2
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The places `(n, count)` of `values` `(n, width)` along the directions in which they differ
    most, and the share of the variance along each, `(count,)`.

    Of a direction and its opposite, the one counts whose largest component is positive: the same
    values give the same picture. Shares are 0 where nothing differs, or values are not finite.
    """
    with np.errstate(invalid="ignore"):  # infinity less infinity
        centered = values.astype(np.float64) - values.mean(0, dtype=np.float64)
    if not np.isfinite(centered).all():
        return np.full((len(values), count), np.nan), np.zeros(count)
    left, sizes, directions = np.linalg.svd(centered, full_matrices=False)
    count = min(count, len(sizes))
    chosen = directions[:count]
    largest = np.take_along_axis(chosen, np.abs(chosen).argmax(1)[:, None], 1)[:, 0]
    signs = np.where(largest < 0, -1.0, 1.0)
    total = np.square(sizes).sum()
    shares = np.square(sizes[:count]) / total if total > 0 else np.zeros(count)
    return left[:, :count] * sizes[:count] * signs, shares
