"""Section 5 of the journey: the forward pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..records import Floats
from ..specs import Spec
from .explorer import Explorer, by_layer
from .quantity import Quantity


@dataclass(frozen=True)
class UnitTrace:
    """One number that a layer gives, and how it comes about."""

    products: Floats
    """Of a dense layer: each input times its weight."""
    weighted_sum: Quantity | None
    output: Quantity


@dataclass(frozen=True)
class LayerTrace:
    """One layer of the way."""

    name: str
    type: str
    formula: str
    inputs: tuple[Floats, ...]
    """An array for each one that it takes: of a residual its input and what its layers made."""
    statistics: tuple[Quantity, ...]
    """What all units share: mean and variance of a `layer_norm`, the sum of a softmax."""
    units: tuple[UnitTrace, ...]
    output: Floats
    output_shape: tuple[int, ...]
    flops: Quantity


@dataclass(frozen=True)
class ForwardSimulation:
    """What a network makes of an input, layer by layer."""

    layers: tuple[LayerTrace, ...]
    output: Floats
    output_shape: tuple[int, ...]
    parameters: int
    flops: Quantity
    verdict: str


class ForwardExplorer(Explorer):
    """Part of `client.simulate`."""

    def forward(
        self,
        network: Spec,
        input: ArrayLike,
        *,
        weights: Mapping[str, ArrayLike] | None = None,
        weights_from: str | None = None,
        seed: int | None = None,
    ) -> ForwardSimulation:
        """What a small network makes of an input: every product, sum and activation, explained.

        `input` has the numbers of one sample, in any shape. `weights` are named as in a checkpoint,
        e.g. `{"dense_1.weight": …}` `(inputs, units)`; those that are not given are drawn with the
        `seed`, or come from the `"pattern"` if `weights_from` says so. One sample may meet 2,000
        weights.

        >>> network = epochal.network([2], [epochal.dense(1)])
        >>> weights = {"dense_1.weight": [[2], [3]], "dense_1.bias": [1]}
        >>> client.simulate.forward(network, [10, 100], weights=weights).output
        array([321.])
        """
        return self._ask(
            "SimulateForward",
            ForwardSimulation,
            network=network,
            input=np.ravel(input),
            weights=by_layer(weights),
            weights_from=weights_from,
            seed=seed,
        )
