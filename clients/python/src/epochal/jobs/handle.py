"""The base of a job's handle: its latest record, and the connection that updates it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import NotFound
from ..paging import pages_by_epoch
from ..records import read
from ..session import Session
from ..types import Checkpoint, JobData, JobProperties


class JobHandle(JobProperties):
    """A job of the service; its fields are those of the latest record in `data`."""

    def __init__(self, data: Mapping[str, Any], session: Session) -> None:
        self._data = read(JobData, data)
        self._session = session

    def checkpoints(self) -> list[Checkpoint]:
        """Return the stored checkpoints in the order of their epochs. Raises `NotFound`."""
        return [
            read(Checkpoint, row)
            for page in pages_by_epoch(self._session, "ListCheckpoints", {"id": self.id})
            for row in page.get("checkpoints") or ()
        ]

    def _default_checkpoint(self) -> int:
        """Return the restored epoch, else that of the latest checkpoint. Raises `NotFound`."""
        best = read(JobData, self._session.call("GetJob", {"id": self.id})).best
        if best is not None and best.is_restored:
            return best.epoch
        stored = self.checkpoints()
        if not stored:
            raise NotFound(f"{self.id} has no checkpoint yet")
        return stored[-1].epoch
