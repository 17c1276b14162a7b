"""Section 2 of the journey: the perceptron, which learns from its errors."""

from __future__ import annotations

from collections.abc import Sequence

from ..arrays import ArrayLike
from ..types import PerceptronSimulation, TruthTableName
from .explorer import Explorer


class PerceptronExplorer(Explorer):
    """Part of `client.simulate`."""

    def perceptron(
        self,
        table: TruthTableName | None = None,
        *,
        targets: Sequence[int] | None = None,
        points: ArrayLike | None = None,
        learning_rate: float | None = None,
        epochs: int | None = None,
        order: Sequence[int] | None = None,
        weights: Sequence[float] | None = None,
        bias: float | None = None,
    ) -> PerceptronSimulation:
        """Run the perceptron learning rule update by update, and prove whether a line separates.

        Give the `table` of a truth function of two inputs, or your own `points` `(n, d)`, at most
        64 points of 8 numbers, with `targets` `(n,)` of 0 and 1. `weights` `(d,)` and `bias` are
        the initial parameters, 0 by default. `order` has the indices of the points in the order of
        training. Training ends after an epoch without errors, or after `epochs`; epochs times
        points are at most 1,000.

        >>> client.simulate.perceptron("and").weights
        array([2., 1.])
        >>> client.simulate.perceptron("xor").separable
        False
        """
        return self._simulate(
            "SimulatePerceptron",
            PerceptronSimulation,
            table=table,
            targets=targets,
            points=points,
            learning_rate=learning_rate,
            epochs=epochs,
            order=order,
            weights=weights,
            bias=bias,
        )
