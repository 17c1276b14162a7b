"""Training data, and validation data that shows overfitting."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np

from ..symbolic.trace import Array


@dataclass(frozen=True, eq=False)
class Data:
    """Inputs `(n, *input_shape)` and targets `(n, *output_shape)`, for training and for validation.

    For cross-entropy a target is a class index, `(n, *output_shape[:-1])`, or a row of
    probabilities, which takes `classes` times as much memory; for binary losses each target is in
    [0, 1].

    Weights of samples, `(n,)`, or of predictions, `(n, *output_shape[:-1])`, are numbers of at
    least 0. Only their ratios matter. None if all samples count alike. See `sample_weights.py`.
    """

    train_inputs: Array
    train_targets: Array
    validation_inputs: Array | None = None
    validation_targets: Array | None = None
    train_sample_weights: Array | None = None
    validation_sample_weights: Array | None = None

    def __post_init__(self) -> None:
        if (self.validation_inputs is None) != (self.validation_targets is None):
            raise ValueError("validation needs both inputs and targets")

    def part(self, train: slice | Array, validation: slice | Array) -> Data:
        """Return the data with these samples of both parts."""
        taken = {
            field.name: array[train if field.name.startswith("train") else validation]
            for field in fields(self)
            if (array := getattr(self, field.name)) is not None
        }
        return Data(**taken)


@dataclass(frozen=True, eq=False)
class Rows:
    """Which samples each part of a data set has: row numbers, in random order."""

    train: Array
    validation: Array
    test: Array


def split_rows(
    samples: int,
    validation_fraction: float,
    test_fraction: float = 0.0,
    *,
    rng: np.random.Generator,
    classes: Array | None = None,
    groups: Array | None = None,
) -> Rows:
    """Choose random fractions of the samples for validation and for a test, each in [0, 1).

    Numbers are rounded, and each part of a fraction greater than 0 has at least one sample, as has
    the training part.

    With `classes` `(samples,)`, each class has its fraction of every part, to within one sample;
    with at least two samples it is in the training part and in the part split off. With `groups`
    `(samples,)`, all samples of a group are in the same part, and the group has the class that most
    of its samples have.

    Raises ValueError for fractions out of range, and for fewer samples or groups than parts.
    """
    for name, fraction in (("validation", validation_fraction), ("test", test_fraction)):
        if not 0.0 <= fraction < 1.0:
            raise ValueError(
                f"the {name} fraction must be at least 0 and less than 1; got {fraction}"
            )
    if validation_fraction + test_fraction >= 1.0:
        raise ValueError("the fractions of validation and test together must be less than 1")
    units = np.arange(samples) if groups is None else np.unique(groups, return_inverse=True)[1]
    sizes = np.bincount(units, minlength=1)
    parts = 1 + (validation_fraction > 0.0) + (test_fraction > 0.0)
    if len(sizes) < parts:
        noun = "samples" if groups is None else "groups"
        raise ValueError(
            f"a validation split needs at least two {noun}; got {len(sizes)}"
            if parts == 2
            else f"a validation and a test split need at least three {noun}; got {len(sizes)}"
        )
    class_of = None
    if classes is not None:
        numbers = np.unique(classes, return_inverse=True)[1]
        counts = np.zeros((len(sizes), numbers.max() + 1), np.intp)
        np.add.at(counts, (units, numbers), 1)
        class_of = counts.argmax(1)

    rest = np.arange(len(sizes))
    chosen: list[Array] = []
    share = 1.0
    for fraction, remaining_parts in ((test_fraction, parts - 2), (validation_fraction, 0)):
        if fraction == 0.0:
            chosen.append(rest[:0])
            continue
        order = rest[rng.permutation(len(rest))]
        kinds = None if class_of is None else class_of[order]
        is_chosen = _choose(sizes[order], fraction / share, kinds, max(remaining_parts, 0) + 1)
        chosen.append(order[is_chosen])
        rest = order[~is_chosen]
        share -= fraction
    test, validation = chosen
    if groups is None:
        return Rows(rest, validation, test)
    by_group = np.argsort(units, kind="stable")
    starts = np.concatenate([[0], np.cumsum(sizes)])

    def members(part: Array) -> Array:
        return np.concatenate([by_group[:0], *(by_group[starts[g] : starts[g + 1]] for g in part)])

    return Rows(members(rest), members(validation), members(test))


def _choose(sizes: Array, fraction: float, classes: Array | None, others: int) -> Array:
    """Return which units, `(n,)` in random order, make up that fraction of all samples.

    At least one is chosen, and `others` are not; of each class with two units one is chosen and one
    is not.
    """
    total = sizes.sum()
    if classes is None:
        members = [np.arange(len(sizes))]
        targets = [fraction * total]
    else:
        members = [np.flatnonzero(classes == c) for c in np.unique(classes)]
        targets = [fraction * sizes[rows].sum() for rows in members]
        # Round down, but up for the largest remainders, so that the sum is the number of all
        # samples.
        missing = round(fraction * total) - sum(math.floor(target) for target in targets)
        rounded_up = sorted(range(len(targets)), key=lambda c: math.floor(targets[c]) - targets[c])
        targets = [
            math.floor(target) + (c in rounded_up[: max(missing, 0)])
            for c, target in enumerate(targets)
        ]
    is_chosen = np.zeros(len(sizes), bool)
    for rows, target in zip(members, targets, strict=True):
        # The number of units that brings the number of samples closest to the target.
        reached = np.concatenate([[0], np.cumsum(sizes[rows])])
        count = int(np.abs(reached - round(target)).argmin())
        if len(rows) > 1:
            count = min(max(count, 1), len(rows) - 1)
        is_chosen[rows[:count]] = True
    # A class of one unit may have left a part without any.
    if not is_chosen.any():
        is_chosen[0] = True
    for unit in np.flatnonzero(is_chosen)[: max(others - int((~is_chosen).sum()), 0)]:
        is_chosen[unit] = False
    return is_chosen


def split(inputs: Array, targets: Array, fraction: float, *, rng: np.random.Generator) -> Data:
    """Split off a random `fraction` of the samples for validation, as `split_rows` does."""
    if fraction == 0.0:
        return Data(inputs, targets)
    rows = split_rows(len(inputs), fraction, rng=rng)
    return Data(
        inputs[rows.train], targets[rows.train], inputs[rows.validation], targets[rows.validation]
    )
