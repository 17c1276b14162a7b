"""Request and reply of the backward pass explorer."""

from __future__ import annotations

from pydantic import Field

from epochal_service.specs.base import Int64, LayerTypeName, LossName, Reply

from .quantity import Quantity
from .small_network import SmallNetworkSpec, Value


class SimulateBackwardRequest(SmallNetworkSpec):
    """A small network, one input and its target."""

    target: list[Value] = Field(min_length=1, max_length=2048)
    """The target: a number for each output. `cross_entropy` also takes a class index, from 0."""
    loss: LossName
    """The loss function. `cross_entropy` needs a network that ends in a softmax,
    `binary_cross_entropy` one that ends in a sigmoid."""
    learning_rate: float = Field(default=0.1, gt=0, le=1e6)
    """Learning rate of one step of gradient descent. Default 0.1."""
    check: bool = False
    """Whether to compare the gradient with finite differences. This takes two forward passes per
    parameter, up to a limit. Off by default."""


class UnitGradient(Reply):
    """The gradients of one number of a layer's output."""

    gradient: Quantity | None
    """The gradient ∂L/∂a of the output; null where loss and activation are differentiated
    together."""
    derivative: Quantity | None
    """The derivative f'(z) of the activation; null without an elementwise activation."""
    delta: Quantity | None
    """The error signal δ = ∂L/∂z, before the activation; null without an activation."""


class ParameterGradient(Reply):
    """The gradient of one parameter array."""

    name: str
    """The name of the array: `weight`, `bias`, `scale` or `shift`."""
    gradient: list[list[float]]
    """The gradient. `weight`: a row for each input, a column for each unit; others: one row."""
    derivatives: list[Quantity]
    """The derivative ∂L/∂w of each parameter of the array, in row-major order."""
    norm: Quantity
    """The gradient norm of this array."""
    update: Quantity
    """The gradient descent update of the parameter with the largest gradient."""
    values_after: list[list[float]]
    """The values of the array after the update."""


class BackwardLayer(Reply):
    """One layer of the backward pass."""

    name: str
    """The name of the layer, e.g. `dense_1`, or `residual_2.dense_1` within a residual."""
    type: LayerTypeName
    """The layer type, e.g. `dense` or `residual`."""
    formula: str
    """The backward formula of the layer."""
    units: list[UnitGradient]
    """One entry per number of the layer's output."""
    parameters: list[ParameterGradient]
    """One entry per parameter array; empty for a layer without parameters."""
    input_gradients: list[list[float]]
    """The gradient ∂L/∂x of each input array, which the previous layer receives."""


class GradientCheck(Reply):
    """A comparison of the gradient with central differences (L(w + h) - L(w - h)) / 2h."""

    parameters: Int64
    """Number of parameters compared."""
    step: float
    """The step h for a parameter of size up to 1; h grows in proportion for larger ones."""
    largest_difference: float
    """The largest relative difference between gradient and finite difference. For tiny gradients
    relative to 1/10,000 of the largest one.
    """
    parameter: str
    """The parameter with the largest difference, e.g. `dense_1.weight[0][2]`."""
    gradient: float
    """The gradient ∂L/∂w of that parameter."""
    finite_difference: float
    """The central difference of the loss for that parameter."""
    agrees: bool
    """Whether the largest relative difference is below 1e-4."""


class BackwardSimulation(Reply):
    """A backward pass, from the loss to the gradient of each parameter."""

    prediction: list[float]
    """The output of the network before the update."""
    target: list[float]
    """The target as the loss takes it: a class index becomes a one-hot row."""
    loss: Quantity
    """The loss before the update."""
    layers: list[BackwardLayer]
    """The layers in backward order, from the last to the first."""
    norm: Quantity
    """The gradient norm over all parameters."""
    loss_after: Quantity
    """The loss after one step of gradient descent."""
    check: GradientCheck | None
    """The gradient check; null unless requested."""
    verdict: str
    """The effect of one step of gradient descent on the loss, in a sentence."""
