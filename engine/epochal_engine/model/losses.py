"""A loss measures how wrong predictions are; its derivative gives the direction of a step.

Cross-entropy is always paired with the activation that computes probabilities, sigmoid or softmax.
Together they have a simple derivative, prediction minus target, and stay finite where log(0) would
not: so the two are traced as one, from the logits, the sums before the activation.

    numbers   Mse        (ŷ - y)²
              Mae        |ŷ - y|
              Huber      Mse near the target, Mae far from it
    yes, no   BinaryCrossEntropy
              Focal      BinaryCrossEntropy with a lower weight for well-classified samples
              Hinge      Mae on the wrong side of a margin only
              PerceptronError   Mae of outputs that are 0 or 1
    classes   CrossEntropy
    pairs     Preference
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Annotated, ClassVar, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from ..symbolic import primitives as p
from ..symbolic.trace import Array, Shape, Symbol
from .components import Component, Internal, Range, source
from .exponential import exponential

Floats: TypeAlias = NDArray[np.float64]

SMALLEST_LOG = -100.0
"""The lower bound of logarithms of probabilities, as in PyTorch's BCELoss."""
SMALLEST_DIVISOR = 1e-12
"""The lower bound of p and p·(1 - p) in derivatives, as in PyTorch's BCELoss."""
FEW_OUTPUTS = 32
"""Up to this many outputs, comparing columns is faster than comparing within rows."""


@dataclass(frozen=True)
class Loss(Component, ABC):
    """A loss, on predictions and, for training, on logits.

    The logits are the network's outputs before the loss's `output_activation`, or the predictions
    if it has none. Predictions, logits and targets are
    `(n, *output_shape)`; the numbers along their last axis are one prediction, and the loss of
    several is their mean.
    """

    table: ClassVar[dict[str, type[Loss]]] = {}
    formula: ClassVar[str]
    output_activation: ClassVar[str | None] = None
    """The activation that the network must end in; None for any."""
    has_accuracy: ClassVar[bool] = False
    """Whether accuracy is defined."""
    target: ClassVar[Literal["numbers", "binary", "classes", "pairs"]]
    """The kind of targets: numbers; 0 or 1; classes, or their probabilities; the chosen and the
    rejected of two rows."""
    constant: ClassVar[str] = "predicting a constant"
    """The prediction of the best constant, in words for a reader."""
    rows: ClassVar[int] = 1
    """How many rows of the data are compared to one loss, see `pairs.py`."""
    numpy: ClassVar[str]
    """The loss of each prediction in NumPy, from logits z, targets y and the fields: an expression,
    or the statements of a function body that return one. A training program differentiates it."""
    pytorch: ClassVar[str]
    """The same in PyTorch, with torch and torch.nn.functional as F."""

    def source(self, library: Literal["numpy", "pytorch"]) -> str:
        """Return the source of a function of z, y and the fields, named as the loss."""
        return source(
            f"{self.type}({', '.join(['z', 'y', *self.options])})", getattr(self, library)
        )

    @property
    def options(self) -> dict[str, float]:
        """The fields that the API offers, by name."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name != "ignore_label"}

    @abstractmethod
    def values(self, predictions: Floats, targets: Floats) -> Floats:
        """Return the loss of each prediction, `(..., outputs)` to `(...)`."""

    @abstractmethod
    def derivatives(self, predictions: Floats, targets: Floats) -> Floats:
        """Return the derivative of each prediction's loss with respect to its outputs."""

    @abstractmethod
    def traced(self, logits: Symbol, targets: Symbol, weights: Symbol | None = None) -> Symbol:
        """Return the mean loss of a batch, as a symbol of shape `()`.

        With `weights` `(n, …, 1)`, one for each prediction and 0 if it does not count, the mean of
        weight · loss.
        """

    def values_from_logits(self, logits: Floats, targets: Floats) -> Floats:
        """Return the loss of each prediction, `(..., outputs)` to `(...)`."""
        return self.values(logits, targets)

    def recorded_values(self, logits: Array, targets: Array) -> Floats:
        """Return the loss of each prediction as runs record it, from logits of any type."""
        return self.values_from_logits(logits.astype(np.float64), targets)

    def correct_from_logits(self, logits: Floats, targets: Floats) -> Floats:
        """Return the accuracy of each prediction, in [0, 1], `(..., outputs)` to `(...)`.

        A logit that is NaN predicts no class, so it is wrong.
        """
        raise NotImplementedError(f"{self.type} has no accuracy")

    def counted(self, targets: Floats) -> Floats | None:
        """Return 1 for each prediction that counts, else 0, `(...)`; None if all count."""
        return None

    def checked(self, given: Array, shape: Shape) -> Array:
        """Return the targets as a run keeps them: floats of `shape` = `(n, *output_shape)`.

        Raises ValueError if that is not possible.
        """
        if given.shape != shape:
            raise ValueError(f"need the shape {shape}, not {given.shape}")
        return given if is_floating(given) else given.astype(np.float64)

    def targets(self, given: Array, shape: Shape) -> Array:
        """Return the targets as floats of `shape` = `(n, *output_shape)`.

        Raises ValueError if that is not possible.
        """
        return as_rows(self.checked(given, shape), shape[-1])

    def value(self, prediction: ArrayLike, target: ArrayLike) -> float:
        """Return the mean loss of `(n, *output_shape)`, or of one, `(outputs,)` or `()`."""
        predictions, targets = _rows(prediction, target)
        return float(mean_over(self.values(predictions, targets), self.counted(targets)))

    def gradient(self, prediction: ArrayLike, target: ArrayLike) -> Floats:
        """Return the gradient of `value` with respect to the predictions, of their shape."""
        predictions, targets = _rows(prediction, target)
        counted = self.counted(targets)
        count = predictions[..., 0].size if counted is None else max(counted.sum(), 1.0)
        return (self.derivatives(predictions, targets) / count).reshape(np.shape(prediction))

    def logits(self, output: Symbol) -> Symbol:
        """Return the logits, from which the loss is traced, given the network's output.

        Raises ValueError if the network does not end in the activation that the loss needs.
        """
        if self.output_activation is None:
            return output
        match "" if output.primitive is None else output.primitive.name:
            case self.output_activation:
                return output.inputs[0]
            case "permute":
                return self.logits(output.inputs[0]).permute(output.details[0])
            case "reshape" | "copy":
                return self.logits(output.inputs[0]).reshape(output.shape)
        raise ValueError(
            f"the loss {self.type} needs a network that ends in a {self.output_activation}"
        )


