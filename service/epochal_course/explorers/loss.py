"""Several losses of one prediction, with their derivatives."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from epochal_engine import LOSSES, Loss
from epochal_engine.model import Floats
from epochal_engine.symbolic import Symbol, differentiate, evaluate, leaf
from epochal_service.errors import FieldError, InvalidArgument

from ..specs.explorers.loss import LossCurve, LossSimulation, LossTrace, SimulateLossRequest
from ..specs.explorers.quantity import Quantity
from .explorer import Explorer
from .formulas import Expression, expression, number, quantity
from .losses import EXPLAINED, loss_expression, smoothed

ROUNDING = 1e-3
"""Tolerance of a sum of probabilities: requests may round them to three digits."""
FARTHEST_LOGIT = 800.0
"""Beyond it, a sigmoid is 0 or 1 in double precision."""


def loss(request: SimulateLossRequest) -> LossSimulation:
    """Compute several losses of one prediction, with their derivatives, and their curves.

    Raises `InvalidArgument` if prediction and target differ in length, or if a requested loss does
    not apply to them.
    """
    predictions, targets = request.prediction, request.target
    if len(predictions) != len(targets):
        raise InvalidArgument.of(
            FieldError(
                "target",
                f"must have as many numbers as the prediction, {len(predictions)}; got "
                f"{len(targets)}",
            )
        )
    chosen = _with_options(_names(request), request)
    line = _line(request, chosen)
    curves = (
        []
        if line is None
        else [criterion for criterion in chosen if criterion.type != "perceptron"]
    )
    return LossSimulation(
        losses=[_trace(_computed(criterion, predictions, targets)) for criterion in chosen],
        curve_predictions=[] if line is None else line.values,
        curves=[_curve(curve, line, targets) for curve in curves if line is not None],
        verdict=_verdict(predictions, targets),
    )


def _needs(name: str, predictions: Sequence[float], targets: Sequence[float]) -> str | None:
    """The unmet requirement of the loss; None if it applies."""
    loss, both = LOSSES[name], (*predictions, *targets)
    match loss.target, loss.output_activation:
        case "binary", "sigmoid" if not all(0.0 <= v <= 1.0 for v in both):
            return "needs a prediction and a target between 0 and 1"
        case "binary", "step" if not all(v in (0.0, 1.0) for v in both):
            return "needs a prediction and a target that are 0 or 1"
        case "binary", _ if not all(0.0 <= y <= 1.0 for y in targets):
            return "needs a target between 0 and 1"
        case "classes", _ if not (_are_classes(predictions) and _are_classes(targets)):
            return "needs two or more probabilities that sum to 1, in the target as well"
        case "pairs", _:
            return "compares two rows: train a job with it"
    return None


def _are_classes(values: Sequence[float]) -> bool:
    return (
        len(values) > 1
        and all(0.0 <= value <= 1.0 for value in values)
        and abs(sum(values) - 1.0) <= ROUNDING
    )


def _names(request: SimulateLossRequest) -> list[str]:
    needs = {name: _needs(name, request.prediction, request.target) for name in EXPLAINED}
    if request.losses is None:
        return [name for name, need in needs.items() if need is None]
    errors = [
        FieldError(f"losses[{i}]", f"{name} {needs[name]}")
        for i, name in enumerate(request.losses)
        if needs[name] is not None
    ]
    if errors:
        raise InvalidArgument.of(*errors)
    return list(dict.fromkeys(request.losses))


def _with_options(names: list[str], request: SimulateLossRequest) -> list[Loss]:
    given = request.options.model_dump(exclude_none=True)
    known = {option for name in names for option in EXPLAINED[name].options}
    if foreign := sorted(given.keys() - known):
        raise InvalidArgument.of(
            *(
                FieldError(f"options.{option}", "must be an option of one of the losses here")
                for option in foreign
            )
        )
    return [
        replace(LOSSES[name], **{o: given[o] for o in EXPLAINED[name].options if o in given})
        for name in names
    ]


def _scores(criterion: Loss, predictions: Floats) -> Floats:
    """The argument of the engine's formula: for hinge a decision value in [-1, 1]."""
    return 2.0 * predictions - 1.0 if criterion.type == "hinge" else predictions


