"""A training job as it may be asked for."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from .base import LabelKey, LabelValue, LossName, Seed, Spec
from .datasets import DatasetSpec
from .networks import NetworkRef, NetworkSpec

Metric = Literal[
    "train_loss",
    "validation_loss",
    "train_accuracy",
    "validation_accuracy",
    "learning_rate",
    "gradient_norm",
    "seconds",
]

LearningRate = Annotated[float, Field(gt=0, le=1e12)]
"""Far too high is allowed, since it is a lesson: the job ends as `diverged` and says why."""


class SgdSpec(Spec):
    """Plain gradient descent: `w - learning_rate · gradient`."""

    type: Literal["sgd"]
    learning_rate: LearningRate = 0.1


class MomentumSpec(Spec):
    """Gradient descent with memory (Polyak 1964)."""

    type: Literal["momentum"]
    learning_rate: LearningRate = 0.01
    momentum: float = Field(default=0.9, ge=0, lt=1)


class AdamSpec(Spec):
    """Adam (Kingma & Ba 2015). Their learning rate is .001; ten times that suits networks of the
    size met here.
    """

    type: Literal["adam"]
    learning_rate: LearningRate = 0.01
    beta_1: float = Field(default=0.9, ge=0, lt=1)
    beta_2: float = Field(default=0.999, ge=0, lt=1)
    epsilon: float = Field(default=1e-8, gt=0)


OptimizerSpec = Annotated[SgdSpec | MomentumSpec | AdamSpec, Field(discriminator="type")]


class ConstantSpec(Spec):
    """The learning rate as it is."""

    type: Literal["constant"]


class CosineSpec(Spec):
    """Up in a line over the warm-up epochs, then down along half a cosine (Loshchilov & Hutter
    2017).
    """

    type: Literal["cosine"]
    warmup_epochs: int = Field(default=0, ge=0)
    final_fraction: float = Field(default=0.0, ge=0, le=1)
    """The last learning rate, as a part of the optimizer's."""


ScheduleSpec = Annotated[ConstantSpec | CosineSpec, Field(discriminator="type")]


class RegularizationSpec(Spec):
    l2: float = Field(default=0.0, ge=0)
    """Adds `l2 / 2 · ‖W‖²` of every weight matrix to the loss; biases are left alone."""


class ClippingSpec(Spec):
    """Bounds on the gradient before the update."""

    norm: float | None = Field(default=None, gt=0)
    """The whole gradient is scaled down to this length."""
    value: float | None = Field(default=None, gt=0)
    """Every component is cut to ± this."""


class EarlyStoppingSpec(Spec):
    """Stop when the validation loss (the training loss, where nothing is held out) has not fallen
    for a while.
    """

    patience: int = Field(ge=1)
    """Epochs without a better loss."""
    min_delta: float = Field(default=0.0, ge=0)
    """A loss counts as better if it is lower by more than this."""


class TargetSpec(Spec):
    """Stop as soon as a metric is good enough."""

    metric: Literal["train_loss", "validation_loss", "train_accuracy", "validation_accuracy"]
    value: float


class SnapshotsSpec(Spec):
    """What is kept along the way."""

    gradients_every: int = Field(default=1, ge=0)
    """Per-layer gradient statistics every so many epochs; 0: never."""
    weights_every: int | None = Field(default=None, ge=0)
    """A checkpoint every so many epochs; 0: the last epoch only. By default about 20 over the run,
    if they are small.
    """


def _network_kind(value: Any) -> str:
    has_id = "id" in value if isinstance(value, dict) else hasattr(value, "id")
    return "@id" if has_id else "@layers"


class TrainingSpec(Spec):
    """Everything that decides a run: the same spec on the same kind of processor gives the same
    bits.
    """

    network: Annotated[
        Annotated[NetworkSpec, Tag("@layers")] | Annotated[NetworkRef, Tag("@id")],
        Discriminator(_network_kind),
    ]
    dataset: DatasetSpec
    loss: LossName
    epochs: int = Field(ge=1)
    batch_size: int = Field(default=32, ge=1)
    """Samples in one step; the whole training part if it has no more than this."""
    validation_fraction: float = Field(default=0.0, ge=0, lt=1)
    """The part of the samples, chosen by the seed, that is held out and never trained on."""
    optimizer: OptimizerSpec = AdamSpec(type="adam")
    schedule: ScheduleSpec = ConstantSpec(type="constant")
    regularization: RegularizationSpec = RegularizationSpec()
    clipping: ClippingSpec = ClippingSpec()
    early_stopping: EarlyStoppingSpec | None = None
    target: TargetSpec | None = None
    snapshots: SnapshotsSpec = SnapshotsSpec()
    seed: Seed = 0
    deadline_seconds: float | None = Field(default=None, gt=0)
    """Wall-clock time from the job's first start after which it ends as `deadline_exceeded`."""
    labels: dict[LabelKey, LabelValue] = Field(default_factory=dict, max_length=16)
    """Words of your own, to find the job by."""