def is_floating(array: Array) -> bool:
    """Return whether the array has floating-point numbers."""
    return np.issubdtype(array.dtype, np.floating)


def as_rows(targets: Array, classes: int, dtype: DTypeLike = np.float64) -> Array:
    """Return labels `(...)` as rows of 0 and 1, `(..., classes)`; other targets are returned as is.

    Labels are integers. The row of a negative label, which does not count, is all zeros.
    """
    if is_floating(targets):
        return targets
    rows = np.empty((*targets.shape, classes), dtype)
    _write_rows(targets, rows)
    return rows


def _write_rows(labels: Array, rows: Array) -> None:
    rows.fill(0)
    np.put_along_axis(rows, np.maximum(labels, 0)[..., None], (labels >= 0)[..., None], -1)


def take_rows(targets: Array, indices: Array, rows: Array) -> None:
    """Write the targets at the indices to `rows`, `(n, *output_shape)`, as `as_rows` does."""
    if is_floating(targets):
        targets.take(indices, 0, rows, "clip")
    else:
        _write_rows(targets[indices], rows)


def typed(targets: Array, dtype: DTypeLike) -> Array:
    """Return the targets as floats of the type; labels as is."""
    return np.asarray(targets, dtype) if is_floating(targets) else targets


def mean_over(values: Floats, counted: Floats | None) -> Floats:
    """Return the mean of the values that count; 0 if none does."""
    if counted is None:
        return np.asarray(values.mean())
    return np.asarray((values * counted).sum() / max(counted.sum(), 1.0))


def _traced_mean(values: Symbol, weights: Symbol | None) -> Symbol:
    """Return the mean of `(n, …, outputs)`, with weights the mean of weight · value."""
    return p.mean(values if weights is None else values * weights)


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
    """Return the sum over the outputs, `(..., outputs)` to `(...)`.

    Where the outputs are few, adding columns is several times faster than `x.sum(-1)`.
    """
    total: Floats
    if x.shape[-1] > FEW_OUTPUTS:
        total = x.sum(-1)
        return total
    total = x[..., 0].copy()
    for output in range(1, x.shape[-1]):
        total += x[..., output]
    return total


