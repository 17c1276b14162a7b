"""Several losses on one prediction: what each says of it, and in which direction each pushes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from epochal_engine import LOSSES, Loss
from epochal_engine.differentiate import differentiate
from epochal_engine.losses import Floats
from epochal_engine.plan import evaluate
from epochal_engine.trace import Symbol, leaf

from ..errors import FieldError, InvalidArgument
from ..specs.simulations.loss import (
    LossCurve,
    LossSimulation,
    LossTrace,
    SimulateLossRequest,
)
from ..specs.simulations.quantity import Quantity
from .formulas import factor, number, probability
from .losses import EXPLAINED, smoothed, written

ROUNDING = 1e-3
"""Probabilities may be given with three digits, and sum to 1 as far as these go."""
FARTHEST_LOGIT = 800.0
"""Beyond it a sigmoid is 0 or 1 in double precision."""


def loss(request: SimulateLossRequest) -> LossSimulation:
    """What several losses say of one prediction, with their slopes, and of all others.

    Raises `InvalidArgument` if prediction and target differ in length, or if a loss that was asked
    for does not fit them.
    """
    predictions, targets = request.prediction, request.target
    if len(predictions) != len(targets):
        raise InvalidArgument.of(
            FieldError(
                "target",
                f"must have as many numbers as the prediction: {len(predictions)}, not "
                f"{len(targets)}",
            )
        )
    chosen = _with_options(_names(request), request)
    along = _along(request, chosen)
    return LossSimulation(
        losses=[_trace(one, predictions, targets) for one in chosen],
        curve_predictions=[] if along is None else along[0],
        curves=[]
        if along is None
        else [
            _curve(one, along[1], targets, along[2]) for one in chosen if one.type != "perceptron"
        ],
        verdict=_verdict(predictions, targets),
    )


def _needs(name: str, predictions: Sequence[float], targets: Sequence[float]) -> str | None:
    """What the loss needs and does not find; None where it fits."""
    both = (*predictions, *targets)
    match name:
        case "binary_cross_entropy" | "focal" if not all(0.0 <= v <= 1.0 for v in both):
            return "needs a prediction and a target between 0 and 1"
        case "hinge" if not all(0.0 <= y <= 1.0 for y in targets):
            return "needs a target between 0 and 1"
        case "perceptron" if not all(v in (0.0, 1.0) for v in both):
            return "needs a prediction and a target that are 0 or 1"
        case "cross_entropy" if not (_are_classes(predictions) and _are_classes(targets)):
            return "needs two or more probabilities that sum to 1, in the target as well"
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
                FieldError(f"options.{option}", "belongs to none of the losses here")
                for option in foreign
            )
        )
    return [
        replace(LOSSES[name], **{o: given[o] for o in EXPLAINED[name].options if o in given})
        for name in names
    ]


def _scores(one: Loss, predictions: Floats) -> Floats:
    """What the engine's formula takes: hinge a score from -1 to 1, others the prediction."""
    return 2.0 * predictions - 1.0 if one.type == "hinge" else predictions


def _trace(one: Loss, predictions: list[float], targets: list[float]) -> LossTrace:
    is_sum = one.type == "cross_entropy"
    given, wanted = np.array(predictions), np.array(targets)
    value = one.value(_scores(one, given), wanted)
    chain = 2.0 if one.type == "hinge" else 1.0
    slopes = chain * one.slope(_scores(one, given), wanted) + 0.0  # and no -0
    aims = smoothed(one, targets)
    count = len(predictions)
    share = "" if is_sum or count == 1 else f" / {count}"
    return LossTrace(
        loss=one.type,
        value=Quantity(
            name="L",
            value=value,
            formula=f"L = {one.formula}" + (", ŷ as 2·ŷ - 1" if one.type == "hinge" else ""),
            substituted=f"L = {written(one, predictions, aims, 1 if is_sum else count)} = "
            f"{number(value)}",
        ),
        slopes=[
            _slope(one, i, p, y, slope, share, count)
            for i, (p, y, slope) in enumerate(zip(predictions, aims, slopes.tolist(), strict=True))
        ],
        logit_slopes=_logit_slopes(one, given, wanted, slopes, aims),
        verdict=_said(one, value, predictions, targets),
    )


