"""Section 7 of the journey: what becomes of gradients on their way back."""

from __future__ import annotations

from dataclasses import dataclass

from ..records import Floats
from .activation import FlowLabel
from .explorer import Explorer
from .quantity import Quantity


@dataclass(frozen=True)
class GradientFlowLayer:
    name: str
    norm: float
    """‖∂L/∂W‖, the median over the seeds."""
    share: float
    """The norm over that of the last hidden layer."""
    norms: Floats
    """Of each seed."""


@dataclass(frozen=True)
class Remedy:
    """One change, with all else as it was asked for."""

    name: str
    description: str
    is_on: bool
    """Whether the network that was asked for has it."""
    ratio_off: float
    label_off: FlowLabel
    ratio_on: float
    label_on: FlowLabel
    norms_on: Floats
    """‖∂L/∂W‖ of each layer with it, medians over the seeds."""


@dataclass(frozen=True)
class GradientFlowSimulation:
    """How the gradient changes from layer to layer."""

    layers: tuple[GradientFlowLayer, ...]
    """From the first hidden layer to the output."""
    ratio: Quantity
    """The norm of the first hidden layer over that of the last one: the median over the seeds."""
    ratios: Floats
    """Of each seed."""
    label: FlowLabel
    vanishing_below: float
    exploding_above: float
    loss: float
    """Binary cross-entropy before any training, the median over the seeds."""
    remedies: tuple[Remedy, ...]
    verdict: str


@dataclass(frozen=True)
class VanishingBarsSimulation:
    """The bars of one draw of a small network, and how many draws give the same."""

    recipe: tuple[str, ...]
    """All that is needed to compute the bars anew."""
    norms: Floats
    """‖∂L/∂W‖ from the output layer back to the first one."""
    bars: tuple[Quantity, ...]
    """Each norm over that of the output layer, in the same order."""
    rounded: Floats
    target: Floats
    matches: bool
    """Whether this draw rounds to the target."""
    tried: int
    matching: int
    """How many of the draws that were tried round to exactly the target."""
    matching_seeds: tuple[int, ...]
    typical: Floats
    """The median of each bar over all draws that were tried."""
    verdict: str


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
