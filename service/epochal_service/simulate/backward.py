"""A backward pass: from the loss to every weight by the chain rule, one layer after the other.

x ──→ sum ── z ──→ activation ── a ──→ … ──→ loss L
∂L/∂x ←── W·δ ←── δ = ∂L/∂a·f'(z) ←── ∂L/∂a ←── … ←── 1
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from epochal_engine import (
    ACTIVATIONS,
    ActivationLayer,
    Dense,
    Loss,
    Residual,
    check_output,
    find_loss,
)
from epochal_engine.differentiate import differentiate
from epochal_engine.layers import Scope
from epochal_engine.layers.layer import InitialValues
from epochal_engine.plan import Plan, evaluate, perform
from epochal_engine.trace import Array, Shape, Symbol, leaf

from ..errors import FieldError, InvalidArgument
from ..specs.simulations.backward import (
    BackwardLayer,
    BackwardSimulation,
    GradientCheck,
    ParameterGradient,
    SimulateBackwardRequest,
    UnitGradient,
)
from ..specs.simulations.quantity import Quantity
from .formulas import factor, minus, number, sum_of_products
from .forward import Values, all_values, places
from .losses import written
from .small_network import SmallNetwork, Step, small_network

STEP = 1e-5
"""Of the differences: halfway between the error of the formula and that of rounding."""
AGREEMENT = 1e-4
SMALLEST_SHARE = 1e-4
"""Slopes that are a smaller part of the largest one are compared as if they were as large."""
MAX_CHECKED = 40_000_000
"""Numbers that a check may compute, about 300 ms."""
PER_LAYER = 300
"""What a layer costs however few its numbers are, in numbers."""

FORMULAS = {
    "activation": "∂L/∂z = ∂L/∂a·f'(z)",
    "dropout": "∂L/∂x = ∂L/∂y: numbers are dropped in training only",
    "layer_norm": "∂L/∂x from ∂L/∂y, less what moves the mean and what moves the variance",
    "residual": "∂L/∂y goes both ways, unchanged: past the inner layers, and through them",
    "flatten": "∂L/∂x = ∂L/∂y, in the shape of x",
    "reshape": "∂L/∂x = ∂L/∂y, in the shape of x",
    "slice": "∂L/∂x = ∂L/∂y where the part was, 0 elsewhere",
    "add": "∂L/∂y goes to every input, unchanged",
    "concatenate": "∂L/∂y, each part to the input that it came from",
}


def backward(request: SimulateBackwardRequest) -> BackwardSimulation:
    """In which direction every weight of a small network should move: the chain rule, written out.

    Raises `InvalidArgument` if the network is too large to be written out, or if its shapes, the
    input, the weights, the target or the loss do not fit.
    """
    small = small_network(request)
    loss = find_loss(request.loss)
    try:
        check_output(small.network, loss)
    except ValueError as error:
        raise InvalidArgument.of(FieldError("loss", str(error))) from None
    target = _target(request.target, loss, small)
    if request.check:
        _check_is_affordable(small)
    values = all_values(small)
    prediction = values[small.trace.output]
    before = _loss_at(small, loss, target, small.weights)()

    gradients: dict[str, Array] = {}
    adjoints: dict[Symbol, Array] = {}
    layers = []
    for step in reversed(small.trace.steps):
        is_last = step is small.trace.steps[-1]
        if is_last:
            back = _Back(step, small, values, None, loss, target)
        else:
            # A layer that nothing of the loss depends on, such as one behind a step, gets zeros.
            arrived = adjoints.pop(step.output, np.zeros(step.output.shape))
            back = _Back(step, small, values, arrived, loss, target)
        for x, gradient in zip(step.inputs, back.inputs, strict=True):
            adjoints[x] = adjoints[x] + gradient if x in adjoints else gradient
        gradients |= back.parameters
        layers.append((step, back))

    rate = request.learning_rate
    deltas = {step.name: back.delta for step, back in layers}
    with np.errstate(all="ignore"):
        after = {
            name: array - rate * gradients[name] if name in gradients else array
            for name, array in small.weights.items()
        }
        squares = [float(np.square(g).sum()) for g in gradients.values()]
    loss_after = _loss_at(small, loss, target, after)()
    told = [
        BackwardLayer(
            name=step.name,
            type=step.layer.type,
            formula=_formula(step, loss, step is small.trace.steps[-1]),
            units=_units(step, back, small, loss, target, deltas),
            parameters=[
                _parameter(name, gradient, back, small.weights[name], after[name], rate)
                for name, gradient in back.parameters.items()
            ],
            input_gradients=[x.ravel().tolist() for x in back.inputs],
        )
        for step, back in layers
    ]
    norm = math.sqrt(sum(squares))
    return BackwardSimulation(
        prediction=prediction.ravel().tolist(),
        target=target.ravel().tolist(),
        loss=Quantity(
            name="L",
            value=before,
            formula=f"L = {loss.formula}",
            substituted=_written_loss(loss, prediction, target, before),
        ),
        layers=told,
        norm=Quantity(
            name="‖∇L‖",
            value=norm,
            formula="‖∇L‖ = √ Σ of all squared slopes",
            substituted=f"‖∇L‖ = √({' + '.join(map(number, squares)) or '0'}) = {number(norm)}",
        ),
        loss_after=Quantity(
            name="L'",
            value=loss_after,
            formula=f"L' = L with every w - {number(rate)}·∂L/∂w in the place of w",
            substituted=f"L' = {number(loss_after)}, after L = {number(before)}",
        ),
        check=_check(small, loss, target, gradients) if request.check else None,
        verdict=_verdict(before, loss_after, norm, rate, told),
    )


def _target(given: Sequence[float], loss: Loss, small: SmallNetwork) -> Array:
    """The target as the loss takes it, `(1, *output_shape)`."""
    shape = (1, *small.network.output_shape)
    numbers = np.array(given, np.float64)
    answers = math.prod(shape[:-1])
    try:
        if loss.type == "cross_entropy" and len(numbers) == answers != math.prod(shape):
            return loss.targets(numbers.reshape(shape[:-1]), shape).astype(np.float64)
    except ValueError as error:
        raise InvalidArgument.of(FieldError("target", str(error))) from None
    if len(numbers) != math.prod(shape):
        classes = f", or {answers} of classes" if loss.type == "cross_entropy" else ""
        raise InvalidArgument.of(
            FieldError(
                "target", f"must have {math.prod(shape)} numbers{classes}, not {len(numbers)}"
            )
        )
    target = numbers.reshape(shape)
    if loss.type == "cross_entropy" and not np.allclose(target.sum(axis=-1), 1.0):
        raise InvalidArgument.of(
            FieldError("target", "must be probabilities that sum to 1, or the number of a class")
        )
    return target


def _loss_at(
    small: SmallNetwork, loss: Loss, target: Array, weights: Mapping[str, Array]
) -> Callable[[], float]:
    """The loss for whatever the arrays of `weights` hold when it is called."""
    y, result = leaf(target.shape), np.empty(())
    value = loss.traced(loss.scores(small.trace.output), y)
    given = {small.trace.parameters[name]: array for name, array in weights.items()}
    calls = Plan([value], np.float64).bind(
        {small.trace.input: small.input, y: target, **given}, [result]
    )

    def loss_now() -> float:
        with np.errstate(all="ignore"):
            perform(calls)
        return float(result)

    return loss_now


# ---------------------------------------------------------------- one layer


class _Back:
    """What one layer makes of ∂L/∂(its output): δ, the slopes of its parameters and inputs."""

    def __init__(
        self,
        step: Step,
        small: SmallNetwork,
        values: Values,
        arrived: Array | None,
        loss: Loss,
        target: Array,
    ) -> None:
        """`arrived` is None for the last layer, to which the loss itself is given."""
        self.gradient = arrived
        """∂L/∂(output); None where loss and activation are one."""
        self.delta: Array | None = None
        """∂L/∂z, where there is an activation."""
        self.slope: Array | None = None
        """f'(z), where there is one for each number."""
        self.z: Array | None = None
        self.x = [values[x] for x in step.inputs]
        activation = getattr(step.layer, "activation", None)
        is_joined = arrived is None and loss.output_activation is not None
        if arrived is None and not is_joined:
            self.gradient = _slope_of_loss(loss, values[step.output], target)
        if activation is not None:
            self.z = self.x[0] if step.weighted_sum is None else values[step.weighted_sum]
            function = ACTIVATIONS[activation]
            if is_joined:
                self.delta = _slope_of_loss(loss, self.z, target)
            else:
                assert self.gradient is not None
                self.delta = _back_through(function.traced, self.z, self.gradient)
            if function.is_elementwise:
                self.slope = function.derivative(self.z)

        self.inputs: list[Array]
        self.parameters: dict[str, Array] = {}
        given = self.gradient if self.delta is None else self.delta
        assert given is not None
        if isinstance(step.layer, ActivationLayer):
            self.inputs = [given]
        elif isinstance(step.layer, Residual):
            self.inputs = [given, given]
        else:
            self.inputs = self._through_layer(step, small, given)

    def _through_layer(self, step: Step, small: SmallNetwork, given: Array) -> list[Array]:
        """Slopes of the inputs, and those of the parameters on the way."""
        layer = step.layer
        if isinstance(layer, Dense):
            layer = replace(layer, activation="linear")
        leaves: dict[str, Symbol] = {}

        def variable(name: str, shape: Shape, first: InitialValues, is_learnt: bool) -> Symbol:
            return leaves.setdefault(name, leaf(shape))

        xs = [leaf(x.shape) for x in self.x]
        y = layer.forward(Scope(step.name, variable, None, {}), *xs)
        g = leaf(given.shape)
        slopes = differentiate(y * g, [*xs, *leaves.values()])
        numbers = dict(zip(xs, self.x, strict=True)) | {g: given}
        numbers |= {symbol: small.weights[name] for name, symbol in leaves.items()}
        arrays = [array + 0.0 for array in evaluate(slopes, numbers)]  # and no -0
        self.parameters = dict(zip(leaves, arrays[len(xs) :], strict=True))
        return arrays[: len(xs)]


