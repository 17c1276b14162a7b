"""Famous networks, and how many parameters they have."""

from __future__ import annotations

from typing import Literal

from ..base import Reply
from ..networks import NetworkSpec
from ..simulations.quantity import Quantity
from ..simulations.transformer_size import TransformerSize


class Model(Reply):
    """A network that made history."""

    id: str
    """A short name for programs, e.g. `gpt-2`."""
    name: str
    """As it is known, e.g. `GPT-2`."""
    year: int
    """When it was published."""
    kind: str
    """E.g. `convolutional network`, `transformer`."""
    parameters: int
    """Trainable numbers."""
    known: Literal["computed", "published", "estimated"]
    """`computed`: it follows from the size, down to the last one. `published`: its makers say so.
    `estimated`: others do.
    """
    arithmetic: list[Quantity]
    """The parts that the number is made of, and last their sum; empty where no size is known."""
    size: TransformerSize | None
    """Of a transformer whose size is known: `POST /v1/simulate/transformer-cost` takes it."""
    network: NetworkSpec | None
    """The same network in layers of this service, for `POST /v1/simulate/architecture`."""
    source: str
    """Where it comes from: author, year, title."""
    note: str
    """What to know about the number: as built here, and as its makers count."""


class Models(Reply):
    """Smallest first."""

    models: list[Model]
    """From LeNet-5 on."""
