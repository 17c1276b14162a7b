"""A recurrent layer along a sequence, as it may be asked for."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ..base import Reply, Seed, Spec
from .quantity import Quantity
from .small_network import Value

Cell = Literal["rnn", "lstm", "gru"]


class SimulateRecurrenceRequest(Spec):
    """A sequence, and the cell that reads it; weights that are not given are drawn."""

    cell: Cell = "lstm"
    """The kind: `rnn` (Elman, 1990), `lstm` (Hochreiter and Schmidhuber, 1997) or `gru` (Cho et
    al., 2014)."""
    inputs: list[list[Value]] = Field(min_length=1, max_length=24)
    """A row for each place, of at most 8 features."""
    units: int = Field(default=2, ge=1, le=8)
    """Numbers of the state that the cell hands on."""
    weight: list[list[Value]] | None = Field(default=None, min_length=1, max_length=8)
    """A row for each feature, `gates · units` columns, one gate after the other: `lstm`: input,
    forget, output, candidate; `gru`: update, reset, candidate; `rnn`: state.
    """
    recurrent: list[list[Value]] | None = Field(default=None, min_length=1, max_length=8)
    """A row for each unit, columns as in `weight`."""
    bias: list[Value] | None = Field(default=None, min_length=1, max_length=32)
    """One for each column of `weight`."""
    seed: Seed = 0
    """Weights that are not given are drawn as a job with this seed would draw them."""


class GateValues(Reply):
    """One gate at one place."""

    name: str
    """E.g. `forget`, or `candidate` for what might be added; a plain RNN has only `state`."""
    units: list[Quantity]
    """One for each unit: from 0 (shut) to 1 (open), or from -1 to 1 for `candidate` and `state`."""


class RecurrenceStep(Reply):
    """One place of the sequence."""

    place: int
    """Counted from 1."""
    inputs: list[float]
    """The features at this place."""
    gates: list[GateValues]
    """In the order of their columns in `weight`."""
    cell: list[Quantity]
    """`lstm`: what is remembered; empty for the others."""
    state: list[Quantity]
    """What the cell puts out, and hands on to the next place."""


class RecurrenceSimulation(Reply):
    """The cell, unrolled over the sequence."""

    formulas: list[str]
    """What the cell computes at each place t."""
    steps: list[RecurrenceStep]
    """The places, from the first to the last."""
    states: list[list[float]]
    """A row for each place."""
    influence: list[float]
    """‖∂(sum of the last state)/∂x‖ of each place: how much the end still knows of it."""
    weight: list[list[float]]
    """From the features, in the shape of the request; as given, or as drawn."""
    recurrent: list[list[float]]
    """From the state before, in the shape of the request; as given, or as drawn."""
    bias: list[float]
    """One for each column of `weight`."""
    parameters: Quantity
    """Trainable numbers of the cell; all places share them."""
    verdict: str
    """How much the end still knows of the beginning, in a sentence."""
