"""Activation functions: values, derivatives, saturation, and chains of them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from epochal_engine import ACTIVATIONS, Activation
from epochal_service.errors import FieldError, InvalidArgument

from ..specs.explorers.activation import (
    ActivationChainSimulation,
    ActivationCurve,
    ActivationSimulation,
    ChainLayer,
    FlowLabel,
    Interval,
    SimulateActivationChainRequest,
    SimulateActivationRequest,
)
from ..specs.explorers.quantity import Quantity
from .explorer import Explorer
from .formulas import (
    ROUNDED,
    Expression,
    activation_function,
    expression,
    number,
    put_in,
    quantity,
    sum_of_products,
)

Floats = NDArray[np.float64]

VANISHING_BELOW, EXPLODING_ABOVE = 0.01, 100.0
CONVENTIONS = {
    "step": "The step function jumps at 0 and has no derivative there. Its derivative is taken as "
    "0 everywhere; its value at 0 is 1.",
    "relu": "At 0 the derivative jumps from 0 to 1. It is taken as 0.",
    "leaky_relu": "At 0 the derivative jumps from 0.01 to 1. It is taken as 0.01, its value on the "
    "left.",
    "selu": "At 0 the derivative jumps from 1.7581 to 1.0507. It is taken as 1.7581, its value on "
    "the left.",
}
"""Notes on the activations without a derivative at 0."""


def elementwise(name: str, field: str) -> Activation:
    """Return the activation of this name.

    Raises `InvalidArgument` for softmax: its outputs depend on each other.
    """
    activation = ACTIVATIONS[name]
    if not activation.is_elementwise:
        raise InvalidArgument.of(
            FieldError(
                field,
                f"must be an activation that applies to each number alone; got {name}, which "
                "normalizes several numbers together",
            )
        )
    return activation


def activation(request: SimulateActivationRequest) -> ActivationSimulation:
    """Compute value, derivative, curve and saturation of one or more activations.

    Raises `InvalidArgument` for softmax, and for an empty range.
    """
    if request.minimum >= request.maximum:
        raise InvalidArgument.of(
            FieldError(
                "maximum",
                f"must be greater than minimum, {request.minimum:g}; got {request.maximum:g}",
            )
        )
    chosen = [elementwise(name, f"activations[{i}]") for i, name in enumerate(request.activations)]
    xs = np.linspace(request.minimum, request.maximum, request.points)
    curves = [_curve(activation, request, xs) for activation in chosen]
    most = max(curves, key=lambda curve: abs(curve.derivative.value))
    return ActivationSimulation(
        x_values=xs.tolist(),
        activations=curves,
        verdict=(
            f"At x = {number(request.x)}, {most.activation} passes on "
            f"{100 * abs(most.derivative.value):.4g} % of a gradient"
            + (", the most of these activations." if len(curves) > 1 else ".")
        ),
    )


def _curve(
    activation: Activation, request: SimulateActivationRequest, xs: Floats
) -> ActivationCurve:
    # In one call each: the points of the curve, 0, and the point to explain.
    points = np.append(xs, [0.0, request.x])
    values, derivatives = activation.function(points), activation.derivative(points)
    searched = _search_points(request.minimum, request.maximum)
    sizes = np.abs(activation.derivative(searched))
    largest, where = _largest(activation, searched, sizes)
    saturated = _intervals(
        lambda x: np.abs(activation.derivative(x)) < request.saturation_below,
        searched,
        sizes < request.saturation_below,
    )
    width = request.maximum - request.minimum
    return ActivationCurve(
        activation=activation.name,
        formula=activation.formula,
        derivative_formula=activation.derivative_formula,
        range=activation.range,
        value=explained(activation.name, activation.formula, request.x, float(values[-1])),
        derivative=explained(
            f"{activation.name}'", activation.derivative_formula, request.x, float(derivatives[-1])
        ),
        values=values[:-2].tolist(),
        derivatives=derivatives[:-2].tolist(),
        largest_derivative=largest,
        largest_derivative_at=where,
        saturation=saturated,
        saturated_fraction=sum((interval.end - interval.start) / width for interval in saturated),
        value_at_zero=float(values[-2]),
        derivative_at_zero=float(derivatives[-2]),
        convention=CONVENTIONS.get(activation.name),
    )


def _search_points(low: float, high: float) -> Floats:
    """Points of a range, closer together near 0, where activations curve, and 0 itself."""
    near = np.clip(np.linspace(-8.0, 8.0, 257), low, high)
    return np.union1d(np.linspace(low, high, 257), near)


def _largest(activation: Activation, xs: Floats, sizes: Floats) -> tuple[float, Interval]:
    """The largest |f'| between the first and the last point, and where it is."""
    top = float(sizes.max())
    if np.count_nonzero(sizes == top) > 2:
        # A plateau, not a peak.
        (interval, *_) = _intervals(
            lambda x: np.abs(activation.derivative(x)) >= top * (1.0 - 1e-9), xs, sizes == top
        )
        return top, interval
    index = int(sizes.argmax())
    at, low, high = (float(xs[k]) for k in (index, 0, -1))
    width = float(np.diff(xs)[max(index - 1, 0) : index + 1].max())
    while width > 1e-8 * max(1.0, abs(at)):
        near = np.clip(np.append(np.linspace(at - width, at + width, 65), 0.0), low, high)
        near_sizes = np.abs(activation.derivative(near))
        if near_sizes.max() > top:
            at, top = float(near[near_sizes.argmax()]), float(near_sizes.max())
        width /= 16.0
    return top, Interval(start=at, end=at)


