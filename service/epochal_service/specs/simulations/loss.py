"""Losses beside one another, as they may be asked for."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from ..base import LossName, Reply, Spec
from ..training import LossOptionsSpec
from .quantity import Quantity

Number = Annotated[float, Field(ge=-1e6, le=1e6)]


def _listed(value: Any) -> Any:
    """A single number says the same as a list of one."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return [value] if is_number else value


Numbers = Annotated[list[Number], BeforeValidator(_listed), Field(min_length=1, max_length=100)]


class SimulateLossRequest(Spec):
    """A prediction and its target: one number each, or one for each output."""

    prediction: Numbers
    target: Numbers
    losses: list[LossName] | None = Field(default=None, min_length=1, max_length=16)
    """By default all that fit the prediction and the target."""
    options: LossOptionsSpec = Field(default_factory=LossOptionsSpec)
    points: int = Field(default=101, ge=2, le=1001)
    """Of the curve."""
    minimum: Number | None = None
    """Where the curve begins: by default at 0.01, where there are probabilities, and else as far
    from the target as the prediction lies.
    """
    maximum: Number | None = None
    """Where it ends: by default at 0.99, or as far on the other side of the target."""


class LossTrace(Reply):
    """One loss of the prediction."""

    loss: str
    value: Quantity
    slopes: list[Quantity]
    """dL/dŷ for each output: by how much the loss changes with the prediction."""
    logit_slopes: list[Quantity]
    """dL/dz for each output, where the prediction is the sigmoid of z, or for `cross_entropy` the
    softmax; none where it is no probability, or where a step comes between.
    """
    verdict: str


class LossCurve(Reply):
    """One loss over the predictions of `curve_predictions`."""

    loss: str
    values: list[float]
    slopes: list[float]
    """dL/dŷ."""


class LossSimulation(Reply):
    """Several losses on one prediction, and over all others."""

    losses: list[LossTrace]
    curve_predictions: list[float]
    """Of several outputs it is the probability of the class with the largest target, while the
    others keep their proportions; there is no curve where they are no probabilities.
    """
    curves: list[LossCurve]
    verdict: str
    """How good the prediction is, whatever the loss."""


BaselineName = Literal["uniform", "confident_right", "confident_wrong"]


class SimulateTokenLossRequest(Spec):
    """The next token, predicted at one place of a text or at several. What is known of the
    prediction is one of `probabilities`, `logits` and `target_probabilities`.
    """

    probabilities: list[list[Annotated[float, Field(ge=0, le=1)]]] | None = Field(
        default=None, min_length=1, max_length=64
    )
    """A row for each place, with the probability of each token."""
    logits: list[list[Annotated[float, Field(ge=-300, le=300)]]] | None = Field(
        default=None, min_length=1, max_length=64
    )
    """A row for each place, before the softmax."""
    targets: list[Annotated[int, Field(ge=0)]] = Field(default_factory=list, max_length=64)
    """The number of the true token at each place, from 0."""
    target_probabilities: list[Annotated[float, Field(ge=0, le=1)]] | None = Field(
        default=None, min_length=1, max_length=4096
    )
    """Of the true tokens alone, where the others do not matter; needs `vocabulary`."""
    vocabulary: int | None = Field(default=None, ge=2, le=10_000_000)
    """How many tokens there are; by default as many as a row has."""
    tokens: list[Annotated[str, Field(max_length=64)]] = Field(
        default_factory=list, max_length=200_000
    )
    """The tokens as texts, for the answer."""


class TokenLoss(Reply):
    """The loss at one place."""

    target: int | None
    token: str | None
    probability: float
    """Of the true token."""
    nats: Quantity
    bits: float
    perplexity: float
    """As many equally likely tokens would be as surprising."""
    rank: int | None
    """1 where the true token is the most likely one."""
    best: int | None
    """The most likely token."""
    best_token: str | None
    best_probability: float | None


class TokenBaseline(Reply):
    """What somebody would lose who predicts in a simple way."""

    name: BaselineName
    probability: float
    """That it gives to the true token."""
    nats: Quantity
    bits: float
    perplexity: float


class TokenLossSimulation(Reply):
    """Cross-entropy over a vocabulary, for each place and for all of them."""

    places: list[TokenLoss]
    nats: Quantity
    """The mean over the places: what training makes small."""
    bits: Quantity
    perplexity: Quantity
    vocabulary: int
    baselines: list[TokenBaseline]
    """`uniform` knows nothing; `confident_right` gives 99 % to the true token; `confident_wrong`
    gives 99 % to another one, and the rest evenly to all others.
    """
    verdict: str
