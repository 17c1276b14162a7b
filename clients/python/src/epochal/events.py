"""Events of a job's stream, one class for each type; `seq` is the cursor to continue from."""

from __future__ import annotations

from typing import ClassVar, TypeAlias

from .curves import Curve
from .deferred import dataclass
from .types import End, EpochBatch, JobData, LeftJob, NewCheckpoints, StateChange, TrainingChange


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
class ChangeEvent(TrainingChange):
    """A change of the settings; the epoch after `epoch` is the first with them."""

    type: ClassVar[str] = "change"
    seq: int


@dataclass(frozen=True)
class EndEvent(End):
    """The last event of a stream: the job is over."""

    type: ClassVar[str] = "end"
    seq: int


@dataclass(frozen=True)
class LeftEvent(LeftJob):
    """A job has left a stream of several jobs: it was deleted, or the key does not reach it."""

    type: ClassVar[str] = "left"
    seq: int


Event: TypeAlias = (
    SnapshotEvent | StateEvent | EpochsEvent | CheckpointEvent | ChangeEvent | EndEvent
)
