"""Requests and replies of the job methods."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from math import isfinite
from typing import Annotated, Literal

from pydantic import BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from .base import (
    MAX_LABELS,
    MAX_PAGE_SIZE,
    PAGE_SIZE,
    Base64,
    Cursor,
    EpochNumber,
    EveryError,
    FileReply,
    Int64,
    LabelKey,
    Labels,
    NameOrEmpty,
    OrderedPageToken,
    PageSize,
    Reply,
    Request,
    RequestId,
    Rows,
    Spec,
    exactly_one,
)
from .fields import FieldKind, fields_of
from .filters import MAX_COLUMNS
from .filters import MAX_LENGTH as MAX_FILTER
from .training import ChangedTrainingSpec, Metric, Pace, TrainingSpec
from .webhooks import Webhook

JobState = Literal[
    "waiting",
    "queued",
    "running",
    "pausing",
    "paused",
    "cancelling",
    "succeeded",
    "failed",
    "cancelled",
]
StopReason = Literal[
    "completed",
    "early_stopped",
    "target_reached",
    "diverged",
    "deadline_exceeded",
    "attempts_exhausted",
    "out_of_memory",
    "dependency_failed",
    "user",
    "internal",
]
WATCHED_PARAMETERS = 4096
"""The number of parameters up to which streams have the weights."""
TERMINAL: frozenset[JobState] = frozenset({"succeeded", "failed", "cancelled"})


class CreateJobOptions(Request):
    """Options besides the spec: a header on HTTP, a field on gRPC."""

    request_id: RequestId | None = None
    """Idempotency key: the same key and the same spec return the same job."""


JobView = Literal["basic", "full"]


class SelectedJobs(Request):
    """Filters, order and page of jobs."""

    page_size: PageSize = PAGE_SIZE
    page_token: OrderedPageToken | None = None
    filter: str | None = Field(default=None, max_length=MAX_FILTER)
    """Return jobs for which this is true, such as `state = succeeded AND best.value < 0.1`, in the
    syntax of AIP-160.
    """
    order_by: str | None = Field(default=None, max_length=300)
    """Fields to sort by, such as `best.value, created_at desc`. Jobs without a value come last.
    Newest first by default.
    """
    states: list[JobState] = Field(default_factory=list)
    """Return jobs in any of these states; all states if empty."""
    label: str | None = Field(default=None, max_length=130)
    """Return jobs with this label: `key` or `key=value`."""
    owner: str | None = Field(default=None, max_length=40)
    """Return jobs of this owner, such as a member of the caller's class."""
    query: str | None = Field(default=None, max_length=200)
    """Return jobs with this text in their name, labels, data set or id, in any case."""


class ListJobsRequest(SelectedJobs):
    """Filters, order and page of a list of jobs."""

    view: JobView = "basic"
    """Parts of each job. Default `basic`: without the rows of an inline data set, and without
    `separability` and `ngrams` of `baselines`. `full`: everything.
    """
    curve_points: int | None = Field(default=None, ge=4, le=100)
    """Include a training-loss curve of about N points per job. In [4, 100]. The page then has at
    most 100 jobs.
    """


FieldPath = Annotated[str, Field(min_length=1, max_length=200)]


class GetJobColumnsRequest(SelectedJobs):
    """The fields to read of which jobs."""

    fields: list[FieldPath] = Field(min_length=1, max_length=MAX_COLUMNS)
    """Fields as in `filter`, such as `spec.optimizer.learning_rate` or `best.value`: 1 to 20."""


class UpdateJobRequest(Spec):
    """Changes of a job's name and labels. Absent fields stay unchanged."""

    name: NameOrEmpty | None = None
    """New display name; an empty text removes it."""
    labels: Labels = Field(default_factory=dict)
    """Labels to add, or to give another value. A job has at most 16."""
    remove_labels: list[LabelKey] = Field(default_factory=list, max_length=MAX_LABELS)
    """Keys of labels to remove. A key that the job does not have is ignored."""


class ResumeJobRequest(Spec):
    """How far a paused job trains."""

    epochs: int | None = Field(default=None, ge=1, le=2**31 - 1)
    """Number of epochs after which the job pauses again. At least 1. Without it, the job trains to
    its end.
    """