def _largest(x: Floats) -> Floats:
    """Return the largest output, `(..., outputs)` to `(..., 1)`."""
    largest: Floats
    if x.shape[-1] > FEW_OUTPUTS:
        largest = x.max(-1)
    else:
        # NumPy is slow on short rows: compare whole columns.
        largest = np.maximum.reduce(np.ascontiguousarray(np.moveaxis(x, -1, 0)))
    return largest[..., None]


def _mean(x: Floats) -> Floats:
    """Return the mean over the outputs, `(..., outputs)` to `(...)`."""
    outputs: int = x.shape[-1]
    return _sum(x) / outputs


def _softplus(x: Floats) -> Floats:
    """Return log(1 + exp(x)) without overflow; `np.logaddexp` takes three times as long."""
    softplus: Floats = np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))
    return softplus


def _log(x: Floats) -> Floats:
    with np.errstate(divide="ignore"):
        return np.maximum(np.log(x), SMALLEST_LOG)


# ---------------------------------------------------------------- numbers


@dataclass(frozen=True)
class Mse(Loss):
    """The mean squared error: twice the error is four times the loss."""

    type: ClassVar[str] = "mse"
    formula: ClassVar[str] = "mean of (ŷ - y)²"
    target = "numbers"
    constant: ClassVar[str] = "predicting the mean"
    numpy: ClassVar[str] = "((z - y) ** 2).mean(axis=-1)"
    pytorch: ClassVar[str] = "F.mse_loss(z, y, reduction='none').mean(-1)"

    def values(self, predictions: Floats, targets: Floats) -> Floats:
        return _mean(np.square(predictions - targets))

    def derivatives(self, predictions: Floats, targets: Floats) -> Floats:
        outputs: int = predictions.shape[-1]
        return 2.0 * (predictions - targets) / outputs

    def traced(self, logits: Symbol, targets: Symbol, weights: Symbol | None = None) -> Symbol:
        return _traced_mean(p.square(logits - targets), weights)


@dataclass(frozen=True)
class Mae(Loss):
    """The mean absolute error, which the median minimizes. Its derivative at 0 is 0."""

    type: ClassVar[str] = "mae"
    formula: ClassVar[str] = "mean of |ŷ - y|"
    target = "numbers"
    constant: ClassVar[str] = "predicting the median"
    numpy: ClassVar[str] = "np.abs(z - y).mean(axis=-1)"
    pytorch: ClassVar[str] = "F.l1_loss(z, y, reduction='none').mean(-1)"

    def values(self, predictions: Floats, targets: Floats) -> Floats:
        return _mean(np.abs(predictions - targets))

    def derivatives(self, predictions: Floats, targets: Floats) -> Floats:
        outputs: int = predictions.shape[-1]
        return np.sign(predictions - targets) / outputs

    def traced(self, logits: Symbol, targets: Symbol, weights: Symbol | None = None) -> Symbol:
        return _traced_mean(p.absolute(logits - targets), weights)


@dataclass(frozen=True)
class Huber(Loss):
    """The Huber loss: half the squared error up to `delta`, linear beyond (Huber 1964).

    The default delta of 1 is the default in PyTorch and Keras.
    """

    type: ClassVar[str] = "huber"
    formula: ClassVar[str] = "mean of e²/2 if |e| ≤ δ else δ·(|e| - δ/2), e = ŷ - y"
    target = "numbers"
    numpy: ClassVar[str] = """
        size = np.abs(z - y)
        values = np.where(size <= delta, 0.5 * size**2, delta * (size - 0.5 * delta))
        return values.mean(axis=-1)
    """
    pytorch: ClassVar[str] = "F.huber_loss(z, y, reduction='none', delta=delta).mean(-1)"
    delta: Annotated[float, Range(above=0)] = 1.0
    """Absolute error above which the loss is linear. Greater than 0. Default 1."""

    def values(self, predictions: Floats, targets: Floats) -> Floats:
        size = np.abs(predictions - targets)
        near = np.minimum(size, self.delta)
        return _mean(near * (size - 0.5 * near))

    def derivatives(self, predictions: Floats, targets: Floats) -> Floats:
        outputs: int = predictions.shape[-1]
        return np.clip(predictions - targets, -self.delta, self.delta) / outputs

    def traced(self, logits: Symbol, targets: Symbol, weights: Symbol | None = None) -> Symbol:
        size = p.absolute(logits - targets)
        far = p.positive_part(size - self.delta)
        return _traced_mean(0.5 * p.square(size - far) + self.delta * far, weights)


