"""A network as it may be asked for: the shape of one sample, and the layers in order."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

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


def _listed(value: object) -> object:
    """A single one says the same as a list of one."""
    return [value] if isinstance(value, int | str) and not isinstance(value, bool) else value


LayerName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Size = Annotated[int, Field(ge=1)]
Sizes = Annotated[list[Size], BeforeValidator(_listed), Field(min_length=1, max_length=2)]
OneSize = Annotated[list[Size], BeforeValidator(_listed), Field(min_length=1, max_length=1)]
Padding = Literal["valid", "same"]
Gain = Annotated[float, Field(ge=0, le=1e6)]


class LayerBase(Spec):
    """What every layer has."""

    name: LayerName | None = None
    """By default the type and the place, counted from 1, e.g. `dense_1`."""
    input: Annotated[list[LayerName], BeforeValidator(_listed), Field(min_length=1)] | None = None
    """Names of the layers that it reads, `input` for the network's; by default the one before."""


class DenseSpec(LayerBase):
    """Every unit sees every input: `activation(x · W + b)`, along the last axis."""

    type: Literal["dense"]
    units: Size
    """Number of neurons in the layer."""
    activation: ActivationName = "linear"
    """Applied to the layer's outputs."""
    use_bias: bool = True
    """Whether each unit has a bias."""
    initializer: InitializerName | None = None
    """How the weights start; by default He for the relu family, LeCun for selu, else Xavier."""
    initializer_gain: Gain = 1.0
    """What the initializer draws is multiplied by it: 4 starts with weights four times as large."""


class ActivationSpec(LayerBase):
    """An activation alone."""

    type: Literal["activation"]
    activation: ActivationName
    """Applied to the layer's outputs."""


class DropoutSpec(LayerBase):
    """Silences each value with probability `rate` while training, and scales the others up by
    1 / (1 - rate).
    """

    type: Literal["dropout"]
    rate: float = Field(ge=0, lt=1)
    """The share of numbers that are dropped, each time others."""


class LayerNormSpec(LayerBase):
    """Each sample's features are brought to mean 0 and variance 1 (Ba et al. 2016)."""

    type: Literal["layer_norm"]
    epsilon: float = Field(default=1e-5, gt=0)
    """Added to the variance, so that nothing is divided by 0."""


class BatchNormSpec(LayerBase):
    """Each feature is brought to mean 0 and variance 1 over the batch (Ioffe & Szegedy 2015)."""

    type: Literal["batch_norm"]
    momentum: float = Field(default=0.9, ge=0, lt=1)
    """How slowly the running statistics follow, which are used after training."""
    epsilon: float = Field(default=1e-5, gt=0)
    """Added to the variance, so that nothing is divided by 0."""


class ResidualSpec(LayerBase):
    """Adds what the inner layers make of its input to that input (He et al. 2016)."""

    type: Literal["residual"]
    layers: list[LayerSpec] = Field(min_length=1, max_length=16)
    """In forward order."""


class FlattenSpec(LayerBase):
    """All numbers of a sample in one row."""

    type: Literal["flatten"]


class ReshapeSpec(LayerBase):
    """The numbers of a sample, in their order, in another shape."""

    type: Literal["reshape"]
    shape: list[Annotated[int, Field(ge=-1)]] = Field(min_length=1, max_length=4)
    """One length may be -1: whatever is left."""


class Conv1dSpec(LayerBase):
    """A window slides along a sequence `(length, channels)`."""

    type: Literal["conv1d"]
    filters: Size
    """Number of feature maps that come out."""
    kernel_size: OneSize
    """Places along each axis that a filter sees at a time."""
    stride: OneSize = Field(default_factory=lambda: [1])
    """Places from one window to the next."""
    padding: Padding = "valid"
    """`valid`: windows inside the input alone; `same`: zeros around it keep the size."""
    activation: ActivationName = "linear"
    """Applied to the layer's outputs."""
    use_bias: bool = True
    """Whether each unit has a bias."""
    initializer: InitializerName | None = None
    """How the weights start."""
    initializer_gain: Gain = 1.0
    """What the initializer draws is multiplied by it."""


