"""Request and reply of the sequence cost explorer."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from epochal_service.specs.base import Reply, Spec

SequenceReader = Literal["mlp", "cnn", "rnn", "lstm", "gru", "attention"]


class SimulateSequenceCostRequest(Spec):
    """Sequence lengths, and the sizes of one layer of each kind with `width` inputs and outputs."""

    lengths: list[Annotated[int, Field(ge=1, le=10_000_000)]] = Field(
        default_factory=lambda: [16, 64, 256, 1024, 4096, 16384],
        min_length=1,
        max_length=32,
    )
    """The sequence lengths. Default 16 to 16,384 in steps of a factor 4."""
    width: int = Field(default=64, ge=1, le=65_536)
    """Number of features per position. Default 64."""
    kernel_size: int = Field(default=3, ge=2, le=1024)
    """Kernel size of the `cnn`, in positions. Default 3."""
    window: int = Field(default=16, ge=2, le=65_536)
    """Window of the `mlp`: positions up to and including the current one. Default 16."""
    heads: int = Field(default=4, ge=1, le=1024)
    """Number of heads of `attention`. Default 4."""


class SequenceCostRow(Reply):
    """The costs of one sequence length."""

    length: int
    """Sequence length n, in positions."""
    compute: float
    """Multiplications and additions of the forward pass."""
    memory: float
    """Numbers stored for the backward pass."""
    sequential_steps: float
    """Steps that cannot run in parallel."""
    longest_path: float
    """Path length from the first position to the last, in layers or steps."""


class SequenceCost(Reply):
    """The costs of one kind of layer."""

    kind: SequenceReader
    """The kind of layer."""
    name: str
    """The name of the layer, e.g. `Convolution with a kernel of 3`."""
    compute_formula: str
    """Formula of the multiplications and additions of the forward pass, without biases and
    activations."""
    memory_formula: str
    """Formula of the numbers stored for the backward pass."""
    steps_formula: str
    """Formula of the steps that cannot run in parallel."""
    path_formula: str
    """Formula of the path length from the first position to the last, in layers or steps."""
    parameters: float
    """Number of parameters of one layer; it does not depend on the length."""
    parameters_formula: str
    """Formula of the number of parameters."""
    note: str
    """A remark on these costs, in a sentence."""
    rows: list[SequenceCostRow]
    """The costs of each length, in the order of the request."""


class SequenceCostSimulation(Reply):
    """The costs of all kinds of layers, with length n and width d."""

    kinds: list[SequenceCost]
    """The kinds `mlp`, `cnn`, `rnn`, `lstm`, `gru` and `attention`, in this order."""
    crossover_length: float
    """Sequence length above which attention takes more operations than an LSTM."""
    source: str
    """Source of the formulas."""
    verdict: str
    """Attention in comparison with an LSTM at the longest length, in a sentence."""
