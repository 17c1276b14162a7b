"""A loss says in one number how wrong a prediction is, and its slope in which direction to move.

Cross-entropy is always paired with the activation that makes probabilities, sigmoid or softmax.
Together they have the simplest slope there is, prediction minus target, and stay finite where
log(0) would not: so the two are traced as one, from the logits, the sums before the activation.

    numbers   Mse        (ŷ - y)²
              Mae        |ŷ - y|
              Huber      Mse near the target, Mae far from it
    yes, no   BinaryCrossEntropy
              Focal      BinaryCrossEntropy that cares less for what is answered well already
              Hinge      Mae on the wrong side of a margin alone
              PerceptronError   Mae of an output that says 0 or 1 only
    classes   CrossEntropy
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Annotated, ClassVar, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import primitives as p
from .components import Component, Internal, Range
from .trace import Array, Shape, Symbol

Floats: TypeAlias = NDArray[np.float64]

SMALLEST_LOG = -100.0
"""Where a probability is 0, its logarithm is taken to be this (as PyTorch's BCELoss does)."""
SMALLEST_DIVISOR = 1e-12
"""And in a slope, p and p·(1 - p) count as at least this much (as PyTorch's BCELoss does)."""
FEW_OUTPUTS = 32
"""Up to so many, they are compared faster across answers than within each."""


@dataclass(frozen=True)
class Loss(Component, ABC):
    """A loss, on predictions for an explorer and on scores for training.

    The scores are what the loss is traced from: the logits where the loss needs an
    `output_activation`, else the predictions themselves. Predictions, scores and targets are
    `(n, *output_shape)`; the numbers along their last axis are one answer, and the loss of several
    answers is their mean.
    """

    table: ClassVar[dict[str, type[Loss]]] = {}
    formula: ClassVar[str]
    output_activation: ClassVar[str | None] = None
    """The activation that the network must end in; None for any."""
    has_accuracy: ClassVar[bool] = False
    """Whether an answer can be right."""

    @abstractmethod
    def values(self, predictions: Floats, targets: Floats) -> Floats:
        """The loss of each answer, `(..., outputs)` to `(...)`."""

    @abstractmethod
    def slopes(self, predictions: Floats, targets: Floats) -> Floats:
        """d(the answer's loss)/d(prediction), elementwise."""

    @abstractmethod
    def traced(self, scores: Symbol, targets: Symbol) -> Symbol:
        """The mean loss of a batch, as a symbol of shape `()`."""

    def values_from_scores(self, scores: Floats, targets: Floats) -> Floats:
        """The loss of each answer, `(..., outputs)` to `(...)`."""
        return self.values(scores, targets)

    def hits_from_scores(self, scores: Floats, targets: Floats) -> Floats:
        """How right each answer is, 0 to 1, `(..., outputs)` to `(...)`; see `has_accuracy`."""
        raise NotImplementedError(f"{self.type} knows no right and wrong")

    def counted(self, targets: Floats) -> Floats | None:
        """1 for each answer that counts, 0 for each that does not, `(...)`; None if all do."""
        return None

    def targets(self, given: Array, shape: Shape) -> Array:
        """The targets as the formulas take them, of `shape` = `(n, *output_shape)`.

        Raises ValueError if they cannot be read so.
        """
        if given.shape != shape:
            raise ValueError(f"need the shape {shape}, not {given.shape}")
        return given

    def value(self, prediction: ArrayLike, target: ArrayLike) -> float:
        """The mean loss of predictions `(n, *output_shape)`; or of one, `(outputs,)` or `()`."""
        predictions, targets = _rows(prediction, target)
        return float(mean_over(self.values(predictions, targets), self.counted(targets)))

    def slope(self, prediction: ArrayLike, target: ArrayLike) -> Floats:
        """The derivative of `value` with respect to each prediction, of its shape."""
        predictions, targets = _rows(prediction, target)
        counted = self.counted(targets)
        answers = predictions[..., 0].size if counted is None else max(counted.sum(), 1.0)
        return (self.slopes(predictions, targets) / answers).reshape(np.shape(prediction))

    def scores(self, output: Symbol) -> Symbol:
        """The symbol from which the loss is traced, given the network's output.

        Raises ValueError if the network does not end in the activation that the loss needs.
        """
        if self.output_activation is None:
            return output
        match "" if output.primitive is None else output.primitive.name:
            case self.output_activation:
                return output.inputs[0]
            case "permute":
                return self.scores(output.inputs[0]).permute(output.details[0])
            case "reshape" | "copy":
                return self.scores(output.inputs[0]).reshape(output.shape)
        raise ValueError(
            f"the loss {self.type} needs a network that ends in a {self.output_activation}"
        )


def mean_over(values: Floats, counted: Floats | None) -> Floats:
    """The mean of the values that count; 0 where none does."""
    if counted is None:
        return np.asarray(values.mean())
    return np.asarray((values * counted).sum() / max(counted.sum(), 1.0))


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


def _largest(x: Floats) -> Floats:
    """The largest of the outputs, `(..., outputs)` to `(..., 1)`."""
    largest: Floats
    if x.shape[-1] > FEW_OUTPUTS:
        largest = x.max(-1)
    else:
        # NumPy is slow at short rows: column is compared with column.
        largest = np.maximum.reduce(np.ascontiguousarray(np.moveaxis(x, -1, 0)))
    return largest[..., None]


def _mean(x: Floats) -> Floats:
    """The mean over the outputs, `(..., outputs)` to `(...)`."""
    outputs: int = x.shape[-1]
    return _sum(x) / outputs


def _softplus(x: Floats) -> Floats:
    """log(1 + exp(x)), without overflow; `np.logaddexp` takes three times as long."""
    softplus: Floats = np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))
    return softplus


