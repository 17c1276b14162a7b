"""Section 7 of the journey: what becomes of gradients on their way back."""

from __future__ import annotations

from ..types import GradientFlowSimulation, VanishingBarsSimulation
from .explorer import Explorer


class GradientsExplorer(Explorer):
    """Part of `client.simulate`."""

    def gradient_flow(
        self,
        *,
        depth: int | None = None,
        width: int | None = None,
        activation: str | None = None,
        initializer: str | None = None,
        gain: float | None = None,
        residual: bool | None = None,
        normalization: str | None = None,
        samples: int | None = None,
        seed: int | None = None,
        seeds: int | None = None,
    ) -> GradientFlowSimulation:
        """How gradients shrink or grow through `depth` layers (2 to 32), and what each remedy does.

        A real network of `width` units a layer (1 to 64), fresh from its `initializer`, whose
        weights are multiplied by `gain`, and `samples` random samples (1 to 256); drawn anew for
        `seeds` seeds (1 to 25, from `seed` on), of which the medians are told. `normalization` is
        `"none"`, `"layer_norm"` or `"batch_norm"`.

        >>> client.simulate.gradient_flow(activation="sigmoid", depth=10).label
        'vanishing'
        """
        return self._ask(
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
        """The bars 1.00, .35, .08, .01 from a real network, and how many draws give them.

        The bars of the draw `seed` are told; `seeds` draws (1 to 5,000), from `first_seed` on, are
        counted.

        >>> client.simulate.vanishing_bars(seed=889, seeds=1).matches
        True
        """
        return self._ask(
            "SimulateVanishingBars",
            VanishingBarsSimulation,
            seed=seed,
            first_seed=first_seed,
            seeds=seeds,
        )
