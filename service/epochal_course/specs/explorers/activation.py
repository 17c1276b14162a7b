"""Requests and replies of the activation explorers: curves, and a chain of layers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from epochal_service.specs.base import ActivationName, Reply, Spec

from .neuron import Value
from .quantity import Quantity

FlowLabel = Literal["vanishing", "healthy", "exploding"]
"""The behavior of a gradient in the backward pass."""


class SimulateActivationRequest(Spec):
    """One or more activations, a point to explain, and a range to plot."""

    activations: list[ActivationName] = Field(min_length=1, max_length=14)
    """The activations. Any but `softmax`, which normalizes several numbers and has no curve."""
    x: Value = 0.5
    """The point at which value and derivative are explained. Default 0.5."""
    minimum: Value = -6.0
    """Start of the range. Default -6."""
    maximum: Value = 6.0
    """End of the range, greater than `minimum`. Default 6."""
    points: int = Field(default=121, ge=2, le=1001)
    """Number of points per curve, equally spaced from `minimum` to `maximum`. Default 121."""
    saturation_below: float = Field(default=0.05, gt=0.0, le=1.0)
    """Saturation threshold: an activation saturates where |f'| is below it. Default 0.05."""


class Interval(Reply):
    """An interval of x."""

    start: float
    """The smallest x of the interval."""
    end: float
    """The largest x of the interval."""


class ActivationCurve(Reply):
    """The value, derivative and curve of one activation."""

    activation: ActivationName
    """The name of the activation."""
    formula: str
    """The formula of f(x), e.g. `x / (1 + |x|)`."""
    derivative_formula: str
    """The formula of f'(x), e.g. `1 - tanh(x)²`."""
    range: str
    """The range of values, as an interval."""
    value: Quantity
    """The value f(x) at the requested point."""
    derivative: Quantity
    """The derivative f'(x) at the requested point: the factor by which it scales a gradient."""
    values: list[float]
    """f at each of the reply's `x_values`."""
    derivatives: list[float]
    """f' at each of the reply's `x_values`."""
    largest_derivative: float
    """The largest |f'| in the range."""
    largest_derivative_at: Interval
    """Where |f'| is largest: a peak has the same start and end."""
    saturation: list[Interval]
    """The intervals in which |f'| is below the threshold, in ascending order."""
    saturated_fraction: float
    """Fraction of the range that is saturated. In [0, 1]."""
    value_at_zero: float
    """f(0), also if 0 is outside the range."""
    derivative_at_zero: float
    """f'(0), also if 0 is outside the range; see `convention` where it does not exist."""
    convention: str | None = None
    """The convention for f'(0), where the derivative does not exist."""


class ActivationSimulation(Reply):
    """A comparison of activations."""

    x_values: list[float]
    """The x of all curves: `points` numbers from `minimum` to `maximum`."""
    activations: list[ActivationCurve]
    """The activations in the order of the request."""
    verdict: str
    """Which activation passes on most of a gradient at x, in a sentence."""


class SimulateActivationChainRequest(Spec):
    """A chain of `depth` layers of one neuron each: a ← f(weight·a + bias)."""

    activation: ActivationName
    """The activation of every layer. Any but `softmax`."""
    depth: int = Field(default=10, ge=1, le=100)
    """Number of layers. Default 10."""
    weight: Annotated[float, Field(ge=-100.0, le=100.0)] = 1.0
    """The weight of every layer. Default 1."""
    bias: Annotated[float, Field(ge=-100.0, le=100.0)] = 0.0
    """The bias of every layer. Default 0."""
    x: Annotated[float, Field(ge=-100.0, le=100.0)] = 0.5
    """The input of the first layer. Default 0.5."""


class ChainLayer(Reply):
    """One layer of the chain."""

    layer: int
    """Number of the layer, from 1."""
    weighted_sum: Quantity
    """The weighted sum z = weight·a + bias, before the activation."""
    output: Quantity
    """The output of the layer."""
    factor: Quantity
    """The local derivative weight·f'(z): the layer scales a small change of its input by it."""
    forward_gradient: Quantity
    """The derivative of this layer's output with respect to x: the product of the factors up to
    this layer."""
    backward_gradient: float
    """The gradient that reaches the input of this layer from a gradient of 1 at the output: the
    product of the factors from this layer on."""


class ActivationChainSimulation(Reply):
    """A signal in the forward pass and a gradient in the backward pass."""

    layers: list[ChainLayer]
    """The layers, from the first to the last."""
    output: float
    """The output of the last layer."""
    gradient: float
    """The derivative of the output with respect to x: the product of all factors."""
    factor_per_layer: float
    """Geometric mean of the absolute factors; 0 if one of them is 0."""
    label: FlowLabel
    """`vanishing` if |gradient| is below `vanishing_below`, `exploding` if it is above
    `exploding_above`, else `healthy`."""
    vanishing_below: float
    """Threshold for a vanishing gradient: 0.01."""
    exploding_above: float
    """Threshold for an exploding gradient: 100."""
    verdict: str
    """The behavior of a gradient in the chain, in a sentence."""
