"""A backward pass, as it may be asked for, and every slope on its way."""

from __future__ import annotations

from pydantic import Field

from ..base import LossName, Reply
from .quantity import Quantity
from .small_network import SmallNetworkSpec, Value


class SimulateBackwardRequest(SmallNetworkSpec):
    """A small network with an input and the right answer: in which direction every weight should
    move, number by number.
    """

    target: list[Value] = Field(min_length=1, max_length=2048)
    """A number for each output; `cross_entropy` also takes a class, counted from 0."""
    loss: LossName
    """What is to become small. `cross_entropy` needs a network that ends in a softmax,
    `binary_cross_entropy` one that ends in a sigmoid."""
    learning_rate: float = Field(default=0.1, gt=0, le=1e6)
    """Of the one step of gradient descent that is shown."""
    check: bool = False
    """Compare all slopes with the difference that a small change of each parameter makes. This
    costs two passes for each parameter, and is refused where they are too many."""


class UnitGradient(Reply):
    """One number that a layer gives, and what the loss has against it."""

    gradient: Quantity | None
    """∂L/∂a, of the output; none where loss and activation are differentiated together."""
    slope: Quantity | None
    """f'(z), of the activation; none where there is no activation of single numbers."""
    delta: Quantity | None
    """δ = ∂L/∂z, before the activation; none for a layer without one."""


class ParameterGradient(Reply):
    """One array that is learnt."""

    name: str
    """`weight`, `bias`, `scale` or `shift`."""
    gradient: list[list[float]]
    """`weight`: a row for each input, a column for each unit; others are one row."""
    slopes: list[Quantity]
    """Each number of the gradient, row by row: how it comes about."""
    norm: Quantity
    """The length of the gradient."""
    update: Quantity
    """The step of gradient descent for the number with the largest slope."""
    after: list[list[float]]
    """All numbers after that step."""


class BackwardLayer(Reply):
    """One layer of the way back."""

    name: str
    """Its place, e.g. `dense_1`; within a residual `residual_2.dense_1`."""
    type: str
    """E.g. `dense` or `residual`."""
    formula: str
    """What the layer does to the gradient."""
    units: list[UnitGradient]
    """One for each number of the layer's output."""
    parameters: list[ParameterGradient]
    """One for each array that the layer learns; empty for a layer that learns nothing."""
    input_gradients: list[list[float]]
    """∂L/∂x, a list for each array that it takes; the layer before goes on from here."""


class GradientCheck(Reply):
    """Every slope beside (L(w + h) - L(w - h)) / 2h, for which nothing but the loss is needed."""

    parameters: int
    """How many were changed, one by one."""
    step: float
    """h, for a parameter of size up to 1; in proportion for larger ones."""
    largest_difference: float
    """The largest |slope - difference| over the larger of the two; beside slopes that are tiny,
    over a ten-thousandth of the largest.
    """
    parameter: str
    """Where, e.g. `dense_1.weight[0][2]`."""
    slope: float
    """∂L/∂w there, by the chain rule."""
    difference: float
    """(L(w + h) - L(w - h)) / 2h there."""
    agrees: bool
    """Whether the largest difference is below 1e-4."""


class BackwardSimulation(Reply):
    """The way back from the loss to every weight."""

    prediction: list[float]
    """What the network gives for the input, before the step."""
    target: list[float]
    """As the loss takes it: a class as a row of 0 and 1."""
    loss: Quantity
    """Of that prediction."""
    layers: list[BackwardLayer]
    """From the last layer back to the first."""
    norm: Quantity
    """The length of the whole gradient."""
    loss_after: Quantity
    """The loss after the step of gradient descent."""
    check: GradientCheck | None
    """None unless asked for."""
    verdict: str
    """What one step of gradient descent makes of the loss, in words."""