class ChangeTrainingRequest(ChangedTrainingSpec):
    """Fields of a training to change. Fields that are absent stay."""

    pace: Pace | None = None
    """Epochs a second, or 0: as many as possible. In [0, 1000]. It affects no result, and is no
    part of `changes`.
    """

    @property
    def training(self) -> ChangedTrainingSpec | None:
        """The change of the training; None if the request has none."""
        change = ChangedTrainingSpec.model_validate(self.model_dump(exclude={"pace"}))
        return change if change.model_dump() else None


class TrainingChange(Reply):
    """A change of a training."""

    epoch: int | None = None
    """The last epoch before the change. Absent if the change waits for the worker, as one of the
    data does for the end of a long epoch: the stream of the job then has the change as an event.
    """
    step: int | None = None
    """The steps of the next epoch before the change; 0: it comes between two epochs."""
    training: ChangedTrainingSpec
    """The fields that change, without the pace."""


class ListEpochsRequest(Request):
    """Page of a list of epochs."""

    after_epoch: EpochNumber = 0
    """Return rows after this epoch. Default 0."""
    page_size: PageSize = PAGE_SIZE


class GetEpochColumnsRequest(Request):
    """Page of the epochs of a job by column."""

    after_epoch: EpochNumber = 0
    """Return epochs after this one. Default 0."""
    page_size: int = Field(default=100_000, ge=1, le=100_000)
    """Epochs a page. In [1, 100000]. Default 100000."""
    metrics: list[Metric] = Field(default_factory=list)
    """Metrics to return; all that the job has if empty."""


class GetCurveRequest(Request):
    """Metrics and number of points of a curve."""

    metrics: list[Metric] = Field(default_factory=list)
    """Metrics to return; all that the job has if empty."""
    max_points: int = Field(default=1000, ge=4, le=100_000)
    """Maximum points per metric of the whole run. In [4, 100000]. Default 1000. If there are more
    epochs, the first and the last one remain, and in each bucket of `epochs_per_bucket` epochs the
    lowest and the highest value; the first non-finite value of a bucket is always included.
    """
    after_epoch: EpochNumber = 0
    """Return the points after this epoch: to poll, the `closed_epoch` of the previous reply.
    Default 0.
    """


class ListGradientsRequest(Request):
    """Page of a list of gradient snapshots."""

    after_epoch: EpochNumber = 0
    """Return rows after this epoch. Default 0."""
    page_size: PageSize = PAGE_SIZE
    max_points: int | None = Field(default=None, ge=4, le=MAX_PAGE_SIZE)
    """Maximum snapshots of the whole run, in one page; `page_size` is ignored. In [4, 1000]. If
    there are more snapshots, the first and the last one remain, and in each bucket of
    `epochs_per_bucket` epochs the lowest and the highest gradient norm; the first non-finite norm
    of a bucket is always included. To poll, pass the `closed_epoch` of the previous reply as
    `after_epoch`. Absent by default: every snapshot, page by page.
    """


class ListCheckpointsRequest(Request):
    """Page of a list of checkpoints."""

    after_epoch: EpochNumber | None = None
    """Return checkpoints after this epoch. Defaults to all, from epoch 0 on."""
    page_size: PageSize = PAGE_SIZE


class GetCheckpointRequest(Request):
    """File format of a checkpoint."""

    format: Literal["safetensors", "npz"] = "safetensors"
    """File format: safetensors, or a NumPy .npz archive without pickled objects. Default
    safetensors.
    """


MAX_WATCHED = 100
"""The jobs of one stream."""


class WatchJobsRequest(Request):
    """The jobs of a stream, and a cursor."""

    jobs: list[str] = Field(default_factory=list, max_length=MAX_WATCHED)
    """Ids of jobs, at most 100. The stream ends when all of them have ended."""
    label: str | None = Field(default=None, max_length=130)
    """Without `jobs`: the jobs with this label, `key` or `key=value`, that have not ended, and
    those that are created while the stream is open. Without both: all jobs of the caller. Of more
    than 100, the newest.
    """
    after: str | None = Field(default=None, max_length=16_000)
    """Return events after this `cursor`. Without it, each job starts with a snapshot."""
    parameters: bool = False
    """Also send the newest weights of networks with at most 4,096 parameters, as `parameters`
    events. Default false.
    """


