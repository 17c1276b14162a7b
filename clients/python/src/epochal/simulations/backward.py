"""Section 7 of the journey: the backward pass, with every derivative."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from ..arrays import ArrayLike
from ..specs import Spec
from ..types import BackwardSimulation, LossName, NetworkSpec
from .explorer import Explorer, by_layer, flat


class BackwardExplorer(Explorer):
    """Part of `client.simulate`."""

    def backward(
        self,
        network: NetworkSpec | Spec,
        input: ArrayLike,
        target: ArrayLike,
        loss: LossName,
        *,
        weights: Mapping[str, ArrayLike] | None = None,
        weights_from: Literal["seed", "pattern"] | None = None,
        seed: int | None = None,
        learning_rate: float | None = None,
        check: bool | None = None,
    ) -> BackwardSimulation:
        """Compute the gradient of every parameter for one sample: the chain rule, step by step.

        Network and weights are as in `forward`. `target` has one number for each output, or a class
        index for "cross_entropy". The reply shows one step at the `learning_rate`. With `check`,
        each derivative is compared with a finite difference.

        >>> network = epochal.network([1], [epochal.dense(1)])
        >>> weights = {"dense_1.weight": [[2]], "dense_1.bias": [0]}
        >>> reply = client.simulate.backward(network, [3], [5], "mse", weights=weights)
        >>> reply.loss.value, reply.layers[0].parameters[0].gradient[0]
        (1.0, array([6.]))
        """
        return self._simulate(
            "SimulateBackward",
            BackwardSimulation,
            network=network,
            input=flat(input),
            target=flat(target),
            loss=loss,
            weights=by_layer(weights),
            weights_from=weights_from,
            seed=seed,
            learning_rate=learning_rate,
            check=check,
        )
