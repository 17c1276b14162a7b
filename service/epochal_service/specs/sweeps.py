"""Requests and replies of the sweep methods. A sweep trains many variants of a job together."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from .base import (
    PAGE_SIZE,
    Cursor,
    EveryError,
    IdOf,
    InitializerName,
    Int64,
    PageSize,
    PageToken,
    Reply,
    Request,
    RequestId,
    Seed,
    Spec,
)
from .diagnosis import Label
from .jobs import (
    BaselineLosses,
    Baselines,
    BestEpoch,
    Divergence,
    End,
    EpochRow,
    JobState,
    StateChange,
    StopReason,
    UpdateJobRequest,
)
from .networks import Gain
from .training import LearningRate, Metric, TrainingSpec
from .webhooks import Webhook


class Variant(Spec):
    """The differences of one member from the job. Absent fields are taken from the job."""

    learning_rate: LearningRate | None = None
    """Learning rate of the optimizer."""
    momentum: float | None = Field(default=None, ge=0, lt=1)
    """Momentum of the optimizer; `momentum`, `nesterov` and `muon` only."""
    beta_1: float | None = Field(default=None, ge=0, lt=1)
    """Decay of the first moment; `adam`, `adamw`, `lion` and `muon` only."""
    beta_2: float | None = Field(default=None, ge=0, lt=1)
    """Decay of the second moment; `adam`, `adamw`, `lion` and `muon` only."""
    l2: float | None = Field(default=None, ge=0)
    """Strength of `l2` regularization."""
    seed: Seed | None = None
    """Seed of the initial weights, the order of the samples and dropout. The validation part is
    chosen by the job's seed, for all members alike.
    """
    initializer: InitializerName | None = None
    """Initializer of every layer that has one."""
    initializer_gain: Gain | None = None
    """Gain of the initializer of every layer that has one."""


class SweepSpec(Spec):
    """A job and the differences of its members.

    Members store no gradient statistics and no checkpoints: create a job from the best member.
    """

    job: TrainingSpec
    """Spec that all members share."""
    variants: Annotated[list[Variant], Field(min_length=1), EveryError()]
    """Variants, one per member; at most `max_variants` of `GET /v1/limits`."""


class CreateSweepOptions(Request):
    """Options besides the spec: a header on HTTP, a field on gRPC."""

    request_id: RequestId | None = None
    """Idempotency key: the same key and the same spec return the same sweep."""


class ListSweepsRequest(Request):
    """Filters and page of a list of sweeps."""

    page_size: PageSize = PAGE_SIZE
    page_token: Annotated[PageToken, IdOf("sweep")] | None = None
    states: list[JobState] = Field(default_factory=list)
    """Return sweeps in any of these states; all states if empty."""
    label: str | None = Field(default=None, max_length=130)
    """Return sweeps of jobs with this label: `key` or `key=value`."""
    owner: str | None = Field(default=None, max_length=40)
    """Return sweeps of this owner, such as a member of the caller's class."""


class UpdateSweepRequest(UpdateJobRequest):
    """Changes of a sweep's name and labels. Absent fields stay unchanged."""


class GetSweepCurvesRequest(Request):
    """Metric and number of points of the curves."""

    metric: Metric = "train_loss"
    """Metric to return, the same for all members. Default `train_loss`."""
    max_points: int = Field(default=200, ge=4, le=10_000)
    """Maximum points per member. In [4, 10000]. Default 200. Extremes and non-finite values are
    always included.
    """


class WatchSweepRequest(Request):
    """Cursor of a stream."""

    after: Cursor | None = None
    """Return events after this `seq`. Without it, the stream starts with a snapshot."""


class MemberProgress(Reply):
    """Progress of one member."""

    epoch: int = 0
    """Number of stored epochs."""
    latest: EpochRow | None = None
    """Metrics of the latest epoch; absent before the first."""
    initial: BaselineLosses | None = None
    """Losses before the first step, without dropout; absent before the first epoch."""
    best: BestEpoch | None = None
    """Epoch with the lowest loss so far; absent before the first."""
    stop_reason: StopReason | None = None
    """Reason of the member's end; absent before it."""
    divergence: Divergence | None = None
    """Where and how training diverged; absent if it did not."""


class Member(MemberProgress):
    """One member of a sweep."""

    index: int
    """Index of the member among the variants, from 0."""
    variant: Variant
    """Differences of the member from the job."""
    learning_rate: float
    """Learning rate of the member."""
    label: Label | None = None
    """Learning-rate label of the training curve; absent before the second epoch."""


