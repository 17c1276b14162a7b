"""Section 6 of the journey: losses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..records import Floats
from .quantity import Quantity


@dataclass(frozen=True)
class LossTrace:
    """One loss of the prediction."""

    loss: str
    value: Quantity
    slopes: tuple[Quantity, ...]
    """dL/dŷ for each output."""
    logit_slopes: tuple[Quantity, ...]
    """dL/dz for each output, z before the sigmoid or the softmax."""
    verdict: str


@dataclass(frozen=True)
class LossCurve:
    """One loss over the predictions of `LossSimulation.curve_predictions`."""

    loss: str
    values: Floats
    slopes: Floats


@dataclass(frozen=True)
class LossSimulation:
    """Several losses on one prediction, and over all others."""

    losses: tuple[LossTrace, ...]
    curve_predictions: Floats
    curves: tuple[LossCurve, ...]
    verdict: str


@dataclass(frozen=True)
class TokenLoss:
    """The loss at one place of a text."""

    target: int | None
    token: str | None
    probability: float
    nats: Quantity
    bits: float
    perplexity: float
    rank: int | None
    best: int | None
    best_token: str | None
    best_probability: float | None


@dataclass(frozen=True)
class TokenBaseline:
    """What somebody would lose who predicts in a simple way."""

    name: Literal["uniform", "confident_right", "confident_wrong"]
    probability: float
    nats: Quantity
    bits: float
    perplexity: float


@dataclass(frozen=True)
class TokenLossSimulation:
    """Cross-entropy over a vocabulary, for each place and for all of them."""

    places: tuple[TokenLoss, ...]
    nats: Quantity
    bits: Quantity
    perplexity: Quantity
    vocabulary: int
    baselines: tuple[TokenBaseline, ...]
    verdict: str