# ---------------------------------------------------------------- binary


class Binary(Loss):
    """A binary loss: targets are 1 and 0, and a logit of 0 or more predicts 1."""

    target = "binary"
    has_accuracy: ClassVar[bool] = True

    def correct_from_logits(self, logits: Floats, targets: Floats) -> Floats:
        correct = ((logits >= 0.0) == (targets >= 0.5)) & ~np.isnan(logits)
        return _mean(correct.astype(np.float64))


@dataclass(frozen=True)
class BinaryCrossEntropy(Binary):
    """Binary cross-entropy, in nats, for outputs that are probabilities."""

    type: ClassVar[str] = "binary_cross_entropy"
    formula: ClassVar[str] = "-mean of y·log(ŷ) + (1 - y)·log(1 - ŷ)"
    constant: ClassVar[str] = "predicting the class shares"
    numpy: ClassVar[str] = "(np.logaddexp(z, 0.0) - y * z).mean(axis=-1)"
    pytorch: ClassVar[str] = "F.binary_cross_entropy_with_logits(z, y, reduction='none').mean(-1)"
    output_activation: ClassVar[str | None] = "sigmoid"

    def values(self, predictions: Floats, targets: Floats) -> Floats:
        return -_mean(targets * _log(predictions) + (1.0 - targets) * _log(1.0 - predictions))

    def derivatives(self, predictions: Floats, targets: Floats) -> Floats:
        spread = np.maximum(predictions * (1.0 - predictions), SMALLEST_DIVISOR)
        outputs: int = predictions.shape[-1]
        return (predictions - targets) / spread / outputs

    def traced(self, logits: Symbol, targets: Symbol, weights: Symbol | None = None) -> Symbol:
        return p.sigmoid_binary_cross_entropy(logits, targets, weights)

    def values_from_logits(self, logits: Floats, targets: Floats) -> Floats:
        return _mean(_softplus(logits) - targets * logits)


@dataclass(frozen=True)
class Focal(Binary):
    """The focal loss: cross-entropy times the probability of the wrong class to the power `gamma`.

    Well-classified samples then have little weight, which helps where most samples are easy.
    With gamma 0 it is binary cross-entropy. Source, also of the default: Lin, Goyal, Girshick,
    He and Dollár, "Focal Loss for Dense Object Detection" (2017), without their class weight.
    """

    type: ClassVar[str] = "focal"
    formula: ClassVar[str] = "-mean of y·(1 - ŷ)^γ·log(ŷ) + (1 - y)·ŷ^γ·log(1 - ŷ)"
    numpy: ClassVar[str] = """
        yes, no = -np.logaddexp(-z, 0.0), -np.logaddexp(z, 0.0)  # log(p), log(1 - p)
        values = y * np.exp(gamma * no) * yes + (1.0 - y) * np.exp(gamma * yes) * no
        return -values.mean(axis=-1)
    """
    pytorch: ClassVar[str] = """
        yes, no = F.logsigmoid(z), F.logsigmoid(-z)
        values = y * torch.exp(gamma * no) * yes + (1 - y) * torch.exp(gamma * yes) * no
        return -values.mean(-1)
    """
    output_activation: ClassVar[str | None] = "sigmoid"
    gamma: Annotated[float, Range(least=0)] = 2.0
    """Exponent that reduces the weight of well-classified samples. At least 0. Default 2."""

    def values(self, predictions: Floats, targets: Floats) -> Floats:
        yes, no = predictions, 1.0 - predictions
        return -_mean(
            targets * no**self.gamma * _log(yes) + (1.0 - targets) * yes**self.gamma * _log(no)
        )

    def derivatives(self, predictions: Floats, targets: Floats) -> Floats:
        yes, no = predictions, 1.0 - predictions
        outputs: int = predictions.shape[-1]
        if_no, if_yes = self._derivative(no, yes), self._derivative(yes, no)
        return ((1.0 - targets) * if_no - targets * if_yes) / outputs

    def _derivative(self, right: Floats, wrong: Floats) -> Floats:
        """-d/d(right) of -wrong^γ·log(right), where wrong = 1 - right."""
        right, some = np.maximum(right, SMALLEST_DIVISOR), np.maximum(wrong, SMALLEST_DIVISOR)
        return wrong**self.gamma / right - self.gamma * some ** (self.gamma - 1.0) * np.log(right)

    def traced(self, logits: Symbol, targets: Symbol, weights: Symbol | None = None) -> Symbol:
        # With ŷ = σ(z):  -log(ŷ) = softplus(-z),  -log(1 - ŷ) = softplus(z).
        if_yes, if_no = p.softplus(-logits), p.softplus(logits)
        yes = p.exp(-self.gamma * if_no) * if_yes
        no = p.exp(-self.gamma * if_yes) * if_no
        return _traced_mean(targets * yes + (1.0 - targets) * no, weights)

    def values_from_logits(self, logits: Floats, targets: Floats) -> Floats:
        if_yes, if_no = _softplus(-logits), _softplus(logits)
        yes = np.exp(-self.gamma * if_no) * if_yes
        no = np.exp(-self.gamma * if_yes) * if_no
        return _mean(targets * yes + (1.0 - targets) * no)


