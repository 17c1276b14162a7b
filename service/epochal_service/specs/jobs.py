"""The life of a job as it is asked about and told."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from .base import PAGE_SIZE, Cursor, FileReply, PageSize, PageToken, Reply, Request, RequestId, Spec
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
    """Which jobs to list."""

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
    """Which epochs to list."""

    after_epoch: Cursor = 0
    """Epochs after this one."""
    page_size: PageSize = PAGE_SIZE


class GetCurveRequest(Request):
    """Of which metrics, and in how many points."""

    metrics: list[Metric] = Field(default_factory=list)
    """All that the job has, if none is named."""
    max_points: int = Field(default=1000, ge=4, le=100_000)
    """Points of one metric at the most; the lowest and the highest of every stretch, and what is
    not finite, stay.
    """


class ListGradientsRequest(Request):
    """Which snapshots to list."""

    after_epoch: Cursor = 0
    """Epochs after this one."""
    page_size: PageSize = PAGE_SIZE


class ListCheckpointsRequest(Request):
    """Which checkpoints to list."""

    after_epoch: Cursor = 0
    """Epochs after this one."""
    page_size: PageSize = PAGE_SIZE


class GetCheckpointRequest(Request):
    """In which form."""

    format: Literal["safetensors", "npz"] = "safetensors"
    """safetensors, or an .npz archive of NumPy without pickled objects."""


class WatchJobRequest(Request):
    """From where to watch."""

    after: Cursor | None = None
    """Replay what came after this `seq`; without it the stream opens with a snapshot."""


Bound = Annotated[float, Field(ge=-1e9, le=1e9)]


class GridSpec(Spec):
    """A rectangle of the input space, for a decision boundary."""

    x_min: Bound
    """In the data's own units."""
    x_max: Bound
    """Greater than `x_min`."""
    y_min: Bound
    """In the data's own units."""
    y_max: Bound
    """Greater than `y_min`."""
    resolution: int = Field(default=50, ge=2, le=200)
    """Points along each side."""
    x_feature: int = Field(default=0, ge=0)
    """The input, from 0, that changes along x."""
    y_feature: int = Field(default=1, ge=0)
    """The input, from 0, that changes along y."""
    at: list[Bound] = Field(default_factory=list)
    """Values of all features where the grid does not move them; zeros if left out."""


class PredictRequest(Spec):
    """Rows, or a grid; exactly one of the two."""

    inputs: list[list[float]] = Field(default_factory=list)
    """Samples in the data's own units, each a row of as many numbers as the network takes."""
    grid: GridSpec | None = None
    """A rectangle of points instead of rows."""
    epoch: Cursor | None = None
    """A stored checkpoint's epoch; the latest one by default."""


class Divergence(Reply):
    """Why a run blew up."""

    epoch: int
    """The epoch in which it began."""
    layer: str
    """The layer in which it began."""
    what: str
    """What was seen there."""
    suggestion: str
    """What to try next."""


class EpochRow(Reply):
    """One pass over the training samples."""

    epoch: int
    """Counted from 1."""
    train_loss: float
    """Mean over the epoch's batches, as they were met."""
    validation_loss: float | None = None
    """After the epoch, on the samples held out; absent where there are none."""
    train_accuracy: float | None = None
    """From 0 to 1, as met; absent for a loss without classes."""
    validation_accuracy: float | None = None
    """From 0 to 1, on the samples held out."""
    learning_rate: float
    """With which it was trained."""
    gradient_norm: float
    """Length of the last batch's whole gradient, before clipping."""
    seconds: float
    """What it took; of epochs that were stored together, their mean."""


class CurveSeries(Reply):
    """One metric over the epochs."""

    metric: Metric
    """What the values are."""
    epochs: list[int]
    """Rising; one for each value."""
    values: list[float]
    """One for each epoch."""


class ForkedFrom(Reply):
    """Where a job's first weights come from. Its epoch 1 follows that epoch of the other job."""

    job: str
    """The id of the other job."""
    epoch: int
    """Whose weights were taken."""


