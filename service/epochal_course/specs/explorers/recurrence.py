"""Request and reply of the recurrence explorer."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from epochal_service.specs.base import Reply, Seed, Spec

from .quantity import Quantity
from .small_network import Value

Cell = Literal["rnn", "lstm", "gru"]


class SimulateRecurrenceRequest(Spec):
    """A recurrent cell and its input sequence. Weights that are left out are drawn."""

    cell: Cell = "lstm"
    """The cell type: `rnn` (Elman, 1990), `lstm` (Hochreiter and Schmidhuber, 1997) or `gru` (Cho
    et al., 2014). Default `lstm`."""
    inputs: list[list[Value]] = Field(min_length=1, max_length=24)
    """The sequence: a row of 1 to 8 features for each time step."""
    units: int = Field(default=2, ge=1, le=8)
    """Number of units: the size of the hidden state. Default 2."""
    weight: list[list[Value]] | None = Field(default=None, min_length=1, max_length=8)
    """Input weights: a row for each feature, `gates · units` columns, gate by gate. `lstm`: input,
    forget, output, candidate; `gru`: update, reset, candidate; `rnn`: state.
    """
    recurrent: list[list[Value]] | None = Field(default=None, min_length=1, max_length=8)
    """Recurrent weights: a row for each unit, columns as in `weight`."""
    bias: list[Value] | None = Field(default=None, min_length=1, max_length=32)
    """Biases: one for each column of `weight`."""
    seed: Seed = 0
    """Random seed of the weights that are left out, as in a job with this seed. Default 0."""


class GateValues(Reply):
    """One gate at one time step."""

    name: str
    """The name of the gate, e.g. `forget` or `candidate`; a plain RNN has only `state`."""
    units: list[Quantity]
    """The value for each unit: in (0, 1), or in (-1, 1) for `candidate` and `state`."""


class RecurrenceStep(Reply):
    """One time step."""

    time_step: int
    """Number of the time step, from 1."""
    inputs: list[float]
    """The features of this time step."""
    gates: list[GateValues]
    """The gates in the order of their columns in `weight`."""
    cell: list[Quantity]
    """The cell state of an `lstm`; empty for other cells."""
    state: list[Quantity]
    """The hidden state, which is the output of this time step."""


class RecurrenceSimulation(Reply):
    """A recurrent cell, unrolled over a sequence."""

    formulas: list[str]
    """The formulas of the cell at time step t."""
    steps: list[RecurrenceStep]
    """The time steps, from the first to the last."""
    states: list[list[float]]
    """The hidden states: a row for each time step."""
    influence: list[float]
    """Influence of the input of each time step on the last hidden state: ‖∂h/∂x‖, the Frobenius
    norm of the Jacobian of the last hidden state."""
    weight: list[list[float]]
    """The input weights, as given or as drawn."""
    recurrent: list[list[float]]
    """The recurrent weights, as given or as drawn."""
    bias: list[float]
    """The biases, one for each column of `weight`."""
    parameters: Quantity
    """Number of parameters of the cell; all time steps share them."""
    verdict: str
    """How much the last hidden state remembers of the first time step, in a sentence."""