def _slope_of_loss(loss: Loss, scores: Array, target: Array) -> Array:
    """∂L/∂(what the loss is traced from)."""
    s, y = leaf(scores.shape), leaf(target.shape)
    (slope,) = differentiate(loss.traced(s, y), [s])
    return evaluate([slope], {s: scores, y: target})[0]


def _back_through(function: Callable[[Symbol], Symbol], z: Array, gradient: Array) -> Array:
    s, g = leaf(z.shape), leaf(gradient.shape)
    (slope,) = differentiate(function(s) * g, [s])
    return evaluate([slope], {s: z, g: gradient})[0] + 0.0  # and no -0


# ---------------------------------------------------------------- in words


def _formula(step: Step, loss: Loss, is_last: bool) -> str:
    if isinstance(step.layer, Dense | ActivationLayer) and is_last and loss.output_activation:
        rest = ", ∂L/∂W = xᵀ·δ, ∂L/∂x = δ·Wᵀ" if isinstance(step.layer, Dense) else ""
        return f"δ = ∂L/∂z, of the loss and {step.layer.activation} together{rest}"
    if isinstance(step.layer, Dense):
        return "δ = ∂L/∂a·f'(z), ∂L/∂W = xᵀ·δ, ∂L/∂b = δ, ∂L/∂x = δ·Wᵀ"
    return FORMULAS.get(step.layer.type, "")


