"""Section 1 of the journey: one hidden layer approximates a curve."""

from __future__ import annotations

from collections.abc import Sequence

from ..arrays import ArrayLike
from ..types import ActivationName, ApproximationSimulation, ApproximationTarget
from .explorer import Explorer, flat


class ApproximationExplorer(Explorer):
    """Part of `client.simulate`."""

    def approximation(
        self,
        *,
        target: ApproximationTarget | None = None,
        samples: int | None = None,
        inputs: ArrayLike | None = None,
        outputs: ArrayLike | None = None,
        activation: ActivationName | None = None,
        widths: Sequence[int] | None = None,
        seeds: int | None = None,
        seed: int | None = None,
        steps: int | None = None,
        tolerance: float | None = None,
    ) -> ApproximationSimulation:
        """Fit a curve with one hidden layer, for each width and seed.

        The curve is a `target` at `samples` points (8 to 256), or your own `inputs` and `outputs`
        `(n,)` with 2 to 256 points. `widths` are up to 8 numbers of hidden units (1 to 64). Each
        width is fitted from `seeds` seeds (1 to 20), starting with `seed`, in at most `steps` steps
        (1 to 400), within a budget of about 0.2 s. A fit stops early when its error is at most
        `tolerance` (0 to 1) times that of the best constant.

        >>> fits = client.simulate.approximation(widths=[1, 4], seeds=3).widths
        >>> [fit.parameters for fit in fits], fits[1].median_error < fits[0].median_error
        ([4, 13], True)
        """
        return self._simulate(
            "SimulateApproximation",
            ApproximationSimulation,
            target=target,
            samples=samples,
            inputs=flat(inputs),
            outputs=flat(outputs),
            activation=activation,
            widths=widths,
            seeds=seeds,
            seed=seed,
            steps=steps,
            tolerance=tolerance,
        )
