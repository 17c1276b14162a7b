"""A training job: network, data set, loss, optimizer, and when to stop.

The models of losses' options, optimizers, schedules, augmentations and corruptions follow from the
engine, see `derive`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Discriminator,
    FailFast,
    Field,
    Tag,
    model_validator,
)

from epochal_engine import AUGMENTATIONS, CORRUPTIONS, OPTIMIZERS, SCHEDULES, Loss

from .base import EpochNumber, Labels, LossName, Name, OptimizerName, Seed, Spec
from .datasets import DatasetSpec
from .derive import Derived, as_list, derive_models, derive_options, options_by_name, union_of
from .networks import LayerName, NetworkRef, NetworkSpec
from .webhooks import MAX_WEBHOOKS, WebhookSpec

Metric = Literal[
    "train_loss",
    "validation_loss",
    "train_accuracy",
    "validation_accuracy",
    "learning_rate",
    "gradient_norm",
    "seconds",
    "train_exact_match",
    "validation_exact_match",
    "reward",
    "kl",
    "valid",
]

TargetScaling = Literal["standardize", "none"]

LearningRate = Annotated[
    float, Field(gt=0, le=1e12, description="Step size of the optimizer. Greater than 0.")
]
"""Far too high is allowed, because that is instructive: the job ends as `diverged` and says why."""
Strength = Annotated[float, Field(ge=0, le=1e12)]
"""A non-negative coefficient of a penalty."""


class OptimizerBase(Derived):
    """The common fields of all optimizers."""


class LossOptionsBase(Derived):
    """Options of the loss. Each belongs to one loss."""


class Partial(Spec):
    """Fields to change: those that are absent are absent in replies, too."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        for field in cls.model_fields.values():
            field.exclude_if = lambda value: value is None


class OptimizerChangeBase(Derived, Partial):
    """Fields of the optimizer to change. Each option belongs to some of the optimizers."""

    type: OptimizerName | None = None
    """Another optimizer, which starts with its default options and without moments. By default the
    optimizer stays, with its moments, and so do the options that are absent.
    """

    @model_validator(mode="before")
    @classmethod
    def _with_defaults(cls, values: Any) -> Any:
        """Fill in the options of another optimizer."""
        kind = values.get("type") if isinstance(values, dict) else None
        spec = OPTIMIZER_SPECS.get(kind) if isinstance(kind, str) else None
        if spec is None:
            return values
        fields = spec.model_fields.items()
        defaults = {name: f.default for name, f in fields if name != "type" and not f.is_required()}
        return defaults | {name: value for name, value in values.items() if value is not None}

    @classmethod
    def own_docstrings(cls) -> dict[str, str]:
        texts = super().own_docstrings()
        # An option of several optimizers has a default for each of them, and none here.
        return (
            {
                name: text.rpartition("`: ")[2].partition(" Default ")[0]
                for name, text in texts.items()
            }
            if cls.components
            else texts
        )


class ScheduleBase(Derived):
    """The common fields of all schedules."""


class AugmentationBase(Derived):
    """The common fields of all augmentations."""


class CorruptionBase(Derived):
    """The common fields of all corruptions."""


OPTIMIZER_SPECS = derive_models(OPTIMIZERS, OptimizerBase)
SCHEDULE_SPECS = derive_models(SCHEDULES, ScheduleBase)
AUGMENTATION_SPECS = derive_models(AUGMENTATIONS, AugmentationBase)
CORRUPTION_SPECS = derive_models(CORRUPTIONS, CorruptionBase)
AdamSpec: Callable[..., OptimizerBase] = OPTIMIZER_SPECS["adam"]
ConstantSpec: Callable[..., ScheduleBase] = SCHEDULE_SPECS["constant"]

if TYPE_CHECKING:
    OptimizerSpec: TypeAlias = OptimizerBase
    LossOptionsSpec = LossOptionsBase
    OptimizerChangeSpec = OptimizerChangeBase
    ScheduleSpec: TypeAlias = ScheduleBase
    AugmentationSpec: TypeAlias = AugmentationBase
    CorruptionSpec: TypeAlias = CorruptionBase
else:
    OptimizerSpec = union_of(OPTIMIZER_SPECS)
    LossOptionsSpec = derive_options("LossOptionsSpec", Loss.table, LossOptionsBase)
    OptimizerChangeSpec = derive_options("OptimizerChangeSpec", OPTIMIZERS, OptimizerChangeBase)
    ScheduleSpec = union_of(SCHEDULE_SPECS)
    AugmentationSpec = union_of(AUGMENTATION_SPECS)
    CorruptionSpec = union_of(CORRUPTION_SPECS)


