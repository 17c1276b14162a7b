"""Requests and replies of the loss explorers: losses of a prediction, and of a language model."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field

from epochal_service.specs.base import LossName, Reply, Spec, exactly_one
from epochal_service.specs.training import LossOptionsSpec

from .quantity import Quantity

Number = Annotated[float, Field(ge=-1e6, le=1e6)]


def _listed(value: Any) -> Any:
    """Return a single number as a list of one."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return [value] if is_number else value


Numbers = Annotated[list[Number], BeforeValidator(_listed), Field(min_length=1, max_length=100)]


class SimulateLossRequest(Spec):
    """A prediction and its target: one number each, or one for each output."""

    prediction: Numbers
    """The prediction: values or probabilities. A single number counts as a list of one."""
    target: Numbers
    """The target. Same length as `prediction`."""
    losses: list[LossName] | None = Field(default=None, min_length=1, max_length=16)
    """The loss functions. By default all that apply to the prediction and the target."""
    options: LossOptionsSpec = Field(default_factory=LossOptionsSpec)
    """Options of the loss functions, e.g. Huber's `delta`."""
    points: int = Field(default=101, ge=2, le=1001)
    """Number of points per curve, equally spaced. Default 101."""
    minimum: Number | None = None
    """Start of the curves. Default 0.01 for probabilities, else as far below the target as the
    prediction is from it, and at least 1.
    """
    maximum: Number | None = None
    """End of the curves. Default 0.99 for probabilities, else as far above the target as the
    prediction is from it, and at least 1.
    """


class LossTrace(Reply):
    """One loss of the prediction."""

    loss: LossName
    """The name of the loss function."""
    value: Quantity
    """The loss: the mean over the outputs; for `cross_entropy` the sum over the classes."""
    derivatives: list[Quantity]
    """The derivative dL/dŷ of each output."""
    logit_derivatives: list[Quantity]
    """The derivative dL/dz of each output, where the prediction is the sigmoid of z, or for
    `cross_entropy` the softmax; empty for predictions that are not probabilities, and for
    `hinge` and `perceptron`.
    """
    verdict: str
    """The meaning of the value, in a sentence."""


class LossCurve(Reply):
    """One loss as a function of the prediction."""

    loss: LossName
    """The name of the loss function."""
    values: list[float]
    """The loss at each of `curve_predictions`."""
    derivatives: list[float]
    """The derivative dL/dŷ at each of `curve_predictions`."""


class LossSimulation(Reply):
    """Several losses of one prediction, and their curves."""

    losses: list[LossTrace]
    """The losses in the order of the request."""
    curve_predictions: list[float]
    """The predictions of the curves. For several outputs, the probability of the class with the
    largest target, while the others keep their proportions; empty if they are not probabilities.
    """
    curves: list[LossCurve]
    """The curves in the order of the request; none for `perceptron`, which is defined for 0 and 1
    only."""
    verdict: str
    """How good the prediction is, in a sentence."""


BaselineName = Literal["uniform", "confident_correct", "confident_incorrect"]


class SimulateTokenLossRequest(Spec):
    """Next-token predictions at one or more positions of a text. Exactly one of `probabilities`,
    `logits` and `target_probabilities` is required.
    """

    model_config = ConfigDict(
        json_schema_extra=exactly_one("probabilities", "logits", "target_probabilities")
    )

    probabilities: list[list[Annotated[float, Field(ge=0, le=1)]]] | None = Field(
        default=None, min_length=1, max_length=64
    )
    """Predicted probabilities: a row for each position, a column for each token."""
    logits: list[list[Annotated[float, Field(ge=-300, le=300)]]] | None = Field(
        default=None, min_length=1, max_length=64
    )
    """Predicted logits: a row for each position, a column for each token."""
    targets: list[Annotated[int, Field(ge=0)]] = Field(default_factory=list, max_length=64)
    """Index of the true token at each position, from 0."""
    target_probabilities: list[Annotated[float, Field(ge=0, le=1)]] | None = Field(
        default=None, min_length=1, max_length=4096
    )
    """Predicted probability of the true token at each position. Requires `vocabulary`."""
    vocabulary: int | None = Field(default=None, ge=2, le=10_000_000)
    """Vocabulary size. Defaults to the length of a row."""
    tokens: list[Annotated[str, Field(max_length=64)]] = Field(
        default_factory=list, max_length=200_000
    )
    """Texts of the tokens, for the reply: one for each token of the vocabulary, or, with
    `target_probabilities`, one for each position."""


class TokenLoss(Reply):
    """The loss at one position."""

    target: int | None
    """Index of the true token, from 0; null with `target_probabilities`."""
    token: str | None
    """Text of the true token; null if the request has no texts."""
    probability: float
    """Predicted probability of the true token."""
    nats: Quantity
    """The loss -log(probability), in nats."""
    bits: float
    """The loss in bits: nats / log(2)."""
    perplexity: float
    """The perplexity exp(nats): the number of equally likely tokens with the same loss."""
    rank: int | None
    """Rank of the true token by probability, from 1; null with `target_probabilities`."""
    top_index: int | None
    """Index of the most likely token; null with `target_probabilities`."""
    top_token: str | None
    """Text of the most likely token; null if the request has no texts."""
    top_probability: float | None
    """Predicted probability of the most likely token; null with `target_probabilities`."""


class TokenBaseline(Reply):
    """The loss of a simple predictor."""

    name: BaselineName
    """The name of the predictor."""
    probability: float
    """Its probability for the true token."""
    nats: Quantity
    """Its loss per token: -log(probability)."""
    bits: float
    """Its loss in bits: nats / log(2)."""
    perplexity: float
    """Its perplexity: exp(nats)."""


class TokenLossSimulation(Reply):
    """Cross-entropy over a vocabulary, per position and on average."""

    positions: list[TokenLoss]
    """The positions in order."""
    nats: Quantity
    """The mean loss over the positions, which training minimizes."""
    bits: Quantity
    """The mean loss in bits: nats / log(2)."""
    perplexity: Quantity
    """The perplexity exp(nats): the number of equally likely tokens with the same mean loss."""
    vocabulary: int
    """Vocabulary size."""
    baselines: list[TokenBaseline]
    """Simple predictors. `uniform`: every token is equally likely. `confident_correct`: 99 % for
    the true token. `confident_incorrect`: 99 % for another token, the rest evenly for all others.
    """
    verdict: str
    """The perplexity in comparison with a uniform guess, in a sentence."""