@dataclass(frozen=True, eq=False)
class _Computed:
    """One loss of one prediction, and its derivatives."""

    loss: Loss
    predictions: list[float]
    targets: list[float]
    aims: list[float]
    """The targets after label smoothing."""
    value: float
    derivatives: list[float]
    """dL/dŷ of each output."""
    logit_derivatives: list[float] | None
    """dL/dz of each output; None where no logit is defined."""

    @property
    def is_sum(self) -> bool:
        """Whether the loss is a sum over the outputs and not their mean."""
        return self.loss.type == "cross_entropy" or len(self.predictions) == 1


def _computed(criterion: Loss, predictions: list[float], targets: list[float]) -> _Computed:
    outputs, expected = np.array(predictions), np.array(targets)
    value = criterion.value(_scores(criterion, outputs), expected)
    chain = 2.0 if criterion.type == "hinge" else 1.0
    derivatives = (
        chain * criterion.gradient(_scores(criterion, outputs), expected) + 0.0
    )  # + 0.0 turns -0 into 0
    return _Computed(
        loss=criterion,
        predictions=predictions,
        targets=targets,
        aims=smoothed(criterion, targets),
        value=value,
        derivatives=derivatives.tolist(),
        logit_derivatives=_logit_gradient(criterion, outputs, expected, derivatives),
    )


@lru_cache(maxsize=256)
def _traced(criterion: Loss, outputs: int) -> tuple[Symbol, Symbol, Symbol]:
    """Logits, targets, and the gradient of the loss with respect to the logits."""
    z, y = leaf((1, outputs)), leaf((1, outputs))
    return z, y, differentiate(criterion.traced(z, y), [z])[0]


def _logit_gradient(
    criterion: Loss, predictions: Floats, targets: Floats, derivatives: Floats
) -> list[float] | None:
    if criterion.output_activation in ("sigmoid", "softmax"):
        with np.errstate(divide="ignore"):
            logits = np.log(predictions)
            if criterion.output_activation == "sigmoid":
                logits = logits - np.log1p(-predictions)
        z, y, symbol = _traced(criterion, predictions.size)
        logits = np.clip(logits, -FARTHEST_LOGIT, FARTHEST_LOGIT)
        (gradient,) = evaluate([symbol], {z: logits[None], y: targets[None]})
        return gradient[0].tolist()  # type: ignore[no-any-return]
    if (
        criterion.output_activation is None
        and criterion.type != "hinge"
        and _are_probabilities(predictions)
    ):
        return (derivatives * predictions * (1.0 - predictions)).tolist()  # type: ignore[no-any-return]
    return None


def _trace(of: _Computed) -> LossTrace:
    explained = EXPLAINED[of.loss.type]
    count = len(of.predictions)
    formula = explained.derivative_formula
    if of.loss.type == "hinge":
        formula = "-2·(2·y - 1) if (2·y - 1)·(2·ŷ - 1) < 1 else 0"
    pairs = zip(of.predictions, of.aims, strict=True)
    terms = [explained.derivative_term(of.loss, p, aim) for p, aim in pairs]
    mean_of = 1 if of.is_sum else count
    return LossTrace(
        loss=of.loss.type,
        value=quantity(
            "L",
            of.value,
            of.loss.formula + (", ŷ as 2·ŷ - 1" if of.loss.type == "hinge" else ""),
            loss_expression(of.loss, of.predictions, of.aims, mean_of),
        ),
        derivatives=_derivatives("dL/dŷ", of.derivatives, formula, terms, mean_of),
        logit_derivatives=_logit_derivatives(of, mean_of),
        verdict=_loss_verdict(of),
    )


