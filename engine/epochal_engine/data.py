"""Training data, and validation data that shows overfitting."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .trace import Array


@dataclass(frozen=True, eq=False)
class Data:
    """Inputs `(n, *input_shape)` and targets `(n, *output_shape)`, for training and for validation.

    For cross-entropy a target is a class index, `(n, *output_shape[:-1])`, or a row of
    probabilities, which takes `classes` times as much memory; for binary losses each target is in
    [0, 1].
    """

    train_inputs: Array
    train_targets: Array
    validation_inputs: Array | None = None
    validation_targets: Array | None = None

    def __post_init__(self) -> None:
        if (self.validation_inputs is None) != (self.validation_targets is None):
            raise ValueError("validation needs both inputs and targets")


def split(inputs: Array, targets: Array, fraction: float, *, rng: np.random.Generator) -> Data:
    """Split off a random `fraction` of the samples, in [0, 1), for validation.

    The number is rounded; each part has at least one sample, unless the fraction is 0. Raises
    ValueError for a fraction out of range, or fewer than two samples.
    """
    if not 0.0 <= fraction < 1.0:
        raise ValueError(
            f"the validation fraction must be at least 0 and less than 1; got {fraction}"
        )
    if fraction == 0.0:
        return Data(inputs, targets)
    if len(inputs) < 2:
        raise ValueError(f"a validation split needs at least two samples; got {len(inputs)}")
    count = min(max(round(fraction * len(inputs)), 1), len(inputs) - 1)
    order = rng.permutation(len(inputs))
    train, validation = order[count:], order[:count]
    return Data(inputs[train], targets[train], inputs[validation], targets[validation])
