"""Section 2 of the journey: a neuron that learns from its mistakes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from ..types import PerceptronSimulation
from .explorer import Explorer


class PerceptronExplorer(Explorer):
    """Part of `client.simulate`."""

    def perceptron(
        self,
        table: str | None = None,
        *,
        targets: Sequence[int] | None = None,
        points: ArrayLike | None = None,
        learning_rate: float | None = None,
        epochs: int | None = None,
        order: Sequence[int] | None = None,
        weights: Sequence[float] | None = None,
        bias: float | None = None,
    ) -> PerceptronSimulation:
        """Perceptron learning, update by update, and whether any line could do it, with a proof.

        What to learn is a truth table of two inputs by its name, or `targets` `(n,)` of 0 and 1 for
        your own `points` `(n, d)`, at most 64 of 8 numbers. It starts from `weights` `(d,)` and
        `bias`, zeros unless you say otherwise, meets the points in an `order` (places from 0) and
        ends with the first epoch without an error, or after `epochs`; epochs times points may be
        1,000.

        >>> client.simulate.perceptron("and").weights
        array([2., 1.])
        >>> client.simulate.perceptron("xor").separable
        False
        """
        return self._ask(
            "SimulatePerceptron",
            PerceptronSimulation,
            table=table,
            targets=targets,
            points=None if points is None else np.asarray(points),
            learning_rate=learning_rate,
            epochs=epochs,
            order=order,
            weights=weights,
            bias=bias,
        )