def _units(
    step: Step,
    back: _Back,
    small: SmallNetwork,
    loss: Loss,
    target: Array,
    deltas: Mapping[str, Array | None],
) -> list[UnitGradient]:
    if back.delta is None:
        if back.gradient is None:
            return []
        letter = "y"
        shown = places(back.gradient)
    else:
        letter = "a"
        shown = places(back.delta)
    is_last = step is small.trace.steps[-1]
    activation = getattr(step.layer, "activation", "")
    gradient = None if back.gradient is None else back.gradient.ravel().tolist()
    slope = None if back.slope is None else back.slope.ravel().tolist()
    delta = None if back.delta is None else back.delta.ravel().tolist()
    z = None if back.z is None else back.z.ravel().tolist()
    readers = [other for other in small.trace.steps if step.output in other.inputs]
    output = back.z if back.gradient is None else None
    predictions = None
    if output is not None:
        predictions = ACTIVATIONS[activation].function(output).ravel().tolist()
    targets = target.ravel().tolist()
    units = []
    for i, place in enumerate(shown):
        arrived = None
        if gradient is not None:
            name = f"∂L/∂{letter}{place}"
            formula, terms = (
                _loss_slope_in_words(loss, letter, place)
                if is_last
                else _arrival_in_words(step, readers, small, deltas, place, i, gradient[i])
            )
            arrived = Quantity(
                name=name,
                value=gradient[i],
                formula=f"{name} = {formula}",
                substituted=f"{name} = {terms}{number(gradient[i])}",
            )
        steepness = None
        if slope is not None and z is not None and gradient is not None:
            steepness = Quantity(
                name=f"f'(z{place})",
                value=slope[i],
                formula=f"f'(z{place}), the slope of {activation}",
                substituted=f"f'({number(z[i])}) = {number(slope[i])}",
            )
        blame = None
        if delta is not None:
            blame = _delta_in_words(
                place,
                delta[i],
                loss,
                None if gradient is None else gradient[i],
                None if slope is None else slope[i],
                None if predictions is None else predictions[i],
                targets[i] if is_last else 0.0,
                target.shape,
            )
        units.append(UnitGradient(gradient=arrived, slope=steepness, delta=blame))
    return units