@dataclass(frozen=True)
class Hinge(Binary):
    """The hinge loss: the distance of a linear output to the correct side of a margin, ±1.

    Targets are 1 and 0. The derivative on the margin is 0. Source: Cortes and Vapnik,
    "Support-vector networks" (1995).
    """

    type: ClassVar[str] = "hinge"
    formula: ClassVar[str] = "mean of max(0, 1 - (2·y - 1)·ŷ)"
    constant: ClassVar[str] = "predicting the most frequent class"
    numpy: ClassVar[str] = "np.maximum(1.0 - (2.0 * y - 1.0) * z, 0.0).mean(axis=-1)"
    pytorch: ClassVar[str] = "F.relu(1 - (2 * y - 1) * z).mean(-1)"

    def values(self, predictions: Floats, targets: Floats) -> Floats:
        return _mean(np.maximum(1.0 - (2.0 * targets - 1.0) * predictions, 0.0))

    def derivatives(self, predictions: Floats, targets: Floats) -> Floats:
        side = 2.0 * targets - 1.0
        outputs: int = predictions.shape[-1]
        return np.where(side * predictions < 1.0, -side, 0.0) / outputs

    def traced(self, logits: Symbol, targets: Symbol, weights: Symbol | None = None) -> Symbol:
        return _traced_mean(p.positive_part(1.0 - (2.0 * targets - 1.0) * logits), weights)


@dataclass(frozen=True)
class PerceptronError(Binary):
    """The fraction of wrong outputs of a step, which are 1 for z ≥ 0, else 0.

    Its derivative is 0. Training minimizes (ŷ - y)·z instead, which is 0 where the prediction is
    correct and |z| where it is wrong: its derivative is ŷ - y, and a step of gradient descent is
    Rosenblatt's rule, w ← w + rate·(y - ŷ)·x (Rosenblatt, 1958).
    """

    type: ClassVar[str] = "perceptron"
    formula: ClassVar[str] = "mean of |ŷ - y|"
    constant: ClassVar[str] = "predicting the most frequent class"
    numpy: ClassVar[str] = """
        error = np.heaviside(plain(z), 1.0) - y
        # The derivative is that of Rosenblatt's rule.
        return (np.abs(error) + error * vanishing(z)).mean(axis=-1)
    """
    pytorch: ClassVar[str] = """
        error = (z >= 0).to(z) - y
        rule = error * z  # whose derivative is that of Rosenblatt's rule
        return (error.abs() + (rule - rule.detach()).nan_to_num()).mean(-1)
    """
    output_activation: ClassVar[str | None] = "step"

    def values(self, predictions: Floats, targets: Floats) -> Floats:
        return _mean(np.abs(predictions - targets))

    def derivatives(self, predictions: Floats, targets: Floats) -> Floats:
        outputs: int = predictions.shape[-1]
        return np.sign(predictions - targets) / outputs

    def traced(self, logits: Symbol, targets: Symbol, weights: Symbol | None = None) -> Symbol:
        return _traced_mean((p.step(logits) - targets) * logits, weights)

    def values_from_logits(self, logits: Floats, targets: Floats) -> Floats:
        return self.values(np.heaviside(logits, 1.0), targets)


# ---------------------------------------------------------------- classes


