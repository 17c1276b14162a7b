"""Replies of the methods of the service itself."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .base import Int64, Reply
from .keys import Action

Scope = Literal["read", "train", "admin"]
"""The scope of an API key. Each scope includes the previous ones."""


class Limit(Reply):
    """One limit."""

    name: str
    """Name of the limit, such as `max_epochs`."""
    value: float
    """Value of the limit; its unit is in `description`."""
    description: str
    """Quantity that is limited, and its unit."""


class Limits(Reply):
    """The limits of one request and of one owner."""

    limits: list[Limit]
    """All limits."""


class QuotaUsage(Reply):
    """The usage of a quota by an owner."""

    name: str
    """Name of the quota in `GET /v1/limits`, such as `max_queued_jobs`."""
    used: Int64
    """Quantity in use."""
    limit: Int64 | None
    """Largest quantity; absent if there is no limit."""
    description: str
    """Quantity that is limited, and its unit."""


class Usage(Reply):
    """The usage of each quota by an owner."""

    owner: str
    """Owner of the API key; `local` without one."""
    scope: Scope
    """Scope of the API key; `admin` without one. Of a key that another one made: `train` if it may
    do more than look.
    """
    actions: list[Action]
    """What the API key may do; everything without one."""
    jobs: list[str] = Field(default_factory=list)
    """Jobs and sweeps that a key for some jobs reaches; see `labels`."""
    labels: dict[str, str] = Field(default_factory=dict)
    """Such a key reaches the jobs and sweeps with these labels."""
    quotas: list[QuotaUsage]
    """All quotas; none for a key for some jobs."""


class Version(Reply):
    """The versions of the service."""

    version: str
    """Version of the service."""
    api: str
    """Version of the API."""
    numpy: str
    """Version of NumPy."""
    kernel: str
    """BLAS and the processor kernel in use; runs on the same kernel are identical bit for bit."""
    engine: str
    """Engine in use: `compiled` or `python`. The numbers do not depend on it."""


class Component(Reply):
    """A component of the service."""

    name: str
    """Name of the component."""
    status: str
    """Status of the component: `ok`, `degraded` or `down`."""
    detail: str = ""
    """Description of the problem; empty if there is none."""


class Health(Reply):
    """Whether the service accepts requests."""

    status: str
    """Worst status of the components: `ok`, `degraded` or `down`."""
    components: list[Component] = Field(default_factory=list)
    """Components that were checked."""
