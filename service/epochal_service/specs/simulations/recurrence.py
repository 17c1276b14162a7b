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
    inputs: list[list[Value]] = Field(min_length=1, max_length=24)
    """A row for each place, of at most 8 features."""
    units: int = Field(default=2, ge=1, le=8)
    weight: list[list[Value]] | None = Field(default=None, min_length=1, max_length=8)
    """A row for each feature, `gates · units` columns, one gate after the other: `lstm`: input,
    forget, output, candidate; `gru`: update, reset, candidate; `rnn`: state.
    """
    recurrent: list[list[Value]] | None = Field(default=None, min_length=1, max_length=8)
    """A row for each unit, columns as in `weight`."""
    bias: list[Value] | None = Field(default=None, min_length=1, max_length=32)
    """One for each column of `weight`."""
    seed: Seed = 0


class GateValues(Reply):
    """One gate at one place."""

    name: str
    units: list[Quantity]


class RecurrenceStep(Reply):
    """One place of the sequence."""

    place: int
    """Counted from 1."""
    inputs: list[float]
    gates: list[GateValues]
    cell: list[Quantity]
    """`lstm`: what is remembered; empty for the others."""
    state: list[Quantity]
    """What the cell puts out, and hands on to the next place."""


class RecurrenceSimulation(Reply):
    """The cell, unrolled over the sequence."""

    formulas: list[str]
    steps: list[RecurrenceStep]
    states: list[list[float]]
    """A row for each place."""
    influence: list[float]
    """‖∂(sum of the last state)/∂x‖ of each place: how much the end still knows of it."""
    weight: list[list[float]]
    recurrent: list[list[float]]
    bias: list[float]
    parameters: Quantity
    verdict: str
