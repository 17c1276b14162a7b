"""Causes in the fit: a network that is too small, or one that memorizes its samples."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .hypothesis import Hypothesis
from .observation import Observation
from .remedies import Remedy, layers, setting

OVERFITTED = 1.2
"""The validation loss has risen if it is above this many times its minimum, and if the rise is also
a noticeable fraction of that of a constant, which is"""
NOTICEABLE = 0.06
"""this one: a loss that rises from 0.01 to 0.02 does no harm."""
FITTED = 0.15
"""A loss below this fraction of a constant's leaves no room for a larger network."""
NO_BETTER = 0.98
"""A run is no better than a constant above this fraction of its loss: the last percents are the
noise of the training part's mean."""


def underfitting(run: Observation) -> Iterator[Hypothesis]:
    """Find a loss that settled at a high value in a network that may be too small."""
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
        f"The training loss settled at {run.final_train_loss:.3g}, and the network has {size}: it "
        "is too small for this function.",
        tuple(remedies),
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
        f"{run.final_loss:.3g} while the training loss kept falling, to {run.train_loss[-1]:.3g}: "
        "the network memorizes its samples.",
        tuple(remedies),
        is_certain=True,
    )


def worse_than_constant(run: Observation) -> Iterator[Hypothesis]:
    """Find a run that predicts no better than the same answer for every input."""
    if run.level < NO_BETTER:
        return
    part = "training" if run.validation_loss is None else "validation"
    shown = f"{run.final_loss:.3g}" if np.isfinite(run.final_loss) else "not finite"
    yield Hypothesis(
        "worse_than_constant",
        f"The {part} loss ended at {shown}; predicting the same for every input gives "
        f"{run.constant_loss:.3g}. The network has learned nothing that helps.",
        is_certain=True,
    )
