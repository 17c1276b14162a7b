"""Section 5 of the journey: the forward pass."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from ..arrays import ArrayLike
from ..specs import Spec
from ..types import ForwardSimulation, NetworkSpec
from .explorer import Explorer, by_layer, flat


class ForwardExplorer(Explorer):
    """Part of `client.simulate`."""

    def forward(
        self,
        network: NetworkSpec | Spec,
        input: ArrayLike,
        *,
        weights: Mapping[str, ArrayLike] | None = None,
        weights_from: Literal["seed", "pattern"] | None = None,
        seed: int | None = None,
    ) -> ForwardSimulation:
        """Compute the forward pass of a small network: every product, sum and activation.

        `input` has the numbers of one sample, in any shape. `weights` has the names of a
        checkpoint, e.g. `{"dense_1.weight": …}` `(inputs, units)`. All other weights are drawn with
        the `seed`, or follow a fixed pattern if `weights_from` is "pattern". The network may have
        up to 2,000 weights.

        >>> network = epochal.network([2], [epochal.dense(1)])
        >>> weights = {"dense_1.weight": [[2], [3]], "dense_1.bias": [1]}
        >>> client.simulate.forward(network, [10, 100], weights=weights).output
        array([321.])
        """
        return self._simulate(
            "SimulateForward",
            ForwardSimulation,
            network=network,
            input=flat(input),
            weights=by_layer(weights),
            weights_from=weights_from,
            seed=seed,
        )
