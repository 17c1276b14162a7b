"""Section 7 of the journey: a backward pass, with every slope on its way."""

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
class UnitGradient:
    """One number that a layer gives, and what the loss has against it."""

    gradient: Quantity | None
    """∂L/∂a, of the output; None where loss and activation are differentiated together."""
    slope: Quantity | None
    """f'(z), of the activation; None where there is no activation of single numbers."""
    delta: Quantity | None
    """δ = ∂L/∂z, before the activation; None for a layer without one."""


@dataclass(frozen=True)
class ParameterGradient:
    """One array that is learnt."""

    name: str
    """`weight`, `bias`, `scale` or `shift`."""
    gradient: tuple[Floats, ...]
    """`weight`: a row for each input, a column for each unit; others are one row."""
    slopes: tuple[Quantity, ...]
    """Each number of the gradient, row by row: how it comes about."""
    norm: Quantity
    update: Quantity
    """The step of gradient descent for the number with the largest slope."""
    after: tuple[Floats, ...]
    """All numbers after that step."""


@dataclass(frozen=True)
class BackwardLayer:
    """One layer of the way back."""

    name: str
    type: str
    formula: str
    """What the layer does to the gradient."""
    units: tuple[UnitGradient, ...]
    parameters: tuple[ParameterGradient, ...]
    input_gradients: tuple[Floats, ...]
    """∂L/∂x, an array for each that the layer takes."""


@dataclass(frozen=True)
class GradientCheck:
    """Every slope beside a difference, for which nothing but the loss is needed."""

    parameters: int
    step: float
    largest_difference: float
    """Relative to the larger of slope and difference."""
    parameter: str
    """Where, e.g. `dense_1.weight[0][2]`."""
    slope: float
    difference: float
    agrees: bool


@dataclass(frozen=True)
class BackwardSimulation:
    """The way back from the loss to every weight."""

    prediction: Floats
    target: Floats
    """As the loss takes it: a class as a row of 0 and 1."""
    loss: Quantity
    layers: tuple[BackwardLayer, ...]
    """From the last layer back to the first."""
    norm: Quantity
    """The length of the whole gradient."""
    loss_after: Quantity
    """The loss after the step of gradient descent."""
    check: GradientCheck | None
    """None unless asked for."""
    verdict: str


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