class Conv2dSpec(LayerBase):
    """A window slides over an image `(height, width, channels)` (LeCun et al. 1989)."""

    type: Literal["conv2d"]
    filters: Size
    """Number of feature maps that come out."""
    kernel_size: Sizes
    """One number, or height and width."""
    stride: Sizes = Field(default_factory=lambda: [1])
    """Places from one window to the next."""
    padding: Padding = "valid"
    """`valid`: windows inside the input alone; `same`: zeros around it keep the size."""
    activation: ActivationName = "linear"
    """Applied to the layer's outputs."""
    use_bias: bool = True
    """Whether each unit has a bias."""
    initializer: InitializerName | None = None
    """How the weights start."""
    initializer_gain: Gain = 1.0
    """What the initializer draws is multiplied by it."""


class MaxPool1dSpec(LayerBase):
    """The largest value of each window of a sequence."""

    type: Literal["max_pool1d"]
    pool_size: OneSize = Field(default_factory=lambda: [2])
    """Places along each axis of a window."""
    stride: OneSize | None = None
    """Places from one window to the next."""


class MaxPool2dSpec(LayerBase):
    """The largest value of each window of an image."""

    type: Literal["max_pool2d"]
    pool_size: Sizes = Field(default_factory=lambda: [2])
    """Places along each axis of a window."""
    stride: Sizes | None = None
    """Places from one window to the next."""


class AveragePool1dSpec(LayerBase):
    """The mean of each window of a sequence."""

    type: Literal["average_pool1d"]
    pool_size: OneSize = Field(default_factory=lambda: [2])
    """Places along each axis of a window."""
    stride: OneSize | None = None
    """Places from one window to the next."""


class AveragePool2dSpec(LayerBase):
    """The mean of each window of an image."""

    type: Literal["average_pool2d"]
    pool_size: Sizes = Field(default_factory=lambda: [2])
    """Places along each axis of a window."""
    stride: Sizes | None = None
    """Places from one window to the next."""


class GlobalMaxPoolSpec(LayerBase):
    """The largest value of each channel."""

    type: Literal["global_max_pool"]


class GlobalAveragePoolSpec(LayerBase):
    """The mean of each channel."""

    type: Literal["global_average_pool"]


class EmbeddingSpec(LayerBase):
    """A learned vector for each token; the input are token numbers, from 0."""

    type: Literal["embedding"]
    vocabulary: Size
    """Number of different tokens."""
    units: Size
    """Numbers that come out for each sample or place."""


class PositionalEncodingSpec(LayerBase):
    """Adds to each place of a sequence what tells it from the others (Vaswani et al. 2017)."""

    type: Literal["positional_encoding"]
    kind: Literal["sinusoidal", "learned"] = "sinusoidal"
    """How places are told apart."""


class RnnSpec(LayerBase):
    """One step after another, each with a memory of the one before (Elman 1990)."""

    type: Literal["rnn"]
    units: Size
    """Numbers that come out for each sample or place."""
    return_sequences: bool = False
    """Every step's output rather than the last one's."""


class LstmSpec(LayerBase):
    """Long short-term memory (Hochreiter & Schmidhuber 1997, with the forget gate of 2000)."""

    type: Literal["lstm"]
    units: Size
    """Numbers that come out for each sample or place."""
    return_sequences: bool = False
    """Whether every step comes out, or the last alone."""


class GruSpec(LayerBase):
    """Gated recurrent unit (Cho et al. 2014)."""

    type: Literal["gru"]
    units: Size
    """Numbers that come out for each sample or place."""
    return_sequences: bool = False
    """Whether every step comes out, or the last alone."""


class AdditiveAttentionSpec(LayerBase):
    """Attention of Bahdanau et al. (2014); reads two layers: who asks, and what is looked at."""

    type: Literal["additive_attention"]
    units: Size
    """Numbers that come out for each sample or place."""


class MultiHeadAttentionSpec(LayerBase):
    """Scaled dot-product attention in several heads (Vaswani et al. 2017).

    With one input it looks at itself, with two the first one asks the second.
    """

    type: Literal["multi_head_attention"]
    heads: Size
    """Number of heads, which share the features among them."""
    causal: bool = False
    """No place sees what comes after it."""