class Job(Reply):
    """A training job, as far as it is known now."""

    id: str
    """The id of the job."""
    state: JobState
    """The state of the job."""
    stop_reason: StopReason | None = None
    """Why it ended; absent until then."""
    detail: str | None = None
    """A sentence on how it ended, where there is more to say than the reason."""
    divergence: Divergence | None = None
    """Where and how it blew up, if it did."""
    spec: TrainingSpec
    """What was asked for, with every default written out."""
    forked_from: ForkedFrom | None = None
    """Absent for a job that began with fresh weights."""
    epoch: int = 0
    """Epochs that are stored."""
    latest: EpochRow | None = None
    """The newest epoch; absent before the first."""
    parameters: int
    """Trainable numbers of the network."""
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
    """When it was asked for."""
    started_at: datetime | None = None
    """When a worker first took it up."""
    finished_at: datetime | None = None
    """When it ended."""
    curve: CurveSeries | None = None
    """The training loss in few points, in lists that ask for `curve_points`."""


class ValidatedJob(Reply):
    """A valid spec and its price, in answer to `validate_only`. No job is created."""

    spec: TrainingSpec
    """The spec, with every default filled in."""
    forked_from: ForkedFrom | None = None
    """The job and epoch of the initial weights. Null if the job starts with fresh weights."""
    parameters: int
    """The number of trainable parameters."""
    samples: int
    """The number of training samples, without the validation samples."""
    flops: float
    """Estimated floating-point operations of the whole job: 3 · forward operations · samples ·
    epochs.
    """


class JobPage(Reply):
    """A page of jobs."""

    jobs: list[Job]
    """Newest first."""
    next_page_token: str | None = None
    """What to ask for next; absent on the last page."""


class EpochPage(Reply):
    """A page of epochs."""

    epochs: list[EpochRow]
    """In order."""
    next_after_epoch: int | None = None
    """What to ask for next; absent where there is no more for now."""


class Curve(Reply):
    """Metrics in few points."""

    epochs: int
    """Epochs that the curve stands for."""
    series: list[CurveSeries]
    """One for each metric."""


class LayerGradient(Reply):
    """Statistics of one layer's gradient, weights and biases together, before clipping."""

    name: str
    """Of the layer."""
    norm: float
    """Length of the gradient."""
    mean: float
    """Mean of its components."""
    std: float
    """Their standard deviation."""
    largest: float
    """The largest absolute value."""
    zero_share: float
    """The share of components that are 0, from 0 to 1."""
    weight_norm: float
    """Length of weights and biases together."""
    update_ratio: float
    """Length of the last update over the length of the weights."""
    activation_mean: float
    """Of the layer's outputs after the epoch, on a few training samples."""
    activation_std: float
    """Of the same outputs."""
    saturated_share: float
    """Of the outputs of tanh and sigmoid, those where the slope is below 5 % of the largest."""
    dead_share: float
    """Of the units of relu, those that are 0 for each of the samples."""
    histogram: list[int]
    """Counts of |gradient| between `histogram_edges`, with one bin below and one above."""


class GradientSnapshot(Reply):
    """The gradients of one epoch."""

    epoch: int
    """Of whose last batch they are."""
    layers: list[LayerGradient]
    """In forward order."""


class GradientPage(Reply):
    """A page of snapshots."""

    histogram_edges: list[float]
    """Between which the absolute values are counted; always the same."""
    snapshots: list[GradientSnapshot]
    """In the order of the epochs."""
    next_after_epoch: int | None = None
    """What to ask for next; absent where there is no more for now."""


class Checkpoint(Reply):
    """Stored weights."""

    epoch: int
    """After which these were the weights."""
    size_bytes: int
    """Of the safetensors form."""
    sha256: str
    """Of the safetensors form."""
    created_at: datetime
    """When they were stored."""


class CheckpointPage(Reply):
    """A page of checkpoints."""

    checkpoints: list[Checkpoint]
    """In the order of the epochs."""
    next_after_epoch: int | None = None
    """What to ask for next; absent where there is no more for now."""