class WatchJobRequest(Request):
    """Cursor of a stream."""

    after: Cursor | None = None
    """Return events after this `seq`. Without it, the stream starts with a snapshot."""
    parameters: bool = False
    """Also send the newest weights of a network with at most 4,096 parameters, as `parameters`
    events. Default false.
    """


Bound = Annotated[float, Field(ge=-1e9, le=1e9)]


class GridSpec(Spec):
    """A rectangle of the input space, for a decision boundary."""

    x_min: Bound
    """Lowest value along x, in the data's own units."""
    x_max: Bound
    """Highest value along x. Greater than `x_min`."""
    y_min: Bound
    """Lowest value along y, in the data's own units."""
    y_max: Bound
    """Highest value along y. Greater than `y_min`."""
    resolution: int = Field(default=50, ge=2, le=200)
    """Number of points along each side. In [2, 200]. Default 50."""
    x_feature: int = Field(default=0, ge=0)
    """Index of the input that varies along x. Default 0."""
    y_feature: int = Field(default=1, ge=0)
    """Index of the input that varies along y. Default 1."""
    fixed_values: list[Bound] = Field(default_factory=list)
    """Values of the inputs that do not vary, one per feature. Default 0 for each."""


def _cell(value: object) -> object:
    """Return the value of a cell, with one error in place of one for each type that it may have."""
    is_cell = isinstance(value, str | int | float) or value is None
    if not is_cell or (isinstance(value, float) and not isfinite(value)):
        raise PydanticCustomError(
            "cell", "must be a text, a finite number, true, false or null for a missing value"
        )
    return value


MAX_CELLS = 10_000
Cell = Annotated[str | float | bool | None, BeforeValidator(_cell)]


class PredictInputs(Spec):
    """Inputs, rows, a CSV or a grid: exactly one of the four."""

    model_config = ConfigDict(json_schema_extra=exactly_one("inputs", "rows", "csv", "grid"))

    inputs: Rows = Field(default_factory=list)
    """Samples in the data's own units, one row per sample, one number per feature."""
    rows: list[Annotated[dict[str, Cell], EveryError(MAX_CELLS)]] = Field(default_factory=list)
    """Samples by the names of the data set's columns, encoded as its own rows were. Other names,
    such as the target, are ignored.
    """
    csv: str | None = None
    """CSV text with a header row, separated by commas, semicolons or tabs; its columns are read
    like `rows`.
    """
    grid: GridSpec | None = None
    """A grid of points, instead of rows."""


class PredictRequest(PredictInputs):
    """Inputs, rows, a CSV or a grid: exactly one of the four."""

    epoch: EpochNumber | None = None
    """Epoch of a stored checkpoint. Defaults to the restored epoch, see `best` of a job, or the
    latest.
    """


class Divergence(Reply):
    """Where and how training diverged."""

    epoch: int
    """Epoch in which the divergence began."""
    layer: str
    """Layer in which the divergence began."""
    symptom: str
    """Observed symptom, such as an overflow."""
    suggestion: str
    """Change to try next."""


