"""One hidden layer of growing width fits a curve: universal approximation, computed.

A sum of enough bent curves comes as near to any continuous curve on an interval as one likes
(Cybenko, 1989; Hornik, Stinchcombe and White, 1989). That says that there are such weights, not how
to find them. Here they are found by Levenberg and Marquardt's method, which is made for few weights
and few points and needs tens of steps where gradient descent needs tens of thousands. The slopes
that it needs, of every point's output along every weight, follow from the engine's network as the
slopes of a loss do: each point for itself, all points and all seeds in one list of NumPy calls.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from epochal_engine import Dense, Network, predict
from epochal_engine.differentiate import differentiate
from epochal_engine.network import parameter_leaves, parameter_views
from epochal_engine.plan import Plan, perform
from epochal_engine.replicas import replicate
from epochal_engine.streams import Streams
from epochal_engine.trace import leaf

from ..errors import FieldError, InvalidArgument
from ..specs.simulations.approximation import (
    ApproximationSimulation,
    ApproximationTarget,
    SimulateApproximationRequest,
    WidthFit,
)
from .activation import elementwise
from .formulas import number

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Target:
    """A curve over an interval around 0."""

    formula: str
    end: float
    """It goes from minus this to this."""
    function: Callable[[Floats], Floats]


TARGETS: dict[ApproximationTarget, Target] = {
    "sine": Target("sin(x) from -π to π", math.pi, np.sin),
    "step": Target("0 for x < 0, else 1, from -1 to 1", 1.0, lambda x: (x >= 0.0).astype(float)),
    "bump": Target("exp(-8·x²) from -1 to 1", 1.0, lambda x: np.exp(-8.0 * x * x)),
}
CURVE_POINTS = 129
BUDGET = 2e9
"""Multiplications and additions, at about 1e10 a second on one core."""
STEP_WORK = 1.5e6
"""What a step costs however small the network is: the calls of NumPy."""
OPTIMIZER = (
    "Levenberg-Marquardt (Marquardt, 1963), from first weights that spread the bends of the hidden "
    "units over the interval (after Nguyen and Widrow, 1990)"
)


def approximation(request: SimulateApproximationRequest) -> ApproximationSimulation:
    """How near one hidden layer comes to a curve, for each width and seed, within a fixed budget.

    Raises `InvalidArgument` if what to fit is told twice or by half, for an activation without
    slopes, and for more work than the budget.
    """
    one = elementwise(request.activation, "activation")
    if one.name == "step":
        raise InvalidArgument.of(
            FieldError("activation", "a step has no slope that a fit could follow")
        )
    inputs, outputs = _points(request)
    work = sum(_work(width, len(inputs), request.seeds) for width in request.widths)
    work *= request.steps
    if work > BUDGET:
        raise InvalidArgument.of(
            FieldError(
                "steps",
                f"all fits together may take {BUDGET:.1e} multiplications and additions, and these "
                f"would take {work:.1e}; ask for fewer steps, seeds, samples, or smaller widths",
            )
        )
    low, high = float(inputs.min()), float(inputs.max())
    middle, half = low / 2.0 + high / 2.0, high / 2.0 - low / 2.0
    if half == 0.0:
        raise InvalidArgument.of(FieldError("inputs", "must not all be the same number"))
    places = np.linspace(low, high, CURVE_POINTS)
    # Networks see inputs from -1 to 1, and outputs of mean 0 and deviation 1.
    mean, deviation = float(outputs.mean()), float(outputs.std()) or 1.0
    seeds = [request.seed + k for k in range(request.seeds)]
    fits = []
    for width in request.widths:
        network = Network((1,), (Dense(width, one.name), Dense(1)))
        fitted, errors = _fit(
            network, (inputs - middle) / half, (outputs - mean) / deviation, seeds, request.steps
        )
        errors *= deviation**2
        shown = int(np.argsort(errors, kind="stable")[(len(seeds) - 1) // 2])
        curve = predict(
            network, parameter_views(network, fitted[shown]), ((places - middle) / half)[:, None]
        )
        fits.append(
            WidthFit(
                width=width,
                parameters=network.learnt_size,
                errors=errors.tolist(),
                median_error=float(np.median(errors)),
                best_error=float(errors.min()),
                curve=(curve[:, 0] * deviation + mean).tolist(),
                curve_seed=seeds[shown],
            )
        )
    named = request.target or (None if request.inputs else "sine")
    constant = float(outputs.var())
    return ApproximationSimulation(
        target=named or "points",
        formula=TARGETS[named].formula if named else None,
        inputs=inputs.tolist(),
        outputs=outputs.tolist(),
        constant_error=constant,
        curve_inputs=places.tolist(),
        widths=fits,
        optimizer=OPTIMIZER,
        steps=request.steps,
        work=work,
        budget=BUDGET,
        verdict=_verdict(fits, constant),
    )


def _points(request: SimulateApproximationRequest) -> tuple[Floats, Floats]:
    if request.inputs is None and request.outputs is None:
        target = TARGETS[request.target or "sine"]
        inputs = np.linspace(-target.end, target.end, request.samples)
        return inputs, target.function(inputs)
    if request.target is not None:
        raise InvalidArgument.of(
            FieldError("target", "says what to fit already; leave out inputs and outputs")
        )
    if request.inputs is None or request.outputs is None:
        missing = "inputs" if request.inputs is None else "outputs"
        raise InvalidArgument.of(FieldError(missing, "is needed beside the other"))
    if len(request.inputs) != len(request.outputs):
        raise InvalidArgument.of(
            FieldError(
                "outputs",
                f"must be as many as the inputs: {len(request.inputs)}, not {len(request.outputs)}",
            )
        )
    return np.array(request.inputs, np.float64), np.array(request.outputs, np.float64)


def _work(width: int, samples: int, seeds: int) -> float:
    """Of one step for all seeds: the products of the slopes, and the equations for the step."""
    size = 3 * width + 1
    return STEP_WORK + seeds * (2.0 * samples * size**2 + size**3)


def _fit(
    network: Network, inputs: Floats, targets: Floats, seeds: Sequence[int], steps: int
) -> tuple[Floats, Floats]:
    """Weights `(seeds, size)` and their mean squared errors `(seeds,)`, after so many steps.

    Each step solves (JᵀJ + damping)·step = -Jᵀr for all seeds, J being the slopes of the residuals
    r. One that makes the error larger is taken back and the damping raised, else it is lowered.
    """
    weights = np.stack([_first_weights(network, seed) for seed in seeds])
    slopes_of = _Slopes(network, inputs, len(seeds))
    diagonal = np.arange(weights.shape[1])
    damping = np.full(len(seeds), 1e-3)
    with np.errstate(all="ignore"):
        outputs, slopes = slopes_of(weights)
        residuals = outputs - targets
        errors = np.square(residuals).mean(axis=1)
        for _ in range(steps):
            transposed = slopes.transpose(0, 2, 1)
            products = transposed @ slopes
            # Relative to the largest slope, below which rounding would leave nothing to solve.
            scale = np.maximum(products[:, diagonal, diagonal].max(axis=1), 1.0)
            products[:, diagonal, diagonal] += np.maximum(damping, 1e-13 * scale)[:, None]
            step = np.linalg.solve(products, transposed @ residuals[..., None])[..., 0]
            tried = weights - step
            outputs, tried_slopes = slopes_of(tried)
            tried_residuals = outputs - targets
            tried_errors = np.square(tried_residuals).mean(axis=1)
            better = (tried_errors < errors) & np.isfinite(tried_slopes).all(axis=(1, 2))
            weights[better] = tried[better]
            residuals[better] = tried_residuals[better]
            slopes[better] = tried_slopes[better]
            errors[better] = tried_errors[better]
            damping = np.clip(np.where(better, damping / 9.0, damping * 3.0), 1e-12, 1e12)
    return weights, errors


class _Slopes:
    """The outputs of many networks at all inputs, and their slopes along each weight."""

    def __init__(self, network: Network, inputs: Floats, count: int) -> None:
        x, parameters = leaf((1, 1)), parameter_leaves(network)
        output = network.forward(x, parameters)[-1]
        traced = [output, *differentiate(output, list(parameters.values()))]
        copies = count * len(inputs)
        outputs, many = replicate(traced, {x, *parameters.values()}, copies)
        self._network, self._count, self._samples = network, count, len(inputs)
        self._parameters = {
            name: np.empty((count, len(inputs), *shape))
            for name, shape in network.parameters.items()
        }
        given = {many[x]: np.tile(inputs, count).reshape(copies, 1, 1)}
        for name, array in self._parameters.items():
            given[many[parameters[name]]] = array.reshape(copies, *network.parameters[name])
        self._results = [np.empty(y.shape) for y in outputs]
        self._calls = Plan(outputs, np.float64).bind(given, self._results)

    def __call__(self, weights: Floats) -> tuple[Floats, Floats]:
        """Outputs `(count, samples)` and slopes `(count, samples, size)` at weights
        `(count, size)`.
        """
        for name, own in parameter_views(self._network, weights).items():
            np.copyto(self._parameters[name], own[:, None])
        perform(self._calls)
        outputs, *slopes = (
            result.reshape(self._count, self._samples, -1) for result in self._results
        )
        return outputs[..., 0].copy(), np.concatenate(slopes, axis=2)


def _first_weights(network: Network, seed: int) -> Floats:
    """Bends anywhere in the interval, the steeper the more of them share it.

    Nguyen and Widrow (1990) take 0.7 for the 0.4, which was found to lead to larger errors here.
    """
    vector = np.zeros(network.learnt_size)
    views = parameter_views(network, vector)
    (width,) = views["dense_1.bias"].shape
    rng = Streams.from_seed(seed).weights
    steepness = 0.4 * width * rng.uniform(0.5, 1.5, width) * rng.choice([-1.0, 1.0], width)
    views["dense_1.weight"][0] = steepness
    views["dense_1.bias"][:] = -steepness * rng.uniform(-1.0, 1.0, width)
    views["dense_2.weight"][:, 0] = rng.normal(0.0, 1.0 / math.sqrt(width), width)
    return vector


def _verdict(fits: Sequence[WidthFit], constant: float) -> str:
    best = min(fits, key=lambda fit: fit.median_error)
    fewest = min(fits, key=lambda fit: fit.width)
    units = "hidden unit" if fewest.width == 1 else "hidden units"
    told = (
        f"The best constant misses by {number(constant)} (mean squared error), {fewest.width} "
        f"{units} by {number(fewest.median_error)}"
    )
    if best is not fewest:
        told += f", {best.width} by {number(best.median_error)}"
    told += ": medians over the seeds." if len(fits[0].errors) > 1 else "."
    if any(fit.width > best.width for fit in fits):
        told += (
            " That wider layers do no better here is the fault of the budget: there are weights "
            "for them that do."
        )
    return told
