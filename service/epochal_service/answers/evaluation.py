"""Metrics of a network's outputs on samples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

import epochal_engine as engine
from epochal_engine.model import Binary

from ..datasets import Dataset
from ..datasets.dataset import Labels
from ..specs.inspection import (
    ClassEvaluation,
    ClassificationMetrics,
    PositionAccuracy,
    RegressionMetrics,
    SequenceMetrics,
    TargetEvaluation,
)
from .inspection import (
    NO_CLASS,
    classes_of,
    losses_of,
    predicted_classes,
    threshold_of,
    true_classes,
)

Array = NDArray[Any]


def evaluate_numbers(outputs: Array, targets: Array, names: Sequence[str]) -> RegressionMetrics:
    """Return the errors of outputs `(n, targets)` in the data's own units."""
    return RegressionMetrics(
        **asdict(engine.error_metrics(outputs, targets)),
        targets=[
            TargetEvaluation(
                name=name, **asdict(engine.error_metrics(outputs[:, [i]], targets[:, [i]]))
            )
            for i, name in enumerate(names)
        ],
    )


def evaluate_classes(
    outputs: Array, targets: Array, dataset: Dataset, loss: engine.Loss
) -> ClassificationMetrics:
    """Return the metrics of outputs `(n, …)` against targets that all count."""
    if not dataset.class_names:
        return _evaluate_outputs(outputs, targets, dataset, loss)
    names = dataset.class_names
    predicted, expected = classes_of(outputs, threshold_of(loss)), true_classes(targets)
    single = outputs.shape[-1] == 1
    rows = []
    for label, name in enumerate(names):
        scores = outputs[:, 0] * (1 if label else -1) if single else outputs[:, label]
        rows.append(_row(name, predicted == label, expected == label, scores))
    positive = names[1] if len(names) == 2 else None
    return _summary(rows, positive, predicted, expected, _log_loss(outputs, targets, loss))


def counted_predictions(loss: engine.Loss, targets: Array) -> NDArray[np.bool_]:
    """Return which predictions count, `(n, …)`, of targets `(n, …, outputs)`."""
    counted = loss.counted(targets.astype(np.float64))
    return np.ones(targets.shape[:-1], bool) if counted is None else counted > 0


def correct_predictions(loss: engine.Loss, outputs: Array, targets: Array) -> Array:
    """Return the accuracy of each prediction, `(n, …)`, of outputs `(n, …, outputs)`."""
    if isinstance(loss, Binary):
        return np.asarray((predicted_classes(loss, outputs) == (targets >= 0.5)).mean(-1))
    return np.asarray(classes_of(outputs, threshold_of(loss)) == true_classes(targets))


def evaluate_sequences(
    outputs: Array,
    targets: Array,
    loss: engine.Loss,
    log_loss: float | None,
    characters: Labels | None,
) -> SequenceMetrics:
    """Return the metrics of outputs `(n, …, outputs)` against targets, by position.

    `characters` has the length of each class, if they are the tokens of a text.
    """
    counted = counted_predictions(loss, targets).reshape(len(targets), -1)
    bits = None if log_loss is None else log_loss / math.log(2)
    per_character = None
    if log_loss is not None and characters is not None:
        expected = true_classes(targets).reshape(counted.shape)[counted]
        per_character = bits_per_character(log_loss, float(characters[expected].mean()))
    correct = correct_predictions(loss, outputs, targets).reshape(counted.shape) * counted
    return SequenceMetrics(
        exact_match=float(((correct == 1.0) | ~counted).all(1).mean()),
        perplexity=None if log_loss is None else float(engine.perplexity(log_loss)),
        bits_per_prediction=bits,
        bits_per_character=per_character,
        positions=[
            PositionAccuracy(position=at, predictions=int(n), accuracy=float(total / n))
            for at, (n, total) in enumerate(zip(counted.sum(0), correct.sum(0), strict=True))
            if n > 0
        ],
    )


def bits_per_character(nats: float, characters: float) -> float:
    """Return the bits per character of a text, given the nats of its tokens."""
    return nats / math.log(2) / characters


def _evaluate_outputs(
    outputs: Array, targets: Array, dataset: Dataset, loss: engine.Loss
) -> ClassificationMetrics:
    """Return the metrics of several binary outputs, each a class by itself."""
    predicted = classes_of(outputs[..., None], threshold_of(loss))
    expected = (targets >= 0.5).astype(np.int64)
    rows = [
        _row(name, predicted[:, i] == 1, expected[:, i] == 1, outputs[:, i])
        for i, name in enumerate(dataset.target_names)
    ]
    return _summary(rows, None, predicted, expected, _log_loss(outputs, targets, loss))


def _row(name: str, is_predicted: Array, is_true: Array, scores: Array) -> ClassEvaluation:
    return ClassEvaluation(name=name, **asdict(engine.class_metrics(is_predicted, is_true, scores)))


def _summary(
    rows: Sequence[ClassEvaluation],
    positive: str | None,
    predicted: Array,
    expected: Array,
    log_loss: float | None,
) -> ClassificationMetrics:
    counted = rows[1:] if positive is not None else rows
    areas = [row.roc_auc for row in counted if row.roc_auc is not None]
    return ClassificationMetrics(
        accuracy=float((predicted == expected).mean()),
        balanced_accuracy=float(np.mean([row.recall for row in rows if row.support > 0])),
        precision=float(np.mean([row.precision for row in counted])),
        recall=float(np.mean([row.recall for row in counted])),
        f1=float(np.mean([row.f1 for row in counted])),
        macro_f1=float(np.mean([row.f1 for row in rows])),
        roc_auc=float(np.mean(areas)) if areas else None,
        log_loss=log_loss,
        positive_class=positive,
        unclassified=int((predicted == NO_CLASS).sum()),
        classes=[*rows],
    )


def _log_loss(outputs: Array, targets: Array, loss: engine.Loss) -> float | None:
    """Return the mean cross-entropy of probabilities, in nats; None for other outputs."""
    if loss.output_activation not in ("sigmoid", "softmax"):
        return None
    plain = engine.LOSSES["binary_cross_entropy" if isinstance(loss, Binary) else "cross_entropy"]
    return float(losses_of(plain, outputs, targets).mean())
