"""The formulas of each loss function and of its derivatives.

The values come from the engine; this file writes their formulas.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from epochal_engine import CrossEntropy, Focal, Huber, Loss
from epochal_engine.model import SMALLEST_DIVISOR, SMALLEST_LOG
from epochal_engine.symbolic import Array

from ..specs.explorers.quantity import Quantity
from .formulas import Expression, expression, number, quantity, total

Term = Callable[[Loss, float, float], Expression]
"""`term(loss, prediction, target)`: a formula of one output, with its numbers."""
ZERO = Expression("0")


def _error(loss: Loss, prediction: float, target: float) -> Expression:
    return expression("{} - {}", prediction, target)


@dataclass(frozen=True)
class Explained:
    """The formulas of a loss function. Its texts are in `content/losses.yaml`."""

    derivative_formula: str
    """The formula of dL/dŷ."""
    term: Term
    """The loss of one output."""
    derivative_term: Term
    """dL/dŷ of one output."""
    logit_derivative_formula: str | None = None
    """The formula of dL/dz, where z is the logit."""
    logit_term: Term = _error
    """dL/dz of one output."""
    options: tuple[str, ...] = ()


# ---------------------------------------------------------------- terms


def _log(p: float) -> Expression:
    is_cut = p <= 0.0 or math.log(p) < SMALLEST_LOG
    return expression(f"max(log({{}}), {SMALLEST_LOG:.0f})" if is_cut else "log({})", p)


def _log_of_rest(p: float) -> Expression:
    """log(1 - p)."""
    return expression("log(1 - {})", p) if 0.0 < p < 1.0 else _log(1.0 - p)


def _either(target: float, if_one: Expression, if_zero: Expression) -> Expression:
    """The part that counts for a target of 1 or 0, else the weighted sum of both."""
    if target == 1.0:
        return if_one
    if target == 0.0:
        return if_zero
    return expression("{}·({}) + (1 - {})·({})", target, if_one, target, if_zero)


def _mse(loss: Loss, prediction: float, target: float) -> Expression:
    return expression("({} - {})²", prediction, target)


def _mse_derivative(loss: Loss, prediction: float, target: float) -> Expression:
    return expression("2·({} - {})", prediction, target)


def _mae(loss: Loss, prediction: float, target: float) -> Expression:
    return expression("|{} - {}|", prediction, target)


def _mae_derivative(loss: Loss, prediction: float, target: float) -> Expression:
    return expression("sign({} - {})", prediction, target)


def _huber(loss: Loss, prediction: float, target: float) -> Expression:
    assert isinstance(loss, Huber)
    if abs(prediction - target) <= loss.delta:
        return expression("({} - {})²/2", prediction, target)
    return expression("{}·(|{} - {}| - {}/2)", loss.delta, prediction, target, loss.delta)


def _huber_derivative(loss: Loss, prediction: float, target: float) -> Expression:
    assert isinstance(loss, Huber)
    if abs(prediction - target) <= loss.delta:
        return _error(loss, prediction, target)
    return expression("{}·sign({} - {})", loss.delta, prediction, target)


def _binary(loss: Loss, prediction: float, target: float) -> Expression:
    return _either(
        target,
        expression("-{}", _log(prediction)),
        expression("-{}", _log_of_rest(prediction)),
    )


def _binary_derivative(loss: Loss, prediction: float, target: float) -> Expression:
    spread = "({}·(1 - {}))"
    if prediction * (1.0 - prediction) < SMALLEST_DIVISOR:
        spread = f"max({{}}·(1 - {{}}), {SMALLEST_DIVISOR:g})"
    return expression(f"({{}} - {{}}) / {spread}", prediction, target, prediction, prediction)


def _focal(loss: Loss, prediction: float, target: float) -> Expression:
    assert isinstance(loss, Focal)
    return _either(
        target,
        expression("-(1 - {})^{}·{}", prediction, loss.gamma, _log(prediction)),
        expression("-{}^{}·{}", prediction, loss.gamma, _log_of_rest(prediction)),
    )


def _focal_derivative(loss: Loss, prediction: float, target: float) -> Expression:
    assert isinstance(loss, Focal)
    gamma = loss.gamma

    def term(p: float, rest: float) -> Expression:
        """The derivative of -rest^γ·log(p) with respect to p, where rest is 1 - p."""
        p, base = max(p, SMALLEST_DIVISOR), max(rest, SMALLEST_DIVISOR)
        return expression(
            "{}·{}^({} - 1)·log({}) - {}^{}/{}", gamma, base, gamma, p, rest, gamma, p
        )

    yes, no = prediction, 1.0 - prediction
    return _either(target, term(yes, no), expression("-({})", term(no, yes)))


def _focal_logit(loss: Loss, prediction: float, target: float) -> Expression:
    assert isinstance(loss, Focal)
    gamma = loss.gamma

    def term(p: float, rest: float) -> Expression:
        """The derivative of -rest^γ·log(p) with respect to the logit of p."""
        safe = max(p, SMALLEST_DIVISOR)
        return expression("{}^{}·({}·{}·log({}) + {} - 1)", rest, gamma, gamma, p, safe, p)

    yes, no = prediction, 1.0 - prediction
    return _either(target, term(yes, no), expression("-{}", term(no, yes)))


def _hinge(loss: Loss, prediction: float, target: float) -> Expression:
    return expression("max(0, 1 - (2·{} - 1)·(2·{} - 1))", target, prediction)


def _hinge_derivative(loss: Loss, prediction: float, target: float) -> Expression:
    margin = (2.0 * target - 1.0) * (2.0 * prediction - 1.0)
    return expression("-2·(2·{} - 1)", target) if margin < 1.0 else ZERO


def _class(loss: Loss, prediction: float, target: float) -> Expression:
    return expression("-{}·{}", target, _log(prediction)) if target else ZERO


def _class_derivative(loss: Loss, prediction: float, target: float) -> Expression:
    if target == 0.0:
        return ZERO
    return expression("-{}/{}", target, max(prediction, SMALLEST_DIVISOR))


def _preference(loss: Loss, prediction: float, target: float) -> Expression:
    return expression("log(1 + exp(-(2·{} - 1)·{}))", target, prediction)


def _preference_derivative(loss: Loss, prediction: float, target: float) -> Expression:
    return expression("-(2·{} - 1) / (1 + exp((2·{} - 1)·{}))", target, target, prediction)


# ---------------------------------------------------------------- table

EXPLAINED: dict[str, Explained] = {
    "mse": Explained(
        derivative_formula="2·(ŷ - y)",
        term=_mse,
        derivative_term=_mse_derivative,
    ),
    "mae": Explained(
        derivative_formula="sign(ŷ - y)",
        term=_mae,
        derivative_term=_mae_derivative,
    ),
    "huber": Explained(
        derivative_formula="ŷ - y if |ŷ - y| ≤ δ else δ·sign(ŷ - y)",
        term=_huber,
        derivative_term=_huber_derivative,
        options=("delta",),
    ),
    "binary_cross_entropy": Explained(
        derivative_formula="(ŷ - y) / (ŷ·(1 - ŷ))",
        logit_derivative_formula="ŷ - y",
        term=_binary,
        derivative_term=_binary_derivative,
    ),
    "cross_entropy": Explained(
        derivative_formula="-y / ŷ",
        logit_derivative_formula="ŷ - y",
        term=_class,
        derivative_term=_class_derivative,
        options=("label_smoothing",),
    ),
    "hinge": Explained(
        derivative_formula="-(2·y - 1) if (2·y - 1)·ŷ < 1 else 0",
        term=_hinge,
        derivative_term=_hinge_derivative,
    ),
    "focal": Explained(
        derivative_formula="γ·(1 - ŷ)^(γ - 1)·log(ŷ) - (1 - ŷ)^γ/ŷ for y = 1, symmetric for y = 0",
        logit_derivative_formula="(1 - ŷ)^γ·(γ·ŷ·log(ŷ) + ŷ - 1) for y = 1, symmetric for y = 0",
        term=_focal,
        derivative_term=_focal_derivative,
        logit_term=_focal_logit,
        options=("gamma",),
    ),
    "perceptron": Explained(
        derivative_formula="sign(ŷ - y)",
        term=_mae,
        derivative_term=_mae_derivative,
    ),
    "preference": Explained(
        derivative_formula="-σ(-m) with respect to m, the score of the chosen row minus that of "
        "the rejected one",
        term=_preference,
        derivative_term=_preference_derivative,
        options=("beta",),
    ),
}
"""By the engine's names."""


