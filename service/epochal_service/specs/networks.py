"""A network as it may be asked for: the shape of one sample, and the layers in order."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from .base import (
    PAGE_SIZE,
    ActivationName,
    InitializerName,
    Name,
    PageSize,
    PageToken,
    Reply,
    Request,
    RequestId,
    Spec,
)


class DenseSpec(Spec):
    """Every unit sees every input: `activation(x · W + b)`."""

    type: Literal["dense"]
    units: int = Field(ge=1)
    """Number of neurons in the layer."""
    activation: ActivationName = "linear"
    use_bias: bool = True
    initializer: InitializerName | None = None
    """How the weights start; by default He for the relu family, LeCun for selu, Xavier otherwise.
    """


class DropoutSpec(Spec):
    """Silences each value with probability `rate` while training, and scales the others up by 1 /
    (1 - rate).
    """

    type: Literal["dropout"]
    rate: float = Field(ge=0, lt=1)


LayerSpec = Annotated[DenseSpec | DropoutSpec, Field(discriminator="type")]


class NetworkSpec(Spec):
    """A network as a list of layers; layer k reads what layer k - 1 gives."""

    input_shape: list[Annotated[int, Field(ge=1)]] = Field(min_length=1, max_length=4)
    """Shape of one sample without the batch axis, e.g. `[2]` for points of the plane."""
    layers: list[LayerSpec] = Field(min_length=1)


class NetworkRef(Spec):
    """A saved network, by its id."""

    id: str = Field(min_length=1, max_length=64)


class CreateNetworkRequest(Spec):
    network: NetworkSpec
    name: Name | None = None
    request_id: RequestId | None = None
    """The idempotency key: the same key and the same request give the same network."""


class SummarizeNetworkRequest(Spec):
    network: NetworkSpec


class ListNetworksRequest(Request):
    page_size: PageSize = PAGE_SIZE
    page_token: PageToken | None = None


class LayerSummary(Reply):
    name: str
    """The layer's type and its place, e.g. `dense_1`."""
    type: str
    output_shape: list[int]
    activation: str | None
    initializer: str | None
    parameters: int
    arithmetic: str
    """How the parameters are counted, with the numbers put in, e.g. `4·3 + 4`."""
    flops: int
    """Floating-point operations of the forward pass of one sample; a multiply and an add count as
    two.
    """


class NetworkSummary(Reply):
    """What a network amounts to. The two ways of counting layers and neurons differ in the input
    layer.
    """

    layers: list[LayerSummary]
    parameters: int
    flops: int
    layers_with_input: int
    layers_without_input: int
    neurons_with_input: int
    neurons_without_input: int


class Network(Reply):
    """A saved network."""

    id: str
    name: str | None
    network: NetworkSpec
    summary: NetworkSummary
    created_at: datetime


class NetworkPage(Reply):
    networks: list[Network]
    next_page_token: str | None = None
