"""What a watched job tells, one class for each kind of event; `seq` is the cursor to go on from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from .curves import Curve
from .records import Floats, Ints, read

if TYPE_CHECKING:
    from .jobs import Job


@dataclass(frozen=True, eq=False)
class SnapshotEvent:
    """Opens a stream that has no cursor: the job and its curve so far."""

    type: ClassVar[str] = "snapshot"
    seq: int
    job: Job
    curve: Curve


@dataclass(frozen=True)
class StateEvent:
    """The job's state has changed."""

    type: ClassVar[str] = "state"
    seq: int
    state: str
    stop_reason: str | None
    attempt: int | None
    """How often a worker has taken the job up; told when one does."""
    worker: str | None
    """Host and process that took the job up."""
    kernel: str | None
    """What the numbers depend on: NumPy, its BLAS and the processor kernel in use."""


@dataclass(frozen=True, eq=False)
class GradientColumns:
    """One layer's gradient statistics, each `(epochs,)`."""

    name: str
    norm: Floats
    mean: Floats
    std: Floats
    largest: Floats
    zero_share: Floats
    weight_norm: Floats
    update_ratio: Floats
    activation_mean: Floats
    activation_std: Floats
    saturated_share: Floats
    dead_share: Floats


@dataclass(frozen=True, eq=False)
class GradientBatch:
    """Gradient statistics of the epochs that were snapshot, by layer."""

    epochs: Ints
    layers: tuple[GradientColumns, ...]


@dataclass(frozen=True, eq=False)
class EpochsEvent:
    """Epochs were stored: `columns[metric]` `(points,)` are the values at `epoch` `(points,)`."""

    type: ClassVar[str] = "epochs"
    seq: int
    first_epoch: int
    last_epoch: int
    reduced: bool
    """More than 500 epochs at once: only the extremes of each stretch are told."""
    epoch: Ints
    columns: dict[str, Floats]
    gradients: GradientBatch | None


@dataclass(frozen=True)
class CheckpointEvent:
    """Weights were stored; `epochs` are those whose weights can be had now."""

    type: ClassVar[str] = "checkpoint"
    seq: int
    epochs: tuple[int, ...]


@dataclass(frozen=True)
class EndEvent:
    """The last event: the job is over."""

    type: ClassVar[str] = "end"
    seq: int
    state: str
    stop_reason: str | None


Event: TypeAlias = SnapshotEvent | StateEvent | EpochsEvent | CheckpointEvent | EndEvent

_PLAIN: dict[str, type[StateEvent | EpochsEvent | CheckpointEvent | EndEvent]] = {
    kind.type: kind for kind in (StateEvent, EpochsEvent, CheckpointEvent, EndEvent)
}


def event_of(frame: Mapping[str, Any], job_of: Callable[[Mapping[str, Any]], Job]) -> Event | None:
    """The event in a frame of a stream; None for a kind that this version does not know."""
    told = frame.get(frame["type"]) or {}
    if frame["type"] == SnapshotEvent.type:
        return SnapshotEvent(frame["seq"], job_of(told["job"]), Curve.of(told.get("curve") or {}))
    kind = _PLAIN.get(frame["type"])
    return read(kind, told, seq=frame["seq"]) if kind else None
