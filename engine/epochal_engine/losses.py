"""A loss says in one number how wrong a prediction is, and its slope in which direction to move.

Cross-entropy is always paired with the activation that makes probabilities, sigmoid or softmax.
Together they have the simplest slope there is, prediction minus target, and stay finite where
log(0) would not: so the two are traced as one, from the logits, the sums before the activation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import primitives as p
from .trace import Symbol

Floats: TypeAlias = NDArray[np.float64]

SMALLEST_LOG = -100.0
"""Where a probability is 0, its logarithm is taken to be this (as PyTorch's BCELoss does)."""
SMALLEST_DIVISOR = 1e-12
"""And in a slope, p and p·(1 - p) count as at least this much (as PyTorch's BCELoss does)."""


@dataclass(frozen=True)
class Loss:
    """A loss, on predictions for an explorer and on scores for training.

    The scores are what the loss is traced from: the logits where the loss needs an
    `output_activation`, else the predictions themselves.
    """

    name: str
    formula: str
    output_activation: str | None
    """The activation that the network must end in; None for any."""
    values: Callable[[Floats, Floats], Floats]
    """`values(predictions, targets)`: the loss of each sample, `(n, outputs)` to `(n,)`."""
    slopes: Callable[[Floats, Floats], Floats]
    """`slopes(predictions, targets)`: d(the sample's loss)/d(prediction), elementwise."""
    traced: Callable[[Symbol, Symbol], Symbol]
    """`traced(scores, targets)`: the mean loss of a batch, as a symbol of shape `()`."""
    values_from_scores: Callable[[Floats, Floats], Floats]
    """The loss of each sample, `(..., n, outputs)` to `(..., n)`."""
    hits_from_scores: Callable[[Floats, Floats], Floats] | None
    """The share of each sample's answers that is right, `(..., n)`; None where nothing is."""

    def value(self, prediction: ArrayLike, target: ArrayLike) -> float:
        """The mean loss of predictions `(n, outputs)`; or of one, `(outputs,)` or `()`."""
        return float(self.values(*_rows(prediction, target)).mean())

    def slope(self, prediction: ArrayLike, target: ArrayLike) -> Floats:
        """The derivative of `value` with respect to each prediction, of its shape."""
        predictions, targets = _rows(prediction, target)
        slopes = self.slopes(predictions, targets) / len(predictions)
        return slopes.reshape(np.shape(prediction))

    def scores(self, output: Symbol) -> Symbol:
        """The symbol from which the loss is traced, given the network's output.

        Raises ValueError if the network does not end in the activation that the loss needs.
        """
        if self.output_activation is None:
            return output
        if output.primitive is None or output.primitive.name != self.output_activation:
            raise ValueError(
                f"the loss {self.name} needs a network that ends in a {self.output_activation}"
            )
        return output.inputs[0]


def _rows(prediction: ArrayLike, target: ArrayLike) -> tuple[Floats, Floats]:
    predictions, targets = np.atleast_2d(
        np.asarray(prediction, np.float64), np.asarray(target, np.float64)
    )
    if predictions.shape != targets.shape:
        raise ValueError(
            f"predictions {predictions.shape} and targets {targets.shape} differ in shape"
        )
    return predictions, targets


def _sum(x: Floats) -> Floats:
    """The sum over the outputs, `(..., outputs)` to `(...)`.

    Several times faster than `x.sum(-1)` where the outputs are few.
    """
    total: Floats = np.einsum("...o->...", x)
    return total


def _mean(x: Floats) -> Floats:
    """The mean over the outputs, `(..., outputs)` to `(...)`."""
    outputs: int = x.shape[-1]
    return _sum(x) / outputs


def _log(x: Floats) -> Floats:
    with np.errstate(divide="ignore"):
        return np.maximum(np.log(x), SMALLEST_LOG)


# ---------------------------------------------------------------- mean squared error


def _squared_errors(predictions: Floats, targets: Floats) -> Floats:
    return _mean(np.square(predictions - targets))


def _squared_errors_slopes(predictions: Floats, targets: Floats) -> Floats:
    outputs: int = predictions.shape[-1]
    return 2.0 * (predictions - targets) / outputs


def _traced_squared_error(predictions: Symbol, targets: Symbol) -> Symbol:
    return p.mean(p.square(predictions - targets))


# ---------------------------------------------------------------- binary cross-entropy


def _binary_cross_entropies(predictions: Floats, targets: Floats) -> Floats:
    return -_mean(targets * _log(predictions) + (1.0 - targets) * _log(1.0 - predictions))


def _binary_cross_entropies_slopes(predictions: Floats, targets: Floats) -> Floats:
    spread = np.maximum(predictions * (1.0 - predictions), SMALLEST_DIVISOR)
    outputs: int = predictions.shape[-1]
    return (predictions - targets) / spread / outputs


def _binary_cross_entropies_from_logits(logits: Floats, targets: Floats) -> Floats:
    return _mean(np.logaddexp(0.0, logits) - targets * logits)


def _same_side(logits: Floats, targets: Floats) -> Floats:
    return _mean(((logits >= 0.0) == (targets >= 0.5)).astype(np.float64))


# ---------------------------------------------------------------- cross-entropy


def _cross_entropies(predictions: Floats, targets: Floats) -> Floats:
    return -_sum(targets * _log(predictions))


def _cross_entropies_slopes(predictions: Floats, targets: Floats) -> Floats:
    return -targets / np.maximum(predictions, SMALLEST_DIVISOR)


def _cross_entropies_from_logits(logits: Floats, targets: Floats) -> Floats:
    # Looking the largest up is three times faster than `max` where the classes are few.
    largest = np.take_along_axis(logits, logits.argmax(-1)[..., None], -1)
    shifted = logits - largest
    losses: Floats = np.log(_sum(np.exp(shifted))) - _sum(targets * shifted)
    return losses


def _same_class(logits: Floats, targets: Floats) -> Floats:
    hits: Floats = (logits.argmax(-1) == targets.argmax(-1)).astype(np.float64)
    return hits


LOSSES: dict[str, Loss] = {
    loss.name: loss
    for loss in (
        Loss(
            "mse",
            "mean of (ŷ - y)²",
            output_activation=None,
            values=_squared_errors,
            slopes=_squared_errors_slopes,
            traced=_traced_squared_error,
            values_from_scores=_squared_errors,
            hits_from_scores=None,
        ),
        Loss(
            "binary_cross_entropy",
            "-mean of y·log(ŷ) + (1 - y)·log(1 - ŷ)",
            output_activation="sigmoid",
            values=_binary_cross_entropies,
            slopes=_binary_cross_entropies_slopes,
            traced=p.sigmoid_binary_cross_entropy,
            values_from_scores=_binary_cross_entropies_from_logits,
            hits_from_scores=_same_side,
        ),
        Loss(
            "cross_entropy",
            "-Σ y·log(ŷ)",
            output_activation="softmax",
            values=_cross_entropies,
            slopes=_cross_entropies_slopes,
            traced=p.softmax_cross_entropy,
            values_from_scores=_cross_entropies_from_logits,
            hits_from_scores=_same_class,
        ),
    )
}
"""All losses by the name that the API knows."""