def _loss_slope_in_words(loss: Loss, letter: str, place: str) -> tuple[str, str]:
    return f"the slope of {loss.type} at {letter}{place}", ""


def _arrival_in_words(
    step: Step,
    readers: Sequence[Step],
    small: SmallNetwork,
    deltas: Mapping[str, Array | None],
    place: str,
    i: int,
    gradient: float,
) -> tuple[str, str]:
    """Formula of ∂L/∂a, and the same with numbers up to the last equals sign."""
    if len(readers) == 1 and isinstance(readers[0].layer, Dense) and len(step.output.shape) == 2:
        (reader,) = readers
        delta = deltas[reader.name]
        assert delta is not None
        weights = small.weights[f"{reader.name}.weight"][i].tolist()
        pairs = list(zip(weights, delta.ravel().tolist(), strict=True))
        terms = sum_of_products(pairs, gradient)
        return f"Σₖ w{place},k·δk of {reader.name}", f"{terms} = "
    if not readers:
        return "0: nothing reads it on the way to the loss", ""
    return "what comes back from " + " and ".join(reader.name for reader in readers), ""


def _delta_in_words(
    place: str,
    delta: float,
    loss: Loss,
    gradient: float | None,
    slope: float | None,
    prediction: float | None,
    target: float,
    shape: Shape,
) -> Quantity:
    name = f"δ{place}"
    if gradient is None and loss.type in ("cross_entropy", "binary_cross_entropy"):
        assert prediction is not None
        # Cross-entropy is a mean over its answers, binary cross-entropy over all outputs.
        answers = math.prod(shape[:-1] if loss.type == "cross_entropy" else shape)
        share = "" if answers == 1 else f" / {answers}"
        opening, closing = ("(", ")") if share else ("", "")
        formula = f"{name} = {opening}a{place} - y{place}{closing}{share}"
        numbers = f"{opening}{minus(prediction, target)}{closing}{share}"
    elif gradient is None:
        formula, numbers = f"{name} = the slope of {loss.type} at z{place}", ""
    elif slope is None:
        formula = f"{name} = a{place}·(∂L/∂a{place} - Σⱼ aⱼ·∂L/∂aⱼ)"
        numbers = ""
    else:
        formula = f"{name} = ∂L/∂a{place}·f'(z{place})"
        numbers = f"{factor(gradient)}·{factor(slope)}"
    return Quantity(
        name=name,
        value=delta,
        formula=formula,
        substituted=f"{name} = {numbers} = {number(delta)}"
        if numbers
        else f"{name} = {number(delta)}",
    )


