"""Requests and replies of the methods that make API keys."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from .base import Labels, Matches, NameOrEmpty, Reply, Spec

KeyAction = Literal["read", "watch", "predict", "train", "change", "delete"]
"""An action that a key may be made for."""
Action = Literal["read", "watch", "predict", "train", "change", "delete", "share", "admin"]
"""An action that a method needs: `share` makes and revokes keys, `admin` is for operators."""

MAX_TARGETS = 100
MAX_SECONDS = 366 * 86_400

Origin = Annotated[
    str,
    Field(max_length=200),
    Matches(
        r"https?://[a-z0-9.\-]+(:[0-9]{1,5})?|https?://\[[0-9a-f:]+\](:[0-9]{1,5})?",
        "must be a scheme, a host in lower case and perhaps a port, such as https://example.com",
    ),
]


class CreateKeyRequest(Spec):
    """What a new key may do, and for how long. It never does more than the key that makes it."""

    name: NameOrEmpty = ""
    """Purpose of the key, for the list."""
    actions: list[KeyAction] = Field(
        default=["read", "watch", "predict"], min_length=1, max_length=6
    )
    """Actions: `read`; `watch` events; `predict` for given inputs; `train` new jobs; `change` jobs,
    which includes to pause, resume and cancel them; `delete`.
    """
    jobs: list[Annotated[str, Field(max_length=64)]] = Field(
        default_factory=list, max_length=MAX_TARGETS
    )
    """Ids of jobs and sweeps: the key reaches these alone. Without `jobs` and `labels` it reaches
    everything of its owner.
    """
    labels: Labels = Field(default_factory=dict)
    """The key also reaches the jobs and sweeps with all of these labels. What it creates has them.
    """
    origins: list[Origin] = Field(default_factory=list, max_length=20)
    """Origins of web pages that may use the key, such as `https://example.com`, which the service
    then answers. Programs other than browsers name no origin, and are not held up by it.
    """
    jobs_per_hour: int | None = Field(default=None, ge=1, le=10_000)
    """Jobs that the key may create in an hour. No limit by default."""
    expires_in_seconds: int = Field(default=30 * 86_400, ge=1, le=MAX_SECONDS)
    """Seconds until the key expires, at most 366 days. It also ends with the key that made it."""


class Key(Reply):
    """A key that another key made."""

    id: str
    """Id of the key, which is no secret."""
    key: str | None = None
    """The key, in the reply that creates it alone: it cannot be read again."""
    name: str = ""
    """Purpose of the key."""
    actions: list[KeyAction]
    """What the key may do."""
    jobs: list[str] = Field(default_factory=list)
    """Jobs and sweeps that it reaches; see `labels`."""
    labels: dict[str, str] = Field(default_factory=dict)
    """It reaches jobs and sweeps with these labels. Without both, everything of its owner."""
    origins: list[str] = Field(default_factory=list)
    """Origins of web pages that may use it; any if there are none."""
    jobs_per_hour: int | None = None
    """Jobs that it may create in an hour."""
    made_by: str | None = None
    """Id of the key that made it; absent if that was no key."""
    created_at: datetime
    """Time of creation."""
    expires_at: datetime
    """Time at which it expires."""


class Keys(Reply):
    """Keys."""

    keys: list[Key]
    """Valid keys, newest first."""
