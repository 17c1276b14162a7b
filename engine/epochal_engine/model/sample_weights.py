"""Weights of samples and classes: how much each prediction counts in the loss.

    weight of a prediction = weight of its sample · weight of its class
    loss                   = Σ weight · loss / Σ weight

Only ratios matter. Training scales the weights to a mean of 1 over the training part, and the loss
of a batch is the mean of weight · loss over its predictions: its expected gradient is the gradient
of the whole part, for any batches, and weights that are all equal change no bit.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..data.data import Data
from ..symbolic.trace import Array, Shape
from .losses import Binary, CrossEntropy, Loss, is_floating

Floats: TypeAlias = NDArray[np.float64]


def balanced_class_weights(loss: Loss, targets: Array, classes: int) -> Floats:
    """Return n / (classes · count) for each class, `(classes,)`, as in scikit-learn.

    `targets` have the form that the loss takes; `n` and `count` count predictions, and classes
    without any are not counted. A class that has none gets the weight of a count of 1.
    """
    counts = _class_counts(loss, targets, classes)
    weights: Floats = counts.sum() / (np.count_nonzero(counts) * np.maximum(counts, 1.0))
    return weights


def weights_by_class(loss: Loss, targets: Array, class_weights: Floats) -> Floats:
    """Return the class weight of each target, `(n, …)`; 0 for one that does not count.

    The weight of a target of probabilities is the mean of the class weights by these probabilities.
    Raises ValueError for a loss without classes, and for several binary outputs.
    """
    if isinstance(loss, CrossEntropy):
        if is_floating(targets):
            return np.asarray(targets.astype(np.float64) @ class_weights)
        return np.where(targets >= 0, class_weights[np.maximum(targets, 0)], 0.0)
    if not isinstance(loss, Binary) or targets.shape[-1] != 1:
        raise ValueError(f"class weights need one class for each prediction of {loss.type}")
    no, yes = class_weights
    return np.asarray(no + (yes - no) * targets[..., 0].astype(np.float64))


def checked_weights(weights: Array, shape: Shape) -> Floats:
    """Return weights of samples, `(n,)`, or of predictions, broadcast to predictions, of `shape`.

    Raises ValueError if there is not one for each, they are not finite and at least 0, or all are
    0.
    """
    if weights.shape not in (shape, shape[:1]):
        raise ValueError(f"need the shape {shape[:1]} or {shape}, not {weights.shape}")
    weights = np.asarray(weights, np.float64)
    if not (np.isfinite(weights).all() and (weights >= 0.0).all() and weights.any()):
        raise ValueError("must be finite numbers of at least 0, and not all 0")
    padded = weights.reshape(*weights.shape, *(1,) * (len(shape) - weights.ndim))
    return np.broadcast_to(padded, shape)


def scaled_weights(weights: Floats | None, counted: Floats | None) -> Floats | None:
    """Return weights of predictions, 0 if they do not count and with a mean of 1 over the rest.

    `counted` comes from `Loss.counted`. None if all are equal.
    """
    if weights is None:
        return None
    if counted is not None:
        weights = weights * counted
    used = weights.ravel() if counted is None else weights[counted > 0.0]
    if len(used) == 0 or used.min() == used.max():
        return None
    # The largest number may be too large for a sum.
    largest = used.max()
    return np.asarray(weights / largest / (used / largest).mean())


def training_weights(loss: Loss, data: Data, dtype: DTypeLike) -> Array | None:
    """Return the scaled weights of the training part as a step takes them, `(n, …, 1)`; see
    `scaled_weights`.
    """
    weights = scaled_weights(data.train_sample_weights, loss.counted(data.train_targets))
    return None if weights is None else np.ascontiguousarray(weights[..., None], dtype)


def _class_counts(loss: Loss, targets: Array, classes: int) -> Floats:
    if not is_floating(targets):
        return np.bincount(targets[targets >= 0].ravel(), minlength=classes).astype(np.float64)
    if isinstance(loss, CrossEntropy):
        return np.asarray(targets.reshape(-1, classes).sum(0, np.float64))
    yes = float(targets.sum())
    return np.array([targets.size - yes, yes])
