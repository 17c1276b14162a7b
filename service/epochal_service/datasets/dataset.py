"""A data set: inputs, targets and their names, from a generator, a file, an upload or a request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from epochal_engine import LOSSES
from epochal_engine.data import IGNORED

if TYPE_CHECKING:
    from epochal_service.datasets.columns import Column, ColumnWarning

__all__ = ["IGNORED", "MAX_CLASSES", "PAIR", "Dataset", "DatasetError", "Problems", "Task"]

PAIR = "pair"
"""The group column of rows in pairs: of two rows with one value, the first is preferred."""

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]
Bools = NDArray[np.bool_]

Task = Literal["binary", "multiclass", "regression", "sequence"]

# A run keeps three records of `samples * classes` logits, for sequences at each time step: 12 bytes
# each, about 770 MB at the limit. One-hot targets, of losses other than cross_entropy, need 200 MB.
MAX_CLASSES = 256
MAX_LOGITS = 250_000 * MAX_CLASSES
MAX_ENCODED = 100_000 * MAX_CLASSES

# With more violations, gRPC would drop the whole trailer that carries them.
MAX_PROBLEMS = 20


class DatasetError(ValueError):
    """An error in a data set or a request for one, and the valid form.

    `errors` holds `(field, description)` pairs, at least one; `field` is the first one's.
    """

    def __init__(self, *errors: tuple[str, str]) -> None:
        super().__init__(*errors)
        self.errors = list(errors)

    @property
    def field(self) -> str:
        return self.errors[0][0]

    def __str__(self) -> str:
        return " ".join(description for _, description in self.errors)


class Problems:
    """Collect problems, so that one error reports all of them, up to `MAX_PROBLEMS`."""

    def __init__(self) -> None:
        self.errors: list[tuple[str, str]] = []

    def add(self, field: str, description: str) -> None:
        self.errors.append((field, description))
        if len(self.errors) == MAX_PROBLEMS:
            self.raise_any()

    def raise_any(self) -> None:
        if self.errors:
            raise DatasetError(*self.errors)


@dataclass(frozen=True, eq=False)
class Dataset:
    """Inputs and targets as read-only arrays, with their names and their origin.

    inputs          `(samples, features)` float64
    targets         binary and multiclass: `(samples,)` int64 labels counted from 0, or
                    `(samples, classes)` float64 probabilities; regression: `(samples, outputs)`
                    float64; sequence: `(samples, steps)` int64 labels, `IGNORED` for time
                    steps that do not count
    feature_names   one per column of the inputs
    class_names     one per label; empty for a regression
    target_names    one per column of a regression's targets or per time step of a sequence; one for
                    classes
    token_names     names of the inputs 0, 1, 2 … if they are tokens; else empty
    columns         the columns of an uploaded table, in order, without the target
    warnings        for the user, about the columns
    groups          `(samples,)` int64 by name of a `group` column, equal for equal cells
    weights         `(samples,)` float64 of the `weight` column; None without one
    validation_samples  how many samples, the last ones, are a separate validation set

    Raises ValueError if the shapes and names do not agree.
    """

    name: str
    description: str
    task: Task
    inputs: Floats
    targets: NDArray[Any]
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...]
    target_names: tuple[str, ...]
    source: str = ""
    license: str = ""
    token_names: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()
    warnings: tuple[ColumnWarning, ...] = ()
    groups: Mapping[str, Labels] = field(default_factory=dict)
    weights: Floats | None = None
    validation_samples: int = 0

    def __post_init__(self) -> None:
        agrees = (
            self.inputs.ndim == 2
            and len(self.inputs) == len(self.targets)
            and self.inputs.shape[1] == len(self.feature_names)
            and all(groups.shape == (len(self.inputs),) for groups in self.groups.values())
        )
        if self.task == "regression":
            agrees = agrees and self.targets.shape[1:] == (len(self.target_names),)
            agrees = agrees and not self.class_names
        elif self.task == "sequence":
            agrees = agrees and self.targets.shape[1:] == (len(self.target_names),)
            agrees = agrees and len(self.class_names) > 1
        else:
            agrees = agrees and (self.task == "binary") == (len(self.class_names) == 2)
            agrees = agrees and self.targets.shape[1:] in ((), (len(self.class_names),))
        if not agrees:
            raise ValueError(f"the shapes and names of data set {self.name!r} do not agree")
        self.inputs.setflags(write=False)
        self.targets.setflags(write=False)

    @property
    def samples(self) -> int:
        """The number of samples."""
        return len(self.inputs)

    @property
    def features(self) -> int:
        """The number of features of a sample."""
        return len(self.feature_names)

    @property
    def outputs(self) -> int:
        """The number of outputs of a network: 1 for binary, else the classes or the targets."""
        if self.task == "binary":
            return 1
        return len(self.class_names) or len(self.target_names)

    @property
    def unscaled(self) -> Bools:
        """Which features keep their values whatever the `scaling`, `(features,)`."""
        is_scaled = {name: column.scaled for column in self.columns for name in column.features}
        return np.array([not is_scaled.get(name, True) for name in self.feature_names], np.bool_)

    @property
    def is_paired(self) -> bool:
        """Whether the samples are pairs of rows, each the chosen row and then the rejected one."""
        pairs = self.groups.get(PAIR, np.empty(0))[: self.samples - self.validation_samples]
        if len(pairs) == 0 or len(pairs) % 2:
            return False
        is_pair = bool((pairs[::2] == pairs[1::2]).all())
        return is_pair and len(np.unique(pairs)) == len(pairs) // 2

    @property
    def ignore_label(self) -> int | None:
        """`IGNORED` for sequences with time steps that do not count; else None."""
        padded = self.task == "sequence" and bool((self.targets == IGNORED).any())
        return IGNORED if padded else None

    def taken(self, rows: Labels) -> Dataset:
        """Return the data set with some of its samples, without a separate validation set."""
        return replace(
            self,
            inputs=self.inputs[rows],
            targets=self.targets[rows],
            groups={name: groups[rows] for name, groups in self.groups.items()},
            weights=None if self.weights is None else self.weights[rows],
            validation_samples=0,
        )

    def groups_by(self, column: str) -> Labels:
        """Return the group of each sample, `(samples,)`, by a group column or a feature.

        Raises `DatasetError` on the field `group_column` if there is no such column.
        """
        if column in self.groups:
            return self.groups[column]
        features = {name: [name] for name in self.feature_names}
        features |= {c.name: c.features for c in self.columns if c.is_input}
        if column in features:
            values = self.inputs[:, [self.feature_names.index(name) for name in features[column]]]
            return np.unique(values, axis=0, return_inverse=True)[1].astype(np.int64)
        names = [*self.groups, *features]
        shown = ", ".join(names[:20]) + (" …" if len(names) > 20 else "")
        raise DatasetError(
            ("group_column", f"must be a column of {self.name}; its columns: {shown}")
        )

    def with_validation(self, other: Dataset) -> Dataset:
        """Return the data set with all samples of another one, for validation, behind its own.

        Raises `DatasetError` if the other one has other features, targets or classes; the field is
        empty.
        """
        if other.features != self.features:
            raise DatasetError(
                ("", f"must have the {self.features} features of {self.name}, not {other.features}")
            )
        if other.is_paired != self.is_paired:
            raise DatasetError(("", f"must have pairs of rows exactly if {self.name} has them"))
        numbered = {self.source, other.source} & {"inline"}
        if not numbered and other.feature_names != self.feature_names:
            name, needed = next(
                pair
                for pair in zip(other.feature_names, self.feature_names, strict=True)
                if pair[0] != pair[1]
            )
            raise DatasetError(
                ("", f"must have the features of {self.name} in its order: {name} is not {needed}")
            )
        return replace(
            self,
            inputs=np.concatenate([self.inputs, other.inputs]),
            targets=np.concatenate([self.targets, self._targets_of(other)]),
            groups={
                name: np.append(groups, np.full(other.samples, -1, groups.dtype))
                for name, groups in self.groups.items()
            },
            weights=self._weights_with(other),
            validation_samples=other.samples,
        )

    def _weights_with(self, other: Dataset) -> Floats | None:
        """Return the weights of both; 1 for the samples of a data set without weights."""
        if self.weights is None and other.weights is None:
            return None
        parts = (d.weights if d.weights is not None else np.ones(d.samples) for d in (self, other))
        return np.concatenate([*parts])

    def _targets_of(self, other: Dataset) -> NDArray[Any]:
        """Return the other data set's targets with the labels of this one's classes."""
        if (self.task == "regression") != (other.task == "regression"):
            raise DatasetError(("", f"must have targets like those of {self.name}: {self.task}"))
        targets = other.targets
        if targets.dtype.kind == "i":
            used = [other.class_names[label] for label in np.unique(targets[targets >= 0])]
            unknown = [name for name in used if name not in self.class_names]
            if unknown:
                raise DatasetError(
                    ("", f"has classes that {self.name} does not have: {', '.join(unknown[:5])}")
                )
            positions = {name: label for label, name in enumerate(self.class_names)}
            labels = np.array([positions.get(name, 0) for name in other.class_names])
            targets = np.where(targets < 0, targets, labels[np.maximum(targets, 0)])
        if targets.shape[1:] != self.targets.shape[1:] or targets.dtype != self.targets.dtype:
            raise DatasetError(("", f"must have targets in the form of those of {self.name}"))
        return targets

    def encoded_targets(self, loss: str) -> Floats | Labels:
        """Return the targets as the loss expects them: `(samples, outputs)` float64, or labels.

        binary_cross_entropy, focal, hinge, perceptron
                               0 or 1 in one column, for two classes; numbers 0 and 1 in several
                               columns unchanged, one for each of several binary outputs
        cross_entropy          the labels `(samples,)`, or one column of probabilities per class;
                               for sequences the labels `(samples, steps)`
        mse, mae, huber        0 or 1 for two classes, one-hot rows for more; a regression unchanged
        preference             the labels of a sequence; of other pairs of rows 1 and 0, in turn

        Raises `DatasetError` on the field `loss` if it does not fit the targets, or is unknown; on
        `dataset` if the result exceeds `MAX_ENCODED` numbers, or the logits `MAX_LOGITS`.
        """
        if loss not in LOSSES:
            known = ", ".join(LOSSES)
            raise DatasetError(("loss", f"There is no loss {loss!r}: choose one of {known}."))
        return _ENCODINGS[LOSSES[loss].target](self, loss)

    def output_shape(self, encoded: Floats | Labels) -> tuple[int, ...]:
        """Return the shape of a network's output for one sample, given the encoded targets."""
        shape = encoded.shape[1:]
        return shape if encoded.dtype.kind == "f" else (*shape, len(self.class_names))


