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
    """What the network gave: values, or probabilities. A single number counts as a list of one."""
    target: Numbers
    """What is right, as many numbers as the prediction has."""
    losses: list[LossName] | None = Field(default=None, min_length=1, max_length=16)
    """By default all that fit the prediction and the target."""
    options: LossOptionsSpec = Field(default_factory=LossOptionsSpec)
    """The numbers that some losses take, such as huber's delta."""
    points: int = Field(default=101, ge=2, le=1001)
    """How many places of the curve are computed, at equal distances."""
    minimum: Number | None = None
    """Where the curve begins: by default at 0.01, where there are probabilities, and else as far
    from the target as the prediction lies.
    """
    maximum: Number | None = None
    """Where it ends: by default at 0.99, or as far on the other side of the target."""


class LossTrace(Reply):
    """One loss of the prediction."""

    loss: str
    """Which one it is."""
    value: Quantity
    """The loss: the mean over the outputs, of `cross_entropy` the sum over the classes."""
    slopes: list[Quantity]
    """dL/dŷ for each output: by how much the loss changes with the prediction."""
    logit_slopes: list[Quantity]
    """dL/dz for each output, where the prediction is the sigmoid of z, or for `cross_entropy` the
    softmax; none where it is no probability, or where a step comes between.
    """
    verdict: str
    """What the number means, in a sentence."""


class LossCurve(Reply):
    """One loss over the predictions of `curve_predictions`."""

    loss: str
    """Which one it is."""
    values: list[float]
    """The loss at each of `curve_predictions`."""
    slopes: list[float]
    """dL/dŷ at each of `curve_predictions`."""


class LossSimulation(Reply):
    """Several losses on one prediction, and over all others."""

    losses: list[LossTrace]
    """In the order asked for."""
    curve_predictions: list[float]
    """Of several outputs it is the probability of the class with the largest target, while the
    others keep their proportions; there is no curve where they are no probabilities.
    """
    curves: list[LossCurve]
    """In the same order, but none for `perceptron`, whose predictions are 0 or 1 alone."""
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
    """The tokens as texts, for the answer: those of the vocabulary, or, with
    `target_probabilities`, one for each place."""


class TokenLoss(Reply):
    """The loss at one place."""

    target: int | None
    """The number of the true token, from 0; null where only its probability was given."""
    token: str | None
    """The true token as text; null where no texts were given."""
    probability: float
    """Of the true token."""
    nats: Quantity
    """The loss: -log(probability), the surprise in natural units."""
    bits: float
    """The same surprise in bits: nats / log(2)."""
    perplexity: float
    """As many equally likely tokens would be as surprising."""
    rank: int | None
    """1 where the true token is the most likely one."""
    best: int | None
    """The most likely token."""
    best_token: str | None
    """That token as text; null where no texts were given."""
    best_probability: float | None
    """What the model gives to it; null where only the true tokens' were given."""


class TokenBaseline(Reply):
    """What somebody would lose who predicts in a simple way."""

    name: BaselineName
    """The way of predicting."""
    probability: float
    """That it gives to the true token."""
    nats: Quantity
    """Its loss at a place: -log(probability)."""
    bits: float
    """The same in bits: nats / log(2)."""
    perplexity: float
    """exp(nats): as many equally likely tokens would be as surprising."""


class TokenLossSimulation(Reply):
    """Cross-entropy over a vocabulary, for each place and for all of them."""

    places: list[TokenLoss]
    """Each place of the text, in order."""
    nats: Quantity
    """The mean over the places: what training makes small."""
    bits: Quantity
    """The mean in bits: nats / log(2)."""
    perplexity: Quantity
    """exp(nats): among as many equally likely tokens the model is undecided on average."""
    vocabulary: int
    """How many tokens there are."""
    baselines: list[TokenBaseline]
    """`uniform` knows nothing; `confident_right` gives 99 % to the true token; `confident_wrong`
    gives 99 % to another one, and the rest evenly to all others.
    """
    verdict: str
    """The perplexity beside a guess among all tokens, in a sentence."""
