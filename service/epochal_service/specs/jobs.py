"""The life of a job as it is asked about and told."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from .base import PAGE_SIZE, Cursor, PageSize, PageToken, Reply, Request, RequestId, Spec
from .training import Metric, TrainingSpec

JobState = Literal[
    "queued", "running", "pausing", "paused", "cancelling", "succeeded", "failed", "cancelled"
]
StopReason = Literal[
    "completed",
    "early_stopped",
    "target_reached",
    "diverged",
    "deadline_exceeded",
    "attempts_exhausted",
    "user",
    "internal",
]
TERMINAL: frozenset[JobState] = frozenset({"succeeded", "failed", "cancelled"})


class CreateJobOptions(Request):
    """What stands beside the spec: query and header on HTTP, fields on gRPC."""

    request_id: RequestId | None = None
    """The idempotency key: the same key and the same spec give the same job."""
    validate_only: bool = False
    """Check and price the spec, and make no job."""


class ListJobsRequest(Request):
    page_size: PageSize = PAGE_SIZE
    page_token: PageToken | None = None
    state: list[JobState] = Field(default_factory=list)
    """Jobs in any of these states; all if none is named."""
    label: str | None = Field(default=None, max_length=130)
    """`key` or `key=value`."""
    query: str | None = Field(default=None, max_length=200)
    """A text that the job's name, labels, data set or id contain, in any case."""
    curve_points: int | None = Field(default=None, ge=4, le=100)
    """Give each job its training loss in about so many points; at most 100 jobs a page then."""


class ListEpochsRequest(Request):
    after_epoch: Cursor = 0
    """Epochs after this one."""
    page_size: PageSize = PAGE_SIZE


class GetCurveRequest(Request):
    metrics: list[Metric] = Field(default_factory=list)
    """All that the job has, if none is named."""
    max_points: int = Field(default=1000, ge=4, le=100_000)
    """Points of one metric at the most; the lowest and the highest of every stretch, and what is
    not finite, stay.
    """


class ListGradientsRequest(Request):
    after_epoch: Cursor = 0
    page_size: PageSize = PAGE_SIZE


class ListCheckpointsRequest(Request):
    after_epoch: Cursor = 0
    page_size: PageSize = PAGE_SIZE


class GetCheckpointRequest(Request):
    format: Literal["safetensors", "npz"] = "safetensors"


class WatchJobRequest(Request):
    after: Cursor | None = None
    """Replay what came after this `seq`; without it the stream opens with a snapshot."""


Bound = Annotated[float, Field(ge=-1e9, le=1e9)]


class GridSpec(Spec):
    """A rectangle of the input space, for a decision boundary."""

    x_min: Bound
    x_max: Bound
    y_min: Bound
    y_max: Bound
    resolution: int = Field(default=50, ge=2, le=200)
    """Points along each side."""
    x_feature: int = Field(default=0, ge=0)
    y_feature: int = Field(default=1, ge=0)
    at: list[Bound] = Field(default_factory=list)
    """Values of all features where the grid does not move them; zeros if left out."""


class PredictRequest(Spec):
    """Rows, or a grid; exactly one of the two."""

    inputs: list[list[float]] = Field(default_factory=list)
    grid: GridSpec | None = None
    epoch: Cursor | None = None
    """A stored checkpoint's epoch; the latest one by default."""


class Divergence(Reply):
    """Why a run blew up."""

    epoch: int
    layer: str
    what: str
    suggestion: str


class EpochRow(Reply):
    """One pass over the training samples."""

    epoch: int
    train_loss: float
    """Mean over the epoch's batches, as they were met."""
    validation_loss: float | None = None
    train_accuracy: float | None = None
    validation_accuracy: float | None = None
    learning_rate: float
    gradient_norm: float
    """Length of the last batch's whole gradient, before clipping."""
    seconds: float
    """What it took; of epochs that were stored together, their mean."""


class CurveSeries(Reply):
    metric: Metric
    epochs: list[int]
    values: list[float]


class ForkedFrom(Reply):
    """Where a job's first weights come from. Its epoch 1 follows that epoch of the other job."""

    job: str
    epoch: int


