"""Rosenblatt's perceptron learns from its errors, if a line separates the classes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import groupby
from typing import get_args

import numpy as np

from epochal_engine import Dense, Network, Perceptron, Training
from epochal_engine.model import parameter_views
from epochal_engine.symbolic import perform
from epochal_engine.training import Gradient, update, with_column
from epochal_service.errors import FieldError, InvalidArgument

from ..specs.explorers.perceptron import (
    Certificate,
    ConvexCoefficient,
    PerceptronEpoch,
    PerceptronSimulation,
    PerceptronStep,
    Separation,
    SimulatePerceptronRequest,
    TruthTableName,
)
from ..specs.explorers.quantity import Quantity
from .explorer import Explorer
from .formulas import expression, number, quantity, sum_of_products
from .separation import Coefficients, Nearest, line_of, nearest

CORNERS = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
"""The rows of a truth table of two inputs: 00, 01, 10, 11."""
TRUTH_TABLES: dict[TruthTableName, tuple[int, ...]] = {
    name: tuple(int(bit) for bit in f"{index:04b}")
    for index, name in enumerate(get_args(TruthTableName))
}
"""The outputs for these rows. The names are in the order of their outputs as binary numbers."""
MOST_STEPS = 1000
LONGEST_FRACTION = 24
SMALLEST = 1e-9
"""Smallest size of a coordinate other than 0, so that exact fractions stay short."""

RULE = "w ← w + η·(y - ŷ)·x, b ← b + η·(y - ŷ)"
TIE_RULE = "fires at z ≥ 0: a weighted sum of exactly 0 gives output 1"


def perceptron(request: SimulatePerceptronRequest) -> PerceptronSimulation:
    """Run perceptron learning, and decide with a proof whether a line separates the points.

    Raises `InvalidArgument` unless there is exactly one task, if lengths do not fit, or if a
    coordinate is neither 0 nor at least 1e-9 in size.
    """
    points, targets = _task(request)
    size = len(points[0])
    order = _order(request, len(points))
    if request.weights is not None and len(request.weights) != size:
        raise InvalidArgument.of(
            FieldError(
                "weights",
                f"must have one number for each input: {size}; got {len(request.weights)}",
            )
        )
    if request.epochs * len(points) > MOST_STEPS:
        raise InvalidArgument.of(
            FieldError(
                "epochs",
                f"must be at most {MOST_STEPS // len(points)} here: the reply has at most "
                f"{MOST_STEPS:,} steps, one per epoch and point",
            )
        )
    steps = list(_learn(request, points, targets, order))
    epochs = _epochs(steps, points)
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
        steps=[_step(step, request.learning_rate) for step in steps],
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
                FieldError("table", "must be left out if targets or points are given")
            )
        return CORNERS, list(TRUTH_TABLES[request.table])
    if request.targets is None:
        raise InvalidArgument.of(
            FieldError("targets", "must be 0 or 1 for each point, unless a table is given")
        )
    points = CORNERS if request.points is None else request.points
    errors = [
        FieldError(
            f"points[{i}]",
            f"must have {len(points[0])} numbers like the first point; got {len(point)}",
        )
        for i, point in enumerate(points)
        if len(point) != len(points[0])
    ]
    errors += [
        FieldError(f"points[{i}]", f"must have numbers that are 0 or at least {SMALLEST:g} in size")
        for i, point in enumerate(points)
        if any(0.0 < abs(x) < SMALLEST for x in point)
    ]
    if len(request.targets) != len(points):
        counts = f"{len(points)}; got {len(request.targets)}"
        errors.append(FieldError("targets", f"must have one number for each point: {counts}"))
    if errors:
        raise InvalidArgument.of(*errors)
    return points, request.targets


def _order(request: SimulatePerceptronRequest, count: int) -> list[int]:
    if request.order is None:
        return list(range(count))
    if sorted(request.order) != list(range(count)):
        raise InvalidArgument.of(
            FieldError("order", f"must contain each index from 0 to {count - 1} once")
        )
    return request.order


@dataclass(frozen=True)
class _Step:
    """One point, the output for it, and the update."""

    epoch: int
    sample: int
    point: Sequence[float]
    target: int
    z: float
    """The weighted sum."""
    error: int
    """Target minus output."""
    before: list[float]
    """The weights and last the bias."""
    after: list[float]


def _learn(
    request: SimulatePerceptronRequest,
    points: Sequence[Sequence[float]],
    targets: Sequence[int],
    order: Sequence[int],
) -> Iterator[_Step]:
    """The steps of the learning rule, up to the first epoch without an error."""
    rule = _Rule(request, points, targets)
    for epoch in range(1, request.epochs + 1):
        errors = 0
        for sample in order:
            before = rule.parameters()
            z, error = rule.apply(sample)
            errors += error != 0
            yield _Step(
                epoch,
                sample,
                points[sample],
                targets[sample],
                z,
                error,
                before,
                rule.parameters(),
            )
        if errors == 0:
            return


class _Rule:
    """The engine's training step, for one point at a time."""

    def __init__(
        self,
        request: SimulatePerceptronRequest,
        points: Sequence[Sequence[float]],
        targets: Sequence[int],
    ) -> None:
        size = len(points[0])
        network = Network((size,), (Dense(1, "step"),))
        training = Training("perceptron", Perceptron(request.learning_rate), 1, dtype="float64")
        state = {name: np.zeros(size + 1) for name in ("parameters", "gradient", "step")}
        state["moments"] = np.zeros((0, size + 1))
        parameters, gradient = (
            parameter_views(network, state[name]) for name in ("parameters", "gradient")
        )
        self.weight, self.bias = parameters["dense_1.weight"].ravel(), parameters["dense_1.bias"]
        self.bias_gradient = gradient["dense_1.bias"]
        self.weight[:] = request.weights or 0.0
        self.bias[:] = request.bias
        self.scores = np.zeros((len(points), 1))
        inputs = with_column(network, np.array(points, np.float64))
        expected = np.array(targets, np.float64)[:, None]
        sample_gradient = Gradient(network, training.loss, 1, training.dtype)
        parts = sample_gradient.parts(state["parameters"]), sample_gradient.parts(state["gradient"])
        step = update(network, training, state, np.array(request.learning_rate), 0)
        rng = np.random.default_rng(0)  # No layer draws from it.
        samples = [
            [array[k : k + 1] for array in (inputs, expected, self.scores)]
            for k in range(len(points))
        ]
        self.calls = [sample_gradient.bind(x, y, z, *parts, rng) + step for x, y, z in samples]

    def parameters(self) -> list[float]:
        """The weights and last the bias."""
        return [*self.weight.tolist(), float(self.bias[0])]

    def apply(self, sample: int) -> tuple[float, int]:
        """Update the parameters; return the weighted sum and the error."""
        perform(self.calls[sample])
        # The gradient of the loss with respect to the bias is the output minus the target.
        return float(self.scores[sample, 0]), -int(self.bias_gradient[0])


