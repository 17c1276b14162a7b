"""How good a network is, in numbers that people compare.

A run measures losses, accuracies and the gradient's norm in every epoch. All else is either a
function of one of these, as the perplexity is, or asked of predictions when it is wanted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import ArrayLike

from .losses import Loss
from .trace import Array

AT_ONCE = 32_768
"""Scores that are compared with their targets at a time, about."""


def accuracy(predictions: ArrayLike, targets: ArrayLike) -> float:
    """The share of answers that are right, of predictions and targets `(..., outputs)`.

    With several outputs, their largest is the answer; a single one says yes from one half on.
    """
    found, wanted = _alike(predictions, targets)
    if found.shape[-1] == 1:
        return float(((found >= 0.5) == (wanted >= 0.5)).mean())
    return float((found.argmax(-1) == wanted.argmax(-1)).mean())


def top_k_accuracy(predictions: ArrayLike, targets: ArrayLike, k: int) -> float:
    """The share of answers `(..., classes)` whose right class is among the k largest outputs.

    Of equal outputs, those count as larger that are not of the right class: being undecided earns
    nothing. Raises ValueError for a k below 1.
    """
    if k < 1:
        raise ValueError("k must be at least 1")
    found, wanted = _alike(predictions, targets)
    right = np.take_along_axis(found, wanted.argmax(-1)[..., None], -1)
    return float(((found >= right).sum(-1) <= k).mean())


def confusion_matrix(predicted: ArrayLike, actual: ArrayLike, classes: int) -> Array:
    """How often class i, the row, was taken for class j, the column: `(classes, classes)` int64.

    `predicted` and `actual` are numbers of classes, of one shape. Raises ValueError if they are
    not, or name a class that there is not.
    """
    found, wanted = np.asarray(predicted), np.asarray(actual)
    if found.shape != wanted.shape:
        raise ValueError(f"predicted {found.shape} and actual {wanted.shape} differ in shape")
    for array in (found, wanted):
        if array.size > 0 and not 0 <= array.min() <= array.max() < classes:
            raise ValueError(f"classes are numbered from 0 to {classes - 1}")
    pairs = wanted.ravel().astype(np.int64) * classes + found.ravel().astype(np.int64)
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def r_squared(predictions: ArrayLike, targets: ArrayLike) -> float:
    """The share of the targets' variance that is explained, 1 - Σ(y - ŷ)² / Σ(y - mean y)².

    Of `(n, outputs)` it is the mean over the outputs. It is 1 at best, 0 for always the mean, and
    less than 0 for worse. Of a target that does not vary, all is explained or nothing.
    """
    found, wanted = _alike(predictions, targets)
    found, wanted = found.reshape(len(found), -1), wanted.reshape(len(wanted), -1)
    left = np.square(wanted - found).sum(0)
    total = np.square(wanted - wanted.mean(0)).sum(0)
    shares = np.divide(left, total, out=np.where(left > 0.0, 1.0, 0.0), where=total > 0.0)
    return float((1.0 - shares).mean())


def perplexity(cross_entropy: ArrayLike) -> Array:
    """Among how many equally likely classes one would be as surprised: exp of the loss, in nats."""
    with np.errstate(over="ignore"):
        return np.exp(np.asarray(cross_entropy, np.float64))


def _alike(predictions: ArrayLike, targets: ArrayLike) -> tuple[Array, Array]:
    found, wanted = np.asarray(predictions, np.float64), np.asarray(targets, np.float64)
    if found.shape != wanted.shape:
        raise ValueError(f"predictions {found.shape} and targets {wanted.shape} differ in shape")
    return found, wanted


def measure(
    loss: Loss,
    records: Mapping[str, Array],
    targets: Array,
    validation_targets: Array | None,
    squares: Mapping[str, Array],
) -> tuple[dict[str, Array], Array]:
    """The columns of the records' epochs, each `(m,)`, and whether their parameters are finite.

    `records` are `(m, *shape)`, see `record_shapes`, or of many members `(m, members, *shape)`, and
    so are then the columns; the targets `(samples, *output_shape)`, as the loss takes them and as
    float64; `squares`, `(m, layers)`, those of the gradient and of the parameters, see
    `Segments.squares`.
    """
    # Each record is worked on in float64 and by itself: no bit depends on how many there are.
    columns = {}
    for part, scores_name, answers in (
        ("train", "scores", targets),
        ("validation", "validation_scores", validation_targets),
    ):
        if answers is None:
            continue
        scores, counted, axes = records[scores_name], loss.counted(answers), answers.ndim - 1
        values = _each_answer(loss.values_from_scores, scores, answers)
        columns[f"{part}_loss"] = _means(values, counted, axes)
        if loss.has_accuracy:
            hits = _each_answer(loss.hits_from_scores, scores, answers)
            columns[f"{part}_accuracy"] = _means(hits, counted, axes)
    columns["gradient_norm"] = np.sqrt(squares["gradient"].sum(-1))
    return columns, np.isfinite(squares["parameters"].sum(-1))


def _each_answer(judge: Callable[[Array, Array], Array], scores: Array, answers: Array) -> Array:
    """What is said of each answer, `(m, …, *answers)`, of scores `(m, …, *answers, outputs)`.

    It is asked about as many numbers at a time as stay in the cache with all that is made of them.
    """
    judged = np.empty(scores.shape[:-1])
    in_between = (slice(None),) * (scores.ndim - answers.ndim - 1)
    each = scores.size // (len(scores) * len(answers))
    samples = max(1, AT_ONCE // each)
    epochs = max(1, samples // len(answers))
    for start in range(0, len(scores), epochs):
        for first in range(0, len(answers), samples):
            own = slice(first, first + samples)
            part = (slice(start, start + epochs), *in_between, own)
            judged[part] = judge(scores[part].astype(np.float64), answers[own])
    return judged


def _means(values: Array, counted: Array | None, axes: int) -> Array:
    """The mean over the last `axes` of the values that count, `(…, *answers)` to `(…)`."""
    rows = values.reshape(*values.shape[: values.ndim - axes], -1)
    if counted is None:
        means: Array = rows.mean(-1)
        return means
    sums: Array = (rows * counted.ravel()).sum(-1)
    return sums / max(float(counted.sum()), 1.0)
