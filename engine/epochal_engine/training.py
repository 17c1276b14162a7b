"""How a network is trained: against which loss, by which steps, for how long."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from .augmentation import Augmentation
from .losses import LOSSES, Loss, find_loss
from .network import Network
from .optimizers import Optimizer, Perceptron
from .schedules import Constant, Schedule
from .stopping import EarlyStopping, Target


@dataclass(frozen=True)
class Training:
    """All that is chosen before a run; with the network and the data it determines every number."""

    loss: str | Loss
    """By name, with its usual settings, or in person."""
    optimizer: Optimizer
    epochs: int
    batch_size: int | None = None
    """Samples per step; None takes all samples in one step. The last batch may be smaller."""
    schedule: Schedule = field(default_factory=Constant)
    l1: float = 0.0
    """Adds l1 · (sum of the sizes of all weights, without biases) to what is minimized."""
    l2: float = 0.0
    """Adds l2/2 · (sum of all squared weights, without biases) to what is minimized; the losses
    that are reported are without it."""
    clip_norm: float | None = None
    """The largest norm of the whole gradient that a step may use; longer ones are shortened."""
    clip_value: float | None = None
    """The largest size of one element of the gradient; applied before `clip_norm`."""
    augmentation: tuple[Augmentation, ...] = ()
    """How the training samples are changed anew in every epoch, one after the other."""
    early_stopping: EarlyStopping | None = None
    target: Target | None = None
    shuffle: bool = True
    """Whether every epoch goes through the samples in a new order; idle with a single batch."""
    seed: int = 0
    gradients_every: int = 1
    """Take a snapshot of the gradient in every epoch that this number divides; 0 for none."""
    dtype: Literal["float32", "float64"] = "float32"

    def __post_init__(self) -> None:
        if isinstance(self.loss, str) and self.loss not in LOSSES:
            raise ValueError(f"there is no loss named {self.loss!r}")
        if isinstance(self.optimizer, Perceptron) and find_loss(self.loss).type != "perceptron":
            raise ValueError("the perceptron's rule needs the loss perceptron")
        if self.epochs < 1:
            raise ValueError("a run needs at least one epoch")
        if self.batch_size is not None and self.batch_size < 1:
            raise ValueError("a batch needs at least one sample")
        for name, penalty in (("l1", self.l1), ("l2", self.l2)):
            if not 0.0 <= penalty < math.inf:
                raise ValueError(f"{name} must be a finite number that is not negative")
        for name, limit in (("clip_norm", self.clip_norm), ("clip_value", self.clip_value)):
            if limit is not None and not limit > 0.0:
                raise ValueError(f"{name} must be positive")
        if self.seed < 0:
            raise ValueError("a seed must not be negative")
        if self.gradients_every < 0:
            raise ValueError("gradients_every must not be negative")
        if self.dtype not in ("float32", "float64"):
            raise ValueError("dtype is float32 or float64")


def check_output(network: Network, loss: str | Loss) -> None:
    """Raise ValueError unless the network ends in the activation that the loss needs."""
    loss = find_loss(loss)
    needed = loss.output_activation
    found = getattr(network.layers[-1], "activation", None)
    if needed is not None and found != needed:
        raise ValueError(f"the loss {loss.type} needs a network that ends in a {needed} activation")
