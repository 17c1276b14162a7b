"""Activations: values and slopes, where they saturate, what a chain of them does to a signal."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from epochal_engine import ACTIVATIONS, Activation

from ..errors import FieldError, InvalidArgument
from ..specs.simulations.activation import (
    ActivationChainSimulation,
    ActivationCurve,
    ActivationSimulation,
    ChainLink,
    FlowLabel,
    SimulateActivationChainRequest,
    SimulateActivationRequest,
    Zone,
)
from ..specs.simulations.quantity import Quantity
from .formulas import factor, number, sum_of_products

Floats = NDArray[np.float64]

VANISHING_BELOW, EXPLODING_ABOVE = 0.01, 100.0
CONVENTIONS = {
    "step": "The step jumps at 0, where it has no slope; 0 is taken, as everywhere else, "
    "and 0 itself fires.",
    "relu": "At 0 the slope jumps from 0 to 1 and any value between would do; 0 is taken.",
    "leaky_relu": "At 0 the slope jumps from 0.01 to 1; 0.01 is taken, that of the left side.",
    "selu": "At 0 the slope jumps from 1.7581 to 1.0507; 1.7581 is taken, that of the left side.",
}
"""Of all whose slope mathematics leaves open at 0."""


def elementwise(name: str, field: str) -> Activation:
    """The activation of that name.

    Raises `InvalidArgument` for softmax, whose outputs depend on each other.
    """
    activation = ACTIVATIONS[name]
    if not activation.is_elementwise:
        raise InvalidArgument.of(
            FieldError(
                field,
                f"{name} weighs several numbers against each other; ask for one that works on "
                "each number alone",
            )
        )
    return activation


def activation(request: SimulateActivationRequest) -> ActivationSimulation:
    """Value, slope, curve and saturation of one or several activations.

    Raises `InvalidArgument` for softmax, and if the range is empty.
    """
    if request.minimum >= request.maximum:
        raise InvalidArgument.of(
            FieldError("maximum", f"must be larger than the minimum: {request.minimum:g}")
        )
    chosen = [elementwise(name, f"activations[{i}]") for i, name in enumerate(request.activations)]
    places = np.linspace(request.minimum, request.maximum, request.points)
    curves = [_curve(each, request, places) for each in chosen]
    most = max(curves, key=lambda curve: abs(curve.derivative.value))
    return ActivationSimulation(
        x_values=places.tolist(),
        activations=curves,
        verdict=(
            f"At x = {number(request.x)}, {most.activation} lets "
            f"{100 * abs(most.derivative.value):.4g} % of a gradient through"
            + (", the most of these." if len(curves) > 1 else ".")
        ),
    )


def _curve(one: Activation, request: SimulateActivationRequest, places: Floats) -> ActivationCurve:
    # In one call each: the places of the curve, 0, and the place to explain.
    asked = np.append(places, [0.0, request.x])
    values, slopes = one.function(asked), one.derivative(asked)
    searched = _everywhere(request.minimum, request.maximum)
    sizes = np.abs(one.derivative(searched))
    largest, where = _largest(one, searched, sizes)
    saturated = _zones(
        lambda x: np.abs(one.derivative(x)) < request.saturation_below,
        searched,
        sizes < request.saturation_below,
    )
    width = request.maximum - request.minimum
    return ActivationCurve(
        activation=one.name,
        formula=one.formula,
        derivative_formula=one.derivative_formula,
        range=one.range,
        value=explained(f"{one.name}(", ")", one.formula, request.x, float(values[-1])),
        derivative=explained(
            f"{one.name}'(", ")", one.derivative_formula, request.x, float(slopes[-1])
        ),
        values=values[:-2].tolist(),
        derivatives=slopes[:-2].tolist(),
        largest_slope=largest,
        largest_slope_at=where,
        saturation=saturated,
        saturated_share=sum((zone.end - zone.start) / width for zone in saturated),
        value_at_zero=float(values[-2]),
        derivative_at_zero=float(slopes[-2]),
        convention=CONVENTIONS.get(one.name),
    )


def _everywhere(low: float, high: float) -> Floats:
    """Places all over a range, close together where activations bend, and 0 if it is there."""
    near = np.clip(np.linspace(-8.0, 8.0, 257), low, high)
    return np.union1d(np.linspace(low, high, 257), near)


def _largest(one: Activation, places: Floats, sizes: Floats) -> tuple[float, Zone]:
    """The largest |f'| between the first and the last of the places, and where it is."""
    top = float(sizes.max())
    if np.count_nonzero(sizes == top) > 2:
        # A plateau, not a peak.
        (zone, *_) = _zones(
            lambda x: np.abs(one.derivative(x)) >= top * (1.0 - 1e-9), places, sizes == top
        )
        return top, zone
    place = int(sizes.argmax())
    at, low, high = (float(places[k]) for k in (place, 0, -1))
    width = float(np.diff(places)[max(place - 1, 0) : place + 1].max())
    while width > 1e-8 * max(1.0, abs(at)):
        near = np.clip(np.append(np.linspace(at - width, at + width, 65), 0.0), low, high)
        near_sizes = np.abs(one.derivative(near))
        if near_sizes.max() > top:
            at, top = float(near[near_sizes.argmax()]), float(near_sizes.max())
        width /= 16.0
    return top, Zone(start=at, end=at)


