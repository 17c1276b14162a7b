"""A training job as it may be asked for."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from .base import Cursor, LabelKey, LabelValue, LossName, Name, Seed, Spec
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

LearningRate = Annotated[
    float, Field(gt=0, le=1e12, description="How far a step goes; far too high is a lesson.")
]
"""Far too high is allowed, since it is a lesson: the job ends as `diverged` and says why."""
Strength = Annotated[float, Field(ge=0, le=1e12)]
"""Of what pulls on weights or shakes inputs."""


class SgdSpec(Spec):
    """Plain gradient descent: `w - learning_rate · gradient`."""

    type: Literal["sgd"]
    learning_rate: LearningRate = 0.1


class MomentumSpec(Spec):
    """Gradient descent with memory (Polyak 1964)."""

    type: Literal["momentum"]
    learning_rate: LearningRate = 0.01
    momentum: float = Field(default=0.9, ge=0, lt=1)
    """The share of the last step that goes on in the next one."""


class PerceptronSpec(Spec):
    """Rosenblatt's rule (1958), for a network that ends in a step with the loss `perceptron`."""

    type: Literal["perceptron"]
    learning_rate: LearningRate = 1.0


class NesterovSpec(Spec):
    """Momentum that looks ahead (Nesterov 1983, as in Sutskever et al. 2013)."""

    type: Literal["nesterov"]
    learning_rate: LearningRate = 0.01
    momentum: float = Field(default=0.9, ge=0, lt=1)
    """The share of the last step that goes on in the next one."""


class AdagradSpec(Spec):
    """Each parameter's steps shrink with all that it has been through (Duchi et al. 2011)."""

    type: Literal["adagrad"]
    learning_rate: LearningRate = 0.01
    epsilon: float = Field(default=1e-10, gt=0)
    """Added to the root of the squared gradients, so that nothing is divided by 0."""


class RmspropSpec(Spec):
    """Adagrad with a short memory (Hinton 2012)."""

    type: Literal["rmsprop"]
    learning_rate: LearningRate = 0.01
    decay: float = Field(default=0.99, ge=0, lt=1)
    """How much of the mean squared gradient is kept from step to step."""
    epsilon: float = Field(default=1e-8, gt=0)
    """Added to the root of the squared gradients, so that nothing is divided by 0."""


class AdamSpec(Spec):
    """Adam (Kingma & Ba 2015). Their learning rate is .001; ten times that suits networks of the
    size met here.
    """

    type: Literal["adam"]
    learning_rate: LearningRate = 0.01
    beta_1: float = Field(default=0.9, ge=0, lt=1)
    """How much of the mean gradient is kept from step to step."""
    beta_2: float = Field(default=0.999, ge=0, lt=1)
    """How much of the mean squared gradient is kept from step to step."""
    epsilon: float = Field(default=1e-8, gt=0)
    """Added to the root of the second moment, so that nothing is divided by 0."""


class AdamwSpec(Spec):
    """Adam with weight decay beside the gradient (Loshchilov & Hutter 2019)."""

    type: Literal["adamw"]
    learning_rate: LearningRate = 0.001
    beta_1: float = Field(default=0.9, ge=0, lt=1)
    """How much of the mean gradient is kept from step to step."""
    beta_2: float = Field(default=0.999, ge=0, lt=1)
    """How much of the mean squared gradient is kept from step to step."""
    epsilon: float = Field(default=1e-8, gt=0)
    """Added to the root of the second moment, so that nothing is divided by 0."""
    weight_decay: Strength = 0.01
    """Each step, weights shrink by this times the learning rate."""


class LionSpec(Spec):
    """Steps of equal size, in the direction of the sign of the momentum (Chen et al. 2023)."""

    type: Literal["lion"]
    learning_rate: LearningRate = 0.0001
    beta_1: float = Field(default=0.9, ge=0, lt=1)
    """How much of the momentum is in the direction of a step; the gradient is the rest."""
    beta_2: float = Field(default=0.99, ge=0, lt=1)
    """How much of the momentum is kept from step to step."""
    weight_decay: Strength = 0.0
    """Each step, weights shrink by this times the learning rate."""


