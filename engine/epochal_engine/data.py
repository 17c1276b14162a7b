"""What a network learns from, and what is kept aside to see whether it has learnt or memorized."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .trace import Array


@dataclass(frozen=True, eq=False)
class Data:
    """Inputs `(n, *input_shape)` and targets `(n, *output_shape)`, for training and for validation.

    For cross-entropy a target is a row of probabilities, as a rule one 1 among zeros, or in its
    place the number of a class, `(n, *output_shape[:-1])`; for losses that ask for yes or no each
    target lies between 0 and 1.
    """

    train_inputs: Array
    train_targets: Array
    validation_inputs: Array | None = None
    validation_targets: Array | None = None

    def __post_init__(self) -> None:
        if (self.validation_inputs is None) != (self.validation_targets is None):
            raise ValueError("validation needs both inputs and targets")


def split(inputs: Array, targets: Array, fraction: float, *, rng: np.random.Generator) -> Data:
    """Set a random `fraction` of the samples, 0 to 1, aside for validation.

    The number is rounded; at least one sample is left on each side, unless the fraction is 0.
    Raises ValueError for a fraction outside [0, 1), or too few samples to divide.
    """
    if not 0.0 <= fraction < 1.0:
        raise ValueError("the fraction set aside must be at least 0 and less than 1")
    if fraction == 0.0:
        return Data(inputs, targets)
    if len(inputs) < 2:
        raise ValueError("at least two samples are needed to set one aside")
    aside = min(max(round(fraction * len(inputs)), 1), len(inputs) - 1)
    order = rng.permutation(len(inputs))
    train, validation = order[aside:], order[:aside]
    return Data(inputs[train], targets[train], inputs[validation], targets[validation])