def _epochs(steps: Sequence[_Step], points: Sequence[Sequence[float]]) -> list[PerceptronEpoch]:
    epochs = []
    for epoch, group in groupby(steps, key=lambda step: step.epoch):
        rows = list(group)
        *weights, bias = rows[-1].after
        epochs.append(
            PerceptronEpoch(
                epoch=epoch,
                errors=sum(row.error != 0 for row in rows),
                weights=weights,
                bias=bias,
                line=line_of(weights, bias, points),
            )
        )
    return epochs


def _step(step: _Step, rate: float) -> PerceptronStep:
    *weights, bias = step.before
    terms = sum_of_products(list(zip(weights, step.point, strict=True)), [bias])
    return PerceptronStep(
        epoch=step.epoch,
        sample=step.sample,
        weighted_sum=quantity("z", step.z, "Σ wᵢ·xᵢ + b", terms),
        output=step.target - step.error,
        target=step.target,
        error=step.error,
        weights_before=weights,
        bias_before=bias,
        weights=step.after[:-1],
        bias=step.after[-1],
        updates=_updates(step, rate) if step.error else [],
    )


def _updates(step: _Step, rate: float) -> list[Quantity]:
    """The updates of each weight, and of the bias: its input is always 1."""
    change = expression(f"{{}}·({step.target} - {step.target - step.error})", rate)
    updates = []
    for i, (old, new) in enumerate(zip(step.before, step.after, strict=True)):
        if i < len(step.point):
            name, factor = f"w{i + 1}", f"·x{i + 1}"
            terms = expression("{} + {}·{}", old, change, step.point[i])
        else:
            name, factor, terms = "b", "", expression("{} + {}", old, change)
        updates.append(quantity(name, new, f"{name} + η·(y - ŷ){factor}", terms, equals="←"))
    return updates


def _separation(
    parted: Nearest | None, points: Sequence[Sequence[float]], targets: Sequence[int]
) -> Separation:
    if parted is not None:
        return separation(parted, points)
    weights = [0.0] * len(points[0])
    return Separation(weights=weights, bias=1.0 if targets[0] else -1.0, support_vectors=[])


