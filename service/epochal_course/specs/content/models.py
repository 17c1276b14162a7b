"""Well-known networks and their parameter counts."""

from __future__ import annotations

from typing import Literal

from epochal_service.specs.base import Int64, Reply
from epochal_service.specs.networks import NetworkSpec

from ..explorers.quantity import Quantity
from ..explorers.transformer_size import TransformerSize


class Model(Reply):
    """A well-known network."""

    id: str
    """Id of the model, e.g. `gpt-2`."""
    name: str
    """Common name, e.g. `GPT-2`."""
    year: int
    """Year of publication."""
    kind: str
    """Architecture, e.g. `convolutional network` or `transformer`."""
    parameters: Int64
    """Number of trainable parameters."""
    source_type: Literal["computed", "published", "estimated"]
    """Origin of `parameters`. `computed`: follows exactly from the size. `published`: stated by the
    authors. `estimated`: stated by others."""
    parameter_counts: list[Quantity]
    """Numbers of parameters of the parts of the network and, last, their sum. Empty if the size is
    not known."""
    size: TransformerSize | None
    """Size of a transformer, for `POST /course/v1/simulate/transformer-cost`. Null if not known."""
    network: NetworkSpec | None
    """The network as a spec, for `POST /course/v1/simulate/architecture`. Null if not available."""
    source: str
    """Publication: authors, year, title."""
    note: str
    """Note on how the parameters are counted."""


class Models(Reply):
    """All models, smallest first."""

    models: list[Model]
    """Models, from LeNet-5 on."""
