"""The description of a training run: loss, optimizer, number of epochs, and options."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from ..data.data import Data
from ..model.losses import LOSSES, Loss, find_loss, typed
from ..model.network import Network
from ..model.pairs import check_scored
from ..model.sample_weights import checked_weights
from ..optimize.augmentation import Augmentation
from ..optimize.corruption import Corruption
from ..optimize.optimizers import Optimizer, Perceptron
from ..optimize.rewards import Rollouts
from ..optimize.schedules import Constant, Schedule
from ..optimize.stopping import EarlyStopping, Target
from ..symbolic.trace import Array


@dataclass(frozen=True)
class Training:
    """The settings of a run; with the network and the data they determine every number."""

    loss: str | Loss
    """A loss, or the name of one with its default options."""
    optimizer: Optimizer
    epochs: int
    batch_size: int | None = None
    """Samples per step; None takes all samples in one step. The last batch may be smaller."""
    schedule: Schedule = field(default_factory=Constant)
    l1: float = 0.0
    """Coefficient of the sum of the absolute values of all weights, not biases."""
    l2: float = 0.0
    """Twice the coefficient of the sum of all squared weights, not biases. Reported losses do not
    include penalties."""
    clip_norm: float | None = None
    """Largest gradient norm; a longer gradient is scaled down to it."""
    clip_value: float | None = None
    """Largest absolute value of each gradient component; applied before `clip_norm`."""
    augmentation: tuple[Augmentation, ...] = ()
    """Random changes of the training samples in every epoch, applied in order."""
    corruption: Corruption | None = None
    """Hides a part of each training sample in every epoch, after augmentation, and makes it the
    target. Validation samples are taken as they are: corrupt them with `Corruption.once`."""
    rollouts: Rollouts | None = None
    """The texts that the network writes in every epoch as training samples, see `rollouts.py`."""
    early_stopping: EarlyStopping | None = None
    target: Target | None = None
    shuffle: bool = True
    """Whether every epoch shuffles the samples; without effect on a single batch."""
    seed: int = 0
    gradients_every: int = 1
    """Record gradient statistics every N epochs; 0 disables."""
    dtype: Literal["float32", "float64"] = "float32"

    def __post_init__(self) -> None:
        if isinstance(self.loss, str) and self.loss not in LOSSES:
            raise ValueError(f"loss must be one of {', '.join(LOSSES)}; got {self.loss!r}")
        if isinstance(self.optimizer, Perceptron) and find_loss(self.loss).type != "perceptron":
            raise ValueError("the optimizer perceptron needs the loss perceptron")
        if self.epochs < 1:
            raise ValueError(f"epochs must be at least 1; got {self.epochs}")
        if self.batch_size is not None and self.batch_size < 1:
            raise ValueError(f"batch_size must be at least 1; got {self.batch_size}")
        for name, penalty in (("l1", self.l1), ("l2", self.l2)):
            if not 0.0 <= penalty < math.inf:
                raise ValueError(f"{name} must be a finite number that is not negative")
        for name, limit in (("clip_norm", self.clip_norm), ("clip_value", self.clip_value)):
            if limit is not None and not limit > 0.0:
                raise ValueError(f"{name} must be positive")
        if self.seed < 0:
            raise ValueError("seed must not be negative")
        if self.gradients_every < 0:
            raise ValueError("gradients_every must not be negative")
        if self.dtype not in ("float32", "float64"):
            raise ValueError("dtype must be float32 or float64")

    def samples_per_step(self, samples: int) -> int:
        """Return the batch size for `samples`; the last batch may be smaller."""
        return min(self.batch_size or samples, samples)

    def is_shuffled(self, samples: int) -> bool:
        """Return whether each epoch takes its samples in a new random order."""
        return self.shuffle and self.samples_per_step(samples) < samples


def corrupted_once(training: Training, data: Data) -> Data:
    """Return the data with the training part corrupted once, if training corrupts it."""
    if training.corruption is None:
        return data
    inputs, targets = training.corruption.once(
        np.asarray(data.train_inputs, training.dtype), typed(data.train_targets, training.dtype)
    )
    return replace(data, train_inputs=inputs, train_targets=targets)


def check_output(network: Network, loss: str | Loss) -> None:
    """Raise ValueError unless the network ends as the loss needs."""
    loss = find_loss(loss)
    if loss.rows > 1:
        check_scored(network)
    needed = loss.output_activation
    activation = getattr(network.layers[-1], "activation", None)
    if needed is not None and activation != needed:
        raise ValueError(f"the loss {loss.type} needs a network that ends in a {needed} activation")


def has_exact_match(network: Network, loss: str | Loss) -> bool:
    """Return whether the network predicts sequences of classes, which match as a whole or not."""
    loss = find_loss(loss)
    return loss.has_accuracy and loss.rows == 1 and len(network.output_shape) > 1


def check_data(network: Network, training: Training, data: Data) -> Data:
    """Return the data with targets in the form that the loss takes, and a weight per prediction.

    Raises ValueError unless the data, and the target, fit network and training.
    """
    loss, target = find_loss(training.loss), training.target
    if target is not None:
        if target.metric.startswith("validation") and data.validation_inputs is None:
            raise ValueError(f"the target {target.metric} needs validation data")
        if target.metric.endswith("accuracy") and not loss.has_accuracy:
            raise ValueError(f"the target {target.metric} has no meaning for {loss.type}")
        if target.metric.endswith("exact_match") and not has_exact_match(network, loss):
            raise ValueError(f"the target {target.metric} needs a sequence of classes")

    for augmentation in training.augmentation:
        augmentation.check(network.input_shape)
    if training.corruption is not None:
        training.corruption.check(network.input_shape, network.output_shape, loss)

    def checked(
        part: str, inputs: Array, targets: Array, weights: Array | None
    ) -> tuple[Array, Array | None]:
        if len(inputs) == 0:
            raise ValueError(f"there are no {part} samples")
        needed = (len(inputs), *network.input_shape)
        if inputs.shape != needed:
            raise ValueError(f"{part}_inputs need the shape {needed}, not {inputs.shape}")
        try:
            targets = loss.checked(targets, (len(inputs), *network.output_shape))
        except ValueError as error:
            raise ValueError(f"{part}_targets {error}") from None
        for noun, array in (("inputs", inputs), ("targets", targets)):
            with np.errstate(over="ignore"):
                is_finite = np.isfinite(array.astype(training.dtype)).all()
            if not is_finite:
                raise ValueError(f"{part}_{noun} must be finite {training.dtype} numbers")
        if weights is not None:
            try:
                weights = checked_weights(weights, (len(inputs), *network.output_shape[:-1]))
            except ValueError as error:
                raise ValueError(f"{part}_sample_weights {error}") from None
        return targets, weights

    train_targets, train_weights = checked(
        "train", data.train_inputs, data.train_targets, data.train_sample_weights
    )
    if training.corruption is not None:
        training.corruption.check_data(train_targets, train_weights)
    validation_targets, validation_weights = data.validation_targets, data.validation_sample_weights
    if data.validation_inputs is not None and validation_targets is not None:
        validation_targets, validation_weights = checked(
            "validation", data.validation_inputs, validation_targets, validation_weights
        )
    return replace(
        data,
        train_targets=train_targets,
        validation_targets=validation_targets,
        train_sample_weights=train_weights,
        validation_sample_weights=validation_weights,
    )
