"""Events of a job's stream, one class for each type; `seq` is the cursor to continue from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, TypeAlias

from .curves import Curve
from .deferred import dataclass
from .records import read
from .types import End, EpochBatch, JobData, NewCheckpoints, StateChange


@dataclass(frozen=True, eq=False)
class SnapshotEvent:
    """The job and its curve so far: the first event of a stream without a cursor."""

    type: ClassVar[str] = "snapshot"
    seq: int
    job: JobData
    curve: Curve


@dataclass(frozen=True)
class StateEvent(StateChange):
    """A change of the job's state."""

    type: ClassVar[str] = "state"
    seq: int


@dataclass(frozen=True, eq=False)
class EpochsEvent(EpochBatch):
    """Stored epochs: `columns[metric]` `(points,)` has the values at `epochs` `(points,)`."""

    type: ClassVar[str] = "epochs"
    seq: int


@dataclass(frozen=True)
class CheckpointEvent(NewCheckpoints):
    """Stored weights; `epochs` are the epochs that now have a checkpoint."""

    type: ClassVar[str] = "checkpoint"
    seq: int


@dataclass(frozen=True)
class EndEvent(End):
    """The last event of a stream: the job is over."""

    type: ClassVar[str] = "end"
    seq: int


Event: TypeAlias = SnapshotEvent | StateEvent | EpochsEvent | CheckpointEvent | EndEvent

_RECORDS: dict[str, type[StateEvent | EpochsEvent | CheckpointEvent | EndEvent]] = {
    kind.type: kind for kind in (StateEvent, EpochsEvent, CheckpointEvent, EndEvent)
}


def event_of(frame: Mapping[str, Any]) -> Event | None:
    """Return the event in a frame of a stream; None for a type that this version does not know."""
    data = frame.get(frame["type"]) or {}
    if frame["type"] == SnapshotEvent.type:
        return SnapshotEvent(
            frame["seq"], read(JobData, data["job"]), Curve.of(data.get("curve") or {})
        )
    kind = _RECORDS.get(frame["type"])
    return read(kind, data, seq=frame["seq"]) if kind else None
