"""Universal approximation: one hidden layer of growing width fits a curve.

A network with enough hidden units approximates any continuous function on an interval to any
accuracy (Cybenko, 1989; Hornik, Stinchcombe and White, 1989). The theorem says that such weights
exist, not how to find them. Here the Levenberg-Marquardt method finds them: it suits few weights
and few points, and takes tens of steps where gradient descent takes tens of thousands. It needs the
Jacobian: the gradient of each point's output with respect to each weight. The engine
differentiates the activation, and all points and seeds are evaluated at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from epochal_engine import ACTIVATIONS, Dense, Network, predict
from epochal_engine.model import parameter_views
from epochal_engine.symbolic import Plan, differentiate, leaf, one_thread, run_calls
from epochal_engine.training import Streams

from ..errors import FieldError, InvalidArgument
from ..specs.simulations.approximation import (
    ApproximationSimulation,
    ApproximationTarget,
    SimulateApproximationRequest,
    WidthFit,
)
from .activation import elementwise
from .explorer import Explorer
from .formulas import number

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Target:
    """A curve over an interval around 0."""

    formula: str
    end: float
    """The interval is [-end, end]."""
    function: Callable[[Floats], Floats]


TARGETS: dict[ApproximationTarget, Target] = {
    "sine": Target("sin(x) from -π to π", math.pi, np.sin),
    "step": Target("0 for x < 0, else 1, from -1 to 1", 1.0, lambda x: (x >= 0.0).astype(float)),
    "bump": Target("exp(-8·x²) from -1 to 1", 1.0, lambda x: np.exp(-8.0 * x * x)),
}
CURVE_POINTS = 129
MAX_FLOPS = 2e9
"""Multiplications and additions of one call: about 200 ms on one core."""
STEP_FLOPS = 1.5e6
"""The fixed cost of a step, for calling NumPy."""
OPTIMIZER = (
    "Levenberg-Marquardt (Marquardt, 1963), with initial weights that spread the nonlinear regions "
    "of the hidden units over the interval (after Nguyen and Widrow, 1990)"
)


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
    fits = [
        _width_fit(request, activation.name, width, inputs, outputs, scale, xs)
        for width in request.widths
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
        widths=fits,
        optimizer=OPTIMIZER,
        steps=request.steps,
        flops=flops,
        max_flops=MAX_FLOPS,
        verdict=_verdict(fits, constant, request),
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


@dataclass(frozen=True)
class _Fits:
    """The fits of one width, one from each seed."""

    weights: Floats
    """`(seeds, size)`."""
    errors: Floats
    """Mean squared errors `(seeds,)`."""
    steps: NDArray[np.int64]
    """How many steps were taken, `(seeds,)`."""

    def keep(self, numbers: NDArray[np.int64], weights: Floats, errors: Floats) -> None:
        """Keep the results of the seeds with these numbers."""
        self.weights[numbers], self.errors[numbers] = weights, errors


def _width_fit(
    request: SimulateApproximationRequest,
    activation: str,
    width: int,
    inputs: Floats,
    outputs: Floats,
    scale: _Scale,
    xs: Floats,
) -> WidthFit:
    """The fits of one width, and the curve of the median one."""
    network = Network((1,), (Dense(width, activation), Dense(1)))
    seeds = [request.seed + k for k in range(request.seeds)]
    fits = _fit(
        network,
        scale.inputs(inputs),
        scale.outputs(outputs),
        seeds,
        request.steps,
        request.tolerance,
    )
    errors = fits.errors * scale.deviation**2
    shown = int(np.argsort(errors, kind="stable")[(len(seeds) - 1) // 2])
    curve = predict(
        network, parameter_views(network, fits.weights[shown]), scale.inputs(xs)[:, None]
    )
    return WidthFit(
        width=width,
        parameters=network.learned_size,
        errors=errors.tolist(),
        median_error=float(np.median(errors)),
        best_error=float(errors.min()),
        curve=(curve[:, 0] * scale.deviation + scale.mean).tolist(),
        curve_seed=seeds[shown],
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
    """The operations of one step for all seeds: a product of J and Jᵀ, and solving for it."""
    size = 3 * width + 1
    smaller = min(size, samples)
    return STEP_FLOPS + seeds * (2.0 * samples * size * smaller + smaller**3)


def _fit(
    network: Network,
    inputs: Floats,
    targets: Floats,
    seeds: Sequence[int],
    steps: int,
    tolerance: float,
) -> _Fits:
    """Fit a network from each seed, until its mean squared error is at most the tolerance.

    Each step is that of `_damped_step`. A step that increases the error is undone and the damping
    raised; otherwise the damping is lowered. Fits that have reached the tolerance leave the arrays.
    """
    weights = np.stack([_initial_weights(network, seed) for seed in seeds])
    fits = _Fits(np.empty_like(weights), np.empty(len(seeds)), np.full(len(seeds), steps))
    numbers, damping = np.arange(len(seeds)), np.full(len(seeds), 1e-3)
    jacobian_of = _Jacobian(network, inputs, len(seeds))
    # For systems of up to 64 equations a second thread is more trouble than help.
    with one_thread(), np.errstate(all="ignore"):
        outputs, jacobian = jacobian_of(weights)
        residuals = outputs - targets
        errors = _mean_squares(residuals)
        products = _products(jacobian)
        for step in range(steps):
            reached = errors <= tolerance
            if reached.any():
                fits.keep(numbers[reached], weights[reached], errors[reached])
                fits.steps[numbers[reached]] = step
                numbers = numbers[~reached]
                weights, residuals, errors, jacobian, products, damping = (
                    array[~reached]
                    for array in (weights, residuals, errors, jacobian, products, damping)
                )
                if not len(numbers):
                    break
            tried = weights - _damped_step(jacobian, products, residuals, damping)
            outputs, tried_jacobian = jacobian_of(tried)
            tried_residuals = outputs - targets
            tried_errors = _mean_squares(tried_residuals)
            is_finite = np.isfinite(_mean_squares(tried_jacobian.reshape(len(tried), -1)))
            better = (tried_errors < errors) & is_finite
            if better.all():
                weights, residuals, errors = tried, tried_residuals, tried_errors
                jacobian, products = tried_jacobian, _products(tried_jacobian)
            else:
                for k in better.nonzero()[0]:
                    weights[k] = tried[k]
                    residuals[k] = tried_residuals[k]
                    errors[k] = tried_errors[k]
                    jacobian[k] = tried_jacobian[k]
                    products[k] = _products(jacobian[k])
            damping = damping * np.where(better, 1.0 / 9.0, 3.0)
            damping = np.minimum(np.maximum(damping, 1e-12), 1e12)
    fits.keep(numbers, weights, errors)
    return fits


def _mean_squares(x: Floats) -> Floats:
    return np.asarray(np.vecdot(x, x) / x.shape[-1])


def _products(jacobian: Floats) -> Floats:
    """Return JᵀJ or JJᵀ, whichever is smaller, for Jᵀ `(…, size, samples)`."""
    transposed = jacobian.swapaxes(-1, -2)
    is_wide = jacobian.shape[-2] > jacobian.shape[-1]
    return transposed @ jacobian if is_wide else jacobian @ transposed


def _damped_step(jacobian: Floats, products: Floats, residuals: Floats, damping: Floats) -> Floats:
    """Return the steps `(seeds, size)` for Jᵀ `(seeds, size, samples)` and r `(seeds, samples)`.

    They are (JᵀJ + damping)⁻¹·Jᵀr, or the same as Jᵀ·(JJᵀ + damping)⁻¹·r: the smaller matrix, of
    `_products`, is solved.
    """
    damped = products.copy()
    diagonal = damped.reshape(len(damped), -1)[:, :: damped.shape[1] + 1]
    # At least a fraction of the largest diagonal element, so that rounding errors do not make the
    # matrix singular.
    scale = np.maximum(diagonal.max(axis=1), 1.0)
    diagonal += np.maximum(damping, 1e-13 * scale)[:, None]
    column = residuals[..., None]
    if jacobian.shape[1] > jacobian.shape[2]:
        return np.asarray((jacobian @ np.linalg.solve(damped, column))[..., 0])
    return np.asarray(np.linalg.solve(damped, jacobian @ column)[..., 0])


class _Jacobian:
    """The outputs of many networks at all inputs, and their gradients for each weight.

    The output is v·h + c with h = φ(z) and z = w·x + b, so its gradients for w, b, v and c are
    x·δ, δ, h and 1 with δ = v·φ'(z). The engine computes φ and its derivative.
    """

    def __init__(self, network: Network, inputs: Floats, count: int) -> None:
        hidden = network.layers[0]
        assert isinstance(hidden, Dense)
        self._inputs = inputs
        ends = [k * hidden.units for k in range(4)] + [network.learned_size]
        self._parts = [slice(*pair) for pair in pairwise(ends)]
        z = leaf((count, hidden.units, len(inputs)))
        h = ACTIVATIONS[hidden.activation].traced(z)
        self._sums, self._hidden, self._derivatives = (np.empty(z.shape) for _ in range(3))
        outputs, results = [h, *differentiate(h, [z])], [self._hidden, self._derivatives]
        self._calls = Plan(outputs, np.float64).bind({z: self._sums}, results)

    def __call__(self, weights: Floats) -> tuple[Floats, Floats]:
        """Return outputs `(n, samples)` and the transposed Jacobian `(n, size, samples)` for
        weights `(n, size)` of up to `count` networks.
        """
        w, b, v, c = (weights[:, part, None] for part in self._parts)
        count = len(weights)
        sums, hidden, derivatives = (
            x[:count] for x in (self._sums, self._hidden, self._derivatives)
        )
        jacobian = np.empty((*weights.shape, len(self._inputs)))
        for_w, for_b, for_v, for_c = (jacobian[:, part] for part in self._parts)
        np.multiply(w, self._inputs, sums)
        np.add(sums, b, sums)
        run_calls(self._calls)
        np.multiply(v, derivatives, for_b)
        np.multiply(for_b, self._inputs, for_w)
        np.copyto(for_v, hidden)
        for_c.fill(1.0)
        return (v.swapaxes(1, 2) @ hidden + c)[:, 0], jacobian


def _initial_weights(network: Network, seed: int) -> Floats:
    """Weights whose units are nonlinear anywhere in the interval, and steeper the more units there
    are.

    The factor is 0.4 instead of the 0.7 of Nguyen and Widrow (1990), which gave larger errors here.
    """
    vector = np.zeros(network.learned_size)
    views = parameter_views(network, vector)
    (width,) = views["dense_1.bias"].shape
    rng = Streams.from_seed(seed).weights
    kernel = 0.4 * width * rng.uniform(0.5, 1.5, width) * rng.choice([-1.0, 1.0], width)
    views["dense_1.weight"][0] = kernel
    views["dense_1.bias"][:] = -kernel * rng.uniform(-1.0, 1.0, width)
    views["dense_2.weight"][:, 0] = rng.normal(0.0, 1.0 / math.sqrt(width), width)
    return vector


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
        result += f" Wider layers do no better here only because training stopped after {steps}."
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