class EpochRow(Reply):
    """Metrics of one epoch, a pass over the training samples."""

    epoch: int
    """Number of the epoch, from 1."""
    train_loss: float
    """Mean training loss over the predictions of the epoch (samples, or time steps that count),
    each computed before the update by its batch. Without `l1` and `l2`. A weighted mean if samples
    or classes have weights.
    """
    validation_loss: float | None = None
    """Validation loss after the epoch, with the same weights; absent without a validation part."""
    train_accuracy: float | None = None
    """Training accuracy, computed during the epoch. In [0, 1]. With several binary outputs, the
    mean over the outputs (1 minus the Hamming loss). Absent if the loss has no classes.
    """
    validation_accuracy: float | None = None
    """Validation accuracy after the epoch. In [0, 1]. Absent if there is none."""
    train_exact_match: float | None = None
    """Fraction of the training samples with only correct predictions, among predictions that count,
    computed during the epoch. In [0, 1]. Absent if samples are not sequences of classes.
    """
    validation_exact_match: float | None = None
    """The same of the validation samples after the epoch. In [0, 1]. Absent if there is none."""
    learning_rate: float
    """Learning rate of the epoch."""
    gradient_norm: float
    """Gradient norm of the last batch, with the terms of `l1` and `l2`, before clipping."""
    seconds: float
    """Duration in seconds; for epochs that were stored together, their mean."""
    reward: float | None = None
    """Mean reward of the texts that the network wrote for the epoch; absent without `rollouts`."""
    kl: float | None = None
    """Mean logarithm of how much more probable these texts were than with the initial weights, in
    nats per text: an estimate of the Kullback-Leibler divergence. Absent without `rollouts`.
    """
    valid: float | None = None
    """Fraction of these texts that keep to the grammar. In [0, 1]. Absent without one."""


class EpochColumns(Reply):
    """Metrics of consecutive epochs by column."""

    epochs: list[int]
    """Epochs in order."""
    columns: dict[str, list[float]]
    """Values by metric, one per epoch, of the metrics that the job has."""
    next_after_epoch: int | None = None
    """`after_epoch` of the next page; absent on the last page."""


class CurveSeries(Reply):
    """One metric over the epochs."""

    metric: Metric
    """Name of the metric."""
    epochs: list[int]
    """Epochs in increasing order, one per value."""
    values: list[float]
    """Values of the metric, one per epoch."""


class LowestLoss(Reply):
    """The lowest validation loss, or training loss without a validation part."""

    metric: Literal["train_loss", "validation_loss"]
    """Metric that is lowest at the epoch."""
    epoch: int
    """Number of the epoch, from 1."""
    value: float
    """Value of the metric at the epoch."""


class BestEpoch(LowestLoss):
    """The epoch with the lowest validation loss, or training loss without a validation part."""

    is_restored: bool = False
    """Whether the epoch is the default of predictions, exports, evaluations and forks, because the
    job has ended and has `early_stopping.restore_best`.
    """


class ForkedFrom(Reply):
    """The checkpoint of another job that this job's initial weights are from."""

    job: str
    """Id of the other job."""
    epoch: int
    """Epoch of the other job. Epoch 1 of this job follows it."""


class BaselineLosses(Reply):
    """The losses of one predictor."""

    train_loss: float
    """Loss on the training part."""
    validation_loss: float | None = None
    """Loss on the validation part; absent without one."""


class NgramLosses(BaselineLosses):
    """The losses of an n-gram model."""

    n: int
    """Tokens that it counts together: 2 for a bigram model, which reads one token before the next.
    """


class PointShare(Reply):
    """The share of one sample in a point."""

    inputs: list[float]
    """Inputs of the sample, as the network reads them: after scaling."""
    class_index: int
    """Class of the sample: 0 or 1."""
    weight: float
    """Share of the sample. In (0, 1]; the shares of each class add up to 1."""


class Separability(Reply):
    """Whether a linear model can tell the two classes of the training part apart without an error.

    The classes have a point in common, or a hyperplane separates them: it is one or the other
    (Boyd and Vandenberghe, Convex Optimization, 2004, section 2.5).
    """

    separable: bool
    """Whether a hyperplane separates the classes."""
    text: str
    """The answer and its reason in a sentence."""
    normal: list[float] = Field(default_factory=list)
    """For separable classes, the weights of a linear model without an error: `normal · inputs +
    offset` is negative for class 0 and positive for class 1.
    """
    offset: float | None = None
    """Bias of that model; absent for classes that are not separable."""
    point: list[float] = Field(default_factory=list)
    """For other classes, a point that is a weighted mean of samples of class 0 and also of class 1.
    No linear model gives it a value that is both negative and positive.
    """
    shares: list[PointShare] = Field(default_factory=list)
    """The samples with that point as their weighted mean, at most two more than inputs."""