@dataclass(frozen=True)
class CrossEntropy(Loss):
    """Cross-entropy, in nats, for classes with probabilities that sum to 1.

    A target is a row of probabilities, or the number of its class, an integer; the loss of a
    sequence is the mean over its tokens. Tokens with the class `ignore_label` do not count: as
    a row, such a target is all zeros. `label_smoothing` spreads that share of each target evenly
    over all classes (Szegedy et al., "Rethinking the Inception Architecture", 2016); the default is
    none.
    """

    type: ClassVar[str] = "cross_entropy"
    formula: ClassVar[str] = "-Σ y·log(ŷ)"
    target = "classes"
    constant: ClassVar[str] = "predicting the class shares"
    numpy: ClassVar[str] = """
        counts = y.sum(axis=-1, keepdims=True)  # 0 of a prediction that does not count
        y = (1.0 - label_smoothing) * y + counts * label_smoothing / z.shape[-1]
        shifted = z - plain(z).max(axis=-1, keepdims=True)
        logs = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
        return -(y * logs).sum(axis=-1)
    """
    pytorch: ClassVar[str] = """
        counts = y.sum(-1, keepdim=True)  # 0 of a prediction that does not count
        y = (1 - label_smoothing) * y + counts * label_smoothing / z.shape[-1]
        return -(y * F.log_softmax(z, -1)).sum(-1)
    """
    output_activation: ClassVar[str | None] = "softmax"
    has_accuracy: ClassVar[bool] = True
    label_smoothing: Annotated[float, Range(least=0, below=1)] = 0.0
    """Fraction of each target spread evenly over all classes. In [0, 1). Default 0."""
    ignore_label: Annotated[int | None, Internal()] = None
    """Class of the tokens that do not count."""

    def checked(self, given: Array, shape: Shape) -> Array:
        """As for any loss; class indices, of `shape[:-1]`, become integers, -1 if they are ignored.

        They take one number each, where rows take as many as there are classes.
        """
        if given.shape != shape[:-1]:
            return super().checked(given, shape)
        classes = shape[-1]
        labels = given.astype(np.int64)
        counts = np.ones(labels.shape, bool)
        if self.ignore_label is not None:
            counts = labels != self.ignore_label
        is_class = (labels == given) & (labels >= 0) & (labels < classes)
        if not (is_class | ~counts).all():
            raise ValueError(f"need classes that are whole numbers from 0 to {classes - 1}")
        return np.where(counts, labels, -1).astype(np.int32)

    def counted(self, targets: Array) -> Floats | None:
        """Return 1 for each target that counts, 0 for one that is ignored."""
        if self.ignore_label is None:
            return None
        if is_floating(targets):
            return _sum(targets)
        counts: Floats = (targets >= 0).astype(np.float64)
        return counts

    def values(self, predictions: Floats, targets: Floats) -> Floats:
        return -_sum(self._smoothed(targets) * _log(predictions))

    def derivatives(self, predictions: Floats, targets: Floats) -> Floats:
        return -self._smoothed(targets) / np.maximum(predictions, SMALLEST_DIVISOR)

    def values_from_logits(self, logits: Floats, targets: Array) -> Floats:
        shifted = logits - _largest(logits)
        return self._losses(shifted, np.exp(shifted), targets)

    def recorded_values(self, logits: Array, targets: Array) -> Floats:
        """As for any loss; exponentials of float32 are float32, their sum and all else float64."""
        if logits.dtype != np.float32:
            return super().recorded_values(logits, targets)
        largest = _largest(logits)
        shifted = logits.astype(np.float64) - largest
        return self._losses(shifted, exponential(logits - largest).astype(np.float64), targets)

    def _losses(self, shifted: Floats, exponentials: Floats, targets: Array) -> Floats:
        """The losses from logits minus the largest one."""
        targets = as_rows(targets, shifted.shape[-1])
        logs = np.log(_sum(exponentials))
        counted = self.counted(targets)
        if counted is not None:
            logs *= counted
        losses: Floats = logs - _sum(self._smoothed(targets) * shifted)
        return losses

    def correct_from_logits(self, logits: Floats, targets: Array) -> Floats:
        labels = targets.argmax(-1) if is_floating(targets) else targets
        best = logits.argmax(-1)  # the first NaN, if there is one
        is_number = ~np.isnan(np.take_along_axis(logits, best[..., None], -1)[..., 0])
        correct: Floats = ((best == labels) & is_number).astype(np.float64)
        return correct

    def _smoothed(self, targets: Floats) -> Floats:
        if self.label_smoothing == 0.0:
            return targets
        counted = self.counted(targets)
        share = self.label_smoothing / targets.shape[-1]
        spread = share if counted is None else share * counted[..., None]
        smoothed: Floats = targets * (1.0 - self.label_smoothing) + spread
        return smoothed

    def traced(self, logits: Symbol, targets: Symbol, weights: Symbol | None = None) -> Symbol:
        counted = None
        if self.ignore_label is not None:
            counted = p.sum_to(targets, (*targets.shape[:-1], 1))
        if self.label_smoothing > 0.0:
            share = self.label_smoothing / targets.shape[-1]
            spread = share if counted is None else counted * share
            targets = targets * (1.0 - self.label_smoothing) + spread
        if counted is None:
            return p.softmax_cross_entropy(logits, targets, weights)
        count = math.prod(counted.shape)
        number = p.sum_to(counted, ())
        if weights is not None:  # The weights of ignored tokens are 0.
            total = p.softmax_cross_entropy(logits, targets, weights) * count
            return total / (1.0 + p.positive_part(number - 1.0))
        # An ignored token gets zeros for logits: its loss is log(classes), whatever the network
        # predicts, and is subtracted below.
        total = p.softmax_cross_entropy(logits * counted, targets) * count
        ignored = (count - number) * math.log(targets.shape[-1])
        return (total - ignored) / (1.0 + p.positive_part(number - 1.0))


