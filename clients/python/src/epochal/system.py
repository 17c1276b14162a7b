"""What the service says of itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limit:
    """The most that one request may ask for of one thing."""

    name: str
    value: float
    description: str


@dataclass(frozen=True)
class Limits:
    """All limits of the service."""

    limits: tuple[Limit, ...]

    def __getitem__(self, name: str) -> float:
        """The value of one limit, e.g. `limits["max_epochs"]`. Raises `KeyError`."""
        return {limit.name: limit.value for limit in self.limits}[name]


@dataclass(frozen=True)
class Version:
    """Of the service, its API, and what its numbers depend on."""

    version: str
    api: str
    numpy: str
    kernel: str
    """BLAS and the processor kernel that it chose; runs repeat bit for bit on the same one."""


@dataclass(frozen=True)
class Component:
    """A part that the service depends on."""

    name: str
    status: str
    detail: str


@dataclass(frozen=True)
class Health:
    """Whether the service can work: `ok`, `degraded` or `down`. gRPC does not tell components."""

    status: str
    components: tuple[Component, ...]

    def __bool__(self) -> bool:
        return self.status != "down"
