"""Rosenblatt's perceptron learns from its mistakes, one point at a time, if a line can do it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import get_args

import numpy as np

from epochal_engine import Dense, Network, Perceptron, Training
from epochal_engine.network import parameter_views
from epochal_engine.plan import perform
from epochal_engine.step import Gradient, update, with_column

from ..errors import FieldError, InvalidArgument
from ..specs.simulations.perceptron import (
    Certificate,
    MixtureShare,
    PerceptronEpoch,
    PerceptronSimulation,
    PerceptronStep,
    Separation,
    SimulatePerceptronRequest,
    TruthTableName,
)
from ..specs.simulations.quantity import Quantity
from .formulas import enough, factor, number, sum_of_products
from .separation import Nearest, Shares, line_of, nearest

CORNERS = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
"""The rows of a truth table of two inputs: 00, 01, 10, 11."""
TRUTH_TABLES: dict[TruthTableName, tuple[int, ...]] = {
    name: tuple(int(bit) for bit in f"{number:04b}")
    for number, name in enumerate(get_args(TruthTableName))
}
"""What each puts out for these. The names come in the order of their outputs as binary numbers."""
MOST_STEPS = 1000
LONGEST_FRACTION = 24
SMALLEST = 1e-9
"""Of a coordinate that is not 0: the fractions of far smaller ones are too long to compute with."""

RULE = "w ← w + η·(y - ŷ)·x, b ← b + η·(y - ŷ)"
TIE_RULE = "fires at z ≥ 0: a weighted sum of exactly 0 gives the output 1"


def perceptron(request: SimulatePerceptronRequest) -> PerceptronSimulation:
    """Perceptron learning, update by update, and whether any line could do it, with a proof.

    Raises `InvalidArgument` if what to learn is not told once, if lengths do not fit, or if a
    coordinate is neither 0 nor at least 1e-9 in size.
    """
    points, targets = _task(request)
    size = len(points[0])
    order = _order(request, len(points))
    if request.weights is not None and len(request.weights) != size:
        raise InvalidArgument.of(
            FieldError(
                "weights", f"must be as many as the inputs: {size}, not {len(request.weights)}"
            )
        )
    if request.epochs * len(points) > MOST_STEPS:
        raise InvalidArgument.of(
            FieldError(
                "epochs",
                f"times the points may be {MOST_STEPS:,} at most, as every step is told; "
                f"that is {MOST_STEPS // len(points)} epochs here",
            )
        )
    steps, epochs = _learn(request, points, targets, order)
    parted = nearest(points, targets) if 0 < sum(targets) < len(targets) else None
    separable = parted is None or not parted.meet
    last = epochs[-1]
    table = next(
        (
            name
            for name, outputs in TRUTH_TABLES.items()
            if points == CORNERS and tuple(targets) == outputs
        ),
        None,
    )
    return PerceptronSimulation(
        table=table,
        points=points,
        targets=targets,
        rule=RULE,
        tie_rule=TIE_RULE,
        steps=steps,
        epochs=epochs,
        converged=last.errors == 0,
        weights=last.weights,
        bias=last.bias,
        separable=separable,
        separation=_separation(parted, points, targets) if separable else None,
        certificate=certificate(parted, points) if parted and parted.meet else None,
        verdict=_verdict(table, last, separable=separable),
    )


def _task(request: SimulatePerceptronRequest) -> tuple[list[list[float]], list[int]]:
    if request.table is not None:
        if request.targets is not None or request.points is not None:
            raise InvalidArgument.of(
                FieldError("table", "says what to learn already; leave out targets and points")
            )
        return CORNERS, list(TRUTH_TABLES[request.table])
    if request.targets is None:
        raise InvalidArgument.of(
            FieldError("targets", "is needed, unless a table is named: 0 or 1 for each point")
        )
    points = CORNERS if request.points is None else request.points
    errors = [
        FieldError(f"points[{i}]", f"must have {len(points[0])} numbers, as the first point")
        for i, point in enumerate(points)
        if len(point) != len(points[0])
    ]
    errors += [
        FieldError(f"points[{i}]", f"must have numbers that are 0 or at least {SMALLEST:g} in size")
        for i, point in enumerate(points)
        if any(0.0 < abs(x) < SMALLEST for x in point)
    ]
    if len(request.targets) != len(points):
        one_each = f"{len(points)}, not {len(request.targets)}"
        errors.append(FieldError("targets", f"must be as many as the points: {one_each}"))
    if errors:
        raise InvalidArgument.of(*errors)
    return points, request.targets


def _order(request: SimulatePerceptronRequest, count: int) -> list[int]:
    if request.order is None:
        return list(range(count))
    if sorted(request.order) != list(range(count)):
        raise InvalidArgument.of(
            FieldError("order", f"must name each point from 0 to {count - 1} once")
        )
    return request.order


def _learn(
    request: SimulatePerceptronRequest,
    points: Sequence[Sequence[float]],
    targets: Sequence[int],
    order: Sequence[int],
) -> tuple[list[PerceptronStep], list[PerceptronEpoch]]:
    """The engine's own steps, on one point each."""
    size = len(points[0])
    network = Network((size,), (Dense(1, "step"),))
    training = Training("perceptron", Perceptron(request.learning_rate), 1, dtype="float64")
    now = {name: np.zeros(size + 1) for name in ("parameters", "gradient", "step")}
    now["moments"] = np.zeros((0, size + 1))
    parameters, gradient = (
        parameter_views(network, now[name]) for name in ("parameters", "gradient")
    )
    weight, bias = parameters["dense_1.weight"].ravel(), parameters["dense_1.bias"]
    weight[:] = request.weights or 0.0
    bias[:] = request.bias
    inputs = with_column(network, np.array(points, np.float64))
    wanted = np.array(targets, np.float64)[:, None]
    scores = np.zeros((len(points), 1))
    one = Gradient(network, training.loss, 1, training.dtype)
    parts = one.parts(now["parameters"]), one.parts(now["gradient"])
    step = update(network, training, now, np.array(request.learning_rate), 0)
    rng = np.random.default_rng(0)  # no layer draws from it
    calls = []
    for k in range(len(points)):
        x, y, z = (array[k : k + 1] for array in (inputs, wanted, scores))
        calls.append(one.bind(x, y, z, *parts, rng) + step)

    steps: list[PerceptronStep] = []
    epochs: list[PerceptronEpoch] = []
    for epoch in range(1, request.epochs + 1):
        errors = 0
        for sample in order:
            before = [*weight.tolist(), float(bias[0])]
            perform(calls[sample])
            # The slope of the loss along the bias is the output minus the target.
            error = -int(gradient["dense_1.bias"][0])
            errors += error != 0
            after = [*weight.tolist(), float(bias[0])]
            met = _Met(points[sample], float(scores[sample, 0]), targets[sample], error)
            steps.append(
                PerceptronStep(
                    epoch=epoch,
                    sample=sample,
                    weighted_sum=_sum(met, before),
                    output=met.target - error,
                    target=met.target,
                    error=error,
                    weights_before=before[:-1],
                    bias_before=before[-1],
                    weights=after[:-1],
                    bias=after[-1],
                    updates=_updates(met, request.learning_rate, before, after) if error else [],
                )
            )
        *weights, last_bias = after
        line = line_of(weights, last_bias, points)
        epochs.append(
            PerceptronEpoch(epoch=epoch, errors=errors, weights=weights, bias=last_bias, line=line)
        )
        if errors == 0:
            break
    return steps, epochs


