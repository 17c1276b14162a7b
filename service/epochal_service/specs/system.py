"""What the service says of itself."""

from __future__ import annotations

from pydantic import Field

from .base import Reply


class Limit(Reply):
    name: str
    value: float
    description: str


class Limits(Reply):
    limits: list[Limit]


class Version(Reply):
    version: str
    api: str
    numpy: str
    kernel: str
    """BLAS and the processor kernel that it chose; runs repeat bit for bit on the same one."""


class Component(Reply):
    name: str
    status: str
    """`ok`, `degraded` or `down`."""
    detail: str = ""


class Health(Reply):
    status: str
    components: list[Component] = Field(default_factory=list)
