"""Metrics of predictions on a set of samples, as scikit-learn defines them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..model.metrics import r_squared
from ..symbolic.trace import Array


@dataclass(frozen=True)
class ClassMetrics:
    """How well one class is distinguished from all others; a ratio without samples is 0.

    precision   the fraction of its predictions that are correct
    recall      the fraction of its samples that are predicted as it
    f1          the harmonic mean of both
    accuracy    the fraction of all samples that are correctly of this class or of another
    roc_auc     the probability that a sample of the class has a larger score than one of another
                class; None if there are no samples on one side, or a score is not a number
    support     the number of its samples
    """

    precision: float
    recall: float
    f1: float
    accuracy: float
    roc_auc: float | None
    support: int


@dataclass(frozen=True)
class ErrorMetrics:
    """How far numbers are off, in their own unit."""

    rmse: float
    mae: float
    median_absolute_error: float
    r2: float


def class_metrics(is_predicted: Array, is_true: Array, scores: Array) -> ClassMetrics:
    """Return the metrics of one class from `(n,)` arrays; larger scores speak for the class."""
    hits = int((is_predicted & is_true).sum())
    predicted, actual = int(is_predicted.sum()), int(is_true.sum())
    return ClassMetrics(
        precision=hits / max(predicted, 1),
        recall=hits / max(actual, 1),
        f1=2 * hits / max(predicted + actual, 1),
        accuracy=float((is_predicted == is_true).mean()),
        roc_auc=roc_auc(scores, is_true),
        support=actual,
    )


def error_metrics(predictions: Array, targets: Array) -> ErrorMetrics:
    """Return the errors of predictions `(n, …)`; R² is the mean over the outputs."""
    with np.errstate(all="ignore"):
        errors = np.abs(predictions.astype(np.float64) - targets)
        return ErrorMetrics(
            rmse=float(np.sqrt(np.square(errors).mean())),
            mae=float(errors.mean()),
            median_absolute_error=float(np.median(errors)),
            r2=r_squared(predictions, targets),
        )


def roc_auc(scores: Array, is_true: Array) -> float | None:
    """Return the area under the ROC curve, by ranks (Mann and Whitney, 1947); ties count half."""
    positives = int(is_true.sum())
    negatives = len(is_true) - positives
    if positives == 0 or negatives == 0 or np.isnan(scores).any():
        return None
    _, index, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[index]
    smallest = positives * (positives + 1) / 2
    return float((ranks[is_true].sum() - smallest) / (positives * negatives))


def nearest_neighbor_accuracy(samples: Array, others: Array) -> float:
    """Return how often the nearest neighbor of a point is in the same set, in [0, 1].

    For two sets of the same distribution, `(n, features)` each, it is about 0.5, and 1 if they are
    far apart (Lopez-Paz and Oquab, "Revisiting classifier two-sample tests", 2017). Raises
    ValueError for sets of different sizes.
    """
    if samples.shape != others.shape:
        raise ValueError(f"the sets {samples.shape} and {others.shape} differ in shape")
    points = np.concatenate([samples, others]).astype(np.float64)
    squares = np.square(points).sum(1)
    distances = squares[:, None] + squares - 2.0 * points @ points.T
    np.fill_diagonal(distances, np.inf)
    is_other = np.arange(len(points)) >= len(samples)
    return float((is_other[distances.argmin(1)] == is_other).mean())