class Sweep(Reply):
    """A sweep of training jobs."""

    id: str
    """Id of the sweep."""
    owner: str
    """Owner of the sweep: the owner of the API key that created it; `local` without a key."""
    state: JobState
    """State of the sweep."""
    stop_reason: StopReason | None = None
    """Reason of the end: `completed` once all members have ended, for any reasons."""
    detail: str | None = None
    """Explanation of the end, if there is more to say than the reason."""
    spec: SweepSpec
    """Spec of the sweep, with all defaults filled in."""
    baselines: Baselines | None = None
    """Losses to compare the members' losses with: one set, since members share the data. Absent
    before the first epoch.
    """
    epoch: int = 0
    """Number of stored epochs of the most advanced member."""
    members: list[Member] = Field(default_factory=list)
    """Members of the sweep; empty in lists."""
    parameters: Int64
    """Number of trainable parameters of one member."""
    samples: int
    """Number of training samples, without the validation part."""
    flops: float
    """Estimated floating-point operations of all members: 3 · forward operations · samples · epochs
    · members.
    """
    webhooks: list[Webhook] = Field(default_factory=list)
    """Webhooks that are sent when the sweep ends; empty for a key that may not `change`."""
    attempt: int = 0
    """Number of times that a worker has started the sweep."""
    seq: Int64 = 0
    """Cursor of the latest event."""
    created_at: datetime | None = None
    """Time of creation."""
    started_at: datetime | None = None
    """Time of the first start; absent before it."""
    finished_at: datetime | None = None
    """Time of the end; absent before it."""
    expires_at: datetime | None = None
    """Time at which the sweep is deleted, see `ttl_seconds`; absent before its end, and if it is
    not deleted.
    """


class ValidatedSweep(Reply):
    """A valid spec and its cost."""

    spec: SweepSpec
    """The spec, with every default filled in."""
    parameters: Int64
    """The number of trainable parameters of one member."""
    samples: int
    """The number of training samples, without the validation samples."""
    flops: float
    """Estimated floating-point operations of all members: 3 · forward operations · samples ·
    epochs · members.
    """
    seconds: float | None = None
    """Estimated duration in seconds, from the start to the end of all epochs; see
    `POST /v1/jobs/validate`.
    """
    memory_bytes: Int64
    """Bytes of memory that the worker process needs for all members, at its peak."""
    stored_bytes: Int64
    """Bytes that the sweep stores by its end: the epochs of all members, inline data."""


class SweepPage(Reply):
    """A page of sweeps."""

    sweeps: list[Sweep]
    """Sweeps, newest first."""
    next_page_token: str | None = None
    """`page_token` of the next page; absent on the last page."""


class MemberCurve(Reply):
    """The curve of one member."""

    index: int
    """Index of the member, from 0."""
    epochs: list[int]
    """Epochs in increasing order, one per value."""
    values: list[float]
    """Values of the metric, one per epoch."""


class SweepCurves(Reply):
    """The curves of one metric."""

    metric: Metric
    """Name of the metric."""
    members: list[MemberCurve]
    """Members that have at least one epoch with the metric."""


class MemberEpochs(Reply):
    """Metrics of one member by column."""

    index: int
    """Index of the member, from 0."""
    epochs: list[int]
    """Epochs in the batch, in order."""
    train_loss: list[float]
    """Training losses, one per epoch."""
    validation_loss: list[float]
    """Validation losses, one per epoch; empty without a validation part."""


class SweepBatch(Reply):
    """Metrics of several epochs of all members."""

    first_epoch: int
    """First epoch that the batch covers."""
    last_epoch: int
    """Last epoch that the batch covers."""
    downsampled: bool = False
    """Whether the batch is downsampled."""
    members: list[MemberEpochs]
    """Members with new epochs."""


class SweepSnapshot(Reply):
    """The first event of a stream."""

    sweep: Sweep
    """Sweep at the time of the snapshot."""
    curves: SweepCurves
    """Training losses so far."""


class SweepEvent(Reply):
    """One event of a sweep's stream."""

    seq: Int64
    """Cursor of the event."""
    type: Literal["snapshot", "state", "epochs", "end", "heartbeat"]
    """The event type. The field of the same name holds its data."""
    snapshot: SweepSnapshot | None = None
    """Data of a `snapshot` event: the sweep and its members' losses so far. It opens a stream that
    has no cursor.
    """
    state: StateChange | None = None
    """Data of a `state` event: a change of state."""
    epochs: SweepBatch | None = None
    """Data of an `epochs` event: new epochs."""
    end: End | None = None
    """Data of an `end` event, the last one."""