@dataclass(frozen=True)
class _Met:
    """A point, the weighted sum that it gave, and what came of it."""

    point: Sequence[float]
    z: float
    target: int
    error: int


def _sum(met: _Met, before: Sequence[float]) -> Quantity:
    *weights, bias = before
    told = sum_of_products(list(zip(weights, met.point, strict=True)), met.z, [bias])
    return Quantity(
        name="z",
        value=met.z,
        formula="z = Σ wᵢ·xᵢ + b",
        substituted=f"z = {told} = {number(met.z)}",
    )


def _updates(
    met: _Met, rate: float, before: Sequence[float], after: Sequence[float]
) -> list[Quantity]:
    """Of each weight, and of the bias, whose input is always 1."""
    change = f"{number(rate)}·({met.target} - {met.target - met.error})"
    inputs = [*((f"w{i}", f"·x{i}", x) for i, x in enumerate(met.point, 1)), ("b", "", 1.0)]
    return [
        Quantity(
            name=name,
            value=new,
            formula=f"{name} ← {name} + η·(y - ŷ){times}",
            substituted=f"{name} = {factor(old, digits)} + {change}"
            f"{times and f'·{factor(x, digits)}'} = {number(new)}",
        )
        for (name, times, x), old, new in zip(inputs, before, after, strict=True)
        for digits in [enough(new, old)]
    ]


