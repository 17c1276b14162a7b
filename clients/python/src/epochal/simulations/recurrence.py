"""Section 9 of the journey: a recurrent cell along a sequence."""

from __future__ import annotations

from dataclasses import dataclass

from numpy.typing import ArrayLike

from ..records import Floats
from .explorer import Explorer
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


class RecurrenceExplorer(Explorer):
    """Part of `client.simulate`."""

    def recurrence(
        self,
        inputs: ArrayLike,
        *,
        cell: str | None = None,
        units: int | None = None,
        weight: ArrayLike | None = None,
        recurrent: ArrayLike | None = None,
        bias: ArrayLike | None = None,
        seed: int | None = None,
    ) -> RecurrenceSimulation:
        """A cell, `"rnn"`, `"lstm"` or `"gru"`, along a sequence `(places, features)`.

        At most 24 places of 8 features, and 8 `units`. `weight` `(features, gates · units)`,
        `recurrent` `(units, gates · units)` and `bias` `(gates · units,)` are drawn with the `seed`
        unless they are given.

        >>> answer = client.simulate.recurrence([[1], [0], [0]], cell="gru", units=2)
        >>> [state.shape for state in answer.states], answer.influence.shape
        ([(2,), (2,), (2,)], (3,))
        """
        return self._ask(
            "SimulateRecurrence",
            RecurrenceSimulation,
            inputs=inputs,
            cell=cell,
            units=units,
            weight=weight,
            recurrent=recurrent,
            bias=bias,
            seed=seed,
        )
