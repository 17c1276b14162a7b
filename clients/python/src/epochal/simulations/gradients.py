"""Section 7 of the journey: vanishing and exploding gradients."""

from __future__ import annotations

from ..types import (
    ActivationName,
    GradientFlowSimulation,
    InitializerName,
    Normalization,
    VanishingBarsSimulation,
)
from .explorer import Explorer


class GradientsExplorer(Explorer):
    """Part of `client.simulate`."""

    def gradient_flow(
        self,
        *,
        depth: int | None = None,
        width: int | None = None,
        activation: ActivationName | None = None,
        initializer: InitializerName | None = None,
        gain: float | None = None,
        residual: bool | None = None,
        normalization: Normalization | None = None,
        samples: int | None = None,
        seed: int | None = None,
        seeds: int | None = None,
    ) -> GradientFlowSimulation:
        """Compute gradient norms through `depth` layers (2 to 32), with the effect of remedies.

        The network has `width` units in each layer (1 to 64) and initial weights from its
        `initializer`, multiplied by `gain`. It sees `samples` random samples (1 to 256). The reply
        has medians over `seeds` seeds (1 to 25), starting with `seed`.

        >>> client.simulate.gradient_flow(activation="sigmoid", depth=10).label
        'vanishing'
        """
        return self._simulate(
            "SimulateGradientFlow",
            GradientFlowSimulation,
            depth=depth,
            width=width,
            activation=activation,
            initializer=initializer,
            gain=gain,
            residual=residual,
            normalization=normalization,
            samples=samples,
            seed=seed,
            seeds=seeds,
        )

    def vanishing_bars(
        self,
        *,
        seed: int | None = None,
        first_seed: int | None = None,
        seeds: int | None = None,
    ) -> VanishingBarsSimulation:
        """Compute relative gradient norms of a small network, and count the seeds that give 1.00,
        .35, .08, .01.

        The reply shows the norms for one `seed`, and counts matches among `seeds` seeds (1 to
        5,000), starting with `first_seed`.

        >>> client.simulate.vanishing_bars(seed=889, seeds=1).matches_target
        True
        """
        return self._simulate(
            "SimulateVanishingBars",
            VanishingBarsSimulation,
            seed=seed,
            first_seed=first_seed,
            seeds=seeds,
        )