MAX_CLASS_WEIGHT = 1e6
MAX_LAYER_NAMES = 1_000


def _class_weights_kind(value: Any) -> str | None:
    if isinstance(value, list | tuple):
        return "@list"
    return "@word" if value == "balanced" else None


ClassWeights = Annotated[
    Annotated[Literal["balanced"], Tag("@word")]
    | Annotated[
        list[Annotated[float, Field(gt=0, le=MAX_CLASS_WEIGHT)]],
        Field(min_length=2),
        Tag("@list"),
    ],
    Discriminator(
        _class_weights_kind,
        custom_error_type="class_weights",
        custom_error_message="must be balanced, or a list with a number for each class",
    ),
]


class RegularizationSpec(Spec):
    """Penalties on large weights, added to the loss."""

    l1: Strength = 0.0
    """Coefficient of `Σ|w|` over all weight matrices, not biases. At least 0. Default 0."""
    l2: Strength = 0.0
    """Coefficient of `‖W‖² / 2` over all weight matrices, not biases. At least 0. Default 0."""


class ClippingSpec(Spec):
    """Gradient clipping before the update."""

    norm: float | None = Field(default=None, gt=0)
    """Largest gradient norm; a longer gradient is scaled down to it. Off by default."""
    value: float | None = Field(default=None, gt=0)
    """Largest absolute value of each gradient component. Off by default."""


class EarlyStoppingSpec(Spec):
    """Early stopping on the validation loss, or on the training loss without validation samples."""

    patience: int = Field(ge=1)
    """Epochs without a lower loss after which training stops. At least 1."""
    min_delta: float = Field(default=0.0, ge=0)
    """Smallest decrease that counts as a lower loss. At least 0. Default 0."""
    restore_best: bool = True
    """Whether predictions, exports, evaluations and forks of the job, once it has ended, use the
    weights of the epoch with the lowest loss by default instead of the last. Default true.
    """


class WeightsOfJobSpec(Spec):
    """Weights of another job at one of its epochs."""

    job: str = Field(min_length=1, max_length=64)
    """The id of the other job, which may be deleted once this one is created. In an experiment, the
    name of another of its jobs, with which this one starts once it has succeeded.
    """
    epoch: EpochNumber | None = None
    """An epoch with a stored checkpoint, as listed by `GET /v1/jobs/{id}/checkpoints`. Defaults to
    the epoch that the other job's predictions use: the best one if it has ended and restores it,
    else the latest.
    """


class CountRewardSpec(Spec):
    """A reward by rule: how often some texts occur in a text."""

    type: Literal["count"]
    """Kind of the reward: the number of times that `texts` occur in a text."""
    texts: list[Annotated[str, Field(min_length=1, max_length=100)]] = Field(
        min_length=1, max_length=16
    )
    """Texts to count, at most 16, made of the characters of the data set."""


class JobRewardSpec(WeightsOfJobSpec):
    """A reward by a reward model: the output of another job's network, which reads the text."""

    type: Literal["job"]
    """Kind of the reward: the output of the network of another job, which has succeeded. It has one
    output, and reads rows of the tokens and the length of this job's data set.
    """
    network: NetworkSpec | None = None
    """The network of the other job. Written by the service: absent in requests, or the same."""


RewardSpec = Annotated[CountRewardSpec | JobRewardSpec, Field(discriminator="type")]


class RolloutsSpec(Spec):
    """Texts that the network writes in every epoch, to learn from their rewards (REINFORCE)."""

    reward: RewardSpec
    """The reward of a text."""
    beta: float = Field(default=0.1, ge=0, le=100)
    """Weight of the Kullback-Leibler divergence from the initial weights, which is subtracted from
    the reward: it keeps the network near what it wrote before. In [0, 100]. Default 0.1.
    """
    grammar: Literal["sentences"] | None = None
    """The grammar of valid texts: the grammar of the data set `sentences`. It has no influence on
    the training; the metric `valid` is the fraction of texts that keep to it. None by default.
    """