def _logit_derivatives(of: _Computed, mean_of: int) -> list[Quantity]:
    if of.logit_derivatives is None:
        return []
    explained = EXPLAINED[of.loss.type]
    if of.loss.output_activation is not None:
        pairs = zip(of.predictions, of.aims, strict=True)
        terms = [explained.logit_term(of.loss, p, aim) for p, aim in pairs]
        formula = explained.logit_derivative_formula or ""
        return _derivatives("dL/dz", of.logit_derivatives, formula, terms, mean_of)
    rows = zip(of.derivatives, of.predictions, strict=True)
    terms = [expression("{}·{}·(1 - {})", derivative, p, p) for derivative, p in rows]
    return _derivatives("dL/dz", of.logit_derivatives, "dL/dŷ·ŷ·(1 - ŷ)", terms, 1)


def _derivatives(
    symbol: str, values: Sequence[float], formula: str, terms: Sequence[Expression], mean_of: int
) -> list[Quantity]:
    """The derivative for each output; of a mean over several outputs, its share."""
    if mean_of > 1:
        formula = f"({formula}) / {mean_of}"
        terms = [expression(f"({{}}) / {mean_of}", term) for term in terms]
    return [
        quantity(symbol if len(values) == 1 else f"{symbol}{i}", value, formula, term)
        for i, (value, term) in enumerate(zip(values, terms, strict=True), 1)
    ]


def _are_probabilities(predictions: Floats) -> bool:
    return bool((predictions >= 0.0).all() and (predictions <= 1.0).all())


@dataclass(frozen=True, eq=False)
class _Line:
    """Predictions along a curve."""

    values: list[float]
    """Values of the output that varies."""
    predictions: Floats
    """All outputs, `(points, outputs)`."""
    index: int
    """Which output varies."""


def _line(request: SimulateLossRequest, chosen: Sequence[Loss]) -> _Line | None:
    """The predictions of the curves; None for several outputs that are not probabilities."""
    predictions, targets = request.prediction, request.target
    is_one = len(predictions) == 1
    if not is_one and not (_are_classes(predictions) and _are_classes(targets)):
        return None
    low, high = _limits(request)
    needs_probabilities = not is_one or any(
        criterion.output_activation == "sigmoid" for criterion in chosen
    )
    if needs_probabilities and not (low >= 0.0 and high <= 1.0):
        raise InvalidArgument.of(
            FieldError("minimum" if low < 0.0 else "maximum", "must be between 0 and 1 here")
        )
    line = np.linspace(low, high, request.points)
    if is_one:
        return _Line(line.tolist(), line[:, None], 0)
    index = int(np.argmax(targets))
    others = np.delete(np.array(predictions), index)
    rest = others.sum()
    shares = others / rest if rest > 0.0 else np.full(others.size, 1.0 / others.size)
    rows = np.insert(np.outer(1.0 - line, shares), index, line, axis=1)
    return _Line(line.tolist(), rows, index)


def _limits(request: SimulateLossRequest) -> tuple[float, float]:
    """The first and the last prediction of the curve."""
    predictions, targets = request.prediction, request.target
    are_probabilities = all(0.0 <= value <= 1.0 for value in (*predictions, *targets))
    reach = max(1.0, abs(predictions[0] - targets[0]))
    low, high = (0.01, 0.99) if are_probabilities else (targets[0] - reach, targets[0] + reach)
    low = low if request.minimum is None else request.minimum
    high = high if request.maximum is None else request.maximum
    if low >= high:
        raise InvalidArgument.of(
            FieldError(
                "maximum", f"must be greater than the minimum, {number(low)}; got {number(high)}"
            )
        )
    return low, high


def _curve(criterion: Loss, line: _Line, targets: list[float]) -> LossCurve:
    expected = np.broadcast_to(targets, line.predictions.shape).astype(np.float64)
    scores = _scores(criterion, line.predictions)
    derivatives = criterion.derivatives(scores, expected)[:, line.index] * (
        2.0 if criterion.type == "hinge" else 1.0
    )
    return LossCurve(
        loss=criterion.type,
        values=(criterion.values(scores, expected) + 0.0).tolist(),
        derivatives=(derivatives + 0.0).tolist(),
    )