# ---------------------------------------------------------------- pairs


@dataclass(frozen=True)
class Preference(Loss):
    """The logistic loss of pairs of rows: the chosen one should score above the other.

    A prediction is the margin, the score of the chosen row minus the score of the rejected one, and
    its sigmoid the probability that the chosen row is preferred (Bradley and Terry, 1952). The
    score of a network that predicts next tokens is β·log(π/π₀), where π is the probability of the
    row and π₀ its probability under the initial weights: Rafailov et al., "Direct Preference
    Optimization" (2023), also the source of the default. The score of other networks is their
    output, as of a reward model: Christiano et al., "Deep Reinforcement Learning from Human
    Preferences" (2017).

    A target of 0 swaps chosen and rejected; a margin of 0 is not correct.
    """

    type: ClassVar[str] = "preference"
    formula: ClassVar[str] = "-mean of log σ(score of chosen - score of rejected)"
    target = "pairs"
    constant: ClassVar[str] = "scoring all rows alike"
    has_accuracy: ClassVar[bool] = True
    rows: ClassVar[int] = 2
    beta: Annotated[float, Range(above=0, most=100)] = 0.1
    """Factor of the log-ratio of a network that predicts next tokens to its initial weights: the
    smaller, the farther it may move away from these. In (0, 100]. Default 0.1.
    """
    ignore_label: Annotated[int | None, Internal()] = None
    """Class of the tokens that do not count."""

    def checked(self, given: Array, shape: Shape) -> Array:
        """As for any loss; class indices as for cross-entropy."""
        if given.shape == shape or len(shape) != 3:
            return super().checked(given, shape)
        return CrossEntropy(ignore_label=self.ignore_label).checked(given, shape)

    def values(self, predictions: Floats, targets: Floats) -> Floats:
        return _mean(_softplus((1.0 - 2.0 * targets) * predictions))

    def derivatives(self, predictions: Floats, targets: Floats) -> Floats:
        sign = 1.0 - 2.0 * targets
        outputs: int = predictions.shape[-1]
        return sign * 0.5 * (1.0 + np.tanh(0.5 * sign * predictions)) / outputs

    def traced(self, logits: Symbol, targets: Symbol, weights: Symbol | None = None) -> Symbol:
        return _traced_mean(p.softplus((1.0 - 2.0 * targets) * logits), weights)

    def correct_from_logits(self, logits: Floats, targets: Floats) -> Floats:
        return _mean(((2.0 * targets - 1.0) * logits > 0.0).astype(np.float64))


LOSSES: dict[str, Loss] = {type_: loss() for type_, loss in Loss.table.items()}
"""All losses by type, each with its default options."""


def find_loss(loss: str | Loss) -> Loss:
    """Return the loss, given by name or as an object: the same object for equal ones.

    So what is cached by one of its methods is found again by the next job.
    """
    return LOSSES[loss] if isinstance(loss, str) else _interned(loss)


@lru_cache(maxsize=64)
def _interned(loss: Loss) -> Loss:
    return loss