class SplitSpec(Spec):
    """How the samples are split into training, validation and test parts."""

    stratify: bool = True
    """Whether each class has the same share of every part, to within one sample. Without effect on
    data without classes, and with a corruption. Defaults to the parent's value for a fork on the
    same data set (false if it has a corruption), else to true.
    """
    group_column: Name | None = None
    """A column; rows with equal values in it stay together in one part. Defaults to the data set's
    group column, if it has one: the `digit` of `shifted_digits`.
    """
    test_fraction: float = Field(default=0.0, ge=0, lt=1)
    """Fraction of the samples for a test part, which only evaluations with `split=test` read: not
    training, validation or early stopping. In [0, 1). Default 0.
    """
    seed: Seed | None = None
    """Random seed of the split. Defaults to the parent's seed for a fork on the same data set, else
    to the job's `seed`.
    """


class TargetSpec(Spec):
    """A target value of a metric, at which training stops."""

    metric: Literal[
        "train_loss",
        "validation_loss",
        "train_accuracy",
        "validation_accuracy",
        "train_exact_match",
        "validation_exact_match",
    ]
    """The metric to compare after every epoch."""
    value: float
    """Upper bound of a loss, or lower bound of an accuracy or exact match (in [0, 1])."""


Clearable = Literal["class_weights", "augmentation"]

MAX_WEIGHTS = 100


class WeightSpec(Spec):
    """A single weight, set by hand."""

    layer: LayerName
    """Name of the layer, as in `GET /v1/jobs/{id}/weights`."""
    array: str = Field(min_length=1, max_length=64)
    """Name of the array, such as `weight` or `bias`."""
    index: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1, max_length=8)]
    """Position in the array, a number for each axis, counted from 0."""
    value: float
    """The new value."""


MAX_SAMPLES = 1_000


class SampleSpec(Partial):
    """A sample of an inline data set that is added, replaced or removed."""

    index: int | None = Field(default=None, ge=0)
    """Row of the data set to replace or remove, counted from 0, after the samples before it in the
    list. Absent: the sample is a new row after the last.
    """
    inputs: Annotated[list[float], Field(min_length=1)] | None = None
    """A number per feature. Absent: the row is removed, and the rows after it move up."""
    targets: Annotated[list[float], BeforeValidator(as_list), Field(min_length=1)] | None = None
    """The target, as in a row of the data set's `targets`. Absent: the row is removed."""


class ChangedTrainingSpec(Partial):
    """Fields of a training that change while it runs. Fields that are absent stay."""

    epochs: int | None = Field(default=None, ge=1)
    """A greater number of epochs. From the present one to `max_epochs` of `GET /v1/limits`. A
    schedule reckons with the new number from the change on.
    """
    batch_size: int | None = Field(default=None, ge=1)
    """Samples per step. At least 1."""
    optimizer: OptimizerChangeSpec | None = None
    """Options of the optimizer, or another optimizer."""
    schedule: ScheduleSpec | None = None
    """Another schedule, with all of its options."""
    regularization: RegularizationSpec | None = None
    """Other penalties, both of them."""
    clipping: ClippingSpec | None = None
    """Another gradient clipping, both limits of it."""
    shuffle: bool | None = None
    """Whether every epoch takes the training samples in a new random order."""
    network: NetworkSpec | None = None
    """The network with other options of its layers, such as an activation or a rate of dropout. The
    parameters have the same names and shapes, and so do inputs and outputs.
    """
    dataset: DatasetSpec | None = None
    """Another data set, built-in or inline, with the same number of features and classes, such as
    the present one with other `noise`. It is split again; the scaling of the job stays.
    """
    samples: Annotated[list[SampleSpec], Field(min_length=1, max_length=MAX_SAMPLES)] | None = None
    """Samples of an inline data set to add, replace or remove, in order. At most 1000. All others
    stay in their part, a replaced one too; a new one belongs to the training part.
    """
    class_weights: ClassWeights | None = None
    """Other weights of the classes."""
    augmentation: Annotated[list[AugmentationSpec], Field(min_length=1, max_length=4)] | None = None
    """Other random changes of the training samples, all of them."""
    clear: Annotated[list[Clearable], Field(min_length=1, max_length=2)] | None = None
    """Fields to set to none."""
    freeze: Annotated[list[LayerName], Field(min_length=1, max_length=MAX_LAYER_NAMES)] | None = (
        None
    )
    """Names of layers to freeze, beside those that are frozen."""
    unfreeze: Annotated[list[LayerName], Field(min_length=1, max_length=MAX_LAYER_NAMES)] | None = (
        None
    )
    """Names of frozen layers to train again, without moments. Others are ignored."""
    weights: Annotated[list[WeightSpec], Field(min_length=1, max_length=MAX_WEIGHTS)] | None = None
    """Single weights to set, once; training goes on from them, with the moments of before. At most
    100. Layers may be frozen.
    """


