"""Requests and replies about the inside of a network: attention weights and activations."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from .base import EpochNumber, Reply, Spec
from .inspection import LayerChoice

MAX_SAMPLES = 100

Row = Annotated[int, Field(ge=0, lt=2**63)]
Text = Annotated[str, Field(min_length=1, max_length=10_000)]


class InsideRequest(Spec):
    """Samples and checkpoint of attention weights or activations."""

    epoch: EpochNumber | None = None
    """Epoch of the checkpoint: the last one stored at or before this epoch. Defaults to the
    restored epoch, see `best` of a job, or the latest.
    """
    rows: list[Row] = Field(default_factory=list, max_length=MAX_SAMPLES)
    """Rows of the data set, from 0, at most 100. Defaults to the first row, unless there are
    `inputs` or `texts`.
    """
    inputs: list[list[float]] = Field(default_factory=list, max_length=MAX_SAMPLES)
    """Inputs in the data's own units instead of rows, at most 100, one number per feature."""
    texts: list[Text] = Field(default_factory=list, max_length=MAX_SAMPLES)
    """Texts instead of rows, at most 100, for data of tokens: one character per token, parts of
    words, or words with spaces between them, as in the data set. A text follows the start token, if
    the data have one, and is filled up to the length of a row. For a network with an encoder, a
    text is what the encoder reads, and then what was written.
    """


class GetAttentionRequest(InsideRequest):
    """Samples, layer and checkpoint of attention weights."""

    layer: LayerChoice | None = None
    """Name of a layer with attention. Defaults to all."""


class GetActivationsRequest(InsideRequest):
    """Samples, layer and checkpoint of activations."""

    layer: LayerChoice | None = None
    """Name of a layer, or `logits`. Defaults to all."""
    only_masked: bool = False
    """Return the outputs at masked positions only, for a job with the corruption `mask`: its
    probabilities of the tokens that fill the gaps of texts. Default false.
    """


class InsideArray(Reply):
    """Numbers of one layer for all samples."""

    name: str
    """Name of the layer; with a dot, of a layer inside it."""
    shape: list[int]
    """Shape of the array, with the samples as its first axis."""
    values: list[float]
    """Elements in row-major order, rounded to six significant digits."""


class InsideReply(Reply):
    """Samples and checkpoint of attention weights or activations."""

    epoch: int
    """Epoch of the checkpoint."""
    rows: list[int]
    """Rows of the samples in the data set, from 0; empty for inputs or texts of the request."""
    inputs: list[list[float]]
    """Inputs of the samples, in the data's own units."""
    token_names: list[str]
    """Names of the tokens 0, 1, 2 … if the inputs are tokens; else empty."""
    lengths: list[int]
    """Number of inputs that hold each of the texts, with its start token; the inputs after them are
    filled up. Empty without `texts`.
    """


class SampleAttention(InsideReply):
    """Attention weights of samples."""

    layers: list[InsideArray]
    """Weights of each attention, samples by heads by positions by memory positions; the weights of
    a position sum to 1. An additive attention has one head.
    """


class SampleActivations(InsideReply):
    """Activations of samples."""

    layers: list[InsideArray]
    """Outputs of each layer, samples by the shape of its output. With `only_masked`, masked
    positions, in the order of the samples, by the outputs of a position.
    """
    logits: InsideArray | None = None
    """The inputs of the output activation. Absent for another `layer`, and where the loss
    needs no output activation.
    """
