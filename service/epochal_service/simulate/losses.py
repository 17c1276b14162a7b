"""What there is to say of each loss: its slope as a formula, what it is for, who made it.

The numbers come from the engine; here is how they are written down.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from epochal_engine import LOSSES, Loss
from epochal_engine.losses import SMALLEST_DIVISOR, SMALLEST_LOG, CrossEntropy, Focal, Huber

from ..specs.journey.losses import LossFacts
from .formulas import enough, factor, minus, number, probability

Written = Callable[[Loss, float, float], str]
"""`written(loss, prediction, target)`: the formula for one output, with the numbers put in."""


@dataclass(frozen=True)
class Explained:
    """A loss in words."""

    title: str
    slope: str
    used_for: str
    trouble: str
    source: str
    term: Written
    slope_term: Written
    logit_slope: str | None = None
    logit_term: Written = lambda loss, p, y: _error(p, y)
    options: tuple[str, ...] = ()


def _logarithm(chance: float) -> str:
    text = f"log({probability(chance)})"
    is_cut = chance <= 0.0 or math.log(chance) < SMALLEST_LOG
    return f"max({text}, {SMALLEST_LOG:.0f})" if is_cut else text


def _no(prediction: float) -> str:
    """The logarithm of what is left."""
    if 0.0 < prediction < 1.0:
        return f"log(1 - {probability(prediction)})"
    return _logarithm(1.0 - prediction)


def _error(prediction: float, target: float) -> str:
    return minus(prediction, target)


def _huber(loss: Loss, prediction: float, target: float) -> str:
    assert isinstance(loss, Huber)
    error, delta = _error(prediction, target), number(loss.delta)
    if abs(prediction - target) <= loss.delta:
        return f"({error})²/2"
    return f"{delta}·(|{error}| - {delta}/2)"


def _huber_slope(loss: Loss, prediction: float, target: float) -> str:
    assert isinstance(loss, Huber)
    error = _error(prediction, target)
    if abs(prediction - target) <= loss.delta:
        return error
    return f"{number(loss.delta)}·sign({error})"


def _either(prediction: float, target: float, if_yes: str, if_no: str) -> str:
    """The part that counts where the answer is clear, else both."""
    if target == 1.0:
        return if_yes
    if target == 0.0:
        return if_no
    y = probability(target)
    return f"{y}·({if_yes}) + (1 - {y})·({if_no})"


def _binary(loss: Loss, prediction: float, target: float) -> str:
    return _either(prediction, target, f"-{_logarithm(prediction)}", f"-{_no(prediction)}")


def _binary_slope(loss: Loss, prediction: float, target: float) -> str:
    p, error = probability(prediction), _error(prediction, target)
    spread = f"{p}·(1 - {p})"
    if prediction * (1.0 - prediction) < SMALLEST_DIVISOR:
        spread = f"max({spread}, {SMALLEST_DIVISOR:g})"
    else:
        spread = f"({spread})"
    return f"({error}) / {spread}"


def _focal(loss: Loss, prediction: float, target: float) -> str:
    assert isinstance(loss, Focal)
    p, gamma = probability(prediction), number(loss.gamma)
    return _either(
        prediction,
        target,
        f"-(1 - {p})^{gamma}·{_logarithm(prediction)}",
        f"-{p}^{gamma}·{_no(prediction)}",
    )


def _focal_slope(loss: Loss, prediction: float, target: float) -> str:
    assert isinstance(loss, Focal)
    gamma = number(loss.gamma)

    def away(right: float, wrong: float) -> str:
        """The slope of -wrong^γ·log(right) as right grows and wrong shrinks."""
        r, some = (probability(max(value, SMALLEST_DIVISOR)) for value in (right, wrong))
        return f"{gamma}·{some}^({gamma} - 1)·log({r}) - {number(wrong)}^{gamma}/{r}"

    yes, no = prediction, 1.0 - prediction
    return _either(prediction, target, away(yes, no), f"-({away(no, yes)})")


def _focal_logit(loss: Loss, prediction: float, target: float) -> str:
    assert isinstance(loss, Focal)
    gamma = number(loss.gamma)

    def up(right: float, wrong: float) -> str:
        """The slope of -wrong^γ·log(right) as the logit of what is right grows."""
        r, log = probability(right), f"log({probability(max(right, SMALLEST_DIVISOR))})"
        return f"{number(wrong)}^{gamma}·({gamma}·{r}·{log} + {r} - 1)"

    yes, no = prediction, 1.0 - prediction
    return _either(prediction, target, up(yes, no), f"-{up(no, yes)}")


def _hinge(loss: Loss, prediction: float, target: float) -> str:
    y, p = probability(target), factor(prediction, enough(1.0 - prediction, prediction))
    return f"max(0, 1 - (2·{y} - 1)·(2·{p} - 1))"


def _hinge_slope(loss: Loss, prediction: float, target: float) -> str:
    margin = (2.0 * target - 1.0) * (2.0 * prediction - 1.0)
    return f"-2·(2·{factor(target)} - 1)" if margin < 1.0 else "0"


def _class(loss: Loss, prediction: float, target: float) -> str:
    return f"-{number(target)}·{_logarithm(prediction)}" if target else "0"


def _class_slope(loss: Loss, prediction: float, target: float) -> str:
    if target == 0.0:
        return "0"
    return f"-{number(target)}/{number(max(prediction, SMALLEST_DIVISOR))}"


EXPLAINED: dict[str, Explained] = {
    "mse": Explained(
        title="Mean squared error",
        slope="2·(ŷ - y)",
        used_for="Numbers: prices, temperatures, positions. Its best constant answer is the mean.",
        trouble="An error twice as large weighs four times as much, so that one far-off target "
        "can lead the way; and behind a sigmoid its slope is lost where the answer is most wrong.",
        source="Legendre (1805), Nouvelles méthodes pour la détermination des orbites des comètes; "
        "Gauss (1809), Theoria motus corporum coelestium",
        term=lambda loss, p, y: f"({_error(p, y)})²",
        slope_term=lambda loss, p, y: f"2·({_error(p, y)})",
    ),
    "mae": Explained(
        title="Mean absolute error",
        slope="sign(ŷ - y)",
        used_for="Numbers with wild ones among them. Its best constant answer is the median.",
        trouble="Its slope is as large beside the target as far from it, so that training trembles "
        "at the end; in the corner itself, where there is no slope, it is taken to be 0.",
        source="Boscovich (1757), De litteraria expeditione per pontificiam ditionem; "
        "Laplace (1793)",
        term=lambda loss, p, y: f"|{_error(p, y)}|",
        slope_term=lambda loss, p, y: f"sign({_error(p, y)})",
    ),
    "huber": Explained(
        title="Huber loss",
        slope="ŷ - y if |ŷ - y| ≤ δ else δ·sign(ŷ - y)",
        used_for="Numbers with wild ones among them, where the end should be calm: half a square "
        "near the target, a straight line far from it.",
        trouble="Where near ends and far begins, δ, is one more thing to choose.",
        source="Huber (1964), Robust estimation of a location parameter, Annals of Mathematical "
        "Statistics 35",
        term=_huber,
        slope_term=_huber_slope,
        options=("delta",),
    ),
    "binary_cross_entropy": Explained(
        title="Binary cross-entropy",
        slope="(ŷ - y) / (ŷ·(1 - ŷ))",
        logit_slope="ŷ - y",
        used_for="Yes or no, or several such questions at once, behind a sigmoid.",
        trouble="A sure answer that is wrong costs without limit: a single wrong label can weigh "
        "more than all others. Here the logarithm ends at -100.",
        source="Good (1952), Rational decisions, Journal of the Royal Statistical Society B 14; "
        "for networks Solla, Levin and Fleisher (1988), Complex Systems 2",
        term=_binary,
        slope_term=_binary_slope,
    ),
    "cross_entropy": Explained(
        title="Cross-entropy",
        slope="-y / ŷ",
        logit_slope="ŷ - y",
        used_for="One class of many, behind a softmax: digits, words, the next token of a text.",
        trouble="It asks for certainty that never comes, so that logits grow and answers are surer "
        "than they should be; label smoothing holds them back.",
        source="Shannon (1948), A mathematical theory of communication, Bell System Technical "
        "Journal 27; for networks Bridle (1990), Probabilistic interpretation of feedforward "
        "classification network outputs",
        term=_class,
        slope_term=_class_slope,
        options=("label_smoothing",),
    ),
    "hinge": Explained(
        title="Hinge loss",
        slope="-(2·y - 1) if (2·y - 1)·ŷ < 1 else 0",
        used_for="Yes or no with a margin, behind a linear output: support vector machines. Its "
        "scores run from -1 for no to 1 for yes and beyond.",
        trouble="What is right by more than the margin teaches nothing, and its scores are no "
        "probabilities.",
        source="Cortes and Vapnik (1995), Support-vector networks, Machine Learning 20",
        term=_hinge,
        slope_term=_hinge_slope,
    ),
    "focal": Explained(
        title="Focal loss",
        slope="γ·(1 - ŷ)^(γ - 1)·log(ŷ) - (1 - ŷ)^γ/ŷ for y = 1, and its mirror image for y = 0",
        logit_slope="(1 - ŷ)^γ·(γ·ŷ·log(ŷ) + ŷ - 1) for y = 1, and its mirror image for y = 0",
        used_for="Yes or no where nearly all answers are an easy no: finding objects in images.",
        trouble="How little the easy ones count, γ, is one more thing to choose; and what is "
        "answered well is never answered with certainty.",
        source="Lin, Goyal, Girshick, He and Dollár (2017), Focal loss for dense object detection, "
        "arXiv:1708.02002",
        term=_focal,
        slope_term=_focal_slope,
        logit_term=_focal_logit,
        options=("gamma",),
    ),
    "perceptron": Explained(
        title="Share of errors",
        slope="sign(ŷ - y)",
        used_for="A neuron that fires or does not, taught by Rosenblatt's rule.",
        trouble="Through the step it has no slope at all: its rule works for one layer only, and "
        "finds no rest where no line separates the classes.",
        source="Rosenblatt (1958), The perceptron, Psychological Review 65",
        term=lambda loss, p, y: f"|{_error(p, y)}|",
        slope_term=lambda loss, p, y: f"sign({_error(p, y)})",
    ),
}
"""By the engine's names."""