class MuonSpec(Spec):
    """Momentum made orthogonal for weight matrices, AdamW for the rest (Jordan 2024)."""

    type: Literal["muon"]
    learning_rate: LearningRate = 0.02
    momentum: float = Field(default=0.95, ge=0, lt=1)
    """The share of the last direction that goes on in the next one."""
    weight_decay: Strength = 0.0
    """Each step, weights shrink by this times the learning rate."""
    adam_fraction: Strength = 0.015
    """The rate of AdamW over that of the hidden matrices."""


OptimizerSpec = Annotated[
    SgdSpec
    | PerceptronSpec
    | MomentumSpec
    | NesterovSpec
    | AdagradSpec
    | RmspropSpec
    | AdamSpec
    | AdamwSpec
    | LionSpec
    | MuonSpec,
    Field(discriminator="type"),
]


class LossOptionsSpec(Spec):
    """What a loss leaves open; each belongs to one loss."""

    delta: float | None = Field(default=None, gt=0)
    """`huber`: the error at which it turns from squared to absolute; 1 by default."""
    gamma: float | None = Field(default=None, ge=0)
    """`focal`: how little what is answered well counts; 2 by default."""
    label_smoothing: float | None = Field(default=None, ge=0, lt=1)
    """`cross_entropy`: the share of each target that is spread over all classes; 0 by default."""


class ConstantSpec(Spec):
    """The learning rate as it is."""

    type: Literal["constant"]


class CosineSpec(Spec):
    """Up in a line over the warm-up epochs, then down along half a cosine (Loshchilov & Hutter
    2017).
    """

    type: Literal["cosine"]
    warmup_epochs: int = Field(default=0, ge=0)
    """Epochs in which the rate rises from near 0 to that of the optimizer."""
    final_fraction: float = Field(default=0.0, ge=0, le=1)
    """The last learning rate, as a part of the optimizer's."""


class StepSpec(Spec):
    """Times `factor` after every so many epochs."""

    type: Literal["step"]
    every: int = Field(ge=1)
    """After so many epochs the rate is multiplied once more."""
    factor: float = Field(default=0.1, gt=0, le=1)
    """What the rate is multiplied by."""


class ExponentialSpec(Spec):
    """Times `decay` after every epoch."""

    type: Literal["exponential"]
    decay: float = Field(gt=0, le=1)
    """What the rate is multiplied by."""


class OneCycleSpec(Spec):
    """Up along half a cosine, then down along another, far below the start (Smith & Topin 2018)."""

    type: Literal["one_cycle"]
    rising_fraction: float = Field(default=0.3, gt=0, lt=1)
    """The part of the epochs in which the rate rises."""
    initial_fraction: float = Field(default=0.04, gt=0, le=1)
    """The first learning rate, as a part of the optimizer's."""
    final_fraction: float = Field(default=4e-6, ge=0, le=1)
    """The last learning rate, as a part of the optimizer's."""


class ReduceOnPlateauSpec(Spec):
    """Times `factor` whenever the loss has not fallen for `patience` epochs."""

    type: Literal["reduce_on_plateau"]
    factor: float = Field(default=0.1, gt=0, lt=1)
    """What the rate is multiplied by."""
    patience: int = Field(default=10, ge=1)
    """Epochs without a better loss: of the held-out part, if there is one."""


ScheduleSpec = Annotated[
    ConstantSpec | StepSpec | ExponentialSpec | CosineSpec | OneCycleSpec | ReduceOnPlateauSpec,
    Field(discriminator="type"),
]


class ShiftSpec(Spec):
    """Moves each sample by up to `reach` positions along each axis; zeros move in."""

    type: Literal["shift"]
    reach: int = Field(ge=0, le=64)
    """Positions, such as pixels."""