class TransformerBlockSpec(LayerBase):
    """Attention and two dense layers, each with a residual and a layer norm."""

    type: Literal["transformer_block"]
    heads: Size
    """Number of heads, which share the features among them."""
    hidden: Size
    """Units of the first of the two dense layers."""
    norm: Literal["pre", "post"] = "pre"
    """Whether the norms stand before or after what they belong to."""
    causal: bool = False
    """Whether a place sees only itself and those before it."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """The share of numbers that are dropped in training, each time others."""
    activation: ActivationName = "gelu"
    """Applied to the layer's outputs."""


class ConcatenateSpec(LayerBase):
    """Its inputs one after the other along the last axis."""

    type: Literal["concatenate"]


class AddSpec(LayerBase):
    """The sum of its inputs."""

    type: Literal["add"]


class SliceSpec(LayerBase):
    """A part of each sample along its first axis, to feed several layers from one array."""

    type: Literal["slice"]
    start: int
    """The first that is kept, from 0; a negative one counts from the end."""
    stop: int | None = None
    """The first that is not kept; by default all to the end are."""


LayerSpec = Annotated[
    DenseSpec
    | ActivationSpec
    | DropoutSpec
    | LayerNormSpec
    | BatchNormSpec
    | ResidualSpec
    | FlattenSpec
    | ReshapeSpec
    | Conv1dSpec
    | Conv2dSpec
    | MaxPool1dSpec
    | MaxPool2dSpec
    | AveragePool1dSpec
    | AveragePool2dSpec
    | GlobalMaxPoolSpec
    | GlobalAveragePoolSpec
    | EmbeddingSpec
    | PositionalEncodingSpec
    | RnnSpec
    | LstmSpec
    | GruSpec
    | AdditiveAttentionSpec
    | MultiHeadAttentionSpec
    | TransformerBlockSpec
    | ConcatenateSpec
    | AddSpec
    | SliceSpec,
    Field(discriminator="type"),
]


class NetworkSpec(Spec):
    """A network as a list of layers; layer k reads what layer k - 1 gives."""

    input_shape: list[Annotated[int, Field(ge=1)]] = Field(min_length=1, max_length=4)
    """Shape of one sample without the batch axis, e.g. `[2]` for points of the plane."""
    layers: list[LayerSpec] = Field(min_length=1)
    """In forward order."""


class NetworkRef(Spec):
    """A saved network, by its id."""

    id: str = Field(min_length=1, max_length=64)
    """As `POST /v1/networks` gave it."""


class CreateNetworkRequest(Spec):
    """A network to keep."""

    network: NetworkSpec
    """The shape of one sample, and the layers in order."""
    name: Name | None = None
    """What people call it."""
    request_id: RequestId | None = None
    """The idempotency key: the same key and the same request give the same network."""


class SummarizeNetworkRequest(Spec):
    """A network to count."""

    network: NetworkSpec
    """The shape of one sample, and the layers in order."""


class ListNetworksRequest(Request):
    """Which page."""

    page_size: PageSize = PAGE_SIZE
    page_token: PageToken | None = None


class LayerSummary(Reply):
    """One layer, counted."""

    name: str
    """The layer's type and its place, e.g. `dense_1`."""
    type: str
    """E.g. `dense` or `conv2d`."""
    output_shape: list[int]
    """Of one sample."""
    activation: str | None
    """Absent for a layer without one."""
    initializer: str | None
    """That draws its weights; absent for a layer without any."""
    parameters: int
    """Trainable numbers."""
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
    """In forward order."""
    parameters: int
    """Trainable numbers."""
    flops: int
    """Floating-point operations of the forward pass of one sample."""
    layers_with_input: int
    """Layers that have units, and the input."""
    layers_without_input: int
    """The same without the input."""
    neurons_with_input: int
    """Units of all layers, and the inputs."""
    neurons_without_input: int
    """The same without the inputs."""


class Network(Reply):
    """A saved network."""

    id: str
    """What a job calls it."""
    name: str | None
    """What people call it."""
    network: NetworkSpec
    """The shape of one sample, and the layers in order."""
    summary: NetworkSummary
    """What it amounts to."""
    created_at: datetime
    """When it was saved."""


class NetworkPage(Reply):
    """A page of networks."""

    networks: list[Network]
    """Newest first."""
    next_page_token: str | None = None
    """What to ask for next; absent on the last page."""
