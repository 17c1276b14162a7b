"""Universal approximation: one hidden layer of growing width fits a curve.

A network with enough hidden units approximates any continuous function on an interval to any
accuracy (Cybenko, 1989; Hornik, Stinchcombe and White, 1989). The theorem says that such weights
exist, not how to find them. Here the Levenberg-Marquardt method finds them: it suits few weights
and few points, and takes tens of steps where gradient descent takes tens of thousands. It needs the
Jacobian: the gradient of each point's output with respect to each weight. The engine
differentiates the activation, and all points and seeds are evaluated at once. The output is linear
in the output weights, so each step ends with their least-squares fit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from epochal_engine import Activation
from epochal_engine.symbolic import Plan, Symbol, differentiate, leaf, one_thread, run_calls

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
NARROW = 4
"""Widths up to this one are fitted together: calling NumPy takes longer than their equations."""
INITIAL_DAMPING = 0.03
"""The damping at the start, times samples and divided by hidden units."""
FASTEST_FALL = 0.2
"""The smallest factor of the damping. Nielsen's 1/3 takes more steps here."""
MIN_DECREASE = 0.1
"""The fraction of the tolerance by which a step must decrease the error, or the fit stops."""
MAX_FLOPS = 3e9
"""Multiplications and additions of one call: about 200 ms on one core."""
STEP_FLOPS = 1.5e6
"""The fixed cost of a step, for calling NumPy."""
OPTIMIZER = (
    "Levenberg-Marquardt (Marquardt, 1963) with the damping of Nielsen (1999), a least-squares fit "
    "of the output weights in each step (Ruhe and Wedin, 1980), and initial weights that spread "
    "the nonlinear regions of the hidden units over the interval (after Nguyen and Widrow, 1990)"
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


@dataclass(frozen=True)
class _Fits:
    """The fits of one width, one from each seed."""

    weights: Floats
    """`(seeds, size)`: w, b and v of all hidden units, and c. Those of missing units are 0."""
    errors: Floats
    """Mean squared errors `(seeds,)`."""
    steps: NDArray[np.int64]
    """How many steps were taken, `(seeds,)`."""

    def split(self, count: int) -> list[_Fits]:
        """Return so many groups of as many fits."""
        parts = (np.split(array, count) for array in vars(self).values())
        return [_Fits(*group) for group in zip(*parts, strict=True)]

    @property
    def median(self) -> int:
        """The number of the fit with the median error, the lower one of two."""
        return int(np.argsort(self.errors, kind="stable")[(len(self.errors) - 1) // 2])


def _curves(activation: Activation, weights: Sequence[Floats], inputs: Floats) -> list[Floats]:
    """Return the outputs of networks with these weights, each `(size,)`, at all inputs."""
    parts = [vector[:-1].reshape(3, -1) for vector in weights]
    w, b, v = np.hstack(parts)[..., None]
    # The hidden units of all networks at once.
    products = v * activation.function(w * inputs + b)
    starts = np.cumsum([0, *(part.shape[1] for part in parts[:-1])])
    sums = np.add.reduceat(products, starts, axis=0)
    return [sum_ + vector[-1] for sum_, vector in zip(sums, weights, strict=True)]


def _width_fit(width: int, fits: _Fits, curve: Floats, seed: int, scale: _Scale) -> WidthFit:
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


@dataclass
class _Points:
    """What a step needs to know where each fit is. One entry of each array per fit."""

    weights: Floats
    """`(fits, size)`."""
    errors: Floats
    """Sums of squared residuals `(fits,)`."""
    products: Floats
    """JᵀJ or JJᵀ, whichever is smaller: `(fits, equations, equations)`."""
    trace: Floats
    """The trace of either, `(fits,)`."""
    right: Floats
    """The right side of the equations, Jᵀr or r, `(fits, equations)`."""
    jacobian: Floats
    """The transposed Jacobian Jᵀ `(fits, size, samples)`; without rows unless it is wide."""

    def select(self, chosen: NDArray[np.bool_]) -> _Points:
        """Return the chosen fits."""
        return _Points(*(array[chosen] for array in vars(self).values()))

    def restore(self, chosen: NDArray[np.bool_], before: _Points) -> None:
        """Put the chosen fits back to where they were before."""
        for k in chosen.nonzero()[0]:
            for array, old in zip(vars(self).values(), vars(before).values(), strict=True):
                array[k] = old[k]


def _fits(
    request: SimulateApproximationRequest, activation: Activation, inputs: Floats, targets: Floats
) -> list[_Fits]:
    """Fit each width from each seed."""
    units = _initial_units(request)
    narrow = [width for width in request.widths if width <= NARROW]
    fits: dict[int, _Fits] = {}
    for group in [narrow, *([width] for width in request.widths if width > NARROW)]:
        if group:
            weights, exists = _initial_weights(units, group)
            evaluate = _Evaluation(activation, inputs, targets, exists)
            group_fits = _fit(evaluate, weights, request.steps, request.tolerance)
            fits |= zip(group, group_fits.split(len(group)), strict=True)
    return [fits[width] for width in request.widths]


def _fit(evaluate: _Evaluation, weights: Floats, steps: int, tolerance: float) -> _Fits:
    """Fit networks from these weights `(fits, size)`.

    A fit stops when its mean squared error is at most the tolerance, or when a step neither changes
    it nor was predicted to by more than `MIN_DECREASE` of the tolerance (Moré, 1978). A step that
    increases the error is undone. The damping is that of Nielsen (1999): it falls if the error
    decreases about as predicted, and grows otherwise. Fits that have stopped leave the arrays.
    """
    samples, count = evaluate.samples, len(weights)
    fits = _Fits(np.empty_like(weights), np.empty(count), np.full(count, steps))
    numbers = np.arange(count)
    damping, growth = INITIAL_DAMPING * samples / evaluate.units, np.full(count, 2.0)
    # For systems of up to 64 equations a second thread is more trouble than help.
    with one_thread(), np.errstate(all="ignore"):
        limit = tolerance * samples
        now = evaluate(weights, damping, numbers)
        has_stopped = now.errors <= limit
        for step in range(steps):
            if has_stopped.any():
                left, stopped = ~has_stopped, numbers[has_stopped]
                fits.weights[stopped] = now.weights[has_stopped]
                fits.errors[stopped] = now.errors[has_stopped]
                fits.steps[stopped] = step
                numbers, damping, growth = numbers[left], damping[left], growth[left]
                now = now.select(left)
                if not len(numbers):
                    break
            change, predicted = _damped_step(now, damping)
            tried = evaluate(now.weights - change, damping, numbers)
            decrease = now.errors - tried.errors
            has_stopped = np.maximum(predicted, np.abs(decrease)) <= MIN_DECREASE * limit
            is_better = (decrease > 0.0) & (tried.trace < np.inf)
            surplus = 2.0 * decrease / predicted - 1.0
            fall = np.fmax(1.0 - surplus * surplus * surplus, FASTEST_FALL)
            damping = damping * np.where(is_better, fall, growth)
            growth = np.where(is_better, 2.0, 2.0 * growth)
            tried.restore(~is_better, now)
            now = tried
            has_stopped |= now.errors <= limit
            damping = np.minimum(np.maximum(damping, 1e-12), 1e12)
    fits.weights[numbers], fits.errors[numbers] = now.weights, now.errors
    fits.errors[:] /= samples
    return fits


def _damped_step(now: _Points, damping: Floats) -> tuple[Floats, Floats]:
    """Return the steps `(fits, size)`, and the decreases of the errors that the linear model
    predicts, `(fits,)`.

    With the residuals r, a step is (JᵀJ + damping)⁻¹·Jᵀr, or the same as Jᵀ·(JJᵀ + damping)⁻¹·r.
    """
    solution = _solve(now.products.copy(), now.right, damping)
    shares = damping[:, None] * solution
    if now.jacobian.shape[1]:
        # The shares are the residuals that the linear model leaves.
        return np.matvec(now.jacobian, solution), now.errors - np.vecdot(shares, shares)
    return solution, np.vecdot(solution, now.right + shares)


def _is_wide(jacobian: Floats) -> bool:
    """Whether Jᵀ `(fits, size, samples)` has more weights than samples."""
    return bool(jacobian.shape[1] > jacobian.shape[2])


def _equations(jacobian: Floats, residuals: Floats) -> tuple[Floats, Floats]:
    """Return JᵀJ and Jᵀr for Jᵀ `(fits, size, samples)`, or if it is wide JJᵀ and r."""
    transposed = jacobian.swapaxes(1, 2)
    if _is_wide(jacobian):
        return transposed @ jacobian, residuals
    return jacobian @ transposed, np.matvec(jacobian, residuals)


def _solve(products: Floats, right: Floats, damping: Floats) -> Floats:
    """Return (products + damping)⁻¹·right. Overwrites the products."""
    diagonal = products.reshape(len(products), -1)[:, :: products.shape[1] + 1]
    # At least a fraction of the trace, so that rounding errors do not make the matrix singular.
    diagonal += np.maximum(damping, 1e-14 * diagonal.sum(axis=1))[:, None]
    return np.asarray(np.linalg.solve(products, right[..., None])[..., 0])


@lru_cache(maxsize=64)
def _plan(activation: Activation, shape: tuple[int, ...]) -> tuple[Symbol, Plan]:
    """Return a leaf of this shape, and a plan for the activation and its derivative."""
    z = leaf(shape)
    h = activation.traced(z)
    return z, Plan([h, *differentiate(h, [z])], np.float64)


class _Evaluation:
    """The outputs of networks at all inputs, and their gradients for each weight.

    The output is v·h + c with h = φ(z) and z = w·x + b, so its gradients for w, b, v and c are
    x·δ, δ, h and 1 with δ = v·φ'(z). The engine computes φ and its derivative. Narrower networks
    have as many units as the widest. Those that are missing have weights and gradients of 0.
    """

    def __init__(
        self, activation: Activation, inputs: Floats, targets: Floats, exists: NDArray[np.bool_]
    ) -> None:
        """`exists` says which units each network has, `(fits, width)`."""
        count, self._width = exists.shape
        self.samples, self.units = len(inputs), exists.sum(axis=1)
        self._targets, self._exists = targets, exists[..., None]
        z, plan = _plan(activation, (*exists.shape, len(inputs)))
        self._sums, self._hidden, self._derivatives = (np.empty(z.shape) for _ in range(3))
        self._calls = plan.unbound().bind({z: self._sums}, [self._hidden, self._derivatives])
        self._lines = np.stack([inputs, np.ones_like(inputs)])
        self._inputs = np.broadcast_to(inputs, z.shape).copy()
        # One for the fits as they are, one for what is tried.
        self._jacobians = [np.ones((count, 3 * self._width + 1, len(inputs))) for _ in "12"]

    def __call__(self, weights: Floats, damping: Floats, numbers: NDArray[np.int64]) -> _Points:
        """Evaluate the networks with these numbers and weights `(fits, size)`.

        First, the output weights v and c are fitted with this damping, in place.
        """
        count, width = len(weights), self._width
        w_and_b = weights[:, : 2 * width].reshape(count, 2, width).swapaxes(1, 2)
        np.matmul(w_and_b, self._lines, self._sums[:count])
        run_calls(self._calls)
        self._jacobians.reverse()
        jacobian = self._jacobians[0][:count]
        for_w, for_b = jacobian[:, :width], jacobian[:, width : 2 * width]
        v_and_c, for_v_and_c = weights[:, 2 * width :], jacobian[:, 2 * width :]
        np.multiply(self._hidden[:count], self._exists[numbers], for_v_and_c[:, :-1])
        residuals = np.vecmat(v_and_c, for_v_and_c) - self._targets
        change = _solve(*_equations(for_v_and_c, residuals), damping)
        if _is_wide(for_v_and_c):
            change = np.matvec(for_v_and_c, change)
        v_and_c -= change
        residuals -= np.vecmat(change, for_v_and_c)
        np.multiply(v_and_c[:, :-1, None], self._derivatives[:count], for_b)
        np.multiply(for_b, self._inputs[:count], for_w)
        errors = np.vecdot(residuals, residuals)
        products, right = _equations(jacobian, residuals)
        trace = products.trace(axis1=1, axis2=2)
        rows = jacobian if _is_wide(jacobian) else jacobian[:, :0]
        return _Points(weights, errors, products, trace, right, rows)


def _initial_units(request: SimulateApproximationRequest) -> Floats:
    """Return a factor of w and a center for each unit of the widest layer, `(2, seeds, units)`.

    Narrower layers begin with the same units.
    """
    shape = max(request.widths), 2
    seeds = range(request.seed, request.seed + request.seeds)
    draws = [np.random.default_rng(seed).uniform(-1.0, 1.0, shape) for seed in seeds]
    return np.array(draws).transpose(2, 0, 1)


def _initial_weights(units: Floats, widths: Sequence[int]) -> tuple[Floats, NDArray[np.bool_]]:
    """Return weights `(fits, size)`, all seeds of the first width first, and which units exist.

    The units are nonlinear anywhere in the interval, and steeper the more there are. Output weights
    are 0. The factor is 0.4 instead of the 0.7 of Nguyen and Widrow (1990), which gave larger
    errors here.
    """
    widest = max(widths)
    factors, centers = np.tile(units[..., :widest], (1, len(widths), 1))
    counts = np.repeat(widths, units.shape[1])[:, None]
    exists = np.arange(widest) < counts
    w = exists * 0.4 * counts * (factors + 0.5 * np.sign(factors))
    return np.hstack([w, -w * centers, np.zeros((len(w), widest + 1))]), exists


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