def _loss_verdict(of: _Computed) -> str:
    """The meaning of the value of the loss."""
    value, outputs = of.value, len(of.predictions)
    error = of.predictions[0] - of.targets[0]
    match of.loss.type:
        case _ if of.loss.target == "numbers" and outputs > 1:
            return f"The mean over {outputs} outputs is {number(value)}."
        case "mse":
            return f"The error is {number(error)}; its square is {number(value)}."
        case "mae":
            return f"The absolute error is {number(value)}."
        case "huber":
            is_near = abs(error) <= getattr(of.loss, "delta", 1.0)
            branch = (
                "within δ, so the loss is half its square"
                if is_near
                else ("beyond δ, where the loss is linear")
            )
            return f"The absolute error {number(abs(error))} is {branch}."
        case "binary_cross_entropy" | "cross_entropy":
            return (
                f"The loss is {number(value)} nats, or {number(value / math.log(2.0))} bits: the "
                f"same as for a probability of {100 * math.exp(-value):.3g} % for the true class."
            )
        case "focal":
            plain = LOSSES["binary_cross_entropy"].value(of.predictions, of.targets)
            share = 100.0 * value / plain if plain > 0.0 else 100.0
            return f"This is {share:.3g} % of the cross-entropy: easy samples count less."
        case "hinge":
            if value == 0.0:
                return "The prediction is correct and beyond the margin: the loss is 0."
            return f"The prediction is {number(value)} short of the correct side of the margin."
        case "perceptron":
            wrong = f"{100 * value:.0f} % are wrong."
            return "All predictions are correct." if value == 0.0 else wrong
    return f"The loss is {number(value)}."


def _verdict(predictions: list[float], targets: list[float]) -> str:
    if _are_classes(predictions) and _are_classes(targets):
        truth, best = int(np.argmax(targets)), int(np.argmax(predictions))
        if truth == best:
            return f"Correct: the true class has probability {_percent(predictions[truth])}."
        return (
            f"Wrong: class {best} has probability {_percent(predictions[best])}, the true class "
            f"{truth} only {_percent(predictions[truth])}."
        )
    if len(predictions) == 1 and targets[0] in (0.0, 1.0) and 0.0 <= predictions[0] <= 1.0:
        p = predictions[0] if targets[0] == 1.0 else 1.0 - predictions[0]
        given = f"the true class has probability {_percent(p)}"
        if p == 0.5:
            return f"Undecided: {given}."
        is_confident = p >= 0.9 or p <= 0.1
        return (
            f"{'Correct' if p > 0.5 else 'Wrong'}, {'and' if is_confident else 'but not'} "
            f"confident: {given}."
        )
    errors = [abs(p - y) for p, y in zip(predictions, targets, strict=True)]
    if max(errors) == 0.0:
        return "The prediction equals the target."
    if len(errors) == 1:
        side = "above" if predictions[0] > targets[0] else "below"
        return f"The prediction is {number(errors[0])} {side} the target."
    return f"The mean absolute error is {number(sum(errors) / len(errors))}."


def _percent(probability: float) -> str:
    return f"{100 * probability:.3g} %"


LOSS = Explorer(
    "Losses of a prediction",
    loss,
    {
        "A probability of 70 % for the true class": {
            "prediction": [0.7],
            "target": [1.0],
            "losses": ["binary_cross_entropy", "mse", "mae", "huber", "hinge", "focal"],
        },
        "A confident wrong prediction: the loss stays finite": {
            "prediction": [0.0],
            "target": [1.0],
            "losses": ["binary_cross_entropy", "mse", "focal"],
            "options": {"gamma": 2.0},
            "points": 11,
        },
        "Three classes": {
            "prediction": [0.7, 0.2, 0.1],
            "target": [1.0, 0.0, 0.0],
            "losses": ["cross_entropy", "mse"],
            "options": {"label_smoothing": 0.1},
            "points": 21,
        },
        "A temperature, with each loss that applies": {
            "prediction": [21.5],
            "target": [19.0],
            "points": 21,
        },
    },
)
