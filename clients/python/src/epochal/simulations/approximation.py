"""Section 1 of the journey: one hidden layer comes near to any curve."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from ..types import ApproximationSimulation
from .explorer import Explorer


class ApproximationExplorer(Explorer):
    """Part of `client.simulate`."""

    def approximation(
        self,
        *,
        target: str | None = None,
        samples: int | None = None,
        inputs: ArrayLike | None = None,
        outputs: ArrayLike | None = None,
        activation: str | None = None,
        widths: Sequence[int] | None = None,
        seeds: int | None = None,
        seed: int | None = None,
        steps: int | None = None,
    ) -> ApproximationSimulation:
        """How near one hidden layer comes to a curve, for each width and seed.

        The curve is a `target` (`"sine"`, `"step"`, `"bump"`) at `samples` points (8 to 256), or
        your own `inputs` and `outputs` `(n,)`, 2 to 256 of them. `widths` are up to 8 numbers of
        hidden units, 1 to 64 each; every one is fitted from `seeds` starts (1 to 20, from `seed`
        on) in `steps` steps (1 to 400), within a budget of about 0.2 s.

        >>> fits = client.simulate.approximation(widths=[1, 4], seeds=3).widths
        >>> [fit.parameters for fit in fits], fits[1].median_error < fits[0].median_error
        ([4, 13], True)
        """
        return self._ask(
            "SimulateApproximation",
            ApproximationSimulation,
            target=target,
            samples=samples,
            inputs=None if inputs is None else np.ravel(inputs),
            outputs=None if outputs is None else np.ravel(outputs),
            activation=activation,
            widths=widths,
            seeds=seeds,
            seed=seed,
            steps=steps,
        )
