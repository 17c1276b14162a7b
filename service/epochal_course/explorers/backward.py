"""A backward pass: the gradient of every number of a small network, with its arithmetic."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from epochal_engine import (
    ActivationLayer,
    Dense,
    Loss,
    check_output,
    find_loss,
)
from epochal_engine.symbolic import Array, Shape
from epochal_service.errors import FieldError, InvalidArgument
from epochal_service.methods.examples import THREE_FOUR_FOUR_TWO

from ..specs.explorers.backward import (
    BackwardLayer,
    BackwardSimulation,
    GradientCheck,
    ParameterGradient,
    SimulateBackwardRequest,
    UnitGradient,
)
from ..specs.explorers.quantity import Quantity
from .backpropagation import (
    STEP,
    Backpropagation,
    LayerGradients,
    backpropagate,
    finite_differences,
)
from .explorer import Explorer
from .formulas import Expression, expression, number, quantity, sum_of_products, total
from .forward import element_names
from .losses import loss_quantity
from .small_network import SmallNetwork, Step, small_network

AGREEMENT = 1e-4
MAX_CHECKED = 40_000_000
"""Numbers that a gradient check may compute: about 300 ms."""
PER_LAYER = 300
"""The fixed cost of a layer, in numbers."""

FORMULAS = {
    "activation": "∂L/∂z = ∂L/∂a·f'(z)",
    "dropout": "∂L/∂x = ∂L/∂y: dropout is active in training only",
    "layer_norm": "∂L/∂x from ∂L/∂y, without its effect on mean and variance",
    "residual": "∂L/∂y passes unchanged to the skip connection and to the inner layers",
    "flatten": "∂L/∂x = ∂L/∂y in the shape of x",
    "reshape": "∂L/∂x = ∂L/∂y in the shape of x",
    "slice": "∂L/∂x = ∂L/∂y within the slice, 0 elsewhere",
    "add": "∂L/∂y passes unchanged to every input",
    "concatenate": "each part of ∂L/∂y passes to the input it came from",
}


def backward(request: SimulateBackwardRequest) -> BackwardSimulation:
    """Run a backward pass through a small network: the gradient of every weight by the chain rule.

    Raises `InvalidArgument` if the network is too large to show, or if its shapes, the input, the
    weights, the target or the loss do not fit.
    """
    small = small_network(request)
    loss = find_loss(request.loss)
    if loss.rows > 1:
        raise InvalidArgument.of(FieldError("loss", f"{request.loss} compares two rows"))
    try:
        check_output(small.network, loss)
    except ValueError as error:
        raise InvalidArgument.of(FieldError("loss", str(error))) from None
    target = _target(request.target, loss, small)
    if request.check:
        _require_affordable_check(small)
    return _reply(request, backpropagate(small, loss, target, request.learning_rate))


def _target(given: Sequence[float], loss: Loss, small: SmallNetwork) -> Array:
    """The target as the loss takes it, `(1, *output_shape)`."""
    shape = (1, *small.network.output_shape)
    numbers = np.array(given, np.float64)
    classes = math.prod(shape[:-1])
    try:
        if loss.type == "cross_entropy" and len(numbers) == classes != math.prod(shape):
            return loss.targets(numbers.reshape(shape[:-1]), shape).astype(np.float64)
    except ValueError as error:
        raise InvalidArgument.of(FieldError("target", str(error))) from None
    if len(numbers) != math.prod(shape):
        indices = f" or {classes} class indices" if loss.type == "cross_entropy" else ""
        raise InvalidArgument.of(
            FieldError(
                "target", f"must have {math.prod(shape)} numbers{indices}; got {len(numbers)}"
            )
        )
    target = numbers.reshape(shape)
    if loss.type == "cross_entropy" and not np.allclose(target.sum(axis=-1), 1.0):
        raise InvalidArgument.of(
            FieldError("target", "must be probabilities that sum to 1, or a class index")
        )
    return target


def _require_affordable_check(small: SmallNetwork) -> None:
    """Raise `InvalidArgument` if two forward passes per parameter are too many."""
    parameters = small.network.learned_size
    numbers = sum(math.prod(step.output.shape) for step in small.trace.steps)
    layers = len(small.trace.steps)
    work = 2 * parameters * (numbers + PER_LAYER * layers)
    if work > MAX_CHECKED:
        raise InvalidArgument.of(
            FieldError(
                "check",
                f"may cost at most {MAX_CHECKED}; got 2·parameters·(numbers + {PER_LAYER}·layers) "
                f"= 2·{parameters}·({numbers} + {PER_LAYER}·{layers}) = {work}. Leave it out, or "
                "use a smaller network",
            ),
            reason="limit_exceeded",
        )


# ---------------------------------------------------------------- the reply


def _reply(request: SimulateBackwardRequest, back: Backpropagation) -> BackwardSimulation:
    layers = [_layer(back, gradients) for gradients in back.layers]
    return BackwardSimulation(
        prediction=back.prediction.ravel().tolist(),
        target=back.target.ravel().tolist(),
        loss=loss_quantity(back.loss, back.prediction, back.target, back.loss_before),
        layers=layers,
        norm=quantity(
            "‖∇L‖",
            back.norm,
            "√ Σ of all squared gradients",
            expression("√({})", total(back.squares)),
        ),
        loss_after=quantity(
            "L'", back.loss_after, f"L with w - {number(back.rate)}·∂L/∂w in place of each w"
        ),
        check=_check(back) if request.check else None,
        verdict=_verdict(back, layers),
    )


def _layer(back: Backpropagation, gradients: LayerGradients) -> BackwardLayer:
    step = gradients.step
    return BackwardLayer(
        name=step.name,
        type=step.layer.type,
        formula=_formula(gradients, back.loss),
        units=_units(back, gradients),
        parameters=[
            _parameter(back, gradients, path, gradient)
            for path, gradient in gradients.parameters.items()
        ],
        input_gradients=[x.ravel().tolist() for x in gradients.inputs],
    )


def _formula(gradients: LayerGradients, loss: Loss) -> str:
    layer = gradients.step.layer
    if isinstance(layer, Dense | ActivationLayer) and gradients.is_last and loss.output_activation:
        rest = ", ∂L/∂W = xᵀ·δ, ∂L/∂x = δ·Wᵀ" if isinstance(layer, Dense) else ""
        return f"δ = ∂L/∂z, of the loss and {layer.activation} together{rest}"
    if isinstance(layer, Dense):
        return "δ = ∂L/∂a·f'(z), ∂L/∂W = xᵀ·δ, ∂L/∂b = δ, ∂L/∂x = δ·Wᵀ"
    return FORMULAS.get(layer.type, "")


# ---------------------------------------------------------------- units


@dataclass(frozen=True)
class _Unit:
    """The numbers of one unit; None where the layer has no such number."""

    index: str
    gradient: float | None
    derivative: float | None
    z: float | None
    delta: float | None


def _units(back: Backpropagation, gradients: LayerGradients) -> list[UnitGradient]:
    array = gradients.delta if gradients.delta is not None else gradients.gradient
    if array is None:
        return []
    columns = [
        [None] * array.size if numbers is None else numbers.ravel().tolist()
        for numbers in (
            gradients.gradient,
            gradients.derivative,
            gradients.z,
            gradients.delta,
        )
    ]
    return [
        UnitGradient(
            gradient=_gradient(back, gradients, i, unit),
            derivative=_derivative(gradients, unit),
            delta=_delta(back, i, unit),
        )
        for i, unit in enumerate(map(_Unit, element_names(array), *columns))
    ]


def _gradient(
    back: Backpropagation, gradients: LayerGradients, i: int, unit: _Unit
) -> Quantity | None:
    """∂L/∂a of unit i."""
    if unit.gradient is None:
        return None
    symbol = f"{'y' if gradients.delta is None else 'a'}{unit.index}"
    step = gradients.step
    terms: list[Expression] = []
    readers = [other for other in back.small.trace.steps if step.output in other.inputs]
    if gradients.is_last:
        formula = f"the derivative of {back.loss.type} at {symbol}"
    elif not readers:
        formula = "0: the loss does not depend on it"
    elif pairs := _weighted_deltas(back, step, readers, i):
        formula = f"Σₖ w{unit.index},k·δk of {readers[0].name}"
        terms = [sum_of_products(pairs)]
    else:
        formula = f"the gradient from {' and '.join(reader.name for reader in readers)}"
    return quantity(f"∂L/∂{symbol}", unit.gradient, formula, *terms)


def _weighted_deltas(
    back: Backpropagation, step: Step, readers: list[Step], i: int
) -> list[tuple[float, float]]:
    """Weights of unit i and error signals of the next layer, if that is one dense layer."""
    if len(readers) != 1 or not isinstance(readers[0].layer, Dense) or len(step.output.shape) != 2:
        return []
    delta = back.deltas[readers[0].name]
    assert delta is not None
    weights = back.small.weights[f"{readers[0].name}.weight"][i].tolist()
    return list(zip(weights, delta.ravel().tolist(), strict=True))


def _derivative(gradients: LayerGradients, unit: _Unit) -> Quantity | None:
    if unit.derivative is None or unit.z is None or unit.gradient is None:
        return None
    activation = getattr(gradients.step.layer, "activation", "")
    return quantity(
        f"f'(z{unit.index})",
        unit.derivative,
        f"{activation}'(z{unit.index})",
        expression(f"{activation}'({{}})", unit.z),
    )


def _delta(back: Backpropagation, i: int, unit: _Unit) -> Quantity | None:
    """The error signal ∂L/∂z of unit i."""
    if unit.delta is None:
        return None
    name, index = f"δ{unit.index}", unit.index
    if unit.gradient is None and back.loss.type in ("cross_entropy", "binary_cross_entropy"):
        # Cross-entropy is a mean over positions, binary cross-entropy over all outputs.
        shape = back.target.shape
        count = math.prod(shape[:-1] if back.loss.type == "cross_entropy" else shape)
        error = expression("{} - {}", float(back.prediction.flat[i]), float(back.target.flat[i]))
        if count == 1:
            return quantity(name, unit.delta, f"a{index} - y{index}", error)
        return quantity(
            name,
            unit.delta,
            f"(a{index} - y{index}) / {count}",
            expression(f"({{}}) / {count}", error),
        )
    if unit.gradient is None:
        return quantity(name, unit.delta, f"the derivative of {back.loss.type} at z{index}")
    if unit.derivative is None:
        return quantity(name, unit.delta, f"a{index}·(∂L/∂a{index} - Σⱼ aⱼ·∂L/∂aⱼ)")
    return quantity(
        name,
        unit.delta,
        f"∂L/∂a{index}·f'(z{index})",
        sum_of_products([(unit.gradient, unit.derivative)]),
    )


# ---------------------------------------------------------------- parameters


def _parameter(
    back: Backpropagation, gradients: LayerGradients, path: str, gradient: Array
) -> ParameterGradient:
    kind = path.rpartition(".")[2]
    before, after = back.small.weights[path], back.after[path]
    names = _names(kind, gradient.shape)
    with np.errstate(all="ignore"):
        square = float(np.square(gradient).sum())
    symbol = {"weight": "W", "bias": "b"}.get(kind, kind)
    letter = symbol.lower() if len(symbol) == 1 else symbol
    top = int(np.abs(gradient).argmax())
    return ParameterGradient(
        name=kind,
        gradient=_rows(gradient),
        derivatives=_parameter_derivatives(gradients, kind, names, gradient),
        norm=quantity(
            f"‖∂L/∂{symbol}‖",
            math.sqrt(square),
            f"√ Σ (∂L/∂{letter})²",
            expression("√{}", square),
        ),
        update=quantity(
            names[top],
            float(after.flat[top]),
            f"{names[top]} - η·∂L/∂{names[top]}",
            expression("{} - {}·{}", float(before.flat[top]), back.rate, float(gradient.flat[top])),
            equals="←",
        ),
        values_after=_rows(after),
    )


def _rows(array: Array) -> list[list[float]]:
    rows: list[list[float]] = np.atleast_2d(array).tolist()
    return rows


def _names(kind: str, shape: Shape) -> list[str]:
    if kind == "weight":
        return [f"w{i},{o}" for i in range(1, shape[0] + 1) for o in range(1, shape[1] + 1)]
    letter = {"bias": "b"}.get(kind, kind)
    return [f"{letter}{i}" for i in range(1, shape[0] + 1)]


def _parameter_derivatives(
    gradients: LayerGradients, kind: str, names: Sequence[str], gradient: Array
) -> list[Quantity]:
    """The derivative of the loss with respect to each number of a parameter array."""
    arrived, x = gradients.arrived, gradients.x[0]
    columns = arrived.reshape((-1, arrived.shape[-1])).T.tolist()
    inputs = x.reshape((-1, x.shape[-1])).T.tolist()
    over = "Σ over positions of " if len(columns[0]) > 1 else ""
    quantities = []
    for index, (name, value) in enumerate(zip(names, gradient.ravel().tolist(), strict=True)):
        terms: list[Expression] = []
        k = index + 1
        match kind:
            case "weight":
                i, o = divmod(index, gradient.shape[1])
                formula = f"x{i + 1}·δ{o + 1}"
                terms = [sum_of_products(list(zip(inputs[i], columns[o], strict=True)))]
            case "scale":
                formula = f"∂L/∂y{k}·(x{k} - mean) / √(variance + ε)"
            case _:
                formula = f"δ{k}" if kind == "bias" else f"∂L/∂y{k}"
                terms = [total(columns[index])]
        quantities.append(quantity(f"∂L/∂{name}", value, over + formula, *terms))
    return quantities


# ---------------------------------------------------------------- check and verdict


def _check(back: Backpropagation) -> GradientCheck:
    compared = finite_differences(back)
    worst = int(compared.relative.argmax())
    return GradientCheck(
        parameters=len(compared.paths),
        step=STEP,
        largest_difference=float(compared.relative[worst]),
        parameter=compared.paths[worst],
        gradient=compared.gradients[worst],
        finite_difference=compared.differences[worst],
        agrees=bool(compared.relative[worst] < AGREEMENT),
    )


def _verdict(back: Backpropagation, layers: Sequence[BackwardLayer]) -> str:
    if back.norm == 0.0:
        return "Every gradient is 0: no weight changes, and the network learns nothing here."
    norms = [
        (layer.name, parameter.norm.value)
        for layer in layers
        for parameter in layer.parameters
        if parameter.name == "weight"
    ]
    opening = ""
    if len(norms) > 1:
        (last, most), (first, least) = norms[0], norms[-1]
        opening = f"The gradient norm is {number(most)} in {last} and {number(least)} in {first}. "
    before, after = back.loss_before, back.loss_after
    if not math.isfinite(after):
        return f"{opening}After the step the numbers are too large: the loss overflows."
    change = "falls" if after < before else "rises" if after > before else "goes"
    return (
        f"{opening}After one step of gradient descent with learning rate {number(back.rate)} the "
        f"loss {change} from {number(before)} to {number(after)}"
        + (": the learning rate is too high here." if change == "rises" else ".")
    )


BACKWARD = Explorer(
    "A backward pass",
    backward,
    {
        "3-4-4-2, with weights that can be worked out by hand, and a gradient check": {
            "network": THREE_FOUR_FOUR_TWO,
            "input": [0.8, 0.3, 0.6],
            "weights_from": "pattern",
            "target": [0.0],
            "loss": "cross_entropy",
            "check": True,
        },
        "One neuron with the squared error and a learning rate that is too high": {
            "network": {"input_shape": [2], "layers": [{"type": "dense", "units": 1}]},
            "input": [3.0, -2.0],
            "target": [1.0],
            "loss": "mse",
            "learning_rate": 0.5,
        },
        "A residual after a layer norm, for two positions of a sequence": {
            "network": {
                "input_shape": [2, 3],
                "layers": [
                    {"type": "layer_norm"},
                    {
                        "type": "residual",
                        "layers": [{"type": "dense", "units": 3, "activation": "gelu"}],
                    },
                    {"type": "flatten"},
                    {"type": "dense", "units": 1, "activation": "sigmoid"},
                ],
            },
            "input": [0.8, 0.3, 0.6, -1.0, 2.0, 0.5],
            "seed": 7,
            "target": [1.0],
            "loss": "binary_cross_entropy",
            "check": True,
        },
    },
)
