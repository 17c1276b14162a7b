"""A data set is a table of inputs and a table of targets that know what they mean.

From where it comes (a generator, a file, an upload, a request) makes no difference once it is one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["IGNORED", "MAX_CLASSES", "Dataset", "DatasetError", "Problems", "Task"]

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]

Task = Literal["binary", "multiclass", "regression", "sequence"]

# One-hot targets take `samples * classes` numbers, of sequences at each place: a hundred thousand
# rows stay near 200 MB.
MAX_CLASSES = 256
MAX_ENCODED = 100_000 * MAX_CLASSES

# The label of a place in a sequence that does not count, as where a short one was filled up.
IGNORED = -1

# More violations than these would make gRPC drop the whole trailer that carries them.
MAX_PROBLEMS = 20


class DatasetError(ValueError):
    """What is wrong with a data set, or with the wish for one, and what would be right.

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
    """Gathers what is wrong, so that one answer names all of it, up to `MAX_PROBLEMS`."""

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
    """Inputs and targets, made read-only, with their names and their origin.

    inputs          `(samples, features)` float64
    targets         binary and multiclass: `(samples,)` int64 labels counted from 0, or
                    `(samples, classes)` float64 probabilities; regression: `(samples, outputs)`
                    float64; sequence: `(samples, places)` int64 labels, `IGNORED` where a place
                    does not count
    feature_names   one for each column of the inputs
    class_names     one for each label; empty for a regression
    target_names    one for each column of a regression's targets, and for each place of a
                    sequence; one for all the classes
    token_names     what the inputs 0, 1, 2 … are called where they are tokens; else empty

    Raises ValueError where these do not agree.
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

    def __post_init__(self) -> None:
        agrees = (
            self.inputs.ndim == 2
            and len(self.inputs) == len(self.targets)
            and self.inputs.shape[1] == len(self.feature_names)
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
        return len(self.inputs)

    @property
    def features(self) -> int:
        return len(self.feature_names)

    @property
    def outputs(self) -> int:
        """Numbers of one answer of a network: 1 for binary, else the classes or the targets."""
        if self.task == "binary":
            return 1
        return len(self.class_names) or len(self.target_names)

    @property
    def ignore_label(self) -> int | None:
        """`IGNORED` for a sequence of which some places do not count; None where all do."""
        some = self.task == "sequence" and bool((self.targets == IGNORED).any())
        return IGNORED if some else None

    def encoded_targets(self, loss: str) -> Floats:
        """The targets as the numbers that `loss` compares with: `(samples, outputs)` float64.

        binary_cross_entropy, focal, hinge, perceptron
                               0 or 1 in one column, for two classes
        cross_entropy          one column for each class: one-hot rows, or the probabilities; of a
                               sequence at each place, `(samples, places, classes)`, with zeros
                               where a place does not count
        mse, mae, huber        0 or 1 for two classes, one-hot rows for more, a regression as it is

        Raises DatasetError on the field `loss` where the two do not fit, or it is none of these; on
        `dataset` where the numbers are more than `MAX_ENCODED`.
        """
        if loss not in _ENCODINGS:
            known = ", ".join(_ENCODINGS)
            raise DatasetError(("loss", f"There is no loss {loss!r}: choose one of {known}."))
        return _ENCODINGS[loss](self, loss)


def _one_hot(dataset: Dataset) -> Floats:
    if dataset.task != "sequence" and dataset.targets.ndim == 2:
        return dataset.targets.astype(np.float64)
    if dataset.targets.size * len(dataset.class_names) > MAX_ENCODED:
        raise DatasetError(
            (
                "dataset",
                f"{dataset.targets.size} answers among {len(dataset.class_names)} classes are more "
                f"than {MAX_ENCODED} numbers: ask for fewer samples, or for shorter ones.",
            )
        )
    columns = np.arange(len(dataset.class_names))
    return np.asarray(dataset.targets[..., np.newaxis] == columns, dtype=np.float64)


def _as_classes(dataset: Dataset, loss: str) -> Floats:
    if dataset.task == "regression":
        raise _misfit(dataset, f"{loss} needs classes", "use mse")
    return _one_hot(dataset)


def _as_yes_or_no(dataset: Dataset, loss: str) -> Floats:
    if dataset.task == "regression":
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
    return _as_yes_or_no(dataset, loss) if dataset.task == "binary" else _one_hot(dataset)


def _misfit(dataset: Dataset, need: str, remedy: str) -> DatasetError:
    what = "numbers" if dataset.task == "regression" else f"{len(dataset.class_names)} classes"
    if dataset.task == "sequence":
        what = f"sequences of {what}"
    return DatasetError(("loss", f"{need}, and {dataset.name} has {what}: {remedy}."))


_ENCODINGS: dict[str, Callable[[Dataset, str], Floats]] = {
    "mse": _as_numbers,
    "mae": _as_numbers,
    "huber": _as_numbers,
    "binary_cross_entropy": _as_yes_or_no,
    "focal": _as_yes_or_no,
    "hinge": _as_yes_or_no,
    "perceptron": _as_yes_or_no,
    "cross_entropy": _as_classes,
}
