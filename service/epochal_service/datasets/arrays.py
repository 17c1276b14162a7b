"""Convert the arrays of an .npz archive, as `numpy.savez` writes it, to a data set.

    archive -> headers -> arrays by role -> inputs and targets

Pickled objects are refused: no code of the file runs.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO, Literal

import numpy as np
from numpy.typing import NDArray

from epochal_service.datasets.archive import Archive, member_error, reason_of, shown
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
from epochal_service.datasets.images import pixel_names

__all__ = ["parse_arrays"]

Array = NDArray[Any]

INPUTS = ("inputs", "x", "x_train", "features", "data", "images", "arr_0")
TARGETS = ("targets", "y", "y_train", "labels", "target", "arr_1")
FEATURE_NAMES = ("feature_names",)
CLASS_NAMES = ("class_names", "target_names")
WEIGHTS = ("weights", "sample_weights", "sample_weight")
_ROLES = (INPUTS, TARGETS, FEATURE_NAMES, CLASS_NAMES, WEIGHTS)

SUFFIX = ".npy"
MAX_ARRAYS = 100
# Numbers in the inputs, and in the targets: 80 MB each.
MAX_VALUES = 10_000_000
MAX_MEMBER_BYTES = 8 * MAX_VALUES + 2**16
MAX_BYTES = 2 * MAX_MEMBER_BYTES
MAX_NAME_LENGTH = 100
# Longer headers are of structured types, which are refused in any case.
_MAX_HEADER_BYTES = 4096


def parse_arrays(
    file: BinaryIO,
    *,
    task: Literal["auto", "classification", "regression"] = "auto",
    name: str = "upload",
    max_rows: int = 100_000,
    max_columns: int = 4096,
) -> Dataset:
    """Read the arrays of inputs and targets, the first of `INPUTS` and of `TARGETS` in the archive.

    inputs    `(n, …)` numbers. Rows of several dimensions are flattened. Arrays `(n, height,
              width)` of uint8, and `(n, height, width, 1 or 3)` of any type, are images; uint8 is
              divided by 255.
    targets   `(n,)` or `(n, 1)` integers, booleans or texts are classes; floats are a regression,
              also `(n, outputs)`; `(n, steps)` integers are a sequence of labels from 0, or -1 for
              time steps that do not count.

    `task` makes whole numbers classes or a regression. Texts in `feature_names` name the features;
    texts in `class_names` name the labels 0, 1, 2 … The first array of `WEIGHTS`, `(n,)` numbers of
    at least 0, has the weights of the rows.

    Raises `DatasetError` with at most 20 errors, on `data`, `inputs`, `targets`, `inputs[3]` (a
    row, counted from 0), `weights`, `task` or `members[x.npy]`.
    """
    archive = Archive(
        file, max_members=MAX_ARRAYS, max_member_bytes=MAX_MEMBER_BYTES, max_bytes=MAX_BYTES
    )
    chosen = _by_role(archive.names)
    inputs = _read(archive, chosen[INPUTS])
    targets = _read(archive, chosen[TARGETS])
    _check_shapes(inputs, targets, max_rows, max_columns)
    feature_names = _names(archive, chosen, FEATURE_NAMES)
    class_names = _names(archive, chosen, CLASS_NAMES)
    rows, pixels = _flattened(inputs)
    if feature_names is None:
        feature_names = pixels or tuple(f"x{index + 1}" for index in range(rows.shape[1]))
    elif len(feature_names) != rows.shape[1] or len(set(feature_names)) < len(feature_names):
        raise DatasetError(
            ("feature_names", f"There must be {rows.shape[1]} distinct names, one per feature.")
        )
    problems = Problems()
    _check_finite("inputs", rows, problems)
    kind, encoded, names = _targets(targets, task, class_names, problems)
    weights = _weights(_read(archive, chosen[WEIGHTS]), len(rows)) if WEIGHTS in chosen else None
    problems.raise_any()
    unused = [array.removesuffix(SUFFIX) for array in archive.names if array not in chosen.values()]
    return Dataset(
        name=name,
        description=_description(inputs, bool(pixels), unused),
        task=kind,
        inputs=rows,
        targets=encoded,
        feature_names=feature_names,
        class_names=names,
        target_names=_target_names(kind, encoded),
        source="uploaded",
        weights=weights,
    )


def _by_role(names: Sequence[str]) -> dict[Sequence[str], str]:
    """Return the member of each role; inputs and targets are required."""
    members = {name.removesuffix(SUFFIX).lower(): name for name in names}
    chosen: dict[Sequence[str], str] = {
        role: members[name]
        for role in _ROLES
        if (name := next((name for name in role if name in members), None))
    }
    for field, role in (("inputs", INPUTS), ("targets", TARGETS)):
        if role not in chosen:
            present = ", ".join(shown(name.removesuffix(SUFFIX)) for name in names[:20])
            raise DatasetError(
                (
                    field,
                    f"There is no array of {field}: its name must be one of {', '.join(role)}; the "
                    f"arrays are {present}.",
                )
            )
    return chosen


def _read(archive: Archive, member: str) -> Array:
    """Return the array of a member. Its header is checked before memory is allocated."""
    content = archive.read(member)
    stream = io.BytesIO(content)
    try:
        version = np.lib.format.read_magic(stream)
        read_header = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }[version]
        shape, is_fortran, dtype = read_header(stream, max_header_size=_MAX_HEADER_BYTES)
    except KeyError:
        raise DatasetError(member_error(member, "its version of .npy is not 1 or 2")) from None
    # The parser of headers raises errors of many types.
    except Exception as error:
        problem = f"its header is invalid ({reason_of(error)})"
        raise DatasetError(member_error(member, problem)) from None
    if dtype.hasobject:
        raise DatasetError(
            member_error(
                member, "it holds Python objects, which are not read; save numbers or texts"
            )
        )
    if dtype.kind not in "biufU" or dtype.itemsize == 0:
        raise DatasetError(
            member_error(
                member, f"its type is {shown(str(dtype))}; it must be numbers, booleans or texts"
            )
        )
    count = math.prod(shape)
    if any(size < 0 for size in shape) or count * dtype.itemsize != len(content) - stream.tell():
        raise DatasetError(
            member_error(
                member,
                f"its header states {' x '.join(map(str, shape)) or 'one'} values of "
                f"{dtype.itemsize} bytes; it has {len(content) - stream.tell()} bytes",
            )
        )
    flat = np.frombuffer(content, dtype, count, stream.tell())
    return flat.reshape(shape, order="F" if is_fortran else "C")


def _check_shapes(inputs: Array, targets: Array, max_rows: int, max_columns: int) -> None:
    if inputs.dtype.kind == "U":
        raise DatasetError(("inputs", "The inputs are texts; they must be numbers."))
    for field, array in (("inputs", inputs), ("targets", targets)):
        if array.ndim == 0:
            raise DatasetError((field, f"The {field} are one value; there must be one per row."))
    if len(inputs) != len(targets):
        raise DatasetError(
            ("targets", f"There are {len(inputs)} inputs, but {len(targets)} targets.")
        )
    if len(inputs) < 2:
        raise DatasetError(("inputs", f"There must be at least two rows; got {len(inputs)}."))
    if len(inputs) > max_rows:
        raise DatasetError(("inputs", f"There are {len(inputs)} rows; the limit is {max_rows}."))
    features = math.prod(inputs.shape[1:])
    if not 1 <= features <= max_columns:
        raise DatasetError(
            ("inputs", f"A row has {features} numbers; there must be 1 to {max_columns}.")
        )
    if targets.ndim > 2 or targets.size == 0:
        shape = " x ".join(map(str, targets.shape))
        raise DatasetError(
            ("targets", f"The targets are {shape}; they must be (n,), (n, outputs) or (n, steps).")
        )
    for field, array in (("inputs", inputs), ("targets", targets)):
        if array.size > MAX_VALUES:
            raise DatasetError(
                (field, f"The {field} are {array.size} values; the limit is {MAX_VALUES}.")
            )


def _flattened(inputs: Array) -> tuple[Floats, tuple[str, ...]]:
    """Return the inputs as rows, and the names of the pixels if they are images."""
    shape = inputs.shape[1:]
    with np.errstate(over="ignore"):  # reported as not finite
        rows = inputs.reshape(len(inputs), -1).astype(np.float64)
    is_byte = inputs.dtype == np.uint8
    if not ((len(shape) == 2 and is_byte) or (len(shape) == 3 and shape[2] in (1, 3))):
        return rows, ()
    if is_byte:
        rows /= 255
    height, width, channels = (*shape, 1)[:3]
    return rows, pixel_names(height, width, channels)


def _check_finite(field: str, rows: Array, problems: Problems) -> None:
    """Report the rows with values that are not finite."""
    for row in np.flatnonzero(~np.isfinite(rows).all(1))[:20]:
        column = int(np.flatnonzero(~np.isfinite(rows[row]))[0])
        problems.add(
            f"{field}[{row}]",
            f"Row {row} of {field} has {rows[row, column]} in column {column}; it must be a finite "
            "number.",
        )


def _weights(weights: Array, rows: int) -> Floats:
    if weights.dtype.kind == "U" or weights.shape != (rows,):
        raise DatasetError(("weights", f"The weights must be {rows} numbers, one per row."))
    numbers = weights.astype(np.float64)
    wrong = np.flatnonzero(~np.isfinite(numbers) | (numbers < 0))
    if len(wrong) > 0:
        row = int(wrong[0])
        raise DatasetError(
            (f"weights[{row}]", f"Weight {row} is {numbers[row]:g}; a weight must be at least 0.")
        )
    return numbers


def _names(
    archive: Archive, chosen: Mapping[Sequence[str], str], role: Sequence[str]
) -> tuple[str, ...] | None:
    if role not in chosen:
        return None
    array = _read(archive, chosen[role])
    if array.dtype.kind != "U" or array.ndim != 1:
        raise DatasetError(member_error(chosen[role], "it must be a list of texts (n,)"))
    return _checked_names(role[0], array.tolist())


def _checked_names(field: str, names: Sequence[str]) -> tuple[str, ...]:
    for name in names:
        if not name.strip() or not name.isprintable() or len(name) > MAX_NAME_LENGTH:
            raise DatasetError(
                (
                    field,
                    f"The name {shown(name)!r} must have 1 to {MAX_NAME_LENGTH} printable "
                    "characters.",
                )
            )
    return tuple(names)


def _targets(
    targets: Array, task: str, class_names: tuple[str, ...] | None, problems: Problems
) -> tuple[Task, Floats | Labels, tuple[str, ...]]:
    """Return the task, the targets as a data set holds them, and the class names."""
    if targets.ndim == 2 and targets.shape[1] == 1:
        targets = targets[:, 0]
    kind = targets.dtype.kind
    if task == "regression" or (task == "auto" and kind == "f"):
        if kind == "U":
            raise DatasetError(("task", "The targets are texts, but a regression needs numbers."))
        columns = targets.reshape(len(targets), -1)
        with np.errstate(over="ignore"):  # reported as not finite
            numbers = columns.astype(np.float64)
        _check_finite("targets", numbers, problems)
        return "regression", numbers, ()
    if kind == "f":
        whole = np.isfinite(targets) & (targets == np.trunc(targets))
        if not whole.all():
            row = int(np.flatnonzero(~whole.reshape(len(targets), -1).all(1))[0])
            raise DatasetError(
                (f"targets[{row}]", f"Row {row} of targets is no whole number, as a class must be.")
            )
        targets = targets.astype(np.int64)
    if targets.ndim == 2:
        return _sequence(targets, class_names)
    distinct, labels = np.unique(targets, return_inverse=True)
    if kind == "U":
        names = _checked_names("targets", distinct.tolist())
    elif class_names is not None:
        names, labels = class_names, _checked_labels(targets, len(class_names))
    else:
        names = tuple(str(int(value)) for value in distinct[: MAX_CLASSES + 1])
    _check_classes(len(names) if class_names else len(distinct))
    return "binary" if len(names) == 2 else "multiclass", labels.astype(np.int64), names


def _sequence(
    targets: Array, class_names: tuple[str, ...] | None
) -> tuple[Task, Labels, tuple[str, ...]]:
    if targets.dtype.kind not in "iu":
        raise DatasetError(
            ("targets", "Targets of several columns must be integers (a sequence) or floats.")
        )
    if targets.min() >= 0 and targets.max() == 1 and (targets.sum(1) == 1).all():
        raise DatasetError(
            ("targets", "The targets are one-hot rows: save the labels instead, as (n,) integers.")
        )
    names = class_names or tuple(str(label) for label in range(min(int(targets.max()), 999) + 1))
    _check_classes(len(names))
    return "sequence", _checked_labels(targets, len(names)), names


def _checked_labels(targets: Array, classes: int) -> Labels:
    lowest = IGNORED if targets.ndim == 2 else 0
    wrong = (targets < lowest) | (targets >= classes)
    if wrong.any():
        row = int(np.flatnonzero(wrong.reshape(len(targets), -1).any(1))[0])
        raise DatasetError(
            (
                f"targets[{row}]",
                f"Row {row} of targets has a label that is not in {lowest} to {classes - 1}.",
            )
        )
    return targets.astype(np.int64)


def _check_classes(classes: int) -> None:
    if not 2 <= classes <= MAX_CLASSES:
        raise DatasetError(
            (
                "targets",
                f"The targets have {classes} classes; there must be 2 to {MAX_CLASSES}. Numbers to "
                "predict must be floats, or set task to regression.",
            )
        )


def _target_names(task: Task, targets: Array) -> tuple[str, ...]:
    if task in ("binary", "multiclass"):
        return ("class",)
    word = "step" if task == "sequence" else "y"
    if targets.shape[1] == 1:
        return (word,)
    return tuple(f"{word}{index + 1}" for index in range(targets.shape[1]))


def _description(inputs: Array, is_image: bool, unused: Sequence[str]) -> str:
    shape = " x ".join(map(str, inputs.shape))
    text = f"Arrays of {shape} inputs."
    if is_image and inputs.dtype == np.uint8:
        text += " Pixels are divided by 255."
    if unused:
        text += f" Not used: {', '.join(map(shown, unused))}."
    return text
