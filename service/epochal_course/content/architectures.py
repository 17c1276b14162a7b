"""The architectures of the zoo: description, cost, graph and a small trainable network."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import Field

from epochal_service.errors import NotFound
from epochal_service.methods import networks
from epochal_service.settings import Limits
from epochal_service.specs.networks import NetworkSummary

from ..loading import load
from ..specs.content.architectures import Architecture


def _summary(fields: dict[str, Any]) -> NetworkSummary:
    # The default limits, because these networks are small.
    return networks.summary(fields["network"], Limits())


class WrittenArchitecture(Architecture):
    """An architecture of the file: its summary is computed."""

    summary: NetworkSummary = Field(default_factory=_summary)


@cache
def architectures() -> list[WrittenArchitecture]:
    """Return the architectures, in the order of the zoo."""
    return load("architectures", list[WrittenArchitecture])


def find(id: str) -> Architecture:
    """Return the architecture with this id. Raises `NotFound`."""
    for architecture in architectures():
        if architecture.id == id:
            return architecture
    known = ", ".join(item.id for item in architectures())
    raise NotFound(f"There is no architecture {id[:40]!r}; the architectures are {known}")