class TrainingChangeSpec(Spec):
    """A change of a training after one of its epochs, or within the next one."""

    epoch: EpochNumber
    """The last epoch before the change; 0: the whole training has it."""
    step: int = Field(default=0, ge=0, lt=2**31)
    """The steps of the next epoch that come before the change. Data, class weights, augmentation
    and shuffling change between two epochs only: 0. Default 0.
    """
    training: ChangedTrainingSpec
    """The fields that change."""


MAX_CHANGES = 1_000


class SnapshotsSpec(Spec):
    """The records of a training."""

    gradients_every: int = Field(default=1, ge=0)
    """Record gradient statistics every N epochs; 0 disables. Default 1."""
    weights_every: int | None = Field(default=None, ge=0)
    """Store a checkpoint every N epochs; 0 stores only the last epoch. Defaults to about 20
    checkpoints per run if they are small.
    """
    thin_weights_after: int | None = Field(default=None, ge=1)
    """Number of latest checkpoints that all stay. Earlier ones stay for epoch 0 and for 1, 2, 4, 8,
    … times `weights_every` epochs only, and for the best epoch when the job has ended. At least 1.
    By default every checkpoint stays.
    """


class InitialWeightsSpec(WeightsOfJobSpec):
    """Weights of another job at one of its epochs, to start from."""

    layers: Annotated[list[LayerName], Field(min_length=1, max_length=MAX_LAYER_NAMES)] | None = (
        None
    )
    """Names of the layers to take, which both networks have. The other layers start from new
    weights, drawn from this job's `seed`. Defaults to all layers.
    """
    resize: bool = False
    """Whether the networks may differ: what fits stays. What reads a new unit starts with weights
    of 0, a new dense layer as the identity, and the least important units of a smaller layer are
    left out; without `layers`. Default false: all arrays have the same shapes.
    """


Pace = Annotated[float, Field(ge=0, le=1000)]


def _network_kind(value: Any) -> str:
    has_id = "id" in value if isinstance(value, dict) else hasattr(value, "id")
    return "@saved" if has_id else "@inline"


