"""Explain a divergence: the layer where it began, what was observed, and a change to try."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..model.network import Network, parameter_leaves, parameter_views
from ..optimize.stopping import GROWTH
from ..symbolic.plan import evaluate
from ..symbolic.trace import Array, leaf
from .snapshots import LayerSlices, update_ratio
from .training import Training

SAMPLES_EXAMINED = 256
"""Samples on which the activations are examined."""


@dataclass(frozen=True)
class Divergence:
    """The layer where training diverged, and a change to try."""

    epoch: int
    layer: str
    """The first layer, in forward order, with a value that is not finite; if all values are finite,
    the layer with the largest last update relative to its parameters."""
    symptom: str
    suggestion: str


def explain(
    epoch: int,
    network: Network,
    training: Training,
    inputs: Array,
    parameters: Array,
    gradient: Array,
    step: Array,
    *,
    loss_is_finite: bool,
) -> Divergence:
    """Explain a divergence from the flat vectors as they were after the epoch, see `record_shapes`.

    `inputs` are the training inputs; `loss_is_finite` is whether the epoch's losses are finite.
    """
    cause = _first_non_finite(network, inputs, parameters, gradient)
    if cause is None:
        change = f"grew {GROWTH:.0f} times" if loss_is_finite else "became non-finite"
        cause = _most_changed(network, parameters, step), f"loss {change}"
    return Divergence(epoch, *cause, _suggestion(training))


def _first_non_finite(
    network: Network, inputs: Array, parameters: Array, gradient: Array
) -> tuple[str, str] | None:
    weights = parameter_views(network, parameters)
    gradients = parameter_views(network, gradient)
    activations = layer_outputs(network, weights, inputs[:SAMPLES_EXAMINED])
    for name, activation in zip(network.names, activations, strict=True):
        paths = [p for p in network.parameters if p.startswith(f"{name}.")]
        for noun, arrays in (
            ("weights", [weights[p] for p in paths]),
            ("gradient", [gradients[p] for p in paths if p in gradients]),
            ("activation", [activation]),
        ):
            if not all(np.isfinite(array).all() for array in arrays):
                return name, f"{noun} became non-finite"
    return None


def _most_changed(network: Network, parameters: Array, step: Array) -> str:
    segments = LayerSlices(network)
    norms = np.sqrt(segments.squares(np.stack([step, parameters[: len(step)]])))
    return segments.layers[int(update_ratio(norms[0], norms[1]).argmax())]


def layer_outputs(network: Network, weights: dict[str, Array], inputs: Array) -> list[Array]:
    """Return the output `(n, *shape)` of every layer for the inputs `(n, *input_shape)`."""
    x, leaves = leaf(inputs.shape), parameter_leaves(network)
    given = {leaves[name]: array for name, array in weights.items()}
    dtype = next(iter(weights.values())).dtype
    return evaluate(network.forward(x, leaves), {x: inputs, **given}, dtype)


def lower_rate(training: Training) -> float:
    """Return a tenth of the learning rate, at most the usual one of the optimizer."""
    optimizer = training.optimizer
    return float(f"{min(optimizer.learning_rate / 10.0, optimizer.usual_rate):.2g}")


def _suggestion(training: Training) -> str:
    rate = training.optimizer.learning_rate
    advice = f"Lower the learning rate from {rate:g} to {lower_rate(training):g}"
    if training.clip_norm is None:
        return f"{advice}, or clip the gradient to a norm of 1."
    return f"{advice}."