def _mark(index: int, count: int) -> str:
    return "" if count == 1 else str(index + 1)


def _slope(
    one: Loss, index: int, p: float, y: float, slope: float, share: str, count: int
) -> Quantity:
    explained = EXPLAINED[one.type]
    mark = _mark(index, count)
    written = explained.slope_term(one, p, y)
    formula = explained.slope
    if one.type == "hinge":
        formula = "-2·(2·y - 1) if (2·y - 1)·(2·ŷ - 1) < 1 else 0"
    return Quantity(
        name=f"dL/dŷ{mark}",
        value=slope,
        formula=f"dL/dŷ{mark} = {f'({formula}){share}' if share else formula}",
        substituted=f"dL/dŷ{mark} = {f'({written}){share}' if share else written} = "
        f"{number(slope)}",
    )


@lru_cache(maxsize=256)
def _traced(one: Loss, outputs: int) -> tuple[Symbol, Symbol, Symbol]:
    """Logits, targets, and the slope of the loss at the logits."""
    z, y = leaf((1, outputs)), leaf((1, outputs))
    return z, y, differentiate(one.traced(z, y), [z])[0]


def _logit_slopes(
    one: Loss, predictions: Floats, targets: Floats, slopes: Floats, aims: list[float]
) -> list[Quantity]:
    count = predictions.size
    explained = EXPLAINED[one.type]
    share = "" if count == 1 or one.type == "cross_entropy" else f" / {count}"
    if one.output_activation in ("sigmoid", "softmax"):
        with np.errstate(divide="ignore"):
            logits = np.log(predictions)
            if one.output_activation == "sigmoid":
                logits = logits - np.log1p(-predictions)
        z, y, slope = _traced(one, count)
        logits = np.clip(logits, -FARTHEST_LOGIT, FARTHEST_LOGIT)
        (found,) = evaluate([slope], {z: logits[None], y: targets[None]})
        pairs = zip(predictions.tolist(), aims, strict=True)
        written = [explained.logit_term(one, p, aim) for p, aim in pairs]
        formula = explained.logit_slope or ""
    elif one.output_activation is None and one.type != "hinge" and _are_chances(predictions):
        found = (slopes * predictions * (1.0 - predictions))[None]
        share = ""
        written = [
            f"{factor(slope)}·{probability(p)}·(1 - {probability(p)})"
            for slope, p in zip(slopes.tolist(), predictions.tolist(), strict=True)
        ]
        formula = "dL/dŷ·ŷ·(1 - ŷ)"
    else:
        return []
    quantities = []
    for i, (slope, text) in enumerate(zip(found[0].tolist(), written, strict=True)):
        mark = _mark(i, count)
        quantities.append(
            Quantity(
                name=f"dL/dz{mark}",
                value=slope,
                formula=f"dL/dz{mark} = {f'({formula}){share}' if share else formula}",
                substituted=f"dL/dz{mark} = {f'({text}){share}' if share else text} = "
                f"{number(slope)}",
            )
        )
    return quantities


def _are_chances(predictions: Floats) -> bool:
    return bool((predictions >= 0.0).all() and (predictions <= 1.0).all())


def _along(
    request: SimulateLossRequest, chosen: Sequence[Loss]
) -> tuple[list[float], Floats, int] | None:
    """The predictions of the curve, whole answers for each, and the output that varies."""
    predictions, targets = request.prediction, request.target
    is_one = len(predictions) == 1
    if not is_one and not (_are_classes(predictions) and _are_classes(targets)):
        return None
    has_chances = all(0.0 <= value <= 1.0 for value in (*predictions, *targets))
    reach = max(1.0, abs(predictions[0] - targets[0]))
    low, high = (0.01, 0.99) if has_chances else (targets[0] - reach, targets[0] + reach)
    low = low if request.minimum is None else request.minimum
    high = high if request.maximum is None else request.maximum
    if low >= high:
        raise InvalidArgument.of(FieldError("maximum", f"must be greater than {number(low)}"))
    needs_chances = not is_one or any(one.output_activation == "sigmoid" for one in chosen)
    if needs_chances and not (low >= 0.0 and high <= 1.0):
        raise InvalidArgument.of(
            FieldError("minimum" if low < 0.0 else "maximum", "must be from 0 to 1 here")
        )
    line = np.linspace(low, high, request.points)
    if is_one:
        return line.tolist(), line[:, None], 0
    at = int(np.argmax(targets))
    others = np.delete(np.array(predictions), at)
    rest = others.sum()
    shares = others / rest if rest > 0.0 else np.full(others.size, 1.0 / others.size)
    answers = np.insert(np.outer(1.0 - line, shares), at, line, axis=1)
    return line.tolist(), answers, at


