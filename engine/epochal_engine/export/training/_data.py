"""How a training program compares its data with the file of a reader: all is included.

file or generator ── encode ── split by the seed ── scale ── compare, sample by sample
"""

# mypy: allow-untyped-defs, allow-untyped-calls
# mypy: disable-error-code="var-annotated, misc, arg-type, index"
# ruff: noqa: F821, T201

from __future__ import annotations

import sys
from typing import Any

import numpy as np

# What the program defines.
DTYPE: Any
TOLERANCE: float
DATA: Any
encode: Any
generated: Any
read: Any
split_rows: Any
train_inputs: Any
train_targets: Any
validation_inputs: Any
validation_targets: Any


def give_up(text):
    """End the program, as nothing can be compared."""
    print(text, file=sys.stderr)
    sys.exit(2)


def number_of(cell):
    """Return the number in a cell; None if there is none."""
    try:
        return float(cell.replace(",", "."))
    except ValueError:
        return None


def class_of(cell):
    """Return the label of the class that a cell names."""
    names, number = DATA["class_names"], number_of(cell)
    for label, name in enumerate(names):
        if cell == name or (number is not None and number == number_of(name)):
            return label
    raise ValueError(f"column {DATA['target']!r}: {cell!r} is not one of {names}")


def target_of(cell):
    """Return the label or the number in a cell of the target."""
    if DATA["class_names"]:
        return class_of(cell)
    number = number_of(cell)
    if number is None:
        raise ValueError(f"column {DATA['target']!r}: {cell!r} is not a number")
    return [number]


def read_table(path):
    """Return the numbers of the rows, inputs, targets, and the cells of the group column."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        rows = list(enumerate(read(file.read()), 1))
    names = [*DATA["columns"], DATA["target"]]
    missing = [name for name in names if rows and name not in rows[0][1]]
    if missing:
        give_up(f"{path} has no column {missing[0]!r}")
    # A row without a target is dropped, or is an error, when a file is uploaded.
    empty = ("", "?", "na", "n/a", "null", "nan")
    rows = [(number, row) for number, row in rows if row[DATA["target"]].lower() not in empty]
    inputs, targets = [], []
    for number, row in rows:
        try:
            inputs.append(encode([row])[0])
            targets.append(target_of(row[DATA["target"]]))
        except ValueError as error:
            give_up(f"Row {number} of {path} cannot be a sample of this training: {error}")
    groups = [row.get(DATA["group_column"], "") for _, row in rows]
    return np.array([number for number, _ in rows]), np.array(inputs), np.array(targets), groups


def read_arrays(path):
    """Return the numbers of the rows, inputs and targets of an .npz archive."""
    with np.load(path) as arrays:
        inputs, targets = np.float64(arrays["inputs"]), arrays["targets"]
    if DATA["class_names"] and targets.ndim == 1:
        targets = np.array([class_of(str(target)) for target in targets.tolist()])
    elif targets.ndim == 1:
        targets = targets[:, None]
    return np.arange(len(inputs)) + 1, inputs.reshape(len(inputs), -1), targets, None


def encoded(targets):
    """Return labels, probabilities or numbers as the loss reads them."""
    form, classes = DATA["target_form"], len(DATA["class_names"])
    if targets.dtype.kind == "f" or form == "classes":
        return targets[:, 1:] if form == "binary" and classes else targets
    rows = np.float64(targets[..., None] == np.arange(classes))
    return rows[:, 1:] if form == "binary" or classes == 2 else rows


def scaling_of(samples, kind, unscaled=()):
    """Return the shift and the scale of each column of the training samples."""
    shift, scale = np.zeros(samples.shape[1]), np.ones(samples.shape[1])
    if kind == "standard":
        shift, scale = samples.mean(0), samples.std(0)
    elif kind == "minmax":
        shift = samples.min(0)
        scale = samples.max(0) - shift
    scale = np.where(scale > 0.0, scale, 1.0)
    for column in unscaled:
        shift[column], scale[column] = 0.0, 1.0
    return shift, scale


def data_differences(path):
    """Return a sentence for each difference between the data of the training and of the file, and
    how many numbers were compared.

    The split follows from its seed, and the scaling from the training part of the file.
    """
    if path == "generated":
        if generated is None:
            give_up("The data set was not generated: give its file.")
        inputs, targets = generated()
        numbers, groups = np.arange(len(inputs)) + 1, None
    else:
        numbers, inputs, targets, groups = (read_arrays if path.endswith(".npz") else read_table)(
            path
        )
    if DATA["group_features"] is not None:
        groups = np.unique(inputs[:, DATA["group_features"]], axis=0, return_inverse=True)[1]
    elif DATA["group_column"] is None:
        groups = None
    elif groups is None:
        give_up(f"{path} has no column {DATA['group_column']!r}, by which the samples are split")
    if inputs.shape[1] != len(DATA["feature_names"]):
        give_up(f"{path} has {inputs.shape[1]} features; {len(DATA['feature_names'])} were trained")
    seed = np.random.SeedSequence(DATA["split_seed"], spawn_key=(0x5711,))
    parts = split_rows(
        len(inputs),
        DATA["validation_fraction"],
        DATA["test_fraction"],
        rng=np.random.default_rng(seed),
        classes=targets if DATA["is_stratified"] else None,
        groups=None if groups is None else np.array(groups),
    )
    targets = encoded(targets).reshape(len(inputs), -1)
    samples = np.hstack([inputs, targets])
    width = inputs.shape[1]
    shift, scale = scaling_of(inputs[parts.train], DATA["scaling"], DATA["unscaled"])
    of_targets = scaling_of(targets[parts.train], DATA["target_scaling"])
    shift, scale = np.append(shift, of_targets[0]), np.append(scale, of_targets[1])
    samples = ((samples - shift) / scale).astype(DTYPE)
    names = [*DATA["feature_names"], *[DATA["target"]] * (samples.shape[1] - width)]
    trained = [("training", parts.train, train_inputs, train_targets)]
    if DATA["validation_fraction"]:
        trained.append(("validation", parts.validation, validation_inputs, validation_targets))
    differences, compared = [], 0
    for part, rows, *arrays in trained:
        actual = np.hstack([np.float64(array).reshape(len(array), -1) for array in arrays])
        compared += actual.size
        if len(actual) != len(rows):
            differences.append(
                f"{len(actual)} {part} samples; the split of the file gives {len(rows)}"
            )
            continue
        tolerance = TOLERANCE * np.abs(samples).max(0, initial=1e-30)
        with np.errstate(invalid="ignore"):
            wrong = ~(np.abs(actual - samples[rows]) <= tolerance)
        are_other_rows = wrong.any(1).mean() > 0.5
        for place in np.flatnonzero(wrong.any(1)):
            row, deviations = rows[place], np.abs(samples - actual[place])
            if are_other_rows:  # their scaling is another, too
                nearest = int(np.square(deviations).sum(1).argmin())
            else:
                nearest = int((deviations <= tolerance).sum(1).argmax())
            if nearest != row and (are_other_rows or (deviations[nearest] <= tolerance).all()):
                differences.append(
                    f"{part} sample {place + 1} is row {numbers[nearest]} of the file; the split "
                    f"from the seed {DATA['split_seed']} has row {numbers[row]} there"
                )
                continue
            for column in np.flatnonzero(wrong[place]):
                was, now = (
                    float(array[column] * scale[column] + shift[column])
                    for array in (actual[place], samples[row])
                )
                differences.append(
                    f"row {numbers[row]}, column {names[column]!r}: {was:.6g} was trained, the "
                    f"file has {now:.6g}"
                )
    return differences, compared