class NoiseSpec(Spec):
    """Adds normal noise to every number."""

    type: Literal["noise"]
    deviation: Strength
    """Standard deviation, in the units of the inputs as the network sees them."""


class FlipSpec(Spec):
    """Mirrors a sample from left to right."""

    type: Literal["flip"]
    probability: float = Field(default=0.5, ge=0, le=1)
    """Of being mirrored, for each sample and epoch."""


AugmentationSpec = Annotated[ShiftSpec | NoiseSpec | FlipSpec, Field(discriminator="type")]


class RegularizationSpec(Spec):
    """What is added to the loss so that weights stay small."""

    l1: Strength = 0.0
    """Adds `l1 · Σ|w|` of every weight matrix to the loss; biases are left alone."""
    l2: Strength = 0.0
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
    """What is looked at after every epoch."""
    value: float
    """A loss must be at most this, an accuracy (from 0 to 1) at least."""


class SnapshotsSpec(Spec):
    """What is kept along the way."""

    gradients_every: int = Field(default=1, ge=0)
    """Per-layer gradient statistics every so many epochs; 0: never."""
    weights_every: int | None = Field(default=None, ge=0)
    """A checkpoint every so many epochs; 0: the last epoch only. By default about 20 over the run,
    if they are small.
    """


class InitialWeightsSpec(Spec):
    """The weights that another job had at an epoch, to begin from."""

    job: str = Field(min_length=1, max_length=64)
    """The id of the other job, which may be deleted once this one is made."""
    epoch: Cursor
    """One of its epochs whose weights are stored: `GET /v1/jobs/{id}/checkpoints` has all."""


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
    """Layers, or the id of a saved network."""
    dataset: DatasetSpec
    """A built-in data set by name, an uploaded one by id, or rows."""
    loss: LossName
    """What is made small."""
    loss_options: LossOptionsSpec = LossOptionsSpec()
    """What the loss leaves open."""
    epochs: int = Field(ge=1)
    """Passes over the training part; at most `max_epochs` of `GET /v1/limits`."""
    batch_size: int = Field(default=32, ge=1)
    """Samples in one step; the whole training part if it has no more than this."""
    validation_fraction: float = Field(default=0.0, ge=0, lt=1)
    """The part of the samples, chosen by the seed, that is held out and never trained on."""
    optimizer: OptimizerSpec = AdamSpec(type="adam")
    """How weights follow from gradients; Adam by default."""
    schedule: ScheduleSpec = ConstantSpec(type="constant")
    """How the learning rate changes from epoch to epoch."""
    regularization: RegularizationSpec = RegularizationSpec()
    """What keeps weights small."""
    clipping: ClippingSpec = ClippingSpec()
    """What keeps gradients small."""
    augmentation: list[AugmentationSpec] = Field(default_factory=list, max_length=4)
    """How the training samples are changed anew in every epoch, one after the other."""
    early_stopping: EarlyStoppingSpec | None = None
    """When to stop for want of progress; by default never."""
    target: TargetSpec | None = None
    """When it is good enough; by default never."""
    snapshots: SnapshotsSpec = SnapshotsSpec()
    """What is stored along the way."""
    seed: Seed = 0
    """Of the first weights, the samples held out, their order, and dropout."""
    initial_weights: InitialWeightsSpec | None = None
    """Begin from another job's weights instead of fresh ones; the optimizer begins anew. Arrays
    are matched in forward order, so that layers without weights may be added or left out.
    """
    deadline_seconds: float | None = Field(default=None, gt=0)
    """Wall-clock time from the job's first start after which it ends as `deadline_exceeded`."""
    name: Name | None = None
    """What people call the job."""
    labels: dict[LabelKey, LabelValue] = Field(default_factory=dict, max_length=16)
    """Words of your own, to find the job by."""
