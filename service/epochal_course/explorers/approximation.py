"""Universal approximation: one hidden layer of growing width fits a curve.

A network with enough hidden units approximates any continuous function on an interval to any
accuracy (Cybenko, 1989; Hornik, Stinchcombe and White, 1989). The theorem says that such weights
exist, not how to find them. Here the Levenberg-Marquardt method finds them, see `curve_fits.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from epochal_engine import Activation
from epochal_service.errors import FieldError, InvalidArgument

from ..specs.explorers.approximation import (
    ApproximationSimulation,
    ApproximationTarget,
    SimulateApproximationRequest,
    WidthFit,
)
from .activation import elementwise
from .curve_fits import OPTIMIZER, Evaluation, Fits, Floats, fit, initial_weights
from .explorer import Explorer
from .formulas import number


@dataclass(frozen=True)
class Target:
    """A curve over an interval around 0."""

    formula: str
    end: float
    """The interval is [-end, end]."""
    function: Callable[[Floats], Floats]


TARGETS: dict[ApproximationTarget, Target] = {
    "sine": Target("sin(x) from −π to π", math.pi, np.sin),
    "step": Target("0 for x < 0, else 1, from -1 to 1", 1.0, lambda x: (x >= 0.0).astype(float)),
    "bump": Target("exp(-8·x²) from -1 to 1", 1.0, lambda x: np.exp(-8.0 * x * x)),
}
CURVE_POINTS = 129
NARROW = 4
"""Widths up to this one are fitted together: calling NumPy takes longer than their equations."""
MAX_FLOPS = 3e9
"""Multiplications and additions of one call: about 200 ms on one core."""
STEP_FLOPS = 1.5e6
"""The fixed cost of a step, for calling NumPy."""


@dataclass(frozen=True)
class _Scale:
    """The scaling with which networks see the points: inputs in [-1, 1], outputs of mean 0 and
    standard deviation 1.
    """

    middle: float
    half: float
    mean: float
    deviation: float

    @classmethod
    def of(cls, inputs: Floats, outputs: Floats) -> _Scale:
        """Return the scaling of these points."""
        low, high = float(inputs.min()), float(inputs.max())
        middle, half = low / 2.0 + high / 2.0, high / 2.0 - low / 2.0
        if half == 0.0:
            raise InvalidArgument.of(FieldError("inputs", "must not all be equal"))
        return cls(middle, half, float(outputs.mean()), float(outputs.std()) or 1.0)

    def inputs(self, x: Floats) -> Floats:
        """Return x in [-1, 1]."""
        return (x - self.middle) / self.half

    def outputs(self, y: Floats) -> Floats:
        """Return y with mean 0 and standard deviation 1."""
        return (y - self.mean) / self.deviation


def approximation(request: SimulateApproximationRequest) -> ApproximationSimulation:
    """Fit a curve with one hidden layer, for each width and seed, within a fixed budget.

    Raises `InvalidArgument` unless there is exactly one curve to fit, for an activation without a
    gradient, and for more operations than the limit.
    """
    activation = elementwise(request.activation, "activation")
    if activation.name == "step":
        raise InvalidArgument.of(FieldError("activation", "must have a gradient; got step"))
    inputs, outputs = _points(request)
    flops = _affordable_flops(request, len(inputs))
    scale = _Scale.of(inputs, outputs)
    xs = np.linspace(float(inputs.min()), float(inputs.max()), CURVE_POINTS)
    x, y = scale.inputs(inputs), scale.outputs(outputs)
    fits = _fits(request, activation, x, y)
    curves = _curves(activation, [fit.weights[fit.median] for fit in fits], scale.inputs(xs))
    widths = [
        _width_fit(width, fit, curve, request.seed, scale)
        for width, fit, curve in zip(request.widths, fits, curves, strict=True)
    ]
    name = request.target or (None if request.inputs else "sine")
    constant = float(outputs.var())
    return ApproximationSimulation(
        target=name or "points",
        formula=TARGETS[name].formula if name else None,
        inputs=inputs.tolist(),
        outputs=outputs.tolist(),
        constant_error=constant,
        curve_inputs=xs.tolist(),
        widths=widths,
        optimizer=OPTIMIZER,
        steps=request.steps,
        flops=flops,
        max_flops=MAX_FLOPS,
        verdict=_verdict(widths, constant, request),
    )


def _affordable_flops(request: SimulateApproximationRequest, samples: int) -> float:
    flops = sum(_flops(width, samples, request.seeds) for width in request.widths) * request.steps
    if flops > MAX_FLOPS:
        raise InvalidArgument.of(
            FieldError(
                "steps",
                f"must take at most {MAX_FLOPS:.1e} multiplications and additions in all; got "
                f"{flops:.1e}. Use fewer steps, seeds or samples, or smaller widths",
            )
        )
    return flops


def _curves(activation: Activation, weights: Sequence[Floats], inputs: Floats) -> list[Floats]:
    """Return the outputs of networks with these weights, each `(size,)`, at all inputs."""
    parts = [vector[:-1].reshape(3, -1) for vector in weights]
    w, b, v = np.hstack(parts)[..., None]
    # The hidden units of all networks at once.
    products = v * activation.function(w * inputs + b)
    starts = np.cumsum([0, *(part.shape[1] for part in parts[:-1])])
    sums = np.add.reduceat(products, starts, axis=0)
    return [sum_ + vector[-1] for sum_, vector in zip(sums, weights, strict=True)]


def _width_fit(width: int, fits: Fits, curve: Floats, seed: int, scale: _Scale) -> WidthFit:
    """The fits of one width, and the curve of the median one."""
    errors = fits.errors * scale.deviation**2
    return WidthFit(
        width=width,
        parameters=3 * width + 1,
        errors=errors.tolist(),
        median_error=float(np.median(errors)),
        best_error=float(errors.min()),
        curve=(curve * scale.deviation + scale.mean).tolist(),
        curve_seed=seed + fits.median,
        steps=fits.steps.tolist(),
    )


def _points(request: SimulateApproximationRequest) -> tuple[Floats, Floats]:
    if request.inputs is None and request.outputs is None:
        target = TARGETS[request.target or "sine"]
        inputs = np.linspace(-target.end, target.end, request.samples)
        return inputs, target.function(inputs)
    if request.target is not None:
        raise InvalidArgument.of(
            FieldError("target", "must be left out if inputs and outputs are given")
        )
    if request.inputs is None or request.outputs is None:
        missing = "inputs" if request.inputs is None else "outputs"
        raise InvalidArgument.of(
            FieldError(missing, "must be given too: inputs and outputs belong together")
        )
    if len(request.inputs) != len(request.outputs):
        raise InvalidArgument.of(
            FieldError(
                "outputs",
                f"must have one number for each input, {len(request.inputs)}; got "
                f"{len(request.outputs)}",
            )
        )
    return np.array(request.inputs, np.float64), np.array(request.outputs, np.float64)


def _flops(width: int, samples: int, seeds: int) -> float:
    """The operations of one step for all seeds: products of J and Jᵀ, and of the part of J for the
    output weights, and solving for them.
    """
    parts = [(size, min(size, samples)) for size in (3 * width + 1, width + 1)]
    return STEP_FLOPS + seeds * sum(2.0 * samples * size * k + k**3 for size, k in parts)


def _fits(
    request: SimulateApproximationRequest, activation: Activation, inputs: Floats, targets: Floats
) -> list[Fits]:
    """Fit each width from each seed."""
    units = _initial_units(request)
    narrow = [width for width in request.widths if width <= NARROW]
    fits: dict[int, Fits] = {}
    for group in [narrow, *([width] for width in request.widths if width > NARROW)]:
        if group:
            weights, exists = initial_weights(units, group)
            evaluate = Evaluation(activation, inputs, targets, exists)
            group_fits = fit(evaluate, weights, request.steps, request.tolerance)
            fits |= zip(group, group_fits.split(len(group)), strict=True)
    return [fits[width] for width in request.widths]


def _initial_units(request: SimulateApproximationRequest) -> Floats:
    """Return a factor of w and a center for each unit of the widest layer, `(2, seeds, units)`.

    Narrower layers begin with the same units.
    """
    shape = max(request.widths), 2
    seeds = range(request.seed, request.seed + request.seeds)
    draws = [np.random.default_rng(seed).uniform(-1.0, 1.0, shape) for seed in seeds]
    return np.array(draws).transpose(2, 0, 1)


def _verdict(
    fits: Sequence[WidthFit], constant: float, request: SimulateApproximationRequest
) -> str:
    limit = request.tolerance * constant
    best = min(fits, key=lambda fit: (max(fit.median_error, limit), fit.width))
    fewest = min(fits, key=lambda fit: fit.width)
    units = "hidden unit" if fewest.width == 1 else "hidden units"
    steps = f"{request.steps} steps" if request.steps > 1 else "one step"
    result = (
        f"The mean squared error is {number(constant)} for the best constant, "
        f"{number(fewest.median_error)} for {fewest.width} {units}"
    )
    if best is not fewest:
        result += f", and {number(best.median_error)} for {best.width}"
    result += " (medians over the seeds)." if len(fits[0].errors) > 1 else "."
    if 0.0 < best.median_error <= limit:
        result += f" Fits stop at an error of {number(limit)}."
    if any(
        fit.width > best.width and fit.median_error > max(best.median_error, limit) for fit in fits
    ):
        result += (
            f" Wider layers could do as well: here, fits end in local minima or after {steps}."
        )
    return result


APPROXIMATION = Explorer(
    "One hidden layer fits a curve",
    approximation,
    {
        "A sine with 1 to 32 hidden units": {},
        "The same with relu: piecewise linear": {"activation": "relu", "widths": [1, 4, 16]},
        "A bump with three seeds each": {"target": "bump", "widths": [1, 2, 8], "seeds": 3},
        "Your own points": {
            "inputs": [0.0, 1.0, 2.0, 3.0, 4.0],
            "outputs": [0.0, 1.0, 0.5, 2.0, 1.5],
            "widths": [1, 4],
            "steps": 20,
        },
    },
)
