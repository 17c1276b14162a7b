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
    momentum: float | None = Field(default=None, ge=0, lt=1)
    """`momentum`, `nesterov` and `muon` only."""
    beta_1: float | None = Field(default=None, ge=0, lt=1)
    """`adam`, `adamw`, `lion` and `muon` only."""
    beta_2: float | None = Field(default=None, ge=0, lt=1)
    """As `beta_1`."""
    l2: float | None = Field(default=None, ge=0)
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
    variants: list[Variant] = Field(min_length=1)
    """One for each member; at most `max_variants` of `GET /v1/limits`."""


class CreateSweepOptions(Request):
    """What stands beside the spec: query and header on HTTP, fields on gRPC."""

    request_id: str | None = Field(default=None, min_length=1, max_length=200)
    """The idempotency key: the same key and the same spec give the same sweep."""
    validate_only: bool = False
    """Check and price the spec, and make no sweep."""


class ListSweepsRequest(Request):
    page_size: PageSize = PAGE_SIZE
    page_token: PageToken | None = None
    state: JobState | None = None
    label: str | None = Field(default=None, max_length=130)
    """`key` or `key=value`, of the job's labels."""


class GetSweepCurvesRequest(Request):
    metric: Metric = "train_loss"
    max_points: int = Field(default=200, ge=4, le=10_000)
    """Points of one member at the most; its extremes, and what is not finite, stay."""


class WatchSweepRequest(Request):
    after: Cursor | None = None
    """Replay what came after this `seq`; without it the stream opens with a snapshot."""


class MemberProgress(Reply):
    """What the store has of a member beside its epochs."""

    epoch: int = 0
    latest: EpochRow | None = None
    stop_reason: StopReason | None = None
    divergence: Divergence | None = None


class Member(MemberProgress):
    """One member of a sweep."""

    index: int
    """Counted from 0, as the variants are."""
    variant: Variant
    learning_rate: float
    label: Label | None = None
    """Absent until there are two epochs."""


class Sweep(Reply):
    """A sweep, as far as it is known now."""

    id: str | None
    """Absent where the spec was only validated; so are the state and the times."""
    state: JobState | None
    stop_reason: StopReason | None = None
    """`completed` once every member is over, for whatever reason each."""
    detail: str | None = None
    spec: SweepSpec
    epoch: int = 0
    """Epochs of the member that has most."""
    members: list[Member] = Field(default_factory=list)
    """Empty in lists."""
    parameters: int
    """Of one member."""
    samples: int
    flops: float
    """Of all members: 3 · operations forward · samples · epochs · members."""
    attempt: int = 0
    seq: int = 0
    """Cursor of the newest event."""
    created_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None


class SweepPage(Reply):
    sweeps: list[Sweep]
    next_page_token: str | None = None


class MemberCurve(Reply):
    index: int
    epochs: list[int]
    values: list[float]


class SweepCurves(Reply):
    """One metric of every member that has it."""

    metric: Metric
    members: list[MemberCurve]


class MemberEpochs(Reply):
    """Epochs of one member by column."""

    index: int
    epoch: list[int]
    train_loss: list[float]
    validation_loss: list[float]
    """Empty where nothing is held out."""


class SweepBatch(Reply):
    first_epoch: int
    last_epoch: int
    reduced: bool = False
    """Some epochs are left out: only the extremes of each stretch are told."""
    members: list[MemberEpochs]


class SweepSnapshot(Reply):
    sweep: Sweep
    curves: SweepCurves


class SweepEvent(Reply):
    """One event of a sweep's stream; the field named like its `type` holds what it tells."""

    seq: int
    type: Literal["snapshot", "state", "epochs", "end", "heartbeat"]
    snapshot: SweepSnapshot | None = None
    state: StateChange | None = None
    epochs: SweepBatch | None = None
    end: End | None = None