def _zones(
    holds: Callable[[Floats], NDArray[np.bool_]], places: Floats, held: NDArray[np.bool_]
) -> list[Zone]:
    """The stretches in which `holds` is true, given at which of the places it is."""
    changes = np.flatnonzero(held[1:] != held[:-1])
    inside = np.where(held[changes], places[changes], places[changes + 1])
    outside = np.where(held[changes], places[changes + 1], places[changes])
    edge = np.arange(len(changes))
    for _ in range(7 if len(changes) else 0):
        # From inside to outside in 32 steps: the edge is between two of them.
        between = np.linspace(inside, outside, 33, axis=1)
        false = np.argmin(holds(between), axis=1).clip(min=1)
        inside, outside = between[edge, false - 1], between[edge, false]
    edges = [*places[:1][held[:1]], *inside, *places[-1:][held[-1:]]]
    return [
        Zone(start=float(start), end=float(end))
        for start, end in zip(edges[::2], edges[1::2], strict=True)
    ]


def explained(before: str, after: str, formula: str, x: float, value: float) -> Quantity:
    """`before x after` by a formula of the engine's table, with the number in the place of x."""
    symbol = f"{before}x{after}"
    put_in, condition = formula, ""
    if branches := re.fullmatch(r"(.*) if x (.) 0 else (.*)", formula):
        above, relation, below = branches.groups()
        is_above = x > 0 or (x == 0 and relation == "≥")
        put_in = above if is_above else below
        relation = relation if is_above else "≤" if x == 0 else "<"
        condition = f"{number(x)} {relation} 0, so "
    steps = [f"{before}{number(x)}{after}", _put_in(put_in, x)]
    if put_in != _put_in(put_in, 0.0):  # else it is a number already
        steps.append(number(value))
    told = condition + " = ".join(dict.fromkeys(steps))
    return Quantity(name=symbol, value=value, formula=f"{symbol} = {formula}", substituted=told)


def _put_in(formula: str, x: float) -> str:
    """The formula with x's number wherever x stands for itself."""

    def stands(match: re.Match[str]) -> str:
        # Alone, or within brackets or bars of its own, a sign meets no operator.
        opened = formula[: match.start()].endswith(("(", "|", ", ")) or match.start() == 0
        closed = formula[match.end() :].startswith((")", "|")) or match.end() == len(formula)
        return number(x) if opened and closed else factor(x)

    return re.sub(r"(?<![a-z])x(?![a-z])", stands, formula)


def activation_chain(request: SimulateActivationChainRequest) -> ActivationChainSimulation:
    """A signal and its gradient on their way through layers of one neuron each.

    Raises `InvalidArgument` for softmax.
    """
    one = elementwise(request.activation, "activation")
    weight, bias = request.weight, request.bias
    sums, signals = [], [request.x]
    for _ in range(request.depth):
        sums.append(weight * signals[-1] + bias)
        signals.append(float(one.function(sums[-1])))
    slopes: list[float] = one.derivative(sums).tolist()
    factors = [weight * slope for slope in slopes]
    back = 1.0
    backward = [back := back * each for each in reversed(factors)][::-1]
    links, gradient = [], 1.0
    for k, (z, before, after, slope, each) in enumerate(
        zip(sums, signals, signals[1:], slopes, factors, strict=False), 1
    ):
        upstream, gradient = gradient, gradient * each
        links.append(
            ChainLink(
                layer=k,
                weighted_sum=Quantity(
                    name=f"z{k}",
                    value=z,
                    formula=f"z{k} = w·a{k - 1} + b",
                    substituted=f"z{k} = {sum_of_products([(weight, before)], z, [bias])}"
                    f" = {number(z)}",
                ),
                signal=Quantity(
                    name=f"a{k}",
                    value=after,
                    formula=f"a{k} = f(z{k})",
                    substituted=f"a{k} = {one.name}({number(z)}) = {number(after)}",
                ),
                factor=Quantity(
                    name=f"∂a{k}/∂a{k - 1}",
                    value=each,
                    formula=f"∂a{k}/∂a{k - 1} = w·f'(z{k})",
                    substituted=f"∂a{k}/∂a{k - 1} = {factor(weight)}·{factor(slope)}"
                    f" = {number(each)}",
                ),
                forward_gradient=Quantity(
                    name=f"∂a{k}/∂x",
                    value=gradient,
                    formula=f"∂a{k}/∂x = ∂a{k}/∂a{k - 1}·∂a{k - 1}/∂x",
                    substituted=f"∂a{k}/∂x = {factor(each)}·{factor(upstream)}"
                    f" = {number(gradient)}",
                ),
                backward_gradient=backward[k - 1],
            )
        )
    size = abs(gradient)
    label: FlowLabel = (
        "vanishing"
        if size < VANISHING_BELOW
        else "exploding"
        if size > EXPLODING_ABOVE
        else "healthy"
    )
    per_layer = (
        math.exp(math.fsum(math.log(abs(each)) for each in factors) / len(factors))
        if all(factors)
        else 0.0
    )
    return ActivationChainSimulation(
        links=links,
        output=signals[-1],
        gradient=gradient,
        factor_per_layer=per_layer,
        label=label,
        vanishing_below=VANISHING_BELOW,
        exploding_above=EXPLODING_ABOVE,
        verdict=_chain_verdict(request, gradient, per_layer, label),
    )


def _chain_verdict(
    request: SimulateActivationChainRequest, gradient: float, per_layer: float, label: FlowLabel
) -> str:
    layers = f"{request.depth} layer{'s' if request.depth > 1 else ''} of {request.activation}"
    if gradient == 0.0:
        return f"Nothing of a gradient comes through {layers}: somewhere its slope is 0."
    told = (
        f"Through {layers} a gradient is multiplied by {number(gradient)}, in size by "
        f"{number(per_layer)} a layer on average: "
    )
    return (
        told
        + {
            "vanishing": "it vanishes, and the first layers hardly learn.",
            "exploding": "it explodes, and the first layers are thrown about.",
            "healthy": "it stays of a size that all layers can learn from.",
        }[label]
    )
