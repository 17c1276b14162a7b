"""The description of a training run: loss, optimizer, number of epochs, and options."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from ..model.losses import LOSSES, Loss, find_loss
from ..model.network import Network
from ..optimize.augmentation import Augmentation
from ..optimize.optimizers import Optimizer, Perceptron
from ..optimize.schedules import Constant, Schedule
from ..optimize.stopping import EarlyStopping, Target


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
        """Return the size of the batches of so many samples; the last one may be smaller."""
        return min(self.batch_size or samples, samples)

    def is_shuffled(self, samples: int) -> bool:
        """Return whether each epoch takes so many samples in a random order of its own."""
        return self.shuffle and self.samples_per_step(samples) < samples


def check_output(network: Network, loss: str | Loss) -> None:
    """Raise ValueError unless the network ends in the activation that the loss needs."""
    loss = find_loss(loss)
    needed = loss.output_activation
    activation = getattr(network.layers[-1], "activation", None)
    if needed is not None and activation != needed:
        raise ValueError(f"the loss {loss.type} needs a network that ends in a {needed} activation")