def _intervals(
    holds: Callable[[Floats], NDArray[np.bool_]], xs: Floats, held: NDArray[np.bool_]
) -> list[Interval]:
    """The intervals in which `holds` is true; `held` says at which of the points it is."""
    changes = np.flatnonzero(held[1:] != held[:-1])
    inside = np.where(held[changes], xs[changes], xs[changes + 1])
    outside = np.where(held[changes], xs[changes + 1], xs[changes])
    edge = np.arange(len(changes))
    steps = np.arange(33.0)[:, None]
    for _ in range(7 if len(changes) else 0):
        # From inside to outside in 32 steps: the edge is between two of them.
        between = inside + steps * ((outside - inside) / 32.0)
        between[-1] = outside
        false = np.maximum(np.argmin(holds(between), axis=0), 1)
        inside, outside = between[false - 1, edge], between[false, edge]
    edges = [*xs[:1][held[:1]], *inside, *xs[-1:][held[-1:]]]
    return [
        Interval(start=float(start), end=float(end))
        for start, end in zip(edges[::2], edges[1::2], strict=True)
    ]


def explained(function: str, formula: str, x: float, value: float) -> Quantity:
    """Return `f(x)` by a formula of the engine's table, with the number in place of x."""
    symbol = f"{function}(x)"
    branch, condition = formula, ""
    if branches := re.fullmatch(r"(.*) if x (.) 0 else (.*)", formula):
        above, relation, below = branches.groups()
        is_above = x > 0 or (x == 0 and relation == "≥")
        branch = above if is_above else below
        relation = relation if is_above else "≤" if x == 0 else "<"
        condition = f"{number(x)} {relation} 0, so "
    return quantity(
        symbol,
        value,
        formula,
        expression(f"{function}({{}})", x),
        *applied(branch, x),
        condition=condition,
        subject="",
    )


def applied(formula: str, x: float) -> list[Expression]:
    """Return the sides of a formula of the engine's table with numbers in place of symbols."""
    body, _, auxiliary = formula.partition(" with t = ")
    numbers = {"x": x} | ROUNDED
    if auxiliary:
        return [put_in(body, t=activation_function(auxiliary)(x), **numbers)]
    return [put_in(side, **numbers) for side in body.split(" = ")]


# ---------------------------------------------------------------- chain


@dataclass(frozen=True)
class _Chain:
    """A signal and its gradient in a chain of single neurons."""

    sums: list[float]
    outputs: list[float]
    """The input, then the output of each layer."""
    factors: list[float]
    """The local derivative of each layer: weight·f'(z)."""
    derivatives: list[float]
    forward: list[float]
    """∂a_k/∂x after each layer, from 1 for the input on."""
    backward: list[float]
    """∂(output)/∂(input of each layer)."""

    @property
    def gradient(self) -> float:
        """The derivative of the output with respect to the input."""
        return self.forward[-1]

    @property
    def factor_per_layer(self) -> float:
        """The geometric mean of the sizes of the factors; 0 if one of them is 0."""
        if not all(self.factors):
            return 0.0
        logs = math.fsum(math.log(abs(factor)) for factor in self.factors)
        return math.exp(logs / len(self.factors))

    @property
    def label(self) -> FlowLabel:
        """By the size of the gradient."""
        if abs(self.gradient) < VANISHING_BELOW:
            return "vanishing"
        return "exploding" if abs(self.gradient) > EXPLODING_ABOVE else "healthy"


