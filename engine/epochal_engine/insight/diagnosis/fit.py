"""Causes in the fit: a network that is too small, or one that memorizes its samples."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import numpy as np

from .finding import Spec
from .hypothesis import Hypothesis
from .observation import Observation
from .remedies import Remedy, layers, merged, setting

OVERFITTED = 1.2
"""The validation loss has risen if it is above this many times its minimum, and if the rise is also
a noticeable fraction of that of a constant, which is"""
NOTICEABLE = 0.06
"""this one: a loss that rises from 0.01 to 0.02 does no harm."""
FITTED = 0.15
"""A loss below this fraction of a constant's leaves no room for a larger network."""
NO_BETTER = 0.98
"""A run is no better than a constant above this fraction of its loss. The last percents are the
noise of the training part's mean."""

BETTER_ANSWERS = 0.05
"""An accuracy is above the share of the most frequent class by more than this difference."""


def _trained_well(spec: Spec) -> Spec:
    """Return the spec with the same layers, trained as most networks learn well."""
    layers = deepcopy(spec["network"]["layers"])
    for layer in layers:
        layer.pop("initializer", None)
        layer.pop("initializer_gain", None)
        if layer["type"] == "dropout":
            layer["rate"] = 0.0
    remaining = {name: value for name, value in spec.items() if name not in _OF_TRAINING}
    changes = {
        "network": {"layers": layers},
        "dataset": {"scaling": "standard"},
        "epochs": 2 * spec["epochs"],
        "batch_size": min(spec["batch_size"], 32),
        "optimizer": {"type": "adam", "learning_rate": 0.01},
    }
    changed: Spec = merged(remaining, changes)
    return changed


_OF_TRAINING = ("optimizer", "schedule", "regularization", "clipping", "augmentation")
TRAIN_WELL = Remedy("Train the same layers well.", _trained_well)


def underfitting(run: Observation) -> Iterator[Hypothesis]:
    """Find a loss that ended at a high value in a network that may be too small."""
    if run.diverged or run.level < FITTED or run.label.name == "diverged":
        return
    units = [layer["units"] for layer in run.layers[:-1] if "units" in layer]
    largest = max(units, default=0)
    if largest > 32:
        return

    def widened(listed: list[dict[str, Any]]) -> list[dict[str, Any]]:
        for layer in listed[:-1]:
            if "units" in layer:
                layer["units"] = max(4 * layer["units"], 32)
        return listed

    def deepened(listed: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [*listed[:-1], {"type": "dense", "units": 32, "activation": "relu"}, listed[-1]]

    remedies: list[Remedy] = []
    if units:
        remedies.append(layers("Give the hidden layers more units.", widened))
        noun = "a hidden layer" if len(units) == 1 else f"{len(units)} hidden layers"
        size = f"{noun} of at most {largest} units"
    else:
        size = "no hidden layer"
    if run.layers[-1].get("input") is None:
        remedies.append(layers("Insert a hidden layer of 32 units before the output.", deepened))
    yield Hypothesis(
        "underfitting",
        f"The training loss ended at {run.train_loss[-1]:.3g}, and the network has {size}: it is "
        "too small for this function. Adam with twice the epochs does not help it much.",
        tuple(remedies),
        control=TRAIN_WELL,
    )


def overfitting(run: Observation) -> Iterator[Hypothesis]:
    """Find a validation loss that rises while the training loss still falls."""
    losses = run.validation_loss
    if losses is None or run.diverged or not np.isfinite(losses).all():
        return
    best = int(losses.argmin())
    rise = run.final_loss - float(losses[best])
    is_high = rise > max((OVERFITTED - 1.0) * losses[best], NOTICEABLE * run.constant_loss)
    if not (is_high and run.train_loss[-1] < run.train_loss[best]):
        return
    l2 = 10.0 * run.job.training.l2 or 0.001
    remedies = [
        setting(
            f"Set the L2 penalty of the weights to {strength:g}.",
            {"regularization": {"l2": strength}},
        )
        for strength in (l2, 10.0 * l2, 100.0 * l2)
    ]
    if run.job.training.early_stopping is None:
        remedies.insert(
            0,
            setting(
                "Stop when the validation loss has not improved for 10 epochs.",
                {"early_stopping": {"patience": 10}},
            ),
        )
    yield Hypothesis(
        "overfitting",
        f"After epoch {best + 1} the validation loss rose from {losses[best]:.3g} to "
        f"{losses[-1]:.3g} while the training loss kept falling, to {run.train_loss[-1]:.3g}: "
        "the network memorizes its samples.",
        tuple(remedies),
        is_certain=True,
    )


def worse_than_constant(run: Observation) -> Iterator[Hypothesis]:
    """Find a run that predicts no better than the same answer for every input."""
    if run.level < NO_BETTER:
        return
    losses, constant = run.watched_loss, run.constant_loss
    part = "training" if run.validation_loss is None else "validation"
    best = int(np.where(np.isfinite(losses), losses, np.inf).argmin())
    had_learned = losses[best] < NO_BETTER * constant
    stopping = run.spec.get("early_stopping")
    if had_learned and stopping and stopping.get("restore_best", True):
        return  # the network that is kept is a better one
    shown = f"{losses[-1]:.3g}" if np.isfinite(losses[-1]) else "not finite"
    message = (
        f"The {part} loss ended at {shown}; predicting the same for every input gives "
        f"{constant:.3g}. "
    )
    accuracy = run.columns.get(f"{'train' if part == 'training' else part}_accuracy")
    frequent = 1.0 if run.labels is None else np.bincount(run.labels).max() / len(run.labels)
    if had_learned:
        message += f"It was {losses[best]:.3g} after epoch {best + 1}."
    elif accuracy is not None and accuracy[-1] > frequent + BETTER_ANSWERS:
        message += (
            f"The {part} accuracy, {accuracy[-1]:.0%}, is above the share of the most frequent "
            f"class, {frequent:.0%}: the network is too sure of its wrong answers."
        )
    else:
        message += "The network has learned nothing that helps."
    yield Hypothesis("worse_than_constant", message, is_certain=True)
