"""Section 9 of the journey: a recurrent cell along a sequence."""

from __future__ import annotations

from ..arrays import ArrayLike
from ..types import Cell, RecurrenceSimulation
from .explorer import Explorer


class RecurrenceExplorer(Explorer):
    """Part of `client.simulate`."""

    def recurrence(
        self,
        inputs: ArrayLike,
        *,
        cell: Cell | None = None,
        units: int | None = None,
        weight: ArrayLike | None = None,
        recurrent: ArrayLike | None = None,
        bias: ArrayLike | None = None,
        seed: int | None = None,
    ) -> RecurrenceSimulation:
        """Compute the gates and states of a recurrent cell for each step of a sequence.

        `inputs` `(steps, features)` has at most 24 steps of 8 features; the cell has at most 8
        `units`. `weight` `(features, gates · units)`, `recurrent` `(units, gates · units)` and
        `bias` `(gates · units,)` are drawn with the `seed` by default.

        >>> reply = client.simulate.recurrence([[1], [0], [0]], cell="gru", units=2)
        >>> [state.shape for state in reply.states], reply.influence.shape
        ([(2,), (2,), (2,)], (3,))
        """
        return self._simulate(
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