def _log(x: Floats) -> Floats:
    with np.errstate(divide="ignore"):
        return np.maximum(np.log(x), SMALLEST_LOG)


# ---------------------------------------------------------------- numbers


@dataclass(frozen=True)
class Mse(Loss):
    """The mean squared error: an error twice as large weighs four times as much."""

    type: ClassVar[str] = "mse"
    formula: ClassVar[str] = "mean of (ŷ - y)²"

    def values(self, predictions: Floats, targets: Floats) -> Floats:
        return _mean(np.square(predictions - targets))

    def slopes(self, predictions: Floats, targets: Floats) -> Floats:
        outputs: int = predictions.shape[-1]
        return 2.0 * (predictions - targets) / outputs

    def traced(self, scores: Symbol, targets: Symbol) -> Symbol:
        return p.mean(p.square(scores - targets))


@dataclass(frozen=True)
class Mae(Loss):
    """The mean absolute error: its best constant prediction is the median. The slope at 0 is 0."""

    type: ClassVar[str] = "mae"
    formula: ClassVar[str] = "mean of |ŷ - y|"

    def values(self, predictions: Floats, targets: Floats) -> Floats:
        return _mean(np.abs(predictions - targets))

    def slopes(self, predictions: Floats, targets: Floats) -> Floats:
        outputs: int = predictions.shape[-1]
        return np.sign(predictions - targets) / outputs

    def traced(self, scores: Symbol, targets: Symbol) -> Symbol:
        return p.mean(p.absolute(scores - targets))


