"""The base of a job's handle: its latest record, and the connection that updates it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from ..curves import Curve
from ..deferred import dataclass
from ..errors import NotFound
from ..events import (
    ChangeEvent,
    CheckpointEvent,
    EndEvent,
    EpochsEvent,
    Event,
    SnapshotEvent,
    StateEvent,
)
from ..handles import Handle
from ..paging import pages_by_epoch
from ..records import read
from ..types import Checkpoint, Epoch, JobData, JobProperties, Parameters


@dataclass(frozen=True, eq=False)
class ParametersEvent(Parameters):
    """The newest weights; `seq` is the cursor of the event before it."""

    type: ClassVar[str] = "parameters"
    seq: int


class JobHandle(JobProperties, Handle[JobData, Event]):
    """A job of the service; its fields come from the latest record in `data`."""

    _record = JobData
    _token_rpc = "IssueStreamToken"
    _deliveries_rpc = "ListDeliveries"
    _events = (StateEvent, EpochsEvent, CheckpointEvent, ChangeEvent, ParametersEvent, EndEvent)

    @property
    def spec(self) -> dict[str, Any]:
        """Spec of the job, with all defaults filled in. The rows of an inline data set are read
        from the service if the job is from a list.
        """
        if any(map(_has_no_rows, map(self._data.spec.get, ("dataset", "validation_dataset")))):
            self.refresh()
        return self._data.spec

    def checkpoints(self) -> list[Checkpoint]:
        """Return the stored checkpoints in the order of their epochs. Raises `NotFound`."""
        return [
            read(Checkpoint, row)
            for page in pages_by_epoch(self._session, "ListCheckpoints", {"id": self.id})
            for row in page.get("checkpoints") or ()
        ]

    def _default_checkpoint(self) -> int:
        """Return the restored epoch, else the epoch of the latest checkpoint. Raises `NotFound`."""
        best = read(JobData, self._call("Get")).best
        if best is not None and best.is_restored:
            return best.epoch
        stored = self.checkpoints()
        if not stored:
            raise NotFound(f"{self.id} has no checkpoint yet")
        return stored[-1].epoch

    def _job_spec(self) -> Mapping[str, Any]:
        return self._data.spec

    def _snapshot(self, seq: int, data: Mapping[str, Any]) -> Event:
        curve = Curve.of(data.get("curve") or {})
        return SnapshotEvent(seq, read(JobData, data["job"]), curve)

    def _after(self, event: Event) -> JobData:
        data = self._data
        match event:
            case SnapshotEvent():
                data = event.job
            case StateEvent():
                attempt = data.attempt if event.attempt is None else event.attempt
                data = replace(
                    data, state=event.state, stop_reason=event.stop_reason, attempt=attempt
                )
            case EpochsEvent():
                last = {name: float(column[-1]) for name, column in event.columns.items()}
                latest = read(Epoch, {"epoch": int(event.epochs[-1]), **last})
                data = replace(data, epoch=event.last_epoch, latest=latest)
            case ChangeEvent():
                moment = {"epoch": event.epoch, "step": event.step or 0}
                change = {**moment, "training": event.training}
                # Changes at the same step are joined.
                earlier = [
                    c
                    for c in data.spec.get("changes") or ()
                    if {"epoch": c["epoch"], "step": c.get("step", 0)} != moment
                ]
                data = replace(data, spec={**data.spec, "changes": [*earlier, change]})
            case EndEvent():
                data = replace(data, state=event.state, stop_reason=event.stop_reason)
        return replace(data, seq=event.seq)


def _has_no_rows(dataset: Mapping[str, Any] | None) -> bool:
    """Return whether it is an inline data set from a list."""
    return dataset is not None and not any(map(dataset.get, ("id", "name", "inputs")))