def _curve(one: Loss, answers: Floats, targets: list[float], at: int) -> LossCurve:
    wanted = np.broadcast_to(targets, answers.shape).astype(np.float64)
    scores = _scores(one, answers)
    slopes = one.slopes(scores, wanted)[:, at] * (2.0 if one.type == "hinge" else 1.0)
    return LossCurve(
        loss=one.type,
        values=(one.values(scores, wanted) + 0.0).tolist(),
        slopes=(slopes + 0.0).tolist(),
    )


def _said(one: Loss, value: float, predictions: list[float], targets: list[float]) -> str:
    """What the loss says of the prediction."""
    error = number(predictions[0] - targets[0])
    several = f"Over {len(predictions)} outputs it is the mean: {number(value)}."
    match one.type:
        case "mse":
            return (
                f"The error is {error}; squared it weighs {number(value)}."
                if len(predictions) == 1
                else several
            )
        case "mae" | "huber":
            size = number(abs(predictions[0] - targets[0]))
            if len(predictions) > 1:
                return several
            if one.type == "mae":
                return f"The prediction is off by {size}, and that is the loss."
            near = abs(predictions[0] - targets[0]) <= getattr(one, "delta", 1.0)
            where = "near the target, half its square" if near else "far from it, along a line"
            return f"The prediction is off by {size}: {where}."
        case "binary_cross_entropy" | "cross_entropy":
            return (
                f"A surprise of {number(value)} nats, or {number(value / math.log(2.0))} bits: as "
                f"much as the truth having had a chance of {100 * math.exp(-value):.3g} %."
            )
        case "focal":
            plain = LOSSES["binary_cross_entropy"].value(predictions, targets)
            share = 100.0 * value / plain if plain > 0.0 else 100.0
            return f"{share:.3g} % of the cross-entropy is left: what is easy counts less."
        case "hinge":
            if value == 0.0:
                return "Right by the whole margin: nothing is left to learn."
            return f"{number(value)} are missing to the right side of the margin."
    return "All right." if value == 0.0 else f"{100 * value:.0f} % wrong."


def _verdict(predictions: list[float], targets: list[float]) -> str:
    if _are_classes(predictions) and _are_classes(targets):
        truth, best = int(np.argmax(targets)), int(np.argmax(predictions))
        chance = predictions[truth]
        if truth == best:
            return f"Right: the true class has {_percent(chance)}" + (
                ", and nearly nothing is left to learn." if chance >= 0.9 else "."
            )
        return (
            f"Wrong: class {best} has {_percent(predictions[best])}, the true class {truth} only "
            f"{_percent(chance)}."
        )
    if len(predictions) == 1 and targets[0] in (0.0, 1.0) and 0.0 <= predictions[0] <= 1.0:
        chance = predictions[0] if targets[0] == 1.0 else 1.0 - predictions[0]
        given = f"it gives {_percent(chance)} to the truth"
        if chance == 0.5:
            return f"Undecided: {given}."
        if chance > 0.5:
            sure = "and sure of it" if chance >= 0.9 else "but not sure"
            return f"Right, {sure}: {given}."
        sure = "and sure of it, which is the costliest case" if chance <= 0.1 else "but not sure"
        return f"Wrong, {sure}: {given}."
    errors = [abs(p - y) for p, y in zip(predictions, targets, strict=True)]
    if max(errors) == 0.0:
        return "Exactly right."
    if len(errors) == 1:
        side = "above" if predictions[0] > targets[0] else "below"
        return f"The prediction lies {number(errors[0])} {side} the target."
    return f"The predictions are off by {number(sum(errors) / len(errors))} in the mean."


def _percent(chance: float) -> str:
    return f"{100 * chance:.3g} %"