# ---------------------------------------------------------------- whole losses


def loss_expression(
    loss: Loss, predictions: Sequence[float], targets: Sequence[float], count: int
) -> Expression:
    """Return the loss with its numbers: the mean over `count` predictions."""
    term = EXPLAINED[loss.type].term
    terms = [term(loss, p, y) for p, y in zip(predictions, targets, strict=True)]
    if isinstance(loss, CrossEntropy):
        together = total([term for term in terms if term is not ZERO])
        together = Expression(together.template.replace("+ -", "- "), together.numbers)
        return together if count == 1 else expression(f"({{}}) / {count}", together)
    if count == 1:
        return terms[0]
    bracketed = [expression("({})", t) if t.template.startswith("-") else t for t in terms]
    return expression(f"({{}}) / {count}", total(bracketed))


def loss_quantity(loss: Loss, prediction: Array, target: Array, value: float) -> Quantity:
    """Return the loss of a network's prediction, both `(1, *output_shape)`.

    Where the predictions do not determine the loss (decision values, or probabilities of exactly 0
    or 1: the loss has their logits), the formula has no numbers.
    """
    predictions, targets = prediction.ravel().tolist(), target.ravel().tolist()
    is_saturated = loss.output_activation is not None and not {0.0, 1.0}.isdisjoint(predictions)
    if is_saturated or loss.type in ("hinge", "perceptron"):
        outputs, classes = (", ".join(map(number, row)) for row in (predictions, targets))
        return quantity(
            "L", value, loss.formula, condition=f"with ŷ = {outputs} and y = {classes}: "
        )
    # Cross-entropy is a mean over positions, other losses over all outputs.
    count = math.prod(target.shape[:-1]) if loss.type == "cross_entropy" else target.size
    return quantity("L", value, loss.formula, loss_expression(loss, predictions, targets, count))


def smoothed(loss: Loss, targets: list[float]) -> list[float]:
    """Return the targets after label smoothing, which spreads a fraction over all classes."""
    if not isinstance(loss, CrossEntropy):
        return targets
    smoothing = loss.label_smoothing
    return [target * (1.0 - smoothing) + smoothing / len(targets) for target in targets]
