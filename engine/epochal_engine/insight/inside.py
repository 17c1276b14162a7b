"""Intermediate results of a network: attention weights, activations, logits."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..model.losses import Loss
from ..model.network import Network, parameter_leaves
from ..model.predict import checked_parameters
from ..symbolic.plan import Plan, perform
from ..symbolic.trace import Array, Symbol, leaf


def attention_shapes(network: Network) -> dict[str, tuple[int, int, int]]:
    """Return heads, positions and memory positions of each attention, by the path of its layer.

    The path of an attention within another layer is as in `transformer_block_3.attention`.
    """
    _, _, observed = _traced(network, 1)
    shapes = {}
    for path, weights in observed.items():
        _, heads, positions, memory = weights.shape
        shapes[path] = (heads, positions, memory)
    return shapes


def attention_weights(
    network: Network, weights: Mapping[str, Array], inputs: Array
) -> dict[str, Array]:
    """Return the weights of each attention, `(n, heads, positions, memory positions)`, by path.

    The weights of a position are at least 0, and their sum is 1. `inputs` are `(n, *input_shape)`.
    Raises the errors of `predict`.
    """
    x, leaves, observed = _traced(network, len(inputs))
    return _computed(network, weights, inputs, x, leaves, observed)


def activations(
    network: Network, weights: Mapping[str, Array], inputs: Array, loss: Loss
) -> dict[str, Array]:
    """Return the outputs of each layer, `(n, *shape)`, by name, and the logits of the last one.

    The logits, under the name "logits", are what the output activation is applied to; they are
    absent where the loss needs none. Raises the errors of `predict`.
    """
    x, leaves = leaf((len(inputs), *network.input_shape)), parameter_leaves(network)
    outputs = dict(zip(network.names, network.forward(x, leaves), strict=True))
    if loss.output_activation is not None:
        outputs[LOGITS] = loss.logits(outputs[network.names[-1]])
    return _computed(network, weights, inputs, x, leaves, outputs)


LOGITS = "logits"
"""The name of the input of the output activation."""


def _traced(network: Network, samples: int) -> tuple[Symbol, dict[str, Symbol], dict[str, Symbol]]:
    """Return the symbols of the inputs, the parameters and the attention weights."""
    x, leaves = leaf((samples, *network.input_shape)), parameter_leaves(network)
    observed: dict[str, Symbol] = {}
    network.forward(x, leaves, observed=observed)
    return x, leaves, observed


def _computed(
    network: Network,
    weights: Mapping[str, Array],
    inputs: Array,
    x: Symbol,
    leaves: Mapping[str, Symbol],
    symbols: Mapping[str, Symbol],
) -> dict[str, Array]:
    parameters = checked_parameters(network, weights)
    dtype = next(iter(parameters.values())).dtype
    given = {x: np.ascontiguousarray(inputs, dtype)}
    given |= {leaves[name]: array for name, array in parameters.items()}
    results = {name: np.empty(symbol.shape, dtype) for name, symbol in symbols.items()}
    with np.errstate(all="ignore"):
        perform(Plan([*symbols.values()], dtype).bind(given, [*results.values()]))
    return results