def _one_hot(dataset: Dataset) -> Floats:
    if dataset.task != "sequence" and dataset.targets.ndim == 2:
        return dataset.targets.astype(np.float64)
    _check_size(dataset, MAX_ENCODED)
    columns = np.arange(len(dataset.class_names))
    return np.asarray(dataset.targets[..., np.newaxis] == columns, dtype=np.float64)


def _check_size(dataset: Dataset, limit: int) -> None:
    if dataset.targets.size * len(dataset.class_names) > limit:
        raise DatasetError(
            (
                "dataset",
                f"{dataset.targets.size} targets of {len(dataset.class_names)} classes are more "
                f"than {limit} numbers: use fewer samples, or shorter ones.",
            )
        )


def _as_classes(dataset: Dataset, loss: str) -> Floats | Labels:
    if dataset.task == "regression":
        raise _misfit(dataset, f"{loss} needs classes", "use mse")
    if dataset.targets.dtype.kind == "f":
        return dataset.targets.astype(np.float64)
    _check_size(dataset, MAX_LOGITS)
    return dataset.targets.astype(np.int64)


def _as_binary(dataset: Dataset, loss: str) -> Floats:
    if dataset.task == "regression":
        if dataset.outputs > 1 and np.isin(dataset.targets, (0.0, 1.0)).all():
            return dataset.targets.astype(np.float64)
        raise _misfit(dataset, f"{loss} needs two classes", "use mse")
    if dataset.task != "binary":
        raise _misfit(dataset, f"{loss} needs two classes", "use cross_entropy")
    # The last column is the probability of label 1.
    return _one_hot(dataset)[:, 1:]


