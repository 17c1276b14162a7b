"""Shapes, parameters and operations of a network before it is trained."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..symbolic.trace import Shape
from .network import Network


@dataclass(frozen=True)
class LayerSummary:
    """One layer."""

    name: str
    type: str
    output_shape: Shape
    """The shape of one sample."""
    parameters: int
    parameters_formula: str
    """The calculation of `parameters`, as in "4·3 + 4"."""
    flops: int
    """Operations of the forward pass of one sample, see `Network.layer_flops`."""
    activation: str | None
    """None for a layer that has none."""
    initializer: str | None
    """The initializer in effect; None for a layer without weights."""


@dataclass(frozen=True)
class Summary:
    """Totals of a network, with and without the input as a layer of neurons.

    Only layers with weights count; a dropout has none.
    """

    layers: tuple[LayerSummary, ...]
    parameters: int
    flops: int
    layers_with_input: int
    layers_without_input: int
    neurons_with_input: int
    neurons_without_input: int


def summarize(network: Network) -> Summary:
    """Count a network's layers, neurons, parameters and floating-point operations."""
    rows = []
    neurons = []
    for index, (name, layer) in enumerate(zip(network.names, network.layers, strict=True)):
        learned = {
            parameter: shape
            for parameter, shape in network.parameters.items()
            if parameter.startswith(f"{name}.") and parameter not in network.running
        }
        after = network.shapes[index + 1]
        rows.append(
            LayerSummary(
                name=name,
                type=layer.type,
                output_shape=after,
                parameters=sum(map(math.prod, learned.values())),
                parameters_formula=" + ".join(map(_product, learned.values())) or "0",
                flops=network.layer_flops[index],
                activation=getattr(layer, "activation", None),
                initializer=getattr(layer, "initializer_name", None),
            )
        )
        if any(parameter.endswith(".weight") for parameter in learned):
            neurons.append(math.prod(after))
    inputs = math.prod(network.input_shape)
    return Summary(
        layers=tuple(rows),
        parameters=sum(row.parameters for row in rows),
        flops=sum(row.flops for row in rows),
        layers_with_input=len(neurons) + 1,
        layers_without_input=len(neurons),
        neurons_with_input=sum(neurons) + inputs,
        neurons_without_input=sum(neurons),
    )


def _product(shape: Shape) -> str:
    """The number of elements as a product, outputs first, as in "4·3"."""
    return "·".join(map(str, reversed(shape)))
