"""A small network as steps: the weighted sum of each layer separate from its activation.

    input ──→ sum x·W + b ──→ activation ──→ sum ──→ activation ──→ output

The formulas come from the engine's layers, traced once for each network. All values, or all
gradients, are evaluated together.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import count

import numpy as np

from epochal_engine import (
    ACTIVATIONS,
    ActivationLayer,
    Add,
    Concatenate,
    Dense,
    Dropout,
    Flatten,
    Layer,
    LayerNorm,
    Network,
    Reshape,
    Residual,
    ShapeError,
    Slice,
)
from epochal_engine.model import INPUT, InitialValues, Scope, parameter_leaves, position_names
from epochal_engine.symbolic import Array, Plan, Shape, Symbol, leaf
from epochal_engine.training import new_parameters
from epochal_service.errors import FieldError, InvalidArgument
from epochal_service.specs.build import build_network

from ..specs.explorers.small_network import GivenWeights, SmallNetworkSpec

KINDS = (
    Dense,
    ActivationLayer,
    Dropout,
    LayerNorm,
    Residual,
    Flatten,
    Reshape,
    Slice,
    Add,
    Concatenate,
)
MAX_LAYERS = 32
MAX_PRODUCTS = 2_000
MAX_VALUES = 4_096


@dataclass(frozen=True, eq=False)
class Step:
    """One layer of the forward pass. The inner layers of a residual precede it."""

    name: str
    layer: Layer
    inputs: tuple[Symbol, ...]
    weighted_sum: Symbol | None
    """The sum before the activation of a dense layer; None for other layers."""
    output: Symbol


@dataclass(frozen=True, eq=False)
class Trace:
    """The formulas of a network for one sample: every array is `(1, …)`."""

    input: Symbol
    parameters: dict[str, Symbol]
    steps: tuple[Step, ...]

    @property
    def output(self) -> Symbol:
        """The prediction."""
        return self.steps[-1].output

    @cached_property
    def symbols(self) -> list[Symbol]:
        """The symbols of each step: inputs, weighted sum and output."""
        symbols = (
            symbol
            for step in self.steps
            for symbol in (*step.inputs, step.weighted_sum, step.output)
            if symbol is not None
        )
        return list(dict.fromkeys(symbols))

    @cached_property
    def plan(self) -> Plan:
        """The layout of all `symbols` in memory."""
        return Plan(self.symbols, np.float64)


@dataclass(frozen=True, eq=False)
class SmallNetwork:
    """A network with values for all of its parameters and its input."""

    network: Network
    trace: Trace
    weights: dict[str, Array]
    """By the names of `Network.parameters`, as float64."""
    input: Array
    """`(1, *input_shape)`."""

    @property
    def leaves(self) -> dict[Symbol, Array]:
        """The values of the input and the parameters, as `evaluate` takes them."""
        given = {self.trace.parameters[name]: array for name, array in self.weights.items()}
        return {self.trace.input: self.input, **given}


def small_network(spec: SmallNetworkSpec) -> SmallNetwork:
    """Return the network with its formulas and values.

    Raises `InvalidArgument` if it is too large, has a layer type that cannot be shown, or if its
    shapes, the input or the weights do not fit.
    """
    _check_layers(spec)
    try:
        network = build_network(spec.network)
    except ShapeError as error:
        raise InvalidArgument.of(FieldError(f"network.layers[{error.layer}]", str(error))) from None
    except ValueError as error:
        raise InvalidArgument.of(FieldError("network.layers", str(error))) from None
    trace = _traced(network)
    amounts = (
        (network.flops // 2, MAX_PRODUCTS, "products"),
        (sum(math.prod(step.output.shape) for step in trace.steps), MAX_VALUES, "numbers"),
    )
    for amount, most, what in amounts:
        if amount > most:
            raise InvalidArgument.of(
                FieldError(
                    "network.layers",
                    f"must make at most {most} {what}; got {amount}",
                ),
                reason="limit_exceeded",
            )
    numbers = math.prod(network.input_shape)
    if len(spec.input) != numbers:
        raise InvalidArgument.of(
            FieldError("input", f"must have {numbers} numbers; got {len(spec.input)}")
        )
    return SmallNetwork(
        network=network,
        trace=trace,
        weights=_weights(spec, network),
        input=np.array(spec.input, np.float64).reshape((1, *network.input_shape)),
    )


def _check_layers(spec: SmallNetworkSpec) -> None:
    allowed = tuple(kind.type for kind in KINDS)
    errors = []
    layers = 0
    pending = [(f"network.layers[{i}]", layer) for i, layer in enumerate(spec.network.layers)]
    while pending:
        path, layer = pending.pop()
        layers += 1
        if layer.type not in allowed:
            errors.append(
                FieldError(f"{path}.type", f"must be one of {', '.join(allowed)}; got {layer.type}")
            )
        for i, inner in enumerate(getattr(layer, "layers", ())):
            pending.append((f"{path}.layers[{i}]", inner))
    if layers > MAX_LAYERS:
        errors.append(FieldError("network.layers", f"must be at most {MAX_LAYERS}; got {layers}"))
    if math.prod(spec.network.input_shape) > MAX_VALUES:
        errors.append(FieldError("network.input_shape", f"must hold at most {MAX_VALUES} numbers"))
    if errors:
        raise InvalidArgument.of(*errors)


@lru_cache(maxsize=64)
def _traced(network: Network) -> Trace:
    x = leaf((1, *network.input_shape))
    parameters = parameter_leaves(network)

    def variable(name: str, shape: Shape, first: InitialValues, is_learned: bool) -> Symbol:
        return parameters[name]

    outputs = {INPUT: x}
    steps: list[Step] = []
    for name, layer, names in zip(network.names, network.layers, network.inputs, strict=True):
        scope = Scope(name, variable, None, {})
        steps += _steps(name, layer, scope, tuple(outputs[other] for other in names))
        outputs[name] = steps[-1].output
    return Trace(x, parameters, tuple(steps))


def _steps(name: str, layer: Layer, scope: Scope, inputs: tuple[Symbol, ...]) -> Iterator[Step]:
    """The layer, preceded by its inner layers."""
    if isinstance(layer, Residual):
        (y,) = inputs
        for inner, child in zip(position_names(layer.layers), layer.layers, strict=True):
            for step in _steps(f"{name}.{inner}", child, scope.within(inner), (y,)):
                yield step
                y = step.output
        yield Step(name, layer, (*inputs, y), None, inputs[0] + y)
        return
    if isinstance(layer, Dense):
        total = replace(layer, activation="linear").forward(scope, *inputs)
        yield Step(name, layer, inputs, total, ACTIVATIONS[layer.activation].traced(total))
        return
    yield Step(name, layer, inputs, None, layer.forward(scope, *inputs))


def _weights(spec: SmallNetworkSpec, network: Network) -> dict[str, Array]:
    weights = new_parameters(network, spec.seed)
    if spec.weights_from == "pattern":
        numbers = count()
        for name, array in weights.items():
            if name.endswith(".weight"):
                layer = next(numbers)
                weights[name] = pattern_weight(array.shape, layer)
                if (bias := name.removesuffix("weight") + "bias") in weights:
                    weights[bias] = pattern_bias(array.shape[1], layer)
    errors = []
    for index, given in enumerate(spec.weights):
        errors += _put(weights, given, f"weights[{index}]")
    if errors:
        raise InvalidArgument.of(*errors)
    return weights


def pattern_weight(shape: Shape, layer: int) -> Array:
    """Return 0.1·((3·o + 5·i + 7·l) mod 11 - 5): input i, unit o, dense layer l, `(i, o)`."""
    i, o = np.indices(shape)
    weight: Array = np.round(0.1 * ((3 * o + 5 * i + 7 * layer) % 11 - 5), 1)
    return weight


def pattern_bias(units: int, layer: int) -> Array:
    """Return 0.1·((o + l) mod 3 - 1) for unit o of dense layer l."""
    bias: Array = np.round(0.1 * ((np.arange(units) + layer) % 3 - 1), 1)
    return bias


def _put(weights: dict[str, Array], given: GivenWeights, path: str) -> list[FieldError]:
    """Replace the weights of one layer, and return the errors."""
    errors = []
    known = {name.rpartition(".")[0] for name in weights}
    if given.layer not in known:
        return [
            FieldError(
                f"{path}.layer", f"must be a layer with parameters: {', '.join(sorted(known))}"
            )
        ]
    for field in ("weight", "bias", "scale", "shift"):
        values: Sequence[object] | None = getattr(given, field)
        if values is None:
            continue
        name = f"{given.layer}.{field}"
        if name not in weights:
            errors.append(
                FieldError(f"{path}.{field}", f"must be left out: {given.layer} has no {field}")
            )
            continue
        if field == "weight" and len({len(row) for row in given.weight or ()}) > 1:
            errors.append(FieldError(f"{path}.{field}", "must have rows of equal length"))
            continue
        array = np.array(values, np.float64)
        if array.shape != weights[name].shape:
            needs = " x ".join(map(str, weights[name].shape))
            has = " x ".join(map(str, array.shape))
            errors.append(FieldError(f"{path}.{field}", f"must be {needs} numbers; got {has}"))
            continue
        weights[name] = array
    return errors
