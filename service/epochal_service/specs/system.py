"""What the service says of itself."""

from __future__ import annotations

from pydantic import Field

from .base import Reply


class Limit(Reply):
    """One limit."""

    name: str
    """Such as `max_epochs`."""
    value: float
    """What it counts is in `description`."""
    description: str
    """What it bounds, and in which unit."""


class Limits(Reply):
    """What one request may ask for."""

    limits: list[Limit]
    """All of them."""


class Version(Reply):
    """What runs here."""

    version: str
    """Of the service."""
    api: str
    """Of its API."""
    numpy: str
    """Of NumPy, which does the arithmetic."""
    kernel: str
    """BLAS and the processor kernel that it chose; runs repeat bit for bit on the same one."""


class Component(Reply):
    """A part of the service."""

    name: str
    """Of the part."""
    status: str
    """`ok`, `degraded` or `down`."""
    detail: str = ""
    """What is wrong with it; empty if nothing is."""


class Health(Reply):
    """Whether the service can work."""

    status: str
    """The worst of its parts."""
    components: list[Component] = Field(default_factory=list)
    """Its parts, where they were looked at."""