@dataclass(frozen=True)
class Huber(Loss):
    """Half the squared error up to `delta`, and from there on along the tangent (Huber, 1964).

    The default delta of 1 is that of PyTorch and Keras.
    """

    type: ClassVar[str] = "huber"
    formula: ClassVar[str] = "mean of e²/2 if |e| ≤ δ else δ·(|e| - δ/2), e = ŷ - y"
    delta: Annotated[float, Range(above=0)] = 1.0
    """Absolute error above which the loss is linear. Greater than 0. Default 1."""

    def values(self, predictions: Floats, targets: Floats) -> Floats:
        size = np.abs(predictions - targets)
        near = np.minimum(size, self.delta)
        return _mean(near * (size - 0.5 * near))

    def slopes(self, predictions: Floats, targets: Floats) -> Floats:
        outputs: int = predictions.shape[-1]
        return np.clip(predictions - targets, -self.delta, self.delta) / outputs

    def traced(self, scores: Symbol, targets: Symbol) -> Symbol:
        size = p.absolute(scores - targets)
        far = p.positive_part(size - self.delta)
        return p.mean(0.5 * p.square(size - far) + self.delta * far)


# ---------------------------------------------------------------- yes and no


class YesOrNo(Loss):
    """A loss whose targets are 1 for yes and 0 for no; a score says yes from 0 on."""

    has_accuracy: ClassVar[bool] = True

    def hits_from_scores(self, scores: Floats, targets: Floats) -> Floats:
        return _mean(((scores >= 0.0) == (targets >= 0.5)).astype(np.float64))


@dataclass(frozen=True)
class BinaryCrossEntropy(YesOrNo):
    """The surprise at the truth, in nats, for outputs that each say yes with a probability."""

    type: ClassVar[str] = "binary_cross_entropy"
    formula: ClassVar[str] = "-mean of y·log(ŷ) + (1 - y)·log(1 - ŷ)"
    output_activation: ClassVar[str | None] = "sigmoid"

    def values(self, predictions: Floats, targets: Floats) -> Floats:
        return -_mean(targets * _log(predictions) + (1.0 - targets) * _log(1.0 - predictions))

    def slopes(self, predictions: Floats, targets: Floats) -> Floats:
        spread = np.maximum(predictions * (1.0 - predictions), SMALLEST_DIVISOR)
        outputs: int = predictions.shape[-1]
        return (predictions - targets) / spread / outputs

    def traced(self, scores: Symbol, targets: Symbol) -> Symbol:
        return p.sigmoid_binary_cross_entropy(scores, targets)

    def values_from_scores(self, scores: Floats, targets: Floats) -> Floats:
        return _mean(_softplus(scores) - targets * scores)


@dataclass(frozen=True)
class Focal(YesOrNo):
    """Cross-entropy times the probability of the wrong answer to the power of `gamma`.

    What is answered well then hardly counts, which helps where nearly all answers are an easy no.
    With gamma 0 it is binary cross-entropy. Source, and that of the default: Lin, Goyal, Girshick,
    He and Dollár, "Focal Loss for Dense Object Detection" (2017), without their class weight.
    """

    type: ClassVar[str] = "focal"
    formula: ClassVar[str] = "-mean of y·(1 - ŷ)^γ·log(ŷ) + (1 - y)·ŷ^γ·log(1 - ŷ)"
    output_activation: ClassVar[str | None] = "sigmoid"
    gamma: Annotated[float, Range(least=0)] = 2.0
    """Exponent that reduces the weight of well-classified samples. At least 0. Default 2."""

    def values(self, predictions: Floats, targets: Floats) -> Floats:
        yes, no = predictions, 1.0 - predictions
        return -_mean(
            targets * no**self.gamma * _log(yes) + (1.0 - targets) * yes**self.gamma * _log(no)
        )

    def slopes(self, predictions: Floats, targets: Floats) -> Floats:
        yes, no = predictions, 1.0 - predictions
        outputs: int = predictions.shape[-1]
        if_no, if_yes = self._slope(no, yes), self._slope(yes, no)
        return ((1.0 - targets) * if_no - targets * if_yes) / outputs

    def _slope(self, right: Floats, wrong: Floats) -> Floats:
        """-d/d(right) of -wrong^γ·log(right), where wrong = 1 - right."""
        right, some = np.maximum(right, SMALLEST_DIVISOR), np.maximum(wrong, SMALLEST_DIVISOR)
        return wrong**self.gamma / right - self.gamma * some ** (self.gamma - 1.0) * np.log(right)

    def traced(self, scores: Symbol, targets: Symbol) -> Symbol:
        # With ŷ = σ(z):  -log(ŷ) = softplus(-z),  -log(1 - ŷ) = softplus(z).
        if_yes, if_no = p.softplus(-scores), p.softplus(scores)
        yes = p.exp(-self.gamma * if_no) * if_yes
        no = p.exp(-self.gamma * if_yes) * if_no
        return p.mean(targets * yes + (1.0 - targets) * no)

    def values_from_scores(self, scores: Floats, targets: Floats) -> Floats:
        if_yes, if_no = _softplus(-scores), _softplus(scores)
        yes = np.exp(-self.gamma * if_no) * if_yes
        no = np.exp(-self.gamma * if_yes) * if_no
        return _mean(targets * yes + (1.0 - targets) * no)