def _parameter(
    path: str, gradient: Array, back: _Back, before: Array, after: Array, rate: float
) -> ParameterGradient:
    kind = path.rpartition(".")[2]
    flat = gradient.ravel().tolist()
    names = _names(kind, gradient.shape)
    slopes = _slopes(kind, names, flat, gradient.shape, back)
    with np.errstate(all="ignore"):
        square = float(np.square(gradient).sum())
    norm = math.sqrt(square)
    symbol = {"weight": "W", "bias": "b"}.get(kind, kind)
    top = int(np.abs(gradient).argmax())
    old, new = float(before.flat[top]), float(after.flat[top])
    return ParameterGradient(
        name=kind,
        gradient=_rows(gradient),
        slopes=slopes,
        norm=Quantity(
            name=f"‖∂L/∂{symbol}‖",
            value=norm,
            formula=f"‖∂L/∂{symbol}‖ = √ Σ (∂L/∂{symbol[0].lower()})²",
            substituted=f"‖∂L/∂{symbol}‖ = √{number(square)} = {number(norm)}",
        ),
        update=Quantity(
            name=names[top],
            value=new,
            formula=f"{names[top]} ← {names[top]} - η·∂L/∂{names[top]}",
            substituted=(
                f"{names[top]} ← {number(old)} - {number(rate)}·{factor(flat[top])} = {number(new)}"
            ),
        ),
        after=_rows(after),
    )


def _rows(array: Array) -> list[list[float]]:
    rows: list[list[float]] = np.atleast_2d(array).tolist()
    return rows


def _names(kind: str, shape: Shape) -> list[str]:
    if kind == "weight":
        return [f"w{i},{o}" for i in range(1, shape[0] + 1) for o in range(1, shape[1] + 1)]
    letter = {"bias": "b"}.get(kind, kind)
    return [f"{letter}{i}" for i in range(1, shape[0] + 1)]


def _slopes(
    kind: str, names: Sequence[str], flat: Sequence[float], shape: Shape, back: _Back
) -> list[Quantity]:
    given = back.delta if back.delta is not None else back.gradient
    assert given is not None
    columns = [list(map(factor, c)) for c in given.reshape((-1, given.shape[-1])).T.tolist()]
    inputs = [list(map(factor, c)) for c in back.x[0].reshape((-1, back.x[0].shape[-1])).T.tolist()]
    sums = "Σ over places of " if len(columns[0]) > 1 else ""
    told = []
    for index, (name, value) in enumerate(zip(names, flat, strict=True)):
        numbers = ""
        match kind:
            case "weight":
                i, o = divmod(index, shape[1])
                formula = f"{sums}x{i + 1}·δ{o + 1}"
                pairs = zip(inputs[i], columns[o], strict=True)
                numbers = " + ".join(f"{x}·{d}" for x, d in pairs) + " = "
            case "bias":
                formula = f"{sums}δ{index + 1}"
                numbers = " + ".join(columns[index]) + " = " if sums else ""
            case "scale":
                formula = f"{sums}∂L/∂y{index + 1}·(x{index + 1} - mean) / √(variance + ε)"
            case _:
                formula = f"{sums}∂L/∂y{index + 1}"
                numbers = " + ".join(columns[index]) + " = " if sums else ""
        told.append(
            Quantity(
                name=f"∂L/∂{name}",
                value=value,
                formula=f"∂L/∂{name} = {formula}",
                substituted=f"∂L/∂{name} = {numbers}{number(value)}",
            )
        )
    return told


