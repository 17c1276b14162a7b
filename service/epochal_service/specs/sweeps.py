"""A sweep: one job in many variants that are trained together, as it is asked for and told."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from .base import (
    PAGE_SIZE,
    Cursor,
    InitializerName,
    PageSize,
    PageToken,
    Reply,
    Request,
    Seed,
    Spec,
)
from .diagnosis import Label
from .jobs import Divergence, End, EpochRow, JobState, StateChange, StopReason
from .networks import Gain
from .training import LearningRate, Metric, TrainingSpec


class Variant(Spec):
    """What one member has otherwise than the job; what is left out is as in the job."""

    learning_rate: LearningRate | None = None
    """The optimizer's."""
    momentum: float | None = Field(default=None, ge=0, lt=1)
    """The optimizer's; `momentum`, `nesterov` and `muon` only."""
    beta_1: float | None = Field(default=None, ge=0, lt=1)
    """The optimizer's; `adam`, `adamw`, `lion` and `muon` only."""
    beta_2: float | None = Field(default=None, ge=0, lt=1)
    """The optimizer's; `adam`, `adamw`, `lion` and `muon` only."""
    l2: float | None = Field(default=None, ge=0)
    """The strength of `l2` regularization."""
    seed: Seed | None = None
    """Of the first weights, the order of the samples and dropout. What is held out for validation
    is chosen by the job's own seed, for all members alike.
    """
    initializer: InitializerName | None = None
    """Of every layer that has one."""
    initializer_gain: Gain | None = None
    """Of every layer that has an initializer."""


class SweepSpec(Spec):
    """One job, and what its members have otherwise.

    Members keep no gradient statistics and no checkpoints: a job made from the best one does.
    """

    job: TrainingSpec
    """What all members have in common."""
    variants: list[Variant] = Field(min_length=1)
    """One for each member; at most `max_variants` of `GET /v1/limits`."""


class CreateSweepOptions(Request):
    """What stands beside the spec: query and header on HTTP, fields on gRPC."""

    request_id: str | None = Field(default=None, min_length=1, max_length=200)
    """The idempotency key: the same key and the same spec give the same sweep."""
    validate_only: bool = False
    """Check and price the spec, and make no sweep."""


class ListSweepsRequest(Request):
    """Which sweeps to list."""

    page_size: PageSize = PAGE_SIZE
    page_token: PageToken | None = None
    state: JobState | None = None
    """Sweeps in this state; all by default."""
    label: str | None = Field(default=None, max_length=130)
    """`key` or `key=value`, of the job's labels."""


class GetSweepCurvesRequest(Request):
    """Of which metric, and in how many points."""

    metric: Metric = "train_loss"
    """The same for all members."""
    max_points: int = Field(default=200, ge=4, le=10_000)
    """Points of one member at the most; its extremes, and what is not finite, stay."""


class WatchSweepRequest(Request):
    """From where to watch."""

    after: Cursor | None = None
    """Replay what came after this `seq`; without it the stream opens with a snapshot."""


class MemberProgress(Reply):
    """What the store has of a member beside its epochs."""

    epoch: int = 0
    """Epochs that are stored."""
    latest: EpochRow | None = None
    """The newest epoch; absent before the first."""
    stop_reason: StopReason | None = None
    """Why it is over; absent until then."""
    divergence: Divergence | None = None
    """Where and how it blew up, if it did."""


class Member(MemberProgress):
    """One member of a sweep."""

    index: int
    """Counted from 0, as the variants are."""
    variant: Variant
    """What it has otherwise than the job."""
    learning_rate: float
    """That it is trained with."""
    label: Label | None = None
    """Absent until there are two epochs."""


class Sweep(Reply):
    """A sweep, as far as it is known now."""

    id: str
    """The id of the sweep."""
    state: JobState
    """The state of the sweep."""
    stop_reason: StopReason | None = None
    """`completed` once every member is over, for whatever reason each."""
    detail: str | None = None
    """A sentence on how it ended, where there is more to say than the reason."""
    spec: SweepSpec
    """What was asked for, with every default written out."""
    epoch: int = 0
    """Epochs of the member that has most."""
    members: list[Member] = Field(default_factory=list)
    """Empty in lists."""
    parameters: int
    """Of one member."""
    samples: int
    """Samples trained on; the held-out part does not count."""
    flops: float
    """Of all members: 3 · operations forward · samples · epochs · members."""
    attempt: int = 0
    """How often a worker has taken it up."""
    seq: int = 0
    """Cursor of the newest event."""
    created_at: datetime | None = None
    """When it was asked for."""
    started_at: datetime | None = None
    """When a worker first took it up."""
    finished_at: datetime | None = None
    """When it ended."""


class ValidatedSweep(Reply):
    """A valid spec and its price, in answer to `validate_only`. No sweep is created."""

    spec: SweepSpec
    """The spec, with every default filled in."""
    parameters: int
    """The number of trainable parameters of one member."""
    samples: int
    """The number of training samples, without the validation samples."""
    flops: float
    """Estimated floating-point operations of all members: 3 · forward operations · samples ·
    epochs · members.
    """


class SweepPage(Reply):
    """A page of sweeps."""

    sweeps: list[Sweep]
    """Newest first."""
    next_page_token: str | None = None
    """What to ask for next; absent on the last page."""


class MemberCurve(Reply):
    """One member's curve."""

    index: int
    """Of the member, from 0."""
    epochs: list[int]
    """Rising; one for each value."""
    values: list[float]
    """One for each epoch."""


class SweepCurves(Reply):
    """One metric of every member that has it."""

    metric: Metric
    """What the values are."""
    members: list[MemberCurve]
    """Those that have any epoch."""


class MemberEpochs(Reply):
    """Epochs of one member by column."""

    index: int
    """Of the member, from 0."""
    epoch: list[int]
    """The epochs that are told."""
    train_loss: list[float]
    """One for each epoch."""
    validation_loss: list[float]
    """Empty where nothing is held out."""


class SweepBatch(Reply):
    """Epochs of several members."""

    first_epoch: int
    """The first that is stood for."""
    last_epoch: int
    """The last that is stood for."""
    reduced: bool = False
    """Some epochs are left out: only the extremes of each stretch are told."""
    members: list[MemberEpochs]
    """Those that have come on."""


class SweepSnapshot(Reply):
    """How a stream opens."""

    sweep: Sweep
    """As it is now."""
    curves: SweepCurves
    """The training losses so far."""


class SweepEvent(Reply):
    """One event of a sweep's stream; the field named like its `type` holds what it tells."""

    seq: int
    """The cursor: go on after it."""
    type: Literal["snapshot", "state", "epochs", "end", "heartbeat"]
    """Which field holds what is told."""
    snapshot: SweepSnapshot | None = None
    """Of an event of the type `snapshot`."""
    state: StateChange | None = None
    """Of an event of the type `state`."""
    epochs: SweepBatch | None = None
    """Of an event of the type `epochs`."""
    end: End | None = None
    """Of an event of the type `end`."""
