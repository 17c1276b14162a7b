"""Section 7 of the journey: a backward pass, with every slope on its way."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from ..specs import Spec
from ..types import BackwardSimulation
from .explorer import Explorer, by_layer


class BackwardExplorer(Explorer):
    """Part of `client.simulate`."""

    def backward(
        self,
        network: Spec,
        input: ArrayLike,
        target: ArrayLike,
        loss: str,
        *,
        weights: Mapping[str, ArrayLike] | None = None,
        weights_from: str | None = None,
        seed: int | None = None,
        learning_rate: float | None = None,
        check: bool | None = None,
    ) -> BackwardSimulation:
        """In which direction every weight should move for one sample: the chain rule, written out.

        The network and its weights are those of `forward`; `target` has a number for each output,
        or for `"cross_entropy"` a class, counted from 0. One step at the `learning_rate` is shown.
        `check` compares every slope with the difference that a small change of its parameter makes.

        >>> network = epochal.network([1], [epochal.dense(1)])
        >>> weights = {"dense_1.weight": [[2]], "dense_1.bias": [0]}
        >>> answer = client.simulate.backward(network, [3], [5], "mse", weights=weights)
        >>> answer.loss.value, answer.layers[0].parameters[0].gradient[0]
        (1.0, array([6.]))
        """
        return self._ask(
            "SimulateBackward",
            BackwardSimulation,
            network=network,
            input=np.ravel(input),
            target=np.ravel(target),
            loss=loss,
            weights=by_layer(weights),
            weights_from=weights_from,
            seed=seed,
            learning_rate=learning_rate,
            check=check,
        )