@dataclass(frozen=True)
class Hinge(YesOrNo):
    """How far a score is from the right side of a margin: 1 and above for yes, -1 and below for no.

    Targets are 1 for yes and 0 for no, as everywhere; the scores are those of a linear output. The
    slope on the margin is 0. Source: Cortes and Vapnik, "Support-vector networks" (1995).
    """

    type: ClassVar[str] = "hinge"
    formula: ClassVar[str] = "mean of max(0, 1 - (2·y - 1)·ŷ)"

    def values(self, predictions: Floats, targets: Floats) -> Floats:
        return _mean(np.maximum(1.0 - (2.0 * targets - 1.0) * predictions, 0.0))

    def slopes(self, predictions: Floats, targets: Floats) -> Floats:
        side = 2.0 * targets - 1.0
        outputs: int = predictions.shape[-1]
        return np.where(side * predictions < 1.0, -side, 0.0) / outputs

    def traced(self, scores: Symbol, targets: Symbol) -> Symbol:
        return p.mean(p.positive_part(1.0 - (2.0 * targets - 1.0) * scores))


@dataclass(frozen=True)
class PerceptronError(YesOrNo):
    """The share of wrong answers of outputs that fire, 1, or do not, 0: those of a step at z ≥ 0.

    It has no slope. What is traced in its place is (ŷ - y)·z, which is 0 where the answer is right
    and |z| where it is wrong: its slope is ŷ - y, and a step of gradient descent on one sample is
    Rosenblatt's rule, w ← w + rate·(y - ŷ)·x (Rosenblatt, 1958).
    """

    type: ClassVar[str] = "perceptron"
    formula: ClassVar[str] = "mean of |ŷ - y|"
    output_activation: ClassVar[str | None] = "step"

    def values(self, predictions: Floats, targets: Floats) -> Floats:
        return _mean(np.abs(predictions - targets))

    def slopes(self, predictions: Floats, targets: Floats) -> Floats:
        outputs: int = predictions.shape[-1]
        return np.sign(predictions - targets) / outputs

    def traced(self, scores: Symbol, targets: Symbol) -> Symbol:
        return p.mean((p.step(scores) - targets) * scores)

    def values_from_scores(self, scores: Floats, targets: Floats) -> Floats:
        return self.values(np.heaviside(scores, 1.0), targets)


# ---------------------------------------------------------------- classes