class Baselines(Reply):
    """The losses of the simplest predictors, and of boosted trees, on the job's data, in the unit
    of the job's losses and with its weights of samples and classes.

    They are fitted to the training part.
    """

    constant: BaselineLosses
    """The best constant prediction: the mean for `mse`, the median for `mae`, the class shares for
    cross-entropies.
    """
    linear: BaselineLosses | None = None
    """A linear or logistic model. Absent for token ids, for outputs with several positions, for
    more than 1,024 inputs, and where it would take too long.
    """
    boosted: BaselineLosses | None = None
    """Gradient-boosted trees: up to 100 of depth 4 per output, on at most 64 random columns each.
    Absent unless the data are uploaded, there are at least 100 validation samples, and the loss is
    `mse` or a cross-entropy; absent for sweeps, token ids, outputs with several positions, more
    than 1,024 inputs, and where it would take too long.
    """
    ngrams: list[NgramLosses] = Field(default_factory=list)
    """Bigram, trigram and 4-gram models, smoothed after Witten and Bell (1991), of a sequence with
    its next tokens as targets; empty for others.
    """
    separability: Separability | None = None
    """Whether a linear model can be right for every sample of the training part, with a proof.
    Absent unless there are two classes, at most 2,000 samples and at most 64 inputs.
    """
    initial: BaselineLosses | None = None
    """The network before its first step, without dropout. Absent for a sweep: its members have
    their own.
    """


class ExperimentOfJob(Reply):
    """The place of a job in its experiment."""

    id: str
    """Id of the experiment."""
    job: str
    """Name of the job in the experiment."""
    seed: Int64
    """Seed of the run, which was added to the seeds of the job's spec."""


class Job(Reply):
    """A training job."""

    id: str
    """Id of the job."""
    owner: str
    """Owner of the job: the owner of the API key that created it; `local` without a key."""
    state: JobState
    """State of the job."""
    stop_reason: StopReason | None = None
    """Reason of the end; absent before it."""
    detail: str | None = None
    """Explanation of the end, if there is more to say than the reason."""
    divergence: Divergence | None = None
    """Where and how training diverged; absent if it did not."""
    warning: str | None = None
    """A sentence if the job has succeeded but the validation loss (training loss without a
    validation part) of the network that is kept is not below the loss of a constant prediction.
    """
    baselines: Baselines | None = None
    """Losses to compare the job's losses with; absent before the first epoch, and for jobs of
    versions that did not compute them.
    """
    spec: TrainingSpec
    """Spec of the job, with all defaults filled in."""
    forked_from: ForkedFrom | None = None
    """Checkpoint that the initial weights are from; absent for new weights, and while the job waits
    for it.
    """
    experiment: ExperimentOfJob | None = None
    """Place of the job in its experiment; absent if it does not belong to one."""
    epoch: int = 0
    """Number of stored epochs."""
    latest: EpochRow | None = None
    """Metrics of the latest epoch; absent before the first."""
    best: BestEpoch | None = None
    """Epoch with the lowest loss so far; absent before the first. Its checkpoint is stored at the
    end of the job.
    """
    parameters: Int64
    """Number of trainable parameters of the network."""
    samples: int
    """Number of training samples, without the validation part."""
    flops: float
    """Estimated floating-point operations of the whole job: 3 · forward operations · samples ·
    epochs.
    """
    attempt: int = 0
    """Number of times that a worker has started the job."""
    seq: Int64 = 0
    """Cursor of the latest event."""
    created_at: datetime | None = None
    """Time of creation."""
    started_at: datetime | None = None
    """Time of the first start; absent before it."""
    finished_at: datetime | None = None
    """Time of the end; absent before it."""
    expires_at: datetime | None = None
    """Time at which the job is deleted, see `ttl_seconds`; absent before its end, and if it is
    not deleted.
    """
    webhooks: list[Webhook] = Field(default_factory=list)
    """Where the outcome of the job is sent; empty for a key that may not `change`."""
    curve: CurveSeries | None = None
    """Downsampled training loss; present in lists that request `curve_points`."""


@cache
def job_fields() -> dict[str, FieldKind]:
    """Return the fields that jobs are filtered and sorted by, by their paths."""
    fields = fields_of(Job)
    loss, label = FieldKind("number"), FieldKind("map")
    more = {"best.train_loss": loss, "best.validation_loss": loss, "seconds": loss}
    more |= {"name": FieldKind("text"), "labels": label}
    omitted = ("warning", "curve", "forked_from", "best.is_restored")
    return {path: kind for path, kind in fields.items() if not path.startswith(omitted)} | more


