"""Famous networks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..simulations.architecture import Known
from ..simulations.quantity import Quantity
from ..simulations.transformer_cost import TransformerSize


@dataclass(frozen=True)
class Model:
    """A network that made history."""

    id: str
    name: str
    year: int
    kind: str
    parameters: int
    known: Known
    arithmetic: tuple[Quantity, ...]
    """The parts of its parameters, and last their sum."""
    size: TransformerSize | None
    network: dict[str, Any] | None
    """Where it can be built of this service's layers, for `client.simulate.architecture`."""
    source: str
    note: str


@dataclass(frozen=True)
class Models:
    """Smallest first."""

    models: tuple[Model, ...]
