"""How good a network is, in numbers that people compare.

A run measures losses, accuracies, exact matches and the gradient's norm in every epoch. All else is
either a function of one of these, as the perplexity is, or computed from predictions on request.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from ..data.data import Data
from ..symbolic.trace import Array
from .losses import Loss, is_floating, typed
from .sample_weights import scaled_weights

AT_ONCE = 32_768
"""Scores that are compared with their targets at a time, about."""


def accuracy(predictions: ArrayLike, targets: ArrayLike) -> float:
    """Return the accuracy of predictions against targets `(..., outputs)`.

    With several outputs, the largest is the predicted class; a single one predicts yes from 0.5.
    A prediction with NaN is wrong.
    """
    predicted, expected = _alike(predictions, targets)
    is_number = ~np.isnan(predicted).any(-1)
    if predicted.shape[-1] == 1:
        correct = (predicted[..., 0] >= 0.5) == (expected[..., 0] >= 0.5)
    else:
        correct = predicted.argmax(-1) == expected.argmax(-1)
    return float((correct & is_number).mean())


def top_k_accuracy(predictions: ArrayLike, targets: ArrayLike, k: int) -> float:
    """Return the top-k accuracy: the fraction of `(..., classes)` with the true class in the top k.

    An output that equals the output of the right class counts as larger: being undecided earns
    nothing, and a prediction with NaN is wrong. Raises ValueError for a k below 1.
    """
    if k < 1:
        raise ValueError("k must be at least 1")
    predicted, expected = _alike(predictions, targets)
    true_class = np.take_along_axis(predicted, expected.argmax(-1)[..., None], -1)
    is_number = ~np.isnan(predicted).any(-1)
    return float((((predicted >= true_class).sum(-1) <= k) & is_number).mean())


def confusion_matrix(predicted: ArrayLike, actual: ArrayLike, classes: int) -> Array:
    """How often class i, the row, was taken for class j, the column: `(classes, classes)` int64.

    `predicted` and `actual` are numbers of classes, of one shape. Raises ValueError if they are
    not, or name a class that there is not.
    """
    predicted, expected = np.asarray(predicted), np.asarray(actual)
    if predicted.shape != expected.shape:
        raise ValueError(f"predicted {predicted.shape} and actual {expected.shape} differ in shape")
    for array in (predicted, expected):
        if array.size > 0 and not 0 <= array.min() <= array.max() < classes:
            raise ValueError(f"classes are numbered from 0 to {classes - 1}")
    pairs = expected.ravel().astype(np.int64) * classes + predicted.ravel().astype(np.int64)
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def r_squared(predictions: ArrayLike, targets: ArrayLike) -> float:
    """The share of the targets' variance that is explained, 1 - Σ(y - ŷ)² / Σ(y - mean y)².

    For `(n, outputs)` it is the mean over the outputs. It is 1 at best, 0 for always the mean, and
    less than 0 for worse. A target that does not vary is explained completely or not at all.
    """
    predicted, expected = _alike(predictions, targets)
    predicted, expected = predicted.reshape(len(predicted), -1), expected.reshape(len(expected), -1)
    left = np.square(expected - predicted).sum(0)
    total = np.square(expected - expected.mean(0)).sum(0)
    shares = np.divide(left, total, out=np.where(left > 0.0, 1.0, 0.0), where=total > 0.0)
    return float((1.0 - shares).mean())


def perplexity(cross_entropy: ArrayLike) -> Array:
    """Among how many equally likely classes one would be as surprised: exp of the loss, in nats."""
    with np.errstate(over="ignore"):
        return np.exp(np.asarray(cross_entropy, np.float64))


def _alike(predictions: ArrayLike, targets: ArrayLike) -> tuple[Array, Array]:
    predicted, expected = np.asarray(predictions, np.float64), np.asarray(targets, np.float64)
    if predicted.shape != expected.shape:
        raise ValueError(
            f"predictions {predicted.shape} and targets {expected.shape} differ in shape"
        )
    return predicted, expected


@dataclass(frozen=True, eq=False)
class Answers:
    """The targets and weights to compare the predictions of a part with."""

    targets: Array
    """`(samples, *output_shape)` as float64, or labels without the last axis."""
    weights: Array | None = None
    """The scaled weight of each prediction in the loss; None if they are equal."""


def answers_of(loss: Loss, data: Data) -> dict[str, Answers]:
    """Return the answers of the parts `train` and, if there is one, `validation`."""
    parts = {"train": (data.train_targets, data.train_sample_weights)}
    if data.validation_targets is not None:
        parts["validation"] = (data.validation_targets, data.validation_sample_weights)
    return {
        part: Answers(typed(targets, np.float64), scaled_weights(weights, loss.counted(targets)))
        for part, (targets, weights) in parts.items()
    }


LOGITS = {"train": "logits", "validation": "validation_logits"}
"""The array of a record that has the logits of a part."""
MEASURED = ("loss", "accuracy", "exact_match")
"""A measure of the predictions of a part, where it has a meaning."""
Measure: TypeAlias = Callable[[Array], dict[str, Array]]
"""From logits `(m, …, *answers, outputs)` to the metrics of each, `(m, …)`, by the names in
`MEASURED`."""


def measured(loss: Loss, targets: Array) -> tuple[str, ...]:
    """Return the members of `MEASURED` that have a meaning: only sequences have an exact match."""
    if not loss.has_accuracy:
        return MEASURED[:1]
    axes = targets.ndim - (1 if is_floating(targets) else 0)
    return MEASURED if axes > 1 else MEASURED[:2]


def measure_answers(loss: Loss, answers: Answers, logits: Array) -> dict[str, Array]:
    """Return the metrics as `Measure` does. Weights count in losses only."""
    # Each record is worked on in float64 and by itself: no bit depends on how many there are.
    targets, weights = answers.targets, answers.weights
    counted = loss.counted(targets)
    axes = targets.ndim - 1 if is_floating(targets) else targets.ndim
    values = _per_output(loss.recorded_values, logits, targets, axes)
    metrics = {"loss": _means(values, counted if weights is None else weights, axes)}
    names = measured(loss, targets)
    if "accuracy" in names:
        correct = _per_output(loss.correct_from_logits, logits, targets, axes)
        metrics["accuracy"] = _means(correct, counted, axes)
        if "exact_match" in names:
            metrics["exact_match"] = _exact_matches(correct, counted, axes)
    return metrics


def measure(
    measures: Mapping[str, Measure], records: Mapping[str, Array], squares: Mapping[str, Array]
) -> tuple[dict[str, Array], Array]:
    """The columns of the records' epochs, each `(m,)`, and whether their parameters are finite.

    `measures` are of the parts `train` and `validation`. `records` are `(m, *shape)`, see
    `record_shapes`, or of many members `(m, members, *shape)`, and the columns then have the same
    axes; `squares`, `(m, layers)`, belong to the gradient and parameters, see
    `LayerSlices.squares`.
    """
    metrics = {part: measure_(records[LOGITS[part]]) for part, measure_ in measures.items()}
    return columns_of(metrics, squares)


def columns_of(
    metrics: Mapping[str, Mapping[str, Array]], squares: Mapping[str, Array]
) -> tuple[dict[str, Array], Array]:
    """Return the columns as `measure` does, from the metrics of the parts."""
    columns = {
        f"{part}_{name}": values
        for part, of_part in metrics.items()
        for name, values in of_part.items()
    }
    columns["gradient_norm"] = np.sqrt(squares["gradient"].sum(-1))
    return columns, np.isfinite(squares["parameters"].sum(-1))


def _per_output(
    measure_: Callable[[Array, Array], Array], logits: Array, answers: Array, axes: int
) -> Array:
    """A measure of each answer, `(m, …, *answers)`, from logits `(m, …, *answers, outputs)`.

    Answers have `axes` axes, not counting the axis of the outputs. `measure_` gets a chunk that
    stays in the cache with all its results.
    """
    results = np.empty(logits.shape[:-1])
    middle = (slice(None),) * (logits.ndim - axes - 2)
    elements_per_answer = logits.size // (len(logits) * len(answers))
    samples = max(1, AT_ONCE // elements_per_answer)
    epochs = max(1, samples // len(answers))
    for start in range(0, len(logits), epochs):
        for first in range(0, len(answers), samples):
            rows = slice(first, first + samples)
            part = (slice(start, start + epochs), *middle, rows)
            results[part] = measure_(logits[part], answers[rows])
    return results


def _means(values: Array, counted: Array | None, axes: int) -> Array:
    """The mean over the last `axes`, `(…, *answers)` to `(…)`, of the values that count.

    `counted` has the weight of each.
    """
    rows = values.reshape(*values.shape[: values.ndim - axes], -1)
    if counted is None:
        means: Array = rows.mean(-1)
        return means
    sums: Array = (rows * counted.ravel()).sum(-1)
    return sums / max(float(counted.sum()), 1.0)


def _exact_matches(correct: Array, counted: Array | None, axes: int) -> Array:
    """The fraction of samples with only correct predictions, among predictions that count, `(…)`.

    A sample without predictions that count is one of them.
    """
    is_correct = correct == 1.0
    if counted is not None:
        is_correct |= counted == 0.0
    return np.asarray(is_correct.all(tuple(range(1 - axes, 0))).mean(-1))
