"""Section 9 of the journey: a recurrent cell along a sequence."""

from __future__ import annotations

from dataclasses import dataclass

from ..records import Floats
from .quantity import Quantity


@dataclass(frozen=True)
class GateValues:
    """One gate at one place."""

    name: str
    units: tuple[Quantity, ...]


@dataclass(frozen=True)
class RecurrenceStep:
    """One place of the sequence."""

    place: int
    """Counted from 1."""
    inputs: Floats
    gates: tuple[GateValues, ...]
    cell: tuple[Quantity, ...]
    """`lstm`: what is remembered; empty for the others."""
    state: tuple[Quantity, ...]
    """What the cell puts out, and hands on to the next place."""


@dataclass(frozen=True)
class RecurrenceSimulation:
    """The cell, unrolled over the sequence."""

    formulas: tuple[str, ...]
    steps: tuple[RecurrenceStep, ...]
    states: tuple[Floats, ...]
    """A row for each place."""
    influence: Floats
    """‖∂(sum of the last state)/∂x‖ of each place: how much the end still knows of it."""
    weight: tuple[Floats, ...]
    recurrent: tuple[Floats, ...]
    bias: Floats
    parameters: Quantity
    verdict: str