def _separation(
    parted: Nearest | None, points: Sequence[Sequence[float]], targets: Sequence[int]
) -> Separation:
    if parted is not None:
        return separation(parted, points)
    weights = [0.0] * len(points[0])
    return Separation(weights=weights, bias=1.0 if targets[0] else -1.0, nearest=[])


def separation(parted: Nearest, points: Sequence[Sequence[float]], *, of: str = "x") -> Separation:
    """The line halfway between the nearest points of two hulls that do not meet."""
    way = [one - zero for one, zero in zip(parted.one, parted.zero, strict=True)]
    middle = [(one + zero) / 2 for one, zero in zip(parted.one, parted.zero, strict=True)]
    offset = sum((w * m for w, m in zip(way, middle, strict=True)), Fraction(0))
    # Scaled while exact, so that a way of any length becomes one of about 1.
    largest = max(abs(w) for w in way)
    scaled = [float(w / largest) for w in way]
    length = math.hypot(*scaled)
    weights = [w / length for w in scaled]
    bias = -float(offset / largest) / length
    return Separation(
        weights=weights,
        bias=bias,
        margin=float(largest) * length / 2.0,
        nearest=sorted([*parted.ones, *parted.zeros]),
        line=line_of(weights, bias, points, of=of),
    )


def certificate(parted: Nearest, points: Sequence[Sequence[float]]) -> Certificate:
    """The proof that two sets whose hulls meet cannot be parted."""
    meeting = [float(x) for x in parted.one]
    ones, zeros = _shares(parted.ones), _shares(parted.zeros)
    of_ones, of_zeros = (_mixed(shares, points) for shares in (ones, zeros))
    where = _told(meeting)
    return Certificate(
        ones=ones,
        zeros=zeros,
        meeting_point=meeting,
        residual=max(abs(a - b) for a, b in zip(of_ones, of_zeros, strict=True)),
        statement=f"{_mixture(ones, points)} = {where} = {_mixture(zeros, points)}",
        explanation=(
            "A weighted sum of a mixture is the mixture of the weighted sums. As a mixture of "
            f"points that shall fire, {where} would have z ≥ 0; as a mixture of points that shall "
            "not, it would have z < 0. No weights and no bias give both."
        ),
    )


def _shares(shares: Shares) -> list[MixtureShare]:
    return [
        MixtureShare(
            sample=sample,
            share=float(share),
            fraction=str(share) if len(str(share)) <= LONGEST_FRACTION else None,
        )
        for sample, share in shares.items()
    ]


def _mixed(shares: Sequence[MixtureShare], points: Sequence[Sequence[float]]) -> list[float]:
    parts = [[share.share * x for x in points[share.sample]] for share in shares]
    return [math.fsum(axis) for axis in zip(*parts, strict=True)]


def _mixture(shares: Sequence[MixtureShare], points: Sequence[Sequence[float]]) -> str:
    return " + ".join(
        f"{share.fraction or number(share.share)}·{_told(points[share.sample])}" for share in shares
    )


def _told(point: Sequence[float]) -> str:
    return f"({', '.join(number(x) for x in point)})"


@cache
def learnable_tables() -> int:
    """How many of the 16 truth tables of two inputs a line can do."""
    return sum(
        len(set(outputs)) == 1 or not nearest(CORNERS, outputs).meet
        for outputs in TRUTH_TABLES.values()
    )


def _verdict(table: TruthTableName | None, last: PerceptronEpoch, *, separable: bool) -> str:
    named = "These points" if table is None else f"The truth table {table}"
    rounds = f"{last.epoch} epoch{'s' if last.epoch > 1 else ''}"
    if last.errors == 0:
        told = f"Learnt: the last of {rounds} has no error."
    elif separable:
        told = (
            f"Not learnt within {rounds}, but a line parts the points: with enough epochs the "
            "rule finds one (Novikoff, 1962)."
        )
    else:
        told = (
            f"Not learnt within {rounds}, nor ever: {named[0].lower()}{named[1:]} "
            "cannot be parted by a line, and there is a proof."
        )
    if table is not None:
        told += f" A single neuron can learn {learnable_tables()} of the 16 truth tables."
    return told
