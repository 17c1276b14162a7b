"""The content of a webhook: how a job or sweep ended."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from .base import Reply
from .jobs import EpochRow, LowestLoss, StopReason
from .webhooks import EndState


class Outcome(Reply):
    """How a job or sweep ended, without its spec."""

    id: str
    """Id of the job or sweep."""
    name: str
    """Its name; empty without one."""
    labels: dict[str, str]
    """Its labels."""
    state: EndState
    """Its final state."""
    stop_reason: StopReason | None
    """Why it stopped; null if it trained all epochs."""
    detail: str | None
    """An explanation for people; null without one."""
    epoch: int
    """Its last epoch."""
    latest: EpochRow | None = None
    """Metrics of the last epoch; not for a sweep."""
    best: LowestLoss | None = None
    """The best epoch; not for a sweep."""
    created_at: datetime
    """Time of its creation."""
    started_at: datetime | None
    """Time of its first start; null if it never started."""
    finished_at: datetime
    """Time of its end."""


class WebhookEvent(Reply):
    """The body of the request that a webhook sends."""

    type: Literal[
        "job.succeeded",
        "job.failed",
        "job.cancelled",
        "sweep.succeeded",
        "sweep.failed",
        "sweep.cancelled",
    ]
    """The job or sweep that ended, and how it ended."""
    timestamp: datetime
    """Time of the end."""
    data: Outcome
    """The outcome."""
