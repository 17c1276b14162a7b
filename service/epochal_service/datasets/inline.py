"""Convert rows of a request to a data set; the loss determines the meaning of their targets."""

import math
from collections.abc import Callable, Sequence
from numbers import Real
from typing import TypeGuard

import numpy as np
from numpy.typing import NDArray

from epochal_engine import LOSSES
from epochal_service.datasets.dataset import (
    IGNORED,
    MAX_CLASSES,
    PAIR,
    Dataset,
    DatasetError,
    Floats,
    Labels,
    Problems,
    Task,
)

__all__ = ["from_rows"]

# The tolerance of a sum of probabilities that were rounded to six digits.
SUM_TOLERANCE = 1e-5

Row = Sequence[float] | Floats


def from_rows(
    inputs: Sequence[Row] | Floats,
    targets: Sequence[float] | Sequence[Row] | NDArray[np.generic],
    *,
    loss: str,
    name: str = "inline",
    sequence_classes: int = 0,
    feature_names: Sequence[str] = (),
    class_names: Sequence[str] = (),
    weights: Sequence[float] = (),
) -> Dataset:
    """Return the data set of `inputs`, rows of equal length, and `targets`, numbers or such rows.

    binary_cross_entropy   0 or 1, or a row of them: one for each of several binary outputs
    cross_entropy          a label counted from 0, or a row of class probabilities; one-hot rows
                           become labels
    mse                    any number, or a row of numbers: a regression
    preference             rows in pairs: 1 for the chosen row, then 0 for the rejected one

    With `class_names`, targets are read as for cross_entropy whatever the loss, and the number of
    names is the number of classes. `feature_names` default to x1, x2 … `weights` are finite numbers
    of at least 0, one for each row.

    With `sequence_classes`, a row of targets has a label in [0, sequence_classes) for every time
    step, or `IGNORED` for steps that do not count; at least one step of a row must count.

    Raises `DatasetError` with at most 20 errors. Their fields are `inputs`, `targets`, `inputs[2]`
    or `targets[2]` (counted from 0), `feature_names`, `class_names`, `weights`, or `loss` if it is
    unknown.
    """
    if loss not in LOSSES:
        known = ", ".join(LOSSES)
        raise DatasetError(("loss", f"There is no loss {loss!r}: choose one of {known}."))
    problems = Problems()
    if len(inputs) == 0:
        problems.add("inputs", "There must be at least one row.")
    if len(inputs) != len(targets):
        problems.add(
            "targets",
            f"There are {len(inputs)} inputs and {len(targets)} targets: every row of inputs "
            "needs a target.",
        )
    problems.raise_any()
    scalar = not any(_is_row(target) for target in targets)
    table = _table("inputs", inputs, problems)
    task: Task
    target_table = _table("targets", [[t] for t in targets] if scalar else targets, problems)
    problems.raise_any()
    if sequence_classes:
        task, values, classes = _as_sequences(target_table, sequence_classes, problems)
        if class_names:
            _check_class_names(class_names, sequence_classes, exactly=True, problems=problems)
            classes = tuple(class_names)
    elif class_names:
        _, values, shown = _as_classes(target_table, problems)
        _check_class_names(
            class_names, len(shown), exactly=target_table.shape[1] > 1, problems=problems
        )
        classes = tuple(class_names)
        task = "binary" if len(classes) == 2 else "multiclass"
    else:
        task, values, classes = _READINGS[LOSSES[loss].target](target_table, problems)
    if feature_names and len(feature_names) != table.shape[1]:
        problems.add(
            "feature_names",
            f"There must be {table.shape[1]}, one per number of a row; there are "
            f"{len(feature_names)}.",
        )
    if weights and len(weights) != len(table):
        problems.add(
            "weights", f"There must be {len(table)}, one per row; there are {len(weights)}."
        )
    groups: dict[str, Labels] = {}
    if LOSSES[loss].target == "pairs":
        _check_pairs(table, target_table, problems)
        groups[PAIR] = np.repeat(np.arange((len(table) + 1) // 2), 2)[: len(table)]
    problems.raise_any()
    outputs = tuple(f"y{i + 1}" for i in range(target_table.shape[1]))
    return Dataset(
        name=name,
        description="",
        task=task,
        inputs=table,
        targets=values,
        feature_names=tuple(feature_names or (f"x{i + 1}" for i in range(table.shape[1]))),
        class_names=classes,
        target_names=("class",) if classes and task != "sequence" else outputs,
        source="inline",
        weights=np.array(weights, np.float64) if weights else None,
        groups=groups,
    )


def _check_pairs(inputs: Floats, targets: Floats, problems: Problems) -> None:
    """Report an odd number of rows, and rejected rows that are equal to the chosen ones."""
    if len(inputs) % 2:
        problems.add(
            "inputs",
            f"There are {len(inputs)} rows: preference needs pairs, a chosen row and then the "
            "rejected one.",
        )
        return
    rows = np.hstack([inputs, targets])
    for pair in np.flatnonzero((rows[::2] == rows[1::2]).all(axis=1)):
        chosen = 2 * pair
        problems.add(
            f"inputs[{chosen + 1}]",
            "is the rejected row, and equal to the chosen one before it.",
        )


def _check_class_names(
    names: Sequence[str], classes: int, *, exactly: bool, problems: Problems
) -> None:
    if len(set(names)) < len(names) or len(names) < 2:
        problems.add("class_names", "There must be at least two names, all distinct.")
    if len(names) < classes or (exactly and len(names) != classes):
        problems.add(
            "class_names", f"There must be {classes}, one per class; there are {len(names)}."
        )
    if len(names) > MAX_CLASSES:
        problems.add("class_names", f"There must be at most {MAX_CLASSES}.")


def _is_row(value: object) -> TypeGuard[Row]:
    return isinstance(value, Sequence | np.ndarray) and not isinstance(value, str)


def _table(field: str, rows: Sequence[object] | NDArray[np.generic], problems: Problems) -> Floats:
    """Return the rows as `(rows, columns)` float64; empty if a row was reported."""
    first = rows[0]
    width = len(first) if _is_row(first) else 0
    for index, row in enumerate(rows):
        at = f"{field}[{index}]"
        if not _is_row(row) or len(row) == 0:
            problems.add(at, "must be a row of at least one number.")
        elif width and len(row) != width:
            problems.add(at, f"must have {width} numbers, like {field}[0]; it has {len(row)}.")
        elif not all(map(_is_finite, row)):
            column = next(i for i, value in enumerate(row) if not _is_finite(value))
            problems.add(at, f"must have finite numbers alone; the value at {column} is not one.")
    return np.empty((0, 0)) if problems.errors else np.array(rows, dtype=np.float64)


def _is_finite(value: object) -> bool:
    try:
        return isinstance(value, Real) and math.isfinite(value)
    except OverflowError:  # an integer beyond the largest float
        return False


Reading = tuple[Task, Floats | Labels, tuple[str, ...]]


def _as_numbers(table: Floats, problems: Problems) -> Reading:
    return "regression", table, ()


def _as_truth_values(table: Floats, problems: Problems) -> Reading:
    several = table.shape[1] > 1
    is_wrong = (table != 0) & (table != 1)
    for index in np.flatnonzero(is_wrong.any(1)):
        at, column = f"targets[{index}]", is_wrong[index].argmax()
        problems.add(
            at,
            f"must be 0 or 1 with binary_cross_entropy; "
            f"{f'the value at {column}' if several else 'it'} is {table[index, column]:g}.",
        )
    if several:
        # Any of them may be 1, so a sample does not have one of several classes.
        return "regression", table, ()
    problems.raise_any()
    return "binary", table[:, 0].astype(np.int64), ("0", "1")


def _as_sequences(table: Floats, classes: int, problems: Problems) -> Reading:
    label = (table >= 0) & (table < classes) & (table == np.floor(table))
    invalid = ~(label | (table == IGNORED)).all(axis=1)
    for index in np.flatnonzero(invalid | ~label.any(axis=1)):
        problems.add(
            f"targets[{index}]",
            f"must have a whole label from 0 to {classes - 1} for every time "
            f"step, or {IGNORED} for steps that do not count: the network has {classes} classes."
            if invalid[index]
            else f"must have a label for at least one time step; all of its labels are {IGNORED}.",
        )
    problems.raise_any()
    return "sequence", table.astype(np.int64), tuple(str(label) for label in range(classes))


def _as_preferences(table: Floats, problems: Problems) -> Reading:
    expected = np.arange(len(table)) % 2 == 0
    wrong = table[:, 0] != expected if table.shape[1] == 1 else np.ones(len(table), bool)
    for index in np.flatnonzero(wrong):
        problems.add(
            f"targets[{index}]",
            f"must be {int(expected[index])}: of each pair of rows the first is "
            "chosen, 1, and the second rejected, 0. Rows of tokens have their next tokens as "
            "targets, and the network must have an output for each.",
        )
    return "regression", table, ()


def _as_classes(table: Floats, problems: Problems) -> Reading:
    if table.shape[1] == 1:
        labels = table[:, 0]
        fits = (labels >= 0) & (labels < MAX_CLASSES) & (labels == np.floor(labels))
        for index in np.flatnonzero(~fits):
            problems.add(
                f"targets[{index}]",
                f"must be a whole label from 0 to {MAX_CLASSES - 1} with cross_entropy, or a row "
                f"of probabilities; it is {labels[index]:g}.",
            )
        # A refused label may be too large as a number of classes, or as an integer.
        problems.raise_any()
        classes = max(2, int(labels.max()) + 1)
        values: Floats | Labels = labels.astype(np.int64)
    else:
        classes = table.shape[1]
        if classes > MAX_CLASSES:
            problems.add("targets", f"There are {classes} classes; the limit is {MAX_CLASSES}.")
        with np.errstate(over="ignore"):  # a sum beyond the largest float is not 1
            sums = table.sum(axis=1)
        fits = (table >= 0).all(axis=1) & (abs(sums - 1) <= SUM_TOLERANCE)
        for index in np.flatnonzero(~fits):
            problems.add(
                f"targets[{index}]",
                "must be probabilities between 0 and 1 whose sum is 1. For "
                "labels of a sequence, the network must have an output for each time step.",
            )
        one_hot = ((table == 0) | (table == 1)).all()
        values = table.argmax(axis=1) if one_hot else table
    task: Task = "binary" if classes == 2 else "multiclass"
    return task, values, tuple(str(label) for label in range(classes))


_READINGS: dict[str, Callable[[Floats, Problems], Reading]] = {
    "numbers": _as_numbers,
    "binary": _as_truth_values,
    "classes": _as_classes,
    "pairs": _as_preferences,
}
"""By the kind of targets of a loss."""