def written(
    loss: Loss, predictions: Sequence[float], targets: Sequence[float], answers: int
) -> str:
    """The loss with all numbers put in: the mean over so many answers."""
    term = EXPLAINED[loss.type].term
    terms = [term(loss, p, y) for p, y in zip(predictions, targets, strict=True)]
    if isinstance(loss, CrossEntropy):
        terms = [one for one in terms if one != "0"]
        total = " + ".join(terms).replace("+ -", "- ") or "0"
        return total if answers == 1 else f"({total}) / {answers}"
    if answers == 1:
        return terms[0]
    bracketed = [f"({one})" if one.startswith("-") else one for one in terms]
    return f"({' + '.join(bracketed)}) / {answers}"


def smoothed(loss: Loss, targets: list[float]) -> list[float]:
    """The targets as `cross_entropy` takes them: a share of them spread over all classes."""
    if not isinstance(loss, CrossEntropy):
        return targets
    share = loss.label_smoothing
    return [target * (1.0 - share) + share / len(targets) for target in targets]


def losses() -> list[LossFacts]:
    """All losses of the engine, as the API tells them."""
    return [
        LossFacts(
            name=name,
            title=one.title,
            formula=LOSSES[name].formula,
            slope=one.slope,
            logit_slope=one.logit_slope,
            output_activation=LOSSES[name].output_activation,
            options=list(one.options),
            used_for=one.used_for,
            trouble=one.trouble,
            source=one.source,
        )
        for name, one in EXPLAINED.items()
    ]