def _written_loss(loss: Loss, prediction: Array, target: Array, value: float) -> str:
    """As the explorer of losses writes it, where the prediction tells all that the loss knows.

    Scores are no predictions, and of a sure one the loss knows the logit.
    """
    predictions, targets = prediction.ravel().tolist(), target.ravel().tolist()
    is_sure = loss.output_activation is not None and not {0.0, 1.0}.isdisjoint(predictions)
    if is_sure or loss.type in ("hinge", "perceptron"):
        outputs, wanted = (", ".join(map(number, row)) for row in (predictions, targets))
        return f"with ŷ = {outputs} and y = {wanted}: L = {number(value)}"
    # Cross-entropy is a mean over its answers, others over all outputs.
    answers = math.prod(target.shape[:-1]) if loss.type == "cross_entropy" else target.size
    return f"L = {written(loss, predictions, targets, answers)} = {number(value)}"


def _verdict(
    before: float, after: float, norm: float, rate: float, layers: Sequence[BackwardLayer]
) -> str:
    if norm == 0.0:
        return "Every slope is 0: no weight would move, and nothing is learnt from this sample."
    weights = [
        (layer.name, parameter.norm.value)
        for layer in layers
        for parameter in layer.parameters
        if parameter.name == "weight"
    ]
    said = ""
    if len(weights) > 1:
        (last, most), (first, least) = weights[0], weights[-1]
        said = f"The gradient's length is {number(most)} in {last} and {number(least)} in {first}. "
    if not math.isfinite(after):
        return f"{said}The numbers are too large for what comes next: the loss overflows."
    change = "falls" if after < before else "rises" if after > before else "goes"
    said += (
        f"After one step of gradient descent at rate {number(rate)} the loss {change} from "
        f"{number(before)} to {number(after)}"
    )
    return said + (
        ": the step was too long for the curve that it follows." if change == "rises" else "."
    )


# ---------------------------------------------------------------- differences


def _check_is_affordable(small: SmallNetwork) -> None:
    """Each parameter sends the input through the network twice."""
    parameters = small.network.learnt_size
    numbers = sum(math.prod(step.output.shape) for step in small.trace.steps)
    layers = len(small.trace.steps)
    work = 2 * parameters * (numbers + PER_LAYER * layers)
    if work > MAX_CHECKED:
        raise InvalidArgument.of(
            FieldError(
                "check",
                f"costs 2·parameters·(numbers + {PER_LAYER}·layers) = 2·{parameters}·({numbers} + "
                f"{PER_LAYER}·{layers}) = {work}, and may cost {MAX_CHECKED}: leave it out, or "
                "take a smaller network",
            ),
            reason="limit_exceeded",
        )


def _check(
    small: SmallNetwork, loss: Loss, target: Array, gradients: Mapping[str, Array]
) -> GradientCheck:
    """All slopes beside central differences, which know of no chain rule."""
    weights = {name: array.copy() for name, array in small.weights.items()}
    loss_now = _loss_at(small, loss, target, weights)
    paths, slopes, differences = [], [], []
    with np.errstate(all="ignore"):
        for name, gradient in gradients.items():
            array = weights[name]
            for index in np.ndindex(array.shape):
                kept = float(array[index])
                h = STEP * max(1.0, abs(kept))
                array[index] = kept + h
                above = loss_now()
                array[index] = kept - h
                differences.append((above - loss_now()) / (2.0 * h))
                array[index] = kept
                slopes.append(float(gradient[index]))
                paths.append(name + "".join(f"[{i}]" for i in index))
        ours, theirs = np.array(slopes), np.array(differences)
        floor = max(SMALLEST_SHARE * float(np.abs(ours).max()), np.finfo(float).tiny)
        larger = np.maximum(np.maximum(np.abs(ours), np.abs(theirs)), floor)
        relative = np.abs(ours - theirs) / larger
    worst = int(relative.argmax())
    return GradientCheck(
        parameters=len(paths),
        step=STEP,
        largest_difference=float(relative[worst]),
        parameter=paths[worst],
        slope=slopes[worst],
        difference=differences[worst],
        agrees=bool(relative[worst] < AGREEMENT),
    )
