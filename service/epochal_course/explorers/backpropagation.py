"""Backpropagation through a small network: the gradient of the loss at every step of the way.

x ──→ sum ── z ──→ activation ── a ──→ … ──→ loss L
∂L/∂x ←── W·δ ←── δ = ∂L/∂a·f'(z) ←── ∂L/∂a ←── … ←── 1
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np

from epochal_engine import ACTIVATIONS, Activation, ActivationLayer, Dense, Loss, Residual
from epochal_engine.model import InitialValues, Scope
from epochal_engine.symbolic import (
    Array,
    Plan,
    Shape,
    Symbol,
    differentiate,
    leaf,
    one_thread,
    run_calls,
)

from .forward import Values, all_values
from .small_network import SmallNetwork, Step, Trace

STEP = 1e-5
"""The step of a central difference: balances its truncation error and its rounding error."""
SMALLEST_SHARE = 1e-4
"""Smaller gradients, relative to the largest one, count as this large in a comparison."""


@dataclass(frozen=True, eq=False)
class LayerGradients:
    """The gradients of one layer, from its output back to its inputs."""

    step: Step
    is_last: bool
    x: list[Array]
    """The inputs."""
    gradient: Array | None
    """∂L/∂(output); None where loss and activation are differentiated together."""
    z: Array | None = None
    """The input of the activation, if there is one."""
    derivative: Array | None = None
    """f'(z), of an elementwise activation."""
    delta: Array | None = None
    """∂L/∂z, if there is an activation."""
    inputs: list[Array] = field(default_factory=list)
    """∂L/∂x of each input."""
    parameters: dict[str, Array] = field(default_factory=dict)

    @property
    def arrived(self) -> Array:
        """The gradient at the layer's formula: δ if there is an activation."""
        given = self.gradient if self.delta is None else self.delta
        assert given is not None
        return given


@dataclass(frozen=True, eq=False)
class Backpropagation:
    """A backward pass, and one step of gradient descent."""

    small: SmallNetwork
    loss: Loss
    target: Array
    rate: float
    layers: list[LayerGradients]
    """In backward order."""
    gradients: dict[str, Array]
    """By the names of the parameters."""
    squares: list[float]
    """‖∂L/∂w‖² of each parameter array."""
    prediction: Array
    after: dict[str, Array]
    """All parameters after the step."""
    loss_before: float
    loss_after: float

    @property
    def norm(self) -> float:
        """The gradient norm over all parameters."""
        return math.sqrt(sum(self.squares))

    @property
    def deltas(self) -> dict[str, Array | None]:
        """The error signal of each layer, by its name."""
        return {layer.step.name: layer.delta for layer in self.layers}


def backpropagate(small: SmallNetwork, loss: Loss, target: Array, rate: float) -> Backpropagation:
    """Return all gradients by the chain rule, and the parameters after one step at this rate."""
    values = all_values(small)
    arrived: dict[Symbol, Array] = {}
    gradients: dict[str, Array] = {}
    layers = []
    for step in reversed(small.trace.steps):
        layer = _layer(step, small, values, arrived, loss, target)
        for x, gradient in zip(step.inputs, layer.inputs, strict=True):
            arrived[x] = arrived[x] + gradient if x in arrived else gradient
        gradients |= layer.parameters
        layers.append(layer)
    with one_thread(), np.errstate(all="ignore"):
        after = {
            name: array - rate * gradients[name] if name in gradients else array
            for name, array in small.weights.items()
        }
        squares = [float(np.square(g).sum()) for g in gradients.values()]
        losses = [loss_function(small, loss, target, w)() for w in (small.weights, after)]
    return Backpropagation(
        small=small,
        loss=loss,
        target=target,
        rate=rate,
        layers=layers,
        gradients=gradients,
        squares=squares,
        prediction=values[small.trace.output],
        after=after,
        loss_before=losses[0],
        loss_after=losses[1],
    )


def loss_function(
    small: SmallNetwork, loss: Loss, target: Array, weights: Mapping[str, Array]
) -> Callable[[], float]:
    """Return a function that computes the loss from the values of the arrays at its call.

    Call it within `one_thread()`, and where NumPy ignores errors.
    """
    y, plan = _loss_plan(small.trace, loss, target.shape)
    given = {small.trace.parameters[name]: array for name, array in weights.items()}
    result = np.empty(())
    calls = plan.unbound().bind({small.trace.input: small.input, y: target, **given}, [result])

    def current_loss() -> float:
        run_calls(calls)
        return float(result)

    return current_loss


@lru_cache(maxsize=64)
def _loss_plan(trace: Trace, loss: Loss, shape: Shape) -> tuple[Symbol, Plan]:
    """Return a leaf for the target, and a plan for the loss."""
    y = leaf(shape)
    return y, Plan([loss.traced(loss.logits(trace.output), y)], np.float64)


# ---------------------------------------------------------------- one layer