class TrainingSpec(Spec):
    """The complete description of a training run. The same spec on the same type of processor gives
    bit-identical results.
    """

    model_config = ConfigDict(
        json_schema_extra=lambda schema: schema.update(
            options_by_name("loss", "loss_options", Loss.table)
        )
    )

    network: Annotated[
        Annotated[NetworkSpec, Tag("@inline")] | Annotated[NetworkRef, Tag("@saved")],
        Discriminator(_network_kind),
    ]
    """The network: its layers, or the id of a saved network."""
    dataset: DatasetSpec
    """The data set: a built-in one by name, an uploaded one by id, or inline rows."""
    loss: LossName
    """The loss function to minimize."""
    loss_options: LossOptionsSpec = LossOptionsSpec()
    """Options of the loss function."""
    class_weights: ClassWeights | None = None
    """Weights of the classes in the loss: `balanced`, or a number for each, in the order of
    `class_names`, greater than 0 and at most 1e6. `balanced` gives each class the weight n /
    (classes · count), counted in the training part. Only ratios matter. Multiplied by the weights
    of the samples, if the data set has any. For losses of classes only. None by default.
    """
    epochs: int = Field(ge=1)
    """Number of passes over the training set. From 1 to `max_epochs` of `GET /v1/limits`."""
    batch_size: int = Field(default=32, ge=1)
    """Samples per step; the whole training set if it is smaller. At least 1. Default 32."""
    validation_fraction: float = Field(default=0.0, ge=0, lt=1)
    """Fraction of the samples used for validation only, chosen as `split` says. In [0, 1). Default
    0.
    """
    target_scaling: TargetScaling | None = None
    """Scaling of the targets of a regression, computed from the training part. With `standardize`,
    losses are in standardized units; predictions and exports are in the data's own. Defaults to
    `standardize` for a regression without an activation in the last layer, to the parent's value
    for a fork, else to `none`.
    """
    validation_dataset: DatasetSpec | None = None
    """A data set to validate on, with the same features and classes, instead of a
    `validation_fraction`. Its inputs are scaled like the inputs of `dataset`. None by default.
    """
    split: SplitSpec = SplitSpec()
    """How the samples are split. A fork on its parent's data set has its parent's split by default.
    """
    optimizer: OptimizerSpec = AdamSpec(type="adam")
    """The optimizer. Defaults to Adam."""
    schedule: ScheduleSpec = ConstantSpec(type="constant")
    """The learning rate schedule. Defaults to a constant rate."""
    regularization: RegularizationSpec = RegularizationSpec()
    """Penalties on large weights. Off by default."""
    clipping: ClippingSpec = ClippingSpec()
    """Gradient clipping. Off by default."""
    augmentation: list[AugmentationSpec] = Field(default_factory=list, max_length=4)
    """Random changes of the training samples in every epoch, applied in order. None by default."""
    corruption: CorruptionSpec | None = None
    """The corruption that hides a part of every sample and makes it the target, drawn again in
    every epoch, after `augmentation`. Targets of the data set are ignored. Validation samples are
    corrupted once, by a draw that is the same for all jobs. None by default.
    """
    rollouts: RolloutsSpec | None = None
    """Learning from rewards: in every epoch the network writes a text for each training sample,
    after its prompt, with the weights of the start of the epoch. Needs the loss `cross_entropy`, a
    network that predicts next tokens, and `initial_weights`. Off by default.
    """
    early_stopping: EarlyStoppingSpec | None = None
    """Early stopping. Off by default."""
    target: TargetSpec | None = None
    """A metric value at which to stop. Off by default."""
    snapshots: SnapshotsSpec = SnapshotsSpec()
    """How often gradient statistics and checkpoints are recorded."""
    shuffle: bool = True
    """Whether every epoch takes the training samples in a new random order. Default true."""
    dtype: Literal["float32", "float64"] = "float32"
    """Type of the weights and of all arithmetic. float64 takes up to twice as long; its rounding
    errors are 5e8 times smaller. Default float32.
    """
    seed: Seed = 0
    """Random seed of the initial weights, the order of samples and dropout, and of the split unless
    `split.seed` is given. Default 0.
    """
    initial_weights: InitialWeightsSpec | None = None
    """Weights of another job to start from; the state of its optimizer is not used. Arrays are
    matched in forward order, so that layers without weights may be added or removed; with `layers`,
    by name.
    """
    freeze: list[LayerName] = Field(default_factory=list, max_length=MAX_LAYER_NAMES)
    """Names of the layers to freeze: training changes none of their weights and running statistics,
    and records no gradient of theirs. A frozen `batch_norm` uses its running statistics. Layers
    without weights may be among them. None by default.
    """
    changes: list[TrainingChangeSpec] = Field(default_factory=list, max_length=MAX_CHANGES)
    """What changes while the training runs, in the order of the epochs; those after the same epoch
    become one. A job that was changed has its changes here: the same spec with them gives the same
    results. None by default.
    """
    deadline_seconds: float | None = Field(default=None, gt=0)
    """Wall-clock seconds from the job's first start after which it ends as `deadline_exceeded`.
    Greater than 0. Defaults to `max_deadline_seconds` of `GET /v1/limits`, the largest value.
    """
    pace: Pace = 0.0
    """Epochs a second, for a training to watch, or 0: as many as possible. It affects no result,
    and no epoch before the last of `changes`. In [0, 1000]. Default 0.
    """
    priority: int = Field(default=0, ge=-10, le=10)
    """Priority among your queued jobs: the highest starts first, of several the oldest. It does not
    affect jobs of others, or any result. In [-10, 10]. Default 0.
    """
    ttl_seconds: int | None = Field(default=None, ge=0, le=10**9)
    """Seconds after its end after which the job is deleted, with its epochs and checkpoints; 0:
    never. In [0, 1e9]. Defaults to the service's `EPOCHAL_JOB_TTL_SECONDS`, which is never unless
    its operator set it.
    """
    webhooks: Annotated[list[WebhookSpec], FailFast()] = Field(
        default_factory=list,
        max_length=MAX_WEBHOOKS,
        exclude=True,
        repr=False,
        json_schema_extra={"writeOnly": True},
    )
    """Requests to send when the job ends. At most 4. A spec in a reply has none: see `webhooks` of
    the job.
    """
    name: Name | None = None
    """Display name of the job."""
    labels: Labels = Field(default_factory=dict)
    """Your own keys and values to filter jobs by. At most 16."""
