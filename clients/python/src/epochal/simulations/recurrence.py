"""Section 9 of the journey: a recurrent cell along a sequence."""

from __future__ import annotations

from numpy.typing import ArrayLike

from ..types import RecurrenceSimulation
from .explorer import Explorer


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