def _layer(
    step: Step,
    small: SmallNetwork,
    values: Values,
    arrived: dict[Symbol, Array],
    loss: Loss,
    target: Array,
) -> LayerGradients:
    is_last = step is small.trace.steps[-1]
    is_fused = is_last and loss.output_activation is not None
    if is_fused:
        gradient = None
    elif is_last:
        gradient = _loss_gradient(loss, values[step.output], target)
    else:
        # A layer that the loss does not depend on, such as one before a step, gets zeros.
        gradient = arrived.pop(step.output, np.zeros(step.output.shape))
    layer = LayerGradients(step, is_last, [values[x] for x in step.inputs], gradient)
    if activation := getattr(step.layer, "activation", None):
        z = layer.x[0] if step.weighted_sum is None else values[step.weighted_sum]
        function = ACTIVATIONS[activation]
        if gradient is None:
            delta = _loss_gradient(loss, z, target)
        else:
            delta = _through(function, z, gradient)
        derivative = function.derivative(z) if function.is_elementwise else None
        layer = replace(layer, z=z, delta=delta, derivative=derivative)
    if isinstance(step.layer, ActivationLayer):
        return replace(layer, inputs=[layer.arrived])
    if isinstance(step.layer, Residual):
        return replace(layer, inputs=[layer.arrived, layer.arrived])
    inputs, parameters = _through_layer(step, small, layer)
    return replace(layer, inputs=inputs, parameters=parameters)


def _through_layer(
    step: Step, small: SmallNetwork, gradients: LayerGradients
) -> tuple[list[Array], dict[str, Array]]:
    """The gradients of the inputs, and of the parameters by their names."""
    formulas = _layer_formulas(step)
    values = dict(zip(formulas.inputs, gradients.x, strict=True))
    values |= {symbol: small.weights[name] for name, symbol in formulas.parameters.items()}
    values[formulas.gradient] = gradients.arrived
    # + 0.0 turns -0 into 0.
    arrays = [array + 0.0 for array in formulas.plan.evaluate(values)]
    count = len(formulas.inputs)
    return arrays[:count], dict(zip(formulas.parameters, arrays[count:], strict=True))


@dataclass(frozen=True, eq=False)
class _LayerFormulas:
    """The gradients of the inputs and then the parameters of a layer."""

    inputs: list[Symbol]
    parameters: dict[str, Symbol]
    gradient: Symbol
    """∂L/∂(output), before the activation."""
    plan: Plan


@lru_cache(maxsize=256)
def _layer_formulas(step: Step) -> _LayerFormulas:
    layer = step.layer
    if isinstance(layer, Dense):
        layer = replace(layer, activation="linear")
    parameters: dict[str, Symbol] = {}

    def variable(name: str, shape: Shape, first: InitialValues, is_learned: bool) -> Symbol:
        return parameters.setdefault(name, leaf(shape))

    inputs = [leaf(x.shape) for x in step.inputs]
    y = layer.forward(Scope(step.name, variable, None, {}), *inputs)
    g = leaf(y.shape)
    gradients = differentiate(y * g, [*inputs, *parameters.values()])
    return _LayerFormulas(inputs, parameters, g, Plan(gradients, np.float64))


def _loss_gradient(loss: Loss, scores: Array, target: Array) -> Array:
    """The gradient of the loss with respect to its first argument: predictions or logits."""
    s, y, plan = _loss_gradient_plan(loss, scores.shape, target.shape)
    return plan.evaluate({s: scores, y: target})[0]


@lru_cache(maxsize=64)
def _loss_gradient_plan(loss: Loss, shape: Shape, targets: Shape) -> tuple[Symbol, Symbol, Plan]:
    s, y = leaf(shape), leaf(targets)
    return s, y, Plan(differentiate(loss.traced(s, y), [s]), np.float64)


def _through(activation: Activation, z: Array, gradient: Array) -> Array:
    """The gradient of the input of an activation."""
    s, g, plan = _through_plan(activation, z.shape)
    return plan.evaluate({s: z, g: gradient})[0] + 0.0  # + 0.0 turns -0 into 0


@lru_cache(maxsize=64)
def _through_plan(activation: Activation, shape: Shape) -> tuple[Symbol, Symbol, Plan]:
    s, g = leaf(shape), leaf(shape)
    return s, g, Plan(differentiate(activation.traced(s) * g, [s]), np.float64)


# ---------------------------------------------------------------- gradient check


@dataclass(frozen=True)
class Differences:
    """The gradient of each parameter beside a central difference of the loss."""

    paths: list[str]
    gradients: list[float]
    differences: list[float]
    relative: Array
    """|gradient - difference| over the larger of the two."""


def finite_differences(back: Backpropagation) -> Differences:
    """Compare all gradients with central differences of the loss."""
    weights = {name: array.copy() for name, array in back.small.weights.items()}
    current_loss = loss_function(back.small, back.loss, back.target, weights)
    paths, gradients, differences = [], [], []
    with one_thread(), np.errstate(all="ignore"):
        for name, gradient in back.gradients.items():
            array = weights[name]
            for index in np.ndindex(array.shape):
                original = float(array[index])
                h = STEP * max(1.0, abs(original))
                array[index] = original + h
                above = current_loss()
                array[index] = original - h
                differences.append((above - current_loss()) / (2.0 * h))
                array[index] = original
                gradients.append(float(gradient[index]))
                paths.append(name + "".join(f"[{i}]" for i in index))
        exact, estimates = np.array(gradients), np.array(differences)
        floor = max(SMALLEST_SHARE * float(np.abs(exact).max()), np.finfo(float).tiny)
        larger = np.maximum(np.maximum(np.abs(exact), np.abs(estimates)), floor)
        relative = np.abs(exact - estimates) / larger
    return Differences(paths, gradients, differences, relative)
