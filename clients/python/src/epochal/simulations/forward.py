"""Section 5 of the journey: the forward pass."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from ..specs import Spec
from ..types import ForwardSimulation
from .explorer import Explorer, by_layer


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