class CheckpointContent(FileReply):
    """The weights of an epoch as a file."""

    format: Literal["safetensors", "npz"]
    """The requested format."""

    @property
    def filename(self) -> str:
        return f"epoch-{self.epoch}.{self.format}"


class Prediction(Reply):
    """What a network says."""

    epoch: int
    """Of the weights that answered."""
    outputs: list[list[float]]
    """One row for each input row; of a grid, row by row from `y_min`, each from `x_min`."""
    output_shape: list[int]
    """Shape of one row: a network that answers in a sequence has more than one axis, and their
    numbers stand one after the other.
    """
    classes: list[int]
    """The most probable class of each row, and of a sequence at each of its places; empty for
    regression. It is -1, no class, where an output is not a number.
    """
    labels: list[str] = Field(default_factory=list)
    """The names of these classes, an empty one for no class; none where the data set has none."""
    x: list[float] = Field(default_factory=list)
    """Of a grid: the values along x."""
    y: list[float] = Field(default_factory=list)
    """Of a grid: the values along y."""


class StateChange(Reply):
    """What a job has become."""

    state: JobState
    """The new state."""
    stop_reason: StopReason | None = None
    """Why it ended, if it did."""
    attempt: int | None = None
    """How often a worker had taken it up by then."""
    worker: str | None = None
    """Host and process that took the job up."""
    kernel: str | None = None
    """What the numbers depend on: NumPy, its BLAS and the processor kernel in use."""


class GradientColumns(Reply):
    """One layer's statistics by column, a value for each epoch; as in `LayerGradient`."""

    name: str
    """Of the layer."""
    norm: list[float]
    """Length of the gradient."""
    mean: list[float]
    """Mean of its components."""
    std: list[float]
    """Their standard deviation."""
    largest: list[float]
    """The largest absolute value."""
    zero_share: list[float]
    """The share of components that are 0."""
    weight_norm: list[float]
    """Length of weights and biases together."""
    update_ratio: list[float]
    """Length of the last update over the length of the weights."""
    activation_mean: list[float]
    """Mean of the layer's outputs."""
    activation_std: list[float]
    """Their standard deviation."""
    saturated_share: list[float]
    """The share of outputs in the flat parts of tanh or sigmoid."""
    dead_share: list[float]
    """The share of relu units that are always 0."""


class GradientBatch(Reply):
    """Gradient statistics of several epochs, by layer."""

    epochs: list[int]
    """Those that have a snapshot."""
    layers: list[GradientColumns]
    """In forward order."""


class EpochBatch(Reply):
    """Epochs by column."""

    first_epoch: int
    """The first that is stood for."""
    last_epoch: int
    """The last that is stood for."""
    reduced: bool = False
    """More than 500 epochs: only the extremes of each stretch are told; `GET /v1/jobs/{id}/epochs`
    has them all."""
    epoch: list[int]
    """The epochs that are told."""
    columns: dict[str, list[float]]
    """By metric, a value for each epoch that is told."""
    gradients: GradientBatch | None = None
    """Of those that have a snapshot."""


class CheckpointNote(Reply):
    """Weights can now be had."""

    epochs: list[int]
    """Of these epochs."""


class Snapshot(Reply):
    """How a stream opens."""

    job: Job
    """As it is now."""
    curve: Curve
    """So far, in at most 500 points a metric."""


class End(Reply):
    """The last event."""

    state: JobState
    """How it ended."""
    stop_reason: StopReason | None = None
    """Why it ended."""


class JobEvent(Reply):
    """One event of a job's stream; the field named like its `type` holds what it tells."""

    seq: int
    """The cursor: go on after it."""
    type: Literal["snapshot", "state", "epochs", "checkpoint", "end", "heartbeat"]
    """Which field holds what is told."""
    snapshot: Snapshot | None = None
    """Of an event of the type `snapshot`."""
    state: StateChange | None = None
    """Of an event of the type `state`."""
    epochs: EpochBatch | None = None
    """Of an event of the type `epochs`."""
    checkpoint: CheckpointNote | None = None
    """Of an event of the type `checkpoint`."""
    end: End | None = None
    """Of an event of the type `end`."""