class ValidatedJob(Reply):
    """A valid spec and its cost."""

    spec: TrainingSpec
    """The spec, with every default filled in."""
    forked_from: ForkedFrom | None = None
    """The job and epoch of the initial weights. Null if the job starts with fresh weights."""
    parameters: Int64
    """The number of trainable parameters."""
    samples: int
    """The number of training samples, without the validation samples."""
    flops: float
    """Estimated floating-point operations of the whole job: 3 · forward operations · samples ·
    epochs.
    """
    seconds: float | None = None
    """Estimated duration in seconds, from the start to the end of all epochs. It is fitted to the
    jobs that ended last on this service. Absent before any worker has been measured.
    """
    memory_bytes: Int64
    """Bytes of memory that the worker process needs, at its peak."""
    stored_bytes: Int64
    """Bytes that the job stores by its end: epochs, gradient statistics, checkpoints, inline
    data.
    """


class JobPage(Reply):
    """A page of jobs."""

    jobs: list[Job]
    """Jobs, newest first unless the request has another order."""
    next_page_token: str | None = None
    """`page_token` of the next page; absent on the last page."""


class JobColumn(Reply):
    """One field of several jobs."""

    field: str
    """Path of the field."""
    numbers: list[float] = Field(default_factory=list)
    """Values of a number, one for each job; "NaN" where a job has none."""
    texts: list[str] = Field(default_factory=list)
    """Values of another field, one for each job: words, times as RFC 3339, `true` or `false`. Empty
    where a job has none.
    """


class JobColumns(Reply):
    """Some fields of a page of jobs, by column."""

    ids: list[str]
    """Ids of the jobs, in their order."""
    columns: list[JobColumn]
    """The columns in the order of `fields`. Each has `numbers` or `texts`."""
    next_page_token: str | None = None
    """Token of the next page; absent on the last page."""


class EpochPage(Reply):
    """A page of epochs."""

    epochs: list[EpochRow]
    """Epochs in order."""
    next_after_epoch: int | None = None
    """`after_epoch` of the next page; absent if there are no more rows for now."""


class Curve(Reply):
    """Downsampled metrics."""

    epochs: int
    """Number of epochs of the run."""
    epochs_per_bucket: int
    """Width of the buckets: a power of two that doubles as the run grows; 1 if every epoch is a
    point.
    """
    closed_epoch: int
    """Last epoch before the newest bucket. Points up to it stay as they are until
    `epochs_per_bucket` doubles.
    """
    series: list[CurveSeries]
    """One series per metric."""


class LayerGradient(Reply):
    """Gradient statistics of one layer, over weights and biases together.

    The gradient comes from the last batch, with the terms of `l1` and `l2`, before clipping.
    """

    name: str
    """Name of the layer."""
    norm: float
    """Gradient norm."""
    mean: float
    """Mean of the gradient's components."""
    std: float
    """Standard deviation of the gradient's components."""
    max_abs: float
    """Largest absolute value of the gradient's components."""
    zero_fraction: float
    """Fraction of the gradient's components that are 0. In [0, 1]."""
    weight_norm: float
    """Norm of weights and biases together."""
    update_ratio: float
    """Norm of the last update divided by the norm of the weights."""
    activation_mean: float
    """Mean of the layer's outputs after the epoch, for a few training samples."""
    activation_std: float
    """Standard deviation of the same outputs."""
    saturated_fraction: float
    """Fraction of tanh or sigmoid outputs with a derivative below 5 % of the maximum. In [0, 1].
    """
    dead_fraction: float
    """Fraction of ReLU units with output 0 for each of the samples. In [0, 1]."""
    histogram: list[int]
    """Counts of absolute gradient components between `histogram_edges`, with one bin below and one
    above.
    """


class GradientSnapshot(Reply):
    """The gradients of one epoch."""

    epoch: int
    """Epoch of the snapshot, which is taken in its last batch."""
    layers: list[LayerGradient]
    """Layers in forward order."""