class Job(Reply):
    """A training job, as far as it is known now."""

    id: str | None
    """Absent where the spec was only validated; so are the state and the times."""
    state: JobState | None
    stop_reason: StopReason | None = None
    detail: str | None = None
    """A sentence on how it ended, where there is more to say than the reason."""
    divergence: Divergence | None = None
    spec: TrainingSpec
    forked_from: ForkedFrom | None = None
    """Absent for a job that began with fresh weights."""
    epoch: int = 0
    """Epochs that are stored."""
    latest: EpochRow | None = None
    parameters: int
    samples: int
    """Samples trained on; the held-out part does not count."""
    flops: float
    """Estimated floating-point operations of the whole job: 3 · operations forward · samples ·
    epochs.
    """
    attempt: int = 0
    """How often a worker has taken the job up."""
    seq: int = 0
    """Cursor of the newest event."""
    created_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    curve: CurveSeries | None = None
    """The training loss in few points, in lists that ask for `curve_points`."""


class JobPage(Reply):
    jobs: list[Job]
    next_page_token: str | None = None


class EpochPage(Reply):
    epochs: list[EpochRow]
    next_after_epoch: int | None = None
    """What to ask for next; absent where there is no more for now."""


class Curve(Reply):
    epochs: int
    """Epochs that the curve stands for."""
    series: list[CurveSeries]


class LayerGradient(Reply):
    """Statistics of one layer's gradient, weights and biases together, before clipping."""

    name: str
    norm: float
    mean: float
    std: float
    largest: float
    zero_share: float
    weight_norm: float
    update_ratio: float
    """Length of the last update over the length of the weights."""
    activation_mean: float
    """Of the layer's outputs after the epoch, on a few training samples."""
    activation_std: float
    saturated_share: float
    """Of the outputs of tanh and sigmoid, those where the slope is below 5 % of the largest."""
    dead_share: float
    """Of the units of relu, those that are 0 for each of the samples."""
    histogram: list[int]
    """Counts of |gradient| between `histogram_edges`, with one bin below and one above."""


class GradientSnapshot(Reply):
    epoch: int
    layers: list[LayerGradient]


class GradientPage(Reply):
    histogram_edges: list[float]
    snapshots: list[GradientSnapshot]
    next_after_epoch: int | None = None


class Checkpoint(Reply):
    epoch: int
    size_bytes: int
    """Of the safetensors form."""
    sha256: str
    """Of the safetensors form."""
    created_at: datetime


class CheckpointPage(Reply):
    checkpoints: list[Checkpoint]
    next_after_epoch: int | None = None


class CheckpointContent(Reply):
    epoch: int
    format: Literal["safetensors", "npz"]
    content: bytes


class Prediction(Reply):
    epoch: int
    outputs: list[list[float]]
    """One row for each input row; of a grid, row by row from `y_min`, each from `x_min`."""
    output_shape: list[int]
    """Shape of one row: a network that answers in a sequence has more than one axis, and their
    numbers stand one after the other.
    """
    classes: list[int]
    """The most probable class of each row, and of a sequence at each of its places; empty for
    regression.
    """
    labels: list[str] = Field(default_factory=list)
    """The names of these classes; empty where the data set has none."""
    x: list[float] = Field(default_factory=list)
    y: list[float] = Field(default_factory=list)


class StateChange(Reply):
    state: JobState
    stop_reason: StopReason | None = None
    attempt: int | None = None
    worker: str | None = None
    """Host and process that took the job up."""
    kernel: str | None = None
    """What the numbers depend on: NumPy, its BLAS and the processor kernel in use."""


class GradientColumns(Reply):
    name: str
    norm: list[float]
    mean: list[float]
    std: list[float]
    largest: list[float]
    zero_share: list[float]
    weight_norm: list[float]
    update_ratio: list[float]
    activation_mean: list[float]
    activation_std: list[float]
    saturated_share: list[float]
    dead_share: list[float]


class GradientBatch(Reply):
    epochs: list[int]
    layers: list[GradientColumns]


class EpochBatch(Reply):
    """Epochs by column."""

    first_epoch: int
    last_epoch: int
    reduced: bool = False
    """More than 500 epochs: only the extremes of each stretch are told; `GET …/epochs` has them
    all.
    """
    epoch: list[int]
    columns: dict[str, list[float]]
    gradients: GradientBatch | None = None


class CheckpointNote(Reply):
    epochs: list[int]


class Snapshot(Reply):
    job: Job
    curve: Curve


class End(Reply):
    state: JobState
    stop_reason: StopReason | None = None


class JobEvent(Reply):
    """One event of a job's stream; the field named like its `type` holds what it tells."""

    seq: int
    type: Literal["snapshot", "state", "epochs", "checkpoint", "end", "heartbeat"]
    snapshot: Snapshot | None = None
    state: StateChange | None = None
    epochs: EpochBatch | None = None
    checkpoint: CheckpointNote | None = None
    end: End | None = None
