"""The resources that a worker process opens once and uses for every job."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from epochal_service.jobs.queue import Queue
from epochal_service.settings import Settings
from epochal_service.store import Database

from .heartbeat import Heartbeat
from .requests import Requests
from .tally import Tally


@dataclass(frozen=True)
class WorkerContext:
    """The resources of a worker process."""

    settings: Settings
    database: Database
    queue: Queue
    stopping: Callable[[], bool]
    """Whether the worker was asked to stop."""
    worker_id: str | None = None
    """The id of this process among the workers; None if it is not recorded."""
    tally: Tally = field(default_factory=Tally)

    @cached_property
    def heartbeat(self) -> Heartbeat:
        """The thread that renews leases."""
        return Heartbeat(self.database, self.settings.lease_seconds)

    @cached_property
    def requests(self) -> Requests:
        """The requests of users to change the jobs of this process."""
        return Requests(self.database)