class GradientPage(Reply):
    """A page of gradient snapshots."""

    histogram_edges: list[float]
    """Edges of the histogram bins, the same in every reply."""
    snapshots: list[GradientSnapshot]
    """Snapshots in the order of their epochs."""
    next_after_epoch: int | None = None
    """`after_epoch` of the next page; absent if there are no more rows for now."""
    epochs_per_bucket: int | None = None
    """Width of the buckets, with `max_points`, as in a curve."""
    closed_epoch: int | None = None
    """Last epoch before the newest bucket, with `max_points`, as in a curve."""


class Checkpoint(Reply):
    """Stored weights."""

    epoch: int
    """Epoch after which the weights were stored."""
    size_bytes: Int64
    """Size of the safetensors file."""
    sha256: str
    """SHA-256 digest of the safetensors file."""
    created_at: datetime
    """Time at which the weights were stored."""


class CheckpointPage(Reply):
    """A page of checkpoints."""

    checkpoints: list[Checkpoint]
    """Checkpoints in the order of their epochs."""
    next_after_epoch: int | None = None
    """`after_epoch` of the next page; absent if there are no more rows for now."""


class CheckpointContent(FileReply):
    """A checkpoint as a file."""

    format: Literal["safetensors", "npz"]
    """File format."""

    @property
    def filename(self) -> str:
        return f"epoch-{self.epoch}.{self.format}"


class Prediction(Reply):
    """The outputs of a network."""

    epoch: int
    """Epoch of the checkpoint."""
    outputs: list[list[float]]
    """Outputs, one row per input row; a grid is in rows from `y_min`, each from `x_min`, rounded to
    less than a thousandth of their range. Its `classes` are of the exact outputs.
    """
    output_shape: list[int]
    """Shape of one output. Outputs with several axes are flattened in row-major order."""
    classes: list[int]
    """Predicted class of each row, of each time step of a sequence, or of each of several binary
    outputs; -1 for an output that is not a number. Empty for regression.
    """
    labels: list[str] = Field(default_factory=list)
    """Names of the predicted classes, an empty text for -1; empty if the data set has no class
    names.
    """
    target_names: list[str] = Field(default_factory=list)
    """Names of the targets; empty if the data set was deleted and did not name its columns."""
    x: list[float] = Field(default_factory=list)
    """Values along x, for a grid."""
    y: list[float] = Field(default_factory=list)
    """Values along y, for a grid."""


class StateChange(Reply):
    """A change of state."""

    state: JobState
    """New state."""
    stop_reason: StopReason | None = None
    """Reason of the end; absent for other states."""
    attempt: int | None = None
    """Number of times that a worker has started the job."""
    worker: str | None = None
    """Host and process id of the worker that started the job."""
    kernel: str | None = None
    """Software and processor features that the numbers depend on: the versions of Epochal, of NumPy
    and of its BLAS, and the kernel in use.
    """
    engine: str | None = None
    """Engine that trains: `compiled` or `python`. The numbers do not depend on it."""
    python_calls: Int64 | None = None
    """NumPy calls of an epoch that Python made in the last attempt, when training ends; 0 if the
    compiled engine made all of them.
    """


class GradientColumns(Reply):
    """Gradient statistics of one layer by column, one value per epoch; see `LayerGradient`."""

    name: str
    """Name of the layer."""
    norm: list[float]
    """Gradient norm."""
    mean: list[float]
    """Mean of the gradient's components."""
    std: list[float]
    """Standard deviation of the gradient's components."""
    max_abs: list[float]
    """Largest absolute value of the gradient's components."""
    zero_fraction: list[float]
    """Fraction of the gradient's components that are 0."""
    weight_norm: list[float]
    """Norm of weights and biases together."""
    update_ratio: list[float]
    """Norm of the last update divided by the norm of the weights."""
    activation_mean: list[float]
    """Mean of the layer's outputs."""
    activation_std: list[float]
    """Standard deviation of the layer's outputs."""
    saturated_fraction: list[float]
    """Fraction of tanh or sigmoid outputs that are saturated."""
    dead_fraction: list[float]
    """Fraction of ReLU units that are dead."""


