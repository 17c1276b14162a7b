"""A network: the shape of one sample, and the layers in order.

The model of a layer follows from the engine's layer, see `derive`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, TypeAlias

from pydantic import BeforeValidator, Field

from epochal_engine import LAYERS
from epochal_engine.model import TERM, TERM_FORM

from .base import (
    PAGE_SIZE,
    ActivationName,
    EveryError,
    IdOf,
    InitializerName,
    Int64,
    LayerTypeName,
    Matches,
    Name,
    PageSize,
    PageToken,
    Reply,
    Request,
    RequestId,
    Spec,
)
from .derive import Derived, as_list, derive_models, union_of

LayerName = Annotated[
    str,
    Matches(
        r"[a-z][a-z0-9_]{0,39}",
        "must have up to 40 lowercase letters, digits and _, and begin with a letter, such as "
        "dense_1",
    ),
]
Gain = Annotated[float, Field(ge=0, le=1e6)]


class LayerBase(Derived):
    """The common fields of all layers."""

    name: LayerName | None = None
    """The layer's name. Defaults to its type and position, counted from 1, e.g. `dense_1`."""
    input: Annotated[list[LayerName], BeforeValidator(as_list), Field(min_length=1)] | None = None
    """Names of the layers that this layer reads its input from; `input` is the network's input.
    Defaults to the previous layer.
    """


LAYER_SPECS = derive_models(
    LAYERS,
    LayerBase,
    {"layers": "LayerSpec", "terms": Annotated[str, Matches(TERM, TERM_FORM)]},
)
"""The model of each layer, by type."""
DenseSpec: Callable[..., LayerBase] = LAYER_SPECS["dense"]

if TYPE_CHECKING:
    LayerSpec: TypeAlias = LayerBase
else:
    LayerSpec = union_of(LAYER_SPECS)


class NetworkSpec(Spec):
    """A network as a list of layers. By default each layer reads the output of the previous one."""

    input_shape: list[Annotated[int, Field(ge=1)]] = Field(min_length=1, max_length=4)
    """Shape of one sample without the batch axis, e.g. `[2]` for points in the plane."""
    layers: Annotated[list[LayerSpec], Field(min_length=1), EveryError()]
    """The layers, in forward order."""


class NetworkRef(Spec):
    """A reference to a saved network."""

    id: str = Field(min_length=1, max_length=64)
    """The id of the network, as returned by `POST /v1/networks`."""


class CreateNetworkRequest(Spec):
    """A network to save."""

    network: NetworkSpec
    """The shape of one sample and the layers in order."""
    name: Name | None = None
    """Display name."""
    request_id: RequestId | None = None
    """Idempotency key: the same key with the same request returns the same network."""


class SummarizeNetworkRequest(Spec):
    """A network to summarize."""

    network: NetworkSpec
    """The shape of one sample and the layers in order."""


class ListNetworksRequest(Request):
    """The page to return."""

    page_size: PageSize = PAGE_SIZE
    page_token: Annotated[PageToken, IdOf("net")] | None = None


class LayerSummary(Reply):
    """Summary of one layer."""

    name: str
    """The layer's name, e.g. `dense_1`."""
    type: LayerTypeName
    """The layer's type, e.g. `dense` or `conv2d`."""
    output_shape: list[int]
    """Shape of the layer's output for one sample."""
    activation: ActivationName | None
    """The activation; absent for a layer without one."""
    initializer: InitializerName | None
    """The initializer of the weights; absent for a layer without weights."""
    parameters: Int64
    """Number of trainable parameters."""
    parameters_formula: str
    """The formula of the number of parameters, e.g. `4·3 + 4`."""
    flops: Int64
    """Floating-point operations of the forward pass of one sample; a multiplication and an addition
    count as two.
    """


class NetworkSummary(Reply):
    """Totals of a network. Layers and neurons are counted with and without the input layer."""

    layers: list[LayerSummary]
    """Summaries of the layers, in forward order."""
    parameters: Int64
    """Number of trainable parameters."""
    flops: Int64
    """Floating-point operations of the forward pass of one sample."""
    layers_with_input: int
    """Number of layers that have units, plus the input layer."""
    layers_without_input: int
    """Number of layers that have units."""
    neurons_with_input: Int64
    """Number of units of all layers, plus the inputs."""
    neurons_without_input: Int64
    """Number of units of all layers."""


class Network(Reply):
    """A saved network."""

    id: str
    """The id that jobs refer to."""
    name: str | None
    """Display name."""
    network: NetworkSpec
    """The shape of one sample and the layers in order."""
    summary: NetworkSummary
    """Shapes, parameters and operations of the network."""
    created_at: datetime
    """Time at which the network was saved."""


class NetworkPage(Reply):
    """One page of networks."""

    networks: list[Network]
    """Networks, newest first."""
    next_page_token: str | None = None
    """The `page_token` of the next page; absent on the last page."""


def input_embeddings(network: NetworkSpec) -> list[tuple[int, LayerSpec]]:
    """Return the embeddings that read the inputs of the network, with their indices."""
    return [
        (index, layer)
        for index, layer in enumerate(network.layers)
        if layer.type == "embedding"
        and (layer.input == ["input"] or (index == 0 and layer.input is None))
    ]
