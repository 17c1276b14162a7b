"""Rows that came in a request become a data set; the loss says what their targets mean."""

import math
from collections.abc import Callable, Sequence
from numbers import Real
from typing import TypeGuard

import numpy as np
from numpy.typing import NDArray

from epochal_service.datasets.dataset import (
    IGNORED,
    MAX_CLASSES,
    Dataset,
    DatasetError,
    Floats,
    Labels,
    Problems,
    Task,
)

__all__ = ["from_rows"]

# Probabilities that were rounded to six digits still add up to 1 within this.
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
) -> Dataset:
    """`inputs` holds rows of equal length; `targets` as many numbers, or rows of equal length.

    binary_cross_entropy   0 or 1
    cross_entropy          a whole label counted from 0, or a row of probabilities, one for each
                           class; rows of nothing but 0 and 1 become labels
    mse                    any number, or a row of them: a regression

    With `class_names` targets are read as for cross_entropy, whatever the loss, and there are as
    many classes as names. Without `feature_names` they are x1, x2 …

    With `sequence_classes` a row of targets has a label at every place of a sequence, each of so
    many classes; `IGNORED` stands where a place does not count, and not at all of a row's places.

    Raises DatasetError with at most 20 errors, whose fields are `inputs`, `targets`, `inputs[2]`
    or `targets[2]` (counted from 0, as in the request), `feature_names` or `class_names`, or `loss`
    where it is none of these.
    """
    if loss not in _READINGS:
        known = ", ".join(_READINGS)
        raise DatasetError(("loss", f"There is no loss {loss!r}: choose one of {known}."))
    problems = Problems()
    if len(inputs) == 0:
        problems.add("inputs", "inputs is empty: there must be one row at least.")
    if len(inputs) != len(targets):
        problems.add(
            "targets",
            f"There are {len(inputs)} inputs and {len(targets)} targets: every row of inputs "
            "needs one.",
        )
    problems.raise_any()
    one_each = not any(_is_row(target) for target in targets)
    table = _table("inputs", inputs, problems)
    task: Task
    wanted = _table("targets", [[t] for t in targets] if one_each else targets, problems)
    problems.raise_any()
    if sequence_classes:
        task, values, classes = _as_sequences(wanted, sequence_classes, problems)
        if class_names:
            _check_class_names(class_names, sequence_classes, exactly=True, problems=problems)
            classes = tuple(class_names)
    elif class_names:
        _, values, shown = _as_classes(wanted, problems)
        _check_class_names(class_names, len(shown), exactly=wanted.shape[1] > 1, problems=problems)
        classes = tuple(class_names)
        task = "binary" if len(classes) == 2 else "multiclass"
    else:
        task, values, classes = _READINGS[loss](wanted, problems)
    if feature_names and len(feature_names) != table.shape[1]:
        problems.add(
            "feature_names",
            f"There must be {table.shape[1]}, one for each number of a row; there are "
            f"{len(feature_names)}.",
        )
    problems.raise_any()
    outputs = tuple(f"y{i + 1}" for i in range(wanted.shape[1]))
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
    )


def _check_class_names(
    names: Sequence[str], classes: int, *, exactly: bool, problems: Problems
) -> None:
    if len(set(names)) < len(names) or len(names) < 2:
        problems.add("class_names", "There must be two names at least, each of them once.")
    if len(names) < classes or (exactly and len(names) != classes):
        problems.add(
            "class_names", f"There must be {classes}, one for each class; there are {len(names)}."
        )
    if len(names) > MAX_CLASSES:
        problems.add("class_names", f"There may be at most {MAX_CLASSES}.")


def _is_row(value: object) -> TypeGuard[Row]:
    return isinstance(value, Sequence | np.ndarray) and not isinstance(value, str)