@dataclass(frozen=True)
class CrossEntropy(Loss):
    """The surprise at the true class, in nats, among classes whose probabilities sum to 1.

    A target is a row of probabilities, or the number of its class; the loss of a sequence is the
    mean over its tokens. Tokens whose class is the `ignore_label` do not count: as a row, such a
    target is all zeros. `label_smoothing` spreads that share of each target evenly over all classes
    (Szegedy et al., "Rethinking the Inception Architecture", 2016); the default is none.
    """

    type: ClassVar[str] = "cross_entropy"
    formula: ClassVar[str] = "-Σ y·log(ŷ)"
    output_activation: ClassVar[str | None] = "softmax"
    has_accuracy: ClassVar[bool] = True
    label_smoothing: Annotated[float, Range(least=0, below=1)] = 0.0
    """Fraction of each target spread evenly over all classes. In [0, 1). Default 0."""
    ignore_label: Annotated[int | None, Internal()] = None
    """Class of the tokens that do not count."""

    def targets(self, given: Array, shape: Shape) -> Array:
        """As for any loss; the numbers of classes, of `shape[:-1]`, become rows of 0 and 1."""
        if given.shape != shape[:-1]:
            return super().targets(given, shape)
        classes = shape[-1]
        labels = given.astype(np.int64)
        counts = np.ones(labels.shape, bool)
        if self.ignore_label is not None:
            counts = labels != self.ignore_label
        is_class = (labels == given) & (labels >= 0) & (labels < classes)
        if not (is_class | ~counts).all():
            raise ValueError(f"need classes that are whole numbers from 0 to {classes - 1}")
        rows = np.zeros(shape, np.float32)
        np.put_along_axis(rows, np.where(counts, labels, 0)[..., None], counts[..., None], -1)
        return rows

    def counted(self, targets: Floats) -> Floats | None:
        """The sum of each row: 1, or 0 for one that is ignored."""
        return None if self.ignore_label is None else _sum(targets)

    def values(self, predictions: Floats, targets: Floats) -> Floats:
        return -_sum(self._smoothed(targets) * _log(predictions))

    def slopes(self, predictions: Floats, targets: Floats) -> Floats:
        return -self._smoothed(targets) / np.maximum(predictions, SMALLEST_DIVISOR)

    def values_from_scores(self, scores: Floats, targets: Floats) -> Floats:
        shifted = scores - _largest(scores)
        logs = np.log(_sum(np.exp(shifted)))
        counted = self.counted(targets)
        if counted is not None:
            logs *= counted
        losses: Floats = logs - _sum(self._smoothed(targets) * shifted)
        return losses

    def hits_from_scores(self, scores: Floats, targets: Floats) -> Floats:
        hits: Floats = (scores.argmax(-1) == targets.argmax(-1)).astype(np.float64)
        return hits

    def _smoothed(self, targets: Floats) -> Floats:
        if self.label_smoothing == 0.0:
            return targets
        counted = self.counted(targets)
        share = self.label_smoothing / targets.shape[-1]
        spread = share if counted is None else share * counted[..., None]
        smoothed: Floats = targets * (1.0 - self.label_smoothing) + spread
        return smoothed

    def traced(self, scores: Symbol, targets: Symbol) -> Symbol:
        counted = None
        if self.ignore_label is not None:
            counted = p.sum_to(targets, (*targets.shape[:-1], 1))
        if self.label_smoothing > 0.0:
            share = self.label_smoothing / targets.shape[-1]
            spread = share if counted is None else counted * share
            targets = targets * (1.0 - self.label_smoothing) + spread
        if counted is None:
            return p.softmax_cross_entropy(scores, targets)
        # Where a token is ignored, zeros stand for its logits: they cost log(classes), whatever the
        # network says, and that is taken off again.
        answers = math.prod(counted.shape)
        everything = p.softmax_cross_entropy(scores * counted, targets) * answers
        number = p.sum_to(counted, ())
        ignored = (answers - number) * math.log(targets.shape[-1])
        return (everything - ignored) / (1.0 + p.positive_part(number - 1.0))


LOSSES: dict[str, Loss] = {type_: loss() for type_, loss in Loss.table.items()}
"""All losses by type, each with its default options."""


def find_loss(loss: str | Loss) -> Loss:
    """The loss itself, given by name or in person."""
    return LOSSES[loss] if isinstance(loss, str) else loss