def activation_chain(request: SimulateActivationChainRequest) -> ActivationChainSimulation:
    """Send a signal and its gradient through layers of one neuron each.

    Raises `InvalidArgument` for softmax.
    """
    activation = elementwise(request.activation, "activation")
    chain = _computed_chain(activation, request)
    return ActivationChainSimulation(
        layers=[_layer(request, chain, k) for k in range(1, request.depth + 1)],
        output=chain.outputs[-1],
        gradient=chain.gradient,
        factor_per_layer=chain.factor_per_layer,
        label=chain.label,
        vanishing_below=VANISHING_BELOW,
        exploding_above=EXPLODING_ABOVE,
        verdict=_chain_verdict(request, chain),
    )


def _computed_chain(activation: Activation, request: SimulateActivationChainRequest) -> _Chain:
    sums, outputs = [], [request.x]
    for _ in range(request.depth):
        sums.append(request.weight * outputs[-1] + request.bias)
        outputs.append(float(activation.function(sums[-1])))
    derivatives: list[float] = activation.derivative(sums).tolist()
    factors = [request.weight * derivative for derivative in derivatives]
    forward, backward = [1.0], [1.0]
    for factor in factors:
        forward.append(forward[-1] * factor)
    for factor in reversed(factors):
        backward.append(backward[-1] * factor)
    return _Chain(sums, outputs, factors, derivatives, forward, backward[:0:-1])


def _layer(request: SimulateActivationChainRequest, chain: _Chain, k: int) -> ChainLayer:
    """Layer k, counted from 1."""
    z, before, derivative = chain.sums[k - 1], chain.outputs[k - 1], chain.derivatives[k - 1]
    factor = chain.factors[k - 1]
    local = f"∂a{k}/∂a{k - 1}"
    return ChainLayer(
        layer=k,
        weighted_sum=quantity(
            f"z{k}",
            z,
            f"w·a{k - 1} + b",
            sum_of_products([(request.weight, before)], [request.bias]),
        ),
        output=quantity(
            f"a{k}", chain.outputs[k], f"f(z{k})", expression(f"{request.activation}({{}})", z)
        ),
        factor=quantity(
            local, factor, f"w·f'(z{k})", sum_of_products([(request.weight, derivative)])
        ),
        forward_gradient=quantity(
            f"∂a{k}/∂x",
            chain.forward[k],
            f"{local}·∂a{k - 1}/∂x",
            sum_of_products([(factor, chain.forward[k - 1])]),
        ),
        backward_gradient=chain.backward[k - 1],
    )


def _chain_verdict(request: SimulateActivationChainRequest, chain: _Chain) -> str:
    layers = f"{request.depth} layer{'s' if request.depth > 1 else ''} of {request.activation}"
    if chain.gradient == 0.0:
        return f"No gradient passes through {layers}: the derivative of at least one layer is 0."
    effect = {
        "vanishing": "It vanishes, and the first layers hardly learn.",
        "exploding": "It explodes, and updates of the first layers are far too large.",
        "healthy": "It keeps a size from which all layers can learn.",
    }[chain.label]
    return (
        f"{layers} {'multiply' if request.depth > 1 else 'multiplies'} a gradient by "
        f"{number(chain.gradient)}, on average by {number(chain.factor_per_layer)} per layer. "
        f"{effect}"
    )


ACTIVATION = Explorer(
    "Activation functions and their derivatives",
    activation,
    {
        "ReLU at one half": {"activations": ["relu"]},
        "Four activations in comparison": {
            "activations": ["sigmoid", "tanh", "relu", "gelu"],
            "x": -1.2,
            "points": 25,
        },
    },
)
ACTIVATION_CHAIN = Explorer(
    "A chain of activations",
    activation_chain,
    {
        "Ten sigmoids: the gradient vanishes": {"activation": "sigmoid"},
        "Ten ReLUs: the gradient stays the same": {"activation": "relu"},
        "Weights of 3: the gradient explodes": {
            "activation": "leaky_relu",
            "weight": 3.0,
            "depth": 8,
        },
    },
)