class GradientBatch(Reply):
    """Gradient statistics of several epochs, by layer."""

    epochs: list[int]
    """Epochs that have a snapshot."""
    layers: list[GradientColumns]
    """Layers in forward order."""


class EpochBatch(Reply):
    """Metrics of several epochs by column."""

    first_epoch: int
    """First epoch that the batch covers."""
    last_epoch: int
    """Last epoch that the batch covers."""
    downsampled: bool = False
    """Whether the batch is downsampled, because it covers more than 500 epochs. `GET
    /v1/jobs/{id}/epochs` returns all of them.
    """
    epochs: list[int]
    """Epochs in the batch, in order."""
    columns: dict[str, list[float]]
    """Values by metric, one per epoch in the batch."""
    gradients: GradientBatch | None = None
    """Gradient statistics of the epochs that have a snapshot."""


class NewCheckpoints(Reply):
    """New checkpoints."""

    epochs: list[int]
    """Epochs with stored weights."""


class ParameterArray(Reply):
    """Name and shape of an array."""

    name: str
    """Name of the array in a checkpoint, such as `dense_1.weight` or `scaling.shift`."""
    shape: list[int]
    """Shape of the array, such as inputs by units."""


class Parameters(Reply):
    """The weights of an epoch, packed."""

    epoch: int
    """Epoch of the weights: the newest that is stored; after the end of the job the restored epoch,
    see `best` of a job, or the last.
    """
    arrays: list[ParameterArray]
    """Arrays of all layers in forward order, and then the scalings of the job. The network gets
    `(raw - scaling.shift) / scaling.scale`, and a prediction is `output * target_scaling.scale +
    target_scaling.shift`.
    """
    data: Base64
    """The elements of all arrays as float32, little-endian, in row-major order, one array after the
    other. Base64 in JSON.
    """


class JobSnapshot(Reply):
    """The first event of a stream."""

    job: Job
    """Job at the time of the snapshot."""
    curve: Curve
    """Curve so far, at most 500 points per metric."""


class End(Reply):
    """The last event."""

    state: JobState
    """Final state."""
    stop_reason: StopReason | None = None
    """Reason of the end."""


class JobEvent(Reply):
    """One event of a job's stream."""

    seq: Int64
    """Cursor of the event."""
    type: Literal[
        "snapshot", "state", "epochs", "checkpoint", "change", "parameters", "end", "heartbeat"
    ]
    """The event type. The field of the same name holds its data."""
    snapshot: JobSnapshot | None = None
    """Data of a `snapshot` event: the job and its curve so far. It opens a stream that has no
    cursor.
    """
    state: StateChange | None = None
    """Data of a `state` event: a change of state."""
    epochs: EpochBatch | None = None
    """Data of an `epochs` event: new epochs."""
    checkpoint: NewCheckpoints | None = None
    """Data of a `checkpoint` event: new checkpoints."""
    change: TrainingChange | None = None
    """Data of a `change` event: the settings of the training have changed after an epoch."""
    parameters: Parameters | None = None
    """Data of a `parameters` event, which has the `seq` of the event before it: the newest weights,
    at most 20 times a second. A slow client gets fewer of them. Each stream with `parameters` has
    at least one once weights are stored.
    """
    end: End | None = None
    """Data of an `end` event, the last one."""


class LeftJob(Reply):
    """The reason for which a job has left a stream of several jobs before its end."""

    detail: str
    """A sentence: the job was deleted, or the API key does not reach it any more."""


class JobsEvent(JobEvent):
    """One event of a stream of several jobs."""

    seq: Int64
    """Cursor in the stream of its job."""
    job: str
    """Id of the job. Empty in a heartbeat."""
    cursor: str
    """Cursor of the stream after the event: the positions in all its jobs, for `after`."""
    type: Literal[  # type: ignore[assignment]
        "snapshot",
        "state",
        "epochs",
        "checkpoint",
        "change",
        "parameters",
        "end",
        "left",
        "heartbeat",
    ]
    """The event type. The field of the same name holds its data."""
    left: LeftJob | None = None
    """Data of a `left` event, the last one of a job that was deleted, or that the caller does not
    reach any more.
    """