def _as_numbers(dataset: Dataset, loss: str) -> Floats:
    if dataset.task == "regression":
        return dataset.targets.astype(np.float64)
    if dataset.task == "sequence":
        raise _misfit(dataset, f"{loss} needs numbers", "use cross_entropy")
    return _as_binary(dataset, loss) if dataset.task == "binary" else _one_hot(dataset)


def _as_pairs(dataset: Dataset, loss: str) -> Floats | Labels:
    if not dataset.is_paired:
        raise DatasetError(
            (
                "loss",
                f"{loss} needs pairs of rows, a chosen one and a rejected one each, but "
                f"{dataset.name} has none: use a data set such as preferences, or upload one with "
                "text=preferences.",
            )
        )
    if dataset.task == "sequence":
        return _as_classes(dataset, loss)
    return np.tile([[1.0], [0.0]], (dataset.samples // 2, 1))


def _misfit(dataset: Dataset, need: str, remedy: str) -> DatasetError:
    what = "numbers" if dataset.task == "regression" else f"{len(dataset.class_names)} classes"
    if dataset.task == "sequence":
        what = f"sequences of {what}"
    return DatasetError(("loss", f"{need}, but {dataset.name} has {what}: {remedy}."))


_ENCODINGS: dict[str, Callable[[Dataset, str], Floats | Labels]] = {
    "numbers": _as_numbers,
    "binary": _as_binary,
    "classes": _as_classes,
    "pairs": _as_pairs,
}
"""By the kind of targets of a loss."""