def separation(parted: Nearest, points: Sequence[Sequence[float]], *, of: str = "x") -> Separation:
    """Return the line halfway between the nearest points of two hulls that do not meet."""
    across = [a - b for a, b in zip(parted.one_point, parted.zero_point, strict=True)]
    middle = [(a + b) / 2 for a, b in zip(parted.one_point, parted.zero_point, strict=True)]
    offset = sum((w * m for w, m in zip(across, middle, strict=True)), Fraction(0))
    # Scaled as a fraction, so that a vector of any length becomes one of about 1.
    largest = max(abs(w) for w in across)
    scaled = [float(w / largest) for w in across]
    length = math.hypot(*scaled)
    weights = [w / length for w in scaled]
    bias = -float(offset / largest) / length
    return Separation(
        weights=weights,
        bias=bias,
        margin=float(largest) * length / 2.0,
        support_vectors=sorted([*parted.ones, *parted.zeros]),
        line=line_of(weights, bias, points, of=of),
    )


def certificate(parted: Nearest, points: Sequence[Sequence[float]]) -> Certificate:
    """Return the proof that two sets with a common point of their hulls are not separable."""
    meeting = [float(x) for x in parted.one_point]
    ones, zeros = _coefficients(parted.ones), _coefficients(parted.zeros)
    of_ones, of_zeros = (_combined(coefficients, points) for coefficients in (ones, zeros))
    where = _in_brackets(meeting)
    return Certificate(
        ones=ones,
        zeros=zeros,
        meeting_point=meeting,
        residual=max(abs(a - b) for a, b in zip(of_ones, of_zeros, strict=True)),
        statement=f"{_combination(ones, points)} = {where} = {_combination(zeros, points)}",
        explanation=(
            "The weighted sum of a convex combination is the combination of the weighted sums. As "
            f"a combination of points with target 1, {where} needs z ≥ 0; as a combination of "
            "points with target 0, it needs z < 0. No weights and bias satisfy both."
        ),
    )


def _coefficients(coefficients: Coefficients) -> list[ConvexCoefficient]:
    return [
        ConvexCoefficient(
            sample=sample,
            coefficient=float(coefficient),
            fraction=str(coefficient) if len(str(coefficient)) <= LONGEST_FRACTION else None,
        )
        for sample, coefficient in coefficients.items()
    ]


def _combined(
    coefficients: Sequence[ConvexCoefficient], points: Sequence[Sequence[float]]
) -> list[float]:
    parts = [[term.coefficient * x for x in points[term.sample]] for term in coefficients]
    return [math.fsum(axis) for axis in zip(*parts, strict=True)]


def _combination(
    coefficients: Sequence[ConvexCoefficient], points: Sequence[Sequence[float]]
) -> str:
    return " + ".join(
        f"{term.fraction or number(term.coefficient)}·{_in_brackets(points[term.sample])}"
        for term in coefficients
    )


def _in_brackets(point: Sequence[float]) -> str:
    return f"({', '.join(number(x) for x in point)})"


@cache
def learnable_tables() -> int:
    """Return how many of the 16 truth tables of two inputs are linearly separable."""
    return sum(
        len(set(outputs)) == 1 or not nearest(CORNERS, outputs).meet
        for outputs in TRUTH_TABLES.values()
    )


def _verdict(table: TruthTableName | None, last: PerceptronEpoch, *, separable: bool) -> str:
    named = "These points" if table is None else f"The truth table {table}"
    rounds = f"{last.epoch} epoch{'s' if last.epoch > 1 else ''}"
    if last.errors == 0:
        result = f"Converged: the last of {rounds} has no error."
    elif separable:
        result = (
            f"Not converged within {rounds}, but a line separates the points: with enough epochs "
            "the rule finds one (Novikoff, 1962)."
        )
    else:
        result = (
            f"The rule never converges: {named[0].lower()}{named[1:]} "
            f"{'are' if table is None else 'is'} not linearly separable, as the certificate proves."
        )
    if table is not None:
        result += f" A single neuron can learn {learnable_tables()} of the 16 truth tables."
    return result


PERCEPTRON = Explorer(
    "Perceptron learning",
    perceptron,
    {
        "AND in six epochs": {"table": "and"},
        "XOR, and a proof that no line separates it": {"table": "xor", "epochs": 6},
        "A truth table by its outputs for 00, 01, 10, 11": {"targets": [1, 1, 0, 1]},
        "Your own points in your own order": {
            "points": [[0.5, 2.0], [1.0, 0.5], [2.5, 3.0], [3.0, 1.5]],
            "targets": [0, 0, 1, 1],
            "order": [3, 0, 2, 1],
            "learning_rate": 0.5,
            "epochs": 50,
        },
        "Three inputs, and points that are not separable": {
            "points": [[0.0, 0.0, 0.0], [2.0, 2.0, 2.0], [1.0, 1.0, 1.0]],
            "targets": [0, 0, 1],
            "epochs": 3,
        },
    },
)
