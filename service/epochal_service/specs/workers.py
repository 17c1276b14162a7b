"""Replies about the workers of the service."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from .base import Reply

WorkerState = Literal["idle", "busy", "lost"]


class Worker(Reply):
    """A process that trains jobs, several in turns."""

    id: str
    """Id of the worker. A worker that restarts has a new one."""
    state: WorkerState
    """State of the worker."""
    host: str
    """Name of its machine."""
    pid: int
    """Its process id."""
    version: str
    """Version of its program."""
    job: str | None = None
    """Id of the last created job or sweep of `jobs`; absent if there is none."""
    jobs: list[str]
    """Ids of the jobs and sweeps that it trains, without those of other owners."""
    started_at: datetime
    """Time of its start."""
    seen_at: datetime
    """Time of its last sign of life."""


class Workers(Reply):
    """The workers of the service."""

    workers: list[Worker]
    """All workers, the last started first. A lost worker is listed for an hour."""