def _table(field: str, rows: Sequence[object] | NDArray[np.generic], problems: Problems) -> Floats:
    """The rows as `(rows, columns)` float64; of no size where one of them was reported."""
    first = rows[0]
    width = len(first) if _is_row(first) else 0
    for index, row in enumerate(rows):
        at = f"{field}[{index}]"
        if not _is_row(row) or len(row) == 0:
            problems.add(at, f"{at} must be a row of one number or more, as all the others.")
        elif width and len(row) != width:
            problems.add(at, f"{at} must have {width} numbers, as {field}[0]; it has {len(row)}.")
        elif not all(map(_is_finite, row)):
            column = next(i for i, value in enumerate(row) if not _is_finite(value))
            problems.add(at, f"{at}[{column}] is not a finite number.")
    return np.empty((0, 0)) if problems.errors else np.array(rows, dtype=np.float64)


def _is_finite(value: object) -> bool:
    try:
        return isinstance(value, Real) and math.isfinite(value)
    except OverflowError:  # a whole number beyond the largest float
        return False


Reading = tuple[Task, Floats | Labels, tuple[str, ...]]


def _as_numbers(table: Floats, problems: Problems) -> Reading:
    return "regression", table, ()


def _as_truth_values(table: Floats, problems: Problems) -> Reading:
    if table.shape[1] != 1:
        problems.add(
            "targets",
            f"binary_cross_entropy takes one number for each row, and these have {table.shape[1]}:"
            " give 0 or 1, or use cross_entropy.",
        )
        problems.raise_any()
    labels = table[:, 0]
    for index in np.flatnonzero((labels != 0) & (labels != 1)):
        problems.add(
            f"targets[{index}]",
            f"targets[{index}] is {labels[index]:g}: binary_cross_entropy takes 0 or 1.",
        )
    return "binary", labels.astype(np.int64), ("0", "1")


def _as_sequences(table: Floats, classes: int, problems: Problems) -> Reading:
    label = (table >= 0) & (table < classes) & (table == np.floor(table))
    strange = ~(label | (table == IGNORED)).all(axis=1)
    for index in np.flatnonzero(strange | ~label.any(axis=1)):
        problems.add(
            f"targets[{index}]",
            f"targets[{index}] must have a whole label from 0 to {classes - 1} at every place, or "
            f"{IGNORED} where a place does not count: the network tells {classes} classes apart."
            if strange[index]
            else f"targets[{index}] must have a label at one place at least: {IGNORED} everywhere "
            "leaves nothing to learn from it.",
        )
    problems.raise_any()
    return "sequence", table.astype(np.int64), tuple(str(label) for label in range(classes))


def _as_classes(table: Floats, problems: Problems) -> Reading:
    if table.shape[1] == 1:
        labels = table[:, 0]
        fits = (labels >= 0) & (labels < MAX_CLASSES) & (labels == np.floor(labels))
        for index in np.flatnonzero(~fits):
            problems.add(
                f"targets[{index}]",
                f"targets[{index}] is {labels[index]:g}: cross_entropy takes whole labels from 0 "
                f"to {MAX_CLASSES - 1}, or rows of probabilities.",
            )
        # A label that was refused may be too large to count up to, or for an integer.
        problems.raise_any()
        classes = max(2, int(labels.max()) + 1)
        values: Floats | Labels = labels.astype(np.int64)
    else:
        classes = table.shape[1]
        if classes > MAX_CLASSES:
            problems.add("targets", f"There are {classes} classes, and {MAX_CLASSES} are allowed.")
        fits = (table >= 0).all(axis=1) & (abs(table.sum(axis=1) - 1) <= SUM_TOLERANCE)
        for index in np.flatnonzero(~fits):
            problems.add(
                f"targets[{index}]",
                f"targets[{index}] is no row of probabilities: they lie between 0 and 1 and add "
                "up to 1. For labels of a sequence the network must answer at each of its places.",
            )
        one_hot = ((table == 0) | (table == 1)).all()
        values = table.argmax(axis=1) if one_hot else table
    task: Task = "binary" if classes == 2 else "multiclass"
    return task, values, tuple(str(label) for label in range(classes))


_READINGS: dict[str, Callable[[Floats, Problems], Reading]] = {
    "mse": _as_numbers,
    "mae": _as_numbers,
    "huber": _as_numbers,
    "binary_cross_entropy": _as_truth_values,
    "focal": _as_truth_values,
    "hinge": _as_truth_values,
    "perceptron": _as_truth_values,
    "cross_entropy": _as_classes,
}
