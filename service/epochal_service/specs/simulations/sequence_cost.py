"""What it costs to read a sequence, as it may be asked for."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ..base import Reply, Spec

SequenceReader = Literal["mlp", "cnn", "rnn", "lstm", "gru", "attention"]


class SimulateSequenceCostRequest(Spec):
    """One layer of each kind, from `width` features to as many, at every place of a sequence."""

    lengths: list[Annotated[int, Field(ge=1, le=10_000_000)]] = Field(
        default_factory=lambda: [16, 64, 256, 1024, 4096, 16384],
        min_length=1,
        max_length=32,
    )
    """Of the sequence: how many places it has."""
    width: int = Field(default=64, ge=1, le=65_536)
    """Features of each place."""
    kernel: int = Field(default=3, ge=2, le=1024)
    """`cnn`: places that its window spans."""
    window: int = Field(default=16, ge=2, le=65_536)
    """`mlp`: the places before each that it sees, itself included."""
    heads: int = Field(default=4, ge=1, le=1024)
    """`attention`: each with a table of weights of its own."""


class SequenceCostRow(Reply):
    """One length."""

    length: int
    """Places of the sequence, n."""
    compute: float
    """Multiplications and additions of the way forward."""
    memory: float
    """Numbers that are kept for the way back."""
    sequential_steps: float
    """Steps of which each has to wait for the one before."""
    longest_path: float
    """Layers, or steps, between the first place and the last one."""


class SequenceCost(Reply):
    """One kind of layer."""

    kind: SequenceReader
    """How the layer reads the sequence."""
    name: str
    """In words, e.g. `Convolution with a kernel of 3`."""
    compute_formula: str
    """Multiplications and additions of the way forward, without biases and activations."""
    memory_formula: str
    """Numbers that are kept for the way back."""
    steps_formula: str
    """Steps of which each has to wait for the one before."""
    path_formula: str
    """Layers, or steps, that a signal passes between the first place and the last one."""
    parameters: float
    """Trainable numbers of one layer; they do not depend on the length."""
    parameters_formula: str
    """How they are counted."""
    note: str
    """What to know about these figures, in a sentence."""
    rows: list[SequenceCostRow]
    """One for each length, in the order asked for."""


class SequenceCostSimulation(Reply):
    """All kinds side by side, n for the length and d for the width."""

    kinds: list[SequenceCost]
    """`mlp`, `cnn`, `rnn`, `lstm`, `gru` and `attention`, in this order."""
    crossover: float
    """The length from which on attention's compute is more than that of an LSTM."""
    source: str
    """Where the orders of growth come from."""
    verdict: str
    """Attention beside an LSTM at the longest length, in a sentence."""
